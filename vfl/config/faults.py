"""A fault of the user's input: one stable code, its two sentences and its cure, declared once.

Every module that reads what people hand us declares its faults as constants and lists them in ``FAULTS``;
``docs/errors.md`` is rendered from those lists, so the table a reader finds and the error a user meets
cannot differ. Placeholders take names, counts and limits that we declared or counted ourselves, never a
value read from the data.
"""

from __future__ import annotations

from dataclasses import dataclass

from vfl.errors import ConfigError, DataError, Place, Text, VflError

__all__ = ["Fault", "config_fault", "data_fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table of errors.

    ``text`` and ``cure`` may hold ``{placeholders}``, filled by :meth:`at`.
    """

    code: str
    error: type[VflError]
    text: Text
    cure: Text

    def at(self, place: Place | None = None, **fields: object) -> VflError:
        """The error to raise, with the placeholders filled in."""
        return self.error(
            self.code, _filled(self.text, fields), cure=_filled(self.cure, fields), place=place
        )

    def note(self, language: str, **fields: object) -> str:
        """The sentence alone, for a report that warns and does not refuse."""
        return _filled(self.text, fields).in_(language)


def config_fault(code: str, en: str, zh: str, cure_en: str, cure_zh: str) -> Fault:
    """A fault of a configuration file."""
    return Fault(code, ConfigError, Text(en, zh), Text(cure_en, cure_zh))


def data_fault(code: str, en: str, zh: str, cure_en: str, cure_zh: str) -> Fault:
    """A fault of a table."""
    return Fault(code, DataError, Text(en, zh), Text(cure_en, cure_zh))


def _filled(text: Text, fields: dict[str, object]) -> Text:
    return Text(text.en.format(**fields), text.zh.format(**fields))
