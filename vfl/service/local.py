"""A whole network on this machine: real processes, real TLS on loopback, one folder per institution.

The demo and the end-to-end tests use it. Nothing here is shared between the institutions but this process's hand
that carries the invitations.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vfl.crypto.invitation import Invitation
from vfl.errors import Text, TransportError
from vfl.roles import RoleName
from vfl.runtime.client import join

__all__ = ["LocalNetwork", "LocalParty"]


@dataclass(slots=True)
class LocalParty:
    """One institution's folder and process."""

    name: str
    role: RoleName
    folder: Path
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def jobs(self) -> Path:
        return self.folder / "jobs"

    @property
    def log(self) -> Path:
        return self.folder / "node.log"


@dataclass(slots=True)
class LocalNetwork:
    """Coordinator and parties under ``root``; call :meth:`create`, then :meth:`start`."""

    root: Path
    parties: dict[str, LocalParty] = field(default_factory=dict)
    address: str = ""

    def create(self, banks: Sequence[str], platforms: Sequence[str], *, policy: str) -> None:
        """Make authority, coordinator and parties; each party joins with an invitation, as it would by hand."""
        members, enrolment = free_port(), free_port()
        self.address = f"127.0.0.1:{members}"
        folder = self.root / "coordinator"
        folder.mkdir(parents=True, mode=0o700)
        config = folder / "coordinator.toml"
        config.write_text(
            f'listen = "{self.address}"\nenrolment = "127.0.0.1:{enrolment}"\nauthority = "authority"\n'
        )
        command = [sys.executable, "-m", "coordinator", "--config", str(config)]
        self.parties["coordinator"] = LocalParty("coordinator", RoleName.COORDINATOR, folder, command)
        _check([*command, "init", "--network", "demo"])
        self.start("coordinator")
        self._wait_for_port(members)
        for role, names in ((RoleName.BANK, banks), (RoleName.PLATFORM, platforms)):
            for name in names:
                self._join(role, name, command, policy)

    def _join(self, role: RoleName, name: str, coordinator: list[str], policy: str) -> None:
        folder = self.root / name
        folder.mkdir(mode=0o700)
        invitation = Invitation.decode(_check([*coordinator, "invite", str(role), name]))
        asyncio.run(join(invitation, folder / "identity"))
        (folder / "policy.toml").write_text(policy)
        config = folder / "node.toml"
        config.write_text(f'name = "{name}"\nrole = "{role}"\ncoordinator = "{self.address}"\n')
        command = [sys.executable, "-m", f"party_{role}", "--config", str(config)]
        self.parties[name] = LocalParty(name, role, folder, command)

    def start(self, *names: str) -> None:
        """Start these nodes (all by default)."""
        for name in names or self.parties:
            party = self.parties[name]
            if party.process is None or party.process.poll() is not None:
                with party.log.open("ab") as log:
                    party.process = subprocess.Popen(
                        party.command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                        env=os.environ | {"PYTHONUNBUFFERED": "1"},
                    )  # fmt: skip

    def stop(self, *names: str, by: signal.Signals = signal.SIGTERM) -> None:
        """Stop these nodes (all by default) and wait for them."""
        for name in names or self.parties:
            process = self.parties[name].process
            if process is not None and process.poll() is None:
                process.send_signal(by)
        for name in names or self.parties:
            process = self.parties[name].process
            if process is not None:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def dead(self) -> list[str]:
        """Nodes whose process has ended."""
        return [p.name for p in self.parties.values() if p.process is not None and p.process.poll() is not None]

    def _wait_for_port(self, port: int) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.settimeout(0.2)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise _did_not_start(self.parties["coordinator"].log)


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TransportError(
            "LOCAL_COMMAND",
            Text(en=f"a command of the local network failed: {done.stderr.strip()[-400:]}",
                 zh=f"本地网络命令执行失败：{done.stderr.strip()[-400:]}"),
            cure=Text(en="mend what it names and start again", zh="按提示处理后重试"),
        )
    return done.stdout.strip()


def _did_not_start(log: Path) -> TransportError:
    return TransportError(
        "LOCAL_START",
        Text(en=f"the coordinator did not start; its log is {log}", zh=f"协调节点未能启动，日志见 {log}"),
        cure=Text(en="read the log's last line", zh="请查看日志最后一行"),
    )
