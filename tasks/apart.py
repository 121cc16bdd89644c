"""Whether files that networks are tested on are also among those they are trained on."""

from collections.abc import Callable, Iterable


def shared_files(
    trained: Iterable[tuple[str, int]],
    tested: Iterable[tuple[str, int]],
    same: Callable[[int, int], bool],
) -> int | None:
    """The first file to test on that lies among those to train on, under the same name.

    A copy under another name isn't looked for: that would read everything.

    Args:
        trained: name and size of each file to train on.
        tested: of each to test on.
        same: whether such a row of either, of the same name and size, has the same content.
    """
    rows = {file: row for row, file in enumerate(tested)}
    for row, file in enumerate(trained):
        other = rows.get(file)
        if other is not None and same(row, other):
            return other
    return None
