"""Gate 6, disks: after a real job of three processes, no institution's folder holds another one's canaries.

Coordinator, bank and platform run as they do in life (mutual TLS on loopback, journals, logs, reports); then every file
below each folder is searched: configuration, logs, journals with their write-ahead logs, documents, models, reports.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from support.canaries import (
    codes_in,
    files_under,
    forms_of_flags,
    forms_of_number,
    forms_of_text,
    found,
    plant_file,
)

from vfl.data.synthetic import generate
from vfl.roles import RoleName
from vfl.service.folder import JobFolder
from vfl.service.local import LocalNetwork

BANK, PLATFORM, COORDINATOR = "bank-a", "platform-a", "coordinator"
POLICY = 'approve = "auto"\nminimum_key_bits = 512\nallow_test_keys = true\nminimum_intersection = 500\n'
REQUEST = """\
[job]
name = "canaries"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}

[privacy]
key_bits = 512
test_keys = true
minimum_intersection = 500

[sample]
train = 0.55
valid = 0.05
test = 0.40

[trees]
trees = 2
num_leaves = 4
max_bin = 15
min_data_in_leaf = 30
"""


@dataclass(slots=True)
class Aftermath:
    """What the job left behind, and what was planted."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    levels: dict[str, dict[str, str]] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    ids: dict[str, set[str]] = field(default_factory=dict)
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    root = tmp_path_factory.mktemp("disks")
    made = generate(root / "made", firms=1_800, base_rate=0.2)
    network = LocalNetwork(root / "network")
    out = Aftermath()
    try:
        network.create([BANK], [PLATFORM], policy=POLICY)
        for name, role, table, views in (
            (BANK, RoleName.BANK, made.bank, made.bank_views),
            (PLATFORM, RoleName.PLATFORM, made.platforms[0], made.platform_views[0]),
        ):
            out.numbers[name], out.levels[name] = plant_file(name, table, views, role)
            lines = [line.split(",") for line in table.read_text("utf-8").splitlines()]
            out.columns[name] = [*out.numbers[name], *out.levels[name]]
            out.ids[name] = {line[0] for line in lines[1:]}
            if role is RoleName.BANK:
                out.labels = np.array([line[1] == "1" for line in lines[1:]])
            shutil.move(table, network.parties[name].folder / table.name)
            shutil.move(views, network.parties[name].folder / "views.toml")
        shutil.move(made.consents, network.parties[PLATFORM].folder / made.consents.name)
        network.start()
        _run(network, made.as_of)
        out.files = {name: files_under(party.folder) for name, party in network.parties.items()}
        yield out
    finally:
        network.stop()


def _run(network: LocalNetwork, as_of: object) -> None:
    folders = [JobFolder(network.parties[name].jobs, "canaries-1") for name in (BANK, PLATFORM)]
    folders[0].make()
    folders[0].write("request.toml", REQUEST.format(as_of=as_of).encode())
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not all(f.load().final for f in folders):
        time.sleep(0.1)
    states = [f.load() for f in folders]
    assert [s.state for s in states] == ["done", "done"], [s.message_en for s in states]


def others(party: str) -> list[str]:
    return [p for p in (BANK, PLATFORM) if p != party]


@pytest.mark.parametrize("holder", [BANK, PLATFORM, COORDINATOR])
def test_no_value_of_another_party_on_its_disk(aftermath: Aftermath, holder: str) -> None:
    held = list(aftermath.files[holder].values())
    for owner in others(holder):
        for column, value in aftermath.numbers[owner].items():
            # A float32 is too short to look for in megabytes of fresh ciphertext.
            forms = {n: f for n, f in forms_of_number(value).items() if "float32" not in n and len(f) > 5}
            assert found(forms, held) == set(), (owner, column)
        for text in [*aftermath.levels[owner].values(), *aftermath.columns[owner]]:
            forms = {n: f for n, f in forms_of_text(text).items() if len(f) > 5}
            assert found(forms, held) == set(), (owner, text)


@pytest.mark.parametrize("holder", [BANK, PLATFORM, COORDINATOR])
def test_no_firm_that_it_did_not_know_on_its_disk(aftermath: Aftermath, holder: str) -> None:
    known = aftermath.ids.get(holder, set())
    if holder == PLATFORM:  # its consents name firms whether or not they are in its table
        known = known | codes_in([aftermath.files[holder]["consents.csv"]])
    for owner in others(holder):
        foreign = aftermath.ids[owner] - known
        assert len(foreign) > 50
        assert codes_in(aftermath.files[holder].values()) & foreign == set()
        for code in sorted(foreign)[::40]:
            assert found(forms_of_text(code), aftermath.files[holder].values()) == set()


@pytest.mark.parametrize("holder", [PLATFORM, COORDINATOR])
def test_no_labels_on_its_disk(aftermath: Aftermath, holder: str) -> None:
    assert found(forms_of_flags(aftermath.labels), aftermath.files[holder].values()) == set()


def test_the_search_reads_all_that_a_node_writes(aftermath: Aftermath) -> None:
    """Its own data is found at each owner; journal, log, model, audit and report are among the files."""
    for owner in (BANK, PLATFORM):
        names = {Path(name).name for name in aftermath.files[owner]}
        assert names >= {"node.log", "journal.db", "model.json", "state.json", "views.toml", "contract.json"}
        held = list(aftermath.files[owner].values())
        for value in aftermath.numbers[owner].values():
            assert "repr" in found(forms_of_number(value), held)
        assert codes_in(held) >= aftermath.ids[owner]
    assert "report.html" in {Path(name).name for name in aftermath.files[BANK]}
    assert json.loads(aftermath.files[BANK]["jobs/canaries-1/state.json"])["state"] == "done"
