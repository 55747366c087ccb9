"""What each party of a regression with providers holds and receives tells it nothing, and a provider keeps nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from providers_harness import BANK, Several
from test_logistic_views import CHI_15, _chi_square, _found
from test_providers import played, pooled, relative, several

from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import sigmoid, sigmoid_slope
from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.paillier import KeyHolder, PrivateKey, SealedCiphertexts
from vfl.crypto.shares import RING, to_floats
from vfl.pb.v1 import logistic_pb2
from vfl.protocols import logistic_relays as relays
from vfl.protocols.logistic import What

SPEC = LogisticSpec(ridge=1.0, steps=2, curvatures=2, standard_errors=True)


def _job(rows: int = 120, **more: Any) -> Several:
    bank, platforms, y = several(rows, seed=21)
    return Several(bank, platforms, y, SPEC, plaintext=True, **more)


def test_shares_of_a_providers_part_are_uniform_and_useless_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job()
    sides = (job.bank.side, job.platforms[0].side)  # type: ignore[union-attr]
    seen: dict[str, list[Any]] = {name: [] for name in ("angles", "sums", "gradient", "curvature", "weights")}

    def watched(role: Any, side: Any) -> None:
        finish = role.finish

        def after() -> None:
            finish()
            s, ask = side.shares, str(role._hub._ask)
            if ask == "margins":
                seen["angles"].append(s.angles.copy())
                seen["weights"].append(s.weights[s.part(0)].copy())
            elif ask == "sums":
                seen["sums"].append(dict(role._hub._sums))
            elif ask == "gradient":
                seen["gradient"].append(s.gradient[s.part(1)].copy())
            elif ask == "curvature":
                seen["curvature"].append(s.curvature[s.part(1)].copy())

        monkeypatch.setattr(role, "finish", after)

    for party, side in zip((BANK, job.names[0]), sides, strict=True):
        (hub,) = [r for kind, r in job.parties[party][0].items() if kind.__name__ in ("BankHub", "PlatformHub")]
        watched(hub, side)
    played(job)
    one, other = seen["angles"][0], seen["angles"][1]
    margins = (one + other).astype(np.int64) / 2.0**59
    assert np.abs(margins).max() < 10  # together they are the margins, with all platforms' columns in them …
    for angles in (one, other):  # … and apart uniform and uncorrelated
        assert _chi_square(angles, 64) < CHI_15
        assert abs(np.corrcoef(angles.astype(np.float64), margins)[0, 1]) < 0.4
    for name, least in (("weights", 1e6), ("gradient", 1e6), ("curvature", 1e6)):
        shares = seen[name][-2:]
        assert all(np.abs(to_floats(share)).min() > least for share in shares)
        opened = to_floats((shares[0] + shares[1]) % (1 << RING))
        assert np.abs(opened).max() < 10
    series = sides[0].round_of(What.SUMS).series  # type: ignore[attr-defined]
    residuals = sigmoid(margins) - job.labels
    for number, name in enumerate(job.names[1:], start=1):
        read, kept = seen["sums"][0][name], seen["sums"][1][name]
        total = (read - kept).astype(np.int64) << (64 - series.slot) >> (64 - series.slot)
        columns = job.platform_columns[number]
        truth = np.concatenate(
            [np.bincount(np.unique(columns[:, f], return_inverse=True)[1], residuals) for f in range(2)]
        )
        bits = series.own_bits + series.turn_bits
        np.testing.assert_allclose(total[: len(truth)] / 2.0**bits, truth, atol=0.3)
        for share in (read, kept):  # as large as their ring, which the sums fill to a thousandth
            centred = np.abs(share.astype(np.int64) << (64 - series.slot) >> (64 - series.slot))
            assert np.median(centred) > 2.0 ** (series.slot - 5) > 4 * np.abs(total).max()


def test_a_provider_keeps_no_share_and_no_mask() -> None:
    job = _job(30)
    played(job)
    for provider in job.platforms[1:]:
        parts = provider.dump()
        assert set(parts) == {"logistic-key", "logistic"}
        assert len(parts["logistic"]) < 1500  # widths, counters, and at the end its own weights


def test_sizes_and_order_of_messages_do_not_depend_on_data() -> None:
    bank, platforms, y = several(24, seed=13)
    shuffled = np.random.default_rng(0).permutation(len(y))
    traces = []
    keys = None
    for labels, last in ((y, platforms[2]), ((1 - y).astype(np.uint8), platforms[2][shuffled])):
        job = Several(bank, [*platforms[:2], last], labels, SPEC, keys=keys, plaintext=True)
        keys = job.keys
        traces.append([(s.phase, s.step, s.sender, s.receiver, s.type_name, s.size) for s in played(job).trace])
    assert traces[0] == traces[1]


def test_without_providers_messages_are_those_of_two_parties() -> None:
    bank, platforms, y = several(24, seed=13, platforms=1)
    trace = played(Several(bank, platforms, y, SPEC, plaintext=True)).trace
    assert {s.receiver for s in trace} == {BANK, "platform-a"}
    sent: dict[str, tuple[int, int]] = {}
    for s in trace:
        count, size = sent.get(s.type_name, (0, 0))
        sent[s.type_name] = count + 1, size + s.size
    assert {name: what for name, what in sent.items() if "Key" not in name} == {
        "BankWidth": (1, 2), "PlatformWidth": (1, 2), "BankEncrypted": (26, 121512), "PlatformEncrypted": (24, 86898),
        "PlatformMasked": (76, 102072), "BankMasked": (74, 99460), "BankShare": (1, 66), "PlatformShare": (1, 98),
    }  # fmt: skip


def test_no_secret_in_any_plaintext_even_of_relays_opened_by_the_holder_of_the_key() -> None:
    """As if one provider colluded with the bank and one with the first platform: both keys open what it was sent."""
    job = _job(40, keep_views=True)
    played(job)
    expected = pooled(job.bank_columns, job.platform_columns, job.labels, SPEC)
    assert relative(job.coefficients, expected.coefficients) < 0.2
    x = np.hstack([np.ones((len(job.labels), 1)), job.bank_columns, *job.platform_columns])
    z = x @ job.coefficients
    needles = _needles(np.concatenate([z, sigmoid(z) - job.labels, sigmoid_slope(z)]))
    opened = list(_opened_by_either_key(job))
    assert len(opened) > 50
    views = [body for _, body in job.views] + opened
    assert not any(_found(view, needles) for view in views)
    planted = opened[-1] + np.float64(z[0]).tobytes()
    assert _found(planted, needles)


def _needles(secrets: Any) -> set[bytes]:
    needles = {value.tobytes() for value in secrets if value}
    for bits in (32, 40, 48):
        fixed = np.rint(np.ldexp(secrets, bits)).astype(np.int64)
        needles |= {v.to_bytes(8, "little", signed=True)[:6] for v in fixed.tolist() if abs(v) >> 20}
    return needles


def _opened_by_either_key(job: Several) -> Any:
    """Plaintexts of everything under a key that was sent to a provider, or masked to a key's holder."""
    assert job.keys is not None
    holders = {private.public.key_id: private for private in map(PrivateKey.restore, job.keys)}
    for sent, body in job.views:
        message = getattr(logistic_pb2, sent.type_name, lambda: None)()
        if message is None or not (sent.receiver in job.names[1:] or "Masked" in sent.type_name):
            continue
        message.ParseFromString(body)
        for field in ("values", "under_bank", "under_platform"):
            c = getattr(message, field, None)
            if c is not None and c.key_id in holders and "Encrypted" not in sent.type_name:
                private = holders[c.key_id]
                sealed = SealedCiphertexts.received(c.key_id, c.count, c.data, private.public)
                yield KeyHolder(private).decrypt(sealed).tobytes()


