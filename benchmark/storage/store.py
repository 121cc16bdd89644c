"""SQLite storage (WAL) of one run, or of the cache that runs share.

Rows are only ever added. A transaction ends before anything is believed: after a
kill at any moment a store holds whole rounds, whole trainings, whole answers. What is
written comes back to the last bit, but for the sign of a zero, which SQLite drops.
"""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmark.basics.errors import StoreError
from benchmark.records.run import (
    CostRecord,
    LaneKey,
    LaneRecord,
    LaneState,
    StandaloneRecord,
)
from benchmark.records.schemes import bits_scheme
from benchmark.storage.calls import Answer, Call, Query
from benchmark.storage.opening import looked_at, opened, whole

_STANDALONE = ("seconds", "failure", "best_epoch", "best_test_accuracy")
"""Columns between scores and figures."""


class Store:
    """A store at ``path``, made when it doesn't exist.

    On a network file system it does without WAL, and warns.

    Args:
        path: the SQLite file; its folder must exist.
        read_only: look at a store, which others may be writing. Where its folder can't be
            written, or its schema is an older one, that is a copy of what it holds now.

    Raises:
        StoreError: the file is no store, is damaged, or was written by another schema.
        UsageError: it can't be written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._copy: TemporaryDirectory[str] | None = None
        if read_only:
            self._db, self._copy = looked_at(path)
        else:
            self._db = opened(path)

    def close(self) -> None:
        """Close the file; the store can't be used afterwards."""
        self._db.close()
        if self._copy is not None:
            self._copy.cleanup()

    def transaction(self) -> AbstractContextManager[None]:
        """Everything written inside becomes visible and durable together, or not at all."""
        return whole(self._db)

    def _whole(self) -> AbstractContextManager[None]:
        """A transaction, unless there is one: rows of one call are written together."""
        return nullcontext() if self._db.in_transaction else self.transaction()

    # Facts: small JSON values by name.

    def set_fact(self, key: str, value: Any) -> None:
        """Remember ``value`` (anything JSON knows) under ``key``."""
        self._db.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, json.dumps(value, sort_keys=True))
        )

    def fact(self, key: str, default: Any = None) -> Any:
        """What was remembered under ``key``."""
        row = self._db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        if row is None:
            return default
        return self._parsed(key, row[0])

    def _parsed(self, key: str, text: Any) -> Any:
        try:
            return json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError(f"{self.path} is damaged ({key}: {error})") from error

    # Lanes and their journals.

    def lane(self, key: LaneKey) -> int:
        """The number of the lane ``key``, which is added when it is new."""
        values = (key.strategy, key.strategy_seed, key.supernet_seed)
        self._db.execute(
            "INSERT INTO lanes (strategy, strategy_seed, supernet_seed) VALUES (?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            values,
        )
        row = self._lane_row(key)
        assert row is not None
        return row[0]

    def _lane_row(self, key: LaneKey) -> tuple[int, LaneState, str] | None:
        row: tuple[int, LaneState, str] | None = self._db.execute(
            "SELECT lane, state, message FROM lanes "
            "WHERE (strategy, strategy_seed, supernet_seed) = (?, ?, ?)",
            (key.strategy, key.strategy_seed, key.supernet_seed),
        ).fetchone()
        return row

    def end_lane(
        self,
        lane: int,
        state: LaneState,
        message: str = "",
        *,
        traceback: str = "",
        opened: Sequence[str] = (),
    ) -> None:
        """Write how a lane ended, where in its strategy's code, and what that has opened."""
        if opened:
            self.set_fact(f"opened by lane {lane}", [_writable(thing) for thing in opened])
        if traceback:  # first: once the state is there, nobody comes back to this lane
            self.set_fact(f"traceback of lane {lane}", _writable(traceback))
        self._db.execute(
            "UPDATE lanes SET state = ?, message = ? WHERE lane = ?",
            (state, _writable(message), lane),
        )

    def set_own_seconds(self, lane: int, laps: Sequence[tuple[int, float]]) -> None:
        """Write how much processor time a lane's strategy had used at each of its requests.

        Args:
            lane: its number.
            laps: evaluations of each request, and the seconds by then; the last of none, at the
                end.
        """
        self.set_fact(f"own seconds of lane {lane}", laps)

    def own_seconds(self, lane: int) -> list[tuple[int, float]]:
        """See `set_own_seconds`; empty where that isn't known."""
        return [(asked, spent) for asked, spent in self.fact(f"own seconds of lane {lane}", [])]

    def lane_traceback(self, lane: int) -> str:
        """Where in its strategy's code a lane failed; empty where that isn't known."""
        return str(self.fact(f"traceback of lane {lane}", ""))

    def lane_opened(self, lane: int) -> tuple[str, ...]:
        """What a lane's strategy opened beyond its answers, as far as that was noticed."""
        return tuple(self.fact(f"opened by lane {lane}", ()))

    def lane_end(self, key: LaneKey) -> tuple[LaneState, str]:
        """How the lane ``key`` ended, and why; ``running`` until it did."""
        _, state, message = self._lane_row(key) or (0, "running", "")
        return state, message

    def add_call(self, lane: int, number: int, call: Call | Query) -> None:
        """Append one answered request to a lane's journal."""
        if isinstance(call, Query):
            self._db.execute(
                "INSERT INTO queries VALUES (?, ?, ?, ?, ?, ?)",
                (lane, number, call.request, str(call.charge), call.loss, call.gradient),
            )
            return
        rows = [
            (lane, number, position, scheme, *answer, str(call.fidelity))
            for position, (scheme, answer) in enumerate(zip(call.bits, call.answers, strict=True))
        ]
        with self._whole():
            self._db.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def calls(self, lane: int) -> list[Call | Query]:
        """The answered requests of a lane, in order."""
        queries = self._db.execute(
            "SELECT call, request, charge, loss, gradient FROM queries WHERE lane = ?", (lane,)
        )
        calls: dict[int, Call | Query] = {
            number: Query(request, Fraction(charge), _number(loss), gradient)
            for number, request, charge, loss, gradient in queries
        }
        rows = self._db.execute(
            "SELECT call, scheme, accuracy, loss, fidelity FROM journal WHERE lane = ? "
            "ORDER BY call, position",
            (lane,),
        )
        for number, group in groupby(rows, key=itemgetter(0)):
            answered = list(group)
            calls[number] = Call(
                [scheme for _, scheme, *_ in answered],
                [_answer(accuracy, loss) for _, _, accuracy, loss, _ in answered],
                Fraction(answered[0][-1]),
            )
        return [calls[number] for number in sorted(calls)]

    def lane_record(self, key: LaneKey, blocks: int) -> LaneRecord:
        """A lane as reports read it."""
        lane, state, message = self._lane_row(key) or (0, "running", "")
        own = [seconds for asked, seconds in self.own_seconds(lane) for _ in range(asked)]
        rows: list[tuple[str, Answer, float]] = []
        charged = Fraction(0)
        for call in self.calls(lane):
            if isinstance(call, Call) and call.fidelity == 1:
                spent = [float(charged + number) for number in range(1, len(call.bits) + 1)]
                rows.extend(zip(call.bits, call.answers, spent, strict=True))
            charged += call.charge
        return LaneRecord(
            key=key,
            state=state,
            message=message,
            schemes=np.array([bits_scheme(bits) for bits, _, _ in rows], dtype=bool).reshape(
                -1, blocks
            ),
            accuracy=np.array([answer[0] for _, answer, _ in rows], dtype=np.float64),
            loss=np.array([answer[1] for _, answer, _ in rows], dtype=np.float64),
            charged=np.array([spent for _, _, spent in rows], dtype=np.float64),
            total=float(charged),
            # A request that was the last straw was made, but never answered.
            own_seconds=np.array(own[: len(rows)]) if 0 < len(rows) <= len(own) else None,
            traceback=self.lane_traceback(lane),
            opened=self.lane_opened(lane),
        )

    # Oracle answers by the oracle's identity.

    def add_answers(
        self, oracle: str, bits: Sequence[str], answers: Sequence[Answer], *, seconds: float
    ) -> None:
        """Keep what ``oracle`` answered; an answer that is known stays.

        Args:
            oracle: identity.
            bits: the schemes.
            answers: of each scheme.
            seconds: machine time of one answer.
        """
        rows = [
            (oracle, scheme, *answer, seconds) for scheme, answer in zip(bits, answers, strict=True)
        ]
        with self._whole():
            self._db.executemany(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows
            )

    def answers(self, oracle: str) -> dict[str, Answer]:
        """Everything that ``oracle`` has answered, by scheme."""
        rows = self._db.execute(
            "SELECT scheme, accuracy, loss FROM answers WHERE oracle = ? ORDER BY scheme", (oracle,)
        )
        return {scheme: _answer(accuracy, loss) for scheme, accuracy, loss in rows}

    def answer_seconds(self, oracle: str) -> dict[str, float]:
        """Machine time that each answer of ``oracle`` took, by scheme."""
        rows = self._db.execute("SELECT scheme, seconds FROM answers WHERE oracle = ?", (oracle,))
        return dict(rows)

    # Stand-alone results by the identity of the training.

    def add_standalone(self, training: str, record: StandaloneRecord) -> None:
        """Keep a training; one that is known stays."""
        values = asdict(record) | {"failure": _writable(record.failure)}
        figures = json.dumps(values.pop("figures"))
        self._db.execute(
            "INSERT INTO standalone VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            (training, *values.values(), figures),
        )

    def standalone(self, training: str) -> dict[tuple[str, int], StandaloneRecord]:
        """Everything trained under the identity ``training``, by scheme and seed."""
        rows = self._db.execute(
            "SELECT scheme, seed, validation_accuracy, test_accuracy, test_loss, seconds, "
            "failure, best_epoch, best_test_accuracy, figures FROM standalone WHERE training = ? "
            "ORDER BY scheme, seed",
            (training,),
        )
        records = (
            StandaloneRecord(
                bits,
                seed,
                _number(validation),
                _number(accuracy),
                _number(loss),
                **dict(zip(_STANDALONE, rest, strict=True)),
                figures=self._parsed("standalone", figures),
            )
            for bits, seed, validation, accuracy, loss, *rest, figures in rows
        )
        return {(record.bits, record.seed): record for record in records}

    # Costs by machine.

    def add_cost(self, machine: str, record: CostRecord) -> None:
        """Keep the costs of a scheme; a measurement that is known stays."""
        self._db.execute(
            "INSERT INTO costs VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (machine, record.bits, json.dumps(asdict(record), sort_keys=True)),
        )

    def costs(self, machine: str) -> dict[str, CostRecord]:
        """Costs measured on ``machine``, by scheme."""
        rows = self._db.execute(
            "SELECT scheme, record FROM costs WHERE machine = ? ORDER BY scheme", (machine,)
        )
        try:
            return {
                scheme: CostRecord.read(self._parsed("costs", record)) for scheme, record in rows
            }
        except (LookupError, TypeError) as error:
            raise StoreError(f"{self.path} is damaged (costs: {error!r})") from error


def _answer(accuracy: float | None, loss: float | None) -> Answer:
    return _number(accuracy), _number(loss)


def _writable(text: str) -> str:
    """``text`` with half surrogate pairs spelled out: errors may name files that hold them."""
    return text.encode("utf-8", "backslashreplace").decode()


def _number(value: float | None) -> float:
    # SQLite stores NaN as NULL.
    return float("nan") if value is None else value
