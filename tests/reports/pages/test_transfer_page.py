"""What a transfer's report says, on the paper's own numbers (Table VII, SHHB, SE) as means."""

import re
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.records.run import FigureKind, Interval, StandaloneRecord
from benchmark.records.transfer import TICKET, Carried, CarriedResult, TransferRecords
from reports.pages.transfer_page import rank_table, transfer_sentences, transfer_table
from reports.paper.folder import write_transfer_paper
from reports.paper.latex import to_latex
from reports.paper.transfer import carried
from reports.tables.table import to_csv
from tests.costs import cost_record
from tests.reports.states import broken

MAE = FigureKind("MAE", digits=1, lower_is_better=True)
RMSE = FigureKind("RMSE", digits=1, lower_is_better=True)


def result(
    name: str,
    bits: str,
    figures: tuple[float, float],
    increment: float,
    *,
    sharing: str = "share",
    source: float = 0.9,
    spread: float = 0.1,
) -> CarriedResult:
    """Two seeds, as far from the mean on either side."""
    mae, rmse = figures
    ends = (-spread, spread)
    trained = tuple(
        StandaloneRecord(
            bits, seed, 0.5, 0.5, 1.0, 1.0, figures={"MAE": mae + end, "RMSE": rmse + end}
        )
        for seed, end in enumerate(ends)
    )
    before = tuple(
        StandaloneRecord(bits, seed, 0.5, source + end / 100, 1.0, 1.0)
        for seed, end in enumerate(ends)
    )
    ratio = Interval(increment, increment - 0.01, increment + 0.01)
    cost = cost_record(bits, 120, 100, 1_000, 5.0, ratio, ratio)
    assert sharing in ("full", "share")
    network = Carried(name, "full" if sharing == "full" else "share", bits, bits[:3])
    return CarriedResult(network, before, trained, cost)


RECORDS = TransferRecords(
    experiment="0123456789abcdef",
    settings={"confidence": 0.95},
    attention="SE",
    blocks_per_stage=(2, 2),
    source={"task": "imagenet"},
    target={"task": "shanghaitech-b"},
    figures=(MAE, RMSE),
    environment={"command": "python -m benchmark transfer x"},
    results=(
        result("Original", "0000", (10.4, 16.8), 0.0, source=0.76),
        result("Full-SA", "1111", (9.5, 15.93), 0.1919, sharing="full", source=0.7701),
        result("Full-Share", "1111", (8.9, 14.6), 0.1919, source=0.7735),
        result(TICKET, "1010", (8.6, 14.7), 0.0616, source=0.774),
    ),
)


def test_the_table_has_the_papers_layout_with_its_brackets() -> None:
    rows = {str(row["network"]): row for row in transfer_table(RECORDS).records()}
    assert list(rows) == ["Original", "Full-SA", "Full-Share", "Ticket"]
    for name, mae, increment in (("Full-SA", 9.5, 19.19), ("Full-Share", 8.9, 19.19)):
        found, time = rows[name]["mae"], rows[name]["time_increment"]
        assert isinstance(found, Interval)
        assert isinstance(time, Interval)
        assert found.center == pytest.approx(mae)
        assert 100 * time.center == pytest.approx(increment)
        assert rows[name]["time_saved"] is None
    assert rows["Ticket"]["time_saved"] == pytest.approx(0.1303)
    assert rows["Original"]["time_increment"] is None
    gap = rows["Ticket"]["to_original"]
    assert isinstance(gap, Interval)
    assert gap.center == pytest.approx(-1.8)
    # Seeds disturb all alike here, so nothing is left to be unsure of.
    assert gap.high - gap.low == pytest.approx(0, abs=1e-6)


