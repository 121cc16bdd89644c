"""Initial values: the paper's for a backbone's layers, an author's own for SAMs and heads.

No value comes from anywhere but a generator and the authors' code: what memory happened to hold is
found out by making a module twice, in memory that held different things.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, UntypedStorage, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode  # where torch documents it

from benchmark.basics.errors import UsageError

Make = Callable[[], nn.Module]
Finish = Callable[[Mapping[str, nn.Module], torch.Generator], None]

_WITHOUT_VALUES = {
    *("aten::empty", "aten::empty_like", "aten::empty_strided", "aten::empty_permuted"),
    *("aten::new_empty", "aten::new_empty_strided"),
}
_BY_TORCH: tuple[list[str], ...] = ([], ["aten::uniform_"])
"""What was written to a layer's weight or bias when torch's own start is all that it has had."""
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)


def draw(layer: nn.Module, generator: torch.Generator) -> None:
    """Give ``layer`` of a backbone its values.

    Convolutions are drawn from N(0, 2 / (k² · outputs)), as in the paper's code, their biases and
    linear layers as by torch; norms start at scale 1 and shift 0.

    Raises:
        UsageError: it holds values of another kind.
    """
    if isinstance(layer, _NORMS):
        layer.reset_parameters()
        return
    for name, parameter in _tensors(layer, recurse=False):
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            raise UsageError(
                f"{type(layer).__name__}.{name}: expected backbones of convolutions (2d), linear "
                "layers and norms, whose initial values are known, received another layer"
            )
        _draw(layer, name, parameter, generator)


def made(
    makes: Mapping[str, Make],
    generator: torch.Generator,
    finish: Finish,
) -> dict[str, nn.Module]:
    """SAMs and heads with their initial values, from ``generator`` and nothing else.

    Torch's global generator, which their authors' code draws from, is left as it was.

    Args:
        makes: makes each of them, by its name in the network.
        generator: draws layers, and seeds the global one.
        finish: fills in place what is to have other values.

    Raises:
        UsageError: a parameter or buffer has no values, or others each time.
    """
    state = generator.get_state()
    modules, drawn = _made(makes, generator, finish, memory=0)
    if any(_has_own_values(module, drawn) for module in modules.values()):
        again = torch.Generator()
        again.set_state(state)
        for name, other in _made(makes, again, finish, memory=1)[0].items():
            _check(name, modules[name], other)
    return modules


def _made(
    makes: Mapping[str, Make],
    generator: torch.Generator,
    finish: Finish,
    *,
    memory: int,
) -> tuple[dict[str, nn.Module], set[Tensor]]:
    """Modules, and the parameters of layers that were drawn from ``generator``."""
    apart = torch.Generator()
    apart.set_state(generator.get_state())  # drawn from it, the generator would be moved
    seed = int(torch.randint(2**62, (), generator=apart))
    with torch.random.fork_rng(devices=[]), _Watch(memory) as watch:
        torch.default_generator.manual_seed(seed)
        modules = {name: make() for name, make in makes.items()}
        drawn: set[Tensor] = set()
        for whole in modules.values():
            for module in whole.modules():
                layer = isinstance(module, nn.Conv2d | nn.Linear)
                for name, parameter in _tensors(module, recurse=False) if layer else ():
                    if name in ("weight", "bias") and watch.written(parameter) in _BY_TORCH:
                        _draw(module, name, parameter, generator)
                        drawn.add(parameter)
            for module in reversed(list(whole.modules())):  # a parent has the last word
                reset = getattr(module, "reset_parameters", None)
                if reset is not None and not _is_torchs(reset):
                    reset()
        finish(modules, generator)
    return modules, drawn


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's
    """Has memory without values hold ``memory``, and keeps what was written there.

    Only what the thread that enters it does is watched.
    """

    def __init__(self, memory: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self._memory = memory
        # Storages are kept, so that no address is given out twice.
        self._seen: dict[int, tuple[UntypedStorage, list[str]]] = {}

    def written(self, tensor: Tensor) -> list[str] | None:
        """Operators that wrote to ``tensor``, which came without values; else None."""
        _, operators = self._seen.get(tensor.untyped_storage().data_ptr(), (None, None))
        return operators

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler here, a second; where it asks nobody, too

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        operator: str = func.name().partition(".")[0]
        if operator in _WITHOUT_VALUES and result.device.type == "cpu":
            storage = result.fill_(self._memory).untyped_storage()
            self._seen[storage.data_ptr()] = storage, []
        elif operator.endswith("_") and args:  # in place
            for target in args[0] if isinstance(args[0], list | tuple) else args[:1]:
                if isinstance(target, Tensor) and (found := self.written(target)) is not None:
                    found.append(operator)
        return result


@torch.no_grad()
def _draw(layer: nn.Module, name: str, parameter: Tensor, generator: torch.Generator) -> None:
    if isinstance(layer, nn.Conv2d):
        area = layer.kernel_size[0] * layer.kernel_size[1]
        if name == "weight":
            parameter.normal_(0, (2 / (area * layer.out_channels)) ** 0.5, generator=generator)
            return
        bound = (area * layer.in_channels // layer.groups) ** -0.5
    else:
        assert isinstance(layer, nn.Linear)
        bound = layer.in_features**-0.5
    parameter.uniform_(-bound, bound, generator=generator)


def _is_torchs(function: Any) -> bool:
    return str(function.__module__).partition(".")[0] == "torch"


def _has_own_values(whole: nn.Module, drawn: set[Tensor]) -> bool:
    """Whether ``whole`` holds anything but what was ``drawn`` and torch's batch norms."""
    return any(
        type(module) not in _BATCH_NORMS
        and not drawn.issuperset(dict(_tensors(module, recurse=False)).values())
        for module in whole.modules()
    )


def _tensors(module: nn.Module, *, recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(recurse=recurse)
    yield from module.named_buffers(recurse=recurse)


def _check(name: str, module: nn.Module, other: nn.Module) -> None:
    for (key, first), (_, second) in zip(_tensors(module), _tensors(other), strict=True):
        if is_lazy(first) or not _equal(first.detach(), second.detach()):
            raise UsageError(
                f"{name}.{key} ({type(module).__name__}): expected initial values, all of them "
                "constant or drawn by torch; received some that differ each time, as memory that "
                "nothing was written to does; fill it in __init__ or in reset_parameters, by "
                "torch.nn.init for instance"
            )


def _equal(first: Tensor, second: Tensor) -> bool:
    """Whether all values are the same, those that are no numbers among them."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return bool(((first == second) | ((first != first) & (second != second))).all())  # noqa: PLR0124 - NaN
