"""An invitation to a network: one line of text that the operator hands to a new party.

It holds the addresses, the authority's certificate and a one-time token. Whoever holds it can take the name it
is for, once: hand it over on a trusted way, and compare the authority's fingerprint by telephone.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from vfl.crypto.certificates import Member
from vfl.crypto.identity import fingerprint
from vfl.errors import ConfigError, Text
from vfl.roles import RoleName

__all__ = ["Invitation"]

_PREFIX = "vfl-invitation-1."


@dataclass(frozen=True, slots=True, repr=False)
class Invitation:
    """For ``member`` to join its network. Security: ``token`` is a secret until used."""

    member: Member
    address: str
    """host:port of the relay and all services for members."""
    enrolment: str
    """host:port where a certificate is asked for."""
    authority: x509.Certificate
    token: bytes

    def __repr__(self) -> str:
        return f"<Invitation of {self.member.uri}>"

    @property
    def fingerprint(self) -> str:
        """Of the authority, to compare by telephone before joining."""
        return fingerprint(self.authority.fingerprint(hashes.SHA256()))

    def encode(self) -> str:
        body = {
            "network": self.member.network,
            "role": str(self.member.role),
            "name": self.member.name,
            "address": self.address,
            "enrolment": self.enrolment,
            "authority": base64.b64encode(self.authority.public_bytes(Encoding.DER)).decode(),
            "token": base64.b64encode(self.token).decode(),
        }
        return _PREFIX + base64.urlsafe_b64encode(json.dumps(body).encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """ConfigError ``INVITATION_UNREADABLE`` for anything that :meth:`encode` did not make."""
        try:
            head, body = text.strip()[: len(_PREFIX)], text.strip()[len(_PREFIX) :]
            if head != _PREFIX or len(body) > 8192:
                raise ValueError("prefix")
            raw = json.loads(base64.b64decode(body, altchars=b"-_", validate=True))
            words = [raw[k] for k in ("network", "role", "name", "address", "enrolment")]
            if not all(isinstance(w, str) for w in words):
                raise ValueError("fields")
            network, role, name, address, enrolment = words
            made = cls(
                Member(network, RoleName(role), name),
                address,
                enrolment,
                x509.load_der_x509_certificate(base64.b64decode(raw["authority"], validate=True)),
                base64.b64decode(raw["token"], validate=True),
            )
        except (ValueError, KeyError, TypeError, binascii.Error, ConfigError):
            raise ConfigError(
                "INVITATION_UNREADABLE",
                Text(en="this is no invitation, or part of it is missing", zh="邀请内容无法识别或不完整"),
                cure=Text(
                    en="copy the whole line that the network's operator sent", zh="请完整复制网络运营方发来的整行内容"
                ),
            ) from None
        return made
