"""Seconds per boosted tree: three processes over mutual TLS, 2048-bit keys, beside LightGBM in the clear.

``python -m benchmarks.trees DATA [--trees 5] [--out benchmarks/results/trees]`` where DATA holds bank.csv and
platform.csv as in docs/data.md. Depth 5, 32 bins, all rows that both hold, 95 % of them for training: the setting in
which the other systems' published and measured figures stand in the design. One run, one table; the ratio to
LightGBM's own time is the price of nobody showing anything.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from vfl.cli.demo_baselines import clear_models
from vfl.crypto.backends import describe
from vfl.data.starter import starter_views
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.roles import RoleName
from vfl.service.folder import JobFolder
from vfl.service.local import LocalNetwork

_JOB = """\
[job]
name = "benchmark"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {today}

[sample]
train = 0.95
valid = 0.0
test = 0.05

[trees]
trees = {trees}
num_leaves = 32
max_depth = 5
max_bin = 32
learning_rate = 0.3
min_data_in_leaf = 20
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--trees", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/trees"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(given.data, given.trees, Path(scratch))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    given.out.with_suffix(".md").write_text(page(figures))
    print(page(figures))


def measure(data: Path, trees: int, scratch: Path) -> dict[str, object]:
    """Run the job once and LightGBM on the same rows."""
    network = LocalNetwork(scratch / "network")
    network.create(["bank-a"], ["platform-a"], policy='approve = "auto"\nleaf_floor = 20\n')
    bank, other = network.parties["bank-a"].folder, network.parties["platform-a"].folder
    shutil.copyfile(data / "bank.csv", bank / "bank.csv")
    shutil.copyfile(data / "platform.csv", other / "platform.csv")
    (bank / "views.toml").write_text(starter_views(bank / "bank.csv", role=RoleName.BANK))
    views = starter_views(other / "platform.csv", role=RoleName.PLATFORM)
    (other / "views.toml").write_text(views + '\n[consents]\nsource = "consents.csv"\n')
    ids = load_view(load_views(bank / "views.toml", role=RoleName.BANK), "main", role=RoleName.BANK).ids
    lines = ["uscc,grantee,purpose,valid_from,valid_until,revoked_on"]
    lines += [f"{code},bank-a,credit-modelling,2020-01-01,2099-12-31," for code in ids]
    (other / "consents.csv").write_text("\n".join(lines) + "\n")
    folder = JobFolder(network.parties["bank-a"].jobs, "benchmark")
    folder.make()
    folder.write("request.toml", _JOB.format(today=dt.date.today(), trees=trees).encode())
    try:
        network.start()
        while not (state := folder.load()).final:
            if network.dead():
                raise RuntimeError(network.dead())
            time.sleep(0.2)
        if state.state != "done":
            raise RuntimeError(state.message_en)
        theirs = JobFolder(network.parties["platform-a"].jobs, "benchmark")
        while not theirs.load().final:
            time.sleep(0.1)
        clear = clear_models(bank, other, folder, ["pooled"])
        ledger = json.loads(folder.file("report.json").read_text())["ledger"]["rows"]
        seconds = [v for k, v in state.seconds.items() if k.startswith("tree-")][:trees]
        return {
            "command": f"python -m benchmarks.trees {data.name} --trees {trees}",
            "cpu": _cpu(),
            "backend": describe().name,
            "rows": state.facts["rows"],
            "trees": trees,
            "seconds_per_tree": round(statistics.median(seconds), 3),
            "seconds": {k: v for k, v in state.seconds.items() if not k.startswith("tree-")},
            "lightgbm_clear_seconds_per_tree": round(clear["pooled"]["seconds"] / trees, 4),
            "bytes_per_tree": sum(r["bytes"] for r in ledger) // trees,
            "peak_mib": {"bank": state.facts["peak_mib"], "platform": theirs.load().facts["peak_mib"]},
            "auc": {"joint": state.facts["measures"]["joint"]["test"]["auc"], "pooled": clear["pooled"]["auc"]},
        }
    finally:
        network.stop()


def page(figures: dict[str, object]) -> str:
    """The figures as Markdown."""
    rows = "\n".join(f"| {key} | {value} |" for key, value in figures.items())
    return f"# Boosted trees, three processes over mutual TLS\n\n| | |\n|---|---|\n{rows}\n"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
