"""The kinds of party that may take part in a job."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["RoleName"]


class RoleName(StrEnum):
    """Role of a party; the word that message classes, certificates and policies use."""

    BANK = "bank"
    """Holds labels and its own features; starts jobs; owns the model's issue."""
    PLATFORM = "platform"
    """Holds features only."""
    COORDINATOR = "coordinator"
    """Relays and witnesses; holds no data and no decryption key."""
