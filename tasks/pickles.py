"""Pickles read as what they say: nothing that a file names is imported, called or made.

Python's unpicklers execute a pickle's commands, and C's makes room for as much as a file claims.
Here `pickletools.genops` tells the commands one by one, and what they would call is only noted
(`Call`). So a file can make no more than it holds, whatever it is.

Format: Python's documentation of `pickle` and `pickletools`; NumPy's ``ndarray.__reduce__``.
"""

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_COMMANDS_AT_MOST = 3_000_000
"""Commands that one file may have: CIFAR100's have up to 200,000, with a NumPy number for each
label and an array for each image 2,000,000."""
_BITS = 63  # of a whole number
_SHOWN = 60  # characters

_OTHER_FORMATS = {
    b"\x1f\x8b": "compressed by gzip: unpack it with gunzip",
    b"BZh": "compressed by bzip2: unpack it with bunzip2",
    b"\xfd7zXZ": "compressed by xz: unpack it with unxz",
    **dict.fromkeys(
        (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"),
        "compressed by zlib, as joblib does: save it with pickle.dump",
    ),
    b"PK\x03\x04": "a zip archive, as torch.save and numpy.savez write: save it with pickle.dump",
    b"\x93NUMPY": "an array of numpy.save: save a dictionary with pickle.dump",
    b"\x89HDF": "an HDF5 file: save it with pickle.dump",
    b"<": "a page of the web: download it again",
    b"version https://git-lfs": "a pointer of Git LFS: fetch it with git lfs pull",
}


class PickleError(ValueError):
    """A pickle can't be read, or holds something else; the message says what."""


@dataclass(frozen=True, eq=False, repr=False)
class Name:
    """A function or class that a pickle names.

    Attributes:
        path: module and name with a dot between; NumPy 1's modules go by NumPy 2's names.
    """

    path: str


@dataclass(eq=False, repr=False)
class Call:
    """A call that a pickle asks for, not made.

    Attributes:
        path: of the function or class; empty where it is none that has a name.
        arguments: what it would be given.
        state: what its result would be set to; None if nothing.
    """

    path: str
    arguments: Any
    state: Any = None


def described(value: object) -> str:
    """What a value of a pickle is, in few words; tuples in tuples may unfold without bound."""
    match value:
        case Call(path="numpy._core.multiarray._reconstruct", arguments=(Name(path=kind), *_)):
            return kind
        case Call(path="numpy._core.numeric._frombuffer"):
            return "numpy.ndarray"
        case Name() | Call():
            return value.path or "what has no name"
    return type(value).__name__


def shown(text: object) -> str:
    """A text in short, on one line; of anything else its type."""
    if isinstance(text, bytes | bytearray):
        text = text[:_SHOWN].decode("latin1")
    if not isinstance(text, str):
        return described(text)
    return text[:_SHOWN].encode("unicode_escape").decode()


def read_pickle(raw: bytes, *, limit: int = _COMMANDS_AT_MOST) -> Any:
    """What a pickle of protocol 2 to 5 holds: Python's plain values, and `Name` and `Call`.

    Python 2's strings come as bytes.

    Args:
        raw: the file.
        limit: commands that it may have.

    Raises:
        PickleError: it is damaged, of another format, or holds commands that plain values and
            calls don't need.
    """
    if not raw:
        raise PickleError("it is empty")
    if raw[:1] != b"\x80":
        other = (words for start, words in _OTHER_FORMATS.items() if raw.startswith(start))
        old = "no pickle of protocol 2 to 5: save it with pickle.dump(content, file, protocol=4)"
        raise PickleError(f"it is {next(other, old)}")
    machine = _Machine(limit)
    try:
        for command, argument, _ in pickletools.genops(raw):
            machine.run(command.name, argument)
        return machine.stack.pop()
    except PickleError:
        raise
    except Exception as error:
        # A damaged pickle may raise nearly anything.
        raise PickleError(f"{type(error).__name__}: {shown(str(error))}") from error


class _Machine:
    """The stack and the memory that a pickle's commands work on."""

    def __init__(self, limit: int) -> None:
        self.stack: list[Any] = []
        self._limit = limit
        self._commands = 0
        self._marks: list[int] = []
        self._memory: dict[int, Any] = {}
        self._encoded: dict[str, bytes] = {}

    def run(self, command: str, argument: Any) -> None:
        """Do what one command says.

        Args:
            command: its name in `pickletools`.
            argument: the one that stands behind it in the file; None if it has none.

        Raises:
            PickleError: nothing of what is read here needs it, or there were too many.
        """
        self._commands += 1
        if self._commands > self._limit:
            raise PickleError(
                f"it holds more than {self._limit:,} commands: save arrays, not lists of numbers"
            )
        if command in _CONSTANTS:
            self.push(_CONSTANTS[command])
        elif command in _RUN:
            _RUN[command](self, argument)
        elif command not in _IGNORED:
            raise PickleError(f"it holds the command {command}, which such files don't have")

    def push(self, value: Any) -> None:
        """Put a value onto the stack."""
        self.stack.append(value)

    def push_number(self, number: int) -> None:
        """Put a whole number onto the stack that a computer's word can hold."""
        if number.bit_length() > _BITS:
            raise PickleError(f"it holds a number of {number.bit_length()} bits")
        self.push(number)

    def mark(self, _: None) -> None:
        """Remember the height of the stack."""
        self._marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        """Take what was put onto the stack since the last mark."""
        height = self._marks.pop()
        items = self.stack[height:]
        del self.stack[height:]
        return items

    def last(self, count: int) -> list[Any]:
        """Take the last few values."""
        items = self.stack[len(self.stack) - count :]
        if len(items) < count:
            raise PickleError("it takes more than there is")
        del self.stack[-count:]
        return items

    def remember(self, _: object, place: int | None = None) -> None:
        """Keep the last value, at the next place if none is named."""
        self._memory[len(self._memory) if place is None else place] = self.stack[-1]

    def recall(self, place: int) -> None:
        """Put a kept value onto the stack."""
        self.push(self._memory[place])

    def name(self, module: object, name: object) -> None:
        """Note what a pickle names."""
        path = f"{shown(module)}.{shown(name)}"
        if path.startswith("joblib.numpy_pickle"):
            raise PickleError(
                "it was written by joblib, which puts arrays between a pickle's commands: "
                "save it with pickle.dump"
            )
        self.push(Name(re.sub(r"^numpy\.core\.", "numpy._core.", path)))

    def call(self, _: None) -> None:
        """Note a call, but for the one that protocol 2 has instead of bytes."""
        function, arguments = self.last(2)
        path = function.path if isinstance(function, Name) else ""
        if path == "_codecs.encode":
            text, encoding = arguments
            if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
                asked = f"the encoding {shown(encoding)} of a {described(text)}"
                raise PickleError(f"it wants to use {asked}")
            # Once: a text that is named again and again would fill the memory.
            if text not in self._encoded:
                self._encoded[text] = text.encode("latin1")
            self.push(self._encoded[text])
            return
        self.push(Call(path, arguments))

    def set_state(self, _: None) -> None:
        """Note what a call's result would be set to."""
        (state,) = self.last(1)
        if not isinstance(self.stack[-1], Call):
            raise PickleError(f"it wants to change a {described(self.stack[-1])}")
        self.stack[-1].state = state

    def extend(self, items: list[Any]) -> None:
        """Append ``items`` to the list on top of the stack.

        Raises:
            PickleError: something else lies there.
        """
        if not isinstance(self.stack[-1], list):
            raise PickleError(f"it wants to add to a {described(self.stack[-1])}")
        self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        """Add to a dictionary, by texts: tuples in tuples could take for ever to hash."""
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise PickleError(f"it wants to add to a {described(target)}, which is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | bytes):
                raise PickleError(f"it wants to use a {described(key)} as a key")
            target[key] = value


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_IGNORED = ("PROTO", "FRAME", "STOP")
_RUN: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "LONG4"), _Machine.push_number),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINFLOAT"), _Machine.push),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _Machine.push),
    **dict.fromkeys(
        ("BINSTRING", "SHORT_BINSTRING"),
        lambda machine, text: machine.push(text.encode("latin1")),
    ),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "MARK": _Machine.mark,
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.last(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.last(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.last(3))),
    "APPEND": lambda machine, _: machine.extend(machine.last(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.update(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda machine, at: machine.remember(None, at)),
    "MEMOIZE": _Machine.remember,
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.recall),
    "GLOBAL": lambda machine, names: machine.name(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.last(2)),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _Machine.call),
    "BUILD": _Machine.set_state,
}
"""With those above, what plain values, arrays and objects are made of in protocols 2 to 5."""


