"""``vfl ca``: a network's certificate authority and its coordinator, in one folder ready to serve."""

from __future__ import annotations

import socket
from pathlib import Path

import click
from cryptography.hazmat.primitives import hashes

from vfl.cli.bilingual import group
from vfl.cli.init import starter, write_new
from vfl.cli.screen import say
from vfl.crypto.certificates import CertificateAuthority, Member
from vfl.crypto.identity import create_party_keys, fingerprint, install_certificates
from vfl.roles import RoleName

__all__ = ["ca"]


@group("A network's certificate authority and coordinator / 网络的证书机构与协调节点")
def ca() -> None:
    pass


@ca.command("init", help="Make a coordinator's folder, ready to serve / 创建可直接启动的协调节点目录")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--network", required=True, help="name of the network / 网络名称")
@click.option("--name", default="coordinator", show_default=True, help="name of this coordinator / 协调节点名称")
@click.option("--listen", default="0.0.0.0:7443", show_default=True, help="host:port for members / 成员端口")
@click.option("--enrolment", default="0.0.0.0:7444", show_default=True, help="host:port for joining / 入网端口")
@click.option(
    "--address",
    default="",
    help="host:port as members reach it; default: this machine's name / 成员访问地址，默认本机名",
)
@click.option("--enrolment-address", default="", help="the same for joining / 入网访问地址")
def init_(
    folder: Path, network: str, name: str, listen: str, enrolment: str, address: str, enrolment_address: str
) -> None:
    member = Member(network, RoleName.COORDINATOR, name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "coordinator.toml"
    text = starter(
        "coordinator", listen=listen, enrolment=enrolment, address=address or _reached(listen),
        enrolment_address=enrolment_address or _reached(enrolment),
    )  # fmt: skip
    write_new(config, text)
    authority = CertificateAuthority.create(folder / "authority", network)
    issued = authority.sign(create_party_keys(folder / "identity", member), member)
    install_certificates(folder / "identity", issued, authority.certificate, member)
    shown = fingerprint(authority.certificate.fingerprint(hashes.SHA256()))
    say(
        f"Network {network}, certificate authority {shown}\n"
        f"Read that number to joining parties by telephone. Next:\n"
        f"  python -m coordinator --config {config}\n"
        f"  vfl party invite bank NAME --coordinator {config} > NAME.invite",
        f"网络 {network}，证书机构指纹 {shown}\n请在机构入网时通过电话核对该指纹。接下来：\n"
        f"  python -m coordinator --config {config}\n"
        f"  vfl party invite bank 名称 --coordinator {config} > 名称.invite",
    )


def _reached(listen: str) -> str:
    """What members dial when we listen on every interface: this machine's own name."""
    host, _, port = listen.rpartition(":")
    return f"{socket.gethostname()}:{port}" if host in ("0.0.0.0", "[::]", "") else listen  # noqa: S104
