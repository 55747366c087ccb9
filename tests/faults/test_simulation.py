"""Node runs under faults give the reference run's trace and model, bit for bit."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from support.jobs import BANK, Shape, played

from vfl.runtime.memory import Faults

from .simulation import SHAPE, Chaos, Simulation, model_parts, trace_by_link

TWO_PLATFORMS = Shape(firms=1500, trees=2, leaves=4, platforms=2)


def faults(seed: int) -> Faults:
    """A bad network, another one for each seed; frames overtake each other by the delay."""
    rng = random.Random(seed)
    return Faults(drop=0.1 * rng.random(), duplicate=0.2 * rng.random(), delay=0.03 * rng.random(), seed=seed)


def crashes(simulation: Simulation, seed: int, count: int) -> Chaos:
    """End random parties at random moments."""
    rng = random.Random(seed)

    async def chaos() -> None:
        for _ in range(count):
            await asyncio.sleep(0.3 * rng.random())
            simulation.crash(rng.choice(list(simulation.parties)))

    return chaos


def check(simulation: Simulation, shape: Shape) -> None:
    reference = played(shape)
    assert simulation.sent() == trace_by_link(reference.trace)
    assert simulation.models() == model_parts(reference)
    assert simulation.breaches == []
    assert simulation.frames > len(reference.trace)


@pytest.mark.parametrize("shape", [SHAPE, TWO_PLATFORMS], ids=["one platform", "two platforms"])
def test_nodes_give_the_reference_trace_and_model(tmp_path: Path, shape: Shape) -> None:
    simulation = Simulation(tmp_path, shape)
    simulation.run()
    check(simulation, shape)


@pytest.mark.parametrize("seed", range(2))
def test_on_a_bad_network(tmp_path: Path, seed: int) -> None:
    simulation = Simulation(tmp_path, faults=faults(seed))
    simulation.run()
    check(simulation, SHAPE)


@pytest.mark.parametrize("seed", range(2))
def test_on_a_bad_network_with_crashes(tmp_path: Path, seed: int) -> None:
    simulation = Simulation(tmp_path, faults=faults(100 + seed))
    simulation.run(crashes(simulation, seed, 4))
    check(simulation, SHAPE)
    assert sum(p.crashes for p in simulation.parties.values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 60))
@pytest.mark.parametrize("shape", [SHAPE, TWO_PLATFORMS], ids=["one platform", "two platforms"])
def test_many_bad_networks_and_crashes(tmp_path: Path, shape: Shape, seed: int) -> None:
    simulation = Simulation(tmp_path, shape, faults=faults(seed))
    simulation.run(crashes(simulation, seed, seed % 7))
    check(simulation, shape)


def test_a_party_cut_off_for_a_while(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path)
    cut: list[int] = []

    async def chaos() -> None:
        while simulation.frames < 40:
            await asyncio.sleep(0.005)
        member = simulation.network._members[BANK]
        simulation.network.cut(BANK)
        cut.append(simulation.frames)
        await asyncio.sleep(1.0)
        cut.append(simulation.frames)
        simulation.network.heal(member)

    simulation.run(chaos)
    check(simulation, SHAPE)
    assert cut[1] - cut[0] < 60, "a platform whose peer is away does not send without end"
