"""``python -m coordinator --config coordinator.toml [serve | init | invite | suspend | reinstate | parties | verify]``.

``init`` makes authority and coordinator keys; ``serve`` (the default) runs until SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from coordinator.config import CoordinatorConfig
from coordinator.node import Coordinator
from vfl.config.files import require_private_file
from vfl.crypto.certificates import CertificateAuthority, Member, read_certificate
from vfl.crypto.identity import PartyIdentity, create_party_keys, fingerprint, install_certificates
from vfl.crypto.invitation import Invitation
from vfl.errors import ConfigError, Text, VflError
from vfl.roles import RoleName

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is that of the error's class."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = CoordinatorConfig.read(given.config)
        passphrase = _passphrase(config)
        if given.command == "init":
            _init(config, passphrase, given.network, given.name)
        elif given.command == "serve":
            asyncio.run(_serve(config, passphrase))
        else:
            asyncio.run(_operate(config, passphrase, given))
    except VflError as error:
        language = os.environ.get("LANG", "zh")
        print(error.in_("en" if language.startswith("en") else "zh"), file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m coordinator", description="Coordinator: blind relay and witness / 协调节点：盲中继与见证"
    )
    parser.add_argument("--config", type=Path, required=True, help="coordinator.toml / 配置文件")
    commands = parser.add_subparsers(dest="command")
    parser.set_defaults(command="serve")
    commands.add_parser("serve", help="run the node (default) / 运行节点（默认）")
    init = commands.add_parser("init", help="make authority and keys / 创建证书机构与密钥")
    init.add_argument("--network", required=True, help="name of the network / 网络名称")
    init.add_argument("--name", default="coordinator", help="name of this coordinator / 本协调节点名称")
    invite = commands.add_parser("invite", help="print an invitation / 输出邀请")
    invite.add_argument("role", choices=[RoleName.BANK, RoleName.PLATFORM])
    invite.add_argument("name")
    invite.add_argument("--days", type=float, default=7.0, help="valid for / 有效天数")
    for command, text in (("suspend", "暂停成员"), ("reinstate", "恢复成员")):
        standing = commands.add_parser(command, help=f"{command} a member / {text}")
        standing.add_argument("name")
    commands.add_parser("parties", help="list members / 列出成员")
    commands.add_parser("verify", help="check the witness log / 校验见证日志")
    return parser


def _passphrase(config: CoordinatorConfig) -> bytes | None:
    if config.passphrase is None:
        return None
    require_private_file(config.passphrase)
    return config.passphrase.read_bytes().strip()


def _init(config: CoordinatorConfig, passphrase: bytes | None, network: str, name: str) -> None:
    if config.authority is None:
        raise _no_authority()
    member = Member(network, RoleName.COORDINATOR, name)
    authority = CertificateAuthority.create(config.authority, network, passphrase)
    request = create_party_keys(config.identity, member, passphrase)
    issued = authority.sign(request, member)
    install_certificates(config.identity, issued, authority.certificate, member, passphrase)
    print(f"{member.uri}  {fingerprint(authority.certificate.fingerprint(hashes.SHA256()))}")


def _open(config: CoordinatorConfig, passphrase: bytes | None) -> Coordinator:
    identity = PartyIdentity.load(config.identity, passphrase)
    authority = None if config.authority is None else CertificateAuthority.load(config.authority, passphrase)
    return Coordinator(identity, config.data, authority=authority, revocations=config.identity / "ca.crl")


async def _serve(config: CoordinatorConfig, passphrase: bytes | None) -> None:
    coordinator = _open(config, passphrase)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    ports = await coordinator.serve(config.listen, config.enrolment)
    logging.getLogger(__name__).info("serving members on port %d, enrolment on port %d", *ports)
    await stop.wait()
    await coordinator.stop()


async def _operate(config: CoordinatorConfig, passphrase: bytes | None, given: argparse.Namespace) -> None:
    """Commands that work on the stores, also beside a running coordinator."""
    coordinator = _open(config, passphrase)
    registry = coordinator.registry
    if given.command == "invite":
        if config.authority is None or not config.enrolment_address:
            raise _no_authority()
        member = Member(registry.network, RoleName(given.role), given.name)
        invitation = Invitation(
            member,
            config.address,
            config.enrolment_address,
            read_certificate(config.authority / "ca.pem"),
            registry.invite(member, days=given.days),
        )
        print(invitation.encode())
        print(f"authority fingerprint / 证书机构指纹: {invitation.fingerprint}", file=sys.stderr)
    elif given.command in ("suspend", "reinstate"):
        registry.set_state(given.name, "suspended" if given.command == "suspend" else "active")
    elif given.command == "parties":
        for member_row in registry.members():
            record = registry.record_of(member_row.name)
            shown = "-" if record is None else record.fingerprint
            print(f"{member_row.name}\t{member_row.role}\t{member_row.state}\t{member_row.software}\t{shown}")
    else:
        length, chain = coordinator.witness.verify()
        print(f"{length} entries, head {chain.hex()} / {length} 条，链头 {chain.hex()}")
    await coordinator.stop()


def _no_authority() -> ConfigError:
    return ConfigError(
        "NO_AUTHORITY_HERE",
        Text(en="this needs the certificate authority and an enrolment port", zh="该操作需要证书机构与入网端口"),
        cure=Text(
            en="set `authority` and `enrolment` in coordinator.toml",
            zh="请在 coordinator.toml 中设置 authority 与 enrolment",
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
