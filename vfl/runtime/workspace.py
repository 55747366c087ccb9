"""What the roles of one party share in one job, whichever party it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.job import JobSpec
from vfl.config.time import month_number
from vfl.core.periods import latest_share
from vfl.crypto.merkle import MerkleTree
from vfl.crypto.paillier import PublicKey
from vfl.crypto.psi import Alignment
from vfl.crypto.randomness import JobSeed
from vfl.errors import LocalProtocolError, RemoteProtocolError, Text
from vfl.runtime.state import freeze, thaw

__all__ = ["Workspace", "malformed", "too_early"]

_SPLITS = ("train", "valid", "test", "out_of_time")

@dataclass(slots=True, repr=False, kw_only=True)
class Workspace:
    """Shared state of a party's steps; subclasses add the party's table and keys.

    Security: subclasses hold raw rows; nothing here leaves the process except sealed in the party's own journal.
    """

    party: str
    job: str
    spec: JobSpec
    seed: JobSeed
    keys: dict[bytes, PublicKey] = field(default_factory=dict)
    """Public keys that ciphertexts of this job may be under."""
    aligned: Alignment | None = None
    periods: npt.NDArray[np.uint8] | None = None
    """Period of observation of each aligned row in the common order; None where none are told, or not yet."""
    progress: Callable[[str, float], None] = lambda _stage, _share: None
    """Told a stage and the share of it that is done; for people only."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.party} {self.job}>"

    @property
    def alignment(self) -> Alignment:
        if self.aligned is None:
            raise too_early("alignment")
        return self.aligned

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of :attr:`parts`."""
        return _SPLITS if self.spec.sample.has_out_of_time else _SPLITS[:3]

    @property
    def parts(self) -> tuple[slice, ...]:
        """Train, validation and test rows as slices of the common order, which is a joint shuffle of them; then,
        where the contract holds rows out of time, those."""
        rows = in_time = len(self.alignment.rows)
        if self.spec.sample.has_out_of_time:
            if self.periods is None:
                raise too_early("periods of observation")
            in_time -= int(self.held_out(self.periods).sum())
        train, valid, _ = self.spec.sample.counts(in_time)
        cuts = (0, train, train + valid, in_time, rows)[: len(self.split_names) + 1]
        return tuple(slice(*ends) for ends in itertools.pairwise(cuts))

    def held_out(self, periods: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which rows of these periods are held out of time: all owners find the same."""
        sample, time = self.spec.sample, self.spec.time
        if not sample.has_out_of_time:
            return np.zeros(len(periods), dtype=np.bool_)
        if not time.monthly:
            first = 1
        elif sample.out_of_time_from is not None:
            first = month_number(sample.out_of_time_from) - month_number(time.first)
        else:
            return latest_share(periods.astype(np.int64), sample.out_of_time)
        out: npt.NDArray[np.bool_] = periods >= first
        return out

    def arrange(self, periods: npt.NDArray[np.int64]) -> None:
        """Put the rows held out of time last, both parts in the order they had; ``periods``: of the aligned rows."""
        aligned, order = self.alignment, np.argsort(self.held_out(periods), kind="stable")
        names = aligned.pseudonyms[order]
        self.aligned = Alignment(aligned.rows[order], names, MerkleTree(name.tobytes() for name in names).root)
        self.periods = periods[order].astype(np.uint8)

    def dump(self) -> dict[str, bytes]:
        if self.aligned is None:
            return {}
        arrays = {"rows": self.aligned.rows, "pseudonyms": self.aligned.pseudonyms}
        if self.periods is not None:
            arrays["periods"] = self.periods
        return {"alignment": freeze(arrays, {"root": self.aligned.root.hex()})}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "alignment" in parts:
            arrays, facts = thaw(parts["alignment"])
            self.aligned = Alignment(arrays["rows"], arrays["pseudonyms"], bytes.fromhex(facts["root"]))
            self.periods = arrays.get("periods")


def too_early(what: str) -> LocalProtocolError:
    """A step was called before what it needs was there."""
    return LocalProtocolError(
        "STEP_TOO_EARLY",
        Text(en=f"this step needs the {what} first", zh=f"该步骤需先完成：{what}"),
        cure=Text(en="this is a fault of the program: report it", zh="这是程序错误，请报告"),
    )


def malformed(code: str, en: str, zh: str) -> RemoteProtocolError:
    """A peer sent what no honest program sends; ``en`` and ``zh`` name it without a value."""
    return RemoteProtocolError(
        code,
        Text(en=f"the peer sent {en}", zh=f"对方发来的内容有误：{zh}"),
        cure=Text(en="stop the job and compare versions: nothing of it was used",
                  zh="请中止任务并核对版本：该内容未被使用"),
    )
