"""Consent records of the made-up firms: most valid, the rest each wrong in one way that occurs in life."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.data.synthetic_firms import Draws

__all__ = ["ConsentTerms", "consent_rows"]

_SHARES = {
    "valid": 91.5,
    "renewed": 2.0,
    "none": 2.0,
    "expired": 1.5,
    "revoked": 1.0,
    "not_yet": 0.5,
    "other_purpose": 1.0,
    "other_grantee": 0.5,
}


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What a valid consent names, and the day on which it must be valid."""

    grantee: str
    purpose: str
    as_of: dt.date


def consent_rows(
    draws: Draws, firms: npt.NDArray[np.intp], terms: ConsentTerms
) -> tuple[list[tuple[int, str]], npt.NDArray[np.intp]]:
    """Records of ``firms`` in shuffled order, and the firms that have a valid one on ``terms.as_of``.

    Returns
    -------
    rows : list of (firm, text)
        Text of the record after the code: ``grantee,purpose,valid_from,valid_until,revoked_on``.
    permitted : ndarray of intp
    """
    states = draws.level("consent", _SHARES)[firms]
    records = _records(terms)
    rows = [
        (firm, record)
        for firm, state in zip(firms.tolist(), states.tolist(), strict=True)
        for record in records[state]
    ]
    order = draws.stream("order/consents").permutation(len(rows))
    return [rows[index] for index in order.tolist()], firms[np.isin(states, ("valid", "renewed"))]


def _records(terms: ConsentTerms) -> dict[str, tuple[str, ...]]:
    """By state, the records that a firm in it has."""
    year = dt.timedelta(days=365)
    now = terms.as_of
    start, end = now - year / 2, now + year * 1.5

    def record(
        grantee: str = terms.grantee,
        purpose: str = terms.purpose,
        valid_from: dt.date = start,
        valid_until: dt.date = end,
        revoked_on: dt.date | None = None,
    ) -> str:
        return f"{grantee},{purpose},{valid_from},{valid_until},{revoked_on or ''}"

    old = record(valid_from=now - 3 * year, valid_until=now - year)
    return {
        "valid": (record(),),
        "renewed": (old, record()),
        "none": (),
        "expired": (old,),
        "revoked": (record(revoked_on=now - year / 12),),
        "not_yet": (record(valid_from=now + year / 4),),
        "other_purpose": (record(purpose="marketing"),),
        "other_grantee": (record(grantee=f"{terms.grantee}-leasing"),),
    }
