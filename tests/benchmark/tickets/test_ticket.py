import json
from math import inf, nan
from pathlib import Path

import pytest

from benchmark.errors import TicketError
from benchmark.tickets.ticket import read_ticket
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


def test_an_edited_file_is_detected_and_layout_is_not_content(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    TICKET.write(path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values))
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
        ('{"format": 2, "scheme": "1", "checksum": ""}', "has ticket format 2; version .* reads 1"),
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
        ({"scheme": "10"}, "damaged: expected 4 bits, received '10'"),
        ({"trainings": (*REACHED, *trained("10x0", 0.9))}, "expected 4 bits, received '10x0'"),
        ({"claim": TICKET.claim.model_copy(update={"confidence": 5.0})}, "damaged: claim.confid"),
    ],
)
def test_parts_that_do_not_fit_together_are_named(
    tmp_path: Path, update: dict[str, object], message: str
) -> None:
    TICKET.model_copy(update=update).write(tmp_path / "t.json")
    with pytest.raises(TicketError, match=message):
        read_ticket(tmp_path / "t.json")
