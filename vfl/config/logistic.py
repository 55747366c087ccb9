"""Parameters of a federated logistic regression: part of the job that all parties agree on."""

from __future__ import annotations

from dataclasses import dataclass

from vfl.errors import ConfigError, Text

__all__ = ["FAMILIES", "SELECTIONS", "LogisticSpec"]

FAMILIES = ("logistic", "linear", "poisson")
SELECTIONS = ("none", "aic", "bic")


@dataclass(frozen=True, slots=True)
class LogisticSpec:
    """What the bank and the platforms agree on before training.

    Parameters
    ----------
    ridge : float
        ½ ridge ‖w‖² is added to the negative log-likelihood, the intercept left out: 1 / C of scikit-learn.
    steps : int
        Newton steps in all, the first one from the bank's own model. Fixed, so that not even the number of steps
        depends on the data.
    curvatures : int
        In how many of the first steps the curvature is made anew (at least 1), and in the last step; those between keep
        the last one. The first of a logistic regression is the bound of all others: with 1, it alone serves all steps,
        which then converge slowly.
    curvature_rows : int
        At most this many rows, a random sample, make the last curvature that only serves the next steps; each before it
        takes half of the next one's.
    weight_limit : float
        Sample weights are at most this; the bank alone has them.
    standard_errors : bool
        Whether a last curvature, of all rows, is made for standard errors and p-values.
    l1 : float
        l1 ‖w‖₁ is added too (elastic net): l1_ratio / C of scikit-learn, with ridge (1 - l1_ratio) / C.
    signs : bool
        Weights of WOE columns (positive is safer) must not be positive; those that would be are held at zero.
    selection : str
        ``none``, ``aic`` or ``bic``: between passes each owner takes out the weakest of its columns whose loss the
        criterion allows (by its Wald test). Not of a linear regression, whose residual deviation nobody knows.
    refits : int
        Passes after the first, at most, where ``l1``, ``signs`` or ``selection`` want any; training goes on until no
        owner changes what it holds at zero.
    refit_steps : int
        Newton steps of such a pass.
    warm_start : str
        Job whose weights are the start, each owner's own by feature name; empty: the bank's own model.
    family : str
        ``logistic``, ``linear`` or ``poisson``: :mod:`vfl.core.links`.
    target_limit : float
        Of a linear regression: no label is larger in size. Of a Poisson regression: no count or mean is larger; the
        closer to them, the finer the arithmetic.
    """

    ridge: float = 1.0
    steps: int = 5
    curvatures: int = 3
    curvature_rows: int = 8192
    weight_limit: float = 1.0
    standard_errors: bool = True
    l1: float = 0.0
    signs: bool = False
    selection: str = "none"
    refits: int = 12
    refit_steps: int = 2
    warm_start: str = ""
    family: str = "logistic"
    target_limit: float = 1.0

    def __post_init__(self) -> None:
        positive = 0 < self.ridge < 1e9 and 0 < self.weight_limit < 1e9 and self.curvature_rows >= 1
        passes = 0 <= self.refits <= 100 and 1 <= self.refit_steps <= 100
        chosen = self.selection in SELECTIONS and 0 <= self.l1 < 1e9
        chosen = chosen and self.family in FAMILIES and 0 < self.target_limit < 1e12
        chosen = chosen and (self.family, self.selection != "none") != ("linear", True)
        if not (positive and passes and chosen and 1 <= self.curvatures <= self.steps <= 100):
            raise ConfigError(
                "LOGISTIC_SPEC",
                Text("ridge, weight_limit and target_limit must be positive, l1 not negative, selection none, aic or "
                     "bic, family logistic, linear or poisson, and 1 <= curvatures <= steps <= 100",
                     "ridge、weight_limit 与 target_limit 须为正数，l1 不得为负，selection 为 none、aic 或 bic，"
                     "family 为 logistic、linear 或 poisson，且 1 <= curvatures <= steps <= 100"),
                cure=Text("mend the section [logistic] of the job", "请修正任务文件的 [logistic] 一节"),
            )

    @property
    def loss_scale(self) -> float:
        """What the summed loss of the rows is divided by, rows aside: weights at most 1, slopes at most ¼."""
        scale = {"logistic": 1.0, "linear": 4.0, "poisson": 4.0 * self.target_limit}[self.family]
        return self.weight_limit * scale

    @property
    def bounded(self) -> bool:
        """Whether the first pass goes by the bound of the curvature: it starts from the bank's model, and slopes of σ
        are near enough to their bound of ¼."""
        return self.family == "logistic" and not self.warm_start

    def new_curvature(self, step: int) -> bool:
        """Whether a step of the first pass makes its curvature anew."""
        last = step == self.steps - 1 and (self.errors_at_once or self.curvatures > 1)
        return step < self.curvatures or last

    @property
    def errors_at_once(self) -> bool:
        """Whether the first pass ends with standard errors: it is the only one, or columns are chosen by them."""
        return self.selection != "none" or (self.standard_errors and self.passes == 1)

    @property
    def passes(self) -> int:
        """At most, the first one included."""
        return 1 + (self.refits if self.l1 or self.signs or self.selection != "none" else 0)
