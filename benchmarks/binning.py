"""What binning costs: the solver by pre-bins, and the protocol's steps by rows and features, at real key length.

    python benchmarks/binning.py [--rows 25000] [--features 10] [--key-bits 2048]

Made-up normal features; one process plays bank and platform in turn, so nothing here is network. Times are of this
machine and this moment; figures per row are of processor time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from vfl.core.binning import BinCounts, merge_bins
from vfl.core.optimal_binning import BinRule, Trend, best_cuts
from vfl.core.prebins import NumericPreBins
from vfl.crypto import limbs
from vfl.crypto.paillier import AdditiveHE, KeyHolder, KeyPurpose, PrivateKey
from vfl.crypto.randomness import JobSeed
from vfl.protocols.binning_sums import WOE_UNIT, label_code, woe_codes
from vfl.wire.carriers import window

__all__ = ["main"]


@contextmanager
def timed(what: str, per: Callable[[float], str] = lambda _: "") -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:<52} {wall:8.3f} s {cpu:8.3f} s CPU  {per(cpu)}")


def solver(rng: np.random.Generator) -> None:
    for pre_bins in (10, 20, 50):
        rows = rng.integers(400, 800, (100, pre_bins))
        rate = np.clip(0.12 + rng.normal(0, 0.03, rows.shape), 0.02, 0.9)
        events = rng.binomial(rows, rate)
        for trend in (Trend.ASCENDING, Trend.PEAK, Trend.AUTO):
            with timed(f"solver, 100 features, {pre_bins} pre-bins, {trend}"):
                for r, e in zip(rows, events, strict=True):
                    best_cuts(r, e, int(r.sum()), int(e.sum()), BinRule(trend))


def protocol(rng: np.random.Generator, rows: int, features: int, key_bits: int) -> None:
    real = key_bits >= 2048
    private = PrivateKey.generate(key_bits, purpose=KeyPurpose.REAL_DATA if real else KeyPurpose.TEST_KEYS_ONLY)
    bank, platform, seed = KeyHolder(private), AdditiveHE(private.public), JobSeed.fresh()
    risk = rng.normal(size=rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(2 - risk))).astype(np.int64)
    values = risk[:, None] + rng.normal(size=(rows, features))
    print(f"\n{rows} rows, {features} features on each side, {key_bits} bits, {bank.backend_name}")
    with timed("pre-bins of one side"):
        prebins = [NumericPreBins.fit(values[:, f], name=str(f)) for f in range(features)]
        bins = np.stack([p.bins(values[:, f]) for f, p in enumerate(prebins)], axis=1)
    widths = np.array([len(p.rows) for p in prebins], dtype=np.int32)
    code = label_code(rows, private.public)
    with timed("bank encrypts labels", lambda s: f"{s / rows * 1e6:.1f} µs a row"):
        sealed = bank.encrypt_sealed(code.slots.pack({"y": labels}, private.public), seed.stream("labels"))
    with timed("platform opens them"):
        opened = platform.open(sealed)
    with timed("platform sums by pre-bin", lambda s: f"{s / rows / features * 1e6:.2f} µs a row and feature"):
        sums = platform.bucket_sums(opened, bins, None, widths)
    with timed("platform packs, masks, seals"):
        reply = window(
            platform, sums, slots=code.per_ciphertext, slot_bits=code.slots.width,
            masks=seed.stream("m"), seals=seed.stream("s"),
        )  # fmt: skip
    with timed(f"bank decrypts {reply.sealed.count} ciphertexts and solves"):
        plain = bank.decrypt(reply.sealed)
        events = code.slots.unpack(plain, per=reply.slots, count=reply.values)["y"].to_float64(0).astype(np.int64)
        ends = np.cumsum(widths)
        merges = [
            merge_bins(BinCounts(np.array(p.rows), events[end - len(p.rows) : end]), BinRule())
            for p, end in zip(prebins, ends, strict=True)
        ]
    true = np.concatenate([np.bincount(bins[:, f], labels, widths[f]) for f in range(features)])
    if not np.array_equal(events, true):
        raise SystemExit("sums differ from the truth")
    woe = [np.array(m.woe) for m in merges]
    merged = np.stack([np.array(m.groups, dtype=np.uint8)[bins[:, f]] for f, m in enumerate(merges)], axis=1)
    units = [np.rint(w * WOE_UNIT).astype(np.int64) for w in woe]
    columns = np.stack([units[f][merged[:, f]] for f in range(features)], axis=1)
    cross = woe_codes(rows, features, private.public)[0]
    used = [int(n) for n in cross.slots.names]
    with timed(f"bank encrypts {len(used)} WOE columns", lambda s: f"{s / rows * 1e6:.1f} µs a row"):
        packed = cross.slots.pack({str(c): columns[:, c] for c in used}, private.public)
        opened = platform.open(bank.encrypt_sealed(packed, seed.stream("woe")))
    with timed("platform multiplies by its columns"):
        sizes = np.array([len(u) for u in units], dtype=np.int32)
        sums = platform.bucket_sums(opened, merged, None, sizes)
        flat = np.concatenate(units)
        scaled = platform.mul_plain(sums, limbs.from_ints(np.abs(flat).tolist(), 1), flat < 0)
        owner = np.repeat(np.arange(features), sizes).astype(np.uint16)[:, None]
        totals = platform.bucket_sums(scaled, owner, None, np.array([features], dtype=np.int32))
    slots = cross.slots.unpack(bank.decrypt(platform.seal(totals, seed.stream("x"))), per=1, count=features)
    got = np.stack([slots[str(c)].to_float64(0) for c in used])
    if not np.array_equal(got, (columns[:, used].T @ columns).astype(np.float64)):
        raise SystemExit("products differ from the truth")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--key-bits", type=int, default=2048)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    solver(rng)
    protocol(rng, options.rows, options.features, options.key_bits)


if __name__ == "__main__":
    main()
