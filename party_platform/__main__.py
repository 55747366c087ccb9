"""``python -m party_platform --config node.toml``: the platform's node, until SIGTERM or SIGINT."""

from __future__ import annotations

import sys

from party_platform.node import PlatformSide
from vfl.service.main import serve

if __name__ == "__main__":
    sys.exit(serve("party_platform", PlatformSide))
