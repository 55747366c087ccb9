"""A node's own policy. It is local, nobody else sees it, and it can only refuse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vfl.config.job import JobSpec
from vfl.config.reading import read_toml
from vfl.errors import PolicyRefused, Text

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What this node refuses, whatever a contract says.

    Attributes
    ----------
    minimum_key_bits : int
    allow_test_keys : bool
        Short keys, for made-up data only.
    minimum_intersection, leaf_floor, row_floor : int
        Rows: of the intersection, of a leaf, of a bin of a scorecard.
    class_floor : int
        Events, and non-events, of a bin of a scorecard.
    purposes : tuple of str
        Purposes this node takes part in.
    refused_messages : tuple of str
        Message types that may never leave this node.
    approve : str
        ``"auto"``: sign every contract within this policy; ``"ask"``: wait for ``vfl approve``.
    """

    minimum_key_bits: int = 2048
    allow_test_keys: bool = False
    minimum_intersection: int = 1000
    leaf_floor: int = 20
    row_floor: int = 50
    class_floor: int = 5
    maximum_trees: int = 1000
    purposes: tuple[str, ...] = ("credit-modelling",)
    refused_messages: tuple[str, ...] = ()
    approve: str = "ask"

    @classmethod
    def read(cls, path: Path) -> Policy:
        top = read_toml(path)
        d = cls()
        out = cls(
            minimum_key_bits=top.integer("minimum_key_bits", d.minimum_key_bits, low=512, high=4096),
            allow_test_keys=top.flag("allow_test_keys", d.allow_test_keys),
            minimum_intersection=top.integer("minimum_intersection", d.minimum_intersection, low=1, high=10**9),
            leaf_floor=top.integer("leaf_floor", d.leaf_floor, low=1, high=10**6),
            row_floor=top.integer("row_floor", d.row_floor, low=1, high=10**6),
            class_floor=top.integer("class_floor", d.class_floor, low=1, high=10**6),
            maximum_trees=top.integer("maximum_trees", d.maximum_trees, low=1, high=10**6),
            purposes=top.texts("purposes", list(d.purposes)),
            refused_messages=top.texts("refused_messages", []),
            approve=top.text("approve", d.approve, one_of=("auto", "ask")),
        )
        top.done()
        return out

    def refusal(self, type_name: str) -> str | None:
        """The rule that refuses this message type, or None (asked by the egress)."""
        return "refused_messages" if type_name in self.refused_messages else None

    def admit(self, spec: JobSpec) -> None:
        """Refuse a job outside this policy before anything is signed."""
        self._at_least("key_bits", spec.key_bits, self.minimum_key_bits)
        self._at_least("minimum_intersection", spec.minimum_intersection, self.minimum_intersection)
        self._at_least("leaf_floor", spec.leaf_floor, self.leaf_floor)
        self._at_least("min_data_in_leaf", spec.trees.min_data_in_leaf, self.leaf_floor)
        if spec.model == "scorecard":
            self._at_least("row_floor", spec.binning.row_floor, self.row_floor)
            self._at_least("class_floor", spec.binning.class_floor, self.class_floor)
        if spec.test_keys and not self.allow_test_keys:
            raise _refused("test_keys", "short test keys are for made-up data only", "短密钥仅可用于模拟数据")
        if spec.purpose not in self.purposes:
            raise _refused("purpose", "the purpose is not one this node serves", "用途不在本节点允许范围内")
        if spec.trees.trees > self.maximum_trees:
            raise _refused("trees", f"more than {self.maximum_trees} trees", f"树的数量超过 {self.maximum_trees}")

    def _at_least(self, name: str, value: int, floor: int) -> None:
        if value < floor:
            raise _refused(name, f"{name} = {value} is below this node's floor of {floor}",
                           f"{name} = {value} 低于本节点下限 {floor}")


def _refused(name: str, en: str, zh: str) -> PolicyRefused:
    return PolicyRefused(
        f"POLICY_{name.upper()}",
        Text(en=en, zh=zh),
        cure=Text(en="change the job, or have the node's operator change policy.toml",
                  zh="修改任务，或请节点管理员修改 policy.toml"),
    )