def test_relays_are_masked_towards_the_holder_of_either_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a provider colluding with the bank would open of each row; without masks (the control) it is the column.

    (In the first curvature, whose slopes are all ¼.)
    """

    def correlation(job: Several) -> float:
        played(job)
        assert job.keys is not None
        private = PrivateKey.restore(job.keys[0])
        rows: list[int] = []
        for sent, body in job.views:
            if (sent.phase, sent.type_name, sent.receiver) == ("logistic-start", "PlatformRelay", job.names[1]):
                c = logistic_pb2.PlatformRelay.FromString(body).under_bank
                sealed = SealedCiphertexts.received(c.key_id, c.count, c.data, private.public)
                rows += limbs.to_ints(KeyHolder(private).decrypt(sealed))
        n, slot = private.public.n, 1 << 100
        whole = [v - n if v > n // 2 else v for v in rows]
        first = np.array([(v + slot // 2) % slot - slot // 2 for v in whole], dtype=np.float64)
        design = job.platforms[0].side.shares.design  # type: ignore[union-attr]
        truth = design.curve_rows(len(first), stretched=True)[:, 0]
        return float(abs(np.corrcoef(first, truth)[0, 1]))

    assert correlation(_job(80, keep_views=True)) < 0.5

    def bare(self: relays.Masks, count: int, public: Any) -> Limbs:
        return np.zeros((count, public.limbs), dtype=np.uint64)

    monkeypatch.setattr(relays.Masks, "drawn", bare)
    assert correlation(_job(80, keep_views=True)) > 0.99
