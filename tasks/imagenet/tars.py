"""Tars as they come from elsewhere: listed member by member, and never unpacked."""

import tarfile
from collections.abc import Iterator

_LARGEST_HEADER = 2**20
"""Bytes of a member that only says something of the next one: its long name, say."""


class Member(tarfile.TarInfo):
    """A member of a tar; to be given to `tarfile.open` as ``tarinfo``.

    `tarfile` believes whatever size a header tells: it reads a header's content of that size, and
    looks for the next member that far away, be it backwards.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Member":
        """The member that the 512 bytes of a header describe.

        Raises:
            tarfile.ReadError: it tells a size that no such member has.
        """
        member = super().frombuf(buf, encoding, errors)
        _refuse(member, None if member.isreg() else _LARGEST_HEADER)
        return member


def members(archive: tarfile.TarFile, size: int) -> Iterator[tarfile.TarInfo]:
    """The members of an archive in their order, each before the next one is looked for.

    Args:
        archive: opened with `Member` as ``tarinfo``.
        size: bytes that the archive has, or may have.

    Yields:
        Members that end within these.

    Raises:
        tarfile.ReadError: one doesn't.
    """
    for member in archive:
        # A size may also stand in a header that comes before the member's own.
        _refuse(member, size - member.offset_data)
        yield member


def _refuse(member: tarfile.TarInfo, limit: int | None) -> None:
    if member.size < 0 or (limit is not None and member.size > limit):
        raise tarfile.ReadError(
            f"the member {member.name[:100]!r} would have {member.size:,} bytes"
            + ("" if limit is None else f", where there is room for {limit:,}")
        )
