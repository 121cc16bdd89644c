from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmark.basics.errors import SchemeError, UsageError
from benchmark.cli import main
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.evidence import Evidence, read_evidence
from benchmark.records.run import StandaloneRecord
from benchmark.storage.store import Store
from benchmark.studies.chosen_schemes import listed_schemes, train_schemes
from benchmark.studies.trust import ask_oracles, fitting_evidence
from benchmark.workers.pool import WorkerPool

SETTINGS = Settings(standalone_epochs=1, standalone_seeds=2)


def test_schemes_are_trained_once_and_held_against_oracles(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "cache.sqlite")) as cache:
        schemes = ["none", "1010|0000|0000", "101000000000"]
        evidence = train_schemes(SETTINGS, schemes, cache=cache, workers=WorkerPool(1))
        again = train_schemes(SETTINGS, schemes[:1], cache=cache, workers=WorkerPool(1))
        answers = ask_oracles(evidence, cache=cache, workers=WorkerPool(1), supernet_epochs=1)
    found = [(record.bits, record.seed) for record in evidence.records]
    assert found == [(bits, seed) for bits in ("0" * 12, "101" + "0" * 9) for seed in range(2)]
    assert again.records == evidence.records[:2]  # seconds too: nothing ran again
    assert [answer.batch_norm for answer in answers] == ["recalibrated", "running"]
    assert set(answers[0].accuracy) == {"0" * 12, "101" + "0" * 9}


def test_other_data_are_refused(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "cache.sqlite")) as cache:
        evidence = train_schemes(SETTINGS, ["none"], cache=cache, workers=WorkerPool(1))
        evidence.task["fingerprint"] = "another"
        with pytest.raises(UsageError, match="the evidence is about data"):
            ask_oracles(evidence, cache=cache, workers=WorkerPool(1), supernet_epochs=1)


def test_settings_that_a_file_leaves_out_or_gets_wrong_are_the_defaults_or_named(
    tmp_path: Path,
) -> None:
    with closing(Store(tmp_path / "cache.sqlite")) as cache:
        record = StandaloneRecord("0" * 12, 0, 0.5, 0.5, 1.0, 1.0)
        evidence = Evidence("t", {}, (4, 4, 4), Plan(SETTINGS).task.facts(), {}, (record,))
        answers = ask_oracles(evidence, cache=cache, workers=WorkerPool(1), supernet_epochs=1)
        assert len(answers) == 2
        evidence.settings["task"] = "digit"
        with pytest.raises(UsageError, match="did you mean 'digits'"):
            ask_oracles(evidence, cache=cache, workers=WorkerPool(1))


def test_lists_have_a_scheme_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("# the ends\nnone\n\nfull  # everywhere\n")
    assert listed_schemes(path) == ["none", "full"]
    path.write_text("# nothing\n")
    with pytest.raises(SchemeError, match="lists no schemes"):
        listed_schemes(path)
    with pytest.raises(UsageError, match="can't read schemes"):
        listed_schemes(tmp_path / "absent")


def test_a_scheme_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    with (
        closing(Store(tmp_path / "cache.sqlite")) as cache,
        pytest.raises(SchemeError, match="expected a scheme of 12 bits"),
    ):
        train_schemes(SETTINGS, ["101"], cache=cache, workers=WorkerPool(1))


def test_results_that_come_along_fit_their_task_and_recipe_only(tmp_path: Path) -> None:
    found = fitting_evidence(Plan(Settings()))
    assert found is not None
    assert found[0] == "digits-standalone.json"
    assert len(found[1].records) == 256
    for other in ({"standalone_epochs": 1}, {"data_seed": 1}, {"attention": "sge"}):
        assert fitting_evidence(Plan(Settings(**other))) is None
    (tmp_path / "torn.json").write_text('{"training"')
    assert fitting_evidence(Plan(Settings()), tmp_path) is None


def test_a_file_of_results_names_the_command_that_gives_them(tmp_path: Path) -> None:
    given = ["standalone", "--scheme", "none", "--seeds", "1", "--epochs", "1"]
    places = ["--workers", "1", "--cache", str(tmp_path), "--out", str(tmp_path / "found.json")]
    assert CliRunner().invoke(main, [*given, *places]).exit_code == 0
    found = read_evidence(tmp_path / "found.json").environment["command"]
    assert found == f"python -m benchmark {' '.join(given)}"
