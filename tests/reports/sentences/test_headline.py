from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benchmark.records.run import LaneKey, RunRecords
from reports.numbers.analysis import analyse
from reports.sentences.headline import headline
from tests.reports.conftest import cut

MakeRecords = Callable[..., RunRecords]


def said(records: RunRecords) -> list[str]:
    return headline(analyse(records))


def only(sentences: list[str], start: str) -> str:
    found = [sentence for sentence in sentences if start in sentence]
    assert len(found) == 1, sentences
    return found[0]


def test_clear_winner_is_named_with_its_lead_and_the_test(make_records: MakeRecords) -> None:
    first = said(make_records(strategies={"random": 0.5, "ean": 0.8}))[0]
    assert first == (
        "ean wins: mean best reward 94.95 (×100) over 5 lanes of 60 evaluations, 0.28 points "
        "[+0.21, +0.35] above random. This is more than noise against every other strategy "
        "(permutation test, corrected p = 0.008)."
    )


def test_tie_is_called_a_tie_and_the_beaten_are_named(records: RunRecords) -> None:
    first, second, *_ = said(records)
    assert first == (
        "No single winner: ean and ga share rank 1, as their differences can't be told from noise "
        "(permutation test, corrected p = 0.444). Ahead by mean is ean: mean best reward 94.95 "
        "(×100) over 5 lanes of 60 evaluations, 0.04 points [−0.03, +0.11] above ga."
    )
    assert second == (
        "random is behind the leader by more than noise (permutation test, corrected p = 0.024)."
    )


def test_few_lanes_are_said_to_be_too_few(make_records: MakeRecords) -> None:
    sentences = said(make_records(lanes=3, strategies={"a": 0.9, "b": 0.3}))
    assert "smallest possible corrected p = 0.100" in only(sentences, "With so few lanes")


def test_single_strategy_has_nothing_to_beat(make_records: MakeRecords) -> None:
    first = said(make_records(strategies={"ean": 0.8}))[0]
    assert first.startswith("Only ean can be ranked, so it has nothing to beat")


def test_strategies_on_different_supernets_are_not_tested(make_records: MakeRecords) -> None:
    records = make_records(lanes=1, supernets=2, strategies={"a": 0.8, "b": 0.5})
    lanes = [
        lane
        for lane in records.lanes
        if (lane.key.strategy == "a") == (lane.key.supernet_seed == 0)
    ]
    first = said(replace(records, lanes=lanes))[0]
    assert "on other supernets than" in first
    assert "they share no supernet, so they can't be tested" in first


def test_tickets_are_counted_listed_and_set_against_the_paper_rule(records: RunRecords) -> None:
    analysis = analyse(records)
    proposed = [item for item in analysis.schemes if item.lanes]
    words = [item.verdict.word for item in proposed]
    sentence = only(said(records), "at 95% confidence")
    assert f"{words.count('ticket')} of {len(proposed)} trained candidates are tickets" in sentence
    assert f"Undecided: {words.count('undecided')}. " in sentence
    assert f"Not tickets: {words.count('not a ticket')}. " in sentence
    by_means = sum(item.verdict.paper_rule is True for item in proposed)
    assert sentence.endswith(f"noise ignored, {by_means} would be.")
    assert "1000|0110|1101 (+0.40 points to Full-SA)" in sentence


def test_one_seed_leaves_all_undecided_and_says_why(make_records: MakeRecords) -> None:
    sentences = said(make_records(seeds=1))
    assert only(sentences, "is a ticket at 95%").startswith("None of ")
    assert "One stand-alone seed gives no interval: train more seeds to decide." in sentences
    assert "is undecided" in only(sentences, "Full-SA minus Original")


@pytest.mark.parametrize(
    ("seeds", "end"), [(1, "train more seeds to decide"), (4, "more are to come")]
)
def test_more_seeds_are_promised_where_the_run_trains_more(
    make_records: MakeRecords, seeds: int, end: str
) -> None:
    one = make_records(seeds=1)
    stopped = replace(one, settings=one.settings | {"standalone_seeds": seeds}, finished=False)
    assert f"One stand-alone seed gives no interval: {end}." in said(stopped)


def test_attention_that_helps_is_said_to_help(records: RunRecords) -> None:
    assert "attention everywhere helps" in only(said(records), "Full-SA minus Original")


