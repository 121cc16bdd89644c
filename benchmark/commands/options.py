"""Options that commands share, those of settings among them, and the settings that they give."""

import functools
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, get_args, get_origin

import click

from benchmark.basics import bounds
from benchmark.basics.bounds import Range
from benchmark.basics.errors import UsageError
from benchmark.basics.files import require_writable
from benchmark.basics.names import OneOf, Registered
from benchmark.commands.worker_options import WorkerOptions, engine_options
from benchmark.records.settings import (
    RECIPE_CHANGES,
    SECTIONS,
    SETTINGS,
    Setting,
    written,
)
from benchmark.workers.engine import EngineOption

if TYPE_CHECKING:
    from benchmark.planning.settings import Settings

Option = Callable[[Callable[..., Any]], Callable[..., Any]]
_TRAINING = "training"
"""Parameter of the option that changes recipes."""
_WITHIN = "__"
"""Between a recipe's setting and what is changed, in a parameter's name."""
_PORT = 8765
_LONGEST = 60
"""Characters of names that an option shows beside it."""


@final
class Place(click.Option):
    """An option that results don't depend on: where they go, or who does the work."""


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
class Checked(click.ParamType):  # type: ignore[type-arg]  # not generic before 8.4
    """A type of options for values that may be said of one alone; others are refused in a line."""

    def __init__(self, allowed: Range | OneOf | Registered) -> None:
        self.allowed = allowed
        self.name = "text"
        if isinstance(allowed, Range):
            self.name = "integer" if allowed.whole else "float"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        """``[full|share]``; None, the type, for numbers and for lists that would fill a line."""
        del param, ctx  # they change nothing
        if isinstance(self.allowed, Range):
            return None
        names = f"[{'|'.join(self.allowed.names)}]"
        return names if len(names) <= _LONGEST else None

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        del ctx  # what it is called is enough
        return self.allowed.checked(_called(param), value)


def number(flag: str, *names: str, allowed: Range, **given: Any) -> Option:
    """An option that takes a number in ``allowed``; the rest as for `click.option`."""
    return click.option(flag, *names, type=Checked(allowed), **given)


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


def otherwise(text: str, default: object) -> str:
    """What ``--help`` says of an option whose default is ``default``, or is so described."""
    return f"{text}  [default: {default}]"


def settings(*names: str, **flags: str) -> Option:
    """The options of settings: of those named here, or of all.

    Args:
        names: of settings.
        flags: more of them, with what their options are called here.
    """
    wanted = {name: flags.get(name) for name in (*names, *flags) or SETTINGS}
    sections = [name for name in wanted if name in SECTIONS]  # all in one option
    return _all(
        setting(name, flag) if name not in sections else _training(sections)
        for name, flag in wanted.items()
        if name not in sections[1:]
    )


def setting(name: str, flag: str | None = None, **given: Any) -> Option:
    """The option of the setting ``name``; None or empty where it isn't given.

    Args:
        name: of the setting.
        flag: what it is called here, if not as elsewhere.
        given: for `click.option`, instead of what the setting's declaration says.
    """
    declared = SETTINGS[name]
    return _option(declared, flag or declared.option, name, given)


def recipe_changes(section: str, *names: str) -> Option:
    """Options for changes to one recipe, such as ``--threads`` for that of supernets.

    Args:
        section: the recipe's setting.
        names: of what is changed.
    """
    changes = [RECIPE_CHANGES[name] for name in names]
    return _all([_option(one, one.option, f"{section}{_WITHIN}{one.name}", {}) for one in changes])


def _option(declared: Setting, flag: str, name: str, given: Mapping[str, Any]) -> Option:
    text, default = declared.help, declared.default
    if isinstance(default, int | float | str | tuple) and declared.kind is not bool:
        text = otherwise(text, written(default))
    if declared.kind is bool and default is None:
        flag = f"{flag}/{flag.replace('--', '--no-', 1)}"
    kept = {"help": text, **_form(declared), **given}
    if not kept.get("required"):  # a default, even None, would do for a value
        kept["default"] = None
    return click.option(flag, name, **kept)


def _form(declared: Setting) -> dict[str, Any]:
    """How an option takes values of this kind."""
    kind = declared.kind
    if kind is bool:
        return {"is_flag": True}
    if get_origin(kind) is dict:
        outer = "STRATEGY." * _nested(kind)
        return {"multiple": True, "metavar": f"{outer}NAME=VALUE"}
    if kind is Path:
        return {"type": click.Path(path_type=Path)}
    return {} if declared.allowed is None else {"type": Checked(declared.allowed)}


def _nested(kind: Any) -> bool:
    return get_origin(get_args(kind)[1]) is dict


