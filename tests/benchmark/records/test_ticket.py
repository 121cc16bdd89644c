import json
from collections.abc import Sequence
from math import inf, nan
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.basics.errors import TicketError
from benchmark.basics.identity import content_hash
from benchmark.planning.settings import Settings
from benchmark.records.run import Interval, Measure
from benchmark.records.ticket import read_ticket
from benchmark.records.ticket_check import self_check
from tests.benchmark.sample_tickets import REACHED, TICKET, made_ticket, trained


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.json"
    TICKET.write(path)
    assert read_ticket(path) == TICKET
    assert [file.name for file in path.parent.iterdir()] == ["t.json"]


def test_files_are_strict_json_also_where_numbers_are_missing(tmp_path: Path) -> None:
    diverged = made_ticket(trained("1000", 0.9, nan) + trained("1111", 0.9, 0.91))
    unbounded = made_ticket(trained("1000", 0.9) + trained("1111", 0.91))
    for ticket in (diverged, unbounded):
        ticket.write(tmp_path / "t.json")
        json.loads((tmp_path / "t.json").read_text(), parse_constant=pytest.fail)
        again = read_ticket(tmp_path / "t.json")
        assert again.values() == ticket.values()
    assert again.claim.difference is not None
    assert again.claim.difference.high == inf


def test_a_ticket_says_its_verdict_in_words() -> None:
    assert TICKET.claim.sentence == (
        "ticket by 95% intervals (accuracy not below Full-SA, fewer parameters, faster)"
    )


def test_a_file_of_the_first_format_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """It is one of the first release's own: three costs, which had no names, and rules as words."""
    first = Path(__file__).with_name("ticket-format-1.json")
    ticket, stated = read_ticket(first), json.loads(first.read_text())
    for cost, old in zip(ticket.costs, stated["costs"], strict=True):
        assert cost.bits == old["bits"]
        assert cost.parameters_as_built == old["parameters_as_built"]
        assert cost.measures["parameters"] == Measure(old["parameters"])
        assert cost.measures["FLOPs"] == Measure(old["flops"])
        time = cost.measures["time"]
        assert time.value == old["milliseconds"]
        assert time.increment == Interval(**old["increment"])
        assert time.increment_over_full == Interval(**old["increment_over_full"])
    assert self_check(ticket) is None
    assert (
        ticket.claim.sentence == "undecided by 95% intervals (accuracy interval includes Full-SA)"
    )
    assert Settings(**ticket.settings).task == "digits"
    ticket.write(tmp_path / "again.json")
    assert read_ticket(tmp_path / "again.json") == ticket
    assert json.loads((tmp_path / "again.json").read_text())["format"] == 2


@pytest.mark.hostile
@pytest.mark.parametrize("lost", ["flops", "increment", "bits"])
def test_a_file_of_the_first_format_without_a_number_is_refused(lost: str, tmp_path: Path) -> None:
    values = json.loads(Path(__file__).with_name("ticket-format-1.json").read_text())
    del values["checksum"], values["costs"][1][lost]
    path = tmp_path / "t.json"
    path.write_text(json.dumps(values | {"checksum": content_hash(**values)}))
    with pytest.raises(TicketError, match=rf"t\.json is damaged: .*{lost}"):
        read_ticket(path)


@pytest.mark.hostile
def test_an_edited_file_is_detected_and_layout_is_not_content(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    TICKET.write(path)
    values = json.loads(path.read_text())
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):  # as editors of Windows save it
        path.write_text(json.dumps(values), encoding=encoding)
        assert read_ticket(path) == TICKET
    values["trainings"][0]["test_accuracy"] += 0.001
    path.write_text(json.dumps(values))
    with pytest.raises(TicketError, match=r"edited after it was written: expected checksum \w{16}"):
        read_ticket(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "can't read a ticket"),
        ("[1]", "holds no ticket"),
        ('{"format": 1}', "holds no ticket"),
        (
            '{"format": 3, "scheme": "1", "checksum": ""}',
            "format 3; version .* reads 1 to 2",
        ),
    ],
)
def test_what_is_no_ticket_or_of_another_version_is_named(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(TicketError, match=message):
        read_ticket(tmp_path / "t.json")
    with pytest.raises(TicketError, match="can't read a ticket"):
        read_ticket(tmp_path / "absent.json")


@pytest.mark.hostile
def test_a_file_whose_checksum_fits_may_still_be_damaged(tmp_path: Path) -> None:
    broken = TICKET.model_copy(update={"scheme": 7})
    with pytest.warns(UserWarning, match="scheme"):
        broken.write(tmp_path / "t.json")
    with pytest.raises(TicketError, match="is damaged: scheme"):
        read_ticket(tmp_path / "t.json")


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"trainings": ()}, "damaged: expected trainings of 1000, received none"),
        ({"settings": {"strategies": ["mine.py:Mine"]}}, "damaged: .*strategies"),
        ({"scheme": "10"}, "damaged: expected 4 bits, received '10'"),
        ({"trainings": (*REACHED, *trained("10x0", 0.9))}, "expected 4 bits, received '10x0'"),
        ({"claim": TICKET.claim.model_copy(update={"confidence": 5.0})}, "damaged: claim.confid"),
    ],
)
@pytest.mark.hostile
def test_parts_that_do_not_fit_together_are_named(
    tmp_path: Path, update: dict[str, object], message: str
) -> None:
    TICKET.model_copy(update=update).write(tmp_path / "t.json")
    with pytest.raises(TicketError, match=message):
        read_ticket(tmp_path / "t.json")


