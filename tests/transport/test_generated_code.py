"""The committed code is what protoc makes of the committed protos, and gRPC has one home."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_generated_code_is_fresh(tmp_path: Path) -> None:
    generate = runpy.run_path(str(ROOT / "protos" / "generate.py"))["generate"]
    made = {p.name: p.read_text() for p in generate(tmp_path)}
    home = ROOT / "vfl" / "pb" / "v1"
    kept = {p.name: p.read_text() for p in home.glob("*_pb2*")}
    assert sorted(made) == sorted(kept)
    stale = [name for name in made if made[name] != kept[name]]
    assert not stale, "run python protos/generate.py"


def test_grpc_is_imported_in_one_place() -> None:
    importers = {
        str(path.relative_to(ROOT))
        for package in ("vfl", "coordinator", "party_bank", "party_platform")
        for path in (ROOT / package).rglob("*.py")
        if any(line.split()[:2] in (["import", "grpc"], ["from", "grpc"]) for line in path.read_text().splitlines())
    }
    assert importers == {"vfl/runtime/grpc.py"}


@pytest.mark.parametrize(("first", "works"), [("vfl.runtime.grpc", True), ("grpc", False)])
def test_grpc_imported_before_us_is_refused_as_it_would_allow_tls_12(first: str, works: bool) -> None:
    code = f"import {first}, vfl.runtime.grpc"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env={}, check=False)
    assert (done.returncode == 0) is works
    assert works or "rule out TLS 1.2" in done.stderr
