"""The message classes of every protocol; importing this package registers them all."""

from vfl.protocols.messages import alignment, binning, boosting, evaluation, keys, logistic, scorecard, scoring

__all__ = ["alignment", "binning", "boosting", "evaluation", "keys", "logistic", "scorecard", "scoring"]