def test_unfinished_trainings_are_counted(records: RunRecords) -> None:
    settings = records.settings | {"standalone_seeds": 4}
    some = replace(records, finished=False, settings=settings, standalone=records.standalone[:9])
    schemes = len({item.bits for item in records.standalone})
    assert f"15 of 15 lanes finished, 9 of {4 * schemes} trainings done; " in said(some)[0]


def test_unfinished_run_says_so_first(unfinished: RunRecords) -> None:
    sentences = said(unfinished)
    assert sentences[0] == (
        "This run is unfinished: 0 of 15 lanes finished, 15 not at their end; "
        "everything below may change."
    )
    assert "lanes of 30 evaluations" in sentences[1]
    assert "No candidate has been trained" in only(sentences, "nothing to say about tickets")


def test_run_that_has_just_begun_has_no_ranking(unfinished: RunRecords) -> None:
    empty = [cut(lane, 0) for lane in unfinished.lanes]
    sentences = said(replace(unfinished, lanes=empty))
    assert sentences[1] == "No strategy can be ranked: no lane has found anything yet."


def test_failed_lanes_are_counted_aloud(failed_lane: RunRecords) -> None:
    assert said(failed_lane)[-1] == "1 lane failed (1 of ga) and doesn't count in the ranking."


def test_landscape_tells_how_much_was_left_to_find(make_records: MakeRecords) -> None:
    sentence = only(said(make_records()), "Among all 4,096 schemes")
    assert "ean's best is on average 0.00 points below the highest reward" in sentence
    assert not [s for s in said(make_records(tabulated=False)) if "4,096" in s]


def test_oracle_trust_names_supernet_and_batch_norm(records: RunRecords) -> None:
    sentence = only(said(records), "Oracle against training")
    assert "(batch norm recalibrated)" in sentence
    assert "for supernet 0 (29 schemes)" in sentence
    assert "more than by chance" in sentence


def test_oracle_that_orders_schemes_backwards_is_said_to(records: RunRecords) -> None:
    lanes = [replace(lane, accuracy=1.8 - lane.accuracy) for lane in records.lanes]
    ends = replace(records.oracles[0], original_accuracy=0.87, full_accuracy=0.86)
    backwards = replace(records, lanes=lanes, oracles=[ends])
    assert "the wrong way round" in only(said(backwards), "Oracle against training")


def test_oracles_of_several_supernets_share_a_sentence(make_records: MakeRecords) -> None:
    records = make_records(supernets=2, lanes=2)
    flat = [
        replace(lane, accuracy=np.roll(lane.accuracy, 7)) if lane.key.supernet_seed else lane
        for lane in records.lanes
    ]
    noisy = replace(records, lanes=flat)
    assert "more than by chance" in only(said(records), "Oracle against training")
    assert "only 1 of 2 supernets" in only(said(noisy), "Oracle against training")


def test_few_schemes_are_no_reason_to_trust_the_oracle(make_records: MakeRecords) -> None:
    records = make_records(strategies={"ean": 0.95}, lanes=1)
    assert "only training tells them apart" in only(said(records), "Oracle against training")


def test_all_tied_strategies_are_said_to_be_all(make_records: MakeRecords) -> None:
    same = make_records(strategies={"a": 0.8, "b": 0.8, "c": 0.8})
    first = said(same)[0]
    assert first.startswith("No single winner: all a, b and c share rank 1")
    assert "as their lanes reached the same (permutation test, corrected p = 1.000)" in first
    assert first.endswith(
        " Level are a, b and c: mean best reward 94.95 (×100) over 5 lanes of 60 evaluations."
    )


def test_candidates_of_an_unknown_lane_do_no_harm(records: RunRecords) -> None:
    more = records.candidates | {LaneKey("gone", 9, 0): ["101010101010"]}
    assert said(replace(records, candidates=more))[0] == said(records)[0]


def test_confidence_is_that_of_the_settings(make_records: MakeRecords) -> None:
    records = make_records()
    strict = replace(records, settings=records.settings | {"confidence": 0.999})
    assert "at 99.9% confidence" in only(said(strict), "Undecided: ")
    # With five lanes a side no p-value gets below 2/252, corrected 6/252.
    assert "smallest possible corrected p = 0.024" in only(said(strict), "With so few lanes")
    loose, tight = analyse(records), analyse(strict)
    for one, other in zip(loose.schemes, tight.schemes, strict=True):
        assert one.test.low > other.test.low
