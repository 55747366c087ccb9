"""The checks of ``vfl doctor``: each looks at one thing and says what it found, and the cure where it is wrong."""

from __future__ import annotations

import asyncio
import os
import platform as machine
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from vfl import __version__, _native
from vfl.config.files import require_private_file
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.crypto import limbs
from vfl.crypto.backends import choose, describe
from vfl.crypto.certificates import utc_now
from vfl.crypto.identity import PartyIdentity
from vfl.crypto.psi_curve import path as psi_path
from vfl.data.schema import Use
from vfl.data.source import open_source, require_declared
from vfl.data.views import load_views
from vfl.errors import ConfigError, Place, Text, TransportError, VflError
from vfl.runtime.client import CoordinatorClient
from vfl.runtime.grpc import GrpcTransport
from vfl.runtime.transport import Handlers

__all__ = ["CHECKS", "Finding", "Grade", "examine"]

_WARN_DAYS = 30
_WAIT_S = 5.0
_GIB = 1 << 30


class Grade(StrEnum):
    """How a check ended. Only ``BAD`` fails the examination."""

    GOOD = "good"
    ODD = "odd"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    name: Text
    grade: Grade
    said: Text
    cure: Text | None = None


Check = Callable[[NodeConfig], tuple[Grade, Text, Text | None]]


def examine(name: Text, check: Check, config: NodeConfig) -> Finding:
    """Run one check; one of our errors is a finding, with the error's own cure."""
    try:
        return Finding(name, *check(config))
    except VflError as error:
        en, zh = ("", "") if error.place is None else (f"{error.place.in_('en')}: ", f"{error.place.in_('zh')}：")
        said = Text(f"[{error.code}] {en}{error.text.en}", f"[{error.code}] {zh}{error.text.zh}")
        return Finding(name, Grade.BAD, said, error.cure)


def _same(text: str) -> Text:
    return Text(text, text)


