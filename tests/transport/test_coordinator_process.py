"""The coordinator as a real process: set up, invite, serve, killed in mid-stream, stopped by SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from transport_harness import LOOPBACK, Talker

from vfl.crypto.identity import PartyIdentity
from vfl.crypto.invitation import Invitation
from vfl.runtime.client import CoordinatorClient, join
from vfl.runtime.grpc import GrpcTransport

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """``python -m coordinator`` with one configuration file."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "coordinator.toml"
        self.ports = [_free_port(), _free_port()]
        self.config.write_text(
            f'listen = "{LOOPBACK}:{self.ports[0]}"\nenrolment = "{LOOPBACK}:{self.ports[1]}"\nauthority = "ca"\n'
        )
        self.running: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.ports[0]}"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._line(*words), cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    def start(self) -> None:
        self.running = subprocess.Popen(self._line("serve"), cwd=ROOT, stderr=subprocess.DEVNULL)

    def end(self, how: signal.Signals) -> int:
        assert self.running is not None
        self.running.send_signal(how)
        return self.running.wait(timeout=15)

    def _line(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "coordinator", "--config", str(self.config), *words]


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as found:
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def process(tmp_path: Path) -> Process:
    made = Process(tmp_path)
    done = made.command("init", "--network", "lab")
    assert done.returncode == 0, done.stderr
    assert "vfl://lab/coordinator/coordinator" in done.stdout
    return made


def test_sigkill_in_mid_stream_loses_nothing_and_sigterm_is_clean(process: Process, tmp_path: Path) -> None:
    async def enter(role: str, name: str) -> PartyIdentity:
        printed = await asyncio.to_thread(process.command, "invite", role, name)
        assert printed.returncode == 0, printed.stderr
        invited = Invitation.decode(printed.stdout)
        assert invited.fingerprint in printed.stderr
        async with asyncio.timeout(20):
            while True:
                try:
                    return await join(invited, tmp_path / name)
                except Exception as error:  # the process is still starting
                    if getattr(error, "code", "") != "COORDINATOR_UNREACHABLE":
                        raise
                    await asyncio.sleep(0.1)

    async def run() -> None:
        process.start()
        bank, platform = await enter("bank", "bank-a"), await enter("platform", "platform-b")
        talkers = [Talker(p, [bank.record, platform.record]) for p in (bank, platform)]
        for talker in talkers:
            await talker.attach(GrpcTransport(talker.identity, process.address, software="test", longest_wait=0.3))
        bodies = [os.urandom(5_000) for _ in range(200)]
        for i, body in enumerate(bodies):
            await talkers[0].say("platform-b", body)
            if i == 100:
                await talkers[1].heard("bank-a", 1)
                process.end(signal.SIGKILL)
                process.start()
        assert await talkers[1].heard("bank-a", len(bodies), timeout=25) == bodies
        async with CoordinatorClient(bank, process.address) as client:
            assert [p.name for p in await client.parties()] == ["bank-a", "platform-b"]
        assert await asyncio.to_thread(process.end, signal.SIGTERM) == 0
        for talker in talkers:
            await talker.detach()

    try:
        asyncio.run(run())
    finally:
        if process.running is not None and process.running.poll() is None:
            process.end(signal.SIGKILL)
    checked = process.command("verify")
    assert checked.stdout.startswith("200 entries")


def test_mistakes_are_named_with_their_exit_status(process: Process) -> None:
    assert process.command("init", "--network", "lab").returncode == 2  # CA_EXISTS
    process.config.write_text(process.config.read_text() + "lissten = 1\n")
    refused = process.command("parties")
    assert refused.returncode == 2
    assert "CONFIG_UNKNOWN_KEY" in refused.stderr
    assert "listen" in refused.stderr
