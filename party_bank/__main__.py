"""``python -m party_bank --config node.toml``: the bank's node, until SIGTERM or SIGINT."""

from __future__ import annotations

import sys

from party_bank.node import BankSide
from vfl.service.main import serve

if __name__ == "__main__":
    sys.exit(serve("party_bank", BankSide))
