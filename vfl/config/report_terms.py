"""``report.toml`` beside the bank's ``views.toml``: what its own model report is made for. None of it leaves the bank.

::

    approval_rate = 0.7              # or: cut_off = 560; what the report judges, and what marks a firm as rejected
    segments = ["region", "size"]    # columns of the view, features of the model or not
    exposure = "approved_amount"     # numeric column of the view; else every firm counts 1
    loss_given_default = 0.45        # with it the report tells expected and observed loss
    margin = 0.03                    # and with that, profit: earned per unit of exposure on a good firm

A column that shall be watched but not modelled is declared in the view with ``choice = "drop"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vfl.config.reading import Section, read_toml
from vfl.errors import ConfigError, Place, Text

__all__ = ["FILE", "ReportTerms"]

FILE = "report.toml"


@dataclass(frozen=True, slots=True)
class ReportTerms:
    """The bank's choices for its report.

    Attributes
    ----------
    approval_rate : float
        Share of the training firms to approve, where no ``cut_off`` is given.
    cut_off : float or None
        In points; firms below it are marked as rejected.
    segments : tuple of str
    exposure : str
        Empty: 1 each.
    loss_given_default, margin : float or None
        Shares of the exposure; None: no losses, no profit.
    """

    approval_rate: float = 0.7
    cut_off: float | None = None
    segments: tuple[str, ...] = ()
    exposure: str = ""
    loss_given_default: float | None = None
    margin: float | None = None

    @classmethod
    def beside(cls, views: Path) -> ReportTerms:
        """Of the bank with these ``views.toml``; the defaults where it has no ``report.toml``."""
        path = views.with_name(FILE)
        return cls.read(path) if path.exists() else cls()

    @classmethod
    def read(cls, path: Path) -> ReportTerms:
        """Read and check the file; every failure is a ConfigError that names the key."""
        top, d = read_toml(path), cls()
        out = cls(
            approval_rate=top.number("approval_rate", d.approval_rate, low=0.01, high=0.99),
            cut_off=top.number("cut_off", low=-1e6, high=1e6) if "cut_off" in top else None,
            segments=top.texts("segments", []),
            exposure=top.text("exposure", ""),
            loss_given_default=_share(top, "loss_given_default"),
            margin=_share(top, "margin"),
        )
        top.done()
        if "cut_off" in top and "approval_rate" in top:
            raise ConfigError(
                "REPORT_TERMS_CUT_OFF",
                Text(en="cut_off and approval_rate say the same thing twice",
                     zh="cut_off 与 approval_rate 只能填写其一"),
                cure=Text(en="keep one of them", zh="请保留其中一项"),
                place=Place(file=str(path), column="cut_off"),
            )
        if out.margin is not None and out.loss_given_default is None:
            raise ConfigError(
                "REPORT_TERMS_MARGIN",
                Text(en="a profit needs the loss that it is set against", zh="计算利润须先给出违约损失率"),
                cure=Text(en="add loss_given_default", zh="请补充 loss_given_default"),
                place=Place(file=str(path), column="margin"),
            )
        return out


def _share(top: Section, key: str) -> float | None:
    return top.number(key, low=0.0, high=1.0) if key in top else None
