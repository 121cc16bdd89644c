import importlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from jaxtyping import Float64

from benchmark.basics.errors import UsageError
from benchmark.cli import main
from benchmark.plugins.chosen import choose_all
from benchmark.testing.search import hills, some_failures
from benchmark.testing.search import search as undisturbed
from benchmark.testing.states import global_states
from strategies._nni import Importance, installed, module_importance
from strategies.base import SearchSpace, StrategyError
from strategies.gm import GM
from strategies.l1 import L1
from strategies.l2 import L2
from strategies.nni_ppo import NNIPPO
from strategies.nni_tpe import NNITPE
from strategies.random import Random
from tests.strategies.white_box import Weights

needs_nni = pytest.mark.skipif(not installed(), reason="needs the extra nni, as tox installs it")

ROOT = Path(__file__).parents[2]
KINDS: tuple[Importance, ...] = ("l1", "l2", "gm")
Matrices = Sequence[Float64[np.ndarray, "_rows _columns"]]
SE = ((2, 8), (8, 2)) * 3 + ((4, 16), (16, 4)) * 2
"""Layers of three narrow modules and two wide ones."""


def weights(*shapes: tuple[int, int]) -> Matrices:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


def by_hand(layers: Matrices, kind: Importance) -> float:
    tensors = [torch.from_numpy(layer) for layer in layers]
    if kind == "l1":
        return float(sum(layer.abs().sum() for layer in tensors))
    if kind == "l2":
        return float(torch.cat([layer.flatten() for layer in tensors]).norm())
    exact = "donot_use_mm_for_euclid_dist"
    return float(sum(torch.cdist(layer, layer, compute_mode=exact).sum() for layer in tensors))


def tpe(seed: int = 0, *, blocks: int = 12) -> NNITPE:
    return NNITPE(SearchSpace((blocks,), budget=300), rng=np.random.default_rng(seed))


def drawn_from() -> dict[str, bytes]:
    """Global states but Python's, which the checks of annotations draw from."""
    return {name: state for name, state in global_states().items() if name != "random"}


@needs_nni
@pytest.mark.parametrize("kind", [L1, L2, GM])
def test_pruning_by_nnis_scores_keeps_the_same_modules_as_by_our_own(
    kind: type[L1 | L2 | GM],
) -> None:
    modules = [{"down": down, "up": up} for down, up in zip(*[iter(weights(*SE))] * 2, strict=True)]
    kept = []
    for scores in ("own", "nni"):
        strategy = kind(SearchSpace((3, 2), 9), rng=np.random.default_rng(0), scores=scores)
        strategy.look_into(Weights(*modules))
        kept.append(strategy.ask(9).tolist())
    assert kept[0] == kept[1]
    assert kept[0][1] not in ([True] * 5, [False] * 5)
    with pytest.raises(StrategyError, match="expected scale sum or stage with NNI's scores"):
        kind(SearchSpace((3, 2), 9), rng=np.random.default_rng(0), scores="nni", scale="mean")


def test_pruning_by_nnis_scores_asks_for_nni(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strategies._nni.installed", lambda: False)
    with pytest.raises(StrategyError, match=r"pip install 'ticket-benchmark\[nni\]'"):
        L1(SearchSpace((3,), 9), rng=np.random.default_rng(0), scores="nni")


@needs_nni
def test_importance_worked_by_hand() -> None:
    filters = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert module_importance([filters], "l1") == pytest.approx(7.0)
    assert module_importance([filters], "l2") == pytest.approx(5.0)
    assert module_importance([filters], "gm") == pytest.approx(10.0)
    assert module_importance([filters, 2 * filters], "l2") == pytest.approx(125**0.5)


@needs_nni
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shapes", [((4, 64), (64, 4)), ((1, 1),), ((2, 3), (300, 2), (5, 5), (1, 4))]
)
def test_importance_is_that_of_a_few_lines_of_torch(
    kind: Importance, shapes: tuple[tuple[int, int], ...]
) -> None:
    layers = weights(*shapes)
    before = [layer.copy() for layer in layers]
    states = drawn_from()
    assert module_importance(layers, kind) == pytest.approx(by_hand(layers, kind), rel=1e-6)
    assert drawn_from() == states
    assert all(np.array_equal(was, layer) for was, layer in zip(before, layers, strict=True))


