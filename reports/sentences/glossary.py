"""Words for a reader who hasn't seen the paper, and how the numbers are made."""

from benchmark.records.costs import strict_costs
from benchmark.records.run import RunRecords
from reports.tables.formats import words

_WORDS = {
    "Block": "One residual block of the network: a place where an attention module can be put.",
    "Attention module (SAM)": (
        "A small self-attention module (such as SE) that rescales what a block computes. It costs "
        "parameters and inference time."
    ),
    "Original": "The network without attention modules: scheme 000…0.",
    "Full-SA": (
        "The network with an attention module at every block: scheme 111…1. Where the blocks of a "
        "stage share one module, the paper calls it Full-Share."
    ),
    "Scheme": (
        "Which blocks are connected to their attention module: one bit a block, first block "
        "first, stages separated by |."
    ),
    "Ticket": (
        "A scheme that, trained from scratch, is at least as accurate as Full-SA with {costs}."
    ),
    "Supernet": (
        "One network with all modules, trained with random schemes, so that it can guess how "
        "good any scheme would be without training it."
    ),
    "Oracle": (
        "What says how accurate a scheme is: a frozen supernet on the validation split, a table "
        "of its answers, or a landscape in closed form."
    ),
    "Strategy": "A search method that asks the oracle about schemes and proposes the best.",
    "Lane": "One run of a strategy: one strategy seed on one {oracle}.",
    "Evaluation": "One question to the oracle. Every lane has the same budget of them.",
    "Reward": "What strategies maximise: {formula}. Shown ×100.",
    "Candidate": ("One of the best schemes of a lane by reward; it is trained from scratch."),
    "Stand-alone": (
        "The network of one scheme, trained from scratch and scored on the test split, which no "
        "search has seen."
    ),
    "Landscape": (
        "The oracle's answer for every scheme, where there are few enough to ask for them all."
    ),
    "Regret": "How far the best reward that was found lies below the best that exists.",
    "Batch norm": (
        "Whether the oracle measures its statistics anew for each scheme (recalibrated) or uses "
        "those of the supernet's training (running)."
    ),
    "Point": "One hundredth: from 93% to 94% is one point.",
    "Undecided, tied": (
        "The measurements leave both answers open. That isn't the same as no difference."
    ),
}
_OF_TRAININGS = ("Candidate", "Stand-alone")
_OF_MEASURING = ("Batch norm",)
_COMPARED = (
    "Strategies are compared by the best reward of each lane at the same number of "
    "evaluations, within each {oracle}. A strategy is behind the leader when a permutation test "
    "(labels dealt out anew within each {oracle}) gives a p below 1 − confidence, corrected for "
    "all pairs of strategies (Shaffer), any of which could have led; otherwise it shares rank 1, "
    "as does whoever stands above it. Intervals are Welch's and not corrected; where they "
    "disagree with the test, it decides. Both speak of {these} only."
)
_JUDGED = (
    (
        "Verdicts use paired differences to Full-SA over the same stand-alone seeds. Seed noise is "
        "estimated from all trained schemes together (two-way additive model), and intervals are "
        "two-sided Student t. A ticket needs the whole accuracy interval at or above zero, and "
        "{costs} (of what is sampled, the whole interval below zero). Each verdict holds on its "
        "own: at 95% confidence a word is wrong by chance in at most 2.5% of cases, and over many "
        "schemes that adds up. A scheme exactly as accurate as Full-SA almost always stays "
        "undecided."
    ),
    (
        "The paper's rule compares means only (--verdict paper judges by it). Means differ by "
        "luck, so it names more tickets than can be relied on. A training that diverged has no "
        "accuracy, and its scheme is never called a ticket. Where the latency interval includes "
        "Full-SA and is wider than ±2 points, the machine was too noisy to judge time, and the "
        "verdict says so."
    ),
    (
        "Each lane's chosen scheme is its candidate of the highest mean stand-alone validation "
        "accuracy; its test accuracy is reported. The paper's Top5% is among stand-alone "
        "accuracies; here it is among the oracle's."
    ),
)


def glossary(records: RunRecords) -> dict[str, str]:
    """The words of a page in plain English."""
    formula = records.objective.formula
    kind = records.kind
    absent = _OF_TRAININGS * (not kind.trains) + _OF_MEASURING * (not kind.measured)
    return {
        word: said.format(costs=_costs(), formula=formula, oracle=kind.label)
        for word, said in _WORDS.items()
        if word not in absent
    }


def methods(records: RunRecords) -> list[str]:
    """How the numbers of a run are made, a paragraph a subject; none of what it has none of."""
    kind = records.kind
    these = f"these {kind.label}s" if kind.several else f"this {kind.label}"
    parts = (_COMPARED, *_JUDGED) if kind.trains else (_COMPARED,)
    return [part.format(oracle=kind.label, these=these, costs=_costs()) for part in parts]


def _costs() -> str:
    return words([f"strictly {cost.less_of}" for cost in strict_costs()])
