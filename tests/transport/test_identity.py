"""Keys, certificates, records, invitations: what is refused, by which name."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from vfl.crypto import keyfiles
from vfl.crypto.certificates import (
    CertificateAuthority,
    Member,
    check_certificate,
    make_request,
    read_revocations,
    utc_now,
)
from vfl.crypto.identity import PartyIdentity, PartyRecord, create_party_keys, enrol, fingerprint, install_certificates
from vfl.crypto.invitation import Invitation
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError, CryptoError, KeyMismatch, VflError
from vfl.pb.v1 import envelope_pb2
from vfl.roles import RoleName

BANK = Member("lab", RoleName.BANK, "bank-a")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path_factory.mktemp("network") / "ca", "lab")


@pytest.fixture
def folder(tmp_path: Path, authority: CertificateAuthority) -> Path:
    """A complete party folder."""
    home = tmp_path / "bank-a"
    request = create_party_keys(home, BANK)
    install_certificates(home, authority.sign(request, BANK), authority.certificate, BANK)
    return home


def refusal(code: str) -> object:
    return pytest.raises(VflError, match=rf"\[{code}\]")


def test_folder_opens_and_its_secrets_are_private(folder: Path) -> None:
    identity = PartyIdentity.load(folder)
    assert identity.member == BANK
    assert all((folder / f"{n}.key").stat().st_mode & 0o777 == 0o600 for n in ("tls", "sign", "agree"))
    assert repr(identity) == "<PartyIdentity vfl://lab/bank/bank-a>"
    assert PartyIdentity.load(folder).record.raw != b""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
@pytest.mark.parametrize("name", ["tls", "sign", "agree"])
def test_secret_that_others_can_read_is_refused(folder: Path, name: str, mode: int) -> None:
    (folder / f"{name}.key").chmod(mode)
    with refusal("SECRET_READABLE"):
        PartyIdentity.load(folder)


def test_linked_missing_and_strange_keys_are_refused(folder: Path) -> None:
    key = folder / "sign.key"
    kept = key.read_bytes()
    key.rename(folder / "elsewhere")
    with refusal("FILE_MISSING"):
        PartyIdentity.load(folder)
    key.symlink_to(folder / "elsewhere")
    with refusal("FILE_SYMLINK"):
        PartyIdentity.load(folder)
    key.unlink()
    for content in (b"", b"{", b"{}", b"not a key", kept[: len(kept) // 2], os.urandom(100)):
        key.write_bytes(content)
        key.chmod(0o600)
        with refusal("KEY_UNREADABLE"):
            PartyIdentity.load(folder, b"any passphrase")


def test_keys_of_another_party_do_not_fit(folder: Path, authority: CertificateAuthority) -> None:
    (folder / "tls.pem").write_bytes(enrol(authority, RoleName.BANK, "bank-a").certificate.public_bytes(Encoding.PEM))
    with refusal("CERT_KEY_MISMATCH"):
        PartyIdentity.load(folder)


@pytest.fixture
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is written into the file, so a lower one reads back the same."""
    monkeypatch.setattr("vfl.crypto.keyfiles._SCRYPT_N", 1 << 14)


def test_a_guess_at_a_passphrase_is_dear() -> None:
    assert keyfiles._SCRYPT_N == 1 << 17


@pytest.mark.usefixtures("cheap_scrypt")
def test_passphrase_encrypts_and_is_needed(tmp_path: Path, authority: CertificateAuthority) -> None:
    home = tmp_path / "sealed"
    request = create_party_keys(home, BANK, b"correct horse")
    assert b"PRIVATE KEY" not in (home / "sign.key").read_bytes()
    certificate = authority.sign(request, BANK)
    identity = install_certificates(home, certificate, authority.certificate, BANK, b"correct horse")
    assert identity.record.signing_key == PartyIdentity.load(home, b"correct horse").record.signing_key
    with refusal("KEY_NEEDS_PASSPHRASE"):
        PartyIdentity.load(home)
    with refusal("KEY_WRONG_PASSPHRASE"):
        PartyIdentity.load(home, b"wrong")
    (home / "agree.key").write_bytes((home / "sign.key").read_bytes())  # one key in the other's place
    with refusal("KEY_WRONG_PASSPHRASE"):
        PartyIdentity.load(home, b"correct horse")


