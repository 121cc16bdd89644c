"""Every setting, declared once, without torch, NumPy or pydantic.

A setting is a line of `DeclaredSettings`. Its option and what ``--help`` says, its key in a
TOML file, its check, what ``smoke`` takes for it, the command line of reports, what an
experiment's identity and a ticket hold, and whether a search of known answers knows it: all
follow from that line. `benchmark.planning.settings.Settings` holds values of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, final, get_args, get_origin, get_type_hints

from benchmark.basics import bounds
from benchmark.basics.bounds import COUNT, Range
from benchmark.basics.errors import UsageError
from benchmark.basics.names import OneOf, Registered
from benchmark.records.rules import rules_words

Value = bool | int | float | str | None
"""What a hyper-parameter may be."""


@final
@dataclass(frozen=True)
class Setting:
    """What is known of a setting.

    Attributes:
        help: what it is, in a line.
        searches: whether a search of answers that are known beforehand (a table, a closed
            form) depends on it.
        trainings: whether stand-alone trainings and verdicts depend on it: tickets repeat it.
        identity: whether an experiment's identity holds its value; what else of it the
            identity must hold is there in another form.
        stored: whether records hold it.
        smoke: what ``smoke`` puts in its place; None leaves it.
        flag: its option, where that isn't its name.
        name: filled in by `declared`, like those that follow.
        kind: of its values, None and ranges left out.
        allowed: which values there are, as far as that can be said of one alone.
        default: None where there is none, or where the task says it.
    """

    help: str = ""
    searches: bool = False
    trainings: bool = False
    identity: bool = True
    stored: bool = True
    smoke: Any = None
    flag: str = ""
    name: str = ""
    kind: Any = str
    allowed: Range | OneOf | Registered | None = None
    default: Any = None

    @property
    def option(self) -> str:
        """What it is called on command lines, such as ``--data-seed``."""
        return self.flag or f"--{self.name.replace('_', '-')}"

    def words(self, value: Any) -> list[str]:
        """The command line that gives ``value``."""
        if value is None or value is False:
            return []
        if value is True:
            return [self.option]
        if isinstance(value, RecipeChanges):
            pairs = [(f"{self.name}.{key}", to) for key, to in value.given().items()]
        elif isinstance(value, dict):
            pairs = list(_flat(value))
        else:
            return [self.option, written(value)]
        return [word for key, to in pairs for word in (self.option, f"{key}={written(to)}")]


def written(value: Any) -> str:
    """A value as options read it: ``true``, ``none``, ``a,b``."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", inner) for key, inner in value.items())
        else:
            yield name, value


@final
@dataclass(frozen=True)
class RecipeChanges:
    """What to change in a task's training recipe; None leaves the task's value.

    See `tasks.recipes.Recipe` for what each means.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "revalidate_instances": "always"}

    epochs: Annotated[int | None, COUNT] = None
    batch_size: Annotated[int | None, COUNT, Setting(smoke=4)] = None
    optimizer: Literal["sgd", "nesterov", "adamw", "adam"] | None = None
    learning_rate: Annotated[float | None, bounds.POSITIVE] = None
    weight_decay: Annotated[float | None, bounds.DECAY] = None
    schedule: (
        Literal["one-cycle", "cosine", "multi-step", "exponential", "poly", "constant"] | None
    ) = None
    milestones: tuple[Annotated[int, bounds.FURTHER], ...] | None = None
    gamma: Annotated[float | None, bounds.FRACTION] = None
    momentum: Annotated[float | None, bounds.BELOW_ONE] = None
    head_rate: Annotated[float | None, bounds.POSITIVE] = None
    precision: Annotated[
        Literal["float32", "bf16", "fp16"] | None,
        Setting("Type of numbers in convolutions and linear layers; all else stays float32."),
    ] = None
    accumulate: Annotated[
        int | None, COUNT, Setting("Parts that a batch goes through the network in, one by one.")
    ] = None
    memory_format: Annotated[
        Literal["auto", "channels-last", "contiguous"] | None,
        Setting("Order of a feature map's numbers; auto: channels last where that is safe."),
    ] = None
    compile: Annotated[bool | None, Setting("Use torch.compile.")] = None
    threads: Annotated[int | None, bounds.THREADS, Setting("Threads of torch on CPUs.")] = None

    def __post_init__(self) -> None:
        """Refuse milestones out of order.

        Raises:
            UsageError: they don't ascend.
        """
        if self.milestones and list(self.milestones) != sorted(self.milestones):
            received = written(tuple(self.milestones))
            raise UsageError(f"milestones: expected epochs in ascending order, received {received}")

    def given(self) -> dict[str, Any]:
        """The changes that aren't None, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


