"""Who a party is: its keys, its record for the others, and its folder on disk.

A party holds three private keys, each for one purpose: TLS (ECDSA P-256), signing of envelopes and documents
(Ed25519), agreement on link keys (X25519). Its *record* publishes them: signed by the certificate's key, so
that the network's authority stands for the name, and by the signing key, as proof of possession.

The signing key is the anchor. A contract pins it by :attr:`PartyRecord.anchor`; from then on not even the
network's authority can put other keys in its place. :meth:`PartyIdentity.for_job` makes an agreement key for
one job, derived from the job's seed: wiping the seed at job end makes recorded traffic unreadable for good.

Folder: ``tls.key sign.key agree.key`` (0600), ``tls.pem`` (own certificate), ``ca.pem``, ``ca.crl`` (if any).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.message import DecodeError

from vfl.crypto.certificates import (
    CertificateAuthority,
    Member,
    check_certificate,
    make_request,
    read_certificate,
    read_revocations,
    same_key,
)
from vfl.crypto.keyfiles import PrivateKey, read_key, write_file, write_key
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError, CryptoError, KeyMismatch, Place, Text
from vfl.pb.v1 import envelope_pb2
from vfl.roles import RoleName

__all__ = [
    "PartyIdentity",
    "PartyRecord",
    "TlsMaterial",
    "create_party_keys",
    "enrol",
    "fingerprint",
    "install_certificates",
]

RECORD_VERSION = 1
_RECORD_LIMIT = 8192
_RECORD_CONTEXT = b"vfl/party-record/1\0"


def fingerprint(digest: bytes) -> str:
    """The first 20 bytes of a SHA-256 digest as eight groups of five digits, to compare by telephone.

    Digits read the same in every language. Each group is five hex digits reduced mod 10^5 as in Signal's safety
    numbers, but from 20 bits; together about 132 bits.
    """
    bits = int.from_bytes(digest[:20], "big")
    groups = [(bits >> (20 * i)) & 0xFFFFF for i in reversed(range(8))]
    return " ".join(f"{g % 100_000:05d}" for g in groups)


@dataclass(frozen=True, slots=True, repr=False)
class TlsMaterial:
    """PEM blocks for a TLS stack. Security: the first is the private key."""

    private_key: bytes
    certificate: bytes
    authority: bytes


@dataclass(frozen=True, slots=True)
class PartyRecord:
    """Another party's verified keys. Made by :meth:`verify` only, or by the identity itself."""

    member: Member
    job: str
    """Empty: for all jobs; else the agreement key serves this one job."""
    signing_key: bytes
    agreement_key: bytes
    certificate: x509.Certificate
    raw: bytes

    @property
    def name(self) -> str:
        return self.member.name

    @property
    def anchor(self) -> bytes:
        """SHA-256 of name and signing key: what a contract pins and people compare."""
        return hashlib.sha256(b"vfl/anchor/1\0" + self.member.uri.encode() + b"\0" + self.signing_key).digest()

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.anchor)

    @classmethod
    def verify(
        cls,
        raw: bytes,
        authority: x509.Certificate,
        *,
        now: datetime | None = None,
        revocations: x509.CertificateRevocationList | None = None,
        anchor: bytes | None = None,
        job: str = "",
    ) -> Self:
        """Check a record received from anyone and return it.

        Parameters
        ----------
        anchor : bytes, optional
            What the contract pins; another signing key is refused.
        job : str
            The job this record must be for; empty for the party's general record.

        Raises
        ------
        CryptoError
            ``RECORD_MALFORMED``, ``RECORD_SIGNATURE``, ``RECORD_OTHER_JOB``, and those of
            :func:`~vfl.crypto.certificates.check_certificate`.
        KeyMismatch
            ``RECORD_OTHER_ANCHOR``.
        """
        try:
            if len(raw) > _RECORD_LIMIT:
                raise ValueError("too long")
            outer = envelope_pb2.PartyRecord.FromString(raw)
            body = envelope_pb2.PartyRecordBody.FromString(outer.body)
            if body.version != RECORD_VERSION or len(body.signing_key) != 32 or len(body.agreement_key) != 32:
                raise ValueError("fields")
            certificate = x509.load_der_x509_certificate(body.certificate)
            member = Member(body.network, RoleName(body.role), body.name)
        except (DecodeError, ValueError, ConfigError):
            raise _record_error("RECORD_MALFORMED", "is malformed", "格式有误") from None
        if check_certificate(certificate, authority, now=now, revocations=revocations) != member:
            raise _record_error("RECORD_SIGNATURE", "bears the certificate of someone else", "附带的是他人证书")
        signed = _RECORD_CONTEXT + outer.body
        try:
            key = certificate.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise InvalidSignature
            key.verify(outer.certificate_signature, signed, ec.ECDSA(hashes.SHA256()))
            Ed25519PublicKey.from_public_bytes(body.signing_key).verify(outer.signature, signed)
        except InvalidSignature:
            raise _record_error(
                "RECORD_SIGNATURE", "is not signed by the keys it names", "签名与其所列密钥不符"
            ) from None
        if body.job != job:
            raise _record_error("RECORD_OTHER_JOB", "is for another job", "属于其他任务")
        made = cls(member, body.job, body.signing_key, body.agreement_key, certificate, raw)
        if anchor is not None and made.anchor != anchor:
            raise KeyMismatch(
                "RECORD_OTHER_ANCHOR",
                Text(
                    en=f"the signing key of {member.name} is not the one that the contract names",
                    zh=f"{member.name} 的签名密钥与合同所列不一致",
                ),
                cure=Text(
                    en="compare fingerprints by telephone; if they changed the key, sign a new contract",
                    zh="请电话核对指纹；若对方确已更换密钥，请重新签订合同",
                ),
            )
        return made

    def public_signing_key(self) -> Ed25519PublicKey:
        """The key that signs this party's envelopes, documents and audit entries."""
        return Ed25519PublicKey.from_public_bytes(self.signing_key)

    def check(self, context: bytes, content: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature of this party over ``context + content``; CryptoError ``SIGNATURE_INVALID``."""
        try:
            self.public_signing_key().verify(signature, context + content)
        except InvalidSignature:
            raise CryptoError(
                "SIGNATURE_INVALID",
                Text(
                    en=f"this was not signed by {self.name}, or was changed on its way",
                    zh=f"内容并非由 {self.name} 签名，或在途中被改动",
                ),
                cure=Text(
                    en="nothing of it was used; if it repeats, tell the network's operator",
                    zh="该内容未被使用；如反复出现，请通知网络运营方",
                ),
            ) from None


def _record_error(code: str, en: str, zh: str) -> CryptoError:
    return CryptoError(
        code,
        Text(en=f"a party record {en}", zh=f"机构身份记录{zh}"),
        cure=Text(en="fetch it again; ask that party to publish it anew", zh="重新获取；请该机构重新发布身份记录"),
    )


class PartyIdentity:
    """A party's own keys. Security: everything private stays inside; ``repr`` shows the name only."""

    def __init__(
        self,
        member: Member,
        tls_key: ec.EllipticCurvePrivateKey,
        signing: Ed25519PrivateKey,
        agreement: X25519PrivateKey,
        certificate: x509.Certificate,
        authority: x509.Certificate,
        *,
        job: str = "",
    ) -> None:
        self.member = member
        self.certificate = certificate
        self.authority = authority
        self._tls_key = tls_key
        self._signing = signing
        self._agreement = agreement
        self.record = self._make_record(job)

    def __repr__(self) -> str:
        return f"<PartyIdentity {self.member.uri}>"

    @property
    def name(self) -> str:
        return self.member.name

    @classmethod
    def load(cls, folder: Path, passphrase: bytes | None = None, *, now: datetime | None = None) -> Self:
        """Open a party's folder and check that all in it fits together and is in force.

        Raises
        ------
        ConfigError
            A key file is missing, readable by others, or does not open (see :mod:`vfl.crypto.keyfiles`).
        CryptoError
            The certificate is missing, foreign, expired or revoked (see
            :func:`~vfl.crypto.certificates.check_certificate`), or ``CERT_KEY_MISMATCH``.
        """
        tls_key, signing, agreement = (read_key(folder / f"{n}.key", passphrase) for n in ("tls", "sign", "agree"))
        certificate, authority = read_certificate(folder / "tls.pem"), read_certificate(folder / "ca.pem")
        crl = folder / "ca.crl"
        revocations = read_revocations(crl, authority) if crl.exists() else None
        try:
            member = check_certificate(certificate, authority, now=now, revocations=revocations)
        except CryptoError as error:
            raise CryptoError(
                error.code, error.text, cure=error.cure, place=Place(file=str(folder / "tls.pem"))
            ) from None
        if (
            not isinstance(tls_key, ec.EllipticCurvePrivateKey)
            or not isinstance(signing, Ed25519PrivateKey)
            or not isinstance(agreement, X25519PrivateKey)
            or not same_key(certificate, tls_key)
        ):
            raise CryptoError(
                "CERT_KEY_MISMATCH",
                Text(
                    en="the keys and the certificate in this folder do not belong together",
                    zh="目录中的密钥与证书不匹配",
                ),
                cure=Text(
                    en="restore all of them from the same backup, or join anew",
                    zh="请从同一备份全部恢复，或重新加入网络",
                ),
                place=Place(file=str(folder)),
            )
        return cls(member, tls_key, signing, agreement, certificate, authority)

    def for_job(self, job: str, seed: JobSeed) -> PartyIdentity:
        """The same party with an agreement key that only this job's seed can make: forward secrecy per job."""
        agreement = X25519PrivateKey.from_private_bytes(seed.child("agreement", job).expose())
        return PartyIdentity(
            self.member, self._tls_key, self._signing, agreement, self.certificate, self.authority, job=job
        )

    def tls(self) -> TlsMaterial:
        return TlsMaterial(
            self._tls_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            self.certificate.public_bytes(Encoding.PEM),
            self.authority.public_bytes(Encoding.PEM),
        )

    def request(self) -> bytes:
        """A request (PKCS #10, DER) to renew the certificate for the same key."""
        return make_request(self._tls_key, self.member)

    def sign(self, context: bytes, content: bytes) -> bytes:
        """Ed25519 over ``context + content``; a context ends in NUL and is used for one kind of content."""
        return self._signing.sign(context + content)

    def agree(self, peer: PartyRecord) -> bytes:
        """The X25519 secret shared with ``peer``; CryptoError ``AGREEMENT_KEY_WEAK`` for a low-order point."""
        try:
            return self._agreement.exchange(X25519PublicKey.from_public_bytes(peer.agreement_key))
        except ValueError:
            raise CryptoError(
                "AGREEMENT_KEY_WEAK",
                Text(en=f"the agreement key of {peer.name} is a low-order point", zh=f"{peer.name} 的协商公钥为低阶点"),
                cure=Text(en="that party must publish a proper key", zh="该机构须发布合规的公钥"),
            ) from None

    def _make_record(self, job: str) -> PartyRecord:
        body = envelope_pb2.PartyRecordBody(
            version=RECORD_VERSION,
            network=self.member.network,
            role=self.member.role,
            name=self.member.name,
            job=job,
            signing_key=self._signing.public_key().public_bytes_raw(),
            agreement_key=self._agreement.public_key().public_bytes_raw(),
            certificate=self.certificate.public_bytes(Encoding.DER),
        )
        raw = body.SerializeToString(deterministic=True)
        signed = _RECORD_CONTEXT + raw
        outer = envelope_pb2.PartyRecord(
            body=raw,
            certificate_signature=self._tls_key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)),
            signature=self._signing.sign(signed),
        )
        return PartyRecord(
            self.member,
            job,
            body.signing_key,
            body.agreement_key,
            self.certificate,
            outer.SerializeToString(deterministic=True),
        )