def _training(sections: Sequence[str]) -> Option:
    def checked(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            _change(sections, text)  # a change to another recipe would have no effect
        return texts

    return click.option(
        *(SETTINGS[SECTIONS[0]].option, _TRAINING),
        multiple=True,
        callback=checked,
        metavar=f"{'|'.join(sections)}.NAME=VALUE",
        help=f"Change the task's recipe (repeatable): {', '.join(RECIPE_CHANGES)}.",
    )


def _all(made: Iterable[Option]) -> Option:
    return lambda command: functools.reduce(lambda done, one: one(done), reversed([*made]), command)


config = click.option(
    "--config", type=click.Path(path_type=Path), help="TOML file of the options above."
)
cache = click.option(
    "--cache", type=click.Path(path_type=Path), cls=Place, help="Folder shared by all runs."
)
_workers = number(
    "--workers", allowed=bounds.WORKERS, cls=Place, help=otherwise("Processes.", "one a core")
)
paper = click.option(
    "--paper",
    type=OUTPUT_FOLDER,
    help="Also write LaTeX tables, figures as SVG and PDF, and all data as Parquet into a folder.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
serve = number(
    "--serve",
    allowed=bounds.PORT,
    is_flag=False,
    flag_value=_PORT,
    metavar="[PORT]",
    help=f"Show it in a browser, on this machine only.  [port: {_PORT}; 0: any free one]",
)


def worker_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` the options of who does its work, as `WorkerOptions`."""
    names = engine_options()

    @functools.wraps(command)
    def with_worker_options(*arguments: Any, workers: int | None, **values: Any) -> None:
        engine = {name: values.pop(name) for name in names}
        command(*arguments, worker_options=WorkerOptions(workers, engine), **values)

    decorated: Callable[..., None] = with_worker_options
    for name, option in reversed(names.items()):
        decorated = _engine_option(name, option)(decorated)
    return _workers(decorated)


def _engine_option(name: str, option: EngineOption) -> Option:
    alone: dict[str, Any] = (
        {} if option.alone is None else {"is_flag": False, "flag_value": option.alone}
    )
    return click.option(
        f"--{name.replace('_', '-')}",
        cls=Place,
        type=Checked(option.allowed) if option.allowed else str,
        metavar=option.metavar,
        help=option.help if option.default is None else otherwise(option.help, option.default),
        **alone,
    )


def read_settings(config: Path | None, options: Mapping[str, Any]) -> "Settings":
    """Settings from flags, which win, and the TOML file ``config``."""
    from benchmark.planning.settings import Settings

    given = given_values(options)
    return Settings.from_toml(config, **given) if config else Settings(**given)


def given_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were given, as `Settings` names and reads them."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    values: dict[str, Any] = {}
    for text in given.pop(_TRAINING, ()):
        section, key, value = _change(SECTIONS, text)
        several = key in RECIPE_CHANGES and get_origin(RECIPE_CHANGES[key].kind) is tuple
        values.setdefault(section, {})[key] = split_names(value) if several else value
    for name, value in given.items():
        section, within, key = name.partition(_WITHIN)
        if within:
            values.setdefault(section, {})[key] = value
        else:
            values[name] = _read(SETTINGS[name], value) if name in SETTINGS else value
    return values


def filled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Values of settings' options, with the defaults of those that weren't given."""
    return {name: SETTINGS[name].default for name in options} | given_values(options)


def _read(setting: Setting, value: Any) -> Any:
    kind = setting.kind
    if get_origin(kind) is tuple:
        return split_names(value)
    if get_origin(kind) is not dict:
        return value
    if not _nested(kind):
        return dict(_pair(setting.option, text) for text in value)
    from benchmark.plugins.overrides import read_overrides

    return read_overrides(value)


def command_line(context: click.Context) -> str:
    """The command that ``context`` was called with, places of results left out."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params[str(parameter.name)]
        place = isinstance(parameter, Place) or isinstance(parameter.type, OutputPath)
        if value is None or place or value == parameter.get_default(context):
            continue
        values = value if isinstance(value, tuple) else (value,)
        flag = [] if isinstance(parameter, click.Argument) else [max(parameter.opts, key=len)]
        words += [word for one in values for word in (*flag, *([] if one is True else [str(one)]))]
    return shlex.join(["python", "-m", "benchmark", str(context.info_name), *words])


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{option}: expected NAME=VALUE, received {text!r}")
    return name, value


def _change(sections: Sequence[str], text: str) -> tuple[str, str, str]:
    """Section, name and value of a change to a recipe, where those of ``sections`` count."""
    option = SETTINGS[SECTIONS[0]].option
    name, value = _pair(option, text)
    section, _, key = name.partition(".")
    if section not in sections or not key:
        expected = " or ".join(f"{section}.NAME" for section in sections)
        raise UsageError(f"{option}: expected {expected}, received {name}")
    return section, key, value


def names_or(flag: str, text: str | None, otherwise: Iterable[str]) -> tuple[str, ...]:
    """The names that ``flag`` was given, separated by commas; ``otherwise`` where it wasn't.

    Raises:
        UsageError: it was given none.
    """
    if text is None:
        return tuple(otherwise)
    if not (names := split_names(text)):
        raise UsageError(f"{flag}: expected names with commas, received {text!r}")
    return names


def split_names(text: str | None) -> tuple[str, ...]:
    """The names that ``text`` separates by commas; none of None."""
    names = [name.strip() for name in (text or "").split(",")]
    return tuple(name for name in names if name)