def as_array(value: object) -> np.ndarray:
    """The NumPy array that a value of a pickle describes; a NumPy number has no axes.

    The array may be read-only.

    Raises:
        PickleError: it describes none, one of other things than numbers, or one whose content
            doesn't fit its shape.
    """
    try:
        return _array(value)
    except PickleError:
        raise
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise PickleError(f"found a damaged array ({error})") from error


def _array(value: object) -> np.ndarray:
    match value:
        case Call(path="numpy._core.multiarray.scalar", arguments=(kind, content)):
            return _filled(content, kind, (), "C")
        case Call(
            path="numpy._core.multiarray._reconstruct",
            arguments=(Name(path="numpy.ndarray" | "numpy.memmap"), *_),
            state=(_, shape, kind, by_columns, content),
        ):
            return _filled(content, kind, shape, "F" if by_columns else "C")
        case Call(
            path="numpy._core.numeric._frombuffer",
            arguments=(content, kind, shape, "C" | "F" as order),
        ):
            return _filled(content, kind, shape, order)
        case Call(
            path="numpy._core.numeric._frombuffer", arguments=(content, kind, shape, "K", axes)
        ):
            return _filled(content, kind, shape, "C").transpose(axes)
    raise PickleError(f"found {described(value)}")


def _filled(content: object, kind: object, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(content, bytes | bytearray):
        raise PickleError(f"found an array of {described(content)}")
    return np.frombuffer(content, _dtype(kind)).reshape(shape, order=order)


def _dtype(kind: object) -> np.dtype:
    """The type of numbers that a pickle describes; NumPy's own would believe any state."""
    match kind:
        case Call(path="numpy.dtype", arguments=(name, *_), state=state):
            order = "|" if state is None else shown(state[1])
            if re.fullmatch(r"[iuf][1248]", shown(name)) and order in {"|", "<", ">"}:
                return np.dtype(order + shown(name))
            raise PickleError(f"found numbers of type {order}{shown(name)}")
    raise PickleError(f"found numbers of type {described(kind)}")
