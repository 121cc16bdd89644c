"""Numbers from outside: what each may be, declared once for flags, settings and files.

A `Range` is a type of flags (`benchmark.commands.options.number`), an annotation that
pydantic checks (``Annotated[int, COUNT]``), and a check of arguments (`Range.checked`).
All take NumPy's numbers and texts for plain ones, and no truth values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, final

from benchmark.basics.errors import UsageError

if TYPE_CHECKING:
    from pydantic_core import CoreSchema, ErrorDetails

Number = int | float
_SHOWN = 60  # characters of a value in a message


@final
@dataclass(frozen=True)
class Range:
    """Numbers from ``least`` to ``most``.

    Attributes:
        least: the smallest.
        most: the largest; infinite where infinity itself is allowed.
        whole: whether only whole numbers are meant.
        above: ``least`` itself is too small.
        below: ``most`` itself is too large.
        nan: NaN is one too: the answer or the score of something that failed.
    """

    least: Number
    most: Number
    whole: bool = True
    above: bool = False
    below: bool = False
    nan: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.least == -inf:
            return kind
        low = f"{'above' if self.above else 'from'} {_written(self.least)}"
        high = f"to {'below ' if self.below else ''}{_written(self.most)}"
        return f"{kind} {low}{' on' * (not self.above) if self.most == inf else f' {high}'}"

    def __contains__(self, value: Number) -> bool:
        if value != value:  # noqa: PLR0124 - NaN; isnan takes no long integers
            return self.nan
        low = value > self.least if self.above else value >= self.least
        return bool(low and (value < self.most if self.below else value <= self.most))

    def read(self, value: Any) -> Any:
        """``value`` as Python's number; whole floats are taken where whole numbers are meant.

        Raises:
            ValueError: it is none, or out of range; says what was expected.
        """
        number = plain(value)
        if isinstance(number, str):
            number = _parsed(number)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"expected {self}")  # noqa: TRY004 - what pydantic expects
        try:
            number = _as_whole(number) if self.whole else float(number)
        except OverflowError:
            number = inf if number > 0 else -inf
            if not self.whole:
                raise ValueError(f"expected {self}") from None
        if isinstance(number, float) == self.whole or number not in self:
            raise ValueError(f"expected {self}")
        return number

    def checked(self, name: str, value: Any) -> Any:
        """Like `read`, for what is called ``name``.

        Raises:
            UsageError: it is no number, or out of range.
        """
        try:
            return self.read(value)
        except ValueError as error:
            received = _parsed(value) if isinstance(value, str) else value
            raise UsageError(f"{name}: {error}, received {shown(received)}") from None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> "CoreSchema":
        from pydantic_core import core_schema  # noqa: PLC0415 - flags need none of it

        schema = handler(source)
        if schema["type"] == "nullable":  # of a number or None
            inner = core_schema.no_info_before_validator_function(self.read, schema["schema"])
            return core_schema.nullable_schema(inner)
        return core_schema.no_info_before_validator_function(self.read, schema)


def plain(value: Any) -> Any:
    """Python's own number or truth value for one of NumPy's; anything else as it is."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value


def shown(value: Any) -> str:
    """``value`` in a message, cut short: numbers may have hundreds of digits."""
    text = repr(plain(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


def problem(errors: Sequence["ErrorDetails"]) -> str:
    """The first of pydantic's ``errors`` in a line: where, what was expected, what received."""
    first = errors[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{place} is nothing that belongs there"
    words = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    received = "" if "received" in words else f", received {shown(first['input'])}"
    return f"{place}: {words}{received}" if place else words


def _as_whole(number: Number) -> Number:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _parsed(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _written(value: Number) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


_MILLION = 10**6

COUNT = Range(1, _MILLION)
"""Things that are listed one by one: seeds, runs, trainings, epochs, rows of a batch. Of each
there is a record in memory and on disk, of some hundred bytes and more."""
SEVERAL = Range(2, _MILLION)
"""The same where one alone says nothing of the others."""
FURTHER = Range(0, _MILLION)
"""The same where there may be none."""
SEED = Range(0, 2**63 - 1)
"""As wide as the integers of stores, Parquet and TOML."""
DATA_SEED = Range(0, 4 * 10**8 - 1)
"""A seed of which a task makes several, in the 32 bits that scikit-learn takes."""
BUDGET = Range(1, 10**8)
"""Evaluations of one search: its record takes some 100 bytes of memory for each, 10 GB in all."""
LATE = Range(10, 10**8)
"""The same where results at a tenth of it are shown."""
FRACTION = Range(0, 1, whole=False, above=True)
BELOW_ONE = Range(0, 1, whole=False, below=True)
INSIDE = Range(0, 1, whole=False, above=True, below=True)
"""Between 0 and 1: confidence, a chance."""
SECONDS = Range(0, _MILLION, whole=False, above=True)
"""Seconds of waiting: 11 days. poll(2) counts milliseconds in 31 bits."""
WEIGHT = Range(0, _MILLION, whole=False)
"""λ: beside a larger one 64 bits keep less than ten digits of the accuracy."""
POSITIVE = Range(0, _MILLION, whole=False, above=True)
"""A learning rate, or what one is multiplied by; a tolerance."""
DECAY = Range(0, _MILLION, whole=False)
THREADS = Range(1, 256)
"""Threads of torch in one process; torch crashes with many more."""
WORKERS = Range(1, 4096)
"""Processes: each takes file descriptors of this one, which may have some thousand."""
GPUS = Range(1, 10**9)
PORT = Range(0, 65_535)

BLOCKS = Range(1, 1_000)
"""Blocks of a landscape: some strategies hold numbers for each pair of them."""
STAGE = Range(1, 10_000)
"""Blocks: as many as the deepest network that has a name here has layers."""
WIDE = Range(0, 2**63 - 1)
"""Parameters and operations, in the 64 bits of Parquet and SQLite."""
SCORE = Range(0, 1, whole=False, nan=True)
"""An accuracy in [0, 1], NaN where a network failed."""
LOSS = Range(0, inf, whole=False, nan=True)
"""Infinite where a network is sure of what is wrong, NaN where it failed."""
INCREMENT = Range(-1, 2**53, whole=False, above=True)
"""A relative time minus 1."""
PASSED = Range(0, 2.0**53, whole=False)
"""Seconds that a computation took, as files and stores hold them."""
ANY = Range(-inf, inf, whole=False)
"""Any number, infinite ones too."""
FIGURE = Range(-inf, inf, whole=False, nan=True)
"""In which a field reports; NaN where there is none."""
PLACES = Range(0, 17)
"""Decimals of a number in 64 bits."""
VARIANCE = Range(0, inf, whole=False)
"""Infinite where there is nothing to estimate it from."""
FREEDOM = Range(0, 2**31 - 1)
