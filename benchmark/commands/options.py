"""Options that commands share, and the settings that they give."""

import functools
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import click

from benchmark.basics import bounds
from benchmark.basics.bounds import Range
from benchmark.basics.errors import UsageError
from benchmark.basics.files import require_writable
from benchmark.commands.worker_options import WorkerOptions
from benchmark.networks.registry import ATTENTIONS

if TYPE_CHECKING:
    from benchmark.planning.settings import Settings

Option = Callable[[Callable[..., Any]], Callable[..., Any]]
_PLACES = ("out", "paper", "cache", "workers", "ray", "gpus_per_training")
"""Options that results don't depend on: where they go, and who does the work."""


class OutputPath(click.Path):
    """A place to write to, refused before any work where that can't be done."""

    def __init__(self, **kind: Any) -> None:
        super().__init__(path_type=Path, **kind)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        assert isinstance(path, Path)
        require_writable(path, option=_called(param))
        return path


OUTPUT_FILE = OutputPath(dir_okay=False)
OUTPUT_FOLDER = OutputPath(file_okay=False)


@final
class Bounded(click.ParamType):  # type: ignore[type-arg]  # not generic before 8.4
    """A type of options that take a number: what is out of range is refused in a line."""

    def __init__(self, allowed: Range) -> None:
        self.allowed = allowed
        self.name = "integer" if allowed.whole else "float"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        del ctx  # what it is called is enough
        number: int | float = self.allowed.checked(_called(param), value)
        return number


def number(flag: str, *names: str, allowed: Range, **given: Any) -> Option:
    """An option that takes a number in ``allowed``; the rest as for `click.option`."""
    return click.option(flag, *names, type=Bounded(allowed), **given)


def numbers(flag: str, text: str, allowed: Range) -> list[Any]:
    """Different numbers in ``allowed``, separated by commas, that ``flag`` was given.

    Raises:
        UsageError: there are none, or one of them is none.
    """
    found = [allowed.checked(flag, part) for part in split_names(text)]
    if not found:
        raise UsageError(f"{flag}: expected numbers with commas, received {text!r}")
    return list(dict.fromkeys(found))


def _called(param: click.Parameter | None) -> str:
    return max(param.opts, key=len) if param is not None else "value"


data = click.option("--data", type=click.Path(path_type=Path), help="Where the task's files are.")
backbone = click.option(
    "--backbone", help="resnet26-thin, resnet38, resnet164, …; instead of the task's."
)
attention = click.option(
    "--attention", help=f"Attention module: {', '.join(ATTENTIONS)}.  [default: se]"
)
sharing = click.option(
    "--sharing", help="One module a block (full) or a stage (share).  [default: full]"
)
retain = number(
    "--retain",
    allowed=bounds.FRACTION,
    help="Connection probability in training.  [default: 0.8]",
)
batch_norm = click.option(
    "--batch-norm", help="recalibrated or running statistics.  [default: recalibrated]"
)
supernet_epochs = number("--supernet-epochs", allowed=bounds.COUNT, help="Instead of the task's.")
supernet_processes = number(
    "--supernet-processes",
    allowed=bounds.WORKERS,
    help="That train a supernet together.  [default: 1]",
)
confidence = number(
    "--confidence", allowed=bounds.INSIDE, help="Confidence of intervals.  [default: 0.95]"
)
seed = number(
    "--seed", allowed=bounds.SEED, help="Root of every seed but the data's.  [default: 0]"
)
verdict = click.option(
    "--verdict", help="By interval, or paper: means alone, noise ignored.  [default: interval]"
)
best_epoch = click.option(
    "--best-epoch", is_flag=True, default=None, help="Report the best epoch beside the last."
)
data_seed = number(
    "--data-seed", allowed=bounds.DATA_SEED, help="Fixes the task's splits.  [default: 0]"
)
device = click.option("--device", help="cpu, cuda or cuda:N.  [default: cpu]")
oracle_dtype = click.option(
    "--oracle-dtype", help="Scoring in float32, bfloat16 or float16.  [default: float32]"
)
oracle_kernels = click.option(
    "--oracle-kernels",
    help="What scores on CPUs: auto (the fastest), avx512, avx2 or torch.  [default: auto]",
)
oracle_memory = click.option(
    "--oracle-memory", help="What scoring may hold in each process, such as 2GiB."
)
config = click.option(
    "--config", type=click.Path(path_type=Path), help="TOML file of the options above."
)
cache = click.option("--cache", type=click.Path(path_type=Path), help="Folder shared by all runs.")
overrides = click.option(
    "--set",
    multiple=True,
    metavar="STRATEGY.NAME=VALUE",
    help="Set a hyper-parameter (repeatable); `list strategies` names them.",
)
ask_timeout = number(
    "--ask-timeout",
    allowed=bounds.SECONDS,
    help="Seconds a strategy may take over a request, or to load.  [default: 600.0]",
)
_workers = number("--workers", allowed=bounds.WORKERS, help="Processes.  [default: one a core]")
_ray = click.option(
    "--ray",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="WorkerPool of the Ray cluster there (auto: of the one on this machine; without "
    "an address, last on the line: one of this machine's cores).",
)
_gpus_per_training = number(
    "--gpus-per-training",
    allowed=bounds.POSITIVE,
    help="With --ray: so much of a GPU for each stand-alone training.  [default: 1.0]",
)
paper = click.option(
    "--paper",
    type=OUTPUT_FOLDER,
    help="Also write LaTeX tables, figures as SVG and PDF, and all data as Parquet into a folder.",
)

