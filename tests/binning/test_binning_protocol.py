"""The protocol against pooled computation: equal counts, bins, WOE, correlations; floors; what each side sees."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from binning_harness import Scene, played, stage

from vfl.config.binning import BinningSpec
from vfl.core.binning import BinCounts
from vfl.core.selection import Reason, pearson, variance_inflation
from vfl.crypto.paillier import PublicKey
from vfl.data.binned_features import fit_prebins, prebin_matrix
from vfl.errors import CohortTooSmall, DataError, RemoteProtocolError
from vfl.protocols.bin_wishes import merge_as_wished, wish_of
from vfl.protocols.binning import BankBinning, PlatformBinning, binning, screening
from vfl.protocols.messages.binning import BinMerges, EventSums, PreBinRows
from vfl.report.binning_tables import owner_tables
from vfl.runtime.choreography import Choreography
from vfl.runtime.dry import DryRun
from vfl.runtime.egress import Released
from vfl.runtime.noderun import NodeRun
from vfl.wire.carriers import aggregate, disclose
from vfl.wire.codec import decode


@pytest.fixture(scope="module")
def two() -> Scene:
    return played(platforms=2)


def pooled_merges(scene: Scene, party: str) -> dict[str, tuple[Any, BinCounts]]:
    """What one table would give: merges and counts by feature name, from labels in clear."""
    table, train = scene.tables[party], scene.train
    prebins, _ = fit_prebins(table, table.features, train, scene.spec)
    declared = {f.name: f for f in table.features}
    bins, labels = prebin_matrix(table, prebins)[train], scene.labels[train]
    out = {}
    for column, p in enumerate(prebins):
        rows = np.bincount(bins[:, column], minlength=len(p.rows)).astype(np.int64)
        events = np.bincount(bins[:, column], weights=labels, minlength=len(p.rows)).astype(np.int64)
        counts = BinCounts(rows, events, p.apart, p.ordered)
        out[p.name] = (merge_as_wished(counts, scene.spec, wish_of(declared[p.name])), counts)
    return out


def test_federated_counts_bins_and_woe_equal_pooled(two: Scene) -> None:
    for party in two.tables:
        pooled = pooled_merges(two, party)
        seen = [f for f in two.bank.features if f.owner == party]
        if party == "bank-a":
            names = [f.name for f in seen]
        else:
            names = [p.name for p in two.platforms[party]._prebins]
            assert [f.name for f in seen] == [None] * len(seen)  # the bank knows places only
            for name, merge in zip(names, two.platforms[party].merges, strict=True):
                assert merge.groups == pooled[name][0].groups
                assert merge.woe == pooled[name][0].woe
                assert merge.trend is pooled[name][0].trend
                assert merge.iv == pytest.approx(pooled[name][0].iv, abs=5e-5)
        assert sorted(names) == sorted(pooled)
        for feature, name in zip(seen, names, strict=True):
            merge, counts = pooled[name]
            assert feature.merge == merge
            assert feature.counts.rows.tolist() == counts.rows.tolist()
            assert feature.counts.events.tolist() == counts.events.tolist()


def all_columns(scene: Scene) -> np.ndarray:
    """WOE of all features on the training rows, in the bank's numbering: what no party holds."""
    from vfl.core.binned_table import BinnedTable, WoeFeature
    from vfl.data.binned_features import woe_columns

    parts = []
    for party in scene.tables:
        steps = scene.bank if party == "bank-a" else scene.platforms[party]
        merges = [f.merge for f in scene.bank.features if f.owner == party]
        table = BinnedTable(tuple(WoeFeature(p, m) for p, m in zip(steps._prebins, merges, strict=True)))
        parts.append(woe_columns(scene.tables[party], table).take(scene.train).matrix())
    return np.hstack(parts)


def test_correlations_equal_pooled_and_are_unknown_between_platforms(two: Scene) -> None:
    features, got = two.bank.features, two.bank.correlation
    expected = pearson(all_columns(two))
    for i, a in enumerate(features):
        for j, b in enumerate(features):
            if a.owner != b.owner and "bank-a" not in (a.owner, b.owner):
                assert np.isnan(got[i, j])
            elif a.owner == b.owner != "bank-a":
                assert got[i, j] == pytest.approx(expected[i, j], abs=5.1e-5)  # told to four decimals
            else:
                assert got[i, j] == pytest.approx(expected[i, j], abs=1e-9)


