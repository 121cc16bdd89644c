from typing import final

import numpy as np
from jaxtyping import Bool, Float64

from strategies._curious import CuriousReinforce
from strategies._reinforce import Experience
from strategies.base import Schemes


def scrambled(schemes: Bool[np.ndarray, "n blocks"]) -> Bool[np.ndarray, "n blocks"]:
    """The rows as the released code records them.

    It draws the first scheme alone and records it correctly. It draws the others
    together, block by block, and cuts that block-major list into rows without
    transposing it, so a row mixes several schemes and spans only some of the blocks.
    """
    others = schemes[1:]
    return np.concatenate([schemes[:1], others.T.reshape(others.shape)])


@final
class EANReleased(CuriousReinforce):
    """The search that the released code runs, defect by defect.

    From ``search_imagent/EAN_search.py`` of gbup-group/EAN-efficient-attention-network.
    What it does, and what the paper intends (`strategies.ean`):

    1. All recorded schemes but the first of a step are scrambled (`scrambled`). The
       paper replays the schemes that were drawn and scored.
    2. The curiosity networks see the scrambled rows too. The paper asks how new the
       drawn schemes are.
    3. The bonus is summed over the step and added to each of its schemes, so it ranks
       none of them. The paper gives each scheme its own.
    4. The baseline averages rewards with that common bonus: while the bonus decays the
       baseline lags above it and pushes down whatever is drawn. The paper has no
       baseline; `strategies.ean` needs one and shares the lag, not the common bonus.
    5. The replay ratio carries no gradient, so clipping reweighs log-probabilities
       the wrong way round (`strategies._losses.reversed_clip`). PPO's clip stops the gradient.
    6. The minimum is taken once, of two totals. PPO takes it for each decision.
    7. A replayed advantage is the stored reward without bonus less today's baseline
       with bonus, hence too low. The paper replays the reward it learnt from.
    8. The controller's input is the zero vector, so its first weights never learn and
       only their biases act. The paper says "a constant vector".
    9. The bound 2.5·tanh(logits) is defined and never reached. Neither the paper nor
       `strategies.ean` has one.
    10. Rewards are accuracy and sparsity in percent less 54, about the authors'
        supernet accuracy. The paper's reward has no offset; as the baseline starts at
        the first mean, it cancels from every advantage.

    Schemes whose answer is NaN, which the released code could not meet, are left out.
    """

    name = "ean-released"
    summary = "the released EAN code with all its defects"
    source = "EAN-efficient-attention-network, the repository of the paper's authors"
    constant = 0.0
    reward_offset = 54.0
    replay = "reversed clip"

    def recorded(self, schemes: Schemes) -> Schemes:
        return scrambled(schemes)

    def credited(self, bonuses: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        return np.full(len(bonuses), bonuses.sum())

    def replay_advantage(self, past: Experience, baseline: float) -> Float64[np.ndarray, " n"]:
        return past.rewards - baseline