def test_lower_is_better_where_the_field_says_so() -> None:
    said = transfer_sentences(RECORDS)
    assert said[0].startswith("MAE on shanghaitech-b: Original 10.4")
    assert any("better than Original" in sentence and "−1.8" in sentence for sentence in said)
    worse = replace(RECORDS, figures=(replace(MAE, lower_is_better=False),))
    assert any("worse than Original" in sentence for sentence in transfer_sentences(worse))
    (first, *_) = rank_table(RECORDS).rows
    assert first[:2] == ("all carried schemes", 4)
    ranks = first[2]
    assert isinstance(ranks, Interval)
    assert ranks.center == pytest.approx(1)  # each is better than the one before on both
    (first, *_) = rank_table(worse).rows
    ranks = first[2]
    assert isinstance(ranks, Interval)
    assert ranks.center == pytest.approx(-1)


def test_time_is_said_with_its_sign_and_interval_and_only_of_a_network_with_modules() -> None:
    def said(ticket: CarriedResult) -> list[str]:
        records = replace(RECORDS, results=(*RECORDS.results[:3], ticket))
        return [text for text in transfer_sentences(records) if "Full-Share takes" in text]

    theirs = "Full-Share takes 19.19% more time [+18.19%, +20.19%]"
    for increment, own in (
        (0.0616, "6.16% more time [+5.16%, +7.16%]"),
        (-0.03, "3.00% less time [−4.00%, −2.00%]"),
    ):
        ticket = result(TICKET, "1010", (8.6, 14.7), increment)
        assert said(ticket) == [f"The ticket takes {own} than Original there; {theirs}."]
    # The target uses three blocks of four: nothing is left of this one.
    ticket = result(TICKET, "0001", (8.6, 14.7), 0.002)
    assert said(ticket) == [
        f"The ticket connects no block there, so it is Original's network; {theirs}."
    ]


def test_a_dead_head_is_counted_and_named_and_spoils_no_mean() -> None:
    ticket = RECORDS.results[3]
    dead = StandaloneRecord("1010", 1, nan, nan, nan, 1.0, failure="the head died: zero everywhere")
    broken = replace(ticket, target=(ticket.target[0], dead))
    records = replace(RECORDS, results=(*RECORDS.results[:3], broken))
    row = transfer_table(records).records()[3]
    assert (row["seeds"], row["failed"]) == (1, 1)
    assert row["why"] == "the head died: zero everywhere"
    said = transfer_sentences(records)
    assert "1 of 4 trainings of Ticket failed: the head died: zero everywhere." in said
    gone = replace(ticket, target=(dead,))
    records = replace(RECORDS, results=(*RECORDS.results[:3], gone))
    assert any("share no seed" in sentence for sentence in transfer_sentences(records))
    assert transfer_table(records).records()[3]["seeds"] == 0


def test_shares_are_shown_in_percent_and_differences_in_points() -> None:
    shares = FigureKind("mIoU", "%")
    results = tuple(
        replace(
            item,
            target=tuple(
                replace(record, figures={"mIoU": 0.6 + record.figures["MAE"] / 100})
                for record in item.target
            ),
        )
        for item in RECORDS.results
    )
    records = replace(RECORDS, figures=(shares,), results=results)
    lines = to_csv(transfer_table(records)).splitlines()
    assert "miou,miou_low,miou_high,to_original" in lines[0]
    assert ",70.4," in lines[1]
    assert transfer_sentences(records)[0].startswith("mIoU on shanghaitech-b: Original 70.40%")


def test_schemes_carried_beside_the_four_are_correlated_on_their_own() -> None:
    more = [
        result("", bits, (12 - rank, 18 - rank), 0.1, source=0.7 + rank / 100)
        for rank, bits in enumerate(("0001", "0011", "0111", "1011", "1110"))
    ]
    tables = rank_table(replace(RECORDS, results=(*RECORDS.results, *more)))
    assert [row[:2] for row in tables.rows] == [
        ("all carried schemes", 9),
        ("without Original, Full-SA and Full-Share", 6),
    ]