def test_certificate_out_of_force_is_refused_with_reason_and_place(folder: Path) -> None:
    for days, code in ((398, "CERT_EXPIRED"), (-2, "CERT_NOT_YET_VALID")):
        with refusal(code) as caught:
            PartyIdentity.load(folder, now=utc_now() + dt.timedelta(days=days))
        assert caught.value.place.file.endswith("tls.pem")
        assert "证书" in caught.value.in_("zh")


def test_revoked_certificate_is_refused(folder: Path, tmp_path: Path) -> None:
    authority = CertificateAuthority.create(tmp_path / "other-ca", "lab")
    home = tmp_path / "revoked"
    identity = install_certificates(
        home, authority.sign(create_party_keys(home, BANK), BANK), authority.certificate, BANK
    )
    assert authority.revocations() is None
    authority.revoke(identity.certificate.serial_number)
    authority.revoke(12345)
    (home / "ca.crl").write_bytes((tmp_path / "other-ca" / "ca.crl").read_bytes())
    with refusal("CERT_REVOKED"):
        PartyIdentity.load(home)
    with refusal("CERT_REVOKED"):
        PartyRecord.verify(identity.record.raw, authority.certificate, revocations=authority.revocations())
    with refusal("CERT_UNREADABLE"):  # a list that another authority signed
        read_revocations(home / "ca.crl", CertificateAuthority.ephemeral("lab").certificate)


def test_foreign_certificate_is_refused(folder: Path) -> None:
    foreign = CertificateAuthority.ephemeral("lab")  # the same name, another key
    (folder / "ca.pem").write_bytes(foreign.certificate.public_bytes(Encoding.PEM))
    with refusal("CERT_FOREIGN"):
        PartyIdentity.load(folder)
    authority = CertificateAuthority.ephemeral("lab")
    with refusal("CERT_FOREIGN"):  # an authority is no member, though it signed itself
        check_certificate(authority.certificate, authority.certificate)


