"""Faults of the sample: windows and snapshots, sample weights, and the owner's own word on how to bin a feature."""

from __future__ import annotations

from vfl.config.faults import Fault, config_fault, data_fault

__all__ = ["FAULTS"]

# --- time --------------------------------------------------------------------------------------------------

LABEL_IMMATURE = data_fault(
    "LABEL_IMMATURE",
    "The outcome of this row was still being watched on the job's day: its label is not final.",
    "截至任务日期，该行的表现期尚未结束，标签未定。",
    "Leave the row out, or have the job say `look_ahead = \"leave-out\"`, which leaves such rows out and counts them.",
    "请剔除该行；或在任务中写 `look_ahead = \"leave-out\"`，由程序剔除并计数。",
)
LABEL_WINDOW_SHORT = data_fault(
    "LABEL_WINDOW_SHORT",
    "The outcome of this row was watched for less than the job's {months} months.",
    "该行的表现期短于任务约定的 {months} 个月。",
    "Leave out rows that were not watched to the end, or agree on a shorter window.",
    "请剔除表现期不足的样本，或约定更短的表现期。",
)
SNAPSHOT_DATES = data_fault(
    "SNAPSHOT_DATES",
    "The snapshot ends before it begins.",
    "快照的失效日早于快照日。",
    "Correct the dates at their source.",
    "请在源头更正日期。",
)
SNAPSHOT_TWICE = data_fault(
    "SNAPSHOT_TWICE",
    "The firm has another snapshot of the same day, in row {first}.",
    "该企业在同一日期已有另一快照（第 {first} 行）。",
    "Keep one row per firm and day: nobody can tell which one is meant.",
    "每家企业每个日期只保留一行：无法判断应使用哪一行。",
)
SNAPSHOT_UNDATED = config_fault(
    "SNAPSHOT_UNDATED",
    "Snapshots are to be told apart by their day, and the view declares no column with it.",
    "需按日期区分快照，而视图未声明快照日列。",
    "Add `as_of = \"…\"`, the column with the day of the snapshot.",
    "请增加 `as_of = \"…\"`（快照日列）。",
)
OBSERVED_UNDECLARED = config_fault(
    "OBSERVED_UNDECLARED",
    "The job divides the sample by its days of observation, and the bank's view declares no column with them.",
    "任务按观察日划分样本，而银行视图未声明观察日列。",
    "Add `observed_on = \"…\"`, the column with the day of the credit decision.",
    "请增加 `observed_on = \"…\"`（信贷决策日期列）。",
)

ROWS_ALL_LEFT_OUT = data_fault(
    "ROWS_ALL_LEFT_OUT",
    "No row of the table is in time for the job.",
    "表中没有任何一行符合任务的时间要求。",
    "Compare the table's dates with the job's as_of and [time], and mend the one that is wrong.",
    "请核对表中日期与任务的 as_of 及 [time]，并修正有误的一方。",
)

# --- weights -----------------------------------------------------------------------------------------------

WEIGHT_VALUE = data_fault(
    "WEIGHT_VALUE",
    "The sample weight is missing or negative.",
    "样本权重缺失或为负。",
    "Give every row a weight of 0 or more.",
    "请为每行填写不小于 0 的权重。",
)
WEIGHT_LIMIT = data_fault(
    "WEIGHT_LIMIT",
    "The sample weight is above the job's limit of {limit}.",
    "样本权重超过任务上限 {limit}。",
    "Divide the weights by a constant, or raise `weight_limit` in the job's [logistic].",
    "请将权重同除以一个常数，或提高任务 [logistic] 中的 `weight_limit`。",
)

WEIGHT_CLASS = data_fault(
    "WEIGHT_CLASS",
    "All rows of one class have the weight 0.",
    "其中一类样本的权重全部为 0。",
    "Give rows of both classes a weight above 0.",
    "请为两类样本均赋予大于 0 的权重。",
)

# --- the owner's word on bins ------------------------------------------------------------------------------

BIN_VALUES = config_fault(
    "BIN_VALUES",
    "This is not a list of values, or of groups of values, in which each stands once.",
    "此处应为取值列表或取值分组列表，且每个取值只出现一次。",
    "Write `specials = [-8, [-1, -2]]`, `cuts = [1, 30, 90]` or `groups = [[\"A\", \"B\"], [\"C\"]]`.",
    "请按 `specials = [-8, [-1, -2]]`、`cuts = [1, 30, 90]` 或 `groups = [[\"A\", \"B\"], [\"C\"]]` 的形式填写。",
)
BIN_KEY_KIND = config_fault(
    "BIN_KEY_KIND",
    "The key `{key}` does not fit this kind of feature.",
    "`{key}` 不适用于该类型的特征。",
    "Numeric features have `specials`, `cuts` and `trend`, categorical ones `groups`.",
    "数值型特征可用 `specials`、`cuts` 与 `trend`，类别型特征可用 `groups`。",
)
BIN_FIXED = config_fault(
    "BIN_FIXED",
    "The bins are to be fixed, and no cuts or groups are given.",
    "要求固定分箱，但未给出 `cuts` 或 `groups`。",
    "Add `cuts` or `groups`, or leave `fixed` out.",
    "请增加 `cuts` 或 `groups`，或删去 `fixed`。",
)
VIEW_KEY_ROLE = config_fault(
    "VIEW_KEY_ROLE",
    "This key belongs into the view of a {role}.",
    "该配置项只能用于{role_zh}的视图。",
    "Remove it.",
    "请将其删除。",
)

FAULTS = tuple(value for value in globals().values() if isinstance(value, Fault))
