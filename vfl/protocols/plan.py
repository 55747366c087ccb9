"""What a job will send, computed from its terms before anything is signed: the budgets of the contract.

Every figure is an upper bound. ``features`` is what each platform declares in its approval, ``rows`` the bank's
padded number of rows; neither tells more than alignment and feature shapes tell later anyway.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from vfl.config.contract import Budget, Contract
from vfl.config.job import JobSpec
from vfl.crypto.okvs import table_words
from vfl.crypto.psi import CHUNK_POINTS, CHUNK_WORDS
from vfl.protocols.binning_sums import binning_budgets
from vfl.protocols.logistic import inversion_intervals
from vfl.protocols.logistic_plan import provider_budgets
from vfl.protocols.messages.alignment import TAG_BITS
from vfl.protocols.messages.periods import PERIOD_ROWS, period_bits
from vfl.protocols.messages.scorecard import POINT_BITS, POINT_ROWS, REASON_BITS
from vfl.protocols.messages.scoring import CHUNK_FIRMS, CODE_BITS
from vfl.protocols.sums import REPLY_CIPHERTEXTS, ciphertexts_per_message, gradient_code_bits, padded_bins
from vfl.roles import RoleName

__all__ = ["budgets", "contract_of"]


def contract_of(
    job: str,
    spec: JobSpec,
    *,
    rows: int,
    sizes: Mapping[str, int],
    features: Mapping[str, int],
    anchors: Mapping[str, str] | None = None,
) -> Contract:
    """The contract that all parties derive alike from proposal and approvals.

    Parameters
    ----------
    rows : int
        The bank's padded rows.
    sizes, features : mapping of platform to int
        Padded rows and number of features of each platform.
    anchors : mapping of party to str, optional
        Hash of each party's signing key, hex; a simulation in one process has none.
    """
    parties = {spec.bank: RoleName.BANK} | dict.fromkeys(spec.platforms, RoleName.PLATFORM)
    return Contract(job, parties, budgets(spec, rows=rows, sizes=sizes, features=features), spec.text, anchors or {})


def budgets(
    spec: JobSpec, *, rows: int, sizes: Mapping[str, int], features: Mapping[str, int]
) -> dict[str, Budget]:
    """Messages and bits per message type and receiver, at most."""
    if spec.score_model:
        return _card_scoring_budgets(spec, rows) if spec.model == "scorecard" else (
            _scoring_budgets(rows, max(features.values()))
        )
    if spec.model == "scorecard":
        return _common_budgets(spec, rows, max(sizes.values())) | _scorecard_budgets(spec, rows, features)
    trees, leaves = spec.trees.trees, spec.trees.num_leaves
    splits = trees * (leaves - 1)
    size, feature_count = max(sizes.values()), max(features.values())
    slot_bits, per_ciphertext, chunk = gradient_code_bits(spec.trees, rows, spec.key_bits)
    sums = feature_count * padded_bins(spec.trees.max_bin)
    replies = math.ceil(sums / per_ciphertext)
    reply_chunks = math.ceil(replies / REPLY_CIPHERTEXTS)
    return _common_budgets(spec, rows, size) | {
        "FeatureShapes": Budget(1, 6 * feature_count),
        "TreeBegin": Budget(trees + 1, 2 * (trees + 1)),
        "EncryptedGradients": Budget(trees * math.ceil(rows / chunk), 0),
        "LeafHistogram": Budget((splits + trees) * reply_chunks, (splits + trees) * (sums * slot_bits + replies)),
        "Growth": Budget(splits + trees, 10 * (splits + trees)),
        "SplitRequest": Budget(splits, splits * (64 + 16 * (spec.trees.max_bin + 1))),
        "SplitSides": Budget(splits, splits * rows),
        "LeafRows": Budget(splits, splits * (rows + 1)),
    }


def _scoring_budgets(firms: int, splits: int) -> dict[str, Budget]:
    """For a scoring job ``features`` are the splits that a platform's model part holds."""
    chunks = math.ceil(firms / CHUNK_FIRMS)
    return {
        "ScoreQuery": Budget(chunks, CODE_BITS * firms + 32 * splits * chunks),
        "ScoreSides": Budget(chunks, firms * (1 + splits)),
    }


