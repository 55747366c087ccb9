"""One table whose columns are given to several owners: what the scikit-learn estimators have in common.

``backend="plaintext"`` computes on the pooled columns without any cryptography; ``"paillier"`` runs the joint job's
own choreography in this process, through the role classes of both node packages and every message through the exits.
Neither protects anything here: the object holds all columns.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from vfl.config.job import JobSpec
from vfl.data.consent import ConsentBook
from vfl.data.schema import FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import ConfigError, Text
from vfl.lab.assembly import Body, JobMaker, LabJob, PlatformTable, assemble
from vfl.lab.packages import node_package
from vfl.protocols.alignment import BankAlignment, PlatformAlignment, alignment
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.runtime.choreography import Choreography

__all__ = ["BANK", "PLATFORM", "Owners", "PlatformColumns", "meet"]

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

BANK, PLATFORM = "bank", "platform"
PlatformColumns = Sequence[int] | Sequence[Sequence[int]]
"""Columns of one platform, or of each of several."""
_PURPOSE = "credit-modelling"
_HEAD = """\
[job]
name = "estimator"
bank = "bank"
platforms = [{platforms}]
bank_view = "main"
platform_view = "main"
as_of = 2026-01-01
model = "{model}"
bank_features = {bank_features}

[privacy]
key_bits = {key_bits}
test_keys = {test_keys}
minimum_intersection = 1
leaf_floor = {leaf_floor}

