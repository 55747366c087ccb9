"""A scorecard of a bank and two platforms as real processes: the second platform hears from both others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_network import Network

CARD = """\
[job]
name = "card"
bank = "bank-a"
platforms = ["platform-a", "platform-b"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}
model = "scorecard"

[privacy]
key_bits = 1024
test_keys = true
plaintext = true
minimum_intersection = 500

[sample]
train = 0.4
valid = 0.0
test = 0.6

[logistic]
steps = 2
curvatures = 1
"""


@pytest.mark.slow
def test_every_owner_ends_with_its_part_of_one_card(tmp_path: Path) -> None:
    network = Network(tmp_path)
    try:
        states = network.run("card-1", CARD.format(as_of=network.as_of), seconds=280)
        assert {s.state for s in states.values()} == {"done"}, [s.message_en for s in states.values()]
        for platform in ("platform-a", "platform-b"):
            part = json.loads(network.job(platform, "card-1").file("scorecard.json").read_text())
            errors = part["model"]["standard_errors"]
            assert len(part["model"]["weights"]) == len(errors) > 0
            assert all(error > 0 for error in errors)
        audit = network.job("platform-b", "card-1").file("audit.jsonl").read_text()
        assert "BankRelay" in audit
        assert "PlatformRelay" in audit
        assert states["bank-a"].facts["measures"]["joint"]["test"]["auc"] > 0.6
    finally:
        network.local.stop()
