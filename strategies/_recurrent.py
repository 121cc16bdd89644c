"""ENAS's LSTM in NumPy: an autograd graph costs more than steps as small as these.

Answers have had these bits since, and searching a table needs no torch.
`tests/strategies/recurrent_reference.py` is the same in torch.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64, Int64

from strategies._adam import Adam
from strategies.base import Schemes

_INITIAL_BOUND = 0.1
_START = 2
"""Row of the embedding that the first step reads; rows 0 and 1 are the decisions."""
_CANDIDATE = 2
"""Which of the four gates (input, forget, candidate, output) has a tanh, not a sigmoid."""


@final
class _Weights:
    """Named views of one vector, in the order in which torch's modules list theirs.

    Both biases of torch's LSTM are kept: each moves as far as one would.
    """

    def __init__(self, hidden: int, flat: Float64[np.ndarray, " weights"]) -> None:
        parts = iter(np.split(flat, np.cumsum(self.sizes(hidden))[:-1]))
        self.embedding = next(parts).reshape(3, hidden)
        self.from_input = next(parts).reshape(4 * hidden, hidden)
        self.from_hidden = next(parts).reshape(4 * hidden, hidden)
        self.biases = next(parts).reshape(2, 4 * hidden)
        self.decoder = next(parts).reshape(2, hidden)
        self.decoder_bias = next(parts)

    @staticmethod
    def sizes(hidden: int) -> list[int]:
        """Entries of each view, in the order of the vector."""
        square = 4 * hidden * hidden
        return [3 * hidden, square, square, 8 * hidden, 2 * hidden, 2]


@final
@dataclass(frozen=True)
class Walk:
    """What happened along some schemes, as far as their gradient needs it.

    Attributes:
        inputs: row of the embedding that each step read.
        gates: input, forget, candidate and output gate after their activation.
        cells: of the LSTM, before the first step and after each.
        hidden: its outputs, likewise.
        logits: of connecting a block against leaving it unconnected, over the temperature.
    """

    inputs: Int64[np.ndarray, "blocks n"]
    gates: Float64[np.ndarray, "blocks n 4 hidden"]
    cells: Float64[np.ndarray, "blocks+1 n hidden"]
    hidden: Float64[np.ndarray, "blocks+1 n hidden"]
    logits: Float64[np.ndarray, "blocks n"]

    @property
    def log_policy(self) -> Float64[np.ndarray, "n blocks 2"]:
        """Log-probabilities of (unconnected, connected), each given the scheme's earlier bits."""
        both = np.stack([self.logits.T, -self.logits.T], axis=2)
        log_policy: Float64[np.ndarray, "n blocks 2"] = -np.logaddexp(0.0, both)
        return log_policy