def _forged(path: Path, place: Sequence[str | int], value: object) -> Path:
    """A ticket with one value changed and a checksum that fits: `...` takes it out."""
    values = TICKET.values()
    part: Any = values
    for name in place[:-1]:
        part = part[name]
    if value is ...:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    path.write_text(json.dumps(values | {"checksum": content_hash(**values)}))
    return path


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("blocks_per_stage", 0), 0),
        (("blocks_per_stage", 0), True),
        (("trainings", 0, "seed"), True),
        (("trainings", 0, "seed"), -1),
        (("trainings", 0, "test_accuracy"), 95.0),
        (("trainings", 0, "test_accuracy"), "high"),
        (("trainings", 0, "test_accuracy"), False),
        (("trainings", 0, "test_loss"), -0.1),
        (("trainings", 0, "seconds"), -1.0),
        (("trainings", 0, "seconds"), "NaN"),
        (("trainings", 0, "seconds"), "Infinity"),
        (("trainings", 0, "best_epoch"), 0),
        (("trainings", 0, "figures"), {"mae": None}),
        (("noise", "variance"), -1.0),
        (("noise", "variance"), "NaN"),
        (("noise", "freedom"), 2**31),
        (("costs", 0, "parameters_as_built"), 2.5),
        (("costs", 0, "measures", "parameters", "value"), -1),
        (("costs", 0, "measures", "FLOPs", "value"), 2**63),
        (("costs", 0, "measures", "time", "value"), "Infinity"),
        (("costs", 0, "measures", "time", "increment", "low"), "NaN"),
        (("claim", "confidence"), 1.0),
        (("claim", "word"), "maybe"),
    ],
)
@pytest.mark.hostile
def test_a_value_that_can_not_be_is_refused_by_its_place(
    tmp_path: Path, place: tuple[str | int, ...], value: object
) -> None:
    where = r"\.".join(map(str, place))
    with pytest.raises(
        TicketError, match=rf"is damaged: {where}.*expected .*, received"
    ) as refused:
        read_ticket(_forged(tmp_path / "t.json", place, value))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("trainings", 1, "seed"), 0, r"expected each training once, received \('1000', 0\) twice"),
        (("costs", 1, "bits"), "1000", "expected each cost once, received 1000 twice"),
        (("costs", 1, "bits"), "11", "expected 4 bits, received '11'"),
        (("trainings", 0, "note"), 1, r"trainings\.0\.note is nothing that belongs there"),
        (("noise", "kind"), 1, r"noise\.kind is nothing that belongs there"),
        (("note",), 1, "note is nothing that belongs there"),
        (("trainings", 0, "seconds"), ..., r"trainings\.0\.seconds is missing"),
        (("trainings",), [], "expected trainings of 1000, received none"),
    ],
)
@pytest.mark.hostile
def test_what_is_twice_unknown_or_missing_is_named(
    tmp_path: Path, place: tuple[str | int, ...], value: object, message: str
) -> None:
    with pytest.raises(TicketError, match=f"is damaged: {message}"):
        read_ticket(_forged(tmp_path / "t.json", place, value))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    TICKET.write(path)
    path.write_text(path.read_text().replace('"machine":', '"machine": "x",\n "machine":'))
    with pytest.raises(TicketError, match=r"can't read a ticket from .*'machine' is there twice"):
        read_ticket(path)


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_keys_may_stand_in_any_order(random: Random) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(part) for part in value]
        if not isinstance(value, dict):
            return value
        items = [(name, shuffled(part)) for name, part in value.items()]
        random.shuffle(items)
        return dict(items)

    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        path.write_text(json.dumps(shuffled(TICKET.values() | {"checksum": TICKET.checksum})))
        assert read_ticket(path) == TICKET
