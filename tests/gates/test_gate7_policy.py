"""Gate 7, policy wins: each rule of a node's policy refuses, by name, and no contract can widen it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.jobs import BANK, Shape, assemble, spec_of, tables

from vfl.config.job import JobSpec
from vfl.config.policy import Policy
from vfl.errors import ConfigError, PolicyRefused

OPEN = Policy(
    minimum_key_bits=512, allow_test_keys=True, minimum_intersection=500, leaf_floor=20, maximum_trees=2,
    purposes=("credit-modelling",),
)  # fmt: skip


def spec() -> JobSpec:
    files = tables(1_800, 1, 7)
    return spec_of(Shape(), files.as_of)


def test_a_job_inside_the_policy_is_admitted() -> None:
    OPEN.admit(spec())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"minimum_key_bits": 513}, "POLICY_KEY_BITS"),
        ({"minimum_intersection": 501}, "POLICY_MINIMUM_INTERSECTION"),
        ({"leaf_floor": 21}, "POLICY_LEAF_FLOOR"),
        ({"allow_test_keys": False}, "POLICY_TEST_KEYS"),
        ({"purposes": ("marketing",)}, "POLICY_PURPOSE"),
        ({"purposes": ()}, "POLICY_PURPOSE"),
        ({"maximum_trees": 1}, "POLICY_TREES"),
    ],
)
def test_each_rule_refuses_alone(change: dict[str, object], code: str) -> None:
    with pytest.raises(PolicyRefused) as caught:
        dataclasses.replace(OPEN, **change).admit(spec())  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.in_("zh") != caught.value.in_("en")


def test_a_small_leaf_is_refused_though_the_contract_allows_it() -> None:
    small = spec_of(Shape(extra=""), tables(1_800, 1, 7).as_of)
    narrow = dataclasses.replace(small, trees=dataclasses.replace(small.trees, min_data_in_leaf=10))
    with pytest.raises(PolicyRefused) as caught:
        OPEN.admit(narrow)
    assert caught.value.code == "POLICY_MIN_DATA_IN_LEAF"


@pytest.mark.parametrize("floor", ["row_floor", "class_floor"])
def test_bins_under_a_floor_are_refused_though_the_contract_allows_them(floor: str) -> None:
    card = dataclasses.replace(spec(), model="scorecard")
    OPEN.admit(card)
    small = {floor: getattr(card.binning, floor) - 1}
    narrow = dataclasses.replace(card, binning=dataclasses.replace(card.binning, **small))
    with pytest.raises(PolicyRefused) as caught:
        OPEN.admit(narrow)
    assert caught.value.code == f"POLICY_{floor.upper()}"


def test_every_rule_of_the_policy_is_tested_above() -> None:
    tested = {
        "minimum_key_bits", "minimum_intersection", "leaf_floor", "allow_test_keys", "purposes", "maximum_trees",
        "refused_messages", "row_floor", "class_floor",
    }  # fmt: skip
    assert {f.name for f in dataclasses.fields(Policy)} == tested | {"approve"}


def test_the_defaults_refuse_short_keys_and_small_cohorts() -> None:
    with pytest.raises(PolicyRefused):
        Policy().admit(spec())
    d = Policy()
    assert (d.minimum_key_bits, d.minimum_intersection, d.leaf_floor, d.approve) == (2048, 1000, 20, "ask")
    assert (d.row_floor, d.class_floor) == (50, 5)


def test_the_policy_stops_a_message_in_the_middle_of_a_job() -> None:
    """The contract budgets for it, the choreography sends it, the policy has the last word."""
    job = assemble(Shape(), policies={"platform-a": Policy(refused_messages=("LeafHistogram",))})
    with pytest.raises(PolicyRefused) as caught:
        job.run()
    assert caught.value.code == "POLICY_REFUSES_MESSAGE"
    assert job.bodies("LeafHistogram") == []
    assert job.bodies("EncryptedGradients")


def test_the_policy_has_no_way_to_allow_what_the_contract_does_not() -> None:
    """It is asked for a refusal and gives a rule's name or None; an empty budget stays empty."""
    job = assemble(Shape())
    assert all(Policy().refusal(name) is None for name in job.contract.budgets)
    assert [name for name in dir(Policy) if "allow" in name or "grant" in name] == ["allow_test_keys"]


@pytest.mark.parametrize(
    "line", ["minimum_key_bits = 256", "minimum_key_bit = 2048", 'approve = "always"', "leaf_floor = 0"]
)
def test_a_policy_file_with_a_mistake_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        Policy.read(path)


def test_a_policy_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('leaf_floor = 30\nrefused_messages = ["Quality"]\n', encoding="utf-8")
    read = Policy.read(path)
    assert read.leaf_floor == 30
    assert read.refusal("Quality") == "refused_messages"
    assert read.refusal("SplitSides") is None
    assert BANK
