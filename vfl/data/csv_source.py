"""CSV as RFC 4180 has it, read in bounded memory and refused at the first doubt.

The ``csv`` module parses; this file guards what goes into it and what comes out: encoding, NUL bytes,
over-long and unclosed rows before, header and row widths after. UTF-8 (with or without a byte order mark) is
read by default, GB18030 where the view declares it, all else is refused with its cure.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from vfl.config.files import open_unchanging
from vfl.core.uscc import UsccFault, check_usccs
from vfl.data import faults
from vfl.data.source import BLOCK_ROWS, Block, require_declared
from vfl.errors import Place

__all__ = ["CsvSource"]

MAX_ROW_BYTES = 1 << 20
"""Longest row that is read: far beyond any table of features, far below what would hurt."""
BLOCK_BYTES = 8 << 20
"""Most text held at a time, give or take one row."""

_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", "Excel 工作簿或 zip 压缩包"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "旧版 Excel 工作簿"),
    (b"\x1f\x8b", "a gzip archive", "gzip 压缩包"),
    (b"PAR1", "a Parquet file", "Parquet 文件"),
)
_DELIMITER_NAMES = {",": '","', ";": '";"', "\t": '"\\t"', "|": '"|"'}


class CsvSource:
    """One CSV file.

    Parameters
    ----------
    path : Path
        A regular file.
    encoding : {"utf-8", "gb18030"}
        As declared; never guessed, since a wrong guess changes values silently.
    delimiter : str
        One character.
    """

    def __init__(self, path: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> None:
        self._path = path
        self._encoding = encoding
        self._delimiter = delimiter

    def header(self) -> list[str]:
        """Names of all columns."""
        with open_unchanging(self._path) as stream:
            header = self._records(stream).header()
        if _looks_like_data(header):
            raise faults.HEADER_MISSING.at(Place(file=self._path.name, row=1))
        return header

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        with open_unchanging(self._path) as stream:
            records = self._records(stream)
            header = records.header()
            self._require_header(header, columns)
            positions = {column: header.index(column) for column in columns}
            numbers, rows = records.take(BLOCK_ROWS, width=len(header))
            if not rows:
                raise faults.FILE_NO_ROWS.at(Place(file=self._path.name))
            while rows:
                cells = list(zip(*rows, strict=True))
                yield Block(numbers, {column: cells[position] for column, position in positions.items()})
                numbers, rows = records.take(BLOCK_ROWS, width=len(header))

    def _records(self, stream: BinaryIO) -> _Records:
        return _Records(stream, self._path.name, self._encoding, self._delimiter)

    def _require_header(self, header: list[str], columns: Sequence[str]) -> None:
        """Name the two ways in which a whole header goes missing before asking for its columns."""
        place = Place(file=self._path.name, row=1)
        if not set(columns) & set(header):
            if len(header) == 1:
                for other, name in _DELIMITER_NAMES.items():
                    if other != self._delimiter and other in header[0]:
                        declared = _DELIMITER_NAMES[self._delimiter]
                        raise faults.FILE_DELIMITER.at(place, found=name, declared=declared)
            if _looks_like_data(header):
                raise faults.HEADER_MISSING.at(place)
        require_declared(header, columns, place)


class _Records:
    """The rows of one open file, numbered as errors show them: the header is row 1."""

    def __init__(self, stream: BinaryIO, name: str, encoding: str, delimiter: str) -> None:
        self._stream = stream
        self._name = name
        self._encoding = encoding
        self._number = 0
        # What the parser has taken for the row it is working on: a quoted cell may span lines.
        self._row_bytes = 0
        self._row_lines = 0
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    def header(self) -> list[str]:
        """Names in the first row that is not blank."""
        _, rows = self.take(1, width=None)
        if not rows:
            raise faults.FILE_EMPTY.at(Place(file=self._name))
        return [name.strip() for name in rows[0]]

    def take(self, count: int, *, width: int | None) -> tuple[list[int], list[list[str]]]:
        """Up to ``count`` rows of ``width`` cells with their numbers; blank lines are passed over.

        Fewer rows come where they are so long that the block would outgrow ``BLOCK_BYTES``.
        """
        numbers: list[int] = []
        rows: list[list[str]] = []
        size = 0
        while len(rows) < count and size < BLOCK_BYTES:
            try:
                row = next(self._reader, None)
            except csv.Error as problem:
                self._refuse(str(problem))
            if row is None:
                break
            self._number += 1
            size += self._row_bytes
            self._row_bytes = self._row_lines = 0
            if not row:
                continue
            if width is not None and len(row) != width:
                raise faults.ROW_RAGGED.at(self._place(self._number), found=len(row), expected=width)
            numbers.append(self._number)
            rows.append(row)
        return numbers, rows

    def _lines(self) -> Iterator[str]:
        first = True
        while raw := self._stream.readline(MAX_ROW_BYTES + 1):
            if first:
                first = False
                self._refuse_other_formats(raw)
                if self._encoding == "utf-8":
                    raw = raw.removeprefix(codecs.BOM_UTF8)
            self._row_bytes += len(raw)
            self._row_lines += 1
            if self._row_bytes > MAX_ROW_BYTES:
                fault = faults.QUOTE_UNCLOSED if self._row_lines > 1 else faults.CELL_LIMIT
                raise fault.at(self._place(self._number + 1))
            if b"\0" in raw:
                # Without its mark UTF-16 still shows: every other byte of plain text is NUL.
                fault = faults.FILE_UTF16 if raw.count(b"\0") > len(raw) // 3 else faults.FILE_NUL
                raise fault.at(self._place(self._number + 1))
            try:
                yield raw.decode(self._encoding)
            except UnicodeDecodeError:
                self._refuse_encoding(raw)

    def _refuse_other_formats(self, start: bytes) -> None:
        place = Place(file=self._name)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise faults.FILE_UTF16.at(place)
        for mark, kind, kind_zh in _FORMATS:
            if start.startswith(mark):
                raise faults.FILE_FORMAT.at(place, kind=kind, kind_zh=kind_zh)

    def _refuse_encoding(self, raw: bytes) -> NoReturn:
        place = self._place(self._number + 1)
        if self._encoding == "utf-8":
            try:
                raw.decode("gb18030")
            except UnicodeDecodeError:
                pass
            else:
                raise faults.FILE_GBK.at(place) from None
        raise faults.FILE_ENCODING.at(place, encoding=self._encoding.upper()) from None

    def _refuse(self, complaint: str) -> NoReturn:
        """Name the parser's complaint; its own words vary between versions and may quote the file."""
        # A cell that outgrows its limit over many lines is one that swallows the rest of the file.
        if "unexpected end" in complaint or ("field limit" in complaint and self._row_lines > 1):
            fault = faults.QUOTE_UNCLOSED
        elif "field limit" in complaint:
            fault = faults.CELL_LIMIT
        elif "new-line" in complaint:
            fault = faults.LINE_ENDING
        else:
            fault = faults.QUOTE_MALFORMED
        raise fault.at(self._place(self._number + 1)) from None

    def _place(self, row: int) -> Place:
        return Place(file=self._name, row=row)


def _looks_like_data(header: Sequence[str]) -> bool:
    """Whether a first row is no header: it holds a firm's code, or mostly numbers."""
    if (check_usccs(header).faults == UsccFault.NONE).any():
        return True
    return sum(map(_is_number, header)) * 2 > len(header)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

