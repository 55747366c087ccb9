"""What all tests share: Hypothesis draws the same examples in every run unless told otherwise.

A red suite must be red again for whoever looks into it. ``HYPOTHESIS_SEEK=1`` searches with fresh examples.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("seek", deadline=None)
settings.load_profile("seek" if os.environ.get("HYPOTHESIS_SEEK") else "repeatable")
