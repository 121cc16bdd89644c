"""A ticket's numbers beside those that were found when it was checked."""

from benchmark.records.run import Interval
from benchmark.records.schemes import format_bits
from benchmark.records.ticket import Ticket
from benchmark.records.ticket_check import Comparison, Verification
from reports.tables.columns import VERIFICATION
from reports.tables.formats import MISSING, Number, bounds, interval_points, percent, signed
from reports.tables.table import Table


def verification_table(ticket: Ticket, found: Verification) -> Table:
    """A table with one row a quantity: stated in the ticket, found, whether both agree."""
    scheme = format_bits(ticket.scheme, ticket.blocks_per_stage)
    caption = (
        f"Scheme {scheme}, task {ticket.settings['task']}. Accuracies: stand-alone, test split. "
        f"In the ticket: {ticket.machine}."
    )
    rows = tuple(
        (row.name, _shown(row, row.stated), _shown(row, row.found), row.agrees)
        for row in found.comparisons
    )
    return Table("verification", "Ticket checked", caption, VERIFICATION, rows)


def _shown(row: Comparison, value: Number | str | Interval | None) -> str:
    if value is None:
        return MISSING
    if isinstance(value, Interval):
        if row.kind == "difference":
            return interval_points(value)
        return f"{_ratio(value.center)} {bounds(value, _ratio)}"
    if isinstance(value, str):
        return value
    return f"{value:,}" if row.kind == "count" else percent(value)


def _ratio(value: Number) -> str:
    return f"{signed(100 * value, 1)}%"
