"""``vfl party``: how an institution comes into a network, and keeps its certificate in force.

With an invitation: ``invite`` (operator) → ``join`` (party). Where the authority is kept offline: ``csr`` (party) →
``sign`` (operator) → ``join --certificate`` (party). Private keys are made by the party and never leave it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from vfl.cli.bilingual import group
from vfl.cli.init import starter, write_new
from vfl.cli.nodes import node_option
from vfl.cli.screen import language, say
from vfl.config.node import NodeConfig
from vfl.crypto.certificates import CertificateAuthority, Member, member_of
from vfl.crypto.identity import PartyIdentity, create_party_keys, fingerprint, install_certificates
from vfl.crypto.invitation import Invitation
from vfl.errors import ConfigError, CryptoError, Place, Text
from vfl.lab.packages import node_package
from vfl.roles import RoleName
from vfl.runtime.client import join as join_network
from vfl.runtime.client import renew as renew_certificate

__all__ = ["party"]

_PARTIES = ("bank", "platform")
_FOLDER = click.Path(path_type=Path)


@group("Join a network, renew certificates, compare fingerprints / 加入网络、续期证书、核对指纹")
def party() -> None:
    pass


@party.command(help="Operator: print an invitation / 运营方：输出邀请")
@click.argument("role", type=click.Choice(_PARTIES))
@click.argument("name")
@click.option(
    "--coordinator",
    type=_FOLDER,
    default=Path("coordinator.toml"),
    show_default=True,
    help="coordinator.toml / 协调节点配置",
)
@click.option("--days", default=7.0, show_default=True, help="valid for / 有效天数")
def invite(role: str, name: str, coordinator: Path, days: float) -> int:
    arguments = ["--config", str(coordinator), "invite", role, name, "--days", str(days)]
    return int(node_package("coordinator.__main__").main(arguments))


@party.command(
    help="Party: make keys, have them certified, write this node's files / 机构：生成密钥并入网，写好节点配置"
)
@click.argument("invitation", required=False)
@click.option("--folder", type=_FOLDER, default=Path("."), show_default=True, help="of this node / 节点目录")
@click.option(
    "--fingerprint", "expected", default="", help="of the authority, as told by telephone / 电话告知的证书机构指纹"
)
@click.option("--yes", is_flag=True, help="do not ask / 不再询问")
@click.option(
    "--certificate", type=_FOLDER, help="file from `vfl party sign` instead of an invitation / 用签发的证书文件代替邀请"
)
@click.option("--coordinator", default="", help="host:port, with --certificate / 与 --certificate 同用")
def join(
    invitation: str | None, folder: Path, expected: str, yes: bool, certificate: Path | None, coordinator: str
) -> None:
    if certificate is not None:
        issued, authority = _bundle(certificate)
        _confirm(authority, expected, yes)
        identity = install_certificates(folder / "identity", issued, authority, member_of(issued))
        address = coordinator or "127.0.0.1:7443"
    else:
        invited = Invitation.decode(_text_or_file(invitation))
        _confirm(invited.authority, expected, yes)
        identity = asyncio.run(join_network(invited, folder / "identity"))
        address = invited.address
    _write_node(folder, identity, address)


def _text_or_file(invitation: str | None) -> str:
    if invitation is None:
        raise ConfigError(
            "INVITATION_NEEDED",
            Text(en="an invitation or --certificate is needed", zh="需要邀请，或使用 --certificate"),
            cure=Text(en="name the file that the network's operator sent", zh="请指定网络运营方发来的邀请文件"),
        )
    path = Path(invitation)
    return path.read_text() if len(invitation) < 1024 and path.is_file() else invitation


def _confirm(authority: x509.Certificate, expected: str, yes: bool) -> None:
    """The authority's fingerprint must be the one that its operator reads out."""
    shown = fingerprint(authority.fingerprint(hashes.SHA256()))
    if expected:
        if expected.split() != shown.split():
            raise CryptoError(
                "FINGERPRINT_DIFFERS",
                Text(en="the authority's fingerprint is not the one you gave", zh="证书机构指纹与所给的不一致"),
                cure=Text(en="do not join; tell the network's operator", zh="请勿加入，并通知网络运营方"),
            )
        return
    say(f"Certificate authority: {shown}", f"证书机构指纹：{shown}")
    if not yes:
        asked = {
            "en": "Call the network's operator: do they read out the same number?",
            "zh": "请致电网络运营方：对方读出的指纹是否一致？",
        }
        click.confirm(asked[language()], abort=True)


