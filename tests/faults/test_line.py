"""Real nodes over bad lines: the platform reaches the coordinator through a proxy that misbehaves."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from crash.matrix import judge
from crash.network import PLATFORM, CrashNetwork, Run

from .proxy import Line, Proxy


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashNetwork]:
    made = CrashNetwork(tmp_path_factory.mktemp("line"))
    with Proxy(made.local.address) as proxy:
        config = made.local.parties[PLATFORM].folder / "node.toml"
        config.write_text(re.sub(r'coordinator = "[^"]*"', f'coordinator = "{proxy.address}"', config.read_text()))
        made.proxy = proxy  # type: ignore[attr-defined]
        with made:
            yield made


@pytest.fixture
def proxy(network: CrashNetwork) -> Iterator[Proxy]:
    """The line to the platform, good again after each test."""
    proxy: Proxy = network.proxy  # type: ignore[attr-defined]
    yield proxy
    _become(proxy, Line())
    proxy.cut()


@pytest.fixture(scope="module")
def reference(network: CrashNetwork) -> Run:
    run = network.run()
    assert judge(network, run, run.model, kills=0) == ""
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        Line(bytes_per_s=125_000),
        Line(delay_s=0.05, jitter_s=0.1),
        Line(slice_bytes=1),
        Line(reset_every=120_000),
    ],
    ids=["1 Mbit/s", "100 ms and jitter", "1-byte slices", "reset in mid-chunk"],
)
def test_a_job_over_a_bad_line(network: CrashNetwork, reference: Run, proxy: Proxy, line: Line) -> None:
    before, connections = proxy.passed, proxy.connections
    _become(proxy, line)
    proxy.cut()
    run = network.run(limit=240)
    assert judge(network, run, reference.model, kills=0) == ""
    assert proxy.passed - before > 50_000
    # One stream for frames and one for calls, and more of them where they are reset.
    assert proxy.connections - connections >= (4 if line.reset_every else 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [Line(silent_up=True, silent_down=True), Line(silent_up=True), Line(silent_down=True)],
    ids=["half-open", "cut towards the coordinator", "cut from the coordinator"],
)
def test_a_line_that_falls_silent_is_found_out_and_made_again(
    network: CrashNetwork, reference: Run, proxy: Proxy, line: Line
) -> None:
    """Nobody closes the connection; three heartbeats later both ends give it up by themselves."""
    connections = proxy.connections
    trouble = _once_after(0.7, lambda: _become(proxy, line))
    # From then on new connections find a good line, as after a router that lost its table.
    healing = threading.Timer(8.0, lambda: _become(proxy, Line()))
    healing.start()
    run = network.run(meddle=trouble, limit=200)
    healing.join()
    assert judge(network, run, reference.model, kills=0) == ""
    assert proxy.connections > connections


def _become(proxy: Proxy, line: Line) -> None:
    """New connections get this line; those that stand keep what they have, but for silence."""
    proxy.line.silent_up, proxy.line.silent_down = line.silent_up, line.silent_down
    proxy.line = line


def _once_after(moment: float, act: Callable[[], None]) -> Callable[[float], None]:
    pending = [act]

    def meddle(spent: float) -> None:
        if pending and spent > moment:
            pending.pop()()

    return meddle


def test_proxy_passes_bytes_and_cuts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Proxy(f"127.0.0.1:{server.getsockname()[1]}") as proxy:
        near = socket.create_connection(("127.0.0.1", int(proxy.address.split(":")[1])))
        far, _ = server.accept()
        near.sendall(b"hello")
        assert far.recv(5) == b"hello"
        proxy.cut()
        time.sleep(0.2)
        near.settimeout(5)
        with pytest.raises(ConnectionResetError):
            near.recv(1)
        near.close()
        far.close()
