"""``vfl audit verify`` finds and names every altered, missing or moved entry, offline."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest

from tests.cli.calling import done, vfl
from vfl.crypto.certificates import CertificateAuthority, Member
from vfl.crypto.identity import PartyIdentity, create_party_keys, install_certificates
from vfl.roles import RoleName
from vfl.runtime.audit import AUDIT_CONTEXT, AuditTrail
from vfl.runtime.clock import SystemClock


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("audit")
    authority = CertificateAuthority.create(root / "authority", "net")
    member = Member("net", RoleName.BANK, "bank-a")
    issued = authority.sign(create_party_keys(root / "identity", member), member)
    install_certificates(root / "identity", issued, authority.certificate, member)
    (root / "node.toml").write_text('name = "bank-a"\nrole = "bank"\ncoordinator = "127.0.0.1:1"\n', encoding="utf-8")
    return root


@pytest.fixture
def trail(folder: Path, tmp_path: Path) -> Path:
    identity = PartyIdentity.load(folder / "identity")
    made = AuditTrail("bank-a", partial(identity.sign, AUDIT_CONTEXT), SystemClock())
    lines = [made.entry("sent", type="Queries", to="platform-a", bytes=100 + i, bits=0)[1] for i in range(5)]
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def _lines(trail: Path) -> list[bytes]:
    return trail.read_bytes().removesuffix(b"\n").split(b"\n")


def _verify(folder: Path, trail: Path, *more: str) -> str:
    result = vfl("audit", "verify", trail, "--identity", folder / "identity", *more)
    assert result.exit_code == 3
    return result.stderr


def test_a_sound_trail_passes(folder: Path, trail: Path) -> None:
    said = done("audit", "verify", trail, "--identity", folder / "identity")
    assert "5 entries of bank-a" in said
    assert hashlib.sha256(_lines(trail)[-1]).hexdigest() in said
    assert "Without --head" in said
    assert "完整无误" in done("audit", "verify", trail, "--identity", folder / "identity", lang="zh")


def test_a_flipped_byte_is_named(folder: Path, trail: Path) -> None:
    trail.write_bytes(trail.read_bytes().replace(b'"bytes":102', b'"bytes":192'))
    assert "row 3" in _verify(folder, trail)


@pytest.mark.parametrize("order", [[0, 2, 3, 4], [0, 2, 1, 3, 4], [1, 2, 3, 4]])
def test_deleted_and_moved_entries_are_named(folder: Path, trail: Path, order: list[int]) -> None:
    lines = _lines(trail)
    trail.write_bytes(b"\n".join(lines[i] for i in order))
    first = next(n for n, i in enumerate(order) if n != i) + 1
    said = _verify(folder, trail)
    assert "[AUDIT_BROKEN]" in said
    assert f"row {first}" in said


def test_truncation_shows_against_the_head(folder: Path, trail: Path) -> None:
    lines = _lines(trail)
    head = hashlib.sha256(lines[-1]).hexdigest()
    assert "5 entries" in done("audit", "verify", trail, "--identity", folder / "identity", "--head", head)
    trail.write_bytes(b"\n".join(lines[:-1]))
    assert "[AUDIT_TRUNCATED]" in _verify(folder, trail, "--head", head)


def test_an_auditor_needs_the_record_and_the_authority_only(folder: Path, trail: Path, tmp_path: Path) -> None:
    record = tmp_path / "bank-a.record"
    done("audit", "record", record, "--node", folder / "node.toml")
    authority = folder / "authority" / "ca.pem"
    assert "5 entries" in done("audit", "verify", trail, "--record", record, "--authority", authority)
    record.write_bytes(record.read_bytes()[:-1] + b"\0")
    assert vfl("audit", "verify", trail, "--record", record, "--authority", authority).exit_code == 6


def test_whose_trail_must_be_said(trail: Path) -> None:
    assert "[AUDIT_WHOSE]" in vfl("audit", "verify", trail).stderr


def test_show_lists_entries_and_refuses_what_is_none(trail: Path) -> None:
    said = done("audit", "show", trail)
    assert said.count("Queries") == 5
    assert "not verified" in said
    trail.write_bytes(b"nonsense\n")
    assert vfl("audit", "show", trail).exit_code == 3
    trail.write_bytes(b"")
    assert "[AUDIT_EMPTY]" in vfl("audit", "show", trail).stderr