def test_only_the_own_name_and_a_p256_key_are_certified(authority: CertificateAuthority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with refusal("REQUEST_INVALID"):
        authority.sign(make_request(key, Member("lab", RoleName.BANK, "bank-b")), BANK)
    with refusal("REQUEST_INVALID"):
        authority.sign(make_request(key, Member("other", RoleName.BANK, "bank-a")), BANK)
    with refusal("REQUEST_INVALID"):
        authority.sign(make_request(ec.generate_private_key(ec.SECP384R1()), BANK), BANK)
    raw = bytearray(make_request(key, BANK))
    raw[-1] ^= 1
    with refusal("REQUEST_INVALID"):
        authority.sign(bytes(raw), BANK)


def test_party_certificates_serve_no_server_and_name_no_host(authority: CertificateAuthority) -> None:
    bank, hub = enrol(authority, RoleName.BANK, "bank-a"), enrol(authority, RoleName.COORDINATOR, "hub")
    names = {
        p: p.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value for p in (bank, hub)
    }
    assert names[bank].get_values_for_type(x509.DNSName) == []
    assert names[hub].get_values_for_type(x509.DNSName) == ["coordinator.lab.vfl.internal"]
    usage = bank.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.oid.ExtendedKeyUsageOID.SERVER_AUTH not in usage


@pytest.mark.parametrize("name", ["", "Bank", "bank a", "-bank", "bank/x", "银行", "b" * 41, "bank\n"])
def test_names_are_plain_words(name: str) -> None:
    with refusal("NAME_NOT_A_WORD"):
        Member("lab", RoleName.BANK, name)


# --- records --------------------------------------------------------------------------------------------------


def test_record_verifies_and_every_changed_byte_is_refused(authority: CertificateAuthority) -> None:
    identity = enrol(authority, RoleName.BANK, "bank-a")
    record = PartyRecord.verify(identity.record.raw, authority.certificate)
    assert (record.member, record.signing_key) == (identity.member, identity.record.signing_key)
    raw = identity.record.raw
    for position in range(0, len(raw), 3):
        bad = bytearray(raw)
        bad[position] ^= 0x04
        with pytest.raises(CryptoError):
            PartyRecord.verify(bytes(bad), authority.certificate)


def test_record_with_another_partys_certificate_is_refused(authority: CertificateAuthority) -> None:
    victim, thief = enrol(authority, RoleName.BANK, "bank-a"), enrol(authority, RoleName.BANK, "bank-b")
    outer = envelope_pb2.PartyRecord.FromString(thief.record.raw)
    body = envelope_pb2.PartyRecordBody.FromString(outer.body)
    body.name, body.certificate = "bank-a", victim.certificate.public_bytes(Encoding.DER)
    outer.body = body.SerializeToString()
    outer.signature = thief.sign(b"vfl/party-record/1\0", outer.body)
    with refusal("RECORD_SIGNATURE"):
        PartyRecord.verify(outer.SerializeToString(), authority.certificate)
    body.certificate = thief.certificate.public_bytes(Encoding.DER)
    outer.body = body.SerializeToString()
    with refusal("RECORD_SIGNATURE"):
        PartyRecord.verify(outer.SerializeToString(), authority.certificate)


def test_pinned_anchor_withstands_the_authority_itself(authority: CertificateAuthority) -> None:
    """An authority that certifies a second bank-a cannot pass it off under a signed contract."""
    genuine, planted = (enrol(authority, RoleName.BANK, "bank-a") for _ in range(2))
    anchor = genuine.record.anchor
    PartyRecord.verify(genuine.record.raw, authority.certificate, anchor=anchor)
    with pytest.raises(KeyMismatch, match="RECORD_OTHER_ANCHOR"):
        PartyRecord.verify(planted.record.raw, authority.certificate, anchor=anchor)
    assert genuine.record.fingerprint != planted.record.fingerprint


def test_record_of_another_job_is_refused(authority: CertificateAuthority) -> None:
    identity = enrol(authority, RoleName.BANK, "bank-a").for_job("job-1", JobSeed.fresh())
    assert PartyRecord.verify(identity.record.raw, authority.certificate, job="job-1").job == "job-1"
    for job in ("", "job-2"):
        with refusal("RECORD_OTHER_JOB"):
            PartyRecord.verify(identity.record.raw, authority.certificate, job=job)


def test_fingerprint_is_eight_groups_of_digits() -> None:
    shown = fingerprint(bytes(range(32)))
    assert shown == "00016 31844 20576 60809 41136 89774 61697 70163"
    assert fingerprint(bytes(32)) == " ".join(["00000"] * 8)


# --- authority and invitation ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("cheap_scrypt")
def test_authority_is_made_once_and_reopened(tmp_path: Path) -> None:
    made = CertificateAuthority.create(tmp_path, "lab", b"pass")
    assert CertificateAuthority.load(tmp_path, b"pass").certificate == made.certificate
    assert CertificateAuthority.load(tmp_path, b"pass").network == "lab"
    with refusal("CA_EXISTS"):
        CertificateAuthority.create(tmp_path, "lab")
    (tmp_path / "ca.pem").write_bytes(CertificateAuthority.ephemeral("lab").certificate.public_bytes(Encoding.PEM))
    with refusal("CERT_KEY_MISMATCH"):
        CertificateAuthority.load(tmp_path, b"pass")


def test_invitation_survives_copying_and_nothing_else_is_one(authority: CertificateAuthority) -> None:
    made = Invitation(BANK, "hub.example:7443", "hub.example:7444", authority.certificate, os.urandom(32))
    text = made.encode()
    assert Invitation.decode(f"  {text}\n") == made
    assert made.token not in repr(made).encode()
    for bad in ("", "hello", text[:-20], text[10:], text + "!!!", "vfl-invitation-1.e30="):
        with pytest.raises(ConfigError, match="INVITATION_UNREADABLE"):
            Invitation.decode(bad)
