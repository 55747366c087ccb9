"""``vfl demo``: a bank, a platform and a coordinator on this machine, from nothing to a report.

It makes (or takes) tables, gives each institution a folder with nothing but its own, starts three processes over
mutual TLS, runs the job, and compares the joint model with what each party could do alone. Only this program, which
holds all folders, can compute *pooled* and *platform alone*: they are yardsticks of a simulation.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from pathlib import Path

import click

from vfl.cli.bilingual import Command
from vfl.cli.demo_baselines import baselines
from vfl.cli.demo_tables import print_tables
from vfl.cli.screen import say
from vfl.cli.watch import follow
from vfl.crypto.backends import describe
from vfl.data.starter import starter_views
from vfl.data.synthetic import generate
from vfl.errors import ConfigError, Place, Text, TransportError
from vfl.roles import RoleName
from vfl.service.folder import JobFolder
from vfl.service.local import LocalNetwork

__all__ = ["demo"]

_JOB = """\
[job]
name = "demo"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}

[privacy]
key_bits = 2048

[sample]
train = 0.6
valid = 0.0667
test = 0.3333

[trees]
trees = {trees}
num_leaves = 15
learning_rate = {rate}
min_data_in_leaf = 50
early_stopping_rounds = 20
"""


@click.command(cls=Command, help="From nothing to a joint model and a report / 从零到联合模型与报告")
@click.option(
    "--data", type=click.Path(path_type=Path), help="folder with bank.csv platform.csv consents.csv / 数据目录"
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True, help="results / 结果目录"
)
@click.option("--trees", type=int, help="trees at most (25; 4 without the compiled kernel) / 最多树数")
@click.option("--rate", default=0.2, show_default=True, help="learning rate / 学习率")
@click.option("--firms", default=12_000, show_default=True, help="made-up firms, without --data / 模拟企业数")
def demo(data: Path | None, out: Path, trees: int | None, rate: float, firms: int) -> None:
    began = time.monotonic()
    backend = describe()
    say(
        f"Paillier arithmetic: {backend.name} ({backend.reason.en})",
        f"Paillier 运算：{backend.name}（{backend.reason.zh}）",
    )
    if trees is None:
        trees = 25 if backend.name == "native" else 4
    if backend.name != "native":
        say(
            f"Without it this is some 15 times slower: {trees} trees instead of 25.",
            f"没有编译内核时约慢 15 倍：仅训练 {trees} 棵树而非 25 棵。",
        )
    root = _fresh(out)
    network = LocalNetwork(root / "network")
    policy = 'approve = "auto"\nminimum_intersection = 1000\n'
    try:
        network.create(["bank-a"], ["platform-a"], policy=policy)
        as_of = _tables(data, network, root, firms)
        network.start()
        job = "demo-" + dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
        folder = JobFolder(network.parties["bank-a"].jobs, job)
        folder.make()
        folder.write("request.toml", _JOB.format(as_of=as_of, trees=trees, rate=rate).encode())

        def alive() -> None:
            if network.dead():
                raise _node_died(network)

        follow(folder, trees, alive=alive)
        other = JobFolder(network.parties["platform-a"].jobs, job)
        _wait_for(other)
        trained = time.monotonic() - began
        yardsticks = baselines(network.parties["bank-a"].folder, network.parties["platform-a"].folder, folder)
        print_tables(folder, other, yardsticks, trained)
        facts = {"yardsticks": yardsticks, "seconds": round(trained, 1)}
        (root / "demo.json").write_text(json.dumps(facts, indent=1))
    finally:
        network.stop()
    node = network.parties["bank-a"].folder / "node.toml"
    say(
        f"Report: {folder.file('report.html')}\nNext:\n"
        f"  vfl report {job} --node {node}\n  vfl protocol leaks\n  vfl audit verify {folder.file('audit.jsonl')}"
        f" --identity {network.parties['bank-a'].folder / 'identity'}",
        f"报告：{folder.file('report.html')}\n接下来可以：\n"
        f"  vfl report {job} --node {node}\n  vfl protocol leaks\n  vfl audit verify {folder.file('audit.jsonl')}"
        f" --identity {network.parties['bank-a'].folder / 'identity'}",
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


def _tables(data: Path | None, network: LocalNetwork, root: Path, firms: int) -> dt.date:
    """Give each institution its own table and nothing else; returns the job's date."""
    bank, platform = network.parties["bank-a"].folder, network.parties["platform-a"].folder
    if data is None:
        say(f"Making {firms} enterprises …", f"生成 {firms} 家模拟企业 …")
        made = generate(root / "made", firms=firms)
        shutil.move(made.bank, bank / made.bank.name)
        shutil.move(made.bank_views, bank / "views.toml")
        shutil.move(made.platforms[0], platform / made.platforms[0].name)
        shutil.move(made.consents, platform / made.consents.name)
        shutil.move(made.platform_views[0], platform / "views.toml")
        return made.as_of
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
    return dt.date.today()


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
