"""scikit-learn estimators that learn as a joint job does, on one table whose columns are given to two owners.

Every one has ``platform_columns``, ``backend`` and ``key_bits``; see :mod:`vfl.lab.owners`.
"""

from __future__ import annotations

from vfl.lab.card import FederatedScorecard
from vfl.lab.regression import FederatedLogisticRegression
from vfl.lab.trees import FederatedTrees
from vfl.lab.woe_binner import WoeBinner

__all__ = ["FederatedLogisticRegression", "FederatedScorecard", "FederatedTrees", "WoeBinner"]
