"""What a view declares: frozen, checked once by :mod:`vfl.data.views`, used everywhere else as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from vfl.roles import RoleName

__all__ = ["BadCodes", "ConsentSpec", "FeatureKind", "FeatureSpec", "Use", "ViewSpec", "Views"]


class FeatureKind(StrEnum):
    """How a feature's cells are read."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class BadCodes(StrEnum):
    """What becomes of rows whose unified social credit code is faulty or doubled."""

    REFUSE = "refuse"
    """The table is refused at the first such row."""
    QUARANTINE = "quarantine"
    """The rows are left out and counted by fault in the quality report."""


class Use(StrEnum):
    """What a table is loaded for."""

    TRAINING = "training"
    SCORING = "scoring"
    """No label is read, and a feature may be constant or empty: a batch may hold one firm."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One column that a job may read.

    Attributes
    ----------
    missing : tuple of str
        Cells that mean *missing* besides the blank one, compared as text.
    missing_numbers : tuple of float
        The same for numeric features, compared as numbers: ``-999`` matches ``-999.0``.
    sensitivity : int
        1 (public) to 5 (highest), the levels of JR/T 0197-2020.
    item : str or None
        Id of the catalogue item that the column belongs to.
    signed_off : frozenset of str
        Codes of quality faults that the owner has looked at and accepts for this feature.
    """

    name: str
    kind: FeatureKind
    missing: tuple[str, ...] = ()
    missing_numbers: tuple[float, ...] = ()
    sensitivity: int = 3
    item: str | None = None
    signed_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """One table and the only columns of it that are ever read.

    ``as_of`` names the column with the date of the snapshot that a row's features were taken from;
    ``observed_on`` the column with the date on which the credit decision was, or would have been, taken.
    Features younger than the decision would let the model look ahead.
    """

    name: str
    source: Path
    id: str
    features: tuple[FeatureSpec, ...]
    label: str | None = None
    as_of: str | None = None
    observed_on: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    bad_codes: BadCodes = BadCodes.REFUSE

    def columns(self, use: Use) -> tuple[str, ...]:
        """Names of all columns read for ``use``."""
        label = self.label if use is Use.TRAINING else None
        special = (self.id, label, self.as_of, self.observed_on)
        return (*(name for name in special if name is not None), *(f.name for f in self.features))


@dataclass(frozen=True, slots=True)
class ConsentSpec:
    """Where the consent records are; column names default to those of the format."""

    source: Path
    uscc: str = "uscc"
    grantee: str = "grantee"
    purpose: str = "purpose"
    valid_from: str = "valid_from"
    valid_until: str = "valid_until"
    revoked_on: str = "revoked_on"
    encoding: str = "utf-8"
    delimiter: str = ","

    def columns(self) -> tuple[str, ...]:
        return (self.uscc, self.grantee, self.purpose, self.valid_from, self.valid_until, self.revoked_on)


@dataclass(frozen=True, slots=True)
class Views:
    """A whole ``views.toml`` of one party."""

    file: str
    role: RoleName
    views: Mapping[str, ViewSpec] = field(default_factory=dict)
    consents: ConsentSpec | None = None