def _card_scoring_budgets(spec: JobSpec, firms: int) -> dict[str, Budget]:
    chunks = math.ceil(firms / CHUNK_FIRMS)
    return {
        "CardQuery": Budget(chunks, CODE_BITS * firms),
        "CardAnswers": Budget(chunks, firms * (1 + POINT_BITS + REASON_BITS * spec.scaling.reasons)),
    }


def _common_budgets(spec: JobSpec, rows: int, size: int) -> dict[str, Budget]:
    """Keys, alignment and evaluation, which every training job has; periods where the contract tells them."""
    told = Budget(math.ceil(rows / PERIOD_ROWS), period_bits(spec.periods) * rows)
    return ({"ObservationPeriods": told} if spec.periods else {}) | {
        "KeyOffer": Budget(1, 0),
        "KeyAck": Budget(1, 0),
        "BankHello": Budget(1, 32),
        "PlatformHello": Budget(1, 32),
        "Queries": Budget(math.ceil(rows / CHUNK_POINTS), 0),
        "Answers": Budget(math.ceil(rows / CHUNK_POINTS), rows),
        "Store": Budget(math.ceil(table_words(size) / CHUNK_WORDS), 0),
        "Matches": Budget(math.ceil(2 * rows / CHUNK_WORDS), TAG_BITS * rows),
        "BankOpening": Budget(1, 0),
        "PlatformOpening": Budget(1, 0),
        "BankRoot": Budget(1, 0),
        "PlatformRoot": Budget(1, 0),
        "Quality": Budget(1, 50),
    }


def _scorecard_budgets(spec: JobSpec, rows: int, features: Mapping[str, int]) -> dict[str, Budget]:
    """Bins, logistic regression and points. No message of the regression tells anything but the last shares."""
    most = max(features.values())
    binned = binning_budgets(
        spec.binning, rows=rows, key_bits=spec.key_bits, features=features, bank_features=_MOST_BANK_FEATURES
    )
    # Each of steps + 2 passes sends rows a few times over and, per interval of the inversion, four small rounds.
    chunk = ciphertexts_per_message(spec.key_bits // 8)
    passes = spec.logistic.steps + 2
    bulk = _BULK_ROUNDS * math.ceil(rows / chunk) + 4 * (len(inversion_intervals(1 + len(spec.platforms))) + 4)
    small = math.ceil((sum(features.values()) + _MOST_BANK_FEATURES) ** 2 / chunk)
    messages = passes * bulk * (1 + small)
    provided = provider_budgets(
        rows=rows, columns=max(most, _MOST_BANK_FEATURES + 1), providers=len(spec.platforms) - 1,
        key_bits=spec.key_bits, curvatures=passes, passes=passes,
    )  # fmt: skip
    return binned | provided | {
        "PlatformKeyOffer": Budget(1, 0),
        "BankKeyAck": Budget(1, 0),
        "BankWidth": Budget(1, 16),
        "PlatformWidth": Budget(1, 16),
        **{
            name: Budget(messages + (provided[name].messages if name in provided else 0), 0)
            for name in ("BankEncrypted", "PlatformEncrypted", "BankMasked", "PlatformMasked")
        },
        "BankShare": Budget(1, 512 * (most + 2)),
        "PlatformShare": Budget(1, 512 * (max(most, _MOST_BANK_FEATURES) + 2)),
        "PlatformPoints": Budget(math.ceil(rows / POINT_ROWS), POINT_BITS * rows),
    }


_MOST_BANK_FEATURES = 512
"""The bank's own features are its secret until it tells their number; budgets hold for as many."""
_BULK_ROUNDS = 24
"""Ciphertexts per row of one pass over the rows, at most."""
