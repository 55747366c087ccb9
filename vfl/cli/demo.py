"""``vfl demo``: a bank, a platform and a coordinator on this machine, from nothing to two models and their reports.

It makes (or takes) tables, gives each institution a folder with nothing but its own, starts three processes over
mutual TLS, trains trees and a scorecard, and compares the joint models with what each party could do alone. Only
this program, which holds all folders, can compute *pooled* and *platform alone*: they are yardsticks of a simulation.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from pathlib import Path
from typing import Any

import click

from vfl.cli.bilingual import Command
from vfl.cli.demo_baselines import baselines
from vfl.cli.demo_card_baselines import card_baselines
from vfl.cli.demo_jobs import DemoSizes, card_job, sizes_of, trees_job
from vfl.cli.demo_tables import print_tables
from vfl.cli.screen import console, say
from vfl.cli.watch import follow
from vfl.config.job import JobSpec
from vfl.crypto.backends import describe
from vfl.data.starter import starter_views
from vfl.data.synthetic import generate
from vfl.errors import ConfigError, Place, Text, TransportError
from vfl.roles import RoleName
from vfl.service.folder import JobFolder
from vfl.service.local import LocalNetwork, LocalParty

__all__ = ["demo"]

@click.command(cls=Command, help="From nothing to a joint model and a report / 从零到联合模型与报告")
@click.option(
    "--data", type=click.Path(path_type=Path), help="folder with bank.csv platform.csv consents.csv / 数据目录"
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True, help="results / 结果目录"
)
@click.option("--trees", type=int, help="trees at most; default: what this machine trains in a minute / 最多树数")
@click.option("--rate", default=0.2, show_default=True, help="learning rate / 学习率")
@click.option("--firms", default=12_000, show_default=True, help="made-up firms, without --data / 模拟企业数")
def demo(data: Path | None, out: Path, trees: int | None, rate: float, firms: int) -> None:
    began = time.monotonic()
    sizes = _sizes(trees)
    root = _fresh(out)
    network = LocalNetwork(root / "network")
    policy = 'approve = "auto"\nminimum_intersection = 1000\n'
    try:
        network.create(["bank-a"], ["platform-a"], policy=policy)
        as_of, rows = _tables(data, network, root, firms)
        network.start()
        facts: dict[str, Any] = {"encryption_us": round(sizes.encryption, 1)}
        say("\nBoosted trees, as LightGBM grows them on the pooled table",
            "\n提升树（与明文合并数据上的 LightGBM 相同）")  # fmt: skip
        facts["trees"] = _train(network, "trees", trees_job(as_of, sizes, rate), sizes.trees)
        say("\nScorecard: bins, selection, logistic regression at the pooled optimum, points",
            "\n评分卡：分箱、筛选、与合并数据一致的逻辑回归、分值")  # fmt: skip
        card = card_job(as_of, sizes, rows, min_iv=0.1 if data is None else 0.02)
        facts["scorecard"] = _train(network, "scorecard", card, JobSpec.parse(card, "demo").logistic.steps)
        facts["seconds"] = round(time.monotonic() - began, 1)
        (root / "demo.json").write_text(json.dumps(facts, indent=1))
    finally:
        network.stop()
    _print_end(network.parties["bank-a"], [facts["trees"]["job"], facts["scorecard"]["job"]], facts["seconds"])


def _sizes(trees: int | None) -> DemoSizes:
    """What this machine can train in the time of a demo, and why."""
    backend = describe()
    say(
        f"Paillier arithmetic: {backend.name} ({backend.reason.en})",
        f"Paillier 运算：{backend.name}（{backend.reason.zh}）",
    )
    sizes = sizes_of(trees)
    said = f"{sizes.encryption:.0f} µs", sizes.trees, f"{sizes.train_rows:,}"
    if not sizes.standard_errors:
        say(
            "This machine is slower than one with a compiled kernel and AVX-512 IFMA (25 µs an encryption), and so "
            "the models are smaller.",
            "本机慢于具备编译内核与 AVX-512 IFMA 的机器（每次加密 25 微秒），因此训练规模相应缩小。",
        )
    say(
        "An encryption takes {} here. Trees: {}; training rows of the scorecard: at most {}.".format(*said),
        "本机每次加密耗时 {}。树：{} 棵；评分卡训练样本：至多 {} 行。".format(*said),
    )
    return sizes


def _train(network: LocalNetwork, kind: str, text: str, rounds: int) -> dict[str, Any]:
    """Run one job to its end, print its tables; its name, yardsticks and seconds."""
    began = time.monotonic()
    bank, platform = network.parties["bank-a"], network.parties["platform-a"]
    job = f"demo-{kind}-" + dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    own, theirs = JobFolder(bank.jobs, job), JobFolder(platform.jobs, job)
    own.make()
    own.write("request.toml", text.encode())

    def alive() -> None:
        if network.dead():
            raise _node_died(network)

    follow(own, rounds, alive=alive)
    _wait_for(theirs)
    trained = time.monotonic() - began
    if kind == "trees":
        yardsticks = baselines(bank.folder, platform.folder, own)
    else:
        yardsticks = card_baselines(bank.folder, platform.folder, own, theirs)
    print_tables(own, theirs, yardsticks, trained)
    return {"job": job, "yardsticks": yardsticks, "seconds": round(trained, 1)}


def _print_end(bank: LocalParty, jobs: list[str], seconds: float) -> None:
    node, trees, card = bank.folder / "node.toml", *(JobFolder(bank.jobs, job) for job in jobs)
    say(f"\n{seconds / 60:.1f} minutes in all. Reports:", f"\n共 {seconds / 60:.1f} 分钟。报告：")
    for folder in (trees, card):
        console.print(f"  {folder.file('report.html')}")
    say("Next:", "接下来可以：")
    console.print(
        f"  vfl report {card.job} --node {node} --open\n"
        f"  vfl export {card.job} --format pmml --node {node}\n"
        f"  vfl audit verify {card.file('audit.jsonl')} --identity {bank.folder / 'identity'}",
        soft_wrap=True,
    )


def _fresh(out: Path) -> Path:
    """An empty folder; an earlier demo's is replaced, anything else is left alone."""
    if out.exists() and any(out.iterdir()) and not (out / ".vfl-demo").exists():
        raise ConfigError(
            "DEMO_FOLDER",
            Text(en="the folder holds something that is not a demo's", zh="该目录中有非演示生成的内容"),
            cure=Text(en="name another folder with --out", zh="请用 --out 指定其他目录"),
            place=Place(file=str(out)),
        )
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / ".vfl-demo").touch()
    return out.resolve()


