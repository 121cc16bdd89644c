from benchmark.records.run import RunRecords
from reports.numbers.analysis import analyse
from reports.tables.charts import (
    chart_tables,
    convergence_table,
    landscape_table,
    trust_points_table,
)
from reports.tables.table import to_csv


def test_every_chart_has_its_own_name_and_described_columns(records: RunRecords) -> None:
    tables = chart_tables(analyse(records))
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        assert table.rows, table.name
        assert len({column.key for column in table.columns}) == len(table.columns)
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert to_csv(table).count("\n") == len(table.rows) + 1


def test_a_run_that_has_only_begun_has_tables_without_rows(unfinished: RunRecords) -> None:
    rows = {table.name: len(table.rows) for table in chart_tables(analyse(unfinished))}
    assert rows["curves"] > 0
    assert rows["trust-points"] == 0


def test_landscape_counts_every_scheme_once(records: RunRecords) -> None:
    rows = landscape_table(analyse(records)).records()
    assert sum(int(str(row["schemes"])) for row in rows) == 4096
    assert sum(int(str(row["schemes"])) for row in rows if row["connections"] == 6) == 924


def test_convergence_joins_both_curves_by_evaluation(records: RunRecords) -> None:
    rows = convergence_table(analyse(records)).records()
    first, last = rows[0], rows[59]
    assert (first["evaluations"], first["agreement"]) == (1, None)
    assert last["evaluations"] == 60
    assert last["agreement"] is not None


def test_points_of_trust_name_where_they_were_trained(two_modes: RunRecords) -> None:
    rows = trust_points_table(analyse(two_modes)).records()
    assert {row["trained"] for row in rows} == {"here", "elsewhere.json"}
    assert {row["batch_norm"] for row in rows} == {"recalibrated", "running"}
