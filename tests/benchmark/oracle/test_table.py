from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Int64

from benchmark.basics.errors import SchemeError
from benchmark.oracle.answers_file import Table
from benchmark.oracle.table import TableOracle
from tests.benchmark.tables import closed_form_table


def test_schemes_are_answered_in_any_order_and_number() -> None:
    table = closed_form_table()
    oracle = TableOracle(table)
    rows = np.random.default_rng(0).integers(len(table.schemes), size=300)
    scores = oracle.score(table.schemes[rows])
    assert np.array_equal(scores.accuracy, table.accuracy[rows])
    assert np.array_equal(scores.loss, table.loss[rows])
    assert len(oracle.score(table.schemes[:0]).accuracy) == 0
    assert oracle.blocks == 7


def test_the_order_of_rows_in_the_file_changes_nothing() -> None:
    table = closed_form_table()
    other = _rows(table, np.random.default_rng(1).permutation(len(table.schemes)))
    answers = TableOracle(other).score(table.schemes)
    assert np.array_equal(answers.accuracy, table.accuracy)


def test_a_scheme_that_the_table_lacks_is_named() -> None:
    table = closed_form_table()
    partial = _rows(table, np.arange(100))
    oracle = TableOracle(partial)
    assert oracle.score(table.schemes[:100]).loss.tolist() == table.loss[:100].tolist()
    with pytest.raises(SchemeError, match=r"the table of 100 schemes lacks 11\|001\|00"):
        oracle.score(table.schemes[[0, 100]])


def _rows(table: Table, rows: Int64[np.ndarray, " rows"]) -> Table:
    return replace(
        table,
        schemes=table.schemes[rows],
        accuracy=table.accuracy[rows],
        loss=table.loss[rows],
        parameters=table.parameters[rows],
    )
