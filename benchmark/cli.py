"""The command line: a thin layer over the Python interface, a module of `commands` a command."""

import sqlite3
import warnings
from typing import Any

import click

from benchmark import __version__
from benchmark.basics.errors import BenchmarkError, BenchmarkWarning, UsageError
from benchmark.commands.check import check
from benchmark.commands.compare import compare
from benchmark.commands.describe import describe
from benchmark.commands.doctor import doctor
from benchmark.commands.encoding import printable_streams
from benchmark.commands.export import export
from benchmark.commands.gradcam import gradcam
from benchmark.commands.list_names import list_
from benchmark.commands.race import race
from benchmark.commands.report import report
from benchmark.commands.run import run
from benchmark.commands.scale import scale
from benchmark.commands.standalone import standalone
from benchmark.commands.supernet import supernet
from benchmark.commands.tabulate import tabulate
from benchmark.commands.theorem import theorem
from benchmark.commands.transfer import transfer
from benchmark.commands.trust import trust
from benchmark.commands.verify import verify
from benchmark.commands.watch import watch
from tasks.errors import DataError

_USAGE = 2
_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click raises from 8.2 on to show the help of a group that is given no command."""


class _Commands(click.Group):
    """Turns our exceptions into one line and an exit code, on any console."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with printable_streams():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings(action="default", category=BenchmarkWarning):
                warnings.showwarning = _warn
                return super().invoke(ctx)
        except click.UsageError as error:
            if isinstance(error, _HELP):
                raise
            raise _failure(_explained(error), code=_USAGE) from error
        except (UsageError, DataError) as error:
            raise _failure(error, code=_USAGE) from error
        except OSError as error:
            # A path that can't be made, read or written: theirs to change.
            raise _failure(error, code=_USAGE) from error
        except (BenchmarkError, FloatingPointError, sqlite3.Error) as error:
            raise _failure(error, code=1) from error


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"Warning: {message}", err=True)


class _UsageFailure(click.ClickException):
    exit_code = _USAGE


def _failure(error: object, *, code: int) -> click.ClickException:
    failure = _UsageFailure if code == _USAGE else click.ClickException
    return failure(" ".join(str(error).split()))


def _explained(error: click.UsageError) -> str:
    where = "" if error.ctx is None else f" (`{error.ctx.command_path} --help` says more)"
    return f"{error.format_message()}{where}"


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ticket-benchmark")
def main() -> None:
    """Which blocks of a CNN should get an attention module, and how best to find out?"""


COMMANDS = (
    *(run, report, watch, compare, supernet, tabulate, standalone, trust, verify, export, gradcam),
    *(transfer, describe, race, theorem, scale, list_, check, doctor),
)
for command in COMMANDS:
    main.add_command(command)
