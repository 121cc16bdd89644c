"""The layouts of Tables I to VIII of "The Lottery Ticket Hypothesis for Self-attention in CNN".

Each is made from one run or several; what no run has stays empty and says why. Where the
paper prints one network of one search, these are means over lanes with intervals.
"""

from collections.abc import Sequence

from reports.numbers.analysis import Analysis
from reports.paper.latex import PaperTable
from reports.paper.results import attention, methods, shared
from reports.paper.searches import found_schemes, one_search, times
from reports.paper.transfer import crowd_counting, segmentation


def paper_tables(analyses: Sequence[Analysis]) -> list[PaperTable]:
    """Tables I to VIII of the paper, in its order."""
    return [
        methods(analyses),
        attention(analyses),
        shared(analyses),
        found_schemes(analyses),
        one_search(analyses),
        times(analyses),
        crowd_counting(analyses),
        segmentation(analyses),
    ]
