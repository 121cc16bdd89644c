"""Columns that tables of charts share."""

from functools import partial

from reports.tables.table import Column

Percent = partial(Column, unit="%", kind="number", scale=100)
Reward = partial(Column, unit="×100", kind="number", scale=100, interval=True)
Seconds = partial(Column, unit="s", kind="number", digits=1, timing=True)
STRATEGY = Column("strategy", "Strategy", "the search strategy", filter=True)
SUPERNET = Column("supernet_seed", "Supernet seed", "seed of the frozen supernet", kind="whole")
