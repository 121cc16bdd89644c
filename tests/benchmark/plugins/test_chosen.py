import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.basics.errors import UsageError
from benchmark.plugins.chosen import ChosenStrategy, choose, choose_all
from benchmark.plugins.overrides import Overrides, read_overrides
from benchmark.workers.pool import WorkerPool
from strategies.base import SearchSpace
from strategies.registry import strategy_names
from tests.benchmark.plug_in import SOURCE, write_package, write_plug_in

SPACE = SearchSpace((2, 3), budget=9)


def first_request(chosen: ChosenStrategy) -> list[list[bool]]:
    schemes = chosen.make(SPACE, rng=np.random.default_rng(3)).ask(9)
    assert isinstance(schemes, np.ndarray)
    asked: list[list[bool]] = schemes.tolist()
    return asked


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("flips", "flips.search"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_a_file_is_called_as_its_class_says(tmp_path: Path) -> None:
    chosen = choose(write_plug_in(tmp_path))
    assert chosen.name == "flipper"
    assert chosen.is_plug_in
    assert chosen.reference == f"{tmp_path / 'mine.py'}:Flipper"


def test_relative_paths_and_absolute_ones_are_the_same_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absolute = choose(write_plug_in(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert choose("./mine.py:Flipper") == choose("mine.py:Flipper") == absolute


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    choose(write_plug_in(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_an_edited_file_is_other_code(tmp_path: Path) -> None:
    before = choose(write_plug_in(tmp_path))
    after = choose(write_plug_in(tmp_path, SOURCE.replace("batch: int = 2", "batch: int = 3")))
    assert before.identity() != after.identity()
    assert len(first_request(after)) == 3
    with pytest.raises(UsageError, match="has changed since the run began"):
        before.load()


def test_the_same_content_elsewhere_is_the_same_experiment(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    one, other = choose(write_plug_in(tmp_path)), choose(write_plug_in(tmp_path / "copy"))
    assert one.reference != other.reference
    assert one.identity() == other.identity()


def test_worker_processes_load_the_same_code(tmp_path: Path) -> None:
    chosen = choose(write_plug_in(tmp_path), {"share": "0.9"})
    answers = dict(WorkerPool(2).map(first_request, [chosen, choose("random"), chosen]))
    assert answers == {
        0: first_request(chosen),
        1: first_request(choose("random")),
        2: first_request(chosen),
    }
    assert pickle.loads(pickle.dumps(chosen)) == chosen


@pytest.mark.parametrize(
    ("source", "reference", "message"),
    [
        (None, "mine.py:Flipper", "there is no strategy file 'mine.py'"),
        (SOURCE, "mine.py", r"expected a strategy's name or FILE\.py:CLASS, received 'mine\.py'"),
        (SOURCE, "./mine:Flipper", r"expected a strategy's name or FILE\.py:CLASS"),
        (SOURCE, "mine.py:Fliper", r"unknown class in mine.py 'Fliper'; did you mean 'Flipper'\?"),
        (SOURCE, "mine.py:np", "expected np of mine.py to be a subclass of strategies.base"),
        (SOURCE + "\n1 / 0\n", "mine.py:Flipper", r"ZeroDivisionError: .* \(line 44\)"),
        ("def f(:\n", "mine.py:Flipper", r"can't run .*mine.py: SyntaxError: .*line 1"),
        (
            SOURCE.replace("def tell", "def told"),
            "mine.py:Flipper",
            "Flipper of mine.py has no tell",
        ),
        (SOURCE.replace('"flipper"', '"ga"'), "mine.py:Flipper", "is called 'ga', as a strategy"),
        (SOURCE.replace('"flipper"', '"My.One"'), "mine.py:Flipper", "in lower case, .*'My.One'"),
        (SOURCE.replace('    name = "flipper"\n', ""), "mine.py:Flipper", "received None"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str | None,
    reference: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if source is not None:
        write_plug_in(tmp_path, source)
    with pytest.raises(UsageError, match=message):
        choose(reference)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    references = [write_plug_in(tmp_path), write_plug_in(tmp_path / "other", SOURCE + "# other\n")]
    with pytest.raises(UsageError, match="have one name, 'flipper'; give one of them another"):
        choose_all(references, {}, SPACE)


def test_installed_packages_offer_strategies_by_name(package: Path) -> None:
    write_package(package)
    assert strategy_names()[-1] == "flipper"
    chosen = choose("flipper")
    assert chosen.is_plug_in
    assert len(first_request(chosen)) == 2


def test_the_code_of_an_installed_package_is_part_of_the_identity(package: Path) -> None:
    write_package(package)
    (package / "flips" / "helper.py").write_text("answer = 42\n")
    assert choose("flipper").code not in (choose("random").code, choose("ean").code)


@pytest.mark.parametrize(
    ("entry", "name", "message"),
    [
        ("flip = flips.search:Flipper", "flip", "the name of its entry point, 'flip', received"),
        ("flipper = flips.search:Fliper", "flipper", "can't load strategy 'flipper' from flips"),
        ("flipper = flips.search:np", "flipper", "to be a subclass of strategies.base.Strategy"),
        ("ga = flips.search:Flipper", "flipper", "'ga' is offered twice: by strategies.ga:GA and"),
    ],
)
def test_a_package_that_offers_something_else_is_refused(
    package: Path, entry: str, name: str, message: str
) -> None:
    write_package(package, entry)
    with pytest.raises(UsageError, match=message):
        choose(name)


def test_values_are_read_in_the_types_that_are_declared(tmp_path: Path) -> None:
    given = read_overrides(("f.share=1", "f.batch=4", "f.fixed=true", "f.most=none"))["f"]
    chosen = choose(write_plug_in(tmp_path), given)
    assert chosen.values == (("share", 1.0), ("batch", 4), ("fixed", True))


def test_a_value_that_is_the_default_changes_nothing(tmp_path: Path) -> None:
    reference = write_plug_in(tmp_path)
    assert choose(reference, {"share": 0.5}).identity() == choose(reference).identity()
    assert choose(reference, {"share": 0.4}).identity() != choose(reference).identity()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"gaa": {"population": 3}}, "unknown strategy of this run 'gaa'; did you mean 'ga'?"),
        ({"ga": {"poplation": 3}}, "unknown hyper-parameter of ga 'poplation'; did you mean 'popu"),
        ({"ga": {"population": "many"}}, "ga.population: expected a valid integer, .*'many'"),
        ({"ga": {"population": 2.5}}, "ga.population: expected a valid integer, received 2.5"),
        ({"ga": {"population": True}}, "ga.population: expected a valid integer, received True"),
        ({"ga": {"population": 0}}, "ga: expected population of at least 1, received 0"),
        ({"ga": {"flip_probability": "nan"}}, "ga.flip_probability: expected a finite number"),
        ({"flipper": {"share": 2}}, "flipper: expected share from 0 to 1, received 2.0"),
    ],
)
def test_a_value_that_can_not_be_is_refused(
    tmp_path: Path, overrides: Overrides, message: str
) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        choose_all(["ga", write_plug_in(tmp_path)], overrides, SPACE)


@pytest.mark.parametrize("text", ["ean", "ean.clip", "clip=3", ".clip=3", "ean.=3"])
def test_an_override_has_one_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected STRATEGY\.NAME=VALUE, received"):
        read_overrides((text,))


def test_an_override_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"ean\.clip is set twice: 1 and 2"):
        read_overrides(("ean.clip=1", "ean.clip = 2"))
