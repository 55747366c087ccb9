"""A choreography as it should be: the type checker has nothing to say."""

from __future__ import annotations

from collections.abc import Sequence

from vfl.protocols.boosting import BankTrees, PlatformTrees
from vfl.protocols.evaluation import BankEvaluation, PlatformEvaluation
from vfl.protocols.messages.boosting import Growth
from vfl.runtime.choreography import Choreography, Handle


async def one_split(
    c: Choreography, bank: Handle[BankTrees], platforms: Sequence[Handle[PlatformTrees]]
) -> Growth:
    first = platforms[0]
    shapes = await first.send(first.do(PlatformTrees.feature_shapes), to=bank)
    bank.do(BankTrees.take_shapes, shapes, first.party)
    gradients = await bank.broadcast(bank.stream(BankTrees.encrypted_gradients), to=platforms)
    for platform, chunks in zip(platforms, gradients, strict=True):
        await platform.absorb(PlatformTrees.take_gradients, chunks)
    sums = await first.send(first.stream(PlatformTrees.leaf_histogram), to=bank)
    await bank.absorb(BankTrees.take_histogram, sums, first.party)
    growth = await bank.announce(bank.do(BankTrees.growth), *platforms)
    if growth.open.value and growth.owner.value == first.party:
        request = await bank.send(bank.do(BankTrees.split_request), to=first)
        sides = await first.send(first.do(PlatformTrees.split_sides, request), to=bank)
        bank.do(BankTrees.take_sides, sides)
    rows = await bank.announce(bank.do(BankTrees.leaf_rows), *platforms)
    first.do(PlatformTrees.take_leaf_rows, rows)
    return growth


async def job(c: Choreography) -> None:
    bank, platforms = c.role("bank", BankTrees), [c.role("platform", PlatformTrees)]
    growth = await c.phase("tree", one_split, bank, platforms)
    judge, reader = c.role("bank", BankEvaluation), c.role("platform", PlatformEvaluation)
    if not growth.open.value:
        reader.do(PlatformEvaluation.take_quality, await judge.send(judge.do(BankEvaluation.quality), to=reader))
