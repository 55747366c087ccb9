"""X.509 for one network: names, the certificate authority, requests, revocation, the one check of a peer.

TLS keys are ECDSA P-256: BoringSSL, which gRPC carries, does not offer Ed25519 in TLS. A certificate names
its holder in the SAN as the URI ``vfl://<network>/<role>/<name>``. Only a coordinator's also holds a DNS name and
the server purpose, so no party's certificate can pose as the coordinator's server; parties only dial out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vfl.crypto.keyfiles import read_key, write_file, write_key
from vfl.errors import ConfigError, CryptoError, Place, Text
from vfl.roles import RoleName

__all__ = [
    "CertificateAuthority",
    "Member",
    "check_certificate",
    "coordinator_dns",
    "make_request",
    "member_of",
    "read_certificate",
    "read_revocations",
    "request_key",
    "same_key",
    "utc_now",
]

AUTHORITY_DAYS = 3650
MEMBER_DAYS = 397
CLOCK_SKEW = dt.timedelta(minutes=10)

_WORD = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """Who a certificate speaks for. Words are lower-case letters, digits and inner hyphens, at most 40."""

    network: str
    role: RoleName
    name: str

    def __post_init__(self) -> None:
        for word in (self.network, self.name):
            if not _WORD.fullmatch(word):
                raise ConfigError(
                    "NAME_NOT_A_WORD",
                    Text(
                        en="a network or party name has 1 to 40 lower-case letters, digits or inner hyphens",
                        zh="网络名与机构名须为 1 到 40 个小写字母、数字或中间的连字符",
                    ),
                    cure=Text(en="choose a name such as bank-a", zh="请改用类似 bank-a 的名称"),
                )

    @property
    def uri(self) -> str:
        return f"vfl://{self.network}/{self.role}/{self.name}"

    @classmethod
    def parse(cls, uri: str) -> Self:
        """The member named by a SAN URI; CryptoError ``CERT_NAMELESS`` when it names none."""
        match = re.fullmatch(r"vfl://([^/]+)/([^/]+)/([^/]+)", uri)
        try:
            if match is None:
                raise ValueError(uri)
            return cls(match[1], RoleName(match[2]), match[3])
        except (ValueError, ConfigError):
            raise _nameless() from None


def coordinator_dns(network: str) -> str:
    """The name that a coordinator's server certificate is checked for, whatever address is dialled."""
    return f"{RoleName.COORDINATOR}.{network}.vfl.internal"


def _nameless() -> CryptoError:
    return CryptoError(
        "CERT_NAMELESS",
        Text(en="the certificate names no member of a network", zh="证书未写明网络成员身份"),
        cure=Text(en="have the network's certificate authority issue it anew", zh="请由本网络的证书机构重新签发"),
    )


def member_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> Member:
    """The one member that a certificate or request names; CryptoError ``CERT_NAMELESS``."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        raise _nameless() from None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise _nameless()
    return Member.parse(uris[0])


def make_request(key: ec.EllipticCurvePrivateKey, member: Member) -> bytes:
    """PKCS #10 request (DER) for ``member``, signed by ``key``."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(member))
    return builder.add_extension(_names(member), critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def request_key(request: bytes) -> bytes:
    """SHA-256 of the public key in a PKCS #10 request (DER); CryptoError ``REQUEST_INVALID``, ``CERT_KEY_KIND``."""
    try:
        return hashlib.sha256(_spki(x509.load_der_x509_csr(request).public_key())).digest()
    except ValueError:
        raise _request_invalid("a party", "机构") from None


def same_key(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    """Whether the certificate is for this private key."""
    return _spki(certificate.public_key()) == _spki(key.public_key())


def _spki(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CryptoError(
            "CERT_KEY_KIND",
            Text(en="the certificate's key is not ECDSA P-256", zh="证书密钥不是 ECDSA P-256"),
            cure=Text(en="make the keys with this software", zh="请使用本软件生成密钥"),
        )
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _subject(member: Member) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, member.network),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, str(member.role)),
            x509.NameAttribute(NameOID.COMMON_NAME, member.name),
        ]
    )


