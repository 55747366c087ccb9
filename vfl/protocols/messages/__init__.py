"""The message classes of every protocol; importing this package registers them all."""

from vfl.protocols.messages import alignment, boosting, evaluation, keys, scoring

__all__ = ["alignment", "boosting", "evaluation", "keys", "scoring"]
