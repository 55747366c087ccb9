"""The group of commands."""

from __future__ import annotations

import click

from vfl import __version__
from vfl.cli.audit import audit
from vfl.cli.bilingual import group
from vfl.cli.ca import ca
from vfl.cli.compare import compare
from vfl.cli.demo import demo
from vfl.cli.doctor import doctor
from vfl.cli.export import export
from vfl.cli.init import init
from vfl.cli.jobs import approve, cancel, status
from vfl.cli.party import party
from vfl.cli.plan import plan
from vfl.cli.protocol import protocol
from vfl.cli.report import report
from vfl.cli.run import run
from vfl.cli.score import score
from vfl.cli.sim import sim

__all__ = ["main"]


@group("Joint credit lab: model together, data stays in its domain / 联合实验室：联合建模，数据不出域", name="vfl")
@click.version_option(__version__, prog_name="vfl", message="%(prog)s %(version)s")
def main() -> None:
    pass


for _command in (
    demo,
    init,
    plan,
    run,
    status,
    approve,
    cancel,
    report,
    score,
    export,
    compare,
    sim,
    protocol,
    audit,
    ca,
    party,
    doctor,
):
    main.add_command(_command)
