"""What the roles of one party share in one job, whichever party it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vfl.config.job import JobSpec
from vfl.crypto.paillier import PublicKey
from vfl.crypto.psi import Alignment
from vfl.crypto.randomness import JobSeed
from vfl.errors import LocalProtocolError, RemoteProtocolError, Text
from vfl.runtime.state import freeze, thaw

__all__ = ["Workspace", "malformed", "too_early"]


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
    def parts(self) -> tuple[slice, slice, slice]:
        """Train, validation and test rows as slices of the common order, which is a joint shuffle."""
        rows = len(self.alignment.rows)
        train, valid, _ = self.spec.sample.counts(rows)
        return slice(0, train), slice(train, train + valid), slice(train + valid, rows)

    def dump(self) -> dict[str, bytes]:
        if self.aligned is None:
            return {}
        arrays = {"rows": self.aligned.rows, "pseudonyms": self.aligned.pseudonyms}
        return {"alignment": freeze(arrays, {"root": self.aligned.root.hex()})}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "alignment" in parts:
            arrays, facts = thaw(parts["alignment"])
            self.aligned = Alignment(arrays["rows"], arrays["pseudonyms"], bytes.fromhex(facts["root"]))


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
