from pathlib import Path

import pytest

from benchmark.storage.filesystems import file_system, on_network

MOUNTS = r"""
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/ann/fast tmpfs rw 0 0
//server/share /mnt/two\040words cifs rw 0 0
other /mnt/two\040words smb3 rw 0 0
torn
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(MOUNTS)
    return path


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/var/x", "ext4", False),
        ("/home/ann/run", "nfs4", True),
        ("/home/ann/fast/run", "tmpfs", False),
        ("/homework", "ext4", False),
        ("/mnt/two words/x", "smb3", True),
    ],
)
def test_a_path_lies_on_the_mount_nearest_to_it(
    mounts: Path, path: str, kind: str, *, network: bool
) -> None:
    assert file_system(Path(path), mounts) == kind
    assert on_network(Path(path), mounts) == network


def test_where_nobody_lists_mounts_nothing_is_said(tmp_path: Path) -> None:
    assert file_system(tmp_path, tmp_path / "nowhere") == ""
    assert not on_network(tmp_path, tmp_path / "nowhere")
