"""A table as a stream of blocks, whatever it is stored in.

A source yields only the columns asked for, a few thousand rows at a time, so a file of any size passes
through bounded memory and an undeclared column is dropped where it is met.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vfl.data import faults
from vfl.errors import Place

__all__ = ["BLOCK_ROWS", "Block", "Cells", "Source", "open_source", "require_declared"]

BLOCK_ROWS = 8192

Cells = Sequence[str] | npt.NDArray[np.float64]
"""One column of a block: text with ``""`` for missing, or numbers with NaN for missing."""


@dataclass(frozen=True, slots=True, repr=False)
class Block:
    """Consecutive rows.

    Attributes
    ----------
    rows : sequence of int
        Row numbers in the file as errors show them; the header is row 1.
    columns : mapping of str to Cells
        All of the same length as ``rows``.
    """

    rows: Sequence[int]
    columns: Mapping[str, Cells]

    def __repr__(self) -> str:
        return f"<block of {len(self.rows)} rows>"

    def take(self, kept: Sequence[int]) -> Block:
        """The rows at these positions."""
        columns: dict[str, Cells] = {
            name: cells[list(kept)] if isinstance(cells, np.ndarray) else [cells[i] for i in kept]
            for name, cells in self.columns.items()
        }
        return Block([self.rows[i] for i in kept], columns)


class Source(Protocol):
    """A table that can be read from its start."""

    def header(self) -> list[str]:
        """Names of all columns, declared or not."""
        ...

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        """The named columns of all rows, in the order of the file.

        Raises
        ------
        DataError
            ``FILE_…``, ``HEADER_…``, ``ROW_RAGGED`` and the like, with file, row and column.
        """
        ...


def open_source(path: Path, *, encoding: str = "utf-8", delimiter: str = ",", key: str = "source") -> Source:
    """The source for ``path``, chosen by its suffix. Nothing is opened yet.

    Raises
    ------
    ConfigError
        ``SOURCE_KIND``, ``SOURCE_EXTRA``.
    """
    # Here, since each of the two imports Block from this module.
    from vfl.data.csv_source import CsvSource
    from vfl.data.parquet_source import ParquetSource

    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return CsvSource(path, encoding=encoding, delimiter=delimiter)
    if suffix in (".parquet", ".pq"):
        return ParquetSource(path)
    raise faults.SOURCE_KIND.at(Place(file=path.name, column=key))


def require_declared(header: Sequence[str], columns: Sequence[str], place: Place) -> None:
    """Refuse a header that lacks a declared column or has it twice; other columns are nobody's business.

    Raises
    ------
    DataError
        ``HEADER_MISMATCH`` with the difference, ``HEADER_DUPLICATE``.
    """
    missing = [column for column in columns if column not in header]
    if missing:
        raise faults.HEADER_MISMATCH.at(place, missing="; ".join(_nearest(missing, header)))
    for column in columns:
        if header.count(column) > 1:
            raise faults.HEADER_DUPLICATE.at(replace(place, column=column), count=header.count(column))


def _nearest(missing: Sequence[str], header: Sequence[str]) -> Iterator[str]:
    """Each missing column, with the nearest name that the file has in its place."""
    for column in missing:
        near = difflib.get_close_matches(column, header, n=1)
        yield f"{column} (≈ {near[0]}?)" if near else column
