from pathlib import Path

from click.testing import CliRunner

from benchmark.cli import main
from benchmark.records.run import RunRecords
from benchmark.records.ticket import read_ticket
from tests.benchmark.sample_tickets import FULL, SCHEME, made_ticket, trained
from tests.stored import store_run


def test_ticket_files_beside_a_report_follow_its_rule(records: RunRecords, tmp_path: Path) -> None:
    run = store_run(records, tmp_path / "run")
    # Better on average, by less than two seeds can tell.
    ticket = made_ticket(trained(SCHEME, 0.95, 0.90) + trained(FULL, 0.90, 0.94))
    ticket.write(run / "tickets" / "a.json")

    def word(folder: Path, *arguments: str) -> str:
        printed = CliRunner().invoke(main, ["report", str(run), *arguments])
        assert printed.exit_code == 0, printed.output
        return read_ticket(folder / "tickets" / "a.json").claim.word

    assert word(run, "--verdict", "paper") == "ticket"
    assert word(tmp_path / "other", "--out", str(tmp_path / "other")) == "undecided"
    assert read_ticket(run / "tickets" / "a.json").claim.rule == "paper"