def test_variance_inflation_of_one_platform_equals_pooled() -> None:
    scene = played(spec=BinningSpec(pre_bins=12, max_correlation=0.95, max_vif=1e6))
    kept = list(scene.bank.screening.kept)
    expected = variance_inflation(pearson(all_columns(scene)[:, kept]))
    np.testing.assert_allclose(scene.bank.screening.vif, expected, rtol=5e-3)


def test_both_sides_agree_on_what_stays(two: Scene) -> None:
    features, kept = two.bank.features, two.bank.screening.kept
    for party, platform in two.platforms.items():
        stays = [features[i].index for i in kept if features[i].owner == party]
        columns = platform.columns()
        assert [platform._prebins[i].name for i in stays] == list(columns.names)
        assert len(columns) == len(two.labels)
        assert [features[i].merge.iv for i in kept if features[i].owner == party] == pytest.approx(
            columns.iv.tolist(), abs=5e-5
        )
        twins = {n for n in platform.removed if n.endswith(("twin", "noisy"))}
        assert len(twins) == 1
        assert platform.removed[twins.pop()] is Reason.CORRELATION
        for tail, reason in (("constant", Reason.ONE_BIN), ("one_level", Reason.ONE_BIN), ("empty", Reason.MISSING)):
            assert next(r for n, r in platform.removed.items() if n.endswith(tail)) is reason
    assert two.bank.columns().names == tuple(features[i].name or "" for i in kept if features[i].owner == "bank-a")


def test_no_statistic_under_a_floor_leaves(two: Scene) -> None:
    rows, woe_bins = [], 0
    for sent, body in two.heard:
        if sent.type_name == "PreBinRows":
            rows += decode(PreBinRows, body, {}).rows.value
        if sent.type_name == "BinMerges":
            woe_bins += len(decode(BinMerges, body, {}).woe.value)
    assert rows
    assert min(rows) >= two.spec.row_floor
    platforms = [f for f in two.bank.features if f.owner != "bank-a"]
    for feature in platforms:
        bins = feature.bins
        assert bins.rows.sum() == two.train.stop  # no remainder to subtract a small group from
        assert bins.events.min() >= two.spec.class_floor
        assert (bins.rows - bins.events).min() >= two.spec.class_floor
    assert woe_bins == sum(len(f.merge.woe) for f in platforms)


def test_a_bin_under_the_floor_does_not_pass_the_exit() -> None:
    scene = stage()
    platform = scene.platforms["platform-a"]
    asyncio.run(_labels(scene))
    platform._prepare()
    first = platform._prebins[0]
    object.__setattr__(first, "rows", (first.rows[0] - 1, 1, *first.rows[1:]))
    with pytest.raises(CohortTooSmall):
        platform.pre_bin_rows()


async def _labels(scene: Scene) -> None:
    for chunk in scene.bank.encrypted_labels():
        scene.platforms["platform-a"].take_labels(chunk)


def test_views_hold_no_name_level_cut_or_label(two: Scene) -> None:
    to_bank = b"".join(body for sent, body in two.heard if sent.receiver == "bank-a")
    to_platforms = b"".join(body for sent, body in two.heard if sent.receiver != "bank-a")
    secrets = [name.encode() for party in two.platforms for name in (f.name for f in two.tables[party].features)]
    for platform in two.platforms.values():
        for prebins in platform._prebins:
            state = prebins.to_dict()
            secrets += [level.encode() for group in state.get("levels", []) for level in group]
            secrets += [np.float64(edge).tobytes() for edge in state.get("edges", []) if edge]
    assert len(secrets) > 100
    assert not [s for s in secrets if s in to_bank]
    labels = two.labels[two.train]
    forms = [labels.tobytes(), np.packbits(labels).tobytes(), np.packbits(labels, bitorder="little").tobytes()]
    assert not [f for f in forms if f[:16] in to_platforms]


def test_the_sequence_of_messages_does_not_depend_on_the_labels() -> None:
    def shapes(flip: bool) -> list[tuple[str, str, str]]:
        scene = stage()
        if flip:
            data = scene.bank._work.data
            labels = data.labels
            assert labels is not None
            values = labels.expose()
            values[:] = np.random.default_rng(99).permutation(values)
        asyncio.run(scene.play())
        return [(s.type_name, s.sender, s.receiver) for s, _ in scene.heard]

    assert shapes(False) == shapes(True)


