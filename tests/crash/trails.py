"""Do the audit trails of a finished job hold, and do they agree?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from vfl.crypto.identity import PartyIdentity
from vfl.errors import VflError
from vfl.runtime.audit import verify_trail

__all__ = ["disagreement", "entries_of"]

_SAME = ("seq", "step", "type", "bytes", "sha256")


def entries_of(folder: Path, identity: Path, head: str | None = None) -> list[dict[str, Any]]:
    """The entries of a job's ``audit.jsonl``, verified; DataError as :func:`verify_trail`."""
    lines = (folder / "audit.jsonl").read_bytes().splitlines()
    key = PartyIdentity.load(identity).record.public_signing_key()
    verify_trail(lines, key, name="audit.jsonl", head=head)
    return [json.loads(line)["entry"] for line in lines]


def disagreement(job_folders: dict[str, Path], identities: dict[str, Path], heads: dict[str, str]) -> str:
    """What is wrong with the trails of a job that ended well; "" when they hold and agree.

    Every message that a party recorded as sent, it recorded once; its receiver recorded the same digest once.
    """
    try:
        trails = {p: entries_of(job_folders[p], identities[p], heads[p]) for p in job_folders}
    except VflError as error:
        return error.code
    for party, entries in trails.items():
        if entries[0]["event"] != "started" or entries[-1]["event"] != "ended":
            return f"the trail of {party} begins or ends wrongly"
    sent = Counter(
        (sender, e["to"], *(e[k] for k in _SAME)) for sender, es in trails.items() for e in es if e["event"] == "sent"
    )
    received = Counter(
        (e["sender"], receiver, *(e[k] for k in _SAME))
        for receiver, es in trails.items()
        for e in es
        if e["event"] == "received"
    )
    if sent != received or not sent:
        return f"{len(sent - received)} messages recorded as sent only, {len(received - sent)} as received only"
    if max(sent.values()) > 1:
        return "a message is recorded twice"
    for (sender, receiver), number in Counter(key[:2] for key in sent).items():
        if {key[2] for key in sent if key[:2] == (sender, receiver)} != set(range(number)):
            return f"the messages from {sender} to {receiver} are not numbered 0 to {number - 1}"
    return ""