def _write_node(folder: Path, identity: PartyIdentity, address: str) -> None:
    member = identity.member
    fields = {"name": member.name, "role": str(member.role), "coordinator": address, "language": language()}
    for name, text in (("node.toml", starter("node", **fields)), ("policy.toml", starter("policy"))):
        if not (folder / name).exists():
            write_new(folder / name, text)
    own = identity.record.fingerprint
    say(
        f"{member.name} is a {member.role} of {member.network}; own fingerprint {own}\nNext, in {folder}:\n"
        f"  vfl init views TABLE.csv --role {member.role} --out views.toml   # then read it and cut it down\n"
        f"  vfl doctor --node node.toml\n  python -m party_{member.role} --config node.toml",
        f"{member.name} 已加入网络 {member.network}（{member.role}）；本机构指纹 {own}\n接下来在 {folder} 中：\n"
        f"  vfl init views 数据表.csv --role {member.role} --out views.toml   # 然后通读并删减\n"
        f"  vfl doctor --node node.toml\n  python -m party_{member.role} --config node.toml",
    )


@party.command(help="Party: make keys and a certificate request / 机构：生成密钥与证书申请")
@click.argument("role", type=click.Choice(_PARTIES))
@click.argument("name")
@click.option("--network", required=True, help="name of the network / 网络名称")
@click.option("--folder", type=_FOLDER, default=Path("."), show_default=True, help="of this node / 节点目录")
def csr(role: str, name: str, network: str, folder: Path) -> None:
    member = Member(network, RoleName(role), name)
    request = x509.load_der_x509_csr(create_party_keys(folder / "identity", member))
    out = folder / f"{name}.csr"
    write_new(out, request.public_bytes(Encoding.PEM).decode(), mode=0o644)
    say(
        f"Send {out} to the network's operator, who runs\n  vfl party sign {out.name} --authority DIR",
        f"请将 {out} 发给网络运营方，由其运行\n  vfl party sign {out.name} --authority 目录",
    )


@party.command(help="Operator: sign a certificate request / 运营方：签发证书申请")
@click.argument("request", type=_FOLDER)
@click.option(
    "--authority",
    "folder",
    type=_FOLDER,
    default=Path("authority"),
    show_default=True,
    help="folder with ca.key / 证书机构目录",
)
@click.option("--out", type=_FOLDER, help="default: NAME.pem beside the request / 默认写在申请旁")
@click.option("--yes", is_flag=True, help="do not ask / 不再询问")
def sign(request: Path, folder: Path, out: Path | None, yes: bool) -> None:
    authority = CertificateAuthority.load(folder)
    asked = _request(request)
    member = member_of(asked)
    say(f"Request of {member.uri}", f"申请者：{member.uri}")
    if not yes:
        words = {"en": "Did this institution itself hand you the request?", "zh": "该申请是否确由该机构本身提交？"}
        click.confirm(words[language()], abort=True)
    issued = authority.sign(asked.public_bytes(Encoding.DER), member)
    target = out or request.with_name(f"{member.name}.pem")
    bundle = issued.public_bytes(Encoding.PEM) + authority.certificate.public_bytes(Encoding.PEM)
    write_new(target, bundle.decode(), mode=0o644)
    say(
        f"Send {target} back; the party runs\n  vfl party join --certificate {target.name} --coordinator HOST:PORT",
        f"请将 {target} 发回，该机构运行\n  vfl party join --certificate {target.name} --coordinator 主机:端口",
    )


@party.command(help="Fetch a fresh certificate for the same keys / 为原有密钥续期证书")
@node_option
def renew(node: NodeConfig) -> None:
    identity = asyncio.run(renew_certificate(node.identity, node.coordinator))
    until = f"{identity.certificate.not_valid_after_utc:%Y-%m-%d}"
    say(
        f"In force until {until}; a running node uses it from its next connection on.",
        f"有效期至 {until}；运行中的节点将在下次连接时使用。",
    )


@party.command("fingerprint", help="Numbers to compare by telephone / 供电话核对的指纹")
@node_option
def fingerprint_(node: NodeConfig) -> None:
    identity = PartyIdentity.load(node.identity)
    authority = fingerprint(identity.authority.fingerprint(hashes.SHA256()))
    say(
        f"{identity.name}: {identity.record.fingerprint}\nauthority of {identity.member.network}: {authority}",
        f"{identity.name}：{identity.record.fingerprint}\n{identity.member.network} 证书机构：{authority}",
    )


def _bundle(path: Path) -> tuple[x509.Certificate, x509.Certificate]:
    """(party's certificate, authority's certificate) of a file that ``sign`` wrote."""
    try:
        issued, authority = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise _unreadable(
            path, "the two certificates that `vfl party sign` writes", "`vfl party sign` 写出的两份证书"
        ) from None
    return issued, authority


def _request(path: Path) -> x509.CertificateSigningRequest:
    try:
        return x509.load_pem_x509_csr(path.read_bytes())
    except (OSError, ValueError):
        raise _unreadable(path, "a certificate request", "证书申请") from None


def _unreadable(path: Path, en: str, zh: str) -> ConfigError:
    return ConfigError(
        "PEM_UNREADABLE",
        Text(en=f"the file does not hold {en}", zh=f"文件内容不是{zh}"),
        cure=Text(en="name the file as it was sent", zh="请指定原样收到的文件"),
        place=Place(file=str(path)),
    )