def _tables(data: Path | None, network: LocalNetwork, root: Path, firms: int) -> tuple[dt.date, int]:
    """Give each institution its own table and nothing else; the job's date, and the rows of the smaller table."""
    bank, platform = network.parties["bank-a"].folder, network.parties["platform-a"].folder
    if data is None:
        say(f"Making {firms} enterprises …", f"生成 {firms} 家模拟企业 …")
        made = generate(root / "made", firms=firms)
        shutil.move(made.bank, bank / made.bank.name)
        shutil.move(made.bank_views, bank / "views.toml")
        shutil.move(made.platforms[0], platform / made.platforms[0].name)
        shutil.move(made.consents, platform / made.consents.name)
        shutil.move(made.platform_views[0], platform / "views.toml")
        return made.as_of, _least_rows(bank / made.bank.name, platform / made.platforms[0].name)
    for name in ("bank.csv", "platform.csv", "consents.csv"):
        if not (data / name).is_file():
            raise ConfigError(
                "DEMO_DATA",
                Text(en=f"the folder has no {name}", zh=f"目录中没有 {name}"),
                cure=Text(
                    en="give a folder with bank.csv, platform.csv and consents.csv",
                    zh="请指定含有 bank.csv、platform.csv 和 consents.csv 的目录",
                ),
                place=Place(file=str(data)),
            )
    shutil.copyfile(data / "bank.csv", bank / "bank.csv")
    shutil.copyfile(data / "platform.csv", platform / "platform.csv")
    shutil.copyfile(data / "consents.csv", platform / "consents.csv")
    (bank / "views.toml").write_text(starter_views(bank / "bank.csv", role=RoleName.BANK))
    views = starter_views(platform / "platform.csv", role=RoleName.PLATFORM)
    (platform / "views.toml").write_text(views + '\n[consents]\nsource = "consents.csv"\n')
    return dt.date.today(), _least_rows(bank / "bank.csv", platform / "platform.csv")


def _least_rows(*tables: Path) -> int:
    counts = []
    for table in tables:
        with table.open("rb") as file:
            counts.append(sum(1 for _ in file) - 1)
    return max(1, min(counts))


def _wait_for(folder: JobFolder) -> None:
    """The platform ends a moment after the bank."""
    deadline = time.monotonic() + 30
    while not folder.load().final and time.monotonic() < deadline:
        time.sleep(0.1)


def _node_died(network: LocalNetwork) -> TransportError:
    name = network.dead()[0]
    log = network.parties[name].log
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or [""]
    return TransportError(
        "DEMO_NODE_DIED",
        Text(en=f"the node {name} ended: {last[0]}", zh=f"节点 {name} 已退出：{last[0]}"),
        cure=Text(en=f"its log is {log}", zh=f"日志见 {log}"),
    )
