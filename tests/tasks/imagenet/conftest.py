from pathlib import Path

import pytest

from tests.tasks.trees import LAYOUTS, imagenet_tree


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("imagenet")
    return {layout: imagenet_tree(base / layout, layout) for layout in LAYOUTS}