serve = number(
    "--serve",
    allowed=bounds.PORT,
    is_flag=False,
    flag_value=8765,
    metavar="[PORT]",
    help="Show it in a browser, on this machine only.  [port: 8765; 0: any free one]",
)


def worker_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` the options of who does its work, as `WorkerOptions`."""

    @functools.wraps(command)
    def with_worker_options(
        *arguments: Any,
        workers: int | None,
        ray: str | None,
        gpus_per_training: float | None,
        **values: Any,
    ) -> None:
        command(*arguments, worker_options=WorkerOptions(workers, ray, gpus_per_training), **values)

    return _workers(_ray(_gpus_per_training(with_worker_options)))


def read_settings(config: Path | None, options: Mapping[str, Any]) -> "Settings":
    """Settings from flags, which win, and the TOML file ``config``."""
    from benchmark.planning.settings import Settings

    given = given_values(options)
    return Settings.from_toml(config, **given) if config else Settings(**given)


def given_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were given, as `Settings` names and reads them."""
    from benchmark.plugins.overrides import read_overrides

    values = {name: value for name, value in options.items() if value is not None}
    if overrides := values.pop("set", None):
        values["set"] = read_overrides(overrides)
    if "strategies" in values:
        values["strategies"] = split_names(values["strategies"])
    if pairs := values.pop("task_option", None):
        values["task_options"] = dict(_pair(pair) for pair in pairs)
    for name, value in map(_pair, values.pop("training", ())):
        section, _, key = name.partition(".")
        if section not in ("supernet", "standalone") or not key:
            raise UsageError(
                f"--training: expected supernet.NAME or standalone.NAME, received {name}"
            )
        changed = split_names(value) if key == "milestones" else value
        values.setdefault(section, {})[key] = changed
    return values


def command_line(context: click.Context) -> str:
    """The command that ``context`` was called with, places of results left out."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params[str(parameter.name)]
        if value is None or parameter.name in _PLACES or value == parameter.get_default(context):
            continue
        values = value if isinstance(value, tuple) else (value,)
        flag = [] if isinstance(parameter, click.Argument) else [max(parameter.opts, key=len)]
        words += [word for one in values for word in (*flag, *([] if one is True else [str(one)]))]
    return shlex.join(["python", "-m", "benchmark", str(context.info_name), *words])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"expected NAME=VALUE, received {text!r}")
    return name, value


def split_names(text: str | None) -> tuple[str, ...]:
    """Names separated by commas."""
    names = [name.strip() for name in (text or "").split(",")]
    return tuple(name for name in names if name)
