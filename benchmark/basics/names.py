"""Names from outside: which there are, said once for options, settings and files.

`OneOf` and `Registered` are to names what `benchmark.basics.bounds.Range` is to numbers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, final

from benchmark.basics.bounds import shown
from benchmark.basics.errors import UsageError, unknown_name
from benchmark.basics.parametrised import read_named

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


def referred(reference: str) -> Any:
    """What ``module:NAME`` stands for; its module is imported now."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


@final
@dataclass(frozen=True)
class OneOf:
    """One of a few words.

    Attributes:
        names: those that there are.
    """

    names: Collection[str]

    def checked(self, name: str, value: Any) -> Any:
        """``value``, for what is called ``name``.

        Raises:
            UsageError: it is none of the words.
        """
        if value not in self.names:
            *others, last = map(repr, self.names)
            expected = f"{', '.join(others)} or {last}" if others else last
            raise UsageError(f"{name}: expected {expected}, received {shown(value)}")
        return value


@final
@dataclass(frozen=True)
class Registered:
    """A name in a registry, which is imported only when somebody asks for its names.

    Attributes:
        kind: what is registered there, for messages.
        registry: ``module:NAME`` of a mapping by name; to import it must be cheap.
        parametrised: whether a name may have parameters, as `read_named` reads them.
    """

    kind: str
    registry: str
    parametrised: bool = False

    @property
    def names(self) -> Mapping[str, Any]:
        """Those that are registered now."""
        found: Mapping[str, Any] = referred(self.registry)
        return found

    def read(self, value: str) -> str:
        """``value``, if it is registered.

        Raises:
            UsageError: it is not; with what is close to it.
        """
        if self.parametrised:
            return str(read_named(self.kind, value, self.names))
        if value not in self.names:
            raise unknown_name(self.kind, value, self.names)
        return value

    def checked(self, name: str, value: Any) -> Any:
        """Like `read`, whatever it is called: the message names the kind."""
        del name
        return self.read(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> "CoreSchema":
        from pydantic_core import core_schema  # noqa: PLC0415 - options need none of it

        return core_schema.no_info_after_validator_function(self.read, handler(source))