@final
class RecurrentController:
    """ENAS's policy: an LSTM that decides block after block.

    Step i reads an embedding of decision i-1 (the first a learnt start) and turns its
    hidden state into two logits with a decoder that all steps share. All weights start
    at U(±0.1). Double precision: over hundreds of updates single precision would let
    another build of a library flip a sampled bit.

    Args:
        hidden: units of the LSTM and length of the embeddings.
        temperature: divides the logits.
        learning_rate: of Adam.
        rng: source of the initial weights.
    """

    def __init__(
        self, *, hidden: int, temperature: float, learning_rate: float, rng: np.random.Generator
    ) -> None:
        flat = rng.uniform(-_INITIAL_BOUND, _INITIAL_BOUND, sum(_Weights.sizes(hidden)))
        self._hidden = hidden
        self._temperature = temperature
        self._weights = _Weights(hidden, flat)
        self._gradient = np.zeros_like(flat)
        self._slopes = _Weights(hidden, self._gradient)
        self._optimiser = Adam(flat, learning_rate=learning_rate)
        self._drawn: tuple[Schemes, Walk] | None = None
        # A sigmoid is a tanh at half the scale: one call does for all gates.
        self._scale = np.full((4, 1), 0.5)
        self._scale[_CANDIDATE] = 1.0
        self._read()

    def walk(self, schemes: Schemes) -> Walk:
        """Go along schemes as if the policy had decided them; as it just has, most often."""
        if self._drawn is not None and np.array_equal(self._drawn[0], schemes):
            return self._drawn[1]
        inputs = np.full(schemes.T.shape, _START)
        inputs[1:] = schemes.T[:-1]
        walk = self._begin(inputs)
        for block in range(len(inputs)):
            self._step(walk, block)
        return walk

    def sample(self, n: int, *, blocks: int, rng: np.random.Generator) -> Schemes:
        """Draw schemes from the policy."""
        draws = rng.random((blocks, n))
        walk = self._begin(np.full((blocks, n), _START))
        schemes = np.empty((blocks, n), dtype=bool)
        for block in range(blocks):
            if block:
                walk.inputs[block] = schemes[block - 1]
            self._step(walk, block)
            schemes[block] = draws[block] < 0.5 + 0.5 * np.tanh(walk.logits[block] / 2)
        self._drawn = (schemes.T.copy(), walk)
        return schemes.T.copy()

    def gradient(
        self, walk: Walk, slopes: Float64[np.ndarray, "n blocks"]
    ) -> Float64[np.ndarray, " weights"]:
        """Derivative of a loss by all weights; the next call writes over it.

        Args:
            walk: of this policy, since its last step.
            slopes: derivative of the loss by the walk's logits.
        """
        self._backward(walk, slopes.T / self._temperature)
        return self._gradient

    def descend(self, walk: Walk, slopes: Float64[np.ndarray, "n blocks"]) -> None:
        """One step of Adam down the `gradient`."""
        self._optimiser.descend(self.gradient(walk, slopes))
        self._read()

    def _read(self) -> None:
        """What the three inputs contribute to the gates; earlier walks are void."""
        weights = self._weights
        read = weights.embedding @ weights.from_input.T + weights.biases.sum(axis=0)
        self._inputs = read.reshape(3, 4, self._hidden)
        self._drawn = None

    def _begin(self, inputs: Int64[np.ndarray, "blocks n"]) -> Walk:
        blocks, n = inputs.shape
        states = (blocks + 1, n, self._hidden)
        gates = np.empty((blocks, n, 4, self._hidden))
        return Walk(inputs, gates, np.zeros(states), np.zeros(states), np.empty((blocks, n)))

    def _step(self, walk: Walk, block: int) -> None:
        gates = walk.gates[block]
        np.add(
            self._inputs[walk.inputs[block]],
            (walk.hidden[block] @ self._weights.from_hidden.T).reshape(gates.shape),
            out=gates,
        )
        gates *= self._scale
        np.tanh(gates, out=gates)
        gates *= self._scale
        gates += 1 - self._scale
        entering, kept, candidate, output = gates.transpose(1, 0, 2)
        cell = walk.cells[block + 1]
        np.multiply(kept, walk.cells[block], out=cell)
        cell += entering * candidate
        np.multiply(output, np.tanh(cell), out=walk.hidden[block + 1])
        decoded = walk.hidden[block + 1] @ self._weights.decoder.T + self._weights.decoder_bias
        walk.logits[block] = (decoded[:, 1] - decoded[:, 0]) / self._temperature

    def _backward(self, walk: Walk, slopes: Float64[np.ndarray, "blocks n"]) -> None:
        """Fill the gradient, from the last block to the first.

        The slope of a gate before its activation is that of its cell (of its output, for the
        output gate) times a factor that all steps have at once.
        """
        weights, gradient = self._weights, self._slopes
        blocks, n = slopes.shape
        decoded = np.stack([-slopes, slopes], axis=2)
        outputs = walk.hidden[1:]
        gradient.decoder[:] = np.einsum("bnk,bnh->kh", decoded, outputs)
        gradient.decoder_bias[:] = decoded.sum(axis=(0, 1))
        through_decoder = decoded @ weights.decoder

        entering, kept, candidate, output = walk.gates.transpose(2, 0, 1, 3)
        squashed = np.tanh(walk.cells[1:])
        to_cell = output * (1 - squashed**2)
        factors = walk.gates * (1 - walk.gates)
        factors[:, :, _CANDIDATE] = 1 - candidate**2
        factors *= np.stack([candidate, walk.cells[:-1], entering, squashed], axis=2)

        to_hidden, cell = np.zeros((n, self._hidden)), np.zeros((n, self._hidden))
        for block in reversed(range(blocks)):
            to_hidden += through_decoder[block]
            cell += to_hidden * to_cell[block]
            gates = factors[block]
            gates[:, :3] *= cell[:, None]
            gates[:, 3] *= to_hidden
            cell *= kept[block]
            to_hidden = gates.reshape(n, -1) @ weights.from_hidden

        gates = factors.reshape(blocks * n, -1)
        np.matmul(gates.T, walk.hidden[:-1].reshape(blocks * n, -1), out=gradient.from_hidden)
        by_input = (walk.inputs.reshape(-1) == np.arange(3)[:, None]).astype(np.float64) @ gates
        gradient.biases[:] = by_input.sum(axis=0)
        np.matmul(by_input.T, weights.embedding, out=gradient.from_input)
        np.matmul(by_input, weights.from_input, out=gradient.embedding)