@needs_nni
def test_the_hash_seed_does_not_matter() -> None:
    shapes = ((4, 64), (64, 4), (8, 128), (128, 8))
    code = (
        "import numpy as np; from strategies._nni import module_importance;"
        "rng = np.random.default_rng(0);"
        f"layers = [rng.standard_normal(shape) for shape in {shapes}];"
        "print(*(module_importance(layers, kind).hex() for kind in ('l1', 'l2', 'gm')))"
    )
    here = [module_importance(weights(*shapes), kind) for kind in KINDS]
    environment = os.environ | {"PYTHONHASHSEED": "4242", "PYTHONPATH": str(ROOT)}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert [float.fromhex(value) for value in elsewhere.stdout.split()] == pytest.approx(
        here, rel=1e-12
    )


def test_nothing_else_imports_nni() -> None:
    naming = re.compile(r"import_module\(\"nni|^\s*(from|import) nni\b|_imported\(", re.MULTILINE)
    folders = ("benchmark", "strategies", "tasks", "reports")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert [path.name for path in sources if naming.search(path.read_text())] == ["_nni.py"]


def test_without_it_everything_is_listed_and_choosing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "nni", None)
    listed = CliRunner().invoke(main, ["list", "strategies"])
    assert listed.exit_code == 0
    assert "nni-ppo" in listed.output
    for name in ("nni-ppo", "nni-tpe"):
        with pytest.raises(
            UsageError, match=rf"^{name}: needs NNI: pip install 'ticket-benchmark\[nni\]'"
        ):
            choose_all([name], {}, SearchSpace((3,), budget=9))
    with pytest.raises(StrategyError, match=r"^needs NNI: pip install"):
        module_importance(weights((2, 2)), "l1")


@needs_nni
def test_another_nni_without_such_a_pruner_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pruning = importlib.import_module("nni.compression.pruning")
    monkeypatch.delattr(pruning, "L1NormPruner")
    with pytest.raises(StrategyError, match=r"^needs NNI: pip install .*L1NormPruner"):
        module_importance(weights((2, 2)), "l1")


@needs_nni
def test_nni_tpe_beats_random_search() -> None:
    best, chance = [], []
    for seed in range(3):
        best.append(hills(np.concatenate(undisturbed(tpe(seed), budget=100).requests)).max())
        random = Random(SearchSpace((12,), budget=100), rng=np.random.default_rng(seed))
        chance.append(hills(np.concatenate(undisturbed(random, budget=100).requests)).max())
    assert np.mean(best) > np.mean(chance)


@needs_nni
def test_nni_tpe_asks_nothing_twice_and_exhausts_a_small_space() -> None:
    for landscape in (hills, some_failures):
        found = undisturbed(tpe(blocks=5), landscape, budget=99)
        assert len(found.bits()) == len(set(found.bits())) == 2**5
        assert found.ended


@needs_nni
def test_nni_ppo_learns_between_its_updates(
    capfd: pytest.CaptureFixture[str],
) -> None:
    space = SearchSpace((3,), budget=90)
    states = drawn_from()
    found = undisturbed(
        NNIPPO(
            space,
            rng=np.random.default_rng(0),
            samples_per_update=30,
            updates=2,
            learning_rate=0.01,
        ),
        lambda schemes: schemes.mean(axis=1),
        budget=90,
    )
    assert [len(schemes) for schemes in found.requests] == [30, 30, 30]
    first, _, last = (schemes.mean() for schemes in found.requests)
    assert last > first + 0.2
    assert drawn_from() == states
    assert capfd.readouterr() == ("", "")


@needs_nni
def test_nni_ppo_leaves_failed_answers_out() -> None:
    strategy = NNIPPO(SearchSpace((3,), budget=9), rng=np.random.default_rng(0), updates=1)
    before = undisturbed(strategy, lambda schemes: np.full(len(schemes), np.nan), budget=25)
    assert [len(schemes) for schemes in before.requests] == [20, 5]
    assert len(strategy.ask(99)) == 20
