"""The message classes of every protocol; importing this package registers them all."""

from vfl.protocols.messages import alignment, boosting, keys

__all__ = ["alignment", "boosting", "keys"]
