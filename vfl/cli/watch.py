"""Following a job at this party: live lanes on a terminal, a line per 10 % elsewhere; Ctrl-C is clean."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rich.live import Live
from rich.text import Text as Styled

from vfl.cli.screen import console, language, say
from vfl.errors import ConfigError, JobAborted, Text
from vfl.service.folder import JobFolder, JobState

__all__ = ["follow"]

_NAMES = {
    "keys": ("keys", "密钥"),
    "alignment": ("alignment", "对齐"),
    "shapes": ("features", "特征"),
    "evaluation": ("evaluation", "评估"),
}


def _line(state: JobState, trees: int) -> str:
    zh = language() == "zh"
    if state.phase.startswith("tree-"):
        what = f"{'树' if zh else 'tree'} {int(state.phase[5:]) + 1}/{trees}"
    else:
        what = _NAMES.get(state.phase, (state.phase, state.phase))[1 if zh else 0]
    waiting = f" ({'等待' if zh else 'waiting for'} {state.waiting_for})" if state.waiting_for else ""
    return f"{state.state}: {what or '…'}{waiting}"


def _share(state: JobState, trees: int) -> float:
    if state.phase.startswith("tree-"):
        return 0.1 + 0.85 * int(state.phase[5:]) / max(1, trees)
    return {"keys": 0.01, "alignment": 0.05, "shapes": 0.09, "evaluation": 0.97}.get(state.phase, 0.0)


def follow(folder: JobFolder, trees: int, *, alive: Callable[[], None] = lambda: None) -> JobState:
    """Show progress until the job ends; JobAborted when it failed.

    ``alive`` is called at each look and may raise, e.g. when a node's process has died.
    """
    try:
        state = _live(folder, trees, alive) if sys.stdout.isatty() else _lines(folder, trees, alive)
    except KeyboardInterrupt:
        say(
            f"The job goes on at the nodes; `vfl status {folder.job}` shows it.",
            f"任务仍在节点上运行；可用 `vfl status {folder.job}` 查看。",
        )
        raise SystemExit(130) from None
    if state.state != "done":
        raise JobAborted(
            state.code or "JOB_ABORTED",
            Text(
                en=f"the job ended as {state.state}: {state.message_en}",
                zh=f"任务结束（{state.state}）：{state.message_zh}",
            ),
            cure=Text(en="follow the cure in that sentence, then start a new job", zh="按上述办法处理后重新发起任务"),
        )
    return state


def _live(folder: JobFolder, trees: int, alive: Callable[[], None]) -> JobState:
    began = time.monotonic()
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while not (state := folder.load()).final:
            alive()
            share = _share(state, trees)
            spent = time.monotonic() - began
            left = f", ~{spent / share - spent:.0f} s" if share > 0.12 else ""
            bar = "━" * int(30 * share) + "─" * (30 - int(30 * share))
            live.update(Styled(f"{bar} {100 * share:3.0f} %  {_line(state, trees)}  {spent:.0f} s{left}"))
            time.sleep(0.1)
    return state


def _lines(folder: JobFolder, trees: int, alive: Callable[[], None]) -> JobState:
    shown = -1
    while not (state := folder.load()).final:
        alive()
        tenth = int(10 * _share(state, trees))
        if tenth > shown:
            shown = tenth
            console.print(f"{10 * tenth:3d} %  {_line(state, trees)}")
        time.sleep(0.1)
    return state


def require_job(folder: JobFolder) -> JobState:
    """The state of a job that exists; ConfigError ``JOB_UNKNOWN``."""
    if not folder.path.is_dir():
        raise ConfigError(
            "JOB_UNKNOWN",
            Text(en=f"there is no job {folder.job} at this node", zh=f"本节点没有任务 {folder.job}"),
            cure=Text(en="`vfl status` lists the jobs", zh="可用 `vfl status` 列出任务"),
        )
    return folder.load()
