"""Microsoft's NNI 3.0, the only place that imports it: importance scores, TPE, PPO.

NNI is archived, so its last version is pinned and what is not public of it can't change.
It is an extra; everything here imports it late and says what to install where it is missing,
or where another version lacks what is used of it. Its pruners' global masks depend on the
hash seed and are not used; scores of layers don't.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from strategies._own_randomness import OwnRandomness, preserved
from strategies.base import Schemes, StrategyError

Importance = Literal["l1", "l2", "gm"]
"""How pruning weighs filters: absolute sum, Euclidean norm, distance to all others."""

_PRUNERS: Mapping[Importance, str] = {
    "l1": "L1NormPruner",
    "l2": "L2NormPruner",
    "gm": "FPGMPruner",
}
_TOO_NEW = "<class 'torch.*> is found to be not a nn.Module"


def installed() -> bool:
    """Whether NNI is there to be used."""
    return find_spec("nni") is not None


def require_nni() -> None:
    """Refuse to go on without NNI.

    Raises:
        StrategyError: NNI is not installed.
    """
    if not installed():
        raise StrategyError("needs NNI: pip install 'ticket-benchmark[nni]'")


def module_importance(
    weights: Sequence[Float[np.ndarray, "_rows _columns"]], kind: Importance
) -> float:
    """How much an attention module matters to a pruner: NNI's scores of its filters together.

    A row is a filter. ``l1``: the sum of all absolute weights ("Pruning Filters for
    Efficient ConvNets"). ``l2``: the Euclidean norm of all weights together. ``gm``: the sum
    of distances between the filters of each layer ("Filter Pruning via Geometric Median");
    small sums are redundant.

    Args:
        weights: one matrix a layer; sizes may differ.
        kind: which pruner.

    Raises:
        StrategyError: NNI is not installed.
    """
    layers = [_bare_linear(matrix) for matrix in weights]
    network = nn.Sequential(*layers)
    with _needed():
        pruner = getattr(_imported("nni.compression.pruning"), _PRUNERS[kind])(
            network, [{"op_names": [str(i) for i in range(len(layers))], "sparse_ratio": 0.5}]
        )
        # Its public methods give masks only.
        scores = pruner._calculate_metrics(pruner._collect_data())  # noqa: SLF001
    pruner.unwrap_model()
    filters = torch.cat([score["weight"].flatten() for _, score in sorted(scores.items())])
    return float(filters.norm() if kind == "l2" else filters.sum())


def _bare_linear(weights: Float[np.ndarray, "rows columns"]) -> nn.Linear:
    """A layer that is made without drawing from torch's generator."""
    rows, columns = weights.shape
    layer = nn.Linear(columns, rows, bias=False, device="meta", dtype=torch.float64)
    layer.weight = nn.Parameter(torch.tensor(weights, dtype=torch.float64))
    return layer


@final
class TpeTuner:
    """NNI's tree-structured Parzen estimator over ``blocks`` categorical bits.

    Args:
        blocks: bits of a scheme.
        seed: of its generator.
        arguments: fields of NNI's ``TpeArguments``.

    Raises:
        StrategyError: NNI is not installed.
    """

    def __init__(self, blocks: int, *, seed: int, arguments: Mapping[str, int | float]) -> None:
        with _needed():
            tuner = _imported("nni.algorithms.hpo.tpe_tuner").TpeTuner
        self._exhausted = _imported("nni").NoMoreTrialError
        self._tuner = tuner("maximize", seed=seed, tpe_args=dict(arguments))
        self._names = [str(block) for block in range(blocks)]
        bit = {"_type": "choice", "_value": [False, True]}
        self._tuner.update_search_space(dict.fromkeys(self._names, bit))
        self._trial = -1

    def ask(self) -> Schemes:
        """The next scheme, never one that was asked before; none when there are no more."""
        self._trial += 1
        try:
            chosen = self._tuner.generate_parameters(self._trial)
        except self._exhausted:
            return np.empty((0, len(self._names)), dtype=bool)
        return np.array([[chosen[name] for name in self._names]], dtype=bool)

    def tell(self, reward: float) -> None:
        """Reward of the last scheme; NaN is a trial that failed."""
        if np.isnan(reward):
            self._tuner.trial_end(self._trial, False)  # noqa: FBT003 - NNI's signature
        else:
            self._tuner.receive_trial_result(self._trial, None, reward)


@final
class PpoController:
    """NNI's policy-based reinforcement learning: tianshou's PPO on NNI's LSTM, bit after bit.

    As in ``nni.nas.strategy.PolicyBasedRL``, without its engine: trajectories gather until
    there are ``samples_per_update`` of them, then the policy is updated. All its draws, which
    NNI and tianshou take from the global generators, come from states that belong to it.

    Args:
        blocks: bits of a scheme.
        rng: seeds those states.
        samples_per_update: schemes between updates of the policy.
        updates: of the policy each time, of five epochs each.
        learning_rate: of Adam.
        hidden: units of the LSTM.

    Raises:
        StrategyError: NNI or what its policies need is not installed.
    """

    def __init__(
        self,
        blocks: int,
        *,
        rng: np.random.Generator,
        samples_per_update: int,
        updates: int,
        learning_rate: float,
        hidden: int,
    ) -> None:
        with _needed():
            self._trajectories = _trajectories()
            self._buffers = import_module("tianshou.data").ReplayBuffer
            mutable = _imported("nni.mutable")
        self._names = [str(block) for block in range(blocks)]
        self._space = mutable.MutableDict(
            {name: mutable.Categorical([False, True], label=name) for name in self._names}
        )
        self._samples_per_update = samples_per_update
        self._updates = updates
        self._randomness = OwnRandomness(rng)
        with self._randomness.in_use():
            self._policy = self._trajectories.TuningTrajectoryGenerator(
                self._space, lambda env: self._new_policy(env, learning_rate, hidden)
            ).policy
        self._buffer = self._buffers(blocks * samples_per_update)
        self._gathered = 0
        self._pending: list[Any] = []

    @property
    def until_update(self) -> int:
        """Schemes that the present policy still proposes."""
        return self._samples_per_update - self._gathered % self._samples_per_update

    def ask(self, count: int) -> Schemes:
        """Draw ``count`` schemes from the policy."""
        make = self._trajectories.TuningTrajectoryGenerator
        self._pending = [make(self._space, self._policy) for _ in range(count)]
        with self._randomness.in_use():
            samples = [generator.next_sample() for generator in self._pending]
        chosen = [[sample[name] for name in self._names] for sample in samples]
        return np.array(chosen, dtype=bool).reshape(count, len(self._names))

    def tell(self, rewards: Sequence[float]) -> None:
        """Rewards of the schemes of the last `ask`; a NaN's trajectory is left out."""
        with self._randomness.in_use():
            for generator, reward in zip(self._pending, rewards, strict=True):
                if np.isnan(reward):
                    continue
                self._buffer.update(generator.send_reward(reward))
                self._gathered += 1
                if self._gathered % self._samples_per_update == 0:
                    self._learn()

    def _learn(self) -> None:
        for _ in range(self._updates):
            self._policy.update(0, self._buffer, batch_size=32, repeat=5)

    def _new_policy(self, env: Any, learning_rate: float, hidden: int) -> Any:
        """NNI's default policy, whose own factory hands Adam a set, without an order."""
        parts = self._trajectories
        net = parts.Preprocessor(env.observation_space, hidden)
        actor, critic = parts.Actor(env.action_space, net), parts.Critic(net)
        parameters = list(dict.fromkeys([*actor.parameters(), *critic.parameters()]))
        policy = parts.PPOPolicy(
            actor,
            critic,
            torch.optim.Adam(parameters, lr=learning_rate),
            torch.distributions.Categorical,
            discount_factor=1.0,
            action_space=env.action_space,
        )
        return policy.train()


@contextmanager
def _needed() -> Iterator[None]:
    """Turn what NNI lacks inside, if not all of it, into one line that says what to install.

    Raises:
        StrategyError: it failed.
    """
    try:
        yield
    except (ImportError, AttributeError) as error:
        raise StrategyError(f"needs NNI: pip install 'ticket-benchmark[nni]' ({error})") from error


def _imported(name: str) -> Any:
    """A module of NNI, without its remarks on stdout and on torch's age."""
    with preserved(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_TOO_NEW, category=RuntimeWarning)
        import_module("nni").silence_stdout()
        return import_module(name)


def _trajectories() -> Any:
    """NNI's PPO, which asks for gym; that is abandoned, and tianshou works with its successor."""
    before = sys.modules.get("gym")
    with preserved():
        sys.modules["gym"] = import_module("gymnasium")
    try:
        return _imported("nni.nas.strategy._rl_impl")
    finally:
        if before is None:
            del sys.modules["gym"]
        else:
            sys.modules["gym"] = before