@pytest.mark.parametrize("bank_features", [True, False])
def test_a_platform_without_a_usable_feature(bank_features: bool) -> None:
    columns = {"constant": np.full(1600, 1.0), "empty": np.full(1600, np.nan)}
    scene = stage(columns=columns, bank_features=bank_features)
    with pytest.raises(DataError, match="SCREENING_EMPTY") as caught:
        asyncio.run(scene.play())
    assert "of the 0 features of platform-a" in caught.value.text.en
    platform = scene.platforms["platform-a"]
    assert platform.columns().bins.shape == (1600, 0)
    assert set(platform.removed) == {"constant", "empty"}
    assert "Verdicts" not in {sent.type_name for sent, _ in scene.heard}


def test_useless_features_go_by_iv_before_anything_is_multiplied() -> None:
    scene = played(spec=BinningSpec(pre_bins=12, min_iv=0.15))
    features = scene.bank.features
    low = [r for r in scene.bank.screening.removed if r.reason is Reason.LOW_IV]
    assert {features[r.feature].merge.iv < 0.15 for r in low} == {True}
    assert any(features[r.feature].owner == "platform-a" for r in low)
    assert Reason.LOW_IV in scene.platforms["platform-a"].removed.values()


def test_a_run_is_reproduced_byte_by_byte(two: Scene) -> None:
    again = played(platforms=2)
    assert [s.digest for s, _ in again.heard] == [s.digest for s, _ in two.heard]


def test_equal_labels_share_no_randomness() -> None:
    """Two rows with one label, and one row in two chunks' places, are never the same ciphertext."""
    seen = [bytes(c) for chunk in stage().bank.encrypted_labels() for c in np.frombuffer(
        chunk.labels.data, dtype=np.uint8).reshape(len(chunk.labels), -1)]  # fmt: skip
    assert len(set(seen)) == len(seen)


def test_state_survives_between_phases() -> None:
    whole, broken = played(), stage()

    async def interrupted() -> Scene:
        c = Choreography(broken.run)
        bank, platform = c.role("bank-a", BankBinning), c.role("platform-a", PlatformBinning)
        await c.phase("binning", binning, bank, [platform])
        fresh = stage()
        fresh.bank.restore(broken.bank.dump())
        fresh.platforms["platform-a"].restore(broken.platforms["platform-a"].dump())
        c = Choreography(fresh.run)
        bank, platform = c.role("bank-a", BankBinning), c.role("platform-a", PlatformBinning)
        await c.phase("screening", screening, bank, [platform])
        return fresh

    resumed = asyncio.run(interrupted())
    last = stage()
    last.bank.restore(resumed.bank.dump())
    last.platforms["platform-a"].restore(resumed.platforms["platform-a"].dump())
    for scene in (resumed, last):
        assert scene.bank.screening == whole.bank.screening
        np.testing.assert_array_equal(scene.bank.correlation, whole.bank.correlation)
        assert scene.bank.dump() == whole.bank.dump()
        mine, theirs = scene.platforms["platform-a"], whole.platforms["platform-a"]
        assert mine.binned().to_json() == theirs.binned().to_json()
        assert mine.removed == theirs.removed
        np.testing.assert_array_equal(mine.columns().bins, theirs.columns().bins)


def test_an_owners_tables_tell_no_events(two: Scene) -> None:
    platform = two.platforms["platform-a"]
    for table in owner_tables("platform-a", platform.binned()):
        assert table.feature.name
        assert all(b.events is None and b.rows and b.label for b in table.bins)
        assert sum(b.rows or 0 for b in table.bins) == two.train.stop


class _Channel:
    """One node's end of queues."""

    def __init__(self, party: str, queues: dict[tuple[str, str], Any], keys: dict[bytes, PublicKey]) -> None:
        self.party, self.queues, self.keys = party, queues, keys
        self.sent: list[tuple[str, str, str, str]] = []

    def _queue(self, a: str, b: str) -> Any:
        return self.queues.setdefault((a, b), asyncio.Queue())

    async def send(self, receiver: str, step: str, released: Released, *, last: bool) -> None:
        self.sent.append((step, self.party, receiver, released.digest))
        await self._queue(self.party, receiver).put((step, released.type_name, released.body, last))

    async def receive(self, sender: str, step: str) -> tuple[str, bytes, bool]:
        got, kind, body, last = await self._queue(sender, self.party).get()
        assert got == step
        return kind, body, last

    def learned(self, sender: str, type_name: str, bits: int) -> None: ...

    def ended(self, phase: str) -> None:
        return None

    async def checkpoint(self, phase: str, result: tuple[str, bytes], parts: dict[str, bytes]) -> None: ...

    def public_keys(self) -> dict[bytes, PublicKey]:
        return self.keys