def _names(member: Member) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(member.uri)]
    if member.role is RoleName.COORDINATOR:
        names.append(x509.DNSName(coordinator_dns(member.network)))
    return x509.SubjectAlternativeName(names)


def check_certificate(
    certificate: x509.Certificate,
    authority: x509.Certificate,
    *,
    now: dt.datetime | None = None,
    revocations: x509.CertificateRevocationList | None = None,
) -> Member:
    """Check that ``authority`` issued ``certificate``, that it is in force at ``now``, and whom it names.

    Raises
    ------
    CryptoError
        ``CERT_FOREIGN``, ``CERT_NOT_YET_VALID``, ``CERT_EXPIRED``, ``CERT_REVOKED``, ``CERT_NAMELESS``,
        ``CERT_KEY_KIND``.
    """
    now = now or utc_now()
    try:
        certificate.verify_directly_issued_by(authority)
        usage = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        if usage.ca:
            raise ValueError("an authority is no member")
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        raise CryptoError(
            "CERT_FOREIGN",
            Text(en="the certificate was not issued by this network's authority", zh="证书不是由本网络的证书机构签发"),
            cure=Text(
                en="join this network with an invitation, or correct the configured authority",
                zh="请凭邀请加入本网络，或更正配置中的证书机构证书",
            ),
        ) from None
    if now < certificate.not_valid_before_utc - CLOCK_SKEW:
        raise CryptoError(
            "CERT_NOT_YET_VALID",
            Text(en="the certificate is not valid yet", zh="证书尚未生效"),
            cure=Text(en="check this machine's clock", zh="请检查本机时钟"),
        )
    if now > certificate.not_valid_after_utc:
        raise CryptoError(
            "CERT_EXPIRED",
            Text(
                en=f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
                zh=f"证书已于 {certificate.not_valid_after_utc:%Y-%m-%d} 过期",
            ),
            cure=Text(en="renew it, or check this machine's clock", zh="请续期证书，或检查本机时钟"),
        )
    if revocations is not None and revocations.get_revoked_certificate_by_serial_number(certificate.serial_number):
        raise CryptoError(
            "CERT_REVOKED",
            Text(en="the certificate was revoked by the network's authority", zh="证书已被网络证书机构吊销"),
            cure=Text(en="ask the network's operator for a new invitation", zh="请向网络运营方申请新的邀请"),
        )
    _spki(certificate.public_key())
    return member_of(certificate)


