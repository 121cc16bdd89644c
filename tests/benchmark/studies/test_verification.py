from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmark.cli import main
from benchmark.planning.plan import Plan
from benchmark.planning.settings import Settings
from benchmark.records.run import CostRecord, Interval
from benchmark.records.ticket import Ticket
from benchmark.standalone.costs import measure_costs
from benchmark.storage.store import Store
from benchmark.studies.chosen_schemes import judge_schemes, train_schemes
from benchmark.studies.verification import verify
from benchmark.workers.pool import WorkerPool
from tests.costs import timed

SETTINGS = Settings(smoke=True, backbone="resnet8-basic", attention="sge", sharing="share")
SCHEME = "101"


@pytest.fixture(scope="module", autouse=True)
def _steady_clock() -> Iterator[None]:
    """What networks this small take is luck; here all take the same time."""
    same = Interval(0.0, -0.001, 0.001)

    def steady(*arguments: Any, **options: Any) -> CostRecord:
        found = measure_costs(*arguments, **options)
        return timed(found, increment=same, increment_over_full=same)

    with pytest.MonkeyPatch.context() as patch:
        for module in ("measurement", "verification"):
            patch.setattr(f"benchmark.studies.{module}.measure_costs", steady)
        yield


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with closing(Store(tmp_path_factory.mktemp("cache") / "cache.sqlite")) as store:
        yield store


@pytest.fixture(scope="module")
def ticket(cache: Store) -> Ticket:
    schemes = [SCHEME, "full", "none"]
    evidence = train_schemes(SETTINGS, schemes, cache=cache, workers=WorkerPool(1))
    found, original = judge_schemes(SETTINGS, evidence, cache=cache)
    assert (found.scheme, original.scheme) == (SCHEME, "000")
    assert found.claim.reason.startswith("one seed gives no accuracy interval")
    return found


def test_a_ticket_of_this_machine_is_repeated_exactly(ticket: Ticket, cache: Store) -> None:
    found = verify(ticket, cache=cache, workers=WorkerPool(1), quick=True)
    assert (found.outcome, found.reason) == ("holds", "undecided, 1 seed repeated exactly")
    names = [row.name for row in found.comparisons if row.agrees]
    assert names == ["scheme, seed 0", "Full-SA, seed 0", "Original, seed 0", "parameters"]


def test_what_was_trained_for_a_check_is_not_trained_again(ticket: Ticket, cache: Store) -> None:
    verify(ticket, cache=cache, workers=WorkerPool(1), quick=True)
    identity = Plan(SETTINGS).training.identity(Plan(SETTINGS).task)
    assert len(cache.standalone(identity)) == 3  # the ticket's own stay as they were
    key = f"{identity} for ticket {ticket.checksum}"
    before = cache.standalone(key)
    verify(ticket, cache=cache, workers=WorkerPool(1), quick=True)
    assert cache.standalone(key) == before != {}  # seconds too: nothing ran again


def test_fresh_seeds_are_others_than_the_tickets(ticket: Ticket, cache: Store) -> None:
    found = verify(ticket, cache=cache, workers=WorkerPool(1), fresh=1, quick=True)
    assert found.outcome == "holds"  # undecided claims nothing that could fail
    assert "1 fresh seed says" in found.reason
    assert not any(row.kind == "accuracy" for row in found.comparisons)


def test_other_data_and_other_networks_can_not_be_checked(ticket: Ticket, cache: Store) -> None:
    there = ticket.task | {"fingerprint": "another"}
    other = ticket.model_copy(update={"task": there})
    found = verify(other, cache=cache, workers=WorkerPool(1))
    assert found.outcome == "can't be checked"
    assert found.reason == (f"data differ (fingerprint another, here {ticket.task['fingerprint']})")
    other = ticket.model_copy(update={"recipe": ticket.recipe | {"batch_size": 5}})
    found = verify(other, cache=cache, workers=WorkerPool(1))
    assert found.reason == "this version makes another network or recipe of the ticket's settings"


def test_exit_codes_say_how_it_ended(ticket: Ticket, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    first, *others = ticket.trainings
    wrong = replace(first, test_accuracy=0.0625)
    raised = tuple(
        replace(one, test_accuracy=one.test_accuracy + 0.0625) for one in (first, *others)
    )
    other = ticket.task | {"fingerprint": "another"}
    for update, code, words in (
        ({}, 0, f"{path} holds: undecided, 1 seed repeated exactly"),
        ({"trainings": (wrong, *others)}, 1, "doesn't hold: its accuracy minus Full-SA"),
        ({"trainings": raised}, 1, "doesn't hold: other values on the same code"),
        ({"task": other}, 2, "can't be checked: data differ (fingerprint another"),
    ):
        ticket.model_copy(update=update).write(path)
        result = CliRunner().invoke(main, ["verify", str(path), "--quick", "--workers", "1"])
        assert (result.exit_code, words in result.output) == (code, True), result.output
    path.write_text(path.read_text().replace("another", "one more"))
    for command in ("verify", "export"):
        result = CliRunner().invoke(main, [command, str(path)])
        assert result.exit_code == 2
        assert "was edited after it was written" in result.output
        assert "Traceback" not in result.output
