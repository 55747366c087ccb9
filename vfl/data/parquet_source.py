"""Parquet through the optional package pyarrow: declared columns only, row group by row group."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vfl.config.files import open_unchanging
from vfl.data import faults
from vfl.data.source import BLOCK_ROWS, Block, Cells, require_declared
from vfl.errors import Place

__all__ = ["ParquetSource"]


class ParquetSource:
    """One Parquet file. Row numbers count as in a CSV of the same table: the first row of data is row 2."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrow = _imported("pyarrow", path)
        self._parquet = _imported("pyarrow.parquet", path)

    def header(self) -> list[str]:
        with open_unchanging(self._path) as stream, self._damage_named():
            return list(self._opened(stream).schema_arrow.names)

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        row = 2
        with open_unchanging(self._path) as stream, self._damage_named():
            table = self._opened(stream)
            require_declared(table.schema_arrow.names, columns, Place(file=self._path.name))
            for batch in table.iter_batches(BLOCK_ROWS, columns=list(columns)):
                cells = {column: self._cells(batch.column(column), column) for column in columns}
                yield Block(range(row, row + batch.num_rows), cells)
                row += batch.num_rows
        if row == 2:
            raise faults.FILE_NO_ROWS.at(Place(file=self._path.name))

    def _opened(self, stream: BinaryIO) -> Any:
        return self._parquet.ParquetFile(stream, page_checksum_verification=True)

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        # A UnicodeDecodeError quotes the text it failed on: it must not pass.
        try:
            yield
        except (self._arrow.ArrowException, OSError, UnicodeDecodeError):
            raise faults.FILE_PARQUET.at(Place(file=self._path.name)) from None

    def _cells(self, array: Any, column: str) -> Cells:
        """Numbers as float64 with NaN for null; text, dates and categories as text with ``""`` for null."""
        types = self._arrow.types
        kind = array.type
        if types.is_dictionary(kind):
            return self._cells(array.dictionary_decode(), column)
        if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            numbers: Cells = np.asarray(
                array.cast(self._arrow.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64
            )
            return numbers
        if types.is_string(kind) or types.is_large_string(kind) or types.is_date(kind):
            text = array.cast(self._arrow.string())
        elif types.is_timestamp(kind):
            text = array.cast(self._arrow.date32(), safe=False).cast(self._arrow.string())
        elif types.is_null(kind):
            return [""] * len(array)
        else:
            raise faults.VALUE_TYPE.at(
                Place(file=self._path.name, column=column), found=str(kind)
            )
        try:
            return ["" if cell is None else cell for cell in text.to_pylist()]
        except UnicodeDecodeError:
            place = Place(file=self._path.name, column=column)
            raise faults.FILE_ENCODING.at(place, encoding="UTF-8") from None


def _imported(name: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise faults.SOURCE_EXTRA.at(Place(file=path.name)) from None
