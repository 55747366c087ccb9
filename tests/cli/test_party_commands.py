"""From nothing to members of a network by the commands alone: invitation, offline signing, renewal, doctor."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.calling import done, vfl
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.crypto.identity import PartyIdentity
from vfl.service.local import free_port


class Coordinator:
    def __init__(self, root: Path) -> None:
        self.folder = root / "coordinator"
        ports = free_port(), free_port()
        self.address = f"127.0.0.1:{ports[0]}"
        self.said = done(
            "ca", "init", self.folder, "--network", "net", "--listen", self.address,
            "--enrolment", f"127.0.0.1:{ports[1]}",
        )  # fmt: skip
        self.config = self.folder / "coordinator.toml"
        log = (root / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "--config", str(self.config)], stdout=log, stderr=log
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", ports[0])) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((root / "log").read_text())

    @property
    def fingerprint(self) -> str:
        found = re.search(r"(\d{5} ){7}\d{5}", self.said)
        assert found
        return found[0]

    def invite(self, name: str, role: str = "bank") -> str:
        return done("party", "invite", role, name, "--coordinator", self.config).splitlines()[0]


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coordinator]:
    made = Coordinator(tmp_path_factory.mktemp("net"))
    yield made
    made.process.terminate()
    made.process.wait(10)


def test_join_by_invitation_writes_a_working_node(coordinator: Coordinator, tmp_path: Path) -> None:
    invitation = tmp_path / "bank-a.invite"
    invitation.write_text(coordinator.invite("bank-a") + "\n")
    said = done("party", "join", invitation, "--folder", tmp_path, "--fingerprint", coordinator.fingerprint)
    assert "vfl init views" in said
    config = NodeConfig.read(tmp_path / "node.toml")
    assert (config.name, config.coordinator) == ("bank-a", coordinator.address)
    assert Policy.read(config.policy) == Policy()
    assert PartyIdentity.load(config.identity).member.uri == "vfl://net/bank/bank-a"
    shown = done("party", "fingerprint", "--node", tmp_path / "node.toml", lang="zh")
    assert coordinator.fingerprint in shown
    assert "In force until" in done("party", "renew", "--node", tmp_path / "node.toml")


def test_join_asks_for_the_phone_check(coordinator: Coordinator, tmp_path: Path) -> None:
    invitation = coordinator.invite("bank-b")
    refused = vfl("party", "join", invitation, "--folder", tmp_path, answer="n\n")
    assert refused.exit_code == 130
    assert coordinator.fingerprint in refused.output
    assert not (tmp_path / "identity").exists()
    assert "已加入网络" in done("party", "join", invitation, "--folder", tmp_path, lang="zh", answer="y\n")


def test_join_with_another_fingerprint_makes_nothing(coordinator: Coordinator, tmp_path: Path) -> None:
    wrong = " ".join(["00000"] * 8)
    result = vfl("party", "join", coordinator.invite("bank-c"), "--folder", tmp_path, "--fingerprint", wrong)
    assert result.exit_code == 6
    assert "[FINGERPRINT_DIFFERS]" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_invitation_serves_once(coordinator: Coordinator, tmp_path: Path) -> None:
    invitation = coordinator.invite("bank-d")
    done("party", "join", invitation, "--folder", tmp_path / "one", "--yes")
    again = vfl("party", "join", invitation, "--folder", tmp_path / "two", "--yes")
    assert again.exit_code == 4
    assert "[INVITATION_INVALID]" in again.stderr


def test_join_by_offline_signature_is_admitted(coordinator: Coordinator, tmp_path: Path) -> None:
    done("party", "csr", "platform", "platform-x", "--network", "net", "--folder", tmp_path)
    request = tmp_path / "platform-x.csr"
    asked = vfl("party", "sign", request, "--authority", coordinator.folder / "authority", answer="n\n")
    assert asked.exit_code == 130
    done("party", "sign", request, "--authority", coordinator.folder / "authority", "--yes")
    signed = tmp_path / "platform-x.pem"
    done("party", "join", "--certificate", signed, "--coordinator", coordinator.address, "--folder", tmp_path, "--yes")
    (tmp_path / "p.csv").write_text("uscc,tax\n91440100QQ0000C35W,1.5\n91330100QQ0000A16P,2\n")
    (tmp_path / "consents.csv").write_text("uscc,grantee,purpose,valid_from,valid_until,revoked_on\n")
    done("init", "views", tmp_path / "p.csv", "--role", "platform", "--out", tmp_path / "views.toml")
    said = done("doctor", "--node", tmp_path / "node.toml")
    assert "mutual TLS 1.3 holds, versions agree" in said
    assert "headers as declared" in said


@pytest.mark.parametrize("command", [("sign",), ("join", "--certificate")])
def test_files_of_another_kind_are_refused(command: tuple[str, ...], coordinator: Coordinator, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nonsense")
    folder = ("--authority", coordinator.folder / "authority") if command[0] == "sign" else ()
    result = vfl("party", *command, wrong, *folder, "--yes")
    assert result.exit_code == 2
    assert "[PEM_UNREADABLE]" in result.stderr


def test_ca_init_leaves_an_existing_network_alone(coordinator: Coordinator) -> None:
    before = (coordinator.folder / "authority" / "ca.pem").read_bytes()
    assert vfl("ca", "init", coordinator.folder, "--network", "other").exit_code == 2
    assert (coordinator.folder / "authority" / "ca.pem").read_bytes() == before


def test_a_listener_on_every_interface_is_reached_by_name(tmp_path: Path) -> None:
    done("ca", "init", tmp_path / "c", "--network", "net")
    text = (tmp_path / "c" / "coordinator.toml").read_text()
    assert 'listen = "0.0.0.0:7443"' in text
    assert f'address = "{socket.gethostname()}:7443"' in text


@pytest.fixture
def sick(coordinator: Coordinator, tmp_path: Path) -> Path:
    """A node of which a test spoils one thing; its views are missing already."""
    done("party", "join", coordinator.invite("bank-sick"), "--folder", tmp_path, "--yes")
    return tmp_path


def _doctor(folder: Path, lang: str = "en") -> str:
    result = vfl("doctor", "--node", folder / "node.toml", lang=lang)
    assert result.exit_code == 1
    return result.output


def test_doctor_names_missing_views_with_a_cure(sick: Path) -> None:
    assert re.search(r"✗ views: \[CONFIG_NOT_FOUND\].*\n    → ", _doctor(sick))
    assert re.search(r"✗ 视图：\[CONFIG_NOT_FOUND\].*\n    → ", _doctor(sick, "zh"))


def test_doctor_names_columns_that_the_table_lacks(sick: Path) -> None:
    (sick / "b.csv").write_text("uscc,y,incme\n91440100QQ0000C35W,1,2\n")
    (sick / "views.toml").write_text(
        '[views.main]\nsource = "b.csv"\nid = "uscc"\nlabel = "y"\n'
        '[views.main.features]\nincome = { kind = "numeric" }\n'
    )
    said = _doctor(sick)
    assert "[HEADER_MISMATCH]" in said
    assert "incme" in said


def test_doctor_names_a_secret_that_others_can_read(sick: Path) -> None:
    (sick / "identity" / "sign.key").chmod(0o644)
    said = _doctor(sick)
    assert "[SECRET_READABLE]" in said
    assert "chmod 600" in said


def test_doctor_names_a_silent_coordinator(sick: Path) -> None:
    config = sick / "node.toml"
    config.write_text(re.sub(r'coordinator = "[^"]*"', 'coordinator = "127.0.0.1:9"', config.read_text()))
    said = _doctor(sick)
    assert "[COORDINATOR_PORT]" in said
    assert "[COORDINATOR_UNREACHABLE]" in said


def test_doctor_names_a_wrong_policy_and_a_foreign_name(sick: Path) -> None:
    (sick / "policy.toml").write_text("aprove = 'ask'\n")
    config = sick / "node.toml"
    config.write_text(config.read_text().replace('name = "bank-sick"', 'name = "bank-other"'))
    said = _doctor(sick)
    assert "[CONFIG_UNKNOWN_KEY]" in said
    assert "did you mean `approve`?" in said
    assert "[NODE_IDENTITY]" in said