class DeclaredSettings:
    """A line for each setting: type, what it may be, what is known of it, default.

    The order is that of options and of the command line in reports.
    """

    strategies: Annotated[
        tuple[str, ...],
        Setting("Names or FILE.py:CLASS, separated by commas.", searches=True, identity=False),
    ] = ("ean", "ga", "enas")
    set: Annotated[
        dict[str, dict[str, Value]],
        Setting(
            "Set a hyper-parameter (repeatable); `list strategies` names them.",
            searches=True,
            identity=False,
        ),
    ] = {}  # noqa: RUF012 - pydantic copies it
    task: Annotated[
        str,
        Registered("task", "tasks.registry:TASKS"),
        Setting("Task to use; see `list tasks`.", trainings=True),
    ] = "digits"
    recipe: Annotated[str | None, Setting("Named settings to start from; see `list recipes`.")] = (
        None
    )
    data: Annotated[
        Path | None, Setting("Where the task's files are.", stored=False, identity=False)
    ] = None
    task_options: Annotated[
        dict[str, str],
        Setting("Choices that the task offers (repeatable).", trainings=True, flag="--task-option"),
    ] = {}  # noqa: RUF012 - pydantic copies it
    skip_broken: Annotated[bool, Setting("Leave out unreadable images.", trainings=True)] = False
    budget: Annotated[
        int, bounds.BUDGET, Setting("Evaluations of each run.", searches=True, smoke=2)
    ] = 300
    seeds: Annotated[int, COUNT, Setting("Runs of each strategy.", searches=True, smoke=1)] = 5
    supernet_seeds: Annotated[
        int, COUNT, Setting("Supernets, trained with different seeds.", smoke=1)
    ] = 1
    standalone_seeds: Annotated[
        int, COUNT, Setting("Trainings of each scheme.", trainings=True, smoke=1)
    ] = 3
    candidates: Annotated[int, COUNT, Setting("Schemes of each run to train.", smoke=1)] = 3
    backbone: Annotated[
        str | None,
        Setting("resnet26-thin, resnet38, resnet164, …; instead of the task's.", trainings=True),
    ] = None
    attention: Annotated[
        str,
        Registered("attention module", "benchmark.networks.registry:ATTENTIONS"),
        Setting("Attention module.", trainings=True),
    ] = "se"
    sharing: Annotated[
        Literal["full", "share"],
        Setting("One module a block (full) or a stage (share).", trainings=True),
    ] = "full"
    retain: Annotated[
        float, bounds.FRACTION, Setting("Probability of a connection in supernet training.")
    ] = 0.8
    batch_norm: Annotated[
        Literal["recalibrated", "running"], Setting("Batch-norm statistics at scoring time.")
    ] = "recalibrated"
    objective: Annotated[
        str,
        Registered("objective", "benchmark.records.objectives:OBJECTIVES"),
        Setting("What searches maximise.", searches=True),
    ] = "connections"
    objective_weight: Annotated[
        float, bounds.WEIGHT, Setting("λ, the price of connections in rewards.", searches=True)
    ] = 0.02
    confidence: Annotated[
        float,
        bounds.INSIDE,
        Setting("Confidence of intervals.", searches=True, trainings=True),
    ] = 0.95
    verdict: Annotated[
        str,
        Registered("verdict rule", "benchmark.records.rules:RULES", parametrised=True),
        Setting(f"What a ticket is judged by; {rules_words()}.", trainings=True),
    ] = "interval"
    best_epoch: Annotated[
        bool, Setting("Report the best epoch beside the last.", trainings=True)
    ] = False
    supernet_epochs: Annotated[
        int | None, COUNT, Setting("Epochs of supernet training, instead of the task's.", smoke=1)
    ] = None
    supernet_processes: Annotated[
        int, bounds.WORKERS, Setting("Processes that train a supernet together.")
    ] = 1
    supernet: Annotated[
        RecipeChanges,
        Setting("Changes to the task's recipe of supernet training.", flag="--training"),
    ] = RecipeChanges()
    standalone_epochs: Annotated[
        int | None,
        COUNT,
        Setting("Epochs of stand-alone training, instead of the task's.", trainings=True, smoke=1),
    ] = None
    standalone: Annotated[
        RecipeChanges,
        Setting(
            "Changes to the task's recipe of stand-alone training.",
            trainings=True,
            flag="--training",
        ),
    ] = RecipeChanges()
    seed: Annotated[
        int,
        bounds.SEED,
        Setting("Root of every seed but the data's.", searches=True, trainings=True),
    ] = 0
    data_seed: Annotated[
        int, bounds.DATA_SEED, Setting("Seed of the task's splits.", trainings=True)
    ] = 0
    device: Annotated[str, Setting("cpu, cuda or cuda:N.", trainings=True)] = "cpu"
    oracle: Annotated[
        str | None,
        Setting(
            "Search a table of answers (Parquet), or a landscape of `race` (known:NAME[:BLOCKS]), "
            "and no supernet.",
            searches=True,
            identity=False,
        ),
    ] = None
    oracle_dtype: Annotated[
        Literal["float32", "bfloat16", "float16"], Setting("Type of features in scoring.")
    ] = "float32"
    oracle_kernels: Annotated[
        Literal["auto", "avx512", "avx2", "torch"],
        Setting("What scores on CPUs; auto: the fastest that there is.", identity=False),
    ] = "auto"
    oracle_memory: Annotated[
        str | None,
        Setting("What scoring may hold in each process, such as 2GiB.", identity=False),
    ] = None
    ask_timeout: Annotated[
        float,
        bounds.SECONDS,
        Setting(
            "Seconds a strategy may take over a request, or to load.",
            searches=True,
            identity=False,
        ),
    ] = 600.0
    smoke: Annotated[bool, Setting("A few images and steps: try it out.", trainings=True)] = False


