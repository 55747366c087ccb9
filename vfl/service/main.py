"""The process of a party's node: arguments, signals, exit status."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from vfl.config.node import NodeConfig
from vfl.errors import VflError
from vfl.runtime.journal import Journal
from vfl.service.node import PartyNode
from vfl.service.side import Side

__all__ = ["serve"]


def serve(
    program: str,
    side: Callable[[NodeConfig], Side],
    arguments: Sequence[str] | None = None,
    *,
    journal_class: type[Journal] = Journal,
) -> int:
    """Run the node until SIGTERM or SIGINT; the exit status is that of the error's class."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description="A party's node / 参与方节点")
    parser.add_argument("--config", type=Path, required=True, help="node.toml / 节点配置文件")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    language = "zh"
    try:
        config = NodeConfig.read(given.config)
        language = config.language
        asyncio.run(_run(PartyNode(config, side(config), journal_class=journal_class)))
    except VflError as error:
        print(error.in_(language), file=sys.stderr)
        return error.exit_code
    return 0


async def _run(node: PartyNode) -> None:
    task = asyncio.ensure_future(node.run())
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopped; jobs go on at the next start")
