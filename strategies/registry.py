"""Strategies by name, imported only when they are used."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from strategies.base import Strategy, StrategyError

STRATEGIES: dict[str, str] = {
    "darts": "strategies.darts:DARTS",
    "ean": "strategies.ean:EAN",
    "ean-released": "strategies.ean_released:EANReleased",
    "enas": "strategies.enas:ENAS",
    "evolution": "strategies.evolution:Evolution",
    "exhaustive": "strategies.exhaustive:Exhaustive",
    "ga": "strategies.ga:GA",
    "gm": "strategies.gm:GM",
    "halving": "strategies.halving:Halving",
    "hsp": "strategies.hsp:HSP",
    "l1": "strategies.l1:L1",
    "l2": "strategies.l2:L2",
    "local": "strategies.local:Local",
    "nni-ppo": "strategies.nni_ppo:NNIPPO",
    "nni-tpe": "strategies.nni_tpe:NNITPE",
    "nsga2": "strategies.nsga2:NSGA2",
    "random": "strategies.random:Random",
    "surrogate": "strategies.surrogate:Surrogate",
    "tpe": "strategies.tpe:TPE",
}
"""Module and class of every strategy that ships with the project."""

COMPARATORS = ("nni-ppo", "nni-tpe")
"""Those of `STRATEGIES` that are somebody else's, behind an extra: compared when asked for."""

ENTRY_POINT_GROUP = "ticket_benchmark.strategies"
"""Where installed packages offer strategies: ``name = "package.module:Class"``."""


def installed_strategies() -> dict[str, EntryPoint]:
    """What installed packages offer, by name; nothing of theirs is imported.

    Raises:
        StrategyError: a name that two of them offer, or that the project's own strategies have.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        taken = STRATEGIES.get(entry.name) or getattr(found.get(entry.name), "value", None)
        if taken is not None and taken != entry.value:
            raise StrategyError(
                f"strategy {entry.name!r} is offered twice: by {taken} and by {entry.value}; "
                "rename one, or uninstall its package"
            )
        found[entry.name] = entry
    return found


def strategy_names() -> list[str]:
    """Every name that `load_strategy` knows: the project's own, then installed ones.

    Raises:
        StrategyError: see `installed_strategies`.
    """
    return [*STRATEGIES, *sorted(set(installed_strategies()) - set(STRATEGIES))]


def load_strategy(name: str) -> type[Strategy]:
    """The class of the strategy ``name``, shipped or installed.

    Raises:
        KeyError: no strategy has this name.
        StrategyError: an installed one that is no strategy, has another name than its
            entry point, or can't be imported.
    """
    if name not in STRATEGIES:
        return _installed(installed_strategies()[name])
    module, _, attribute = STRATEGIES[name].partition(":")
    loaded: type = getattr(import_module(module), attribute)
    assert issubclass(loaded, Strategy)
    return loaded


def _installed(entry: EntryPoint) -> type[Strategy]:
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:
        raise StrategyError(
            f"can't load strategy {entry.name!r} from {entry.value}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Strategy)):
        raise StrategyError(
            f"expected {entry.value} to be a subclass of strategies.base.Strategy, "
            f"received {loaded!r}"
        )
    if getattr(loaded, "name", None) != entry.name:
        raise StrategyError(
            f"expected {entry.value} to have the name of its entry point, {entry.name!r}, "
            f"received {getattr(loaded, 'name', None)!r}"
        )
    return loaded
