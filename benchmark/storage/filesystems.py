"""Which file system a path lies on; on networks SQLite's WAL mode loses data.

WAL keeps its index in memory that all processes share, which several machines can't
(SQLite's documentation, "Write-Ahead Logging", on network file systems).
"""

import os
import re
from pathlib import Path

NETWORK = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.ceph", "fuse.glusterfs"),
        *("fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre"),
        *(
            "ncpfs",
            "nfs",
            "nfs4",
            "ocfs2",
            "orangefs",
            "pvfs2",
            "smb3",
            "smbfs",
            "vboxsf",
            "virtiofs",
        ),
    }
)
"""Types that may be mounted by several machines at once, as ``/proc/mounts`` names them."""

MOUNTS = Path("/proc/mounts")


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that ``path`` lies on, or would; empty where nobody says.

    Args:
        path: need not exist.
        mounts: one mount a line, as Linux lists them.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    where = os.path.realpath(path)
    best, found = "", ""
    for line in lines:
        _, point, kind, *_ = (*line.split(" "), "", "")
        point = _unescaped(point)
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if point and inside and len(point) >= len(best):  # the last mount hides those before it
            best, found = point, kind
    return found


def on_network(path: Path, mounts: Path = MOUNTS) -> bool:
    """Whether several machines may see ``path``."""
    return file_system(path, mounts) in NETWORK


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
