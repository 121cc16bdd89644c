"""The verdict in plain sentences, each true on its own: the top of every report."""

from reports.numbers.analysis import Analysis
from reports.sentences import search, training


def headline(analysis: Analysis) -> list[str]:
    """What a reader may take away, most important first."""
    return [
        *search.unfinished(analysis),
        *search.winner(analysis),
        *training.tickets(analysis),
        *training.attention(analysis),
        *training.chosen(analysis),
        *search.landscape(analysis),
        *training.trust(analysis),
        *training.gap(analysis),
        *search.failures(analysis.ranking),
    ]
