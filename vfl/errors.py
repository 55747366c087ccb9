"""Every failure this system names, and the one place that says how failures look.

::

    VflError                      code, text zh/en, cure zh/en, place; .exit_code for the command line
    ├─ ConfigError        (2)     a job, policy, node or view file is wrong
    ├─ DataError          (3)     a table, label, key column or model file is wrong
    ├─ PrivacyError       (4)
    │  ├─ EgressRefused           a message that may not leave
    │  ├─ PolicyRefused           this node's own policy says no
    │  ├─ CohortTooSmall          fewer rows than the floor
    │  └─ BudgetSpent             the contract's disclosure budget is used up
    ├─ ProtocolError      (5)
    │  ├─ LocalProtocolError      we broke the protocol: a bug or a wrong call here
    │  ├─ RemoteProtocolError     the peer broke it
    │  └─ TranscriptMismatch      the two sides saw different conversations
    ├─ CryptoError        (6)
    │  ├─ KeyMismatch
    │  ├─ InvalidCiphertext
    │  └─ PlaintextOverflow
    ├─ TransportError     (7)     retried by policy
    └─ JobAborted         (8)     by whom, at which step

Checks raise one of these; they never ``assert`` and never ``return False``. A message holds the file, row
and column and the cure, never the raw value: messages are logged. A peer is told the code, the step and an
incident id only (:meth:`VflError.for_peer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "BudgetSpent",
    "CohortTooSmall",
    "ConfigError",
    "CryptoError",
    "DataError",
    "EgressRefused",
    "InvalidCiphertext",
    "JobAborted",
    "KeyMismatch",
    "LocalProtocolError",
    "Place",
    "PlaintextOverflow",
    "PolicyRefused",
    "PrivacyError",
    "ProtocolError",
    "RemoteProtocolError",
    "Text",
    "TranscriptMismatch",
    "TransportError",
    "VflError",
]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people, in English and in Chinese."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        """The sentence in ``language`` (``"zh…"`` gives Chinese, all else English)."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the user's input: file name, 1-based row (the header is row 1), column name."""

    file: str | None = None
    row: int | None = None
    column: str | None = None

    def in_(self, language: str) -> str:
        zh = language.startswith("zh")
        parts = []
        if self.file is not None:
            parts.append(f"文件 {self.file}" if zh else f"file {self.file}")
        if self.row is not None:
            parts.append(f"第 {self.row} 行" if zh else f"row {self.row}")
        if self.column is not None:
            parts.append(f"列 {self.column}" if zh else f"column {self.column}")
        return "，".join(parts) if zh else ", ".join(parts)


class VflError(Exception):
    """Base of all our errors.

    Parameters
    ----------
    code : str
        Stable upper-case name, e.g. ``"USCC_CHECK_DIGIT"``: never reused for another meaning.
    text : Text
        What is wrong, without any value of the data.
    cure : Text
        What the reader can do about it.
    place : Place, optional
        File, row, column.
    """

    exit_code = 1

    def __init__(self, code: str, text: Text, *, cure: Text, place: Place | None = None) -> None:
        super().__init__(code, text.en)
        self.code = code
        self.text = text
        self.cure = cure
        self.place = place

    def __str__(self) -> str:
        return self.in_("en")

    def in_(self, language: str) -> str:
        """Code, place, text and cure in one line, in ``language``."""
        zh = language.startswith("zh")
        where = self.place.in_(language) if self.place is not None else ""
        if zh:
            return f"[{self.code}] {where + '：' if where else ''}{self.text.zh} 处理办法：{self.cure.zh}"
        return f"[{self.code}] {where + ': ' if where else ''}{self.text.en} Cure: {self.cure.en}"

    def for_peer(self, step: str, incident: str) -> Mapping[str, str]:
        """All that another institution may learn of this failure."""
        return {"code": self.code, "step": step, "incident": incident}


class ConfigError(VflError):
    exit_code = 2


class DataError(VflError):
    exit_code = 3


class PrivacyError(VflError):
    exit_code = 4


class EgressRefused(PrivacyError):
    pass


class PolicyRefused(PrivacyError):
    pass


class CohortTooSmall(PrivacyError):
    pass


class BudgetSpent(PrivacyError):
    pass


class ProtocolError(VflError):
    exit_code = 5


class LocalProtocolError(ProtocolError):
    pass


class RemoteProtocolError(ProtocolError):
    pass


class TranscriptMismatch(ProtocolError):
    pass


class CryptoError(VflError):
    exit_code = 6


class KeyMismatch(CryptoError):
    pass


class InvalidCiphertext(CryptoError):
    pass


class PlaintextOverflow(CryptoError):
    pass


class TransportError(VflError):
    exit_code = 7


class JobAborted(VflError):
    exit_code = 8
