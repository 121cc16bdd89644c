"""Small VOC trees, as they lie on disks."""

from pathlib import Path

from tasks.voc.writing import Counts, write_tree

COUNTS = Counts(training=24, test=6, additional=5)


def voc_tree(root: Path) -> Path:
    """A devkit with SBD beside it; ``root`` is returned."""
    write_tree(root, COUNTS, seed=3)
    return root