def test_the_papers_own_layout_is_filled_and_set_in_latex(tmp_path: Path) -> None:
    paper = carried(RECORDS)
    assert paper.table.name == "table-7"
    assert paper.groups == ("", *(["MAE"] * 3), *(["RMSE"] * 3), *(["Time"] * 3), "")
    original, row = paper.table.records()
    assert (original["sam"], row["sam"]) == ("Original", "SE")
    centers = [value.center for value in row.values() if isinstance(value, Interval)]
    assert centers == pytest.approx([9.5, 8.9, 8.6, 15.93, 14.6, 14.7, 0.1919, 0.1919, 0.0616])
    assert row["saved"] == pytest.approx(0.1303)
    first = original["mae_sa"]
    assert isinstance(first, Interval)
    assert first.center == pytest.approx(10.4)
    assert paper.missing() == {}
    assert r"\multicolumn{3}{c}{RMSE}" in to_latex(paper)
    names = {
        path.relative_to(tmp_path).as_posix() for path in write_transfer_paper(RECORDS, tmp_path)
    }
    assert {"table-7.tex", "transfer.tex", "tables.tex", "data/transfer.parquet"} <= names
    assert all((tmp_path / name).stat().st_size > 0 for name in names)


def test_a_column_of_a_network_that_cannot_be_says_why() -> None:
    recurrent = [item for item in RECORDS.results if item.network.name != "Full-SA"]
    missing = carried(replace(RECORDS, attention="dia", results=tuple(recurrent))).missing()
    # Original's figures stand in the first column of each group, as in the paper's Table II.
    assert set(missing) == {"time_sa"}
    assert "recurrent" in missing["time_sa"]


def test_segmentation_has_a_row_a_network_and_a_ticket_without_connections_says_so() -> None:
    figures = (FigureKind("mIoU", "%"), RMSE)
    results = [
        replace(
            item,
            target=tuple(
                replace(record, figures={"mIoU": 0.7, "RMSE": 1.0}) for record in item.target
            ),
        )
        for item in RECORDS.results
    ]
    results[3] = replace(results[3], network=replace(results[3].network, used="000"))
    paper = carried(replace(RECORDS, figures=figures, results=tuple(results)))
    assert paper.table.name == "table-8"
    assert [row["network"] for row in paper.table.records()] == ["Original", "SA", "Share", "Ours"]
    assert paper.missing() == {"saved": "the scheme connects nothing on the target"}


LOSSES = ("", "target", "seed", "scores", "both", "cost")


def lose(item: CarriedResult, lost: str) -> CarriedResult:
    """A result as a stop, a divergence or a missing measurement leaves it."""
    dead = [replace(one, test_accuracy=nan, figures={}, failure="diverged") for one in item.target]
    return {
        "": item,
        "target": replace(item, target=()),
        "seed": replace(item, target=item.target[:1], source=item.source[:1]),
        "scores": replace(item, target=tuple(dead)),
        "both": replace(item, source=tuple(dead), target=()),
        "cost": replace(item, cost=None),
    }[lost]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(LOSSES), min_size=4, max_size=4))
def test_whatever_was_lost_a_transfer_says_only_what_is_there(lost: list[str]) -> None:
    results = tuple(lose(item, what) for item, what in zip(RECORDS.results, lost, strict=True))
    records = replace(RECORDS, results=results)
    said = [*transfer_sentences(records), transfer_table(records).caption]
    said += [rank_table(records).caption]
    assert [(broken(text), text) for text in said if broken(text)] == []
    assert "nan" not in to_csv(transfer_table(records))
    assert not re.search(r"\bnan\b", to_latex(carried(records)))


def test_networks_without_a_result_are_named_and_no_interval_is_promised() -> None:
    results = [lose(item, "seed") for item in RECORDS.results]
    results[1] = lose(results[1], "scores")
    records = replace(RECORDS, results=tuple(results))
    first, second, *_ = transfer_sentences(records)
    assert "Full-SA" not in first
    assert second == "On shanghaitech-b no training of Full-SA came to its end."
    assert "no intervals, which take several seeds" in transfer_table(records).caption


def test_the_same_time_is_neither_more_nor_less() -> None:
    ticket = result(TICKET, "1010", (8.6, 14.7), 0.00001)
    records = replace(RECORDS, results=(*RECORDS.results[:3], ticket))
    assert any(
        text.startswith("The ticket takes as much time [−1.00%, +1.00%] as Original there;")
        for text in transfer_sentences(records)
    )
