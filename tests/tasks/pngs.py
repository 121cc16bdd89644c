"""PNGs of every kind of pixel, as the format says: no writer of images knows all of them."""

import struct
import zlib

GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
"""Kinds, by the format's numbers."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + _checksum(kind + content)


def _checksum(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def png(depth: int, colour: int, samples: list[int], channels: int = 1, **chunks: bytes) -> bytes:
    """A PNG of one row: ``depth`` bits a sample, pixel by pixel; further ``chunks`` by name."""
    bits = "".join(f"{sample:0{depth}b}" for sample in samples)
    row = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    header = struct.pack(">IIBBBBB", len(samples) // channels, 1, depth, colour, 0, 0, 0)
    extra = b"".join(_chunk(name.encode(), content) for name, content in chunks.items())
    parts = _chunk(b"IHDR", header) + extra + _chunk(b"IDAT", zlib.compress(b"\0" + row))
    return b"\x89PNG\r\n\x1a\n" + parts + _chunk(b"IEND", b"")