def test_nodes_make_the_trace_of_the_reference_run(two: Scene) -> None:
    scene = stage(platforms=2)
    queues: dict[tuple[str, str], Any] = {}
    roles = {"bank-a": {BankBinning: scene.bank}} | {p: {PlatformBinning: s} for p, s in scene.platforms.items()}
    states = {"bank-a": scene.bank, **scene.platforms}
    sent: list[tuple[str, str, str, str]] = []

    async def node(party: str) -> None:
        channel = _Channel(party, queues, scene.run._parties[party].keys)  # type: ignore[arg-type]
        run = NodeRun(party, roles[party], states[party], scene.run._parties[party].egress, channel)
        c = Choreography(run)
        bank = c.role("bank-a", BankBinning)
        platforms = [c.role(p, PlatformBinning) for p in scene.platforms]
        try:
            await c.phase("binning", binning, bank, platforms)
            await c.phase("screening", screening, bank, platforms)
        finally:
            await run.close()
        sent.extend(channel.sent)

    async def all_nodes() -> None:
        await asyncio.wait_for(asyncio.gather(*(node(p) for p in roles)), 60)

    asyncio.run(all_nodes())
    expected = sorted((f"{s.phase}/{s.step}", s.sender, s.receiver, s.digest) for s, _ in two.heard)
    assert sorted(sent) == expected
    assert scene.bank.screening == two.bank.screening


def test_dry_run_passes_every_line() -> None:
    run = DryRun()
    c = Choreography(run)
    bank, platforms = c.role("bank-a", BankBinning), [c.role("platform-a", PlatformBinning)]

    async def rehearse() -> None:
        await c.phase("binning", binning, bank, platforms)
        await c.phase("screening", screening, bank, platforms)

    asyncio.run(rehearse())
    assert [line.message.type_name for line in run.lines] == [
        "LabelCommitment", "EncryptedLabels", "PreBinRows", "EventSums", "BinMerges", "OwnChoices", "BankColumns",
        "EncryptedWoe", "OwnCorrelations", "CrossSums", "Verdicts",
    ]  # fmt: skip


def _rows_of(counts: list[int], bins: list[int], apart: list[int], wish: int = 0) -> PreBinRows:
    def told(value: Any) -> Any:
        return aggregate(tuple(value), cohort=10**6, floor=1)

    return PreBinRows(
        ordered=told([True] * len(bins)), bins=told(bins), apart=told(apart), rows=told(counts),
        wishes=told([wish] * len(bins)),
    )  # fmt: skip


def test_a_platform_that_breaks_floors_or_totals_is_refused() -> None:
    scene = stage()
    train = scene.train.stop
    for counts, bins, apart in (
        ([train - 49, 49], [2], [0]), ([train - 100, 99], [2], [0]), ([train], [1], [0]),
        ([train - 60, 60], [2], [2]), ([train - 60, 60], [3], [0]),
    ):  # fmt: skip
        with pytest.raises(RemoteProtocolError, match="PREBINS"):
            scene.bank.take_rows(_rows_of(counts, bins, apart), "platform-a")
    for wish in (7, 15, 16):
        with pytest.raises(RemoteProtocolError, match="PREBINS"):
            scene.bank.take_rows(_rows_of([train - 60, 60], [2], [0], wish), "platform-a")


def test_sums_that_do_not_add_up_to_all_events_are_refused() -> None:
    scene, other = stage(), stage()
    asyncio.run(_labels(scene))
    platform = scene.platforms["platform-a"]
    rows = platform.pre_bin_rows()
    sums: list[EventSums] = list(platform.event_sums())
    other.bank.take_rows(rows, "platform-a")
    for chunk in sums[:-1] + sums[-1:] * 2:
        other.bank.take_events(chunk, "platform-a")
    with pytest.raises(RemoteProtocolError, match="PREBINS"):
        other.bank.bin_merges("platform-a")


def test_merges_of_other_features_and_too_few_labels_are_refused() -> None:
    scene = stage()
    platform = scene.platforms["platform-a"]

    def told(value: Any) -> Any:
        return disclose(tuple(value), reason="test")

    merges = BinMerges(groups=told([0, 1]), bins=told([2]), woe=told([5, -5]), iv=told([100]), candidate=told([True]))
    with pytest.raises(RemoteProtocolError, match="BIN_MERGES"):
        platform.take_merges(merges)
    for chunk in list(scene.bank.encrypted_labels())[:-1]:
        platform.take_labels(chunk)
    with pytest.raises(RemoteProtocolError, match="CIPHERTEXT_ROWS"):
        list(platform.event_sums())