def _program(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    return Grade.GOOD, _same(f"vfl {__version__}, Python {machine.python_version()}, {machine.platform()}"), None


def _paillier(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    chosen = describe()
    if chosen.name != "native":
        cure = Text(
            "install the wheel for this platform, or a C compiler and the package again; unset VFL_PAILLIER_BACKEND",
            "安装适合本平台的 wheel，或先安装 C 编译器再重装软件包；并取消 VFL_PAILLIER_BACKEND",
        )
        return Grade.ODD, Text(f"gmpy2, slower: {chosen.reason.en}", f"gmpy2，较慢：{chosen.reason.zh}"), cure
    times = _nth_powers("gmpy2") / _nth_powers("native")
    path = _native.active_path()
    said = Text(f"native kernel, path {path}, {times:.1f} times as fast as without it",
                f"编译内核，路径 {path}，速度约为无内核时的 {times:.1f} 倍")  # fmt: skip
    return Grade.GOOD, said, None


def _nth_powers(backend: str) -> float:
    """Seconds for 32 powers at 2,048 bits: the operation that dominates replies."""
    n = (1 << 2048) - 1 - 2 * 977  # timing needs an odd modulus of the right length only
    public = choose(backend).public(n)
    randoms = limbs.from_ints([3 + i << 1900 for i in range(32)], 32)
    public.nth_powers(randoms[:8])
    began = time.perf_counter()
    public.nth_powers(np.ascontiguousarray(randoms))
    return time.perf_counter() - began


def _intersection(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    path = psi_path()
    if path == "portable":
        cure = Text("install the compiled package for this platform", "安装适合本平台的已编译软件包")
        return Grade.ODD, Text("portable arithmetic, some 10 times slower", "通用实现，约慢 10 倍"), cure
    return Grade.GOOD, Text(f"native, path {path}", f"编译内核，路径 {path}"), None


def _identity(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    identity = PartyIdentity.load(config.identity)
    if identity.name != config.name or identity.member.role is not config.role:
        raise ConfigError(
            "NODE_IDENTITY",
            Text(f"the identity is that of {identity.member.uri}", f"该身份属于 {identity.member.uri}"),
            cure=Text("set name and role in node.toml as in the invitation", "按邀请在 node.toml 中填写 name 与 role"),
        )
    days = (identity.certificate.not_valid_after_utc - utc_now()).days
    said = Text(f"{identity.member.uri}, certificate in force for {days} more days",
                f"{identity.member.uri}，证书剩余 {days} 天")  # fmt: skip
    if days < _WARN_DAYS:
        return Grade.ODD, said, Text("run `vfl party renew`", "请运行 `vfl party renew`")
    return Grade.GOOD, said, None


def _modes(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    secrets = sorted(config.identity.glob("*.key"))
    for path in secrets:
        require_private_file(path)
    return Grade.GOOD, Text(f"{len(secrets)} secret files, readable by this account alone",
                            f"{len(secrets)} 个密钥文件，仅本账户可读"), None  # fmt: skip


def _policy(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    policy = Policy.read(config.policy)
    said = Text(f"keys from {policy.minimum_key_bits} bits, approval: {policy.approve}",
                f"密钥不低于 {policy.minimum_key_bits} 位，审批方式：{policy.approve}")  # fmt: skip
    if policy.allow_test_keys:
        cure = Text("set allow_test_keys = false before real data", "接入真实数据前请将 allow_test_keys 设为 false")
        return Grade.ODD, Text(said.en + "; short test keys allowed", said.zh + "；允许短测试密钥"), cure
    return Grade.GOOD, said, None


def _views(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    """Headers only: tables are read in full when a job asks for them."""
    views = load_views(config.views, role=config.role)
    for view in views.views.values():
        header = open_source(view.source, encoding=view.encoding, delimiter=view.delimiter).header()
        require_declared(header, view.columns(Use.TRAINING), Place(file=view.source.name))
    if views.consents is not None:
        spec = views.consents
        header = open_source(spec.source, encoding=spec.encoding, delimiter=spec.delimiter).header()
        require_declared(header, spec.columns(), Place(file=spec.source.name))
    columns = sum(len(v.features) for v in views.views.values())
    said = Text(f"{len(views.views)} views, {columns} features, headers as declared",
                f"{len(views.views)} 个视图，{columns} 个特征，表头与声明一致")  # fmt: skip
    return Grade.GOOD, said, None


def _port(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    host, _, port = config.coordinator.rpartition(":")
    try:
        began = time.perf_counter()
        socket.create_connection((host.strip("[]"), int(port)), timeout=_WAIT_S).close()
    except (OSError, ValueError) as problem:
        raise TransportError(
            "COORDINATOR_PORT",
            Text(f"{config.coordinator} does not answer ({type(problem).__name__})",
                 f"{config.coordinator} 无应答（{type(problem).__name__}）"),
            cure=Text("check the address, that the coordinator runs, and that the firewall lets this port out",
                      "请检查地址、协调节点是否运行，以及防火墙是否放行该出站端口"),
        ) from None  # fmt: skip
    delay = 1000 * (time.perf_counter() - began)
    return (
        Grade.GOOD,
        Text(f"{config.coordinator} answers in {delay:.0f} ms", f"{config.coordinator} 应答 {delay:.0f} 毫秒"),
        None,
    )


def _coordinator(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    identity = PartyIdentity.load(config.identity)
    members, online = asyncio.run(asyncio.wait_for(_greet(identity, config.coordinator), 4 * _WAIT_S))
    how = Text("this node is connected", "本节点已连接") if online else Text("versions agree", "版本一致")
    said = Text(
        f"mutual TLS 1.3 holds, {how.en}, {members} members", f"双向 TLS 1.3 正常，{how.zh}，共 {members} 个成员"
    )
    return Grade.GOOD, said, None


async def _greet(identity: PartyIdentity, address: str) -> tuple[int, bool]:
    """(members, whether our node is connected); else the version handshake is tried in the node's place."""
    async with CoordinatorClient(identity, address) as client:
        parties = await client.parties()
    online = any(p.name == identity.name and p.online for p in parties)
    if not online:
        transport = GrpcTransport(identity, address, software=f"joint-credit-lab {__version__}")
        transport.set_handlers(Handlers(on_envelope=_unheard, on_resume=_unheard))
        try:
            await transport.connect()
        finally:
            await transport.close()
    return len(parties), online


async def _unheard(*_: object) -> None:
    """We only greet: what the relay sends to this party waits for its node."""


def _clock(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    """The coordinator tells no time; a clock before the certificate's first day is certainly wrong."""
    now = utc_now()
    issued = PartyIdentity.load(config.identity).certificate.not_valid_before_utc
    if now < issued:
        cure = Text("set the clock; use NTP", "请校准时钟，建议使用 NTP")
        return Grade.BAD, Text("this machine's clock is behind the certificate", "本机时钟早于证书签发时间"), cure
    return Grade.GOOD, Text(f"{now:%Y-%m-%d %H:%M:%S} UTC here (the coordinator tells no time: compare by eye)",
                            f"本机 {now:%Y-%m-%d %H:%M:%S} UTC（协调节点不提供时间，请人工核对）"), None  # fmt: skip


def _disk(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    folder = _nearest(config.jobs)
    free = shutil.disk_usage(folder).free / _GIB
    said = Text(f"{free:.1f} GiB free for jobs", f"任务目录可用 {free:.1f} GiB")
    cure = Text(
        "free space or move `jobs` in node.toml to a larger disk", "请清理磁盘，或在 node.toml 中更换 jobs 目录"
    )
    if not os.access(folder, os.W_OK):
        write = Text("give the node's account write permission on it", "请授予节点账户写权限")
        return Grade.BAD, Text(f"{folder} is not writable", f"{folder} 不可写"), write
    grade = Grade.BAD if free < 1 else Grade.ODD if free < 10 else Grade.GOOD
    return grade, said, None if grade is Grade.GOOD else cure


def _nearest(path: Path) -> Path:
    """The folder itself or the nearest one above it that exists."""
    while not path.exists():
        path = path.parent
    return path


def _power(config: NodeConfig) -> tuple[Grade, Text, Text | None]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    said = Text(f"{cores} cores, {memory:.1f} GiB of memory", f"{cores} 核，内存 {memory:.1f} GiB")
    if memory < 2:
        return Grade.ODD, said, Text("`vfl plan` tells what a job needs", "可用 `vfl plan` 估计任务所需内存")
    return Grade.GOOD, said, None


CHECKS: tuple[tuple[Text, Check], ...] = (
    (Text("program", "程序"), _program),
    (Text("Paillier arithmetic", "Paillier 运算"), _paillier),
    (Text("set intersection", "隐私求交"), _intersection),
    (Text("identity", "身份"), _identity),
    (Text("secret files", "密钥文件"), _modes),
    (Text("policy", "策略"), _policy),
    (Text("views", "视图"), _views),
    (Text("coordinator's port", "协调节点端口"), _port),
    (Text("coordinator", "协调节点"), _coordinator),
    (Text("clock", "时钟"), _clock),
    (Text("disk", "磁盘"), _disk),
    (Text("machine", "机器"), _power),
)
