"""Block passes: what a node of the tree of prefixes hands to its children, and who computes it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from benchmark.networks.attention import Attention, State
from benchmark.networks.resnet import Apply, Block, ConvNorm, ResNet
from benchmark.oracle.base import Schemes
from benchmark.oracle.convolution import Convolve

Pieces = Sequence[Float[Tensor, "_ _ _ _"]]
"""Rows in parts, each of which goes through a block on its own."""
Prepare = Callable[[ConvNorm], Convolve]
"""Makes a node's convolution, its norm included; asked in the order in which they run."""


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
    def enter(self, backbone: ResNet, images: Pieces) -> Pieces:
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
    """

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    def enter(self, backbone: ResNet, images: Pieces) -> Pieces:
        stem = shared(self._prepare, [backbone.first])
        return [backbone.stem(piece, stem) for piece in images]

    def node(
        self, block: Block, attention: Attention, features: Pieces, children: Children
    ) -> Node:
        return _Residuals(*branches(block, features, self._prepare), attention, children)


class _Residuals(Node):
    def __init__(
        self,
        residuals: list[Tensor],
        skips: list[Tensor],
        attention: Attention,
        children: Children,
    ) -> None:
        self._residuals, self._skips = residuals, skips
        self._attention, self._children = attention, children

    def passed(self) -> Pieces:
        # Without a sibling, nobody needs the residuals any more.
        add = Tensor.add if self._children.attended else Tensor.add_
        return [add(r, s).relu_() for s, r in zip(self._skips, self._residuals, strict=True)]

    def attended(self, states: Sequence[State]) -> tuple[Pieces, list[State]]:
        following = list(states)
        for number, (residual, skip) in enumerate(zip(self._residuals, self._skips, strict=True)):
            _, following[number] = self._attention.rescale_(residual, following[number])
            residual.add_(skip).relu_()
        return self._residuals, following


def branches(block: Block, features: Pieces, prepare: Prepare) -> tuple[list[Tensor], list[Tensor]]:
    """Residuals and shortcuts of each piece; what they share is gone afterwards."""
    apply = shared(prepare, units_of(block))
    residuals = [block.body(piece, apply) for piece in features]
    return residuals, [block.skip(piece, apply) for piece in features]


def blocks_of(backbone: ResNet) -> list[Block]:
    """The blocks of ``backbone``, first block first."""
    blocks = [module for module in backbone.blocks if isinstance(module, Block)]
    assert len(blocks) == len(backbone.blocks)
    return blocks


def units_of(block: Block) -> list[ConvNorm]:
    """The convolutions of ``block`` in the order in which they are prepared."""
    shortcut: list[nn.Module] = [] if block.shortcut is None else [block.shortcut]
    units = [unit for unit in [*block.units, *shortcut] if isinstance(unit, ConvNorm)]
    assert len(units) == len(block.units) + len(shortcut)
    return units


def shared(prepare: Prepare, units: Sequence[ConvNorm]) -> Apply:
    """Runs each of ``units`` with its convolution prepared once."""
    prepared = {unit: prepare(unit) for unit in units}
    return lambda unit, features: prepared[unit](features)
