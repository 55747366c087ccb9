"""``vfl audit``: read and verify a party's audit trail, offline and trusting nobody but the party's signing key."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vfl.cli.bilingual import group
from vfl.cli.nodes import node_option
from vfl.cli.screen import say, table
from vfl.config.node import NodeConfig
from vfl.crypto.certificates import read_certificate
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.crypto.keyfiles import write_file
from vfl.errors import ConfigError, DataError, Place, Text
from vfl.runtime.audit import verify_trail

__all__ = ["audit"]

_FILE = click.Path(path_type=Path)
_SHOWN = ("type", "to", "bytes", "bits", "contract")


@group("Read and verify audit trails, offline / 离线查看与校验审计链")
def audit() -> None:
    pass


@audit.command(help="Check order, links and signatures of a trail / 校验顺序、衔接与签名")
@click.argument("file", type=_FILE)
@click.option("--identity", type=_FILE, help="folder of the party's own identity / 本方身份目录")
@click.option("--record", type=_FILE, help="the party's record, with --authority / 该方身份记录，与 --authority 同用")
@click.option("--authority", type=_FILE, help="ca.pem of the network / 网络证书机构证书")
@click.option("--head", help="hex of the last link, as the others keep it / 其他方留存的链头（十六进制）")
def verify(file: Path, identity: Path | None, record: Path | None, authority: Path | None, head: str | None) -> None:
    lines = _lines(file)
    party = _party(identity, record, authority, _last_day(lines))
    key = Ed25519PublicKey.from_public_bytes(party.signing_key)
    count = verify_trail(lines, key, name=str(file), head=head)
    end = hashlib.sha256(lines[-1]).hexdigest()
    say(
        f"{count} entries of {party.name}, unbroken; head {end}\nsigning key {party.fingerprint}",
        f"{party.name} 的 {count} 条审计记录完整无误；链头 {end}\n签名密钥 {party.fingerprint}",
    )
    if head is None:
        say(
            "Without --head nobody can tell whether entries are missing at the end; compare the head with the others'.",
            "未给出 --head，无法判断末尾是否缺失；请与其他方留存的链头比对。",
        )


@audit.command(help="The entries as a table / 以表格显示审计记录")
@click.argument("file", type=_FILE)
def show(file: Path) -> None:
    rows = []
    for number, line in enumerate(_lines(file), 1):
        entry = _entry(line, file, number)
        facts = ", ".join(f"{k} {str(entry[k])[:16]}" for k in _SHOWN if k in entry)
        rows.append([str(number), str(entry.get("at", "")), str(entry.get("event", "")), facts])
    columns = [("entry", "序号"), ("at", "时间"), ("event", "事件"), ("facts", "内容")]
    table((f"{file} (not verified)", f"{file}（未校验）"), columns, rows, prose=True)


@audit.command(help="Write this party's record for an auditor / 导出本方身份记录供审计使用")
@click.argument("out", type=_FILE)
@node_option
def record(out: Path, node: NodeConfig) -> None:
    identity = PartyIdentity.load(node.identity)
    write_file(out, identity.record.raw)
    say(f"{out}: {identity.record.fingerprint}", f"{out}：{identity.record.fingerprint}")


def _lines(file: Path) -> list[bytes]:
    try:
        raw = file.read_bytes()
    except OSError:
        raise DataError(
            "AUDIT_FILE",
            Text(en="the trail cannot be read", zh="无法读取审计链文件"),
            cure=Text(en="name the audit.jsonl of a job's folder", zh="请指定任务目录中的 audit.jsonl"),
            place=Place(file=str(file)),
        ) from None
    lines = raw.removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise DataError(
            "AUDIT_EMPTY",
            Text(en="the trail holds no entry", zh="审计链为空"),
            cure=Text(en="a job's trail is written when the job ends", zh="审计链在任务结束时写出"),
            place=Place(file=str(file)),
        )
    return lines


def _entry(line: bytes, file: Path, number: int) -> dict[str, object]:
    try:
        entry = json.loads(line)["entry"]
        if isinstance(entry, dict):
            return entry
    except (ValueError, KeyError, TypeError):
        pass
    raise DataError(
        "AUDIT_BROKEN",
        Text(en="this is no audit entry", zh="该行不是审计记录"),
        cure=Text(en="`vfl audit verify` tells where the trail breaks", zh="可用 `vfl audit verify` 定位断点"),
        place=Place(file=str(file), row=number),
    )


def _last_day(lines: list[bytes]) -> dt.datetime | None:
    """When the trail says it ended: certificates are judged at that time, since auditors come years later."""
    try:
        return dt.datetime.fromisoformat(json.loads(lines[-1])["entry"]["at"])
    except (ValueError, KeyError, TypeError):
        return None


def _party(identity: Path | None, record: Path | None, authority: Path | None, at: dt.datetime | None) -> PartyRecord:
    if identity is not None:
        return PartyIdentity.load(identity).record
    if record is None or authority is None:
        raise ConfigError(
            "AUDIT_WHOSE",
            Text(en="whose trail is it?", zh="未说明审计链属于哪一方"),
            cure=Text(
                en="give --identity DIR, or --record FILE with --authority ca.pem",
                zh="请给出 --identity 目录，或 --record 文件与 --authority ca.pem",
            ),
        )
    try:
        raw = record.read_bytes()
    except OSError:
        raise ConfigError(
            "RECORD_FILE",
            Text(en="the party's record cannot be read", zh="无法读取身份记录"),
            cure=Text(en="the party writes it with `vfl audit record`", zh="由该方用 `vfl audit record` 导出"),
            place=Place(file=str(record)),
        ) from None
    return PartyRecord.verify(raw, read_certificate(authority), now=at)
