"""Parameters of a federated logistic regression: part of the job that all parties agree on."""

from __future__ import annotations

from dataclasses import dataclass

from vfl.errors import ConfigError, Text

__all__ = ["LogisticSpec"]


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
        In how many of the first steps the curvature is made anew (at least 1); later steps keep the last one.
    curvature_rows : int
        At most this many rows, a random sample, make a curvature that only serves the next steps.
    weight_limit : float
        Sample weights are at most this; the bank alone has them.
    standard_errors : bool
        Whether a last curvature, of all rows, is made for standard errors and p-values.
    """

    ridge: float = 1.0
    steps: int = 5
    curvatures: int = 3
    curvature_rows: int = 8192
    weight_limit: float = 1.0
    standard_errors: bool = True

    def __post_init__(self) -> None:
        positive = 0 < self.ridge < 1e9 and 0 < self.weight_limit < 1e9 and self.curvature_rows >= 1
        if not (positive and 1 <= self.curvatures <= self.steps <= 100):
            raise ConfigError(
                "LOGISTIC_SPEC",
                Text("ridge and weight_limit must be positive, and 1 <= curvatures <= steps <= 100",
                     "ridge 与 weight_limit 须为正数，且 1 <= curvatures <= steps <= 100"),
                cure=Text("mend the section [logistic] of the job", "请修正任务文件的 [logistic] 一节"),
            )
