"""The job contract as the egress sees it: who takes part and how much of each message type may leave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from vfl.roles import RoleName

__all__ = ["Budget", "Contract"]


@dataclass(frozen=True, slots=True)
class Budget:
    """At most this much of one message type, per receiver and job."""

    messages: int
    bits: int


@dataclass(frozen=True, slots=True)
class Contract:
    """What every data owner has signed.

    ``terms`` is the job as text (TOML of the proposal); ``budgets`` follow from it by message type; ``anchors`` pin
    each party's signing key, so that from the contract on nobody can put another key in its place, not even whoever
    runs the network and its certificate authority.
    """

    job: str
    parties: Mapping[str, RoleName]
    budgets: Mapping[str, Budget]
    terms: str
    anchors: Mapping[str, str] = field(default_factory=dict)

    def canonical(self) -> bytes:
        """Canonical JSON: the bytes that are hashed and signed."""
        body = {
            "job": self.job,
            "parties": {p: str(r) for p, r in self.parties.items()},
            "budgets": {t: [b.messages, b.bits] for t, b in self.budgets.items()},
            "terms": self.terms,
            "anchors": dict(self.anchors),
        }
        return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical form: the genesis ``prev_hash`` of every link."""
        return hashlib.sha256(b"vfl/contract/1" + self.canonical()).digest()

    @classmethod
    def parse(cls, raw: bytes) -> Contract:
        body = json.loads(raw)
        return cls(
            job=body["job"],
            parties={p: RoleName(r) for p, r in body["parties"].items()},
            budgets={t: Budget(*b) for t, b in body["budgets"].items()},
            terms=body["terms"],
            anchors=body["anchors"],
        )
