"""Every figure of a report by name: what a page shows and what files hold are the same."""

from markupsafe import Markup

from reports.figures import fronts as front_figures
from reports.figures import schemes as scheme_figures
from reports.figures import search as figures
from reports.figures.explained import draw_accuracy_by_ratio, draw_scores
from reports.figures.ranks import draw_ranks
from reports.figures.times import draw_times
from reports.numbers.analysis import Analysis
from reports.tables.charts import oracle_answers


def drawn_strategies(analysis: Analysis) -> dict[str, int]:
    """Those that charts hold, with the number that colour, dash and marker follow from.

    Numbers follow the order of the command line, so that they stay when ranks change; of many
    strategies the first in rank are drawn.
    """
    style = figures.styles([lane.key.strategy for lane in analysis.records.lanes])
    if len(style) <= figures.DRAWN:
        return style
    first = [item.strategy for item in analysis.ranking.standings[: figures.DRAWN]]
    return figures.styles([name for name in style if name in first])


def charts(analysis: Analysis) -> dict[str, Markup]:
    """All figures that the run has data for, in the order of the page."""
    style = drawn_strategies(analysis)
    records = analysis.records
    blocks = sum(records.blocks_per_stage)
    drawn = {
        "curves": figures.draw_curves(analysis.curves, style),
        "curves-seconds": figures.draw_curves(analysis.time_curves, style, figures.BEST_BY_TIME),
        "ranks": draw_ranks(analysis.ranking.ranks),
        "agreement": figures.draw_curves(analysis.convergence.agreement, style, figures.AGREEMENT),
        "distinct": figures.draw_curves(analysis.convergence.distinct, style, figures.DISTINCT),
        "times": draw_times(analysis.times, style),
        "sparsity": front_figures.draw_sparsity(analysis.fronts.sparsity, style, blocks),
    }
    for oracle in records.oracles:
        seed = oracle.supernet_seed
        drawn[f"front-{seed}"] = front_figures.draw_front(
            analysis.fronts.points, seed, style, blocks
        )
    drawn["schemes"] = scheme_figures.draw_schemes(analysis.schemes, records.blocks_per_stage)
    drawn["accuracies"] = scheme_figures.draw_accuracies(analysis.schemes)
    for seed, table in analysis.landscapes.items():
        drawn[f"landscape-{seed}"] = figures.draw_landscape(
            table, analysis.ranking.lanes, style, blocks
        )
    for seed, found in analysis.explained.items():
        drawn[f"ratios-{seed}"] = draw_accuracy_by_ratio(found, f"ratios-{seed}")
        drawn[f"scores-{seed}"] = draw_scores(found, f"scores-{seed}")
    for name, trained in (("own", analysis.schemes), ("outside", analysis.outside)):
        for number, answers in enumerate(oracle_answers(analysis)):
            key = f"trust-{name}-{number}"
            drawn[key] = scheme_figures.draw_trust(trained, answers, key)
    return {name: figure for name, figure in drawn.items() if figure}
