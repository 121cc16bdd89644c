#!/bin/sh
# Grey PNG masks of 2 or 4 bits lose their class numbers when Pillow opens them; palette ones don't.
#
# Package: Pillow 13.0.0 (PyPI), with NumPy 2.4.6.
# Source:  PngImagePlugin's table of modes opens grey images of 2 and 4 bits with the raw modes "L;2"
#          and "L;4", whose unpackers (libImaging/Unpack.c) spread samples over 0 to 255; palette
#          images of the same depth open with "P;2" and "P;4", which keep samples as they are.
# Guess:   a mask whose samples are class numbers gives these numbers whatever its colour type.
# Seen:    samples 0, 1, 2, 3 are read as
#              grey 2 bits: L [0, 85, 170, 255]     palette 2 bits: P [0, 1, 2, 3]
#              grey 4 bits: L [0, 17, 34, 51]       palette 4 bits: P [0, 1, 2, 3]
#          so class 3 of a 2-bit grey mask becomes 255, which VOC's protocol ignores.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
"$work/venv/bin/python" - <<'P'
import io, struct, zlib
import numpy as np
from PIL import Image

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

def png(bits, colour):
    samples = int("".join(f"{value:0{bits}b}" for value in range(4)), 2).to_bytes(bits // 2, "big")
    palette = chunk(b"PLTE", bytes(range(12))) if colour == 3 else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, colour, 0, 0, 0))
            + palette + chunk(b"IDAT", zlib.compress(b"\0" + samples)) + chunk(b"IEND", b""))

def seen(bits, colour):
    image = Image.open(io.BytesIO(png(bits, colour)))
    return image.mode, np.asarray(image)[0].tolist()

found = {(bits, name): seen(bits, colour) for bits in (2, 4) for name, colour in (("grey", 0), ("palette", 3))}
print(found)
assert found == {
    (2, "grey"): ("L", [0, 85, 170, 255]), (2, "palette"): ("P", [0, 1, 2, 3]),
    (4, "grey"): ("L", [0, 17, 34, 51]), (4, "palette"): ("P", [0, 1, 2, 3]),
}, "Pillow reads them differently now"
P
