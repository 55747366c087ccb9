"""The registry: invitations, members, their records and their standing.

A certificate of the network's authority admits a party; the registry can suspend it. The authority itself may
be kept elsewhere: without one the coordinator admits and suspends, but issues nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from coordinator.store import open_store
from vfl.crypto.certificates import CertificateAuthority, Member, check_certificate, request_key, utc_now
from vfl.crypto.identity import PartyRecord
from vfl.errors import ConfigError, CryptoError, PolicyRefused, Text
from vfl.roles import RoleName

__all__ = ["Membership", "Registry"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS invitation (
    token_hash BLOB PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, expires TEXT NOT NULL,
    key_hash BLOB, certificate BLOB
);
CREATE TABLE IF NOT EXISTS member (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'active',
    record BLOB, software TEXT NOT NULL DEFAULT '', digest BLOB
);
"""


class Membership(NamedTuple):
    """One row of the registry."""

    name: str
    role: str
    state: str
    record: bytes | None
    software: str


class Registry:
    """Members of one network.

    Parameters
    ----------
    path : Path
        SQLite file.
    network : str
    certificate : x509.Certificate
        The authority's.
    authority : CertificateAuthority, optional
        To issue certificates on invitations; also the source of the revocation list.
    """

    def __init__(
        self,
        path: Path,
        network: str,
        certificate: x509.Certificate,
        *,
        authority: CertificateAuthority | None = None,
        revocations: Callable[[], x509.CertificateRevocationList | None] = lambda: None,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._db = open_store(path, _SCHEMA)
        self.network = network
        self.certificate = certificate
        self._authority = authority
        self._revocations = revocations
        self._now = now
        self._records: dict[str, PartyRecord] = {}

    def close(self) -> None:
        self._db.close()

    # --- joining ----------------------------------------------------------------------------------------------

    def invite(self, member: Member, *, days: float = 7) -> bytes:
        """A new one-time token for ``member``; of it the registry keeps the hash only."""
        self._require_authority()
        token = secrets.token_bytes(32)
        expires = self._now() + dt.timedelta(days=days)
        self._db.execute(
            "INSERT INTO invitation (token_hash, role, name, expires) VALUES (?, ?, ?, ?)",
            (hashlib.sha256(token).digest(), str(member.role), member.name, expires.isoformat()),
        )
        return token

    def join(self, token: bytes, request: bytes) -> x509.Certificate:
        """Issue the invited member's certificate, once.

        The same token for the same key gives the same certificate again, as an answer may be lost.

        Raises
        ------
        PolicyRefused
            ``INVITATION_INVALID``: unknown, used with another key, or expired (not told apart, on purpose).
        CryptoError
            ``REQUEST_INVALID``; the invitation stays unused.
        """
        authority = self._require_authority()
        token_hash, key_hash = hashlib.sha256(token).digest(), request_key(request)
        row = self._db.execute(
            "SELECT role, name, expires, key_hash, certificate FROM invitation WHERE token_hash = ?", (token_hash,)
        ).fetchone()
        if row is not None and row[3] == key_hash:
            return x509.load_der_x509_certificate(row[4])
        if row is None or row[3] is not None or dt.datetime.fromisoformat(row[2]) < self._now():
            raise PolicyRefused(
                "INVITATION_INVALID",
                Text(en="this invitation is unknown, used or expired", zh="邀请不存在、已使用或已过期"),
                cure=Text(en="ask the network's operator for a new invitation", zh="请向网络运营方申请新的邀请"),
            )
        member = Member(self.network, RoleName(row[0]), row[1])
        certificate = authority.sign(request, member, now=self._now())
        used = self._db.execute(
            "UPDATE invitation SET key_hash = ?, certificate = ? WHERE token_hash = ? AND key_hash IS NULL",
            (key_hash, certificate.public_bytes(Encoding.DER), token_hash),
        )
        if used.rowcount != 1:
            return self.join(token, request)  # used in between: judged again as used
        return certificate

    def renew(self, member: Member, request: bytes) -> x509.Certificate:
        """A fresh certificate for a member that has shown a valid one; CryptoError ``REQUEST_INVALID``."""
        return self._require_authority().sign(request, member, now=self._now())

    def _require_authority(self) -> CertificateAuthority:
        if self._authority is None:
            raise ConfigError(
                "NO_AUTHORITY_HERE",
                Text(
                    en="this coordinator does not hold the network's certificate authority",
                    zh="本协调节点不持有网络证书机构",
                ),
                cure=Text(
                    en="have the request signed where the authority is kept", zh="请在证书机构所在处签发证书申请"
                ),
            )
        return self._authority

    # --- members ----------------------------------------------------------------------------------------------

    def admit(self, certificate: x509.Certificate) -> Member:
        """Whom a presented certificate speaks for, if that member may act now.

        Raises
        ------
        CryptoError
            As :func:`~vfl.crypto.certificates.check_certificate`; ``CERT_OTHER_NETWORK``.
        PolicyRefused
            ``PARTY_SUSPENDED``.
        """
        member = check_certificate(certificate, self.certificate, now=self._now(), revocations=self._revocations())
        if member.network != self.network or member.role is RoleName.COORDINATOR:
            raise CryptoError(
                "CERT_OTHER_NETWORK",
                Text(en="the certificate is not one of a party of this network", zh="证书不属于本网络的参与方"),
                cure=Text(en="join this network with an invitation", zh="请凭邀请加入本网络"),
            )
        row = self._db.execute("SELECT state FROM member WHERE name = ?", (member.name,)).fetchone()
        if row is not None and row[0] == "suspended":
            raise PolicyRefused(
                "PARTY_SUSPENDED",
                Text(en=f"{member.name} is suspended in this network", zh=f"{member.name} 在本网络中已被暂停"),
                cure=Text(en="talk to the network's operator", zh="请联系网络运营方"),
            )
        return member

    def present(self, member: Member, record: bytes, *, software: str, digest: bytes) -> None:
        """Keep what a member shows when it connects.

        CryptoError of :meth:`~vfl.crypto.identity.PartyRecord.verify`, or ``RECORD_OTHER_PARTY``.
        """
        verified = PartyRecord.verify(record, self.certificate, now=self._now(), revocations=self._revocations())
        if verified.member != member:
            raise CryptoError(
                "RECORD_OTHER_PARTY",
                Text(en="the record shown is that of another party", zh="所出示的身份记录属于其他机构"),
                cure=Text(en="start the node with its own identity folder", zh="请使用本节点自己的身份目录启动"),
            )
        self._db.execute(
            "INSERT INTO member (name, role, record, software, digest) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET role = excluded.role, record = excluded.record, "
            "software = excluded.software, digest = excluded.digest",
            (member.name, str(member.role), record, software[:200], digest[:64]),
        )
        self._records[member.name] = verified

    def record_of(self, name: str) -> PartyRecord | None:
        """The record that ``name`` showed last, verified; None when it never connected."""
        known = self._records.get(name)
        if known is not None:
            return known
        row = self._db.execute("SELECT record FROM member WHERE name = ?", (name,)).fetchone()
        if row is None or row[0] is None:
            return None
        try:
            self._records[name] = PartyRecord.verify(row[0], self.certificate, now=self._now())
        except CryptoError:
            return None  # expired meanwhile: it shows a new one when it connects
        return self._records[name]

    def set_state(self, name: str, state: str) -> None:
        """Suspend a member or make it active again; ConfigError ``PARTY_UNKNOWN``, ``STATE_UNKNOWN``."""
        if state not in ("active", "suspended"):
            raise ConfigError(
                "STATE_UNKNOWN",
                Text(en="a member is active or suspended", zh="成员状态只能为 active 或 suspended"),
                cure=Text(en="give one of these two", zh="请填写两者之一"),
            )
        changed = self._db.execute("UPDATE member SET state = ? WHERE name = ?", (state, name))
        if changed.rowcount != 1:
            raise ConfigError(
                "PARTY_UNKNOWN",
                Text(en="no party of this name has ever connected", zh="没有以此名称连接过的机构"),
                cure=Text(en="check the name in the list of parties", zh="请在机构列表中核对名称"),
            )

    def members(self) -> list[Membership]:
        rows = self._db.execute("SELECT name, role, state, record, software FROM member ORDER BY name")
        return [Membership(*row) for row in rows]

    def revocations(self) -> bytes:
        """The revocation list, DER; empty without one."""
        made = self._revocations()
        return b"" if made is None else made.public_bytes(Encoding.DER)
