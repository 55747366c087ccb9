"""Rare values planted in a party's table, and a search for them in whatever another party came to hold.

A value is searched for in every form in which a careless program might write it (:func:`forms_of_number`,
:func:`forms_of_text`, :func:`forms_of_flags`); a form is long enough that random bytes do not hold it by chance.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vfl.data.schema import FeatureKind
from vfl.data.table import Dataset
from vfl.data.views import load_views
from vfl.roles import RoleName

__all__ = [
    "Forms",
    "codes_in",
    "files_under",
    "forms_of_flags",
    "forms_of_number",
    "forms_of_text",
    "found",
    "plant",
    "plant_file",
]

Forms = Mapping[str, bytes]
"""Form's name → the bytes to look for."""

_CODE = re.compile(rb"[0-9A-HJ-NP-RT-UWXY]{18}")
_FRACTIONS = (16, 20, 24, 32, 40, 48, 52)
LEVEL = "Zyzzyva_{party}_{column}"
"""Level planted in a categorical column."""


def plant(party: str, data: Dataset, rows: int = 200) -> tuple[Dataset, dict[str, float], dict[str, str]]:
    """``data`` with a rare number or level in every column, in ``rows`` rows; and what was planted, by column."""
    chosen = np.linspace(0, len(data) - 1, rows).astype(np.int64)
    columns = dict(data._columns.expose())
    numbers: dict[str, float] = {}
    levels: dict[str, str] = {}
    for position, feature in enumerate(data.features):
        if feature.kind is FeatureKind.CATEGORICAL:
            codes, names = data.categorical(feature.name)
            name = levels[feature.name] = LEVEL.format(party=party, column=feature.name)
            ordered = sorted([*names, name])
            moved = np.array([ordered.index(n) for n in names] + [-1], dtype=np.int32)[codes]
            moved[chosen] = ordered.index(name)
            columns[feature.name] = type(columns[feature.name])(moved, ordered)
        else:
            value = numbers[feature.name] = _rare(party, feature.name, position)
            column = data.numeric(feature.name).copy()
            column[chosen] = value
            columns[feature.name] = column
    planted = Dataset(
        data.ids, data.features, columns, labels=None if data.labels is None else data.labels.expose(),
        as_of=data.as_of, observed_on=data.observed_on, report=data.report,
    )  # fmt: skip
    return planted, numbers, levels


def plant_file(party: str, table: Path, views: Path, role: RoleName) -> tuple[dict[str, float], dict[str, str]]:
    """The same in every tenth row of a CSV file, which is rewritten."""
    features = load_views(views, role=role).views["main"].features
    lines = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()]
    numbers: dict[str, float] = {}
    levels: dict[str, str] = {}
    for position, feature in enumerate(features):
        column = lines[0].index(feature.name)
        if feature.kind is FeatureKind.CATEGORICAL:
            text = levels[feature.name] = LEVEL.format(party=party, column=feature.name)
        else:
            numbers[feature.name] = _rare(party, feature.name, position)
            text = repr(numbers[feature.name])
        for line in lines[1::10]:
            line[column] = text
    table.write_text("\n".join(map(",".join, lines)) + "\n", encoding="utf-8")
    return numbers, levels


def _rare(party: str, column: str, position: int) -> float:
    """A number with a full mantissa, below 2^17."""
    digest = hashlib.sha256(f"{party}/{column}".encode()).digest()
    return 70_000 + position + int.from_bytes(digest[:6], "big") / 2**48


def forms_of_number(value: float) -> dict[str, bytes]:
    """Text of several precisions, floats, fixed point, varints, and these again in hex and base64."""
    forms: dict[str, bytes] = {
        "float64 le": struct.pack("<d", value),
        "float64 be": struct.pack(">d", value),
        "float32 le": struct.pack("<f", value),
        "float32 be": struct.pack(">f", value),
        "repr": repr(value).encode(),
        "two decimals": f"{value:.2f}".encode(),
        "scientific": f"{value:.6e}".encode(),
        "repr utf-16": repr(value).encode("utf-16-le"),
    }
    for bits in _FRACTIONS:
        fixed = round(value * 2**bits)
        forms[f"fixed {bits} le"] = _stripped(fixed.to_bytes(16, "little"))
        forms[f"fixed {bits} be"] = _stripped(fixed.to_bytes(16, "big"))
        forms[f"fixed {bits} varint"] = _varint(fixed)
        forms[f"fixed {bits} decimal"] = str(fixed).encode()
    for name in ("float64 le", "float64 be", "repr"):
        forms |= _wrapped(name, forms[name])
    return {name: form for name, form in forms.items() if len(form) >= 4}


def forms_of_text(text: str) -> dict[str, bytes]:
    """Encodings of a text, its plain hashes, and these again in hex and base64."""
    raw = text.encode()
    forms = {
        "utf-8": raw,
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "reversed": raw[::-1],
        "sha256": hashlib.sha256(raw).digest(),
        "sha1": hashlib.sha1(raw).digest(),
        "md5": hashlib.md5(raw).digest(),
    }
    for name in ("utf-8", "sha256", "md5"):
        forms |= _wrapped(name, forms[name])
    return forms


def forms_of_flags(flags: npt.NDArray[np.bool_]) -> dict[str, bytes]:
    """The first 96 of a vector of labels or sides: as bytes, text, floats and packed bits at every shift."""
    forms: dict[str, bytes] = {}
    for name, vector in (("", flags[:104]), ("complement ", ~flags[:104])):
        some = vector[:96].astype(np.uint8)
        forms |= {
            f"{name}bytes": some.tobytes(),
            f"{name}int32": some.astype("<i4").tobytes(),
            f"{name}int64": some.astype("<i8").tobytes(),
            f"{name}float64": some.astype("<f8").tobytes(),
            f"{name}digits": "".join(map(str, some)).encode(),
            f"{name}list": ",".join(map(str, some)).encode(),
            f"{name}spaced list": ", ".join(map(str, some)).encode(),
        }
        for shift in range(8):
            part = vector[shift : shift + 96]
            forms[f"{name}bits le {shift}"] = np.packbits(part, bitorder="little").tobytes()
            forms[f"{name}bits be {shift}"] = np.packbits(part, bitorder="big").tobytes()
    return forms


def found(forms: Forms, places: Iterable[bytes]) -> set[str]:
    """Names of the forms that occur in any of ``places``."""
    return {name for place in places for name, form in forms.items() if form in place}


def codes_in(places: Iterable[bytes]) -> set[str]:
    """Everything that looks like a social credit code, also when written as UTF-16."""
    out: set[str] = set()
    for place in places:
        for text in (place, place.replace(b"\0", b"")):
            out |= {m.decode() for m in _CODE.findall(text)}
    return out


def files_under(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``: tables, journals and their write-ahead logs, spools, logs, reports."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}




def _wrapped(name: str, raw: bytes) -> dict[str, bytes]:
    """Hex, and base64 at each of the three offsets at which ``raw`` may begin in what is encoded."""
    out = {f"{name} hex": raw.hex().encode(), f"{name} HEX": raw.hex().upper().encode()}
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + raw)
        skip = (offset * 8 + 5) // 6
        out[f"{name} base64 +{offset}"] = text[skip : (offset + len(raw)) * 8 // 6]
    return out


def _stripped(number: bytes) -> bytes:
    return number.strip(b"\0")


def _varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)
