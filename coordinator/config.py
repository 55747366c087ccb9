"""``coordinator.toml``. Relative paths are relative to the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vfl.config.reading import read_toml

__all__ = ["CoordinatorConfig"]


@dataclass(frozen=True, slots=True)
class CoordinatorConfig:
    """One coordinator.

    Attributes
    ----------
    listen : str
        host:port for members; both sides show certificates.
    enrolment : str
        host:port where invited parties ask for a certificate; empty to offer none.
    address, enrolment_address : str
        The same as parties reach them; written into invitations.
    identity : Path
        Folder with the coordinator's keys and certificate.
    authority : Path or None
        Folder of the certificate authority, when it is kept here.
    data : Path
        Registry, job book, witness log.
    passphrase : Path or None
        File with the passphrase of the private keys.
    """

    listen: str
    enrolment: str
    address: str
    enrolment_address: str
    identity: Path
    authority: Path | None
    data: Path
    passphrase: Path | None

    @classmethod
    def read(cls, path: Path) -> CoordinatorConfig:
        """ConfigError for a missing, unknown or mistyped key."""
        top = read_toml(path)
        base = path.resolve().parent
        listen, enrolment = top.text("listen"), top.text("enrolment", "")
        authority, passphrase = top.text("authority", ""), top.text("passphrase", "")
        made = cls(
            listen=listen,
            enrolment=enrolment,
            address=top.text("address", listen),
            enrolment_address=top.text("enrolment_address", enrolment),
            identity=base / top.text("identity", "identity"),
            authority=base / authority if authority else None,
            data=base / top.text("data", "data"),
            passphrase=base / passphrase if passphrase else None,
        )
        top.done()
        return made
