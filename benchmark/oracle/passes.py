"""Block passes: what a node of the tree of prefixes hands to its children, and who computes it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from benchmark.networks.attention import Attention, State
from benchmark.networks.backbone import BackboneNetwork, Block, ConvNorm, units_of
from benchmark.oracle.base import Schemes
from benchmark.oracle.convolution import Convolve

Pieces = Sequence[Float[Tensor, "_ _ _ _"]]
"""Rows in parts, each of which goes through a block on its own."""
Prepare = Callable[[ConvNorm], Convolve]
"""Makes a node's convolution, its norm included; asked in the order of `units_of`."""
Enter = Callable[[nn.Module], None]
"""Is told that a module is about to be used, once for each piece."""


@dataclass(frozen=True)
class Children:
    """Which children of a node are asked for.

    Attributes:
        passed: the one without the block's SAM.
        attended: the one with it.
        pooled: whether nothing but the mean of each map and channel is looked at; then maps of
            a single position may take the place of features.
    """

    passed: bool
    attended: bool
    pooled: bool = False


class Node(ABC):
    """A block's pass over some features, shared by both children."""

    @abstractmethod
    def passed(self) -> Pieces:
        """Features behind the block without its SAM; asked once, before `attended`."""

    @abstractmethod
    def attended(self, states: Sequence[State]) -> tuple[Pieces, list[State]]:
        """Features behind the block with its SAM, and the SAM's states; asked once."""


SubtreeOutputs = Float[Tensor, "schemes n classes"]
RunSubtree = Callable[[Schemes], Sequence[SubtreeOutputs]]
"""Outputs of all schemes of a subtree, piece by piece, from the bits that are left of them."""


class Passes(ABC):
    """Computes a tree's features, node by node in the order of a descent."""

    @abstractmethod
    def enter(self, backbone: BackboneNetwork, images: Pieces) -> Pieces:
        """Features that enter the first block."""

    @abstractmethod
    def node(
        self, block: Block, attention: Attention, features: Pieces, children: Children
    ) -> Node:
        """The pass of ``features`` through ``block``."""

    def subtree(self, level: int, features: Pieces) -> RunSubtree | None:  # noqa: ARG002 - see below
        """What runs all blocks from ``level`` on at once, in the place of `node`; None: nothing.

        It depends on the shape of ``features`` alone, and not on how many rows they have.
        """
        return None


class Operations(Passes):
    """Torch's operations, one after the other.

    Args:
        prepare: makes convolutions.
        enter: is told when the stem and each of a block's branches are about to be used.
    """

    def __init__(self, prepare: Prepare, enter: Enter = lambda _: None) -> None:
        self._prepare, self._enter = prepare, enter

    def enter(self, backbone: BackboneNetwork, images: Pieces) -> Pieces:
        with prepared(backbone.first, self._prepare):
            self._enter(backbone.first)
            return [backbone.stem(piece) for piece in images]

    def node(
        self, block: Block, attention: Attention, features: Pieces, children: Children
    ) -> Node:
        branches = branches_of(block, features, self._prepare, self._enter)
        return _Residuals(block, *branches, attention, children)


class _Residuals(Node):
    def __init__(
        self,
        block: Block,
        residuals: list[Tensor],
        skips: list[Tensor | None],
        attention: Attention,
        children: Children,
    ) -> None:
        self._block, self._residuals, self._skips = block, residuals, skips
        self._attention, self._children = attention, children

    def passed(self) -> Pieces:
        # Without a sibling, nobody needs the residuals any more.
        join = self._block.join if self._children.attended else self._block.join_
        return [join(s, r) for s, r in zip(self._skips, self._residuals, strict=True)]

    def attended(self, states: Sequence[State]) -> tuple[Pieces, list[State]]:
        following = list(states)
        for number, (residual, skip) in enumerate(zip(self._residuals, self._skips, strict=True)):
            _, following[number] = self._attention.rescale_(residual, following[number])
            self._residuals[number] = self._block.join_(skip, residual)
        return self._residuals, following


def branches_of(
    block: Block, features: Pieces, prepare: Prepare, enter: Enter = lambda _: None
) -> tuple[list[Tensor], list[Tensor | None]]:
    """Residuals and shortcuts of each piece; what they share is gone afterwards."""
    with prepared(block, prepare):
        enter(block)
        residuals = [block.body(piece) for piece in features]
        enter(block)
        return residuals, [block.skip(piece) for piece in features]


@contextmanager
def prepared(module: nn.Module, prepare: Prepare) -> Iterator[None]:
    """Run the units inside of ``module`` by what ``prepare`` makes of each, while inside."""
    units = units_of(module)
    for unit in units:
        vars(unit)["convolve"] = prepare(unit)  # hides the method until it is deleted
    try:
        yield
    finally:
        for unit in units:
            vars(unit).pop("convolve", None)