def declared(owner: type) -> dict[str, Setting]:
    """What the class ``owner`` declares, by name and in its order."""
    hints = get_type_hints(owner, include_extras=True)
    return {
        name: _read(name, hint, getattr(owner, name))
        for name, hint in hints.items()
        if not name.startswith("_")
    }


def _read(name: str, hint: Any, default: Any) -> Setting:
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    said = next((note for note in notes if isinstance(note, Setting)), Setting())
    limits: list[Range | OneOf | Registered] = [
        note for note in notes if isinstance(note, Range | Registered)
    ]
    if type(None) in (parts := get_args(kind)):
        kind = next(part for part in parts if part is not type(None))
    if get_origin(kind) is Literal:
        kind, limits = str, [OneOf(get_args(kind))]
    allowed = limits[0] if limits else None
    return replace(said, name=name, kind=kind, allowed=allowed, default=default)


SETTINGS = declared(DeclaredSettings)
RECIPE_CHANGES = declared(RecipeChanges)
SECTIONS = tuple(name for name, setting in SETTINGS.items() if setting.kind is RecipeChanges)
"""Settings that are changes to a recipe: tables of a TOML file."""

REPEATED = frozenset(name for name, setting in SETTINGS.items() if setting.trainings)
"""Settings that stand-alone trainings and verdicts depend on. Strategies and places of files
are not among them: whoever checks a ticket runs and reads nothing that the ticket names."""
SEARCHED = frozenset(name for name, setting in SETTINGS.items() if setting.searches)
"""Settings that have an effect on a search of answers that are known beforehand."""
STARTS = ("recipe", "smoke")
"""Settings that stand for values of others."""
IDENTIFYING = frozenset(name for name, setting in SETTINGS.items() if setting.identity)
"""Settings whose values an experiment's identity holds."""
SMOKE: dict[str, Any] = {
    **{name: setting.smoke for name, setting in SETTINGS.items() if setting.smoke is not None},
    **{
        section: {key: s.smoke for key, s in RECIPE_CHANGES.items() if s.smoke is not None}
        for section in SECTIONS
    },
}
"""What ``smoke`` puts in the place of settings."""
