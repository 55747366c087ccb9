"""What a job will cost and tell, before anything runs: bounds from the contract, estimates from a measurement.

*Bounds* hold whatever happens: messages, bits and bytes of the contract's budgets at full size of the tables.
*Estimates* are the work of those bounds at the speed of this machine, which stands in for the others' too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vfl.config.job import JobSpec
from vfl.crypto.okvs import table_words
from vfl.protocols.plan import budgets
from vfl.protocols.sums import gradient_code_bits, padded_bins
from vfl.roles import RoleName
from vfl.service.plan_scorecard import CardCost, card_bytes, card_seconds, card_turns
from vfl.service.plan_speed import Speed
from vfl.wire.messages import all_messages

__all__ = ["MessagePlan", "Plan", "Sizes", "layout_of", "plan_job"]

_ENVELOPE_BYTES = 500
"""Header, signature and framing of one message."""
_PROCESS_MIB = 160.0
"""Python with its libraries and the node, before any table."""
_WORKING_COPIES = 1.3
"""A ciphertext at rest against its canonical bytes: 52-bit limbs, rounded up to whole registers."""
_CARD_ROWS_AT_ONCE = 1 << 14
"""Rows whose ciphertexts a regression holds before it adds them up."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Padded rows and features of the bank, padded rows and features of each platform."""

    bank_rows: int
    bank_features: int
    rows: Mapping[str, int]
    features: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MessagePlan:
    """At most this much of one message type, from its sender to one receiver."""

    name: str
    kind: str
    sender: RoleName
    receivers: tuple[RoleName, ...]
    messages: int
    bits: int
    bytes: int
    leaks: str
    leaks_zh: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one job.

    ``turns``: messages that must wait for one another, which times the network's delay adds to the minutes.
    ``seconds``: estimate by part; ``memory``: estimate in MiB by role.
    """

    messages: tuple[MessagePlan, ...]
    turns: int
    bytes: int
    seconds: Mapping[str, float]
    memory: Mapping[RoleName, float]

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def layout_of(spec: JobSpec, rows: int) -> tuple[int, int]:
    """(bits of a slot, slots per ciphertext) of the job's sums."""
    slot_bits, per, _ = gradient_code_bits(spec.trees, rows, spec.key_bits)
    return slot_bits, per


def plan_job(spec: JobSpec, sizes: Sizes, speed: Speed | None = None) -> Plan:
    """Bounds of the job at these sizes and, with a measured ``speed``, how long it will take."""
    allowed = budgets(
        spec, rows=sizes.bank_rows, sizes=sizes.rows, features=sizes.features, bank_features=sizes.bank_features
    )
    weights = _bytes(spec, sizes)
    classes = all_messages()
    messages = tuple(
        MessagePlan(
            name=name,
            kind=classes[name].privacy.kind.name.lower(),
            sender=classes[name].privacy.sender,
            receivers=tuple(sorted(classes[name].privacy.receivers)),
            messages=budget.messages,
            bits=budget.bits,
            bytes=weights.get(name, 0) + budget.messages * _ENVELOPE_BYTES,
            leaks=classes[name].privacy.leaks,
            leaks_zh=classes[name].privacy.leaks_zh,
        )
        for name, budget in allowed.items()
    )
    return Plan(
        messages=messages,
        turns=_turns(spec, sizes),
        bytes=len(spec.platforms) * sum(m.bytes for m in messages),
        seconds={} if speed is None or spec.score_model else _seconds(spec, sizes, speed),
        memory=_memory(spec, sizes),
    )


def _common(spec: JobSpec, sizes: Sizes) -> tuple[int, int]:
    """(aligned rows, training rows) at most: no more firms are common than the smaller table has."""
    rows = min(sizes.bank_rows, *sizes.rows.values())
    return rows, spec.sample.counts(rows)[0]


def _sums(spec: JobSpec, features: int) -> int:
    return features * padded_bins(spec.trees.max_bin)


