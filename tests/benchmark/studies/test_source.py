"""Which schemes of a run are carried first."""

from itertools import permutations
from math import nan
from pathlib import Path

import pytest

from benchmark.basics.errors import UsageError
from benchmark.records.run import StandaloneRecord
from benchmark.studies.source import Source, best_first


def trained(bits: str, seed: int, validation: float, failure: str = "") -> StandaloneRecord:
    return StandaloneRecord(bits, seed, validation, validation, 1.0, 1.0, failure=failure)


def test_the_order_of_schemes_is_by_mean_and_depends_on_no_order_of_records() -> None:
    records = [
        trained("0011", 0, 0.75),
        trained("0011", 1, nan, "loss is not finite"),
        trained("0101", 0, 0.5),
        trained("0101", 1, 0.5),
        trained("1001", 0, 0.5),
        trained("1111", 0, nan, "loss is not finite"),
    ]
    for order in permutations(records):
        assert best_first(order) == ["0011", "0101", "1001"]


def test_a_ticket_file_has_no_candidates_to_give() -> None:
    run = Source(Path("runs/one"), {}, "01", ("10", "11"))
    assert run.best(1) == ("10",)
    assert run.best(8) == ("10", "11")
    ticket = Source(Path("ticket.json"), {}, "01")
    assert ticket.best(0) == ()
    with pytest.raises(UsageError, match=r"ticket\.json is a ticket file"):
        ticket.best(1)
