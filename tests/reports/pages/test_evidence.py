from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.records import noise as noises
from benchmark.records.evidence import Evidence, read_evidence
from benchmark.records.noise import paired_difference, residual_noise
from benchmark.records.run import Interval, OracleAnswers, StandaloneRecord
from reports.pages.evidence import standalone_table, trust_sentences, trust_table

# Scheme effects in percent; seeds 0 and 1 lie one percent apart, and nothing else happens.
MEANS = {"000": 90, "100": 91, "010": 92, "001": 93, "011": 94, "111": 95}
EVIDENCE = Evidence(
    training="t",
    settings={},
    blocks_per_stage=(1, 2),
    task={"task": "by hand"},
    environment={},
    records=tuple(
        StandaloneRecord(bits, seed, 0.5, (mean + seed) / 100, 1.0, 1.0)
        for bits, mean in MEANS.items()
        for seed in range(2)
    ),
)
LIKE = OracleAnswers("running", 0, {bits: mean / 200 for bits, mean in MEANS.items()})
AGAINST = OracleAnswers("running", 1, {bits: -mean / 200 for bits, mean in MEANS.items()})


REAL = read_evidence(Path(__file__).parents[3] / "docs" / "evidence" / "digits-standalone.json")


def test_on_the_default_task_attention_pays_by_more_than_three_standard_errors() -> None:
    table = standalone_table(REAL, 0.95)
    assert len(table.rows) == 64
    (gap,) = [row[4] for row in table.rows if row[0] == "0000|0000|0000"]
    assert isinstance(gap, Interval)
    assert gap.center == pytest.approx(-0.0448, abs=1e-4)
    default_seeds = [record for record in REAL.records if record.seed < 3]
    noise = residual_noise(noises.test_scores(default_seeds))
    gap = paired_difference(noises.test_scores(default_seeds), "0" * 12, "1" * 12, noise)
    assert gap is not None
    assert gap.center < -3 * (2 * noise.variance / 3) ** 0.5


def test_schemes_are_listed_best_first_with_their_difference_to_full() -> None:
    table = standalone_table(EVIDENCE, 0.95)
    assert [row[0] for row in table.rows] == ["1|11", "0|11", "0|01", "0|10", "1|00", "0|00"]
    assert [row[1:3] for row in table.rows] == [(3, 2), (2, 2), (1, 2), (1, 2), (1, 2), (0, 2)]
    accuracy, gap = table.rows[-1][3], table.rows[-1][4]
    assert isinstance(accuracy, Interval)
    assert accuracy.center == pytest.approx(0.905)
    assert isinstance(gap, Interval)
    assert gap.center == pytest.approx(-0.05)
    assert gap.high - gap.low == pytest.approx(0, abs=1e-9)  # additive: no noise at all


def test_oracles_are_compared_on_all_but_the_references() -> None:
    table = trust_table(EVIDENCE, [LIKE, AGAINST], 0.95)
    labels = [row[0] for row in table.rows]
    assert labels == [
        "supernet 0, running",
        "supernet 1, running",
        "supernet 0, running with supernet 1",
    ]
    for row, expected in zip(table.rows, (1, -1, -1), strict=True):
        assert row[1] == 4
        for value in row[2:5]:
            assert isinstance(value, Interval)
            assert value.center == pytest.approx(expected)


def test_modes_are_not_compared_with_each_other() -> None:
    other = replace(AGAINST, batch_norm="recalibrated")
    assert len(trust_table(EVIDENCE, [LIKE, other], 0.95).rows) == 2


def test_the_sentence_says_over_what_and_what_could_be_expected() -> None:
    found, limit = trust_sentences(EVIDENCE, [LIKE, AGAINST])
    assert found == ("Pearson correlation over 4 schemes × 2 seeds: running 1.00 and −1.00.")
    assert limit.endswith("leaves a perfect oracle an expected 1.00.")


def test_one_seed_tells_nothing_of_noise_and_no_number_is_made_up() -> None:
    one = replace(EVIDENCE, records=tuple(r for r in EVIDENCE.records if r.seed == 0))
    silent = replace(AGAINST, accuracy=dict.fromkeys(AGAINST.accuracy, float("nan")))
    found, limit = trust_sentences(one, [LIKE, silent])
    assert found == "Pearson correlation over 4 schemes × 1 seed: running 1.00 and undefined."
    assert limit == "Seed noise is not known: that takes several seeds of several schemes."
    assert "no intervals, which take several seeds" in standalone_table(one, 0.95).caption


def test_schemes_that_an_oracle_was_not_asked_about_are_left_out() -> None:
    part = replace(LIKE, accuracy={k: v for k, v in LIKE.accuracy.items() if k != "010"})
    rows = trust_table(EVIDENCE, [part, AGAINST], 0.95).rows
    assert [row[1] for row in rows] == [3, 4, 3]
