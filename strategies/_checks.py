from strategies.base import StrategyError


def require_positive(**hyper_parameters: int) -> None:
    """Refuse counts below one, which would make a search stop or loop without a word.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    for name, value in hyper_parameters.items():
        if value < 1:
            raise StrategyError(f"expected {name} of at least 1, received {value}")


def require_above_zero(**hyper_parameters: float) -> None:
    """Refuse scales, steps and temperatures that would turn or stop all learning.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    for name, value in hyper_parameters.items():
        if not value > 0:
            raise StrategyError(f"expected {name} above 0, received {value}")


def require_not_negative(**hyper_parameters: float) -> None:
    """Refuse negative weights and waits.

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    for name, value in hyper_parameters.items():
        if not value >= 0:
            raise StrategyError(f"expected {name} of at least 0, received {value}")


def require_fraction(**hyper_parameters: float) -> None:
    """Refuse probabilities and decays outside [0, 1].

    Raises:
        StrategyError: names the first such hyper-parameter.
    """
    for name, value in hyper_parameters.items():
        if not 0 <= value <= 1:
            raise StrategyError(f"expected {name} from 0 to 1, received {value}")
