from strategies.base import StrategyError


def require_positive(**hyper_parameters: int) -> None:
    """Refuse counts below one, which would make a search stop or loop without a word.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    for name, value in hyper_parameters.items():
        if value < 1:
            raise StrategyError(f"expected {name} of at least 1, received {value}")
