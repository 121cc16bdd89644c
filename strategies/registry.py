"""Strategies by name, imported only when they are used."""

from importlib import import_module

from strategies.base import Strategy

STRATEGIES: dict[str, str] = {
    "ean": "strategies.ean:EAN",
    "ean-released": "strategies.ean_released:EANReleased",
    "enas": "strategies.enas:ENAS",
    "evolution": "strategies.evolution:Evolution",
    "exhaustive": "strategies.exhaustive:Exhaustive",
    "ga": "strategies.ga:GA",
    "hsp": "strategies.hsp:HSP",
    "local": "strategies.local:Local",
    "nsga2": "strategies.nsga2:NSGA2",
    "random": "strategies.random:Random",
    "surrogate": "strategies.surrogate:Surrogate",
    "tpe": "strategies.tpe:TPE",
}
"""Module and class of every strategy that ships with the project."""


def load_strategy(name: str) -> type[Strategy]:
    """The class that ``STRATEGIES`` lists under ``name``.

    Raises:
        KeyError: no strategy has this name.
    """
    module, _, attribute = STRATEGIES[name].partition(":")
    loaded: type = getattr(import_module(module), attribute)
    assert issubclass(loaded, Strategy)
    return loaded
