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
from vfl.protocols.logistic_code import COLUMN_LOG
from vfl.protocols.logistic_plan import logistic_budgets
from vfl.protocols.messages.alignment import TAG_BITS
from vfl.protocols.messages.periods import PERIOD_ROWS, period_bits
from vfl.protocols.messages.scorecard import POINT_BITS, POINT_ROWS, REASON_BITS
from vfl.protocols.messages.scoring import CHUNK_FIRMS, CODE_BITS
from vfl.protocols.sums import REPLY_CIPHERTEXTS, gradient_code_bits, padded_bins
from vfl.roles import RoleName

__all__ = ["MOST_FEATURES", "budgets", "contract_of", "train_rows"]


def contract_of(
    job: str,
    spec: JobSpec,
    *,
    rows: int,
    sizes: Mapping[str, int],
    features: Mapping[str, int],
    bank_features: int,
    anchors: Mapping[str, str] | None = None,
) -> Contract:
    """The contract that all parties derive alike from proposal and approvals.

    Parameters
    ----------
    rows : int
        The bank's padded rows.
    sizes, features : mapping of platform to int
        Padded rows and number of features of each platform.
    bank_features : int
        Number of features that the bank declares in its proposal.
    anchors : mapping of party to str, optional
        Hash of each party's signing key, hex; a simulation in one process has none.
    """
    parties = {spec.bank: RoleName.BANK} | dict.fromkeys(spec.platforms, RoleName.PLATFORM)
    allowed = budgets(spec, rows=rows, sizes=sizes, features=features, bank_features=bank_features)
    return Contract(job, parties, allowed, spec.text, anchors or {})


def budgets(
    spec: JobSpec, *, rows: int, sizes: Mapping[str, int], features: Mapping[str, int], bank_features: int
) -> dict[str, Budget]:
    """Messages and bits per message type and receiver, at most."""
    if spec.score_model:
        return _card_scoring_budgets(spec, rows) if spec.model == "scorecard" else (
            _scoring_budgets(rows, max(features.values()))
        )
    if spec.model == "scorecard":
        common = _common_budgets(spec, rows, max(sizes.values()))
        return common | _scorecard_budgets(spec, rows, sizes, features, bank_features)
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


def _scorecard_budgets(
    spec: JobSpec, rows: int, sizes: Mapping[str, int], features: Mapping[str, int], bank_features: int
) -> dict[str, Budget]:
    """Bins, logistic regression and points."""
    aligned = min(rows, *sizes.values())
    own = min(bank_features, MOST_FEATURES) if spec.bank_features else 0
    binned = binning_budgets(
        spec.binning, rows=train_rows(spec, aligned), key_bits=spec.key_bits, features=features, bank_features=own
    )
    widest = max(own, *(min(f, MOST_FEATURES) for f in features.values()))
    regression = logistic_budgets(
        spec.logistic, rows=train_rows(spec, aligned), columns=1 + widest, key_bits=spec.key_bits,
        providers=len(spec.platforms) - 1,
    )  # fmt: skip
    points = Budget(math.ceil(aligned / POINT_ROWS), POINT_BITS * aligned)
    return binned | regression | {"PlatformPoints": points}


def train_rows(spec: JobSpec, aligned: int) -> int:
    """Training rows of at most ``aligned`` ones; rounding of the shares moves them by one."""
    return min(aligned, spec.sample.counts(aligned)[0] + 2)


MOST_FEATURES = (1 << COLUMN_LOG) - 2
"""Columns that an owner may bring to a regression, beside an intercept."""
