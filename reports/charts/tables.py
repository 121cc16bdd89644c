"""Parts of a report that are tables alone."""

from reports.charts.chart import Chart
from reports.tables.run import evaluations_table, lanes_table, ranking_table

RANKING = Chart("ranking", section="ranking", table=ranking_table, place="placed")
LANES = Chart("lanes", section="ranking", table=lanes_table, place="placed")
EVALUATIONS = Chart(
    "evaluations",
    section="ranking",
    table=lambda analysis: evaluations_table(analysis.records),
    inside=False,
)
