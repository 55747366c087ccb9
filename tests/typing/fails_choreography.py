"""Each marked line must fail to type-check with an error that holds the text after ``# E:``."""

from __future__ import annotations

import numpy as np

from vfl.crypto.paillier import Ciphertexts
from vfl.data.private import Private
from vfl.protocols.boosting import BankTrees, PlatformTrees
from vfl.protocols.evaluation import BankEvaluation, PlatformEvaluation
from vfl.runtime.choreography import At, Choreography, Handle


class Leaky(BankTrees):
    def rows(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        raise NotImplementedError


async def raw_values_are_not_sent(
    bank: Handle[BankTrees], platform: Handle[PlatformTrees], labels: Private[bytes], sums: Ciphertexts
) -> None:
    await bank.send(b"rows", to=platform)  # E: No overload variant of "send"
    await bank.send(labels, to=platform)  # E: No overload variant of "send"
    await bank.send(sums, to=platform)  # E: No overload variant of "send"
    await bank.send({"y": [0, 1]}, to=platform)  # E: No overload variant of "send"
    await bank.broadcast(np.zeros(3), to=[platform])  # E: No overload variant of "broadcast"


async def a_step_that_makes_no_message_is_not_sent(
    bank: Handle[BankTrees], leaky: Handle[Leaky], platform: Handle[PlatformTrees]
) -> None:
    await bank.send(bank.do(BankTrees.own_tree), to=platform)  # E: "M" of "send" of "Handle" cannot be "None"
    leaky.do(Leaky.rows)  # E: "N" of "do" of "Handle" cannot be "ndarray


def a_role_runs_its_own_steps(bank: Handle[BankTrees], judge: Handle[PlatformEvaluation]) -> None:
    bank.do(PlatformTrees.begin_tree)  # E: expected "Callable[[BankTrees], None]"
    judge.do(BankEvaluation.quality)  # E: expected "Callable[[PlatformEvaluation], Quality]"


async def a_message_is_used_where_it_is(bank: Handle[BankTrees], platform: Handle[PlatformTrees]) -> None:
    request = bank.do(BankTrees.split_request)
    platform.do(PlatformTrees.split_sides, request)  # E: expected "At[PlatformTrees, SplitRequest]
    await platform.send(request, to=bank)  # E: expected "At[PlatformTrees, SplitRequest]
    gradients = bank.stream(BankTrees.encrypted_gradients)
    await platform.absorb(PlatformTrees.take_gradients, gradients)  # E: expected "AtStream[PlatformTrees, EncryptedGradients]"


async def a_decision_is_announced(bank: Handle[BankTrees], platform: Handle[PlatformTrees]) -> None:
    growth = bank.do(BankTrees.growth)
    while growth.open.value:  # E: has no attribute "open"
        break
    sent = await bank.send(growth, to=platform)
    print(sent.owner.value)  # E: has no attribute "owner"


async def a_place_is_no_condition(bank: Handle[BankTrees]) -> None:
    if bank.do(BankTrees.growth):
        print("reached")  # E: Statement is unreachable


async def a_place_has_no_arithmetic(platform: Handle[PlatformTrees]) -> None:
    sides = platform.do(PlatformTrees.feature_shapes)
    print(sides + sides)  # E: Unsupported left operand type for +
    print(sides < 3)  # E: Unsupported operand types for >
    print(sides[0])  # E: is not indexable
    print(len(sides))  # E: expected "Sized"
    print(float(sides))  # E: Argument 1 to "float"


async def a_phase_ends_in_a_message_or_nothing(c: Choreography) -> None:
    async def counts_rows(c: Choreography) -> int:
        return 7

    await c.phase("count", counts_rows)  # E: Value of type variable "N"


def nobody_else_locates(value: int) -> At[BankTrees, None]:
    return value  # E: Incompatible return value type
