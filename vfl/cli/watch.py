"""Following a job at this party: live lanes on a terminal, a line per 10 % elsewhere; Ctrl-C is clean.

A node knows its own stage and which peer it waits for, nothing more of the others: their lanes say just that.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Group
from rich.live import Live
from rich.text import Text as Styled

from vfl.cli.screen import console, language, say
from vfl.errors import JobAborted, Text
from vfl.service.folder import JobFolder, JobState

__all__ = ["follow", "phase_name", "state_name"]

_PHASES = {
    "keys": ("keys", "密钥"),
    "alignment": ("alignment", "对齐"),
    "shapes": ("features", "特征"),
    "binning": ("binning", "分箱"),
    "screening": ("selection of features", "特征筛选"),
    "logistic-start": ("regression, first step", "逻辑回归首步"),
    "logistic-end": ("standard errors and weights", "标准误与系数"),
    "scorecard": ("points", "评分卡分值"),
    "scoring": ("scoring", "评分"),
    "evaluation": ("evaluation", "评估"),
}
_STATES = {
    "requested": ("requested", "已提交"),
    "proposed": ("proposed to the platforms", "已向平台提议"),
    "waiting-approval": ("waiting for approval here", "等待本方审批"),
    "approved": ("approved", "已批准"),
    "running": ("running", "运行中"),
    "paused": ("paused", "已暂停"),
    "done": ("done", "完成"),
    "failed": ("failed", "失败"),
    "cancelled": ("cancelled", "已取消"),
    "refused": ("refused", "被拒绝"),
}
_SHARES = {
    "keys": 0.01, "alignment": 0.05, "shapes": 0.09, "binning": 0.08, "screening": 0.11, "logistic-start": 0.13,
    "logistic-end": 0.75, "scorecard": 0.96, "evaluation": 0.97,
}  # fmt: skip


def state_name(state: str) -> str:
    """The state in the reader's words."""
    return _STATES.get(state, (state, state))[language() == "zh"]


def phase_name(phase: str, rounds: int = 0) -> str:
    """The phase in the reader's words; ``rounds`` are trees or steps of the regression, at most."""
    zh, total = language() == "zh", f"/{rounds}" if rounds else ""
    if phase.startswith("tree-"):
        return f"{'树' if zh else 'tree'} {int(phase[5:]) + 1}{total}"
    if phase.startswith("logistic-step-"):
        step = f"{int(phase.split('-')[2]) + 1}{total}"
        return f"逻辑回归第 {step} 步" if zh else f"regression, step {step}"
    return _PHASES.get(phase, (phase, phase))[zh]


def _line(state: JobState, rounds: int) -> str:
    waiting = f" ({'等待' if language() == 'zh' else 'waiting for'} {state.waiting_for})" if state.waiting_for else ""
    return f"{state_name(state.state)}: {phase_name(state.phase, rounds) or '…'}{waiting}"


def _share(state: JobState, rounds: int) -> float:
    if state.phase.startswith("tree-"):
        return 0.1 + 0.85 * int(state.phase[5:]) / max(1, rounds)
    if state.phase.startswith("logistic-step-"):
        return 0.13 + 0.62 * int(state.phase.split("-")[2]) / max(1, rounds)
    return _SHARES.get(state.phase, 0.0)


def follow(
    folder: JobFolder,
    rounds: int,
    *,
    own: str = "",
    peers: Sequence[str] = (),
    alive: Callable[[], None] = lambda: None,
) -> JobState:
    """Show progress until the job ends; JobAborted when it failed.

    ``own`` and ``peers`` name the lanes; ``alive`` is called at each look and may raise, e.g. when a node's process
    has died.
    """
    try:
        live = sys.stdout.isatty()
        state = _live(folder, rounds, own, peers, alive) if live else _lines(folder, rounds, alive)
    except KeyboardInterrupt:
        say(
            f"The job goes on at the nodes; `vfl status {folder.job}` shows it, `vfl cancel {folder.job}` ends it.",
            f"任务仍在节点上运行；可用 `vfl status {folder.job}` 查看，`vfl cancel {folder.job}` 取消。",
        )
        raise SystemExit(130) from None
    if state.state != "done":
        raise JobAborted(
            state.code or "JOB_ABORTED",
            Text(
                en=f"the job ended as {state.state}: {state.message_en}",
                zh=f"任务结束（{_STATES.get(state.state, (state.state,) * 2)[1]}）：{state.message_zh}",
            ),
            cure=Text(en="follow the cure in that sentence, then start a new job", zh="按上述办法处理后重新发起任务"),
        )
    return state


def _lanes(state: JobState, rounds: int, own: str, peers: Sequence[str], spent: float) -> Group:
    zh = language() == "zh"
    share = _share(state, rounds)
    left = f", ~{spent / share - spent:.0f} s" if share > 0.12 else ""
    bar = "━" * int(30 * share) + "─" * (30 - int(30 * share))
    width = max(map(len, (own, *peers)), default=0)
    stage = f" · {state.stage} {100 * state.share:.0f} %" if state.stage else ""
    lanes = [Styled(f"{own:{width}}  {bar} {100 * share:3.0f} %  {_line(state, rounds)}{stage}  {spent:.0f} s{left}")]
    for peer in peers:
        if state.waiting_for == peer:
            said = "本方正在等待其应答" if zh else "we wait for its answer"
        elif state.state == "running":
            said = "与本方同步" if zh else "in step with us"
        else:
            said = "尚未开始" if zh else "has not begun"
        lanes.append(Styled(f"{peer:{width}}  {said}", style="dim"))
    return Group(*lanes)


def _live(folder: JobFolder, rounds: int, own: str, peers: Sequence[str], alive: Callable[[], None]) -> JobState:
    began = time.monotonic()
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while not (state := folder.load()).final:
            alive()
            live.update(_lanes(state, rounds, own, peers, time.monotonic() - began))
            time.sleep(0.1)
    return state


def _lines(folder: JobFolder, rounds: int, alive: Callable[[], None]) -> JobState:
    shown = -1
    while not (state := folder.load()).final:
        alive()
        tenth = int(10 * _share(state, rounds))
        if tenth > shown:
            shown = tenth
            console.print(f"{10 * tenth:3d} %  {_line(state, rounds)}")
        time.sleep(0.1)
    return state
