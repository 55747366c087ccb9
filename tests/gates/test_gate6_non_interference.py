"""Gate 6, non-interference: data of the same shape makes the same conversation.

What may differ between two runs over the same firms and consents is what a message class declares. Three pairs of
data sets make that sharp:

* *Other values in the same order* (every number raised to a power, every level renamed): bins go by the rank of the
  training rows, so every message must be the same, byte for byte, but for the sides and the rounded quality of rows
  that were not trained on: those between two training values fall to the side of the nearer one.
* *Opposite labels* at the bank: gradients change sign and the same splits win, so every message must have the same
  type, direction and size.
* *Shuffled labels and features*: each column and the labels in another order, so other splits win. With one split a
  tree and one feature owner the conversation has one shape; only what a split request names (a feature and a bin,
  declared) may change a size.

What does vary with the data, by declaration: how many nodes a tree has and who owns them (``Growth``), how many rows a
leaf has (``LeafRows``), which bin is asked for (``SplitRequest``), whether training goes on (``TreeBegin``). The last
test shows that the comparison sees that.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from support.jobs import BANK, Job, Shape, assemble, played

from vfl.data.schema import FeatureKind
from vfl.data.table import Dataset
from vfl.protocols.messages.boosting import SplitSides
from vfl.wire.codec import decode

Change = Callable[[str, Dataset], Dataset]
Line = tuple[str, int, str, str, str, int]


def rebuilt(data: Dataset, columns: dict[str, object], labels: np.ndarray | None) -> Dataset:
    return Dataset(
        data.ids, data.features, columns, labels=labels, as_of=data.as_of, observed_on=data.observed_on,
        report=data.report,
    )  # fmt: skip


def labels_of(data: Dataset) -> np.ndarray | None:
    return None if data.labels is None else data.labels.expose()


def other_values_in_the_same_order(party: str, data: Dataset) -> Dataset:
    """Sign and zero stay: LightGBM bins zero by itself."""
    columns: dict[str, object] = {}
    for name, column in data._columns.expose().items():
        if isinstance(column, np.ndarray):
            columns[name] = np.sign(column) * np.abs(column) ** 1.5
        else:
            columns[name] = type(column)(column.codes, [f"Q-{level}" for level in column.levels])
    return rebuilt(data, columns, labels_of(data))


def opposite_labels(party: str, data: Dataset) -> Dataset:
    labels = labels_of(data)
    return rebuilt(data, dict(data._columns.expose()), None if labels is None else 1 - labels)


def shuffled(party: str, data: Dataset) -> Dataset:
    """Each column and the labels in an order of its own, among the training rows and among the others: bins stay."""
    random = np.random.default_rng(20)
    job = played(STUMPS)
    aligned = job.bank.work.alignment.rows if party == BANK else job.platforms[party].work.table_rows
    train = aligned[job.bank.work.parts[0]]
    rest = np.setdiff1d(np.arange(len(data)), train)

    def new_order() -> np.ndarray:
        order = np.arange(len(data))
        for part in (train, rest):
            order[part] = random.permutation(part)
        return order

    columns: dict[str, object] = {}
    for feature in data.features:
        order = new_order()
        if feature.kind is FeatureKind.CATEGORICAL:
            codes, levels = data.categorical(feature.name)
            columns[feature.name] = type(data._columns.expose()[feature.name])(codes[order], levels)
        else:
            columns[feature.name] = data.numeric(feature.name)[order]
    labels = labels_of(data)
    return rebuilt(data, columns, None if labels is None else labels[new_order()])


def only_at(where: Callable[[str], bool], change: Change) -> Change:
    return lambda party, data: change(party, data) if where(party) else data


def training_sides(job: Job) -> list[list[bool]]:
    stop = job.bank.work.parts[0].stop
    messages = [decode(SplitSides, body, {}) for body in job.bodies("SplitSides")]
    return [m.left.value[:stop].tolist() for m in messages]


def assert_same_but_for_rows_not_trained_on(one: Job, other: Job) -> None:
    assert lines(other) == lines(one)
    changed = {s.type_name for s, t in zip(one.trace, other.trace, strict=True) if s.digest != t.digest}
    assert changed <= {"SplitSides", "Quality"}
    assert training_sides(other) == training_sides(one)


def lines(job: Job) -> list[Line]:
    return [(s.phase, s.step, s.sender, s.receiver, s.type_name, s.size) for s in job.trace]


@pytest.mark.parametrize("shape", [Shape(), Shape(platforms=2)], ids=str)
def test_a_platforms_values_tell_nothing_but_their_ranks(shape: Shape) -> None:
    one = played(shape)
    other = assemble(shape, change=only_at(lambda p: p != BANK, other_values_in_the_same_order)).run()
    for name in shape.names:
        ours, theirs = (job.platforms[name].trees.model_part() for job in (one, other))
        assert ours != theirs
    assert_same_but_for_rows_not_trained_on(one, other)


def test_a_banks_values_tell_nothing_but_their_ranks() -> None:
    other = assemble(Shape(), change=only_at(lambda p: p == BANK, other_values_in_the_same_order)).run()
    assert other.bank.trees.splits.to_dict() != played(Shape()).bank.trees.splits.to_dict()
    assert_same_but_for_rows_not_trained_on(played(Shape()), other)


@pytest.mark.parametrize("shape", [Shape(), Shape(platforms=2), Shape(bank_features=False)], ids=str)
def test_opposite_labels_make_the_same_conversation(shape: Shape) -> None:
    one, other = played(shape), assemble(shape, change=opposite_labels).run()
    assert lines(other) == lines(one)
    changed = {s.type_name for s, t in zip(one.trace, other.trace, strict=True) if s.digest != t.digest}
    assert "EncryptedGradients" in changed
    assert "SplitSides" not in changed
    assert "LeafRows" not in changed


STUMPS = Shape(bank_features=False, trees=3, leaves=2)


def test_other_data_of_one_shape_makes_one_conversation() -> None:
    one, other = played(STUMPS), assemble(STUMPS, change=shuffled).run()
    assert [line[:5] for line in lines(other)] == [line[:5] for line in lines(one)]
    sizes = [(a[4], a[5] == b[5]) for a, b in zip(lines(one), lines(other), strict=True)]
    assert {name for name, equal in sizes if not equal} <= {"SplitRequest"}
    assert [s.digest for s in one.trace if s.type_name == "SplitSides"] != [
        s.digest for s in other.trace if s.type_name == "SplitSides"
    ]


def test_ciphertext_and_masked_sizes_follow_from_the_contract() -> None:
    """Whatever the data: so no size tells a sum, a count or a label."""
    for job in (played(Shape()), assemble(Shape(), change=shuffled).run()):
        per_tree = {(s.phase, s.type_name): s.size for s in job.trace if s.type_name == "EncryptedGradients"}
        assert len(set(per_tree.values())) == 1
        histograms = {s.size for s in job.trace if s.type_name == "LeafHistogram"}
        assert len(histograms) <= 2  # full chunks and the last one of each leaf


def test_the_comparison_sees_what_is_declared_to_vary() -> None:
    """Trees of free shape over other data: another conversation, in declared messages only."""
    one, other = played(Shape()), assemble(Shape(), change=shuffled).run()
    assert lines(one) != lines(other)
