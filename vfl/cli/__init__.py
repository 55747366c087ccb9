"""The command ``vfl``: what a data scientist and a node's operator type."""

from __future__ import annotations

from vfl.cli.main import main

__all__ = ["main"]
