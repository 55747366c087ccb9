"""What the owner may use and nothing may print, compare, store or send.

Rows and labels enter the program inside a :class:`Private`. The only way to the value is :meth:`~Private.expose`,
and a test allows that word under ``*/steps/`` and ``vfl/data/`` alone, so a reviewer finds every use of raw
data by searching for one word.
"""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

from vfl.errors import LocalProtocolError, Text

__all__ = ["Private"]

T_co = TypeVar("T_co", covariant=True)


class Private(Generic[T_co]):
    """A value that stays in this process.

    Parameters
    ----------
    value : T
        The data.
    what : str
        Its name for people, e.g. ``"labels"``; shown by ``repr`` in place of the value.

    Security: ``repr`` and ``format`` are redacted, there is no truth value (it would leak one bit into control
    flow unseen), no equality, no hash, no copy through pickle.
    """

    __slots__ = ("_value", "_what")

    def __init__(self, value: T_co, what: str) -> None:
        self._value = value
        self._what = what

    def expose(self) -> T_co:
        """The value itself: for local steps and for this package only."""
        return self._value

    def __repr__(self) -> str:
        return f"<private {self._what}>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> NoReturn:
        self._refuse("has no truth value", "没有真值")

    def __eq__(self, other: object) -> NoReturn:
        self._refuse("cannot be compared", "不可比较")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self._refuse("cannot be pickled or copied", "不可序列化或复制")

    def _refuse(self, en: str, zh: str) -> NoReturn:
        raise LocalProtocolError(
            "PRIVATE_MISUSE",
            Text(f"Private data ({self._what}) {en}.", f"私有数据（{self._what}）{zh}。"),
            cure=Text(
                "Do the work inside a local step, where the value may be exposed.",
                "请在本地步骤中取出数值后再处理。",
            ),
        )