def _bytes(spec: JobSpec, sizes: Sizes) -> dict[str, int]:
    """Payload of the message types that carry bulk, per platform at most."""
    aligned, train = _common(spec, sizes)
    if spec.score_model:
        answer = 1 + max(sizes.features.values())
        told = 4 + 2 * spec.scaling.reasons
        return {
            "ScoreQuery": 24 * sizes.bank_rows, "ScoreSides": sizes.bank_rows * answer,
            "CardQuery": 24 * sizes.bank_rows, "CardAnswers": sizes.bank_rows * told,
        }  # fmt: skip
    common = {
        "KeyOffer": 16 * spec.key_bits // 8,  # the modulus and the roots that prove it
        "Queries": 32 * sizes.bank_rows,
        "Answers": 32 * sizes.bank_rows,
        "Store": 8 * table_words(max(sizes.rows.values())),
        "Matches": 16 * aligned,
        "ObservationPeriods": aligned,
    }
    if spec.model == "scorecard":
        return common | card_bytes(_card(spec, sizes))
    trees, splits = spec.trees.trees, spec.trees.trees * (spec.trees.num_leaves - 1)
    ciphertext = spec.key_bits // 4
    _, per = layout_of(spec, sizes.bank_rows)
    reply = math.ceil(_sums(spec, max(sizes.features.values())) / per) * ciphertext
    return common | {
        "EncryptedGradients": trees * train * ciphertext,
        "LeafHistogram": (splits + trees) * reply,
        "SplitSides": splits * math.ceil(aligned / 8),
        "LeafRows": splits * math.ceil(train / 8),
    }


def _card(spec: JobSpec, sizes: Sizes) -> CardCost:
    aligned, _ = _common(spec, sizes)
    return CardCost.of(spec, aligned=aligned, bank_features=sizes.bank_features, features=sizes.features)


def _turns(spec: JobSpec, sizes: Sizes) -> int:
    """Two for the key, seven for the alignment, one for evaluation; per tree begin, gradients, sums and the last
    decision; per split decision, request, sides, rows, sums."""
    if spec.score_model:
        return 2
    if spec.model == "scorecard":
        return 10 + card_turns(_card(spec, sizes))
    return 10 + spec.trees.trees * (4 + 5 * (spec.trees.num_leaves - 1))


def _seconds(spec: JobSpec, sizes: Sizes, speed: Speed) -> dict[str, float]:
    """The parties take turns, so their times add up; platforms work one after another at the bank's decryption."""
    _, train = _common(spec, sizes)
    alignment = speed.blind * (2 * sizes.bank_rows * len(spec.platforms) + 2 * sum(sizes.rows.values()))
    if spec.model == "scorecard":
        return {"alignment": alignment / 1e6} | card_seconds(_card(spec, sizes), speed)
    trees, leaves = spec.trees.trees, spec.trees.num_leaves
    _, per = layout_of(spec, sizes.bank_rows)
    sums = sum(_sums(spec, f) for f in sizes.features.values())
    # Each leaf but one is summed from its smaller child: at most half the rows per level of the tree.
    touched = train * (1 + math.log2(leaves) / 2)
    micro = {
        "alignment": alignment,
        "encryption": trees * train * speed.encrypt,
        "addition": trees * touched * sum(sizes.features.values()) * speed.add,
        "packing and sealing": trees * leaves * sums * (speed.pack + speed.seal / per),
        "decryption": trees * leaves * sums / per * speed.decrypt,
    }
    return {name: value / 1e6 for name, value in micro.items()}


def _memory(spec: JobSpec, sizes: Sizes) -> dict[RoleName, float]:
    _, train = _common(spec, sizes)
    ciphertext = spec.key_bits // 4 * _WORKING_COPIES
    table = max(sizes.rows.values()) * max(sizes.features.values()) * 9
    if spec.score_model:
        held = 0.0
    elif spec.model == "scorecard":
        held = 3 * min(train, _CARD_ROWS_AT_ONCE) * ciphertext
    else:
        held = (2 * train + _sums(spec, max(sizes.features.values()))) * ciphertext
    bank = sizes.bank_rows * (200 + 64 * len(spec.platforms)) + table
    return {
        RoleName.BANK: _PROCESS_MIB + bank / (1 << 20),
        RoleName.PLATFORM: _PROCESS_MIB + (held + table + 200 * max(sizes.rows.values())) / (1 << 20),
    }
