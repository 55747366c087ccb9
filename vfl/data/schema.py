"""What a view declares: frozen, checked once by :mod:`vfl.data.views`, used everywhere else as given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from vfl.roles import RoleName

__all__ = ["BadCodes", "Choice", "ConsentSpec", "FeatureKind", "FeatureSpec", "Use", "ViewSpec", "Views"]


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


class Choice(StrEnum):
    """The owner's own word on a feature, before any rule of selection is asked."""

    BY_RULE = "by-rule"
    KEEP = "keep"
    """It stays, whatever the job's rules say of information value, correlation and stability."""
    DROP = "drop"
    """It takes no part, and nobody learns that it is there; the column stays declared for scoring and for later."""


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
    specials : tuple of tuple of float
        Numeric: groups of values that mean something by themselves (-1 = never borrowed); each gets a bin.
    cuts : tuple of float
        Numeric: where the owner wants the feature cut, in place of quantiles.
    groups : tuple of tuple of str
        Categorical: levels that the owner joins; levels in none of them are pooled.
    fixed : bool
        Cuts or groups are the bins: only floors join them.
    trend : str
        Of the event rate, one of the job's words; empty: as the job says.
    choice : Choice
    """

    name: str
    kind: FeatureKind
    missing: tuple[str, ...] = ()
    missing_numbers: tuple[float, ...] = ()
    sensitivity: int = 3
    item: str | None = None
    signed_off: frozenset[str] = frozenset()
    specials: tuple[tuple[float, ...], ...] = ()
    cuts: tuple[float, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    fixed: bool = False
    trend: str = ""
    choice: Choice = Choice.BY_RULE


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """One table and the only columns of it that are ever read.

    ``as_of`` names the column with the date of the snapshot that a row's features were taken from, ``valid_until`` the
    last day on which they held (blank: still do); ``observed_on`` the column with the date on which the credit decision
    was, or would have been, taken, ``performance_until`` the last day on which its outcome was watched. Features
    younger than the decision, and labels not final on the job's day, would let the model look ahead.

    ``history``: the table holds several snapshots of a firm, told apart by ``as_of``. ``weight`` names the column of
    sample weights, ``bins`` the file that the features' cuts and groups were taken from.
    """

    name: str
    source: Path
    id: str
    features: tuple[FeatureSpec, ...]
    label: str | None = None
    as_of: str | None = None
    valid_until: str | None = None
    observed_on: str | None = None
    performance_until: str | None = None
    weight: str | None = None
    history: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","
    bad_codes: BadCodes = BadCodes.REFUSE
    bins: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that a job depends on, besides the views file itself."""
        return (self.source,) if self.bins is None else (self.source, self.bins)

    def columns(self, use: Use) -> tuple[str, ...]:
        """Names of all columns read for ``use``."""
        outcome = (self.label, self.performance_until, self.weight) if use is Use.TRAINING else ()
        special = (self.id, *outcome, self.as_of, self.valid_until, self.observed_on)
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