class CertificateAuthority:
    """The network's certificate authority: a root that signs members directly.

    Security: whoever holds its key can name new members. Contracts pin the members' signing keys, so it cannot
    replace those of a member once a contract is signed.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, folder: Path | None) -> None:
        self._key = key
        self.certificate = certificate
        self._folder = folder

    def __repr__(self) -> str:
        return f"<CertificateAuthority {self.network}>"

    @property
    def network(self) -> str:
        common = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(common[0].value)

    @classmethod
    def ephemeral(cls, network: str) -> Self:
        """An authority in memory only: for simulations and tests."""
        Member(network, RoleName.COORDINATOR, "authority")  # checks the word
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, network),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{network} certificate authority"),
            ]
        )
        now = utc_now()
        builder = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + dt.timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(key, builder.sign(key, hashes.SHA256()), None)

    @classmethod
    def create(cls, folder: Path, network: str, passphrase: bytes | None = None) -> Self:
        """Make a new authority in ``folder`` (``ca.key`` 0600, ``ca.pem``); ConfigError ``CA_EXISTS``."""
        if (folder / "ca.key").exists():
            raise ConfigError(
                "CA_EXISTS",
                Text(en="this folder already holds a certificate authority", zh="该目录中已有证书机构"),
                cure=Text(en="use it, or choose an empty folder", zh="直接使用，或选择空目录"),
                place=Place(file=str(folder)),
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = cls.ephemeral(network)
        write_key(folder / "ca.key", made._key, passphrase)
        write_file(folder / "ca.pem", made.certificate.public_bytes(Encoding.PEM))
        return cls(made._key, made.certificate, folder)

    @classmethod
    def load(cls, folder: Path, passphrase: bytes | None = None) -> Self:
        """Open the authority of a folder; ConfigError of the key file, CryptoError ``CERT_UNREADABLE``."""
        key = read_key(folder / "ca.key", passphrase)
        certificate = read_certificate(folder / "ca.pem")
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not same_key(certificate, key):
            raise CryptoError(
                "CERT_KEY_MISMATCH",
                Text(en="ca.key and ca.pem do not belong together", zh="ca.key 与 ca.pem 不匹配"),
                cure=Text(en="restore both from the same backup", zh="请从同一备份恢复这两个文件"),
                place=Place(file=str(folder)),
            )
        return cls(key, certificate, folder)

    def sign(
        self, request: bytes, expected: Member, *, days: float = MEMBER_DAYS, now: dt.datetime | None = None
    ) -> x509.Certificate:
        """Issue a certificate for ``expected`` on a PKCS #10 request (DER).

        Of the request only its public key is taken. CryptoError ``REQUEST_INVALID`` when the request is not
        signed by its own key or names someone else.
        """
        now = now or utc_now()
        try:
            csr = x509.load_der_x509_csr(request)
            _spki(csr.public_key())
            if not csr.is_signature_valid or member_of(csr) != expected or expected.network != self.network:
                raise ValueError("not this member's request")
        except (ValueError, CryptoError):
            raise _request_invalid(expected.name, f" {expected.name} ") from None
        server = expected.role is RoleName.COORDINATOR
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            x509.CertificateBuilder(
                self.certificate.subject, _subject(expected), csr.public_key(), x509.random_serial_number()
            )
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
            .add_extension(_names(expected), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256())

    def revoke(self, *serials: int, now: dt.datetime | None = None) -> x509.CertificateRevocationList:
        """Add certificates to the revocation list (kept as ``ca.crl``) and return the new list."""
        now = now or utc_now()
        old = self.revocations()
        revoked = {entry.serial_number: entry for entry in old or ()}
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            revoked.setdefault(serial, entry)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(now + dt.timedelta(days=AUTHORITY_DAYS))
        )
        for entry in revoked.values():
            builder = builder.add_revoked_certificate(entry)
        made = builder.sign(self._key, hashes.SHA256())
        if self._folder is not None:
            write_file(self._folder / "ca.crl", made.public_bytes(Encoding.PEM))
        return made

    def revocations(self) -> x509.CertificateRevocationList | None:
        """The list on disk, or None when nothing was ever revoked."""
        path = None if self._folder is None else self._folder / "ca.crl"
        return read_revocations(path, self.certificate) if path is not None and path.exists() else None


def _request_invalid(en: str, zh: str) -> CryptoError:
    return CryptoError(
        "REQUEST_INVALID",
        Text(en=f"the certificate request is not one that {en} made for itself", zh=f"证书申请不是{zh}为自己生成的"),
        cure=Text(en="make the request anew on the party's own machine", zh="请在该机构自己的机器上重新生成申请"),
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def read_certificate(path: Path) -> x509.Certificate:
    """One PEM certificate; CryptoError ``CERT_UNREADABLE``."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        raise _unreadable(path) from None


def read_revocations(path: Path, authority: x509.Certificate) -> x509.CertificateRevocationList:
    """A revocation list signed by ``authority``; CryptoError ``CERT_UNREADABLE`` for any other."""
    try:
        made = x509.load_pem_x509_crl(path.read_bytes())
        key = authority.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not made.is_signature_valid(key):
            raise ValueError("signature")
    except (OSError, ValueError):
        raise _unreadable(path) from None
    return made


def _unreadable(path: Path) -> CryptoError:
    return CryptoError(
        "CERT_UNREADABLE",
        Text(
            en="this file is missing, damaged, or not signed by the network's authority",
            zh="文件缺失、损坏，或不是由网络证书机构签名",
        ),
        cure=Text(
            en="restore it from backup or fetch it again from the network's operator",
            zh="从备份恢复，或向网络运营方重新获取",
        ),
        place=Place(file=str(path)),
    )
