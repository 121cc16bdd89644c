"""Which schemes of a run are carried first."""

from itertools import permutations
from math import nan

from benchmark.records import StandaloneRecord
from benchmark.transfer_source import best_first


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