def create_party_keys(folder: Path, member: Member, passphrase: bytes | None = None) -> bytes:
    """Make a party's three keys in ``folder`` and return the certificate request (PKCS #10, DER).

    Running it again keeps existing keys, so that an interrupted enrolment can go on.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh: dict[str, Callable[[], PrivateKey]] = {
        "sign": Ed25519PrivateKey.generate,
        "agree": X25519PrivateKey.generate,
        "tls": lambda: ec.generate_private_key(ec.SECP256R1()),
    }
    for name, generate in fresh.items():
        if not (folder / f"{name}.key").exists():
            write_key(folder / f"{name}.key", generate(), passphrase)
    key = read_key(folder / "tls.key", passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _record_error("CERT_KEY_KIND", "needs a P-256 key", "需要 P-256 密钥")
    return make_request(key, member)


def install_certificates(
    folder: Path,
    certificate: x509.Certificate,
    authority: x509.Certificate,
    expected: Member,
    passphrase: bytes | None = None,
) -> PartyIdentity:
    """Check a certificate issued for the keys in ``folder``, keep it there, and open the identity.

    Raises as :meth:`PartyIdentity.load`; CryptoError ``CERT_OTHER_NAME``. Nothing is written on failure.
    """
    if check_certificate(certificate, authority) != expected:
        raise CryptoError(
            "CERT_OTHER_NAME",
            Text(en=f"the certificate is not for {expected.uri}", zh=f"证书不是颁发给 {expected.uri} 的"),
            cure=Text(en="tell the network's operator; ask for a new invitation", zh="请通知网络运营方并申请新的邀请"),
        )
    key = read_key(folder / "tls.key", passphrase)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not same_key(certificate, key):
        raise CryptoError(
            "CERT_KEY_MISMATCH",
            Text(en="the certificate is not for the key in this folder", zh="证书与目录中的密钥不匹配"),
            cure=Text(en="make the request anew from this folder", zh="请用该目录重新生成证书申请"),
            place=Place(file=str(folder)),
        )
    write_file(folder / "ca.pem", authority.public_bytes(Encoding.PEM))
    write_file(folder / "tls.pem", certificate.public_bytes(Encoding.PEM))
    return PartyIdentity.load(folder, passphrase)


def enrol(authority: CertificateAuthority, role: RoleName, name: str) -> PartyIdentity:
    """A party with fresh keys in memory, certified at once: for simulations and tests."""
    member = Member(authority.network, role, name)
    tls_key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority.sign(make_request(tls_key, member), member)
    return PartyIdentity(
        member, tls_key, Ed25519PrivateKey.generate(), X25519PrivateKey.generate(), certificate, authority.certificate
    )
