"""Who may see which firm, for what, until when: rows without consent never leave, and nobody learns of them.

A consent record holds a firm, a grantee (the bank), a purpose and the days on which it is valid. A row may
take part in a job when on its day the firm has consented to that bank and purpose. The filter runs before
alignment and again before each score; how many rows it holds back, and why, is told to the owner alone.

Revocation is read to the firm's advantage: a revoked record ends every consent of the same firm, grantee and
purpose given up to that day, so a second copy of a record cannot outlive its revocation. A consent given
later stands by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from vfl.core.uscc import UsccFault, check_usccs, uscc_fault
from vfl.crypto.merkle import MerkleTree
from vfl.data import faults
from vfl.data.schema import ConsentSpec, Views
from vfl.data.source import Block, Cells, open_source
from vfl.data.values import Where, read_dates
from vfl.errors import Place

__all__ = ["ConsentBook", "ConsentCounts"]

_DOMAIN = b"vfl/consent/record/1\x00"
"""Before each leaf, so that no other list of the audit shares a leaf with this one."""

Days = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ConsentCounts:
    """Rows by what the consent records say of them. For the owner alone: never sent, never logged to peers.

    A row that no record permits counts under the nearest miss, in this order.
    """

    permitted: int
    revoked: int
    expired: int
    not_yet_valid: int
    other_purpose: int
    other_grantee: int
    none: int


@dataclass(slots=True, repr=False)
class _Columns:
    uscc: list[str] = field(default_factory=list)
    grantee: list[str] = field(default_factory=list)
    purpose: list[str] = field(default_factory=list)
    dates: list[tuple[Days, Days, Days]] = field(default_factory=list)


class ConsentBook:
    """All consent records of a platform, in memory; made by :meth:`load`."""

    def __init__(
        self,
        uscc: Sequence[str],
        grantee: Sequence[str],
        purpose: Sequence[str],
        valid_from: Days,
        valid_until: Days,
        revoked_on: Days,
    ) -> None:
        self._uscc = list(uscc)
        self._grantee = np.array(grantee, dtype=np.str_)
        self._purpose = np.array(purpose, dtype=np.str_)
        self._from = valid_from
        self._until = valid_until
        self._revoked = revoked_on

    def __repr__(self) -> str:
        return f"<consent book of {len(self._uscc)} records>"

    def __len__(self) -> int:
        return len(self._uscc)

    @classmethod
    def load(cls, spec: ConsentSpec | Views) -> ConsentBook:
        """Read the records that a ``views.toml`` declares under ``[consents]``.

        Raises
        ------
        ConfigError
            ``CONSENT_UNDECLARED``.
        DataError
            ``USCC_…``, ``CONSENT_BLANK``, ``CONSENT_DATES``, ``DATE_…`` and those of the file. No record is
            set aside: a revocation lost to a mistyped code would let a row out.
        """
        if isinstance(spec, Views):
            if spec.consents is None:
                raise faults.CONSENT_UNDECLARED.at(Place(file=spec.file, column="consents"))
            spec = spec.consents
        source = open_source(
            spec.source, encoding=spec.encoding, delimiter=spec.delimiter, key="consents.source"
        )
        columns = _Columns()
        for block in source.blocks(spec.columns()):
            _take_block(columns, block, spec)
        valid_from, valid_until, revoked_on = (
            np.concatenate(days) for days in zip(*columns.dates, strict=True)
        )
        return cls(columns.uscc, columns.grantee, columns.purpose, valid_from, valid_until, revoked_on)

    def permitted(self, ids: Sequence[str], grantee: str, purpose: str, on: dt.date) -> Mask:
        """Which of the firms may take part: bool, shape (len(ids),).

        ``ids`` are normalised codes. A consent holds from ``valid_from`` to ``valid_until``, both included,
        and ends on the day of revocation.
        """
        firms = {self._uscc[record] for record in self._used(grantee, purpose, on)}
        return np.fromiter((firm in firms for firm in ids), dtype=np.bool_, count=len(ids))

    def counts(self, ids: Sequence[str], grantee: str, purpose: str, on: dt.date) -> ConsentCounts:
        """How many of the firms are permitted, and why the others are not."""
        best: dict[str, int] = {}
        for firm, reason in zip(self._uscc, self._reasons(grantee, purpose, on).tolist(), strict=True):
            if reason < best.get(firm, len(_REASONS)):
                best[firm] = reason
        tally = np.bincount([best.get(firm, len(_REASONS) - 1) for firm in ids], minlength=len(_REASONS))
        return ConsentCounts(**dict(zip(_REASONS, tally.tolist(), strict=True)))

    def root(self, ids: Sequence[str], grantee: str, purpose: str, on: dt.date) -> bytes:
        """Merkle root (RFC 6962, 32 bytes) over the records that let these firms take part, for the audit.

        The same records in any order give the same root; the owner can later prove to an auditor which
        record let a row in without showing the others.
        """
        firms = set(ids)
        used = (record for record in self._used(grantee, purpose, on) if self._uscc[record] in firms)
        return MerkleTree(sorted({_DOMAIN + self._canonical(record) for record in used})).root

    def _used(self, grantee: str, purpose: str, on: dt.date) -> list[int]:
        return np.flatnonzero(self._reasons(grantee, purpose, on) == 0).tolist()

    def _reasons(self, grantee: str, purpose: str, on: dt.date) -> npt.NDArray[np.int8]:
        """For each record the index into ``_REASONS`` that says what it does for this job."""
        day = np.datetime64(on, "D")
        to_grantee = self._grantee == grantee
        for_job = to_grantee & (self._purpose == purpose)
        return np.select(
            [
                ~to_grantee,
                ~for_job,
                self._withdrawn(for_job, day),
                self._until < day,
                self._from > day,
            ],
            [_OTHER_GRANTEE, _OTHER_PURPOSE, _REVOKED, _EXPIRED, _NOT_YET_VALID],
            default=_PERMITTED,
        ).astype(np.int8)

    def _withdrawn(self, for_job: Mask, day: np.datetime64) -> Mask:
        """Records ended by their own revocation or by that of another record for the same job."""
        revoked = for_job & (self._revoked <= day)  # NaT, never revoked, compares false
        last: dict[str, np.datetime64] = {}
        for record in np.flatnonzero(revoked).tolist():
            firm = self._uscc[record]
            last[firm] = max(last.get(firm, self._revoked[record]), self._revoked[record])
        withdrawn = revoked.copy()
        for record in np.flatnonzero(for_job & ~revoked).tolist():
            end = last.get(self._uscc[record])
            withdrawn[record] = end is not None and self._from[record] <= end
        return withdrawn

    def _canonical(self, record: int) -> bytes:
        revoked = self._revoked[record]
        cells = (
            self._uscc[record],
            str(self._grantee[record]),
            str(self._purpose[record]),
            str(self._from[record]),
            str(self._until[record]),
            "" if np.isnat(revoked) else str(revoked),
        )
        # Length prefixes: no two records share an encoding.
        return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (cell.encode() for cell in cells))


_REASONS = tuple(f.name for f in fields(ConsentCounts))
_PERMITTED, _REVOKED, _EXPIRED, _NOT_YET_VALID, _OTHER_PURPOSE, _OTHER_GRANTEE, _NONE = range(len(_REASONS))


def _take_block(columns: _Columns, block: Block, spec: ConsentSpec) -> None:
    file = spec.source.name
    codes = block.columns[spec.uscc]
    if isinstance(codes, np.ndarray):
        raise faults.USCC_NUMBER_COLUMN.at(Place(file=file, column=spec.uscc))
    checked = check_usccs(codes)
    if checked.faults.any():
        index = int(np.flatnonzero(checked.faults)[0])
        fault = uscc_fault(UsccFault(int(checked.faults[index])))
        raise fault.at(Where(file, block.rows, spec.uscc).at(index))
    columns.uscc += checked.codes
    for name, kept in ((spec.grantee, columns.grantee), (spec.purpose, columns.purpose)):
        cells = [cell.strip() for cell in _text(block.columns[name], Place(file=file, column=name))]
        if "" in cells:
            raise faults.CONSENT_BLANK.at(Where(file, block.rows, name).at(cells.index("")))
        kept += cells
    start, end, revoked = (
        read_dates(block.columns[name], Where(file, block.rows, name), blank=name == spec.revoked_on)
        for name in (spec.valid_from, spec.valid_until, spec.revoked_on)
    )
    if (end < start).any():
        raise faults.CONSENT_DATES.at(Where(file, block.rows, spec.valid_until).at(int(np.argmax(end < start))))
    columns.dates.append((start, end, revoked))


def _text(cells: Cells, place: Place) -> Sequence[str]:
    if isinstance(cells, np.ndarray):
        raise faults.TEXT_EXPECTED.at(place)
    return cells
