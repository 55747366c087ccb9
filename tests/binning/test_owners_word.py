"""The owner's word on its own features: cuts, groups, special values, trends; what goes or stays anyway; shifts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from binning_harness import Scene, played, stage
from hypothesis import given
from hypothesis import strategies as st

from vfl.config.binning import TRENDS, BinningSpec
from vfl.core.binning import BinCounts
from vfl.core.optimal_binning import Trend
from vfl.core.prebins import CategoryPreBins
from vfl.core.selection import SHIFT_ROWS, Reason, Removal, bin_shift, by_correlation, by_vif
from vfl.data.binned_features import fit_prebins
from vfl.data.quality import Categories
from vfl.data.schema import Choice, FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import DataError, RemoteProtocolError
from vfl.protocols.bin_wishes import merge_as_wished, sound_wish, wish_of
from vfl.protocols.joint_features import OwnChoice
from vfl.protocols.messages.binning import OwnChoices, PreBinRows, Verdicts
from vfl.protocols.selection_steps import SelectionStep
from vfl.wire.carriers import disclose
from vfl.wire.codec import decode

SPEC = BinningSpec(pre_bins=12)


def declared(scene: Scene, party: str, **changes: dict[str, Any]) -> Scene:
    """The scene with other declarations of some features of one party, by the tail of their name."""
    work = (scene.bank if party == "bank-a" else scene.platforms[party])._work
    data = work.data
    features = tuple(
        next((replace(f, **told) for tail, told in changes.items() if f.name.endswith(tail)), f) for f in data.features
    )
    work.data = Dataset(
        data.ids, features, data._columns.expose(), labels=None if data.labels is None else data.labels.expose(),
        as_of=None, observed_on=None, report=data.report,
    )  # fmt: skip
    return scene


def run(scene: Scene) -> Scene:
    asyncio.run(scene.play())
    return scene


@pytest.fixture(scope="module")
def worded() -> Scene:
    scene = stage(spec=SPEC)
    declared(
        scene, "platform-a", p0_noisy={"cuts": (-1.0, 0.0, 1.0), "fixed": True}, p0_peak={"trend": "none"},
        p0_holes={"trend": "descending"}, p0_noise={"choice": Choice.KEEP}, p0_twin={"choice": Choice.KEEP},
        p0_few_holes={"choice": Choice.DROP},
        p0_level={"groups": (("p0-L0", "p0-L1", "p0-L2", "p0-L3", "p0-L4"), ("p0-L6", "p0-L7", "p0-L8"))},
    )  # fmt: skip
    declared(scene, "bank-a", own_noise={"choice": Choice.KEEP}, own_peak={"choice": Choice.DROP})
    return run(scene)


def named(scene: Scene, tail: str) -> tuple[int, Any]:
    platform = scene.platforms["platform-a"]
    return next((i, p) for i, p in enumerate(platform._prebins) if p.name.endswith(tail))


def test_fixed_cuts_are_the_bins(worded: Scene) -> None:
    index, prebins = named(worded, "p0_noisy")
    assert prebins.edges == (-1.0, 0.0, 1.0)
    assert worded.platforms["platform-a"].merges[index].groups == (0, 1, 2, 3)
    feature = next(f for f in worded.bank.features if f.owner == "platform-a" and f.index == index)
    assert len(feature.bins.rows) == 4


def test_a_trend_of_a_feature_comes_before_that_of_the_job(worded: Scene) -> None:
    """The risk rises with the column: the job would find it ascending."""
    index, _ = named(worded, "p0_holes")
    assert worded.platforms["platform-a"].merges[index].trend in (Trend.DESCENDING, Trend.NONE)
    alone = played(spec=SPEC)
    index, _ = named(alone, "p0_holes")
    assert alone.platforms["platform-a"].merges[index].trend is Trend.ASCENDING


def test_groups_are_pre_bins_and_other_levels_a_pool(worded: Scene) -> None:
    _, prebins = named(worded, "p0_level")
    assert {frozenset(g) for g in prebins.levels[:2]} == {
        frozenset(f"p0-L{i}" for i in range(5)), frozenset(f"p0-L{i}" for i in (6, 7, 8))
    }  # fmt: skip
    assert set(prebins.levels[2]) <= {"p0-L5", "p0-L9", "p0-L10", "p0-L11"}
    assert prebins.rare == 2


def test_features_stay_and_go_at_their_owners_word(worded: Scene) -> None:
    platform = worded.platforms["platform-a"]
    stay = {f.name for f in platform.binned().features}
    assert {"p0_noise", "p0_twin"} <= stay
    assert "p0_noisy" not in stay  # too close to the twin, which is kept though its information value may be smaller
    assert "own_noise" in {f.name for f in worded.bank.binned().features}
    assert platform.removed["p0_few_holes"] is Reason.MANUAL
    assert platform.removed["p0_noisy"] is Reason.CORRELATION
    assert worded.bank.removed["own_peak"] is Reason.MANUAL
    assert all(not p.name.endswith("few_holes") for p in platform._prebins)  # nobody learns that it is there


def test_what_is_told_of_the_owners_word(worded: Scene) -> None:
    bodies = {sent.type_name: body for sent, body in worded.heard}
    rows = decode(PreBinRows, bodies["PreBinRows"], {})
    names = [p.name for p in worded.platforms["platform-a"]._prebins]
    wishes = dict(zip(names, rows.wishes.value, strict=True))
    assert {n: w for n, w in wishes.items() if w} == {
        "p0_noisy": 8, "p0_peak": 1 + TRENDS.index("none"), "p0_holes": 1 + TRENDS.index("descending")
    }  # fmt: skip
    assert rows.disclosed_bits() == 17 * len(names) + 32 * len(rows.rows.value)
    choices = decode(OwnChoices, bodies["OwnChoices"], {})
    assert dict(zip(names, choices.choices.value, strict=True)) == {
        n: OwnChoice.KEEP if n in ("p0_noise", "p0_twin") else OwnChoice.BY_RULE for n in names
    }
    assert choices.disclosed_bits() == 2 * len(names)


def test_each_side_records_what_went_and_why(worded: Scene) -> None:
    bank = {(s.owner, s.feature): s for s in worded.bank.selection()}
    platform = {s.feature: s for s in worded.platforms["platform-a"].selection()}
    went = {
        (f.owner, f.label) for i, f in enumerate(worded.bank.features) if i not in worded.bank.screening.kept
    }  # fmt: skip
    assert went == {key for key, step in bank.items() if step.feature not in worded.bank.removed}
    assert {s.feature for s in worded.bank.selection() if s.feature.startswith("own_")} >= {"own_peak", "own_constant"}
    missing = bank["bank-a", "own_empty"]
    assert (missing.step, missing.value, missing.limit) == (Reason.MISSING, 1.0, SPEC.max_missing)
    told = platform["p0_noisy"]
    assert (told.step, told.limit) == (Reason.CORRELATION, SPEC.max_correlation)
    assert np.isnan(told.value)  # the bank's figure
    for step in (*bank.values(), *platform.values()):
        assert step.text.en
        assert step.text.zh
        assert "nan" not in step.text.en + step.text.zh
        assert SelectionStep.from_list(step.to_list()).to_list()[:3] == step.to_list()[:3]
    place = next(i for i, p in enumerate(worded.platforms["platform-a"]._prebins) if p.name == "p0_noisy")
    seen = bank["platform-a", f"platform-a #{place + 1}"]
    assert (seen.step, seen.limit) == (Reason.CORRELATION, SPEC.max_correlation)
    assert abs(seen.value) > SPEC.max_correlation
    assert seen.other is not None


def test_the_record_survives_a_restart(worded: Scene) -> None:
    parts: list[Any] = [worded.bank, *worded.platforms.values()]
    for part in parts:
        fresh = type(part)(part._work, SPEC)
        fresh.restore(part.dump())
        lists = [[s.to_list() for s in steps.selection()] for steps in (fresh, part)]
        np.testing.assert_equal(lists[0], lists[1])
        assert fresh.dump() == part.dump()


# --- shifts -----------------------------------------------------------------------------------------------------


def shifted(choice: Choice = Choice.BY_RULE) -> Scene:
    """Held-out rows of one useful column at each owner lie elsewhere than the training rows."""
    scene = stage(spec=SPEC, rows=2400)
    for party, tail in (("bank-a", "own_holes"), ("platform-a", "p0_holes")):
        work = (scene.bank if party == "bank-a" else scene.platforms[party])._work
        late = work.alignment.rows[work.parts[2]]
        column = work.data._columns.expose()[tail]
        assert not isinstance(column, Categories)
        column[late] += 1.5
        declared(scene, party, **{tail: {"choice": choice}})
    return scene


def test_a_feature_whose_bins_shifted_goes_and_only_its_owner_knows_by_how_much() -> None:
    scene = run(shifted())
    platform = scene.platforms["platform-a"]
    assert platform.removed["p0_holes"] is Reason.STABILITY
    own = next(s for s in scene.bank.selection() if s.feature == "own_holes")
    theirs = next(s for s in platform.selection() if s.feature == "p0_holes")
    for step in (own, theirs):
        assert (step.step, step.limit) == (Reason.STABILITY, SPEC.max_shift)
        assert step.value > 0.5
    place = next(i for i, p in enumerate(platform._prebins) if p.name == "p0_holes")
    seen = next(s for s in scene.bank.selection() if s.feature == f"platform-a #{place + 1}")
    assert np.isnan(seen.value)
    assert seen.text.en == "its owner finds its bins shifted; limit of the stability index 0.25"
    assert "p0_holes" not in {f.name for f in platform.binned().features}


def test_a_shifted_feature_stays_at_its_owners_word() -> None:
    scene = run(shifted(Choice.KEEP))
    assert "p0_holes" in {f.name for f in scene.platforms["platform-a"].binned().features}
    assert "own_holes" in {f.name for f in scene.bank.binned().features}


def test_shift_of_bins() -> None:
    base = np.repeat([0, 1], [600, 400])
    same, other = np.repeat([0, 1], [300, 200]), np.repeat([0, 1, 2], [100, 390, 10])
    bins = np.concatenate([base, same, other, np.ones(SHIFT_ROWS - 1)]).astype(np.uint8)
    parts = [slice(1000, 1500), slice(1500, 2000), slice(2000, None)]
    assert bin_shift(bins, slice(0, 1000), parts[:1]) == 0.0
    by_hand = (0.2 - 0.6) * np.log(0.2 / 0.6) + (0.78 - 0.4) * np.log(0.78 / 0.4)
    assert bin_shift(bins, slice(0, 1000), parts) > by_hand > 0.5
    assert bin_shift(bins, slice(0, 1000), parts[2:]) == 0.0  # too few rows to judge
    assert bin_shift(bins, slice(0, 1000), []) == 0.0


# --- nothing left ---------------------------------------------------------------------------------------------


def test_a_platform_without_a_column_is_named_with_the_limits_that_took_them() -> None:
    scene = stage(spec=replace(SPEC, min_iv=100.0))
    with pytest.raises(DataError, match="SCREENING_EMPTY") as caught:
        asyncio.run(scene.play())
    count = len(scene.platforms["platform-a"]._prebins)
    assert f"of the {count} features of platform-a" in caught.value.text.en
    assert f"min_iv = 100 ({count})" in caught.value.text.en
    assert f"min_iv = 100 ({count})" in caught.value.text.zh
    assert Verdicts.type_name not in {sent.type_name for sent, _ in scene.heard}


def test_choices_on_other_features_are_refused() -> None:
    scene = played(spec=SPEC)
    count = len(scene.platforms["platform-a"].merges)
    for told in ([0] * (count - 1), [0] * (count - 1) + [3]):
        choices = OwnChoices(disclose(tuple(told), reason="test"))
        with pytest.raises(RemoteProtocolError, match="OWN_CHOICES"):
            scene.bank.take_choices(choices, "platform-a")


# --- parts ------------------------------------------------------------------------------------------------------


@given(trend=st.sampled_from(("", *TRENDS)), fixed=st.booleans())
def test_wishes_are_sound_and_say_what_was_declared(trend: str, fixed: bool) -> None:
    wish = wish_of(FeatureSpec("x", FeatureKind.NUMERIC, cuts=(1.0,), fixed=fixed, trend=trend))
    assert sound_wish(wish)
    assert (wish >= 8) is fixed
    counts = BinCounts(np.full(6, 100), np.array([40, 10, 40, 10, 40, 10]))
    merge = merge_as_wished(counts, SPEC, wish)
    if fixed:
        assert merge.groups == tuple(range(6))
    elif trend in ("ascending", "descending"):
        assert merge.trend in (Trend(trend), Trend.NONE)


def test_fixed_bins_keep_the_floors_though_not_the_jobs_share() -> None:
    counts = BinCounts(np.array([5000, 60, 60, 60]), np.array([500, 20, 2, 20]))
    assert merge_as_wished(counts, SPEC, 8).groups in ((0, 1, 1, 2), (0, 1, 2, 2), (0, 1, 1, 1))
    assert len(merge_as_wished(counts, SPEC, 8).woe) > len(merge_as_wished(counts, SPEC, 0).woe)


def numbers(**declared_: Any) -> tuple[Dataset, FeatureSpec]:
    rng = np.random.default_rng(3)
    column = rng.normal(0, 1, 2000)
    column[:200], column[200:300], column[300:420] = -8.0, -1.0, -2.0
    column[420:500] = np.nan
    data = Dataset.from_arrays([str(i) for i in range(2000)], {"x": rng.permutation(column)})
    return data, FeatureSpec("x", FeatureKind.NUMERIC, **declared_)


def test_special_values_of_the_view_get_bins_of_their_own() -> None:
    data, feature = numbers(specials=((-8.0,), (-1.0, -2.0)))
    (prebins,), _ = fit_prebins(data, [feature], slice(0, 2000), SPEC)
    assert prebins.apart == 3
    assert prebins.rows[-3:] == (200, 220, 80)
    assert len(prebins.rows) <= SPEC.pre_bins + 1


def test_more_bins_by_hand_than_agreed_are_refused() -> None:
    data, feature = numbers(cuts=tuple(np.linspace(-1.5, 1.5, 20).tolist()))
    with pytest.raises(DataError, match="BINS_BY_HAND") as caught:
        fit_prebins(data, [feature], slice(0, 2000), SPEC)
    assert caught.value.place is not None
    assert caught.value.place.column == "x"


@given(
    codes=st.lists(st.integers(-1, 7), min_size=1, max_size=300), floor=st.integers(1, 60),
    groups=st.lists(st.lists(st.integers(0, 9), min_size=1, unique=True), max_size=4),
)  # fmt: skip
def test_groups_by_hand_keep_the_floor(codes: list[int], floor: int, groups: list[list[int]]) -> None:
    seen: set[int] = set()
    disjoint = [[f"level {i}" for i in g if i not in seen and not seen.add(i)] for g in groups]  # type: ignore[func-returns-value]
    column, levels = np.array(codes, dtype=np.int32), [f"level {i}" for i in range(8)]
    prebins = CategoryPreBins.by_hand(column, levels, [g for g in disjoint if g], name="c", floor=floor)
    bins = prebins.bins((column, levels))
    rows = np.bincount(bins, minlength=len(prebins.rows))
    assert tuple(rows.tolist()) == prebins.rows
    assert len(prebins.rows) == 1 or rows.min() >= floor
    for group in disjoint:
        known = [levels.index(level) for level in group if level in levels and levels.index(level) in codes]
        assert len({int(bins[codes.index(code)]) for code in known}) <= 1


def test_forced_features_push_others_out_and_are_never_pushed() -> None:
    matrix = np.array([[1.0, 0.95, 0.1], [0.95, 1.0, 0.1], [0.1, 0.1, 1.0]])
    iv = np.array([0.9, 0.1, 0.5])
    assert [r.feature for r in by_correlation(matrix, iv, range(3), limit=0.8)] == [1]
    assert [r.feature for r in by_correlation(matrix, iv, range(3), limit=0.8, forced={1})] == [0]
    assert by_correlation(matrix, iv, range(3), limit=0.8, forced={0, 1}) == []
    assert [r.feature for r in by_vif(matrix, range(3), limit=5.0, forced={0})] == [1]
    assert by_vif(matrix, range(3), limit=5.0, forced={0, 1}) == []


def test_a_figure_that_another_owner_keeps_is_not_printed() -> None:
    for reason in (Reason.STABILITY, Reason.CORRELATION, Reason.VIF, Reason.MANUAL):
        text = Removal(0, reason, np.nan, 0.25).text(("x",))
        assert "nan" not in text.en + text.zh