[sample]
train = 1.0
valid = 0.0
test = 0.0
"""


async def meet(c: Choreography, spec: JobSpec) -> None:
    """The phases that every training job begins with: keys, then the common rows."""
    bank, platforms = spec.bank, spec.platforms
    await c.phase("keys", key_exchange, c.role(bank, KeyHolderRole), [c.role(p, KeyChecker) for p in platforms])
    await c.phase(
        "alignment", alignment, c.role(bank, BankAlignment), [c.role(p, PlatformAlignment) for p in platforms]
    )


class Owners(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Base of the estimators: input checks, the division of the columns, a job over them.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_features_in_ : int
    owners_ : dict of str to ndarray of int
        Columns of the bank, then of each platform: ``platform``, or ``platform-1``, ``platform-2``, …
    platform_columns_ : ndarray of int
        Of all platforms, in their order.
    bank_columns_ : ndarray of int
    bytes_sent_ : int
        Of all messages; 0 without a protocol.
    """

    platform_columns: PlatformColumns | None
    backend: str
    key_bits: int
    random_state: Any

    def _begin(self, X: Any, y: Any) -> tuple[FloatArray, Codes]:
        """Check the input and divide the columns: values, float64 (rows, columns), and 1 for the event, (rows,).

        Raises
        ------
        ValueError
            Input that scikit-learn's own checks refuse; other than two classes.
        ConfigError
            ``ESTIMATOR_BACKEND``, ``ESTIMATOR_COLUMNS``.
        """
        values, target = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite=self._finite(), ensure_min_samples=2
        )
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass."
                f" It holds {len(self.classes_)} classes."
            )
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        self._divide(values.shape[1])
        self.bytes_sent_ = 0
        return values, codes

    def _values(self, X: Any) -> FloatArray:
        """Rows to predict, checked against those of :meth:`fit`."""
        out: FloatArray = validate_data(self, X, dtype=np.float64, ensure_all_finite=self._finite(), reset=False)
        return out

    def _finite(self) -> Any:
        return "allow-nan" if self.__sklearn_tags__().input_tags.allow_nan else True

    def _divide(self, count: int) -> None:
        if self.backend not in ("plaintext", "paillier"):
            raise ConfigError(
                "ESTIMATOR_BACKEND",
                Text(en="there is no such backend", zh="没有该后端"),
                cure=Text(en='use "plaintext" or "paillier"', zh='请使用 "plaintext" 或 "paillier"'),
            )
        named: Any = range(count // 2, count) if self.platform_columns is None else self.platform_columns
        several = len(named) > 0 and all(isinstance(part, Sequence | np.ndarray) for part in named)
        parts = [np.unique(np.asarray(part, dtype=np.intp)) for part in (named if several else [named])]
        chosen = np.concatenate(parts)
        apart = len(np.unique(chosen)) == len(chosen)
        if not all(map(len, parts)) or not apart or chosen.min() < 0 or chosen.max() >= count:
            raise ConfigError(
                "ESTIMATOR_COLUMNS",
                Text(en=f"platform_columns must name columns from 0 to {count - 1}, each for one platform",
                     zh=f"platform_columns 须为 0 至 {count - 1} 的列号，且每列只属于一个平台"),
                cure=Text(en="name at least one column of X for each platform", zh="请为每个平台至少指定 X 的一列"),
            )  # fmt: skip
        self.platform_columns_ = chosen
        self.bank_columns_ = np.setdiff1d(np.arange(count), chosen)
        names = [f"{PLATFORM}-{i}" for i in range(1, 1 + len(parts))] if several else [PLATFORM]
        self.owners_: dict[str, Codes] = {BANK: self.bank_columns_, **dict(zip(names, parts, strict=True))}

    @property
    def _platforms(self) -> list[str]:
        """Names of the platforms; the first computes with the bank."""
        return [owner for owner in self.owners_ if owner != BANK]

    @property
    def _order(self) -> Codes:
        """Columns as a joint model counts them: the bank's first."""
        out: Codes = np.concatenate([self.bank_columns_, self.platform_columns_])
        return out

    def _tables(self, values: FloatArray, codes: Codes | None = None) -> dict[str, Dataset]:
        """Each owner's rows, the bank's with labels where ``codes`` are given; column 3 is called ``x3``."""
        ids = [f"row-{i:09d}" for i in range(len(values))]
        labels = None if codes is None else codes.astype(np.uint8)
        out = {}
        for owner, columns in self.owners_.items():
            numeric = {f"x{c}": values[:, c] for c in columns.tolist()}
            out[owner] = Dataset.from_arrays(
                ids, numeric, labels=labels if owner == BANK else None, declared=self._declared(), name=owner
            )
        return out

    def _declared(self) -> Mapping[str, FeatureSpec]:
        """What the owners' views say of some columns, by the names above."""
        return {}

    # --- the job ----------------------------------------------------------------------------------------------

    def _job(self, model: str, sections: Mapping[str, Mapping[str, Any]], *, leaf_floor: int = 1) -> JobSpec:
        """The job that the parameters describe: its reader checks every range."""
        head = _HEAD.format(
            model=model, bank_features="true" if len(self.bank_columns_) else "false", key_bits=self.key_bits,
            test_keys="true" if self.key_bits < 2048 else "false", leaf_floor=leaf_floor,
            platforms=", ".join(f'"{name}"' for name in self._platforms),
        )  # fmt: skip
        lines = [head]
        for name, values in sections.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value, default=int)}" for key, value in values.items())]
        return JobSpec.parse("\n".join(lines), type(self).__name__)

    def _played(
        self, spec: JobSpec, values: FloatArray, codes: Codes, body: Body,
        makers: tuple[JobMaker, JobMaker] | None = None,
    ) -> LabJob:
        """The job, run to its end on all parties' tables; all consents are given."""
        seed = check_random_state(self.random_state).bytes(32)
        tables = self._tables(values, codes)
        rows, day = len(values), np.full(len(values), spec.as_of, dtype="datetime64[D]")
        consents = ConsentBook(
            tables[BANK].ids, [BANK] * rows, [_PURPOSE] * rows, day, day,
            np.full(rows, "NaT", dtype="datetime64[D]"),
        )  # fmt: skip
        holders = (BANK, spec.platforms[0])
        keys = {party: _test_key(spec.key_bits, party) for party in holders} if spec.test_keys else None
        platforms = {name: PlatformTable(tables[name], consents) for name in spec.platforms}
        job = assemble("estimator", spec, tables[BANK], platforms, seed=seed, keys=keys, makers=makers)
        job.run(body=body)
        self.bytes_sent_ = sum(s.size for s in job.trace)
        return job


@functools.cache
def _test_key(bits: int, party: str) -> bytes:
    """One test key per process and party: making it costs more than a small fit. Real lengths are made each time."""
    key: bytes = node_package("party_bank.steps.keys").KeyHolderSteps.fresh(bits, test_keys=True)
    return key
