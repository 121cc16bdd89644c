"""Answers looked up in a table instead of computed."""

import numpy as np
from jaxtyping import Int64

from benchmark.basics.errors import SchemeError
from benchmark.oracle.answers_file import Table
from benchmark.oracle.base import Oracle, Schemes, Scores, checked
from benchmark.records.schemes import format_bits, scheme_bits


class TableOracle(Oracle):
    """Looks schemes up in ``table``; of up to 62 blocks."""

    def __init__(self, table: Table) -> None:
        codes = _codes(table.schemes)
        order = np.argsort(codes)
        self._table = table
        self._codes = codes[order]
        self._accuracy = table.accuracy[order]
        self._loss = table.loss[order]

    @property
    def identity(self) -> str:
        return self._table.identity

    @property
    def blocks(self) -> int:
        return sum(self._table.blocks_per_stage)

    def score(self, schemes: Schemes) -> Scores:
        """See `Oracle.score`.

        Raises:
            SchemeError: the table lacks one of the schemes.
        """
        wanted = _codes(checked(schemes, self.blocks))
        rows = np.searchsorted(self._codes, wanted)
        # Beyond the last row there is nothing to compare with: any other row differs.
        found = self._codes[np.minimum(rows, len(self._codes) - 1)] == wanted
        if not found.all():
            missing = scheme_bits(schemes[int(np.argmin(found))])
            raise SchemeError(
                f"the table of {len(self._codes)} schemes lacks "
                f"{format_bits(missing, self._table.blocks_per_stage)}"
            )
        return Scores(accuracy=self._accuracy[rows], loss=self._loss[rows])


def _codes(schemes: Schemes) -> Int64[np.ndarray, " schemes"]:
    weights = 1 << np.arange(schemes.shape[1], dtype=np.int64)
    codes: Int64[np.ndarray, " schemes"] = schemes @ weights
    return codes
