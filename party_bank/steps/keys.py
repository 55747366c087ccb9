"""The bank makes and keeps the job's Paillier key."""

from __future__ import annotations

from party_bank.steps.workspace import BankWorkspace
from vfl.crypto import keyproof
from vfl.crypto.paillier import KeyHolder, KeyPurpose, PrivateKey
from vfl.errors import KeyMismatch, Text
from vfl.protocols.keys import KeyHolderRole
from vfl.protocols.messages.keys import KeyAck, KeyOffer
from vfl.wire.carriers import public

__all__ = ["KeyHolderSteps"]


class KeyHolderSteps(KeyHolderRole):
    """The key is made once, before the choreography starts: a replay must offer the same one.

    Parameters
    ----------
    exported : bytes
        The secret key as :meth:`PrivateKey.export` made it, from the sealed journal.
    """

    def __init__(self, work: BankWorkspace, exported: bytes) -> None:
        self._work = work
        self._private = PrivateKey.restore(exported)
        work.holder = KeyHolder(self._private)
        work.keys[self._private.public.key_id] = self._private.public

    @staticmethod
    def fresh(bits: int, *, test_keys: bool, plaintext: bool = False) -> bytes:
        """A fresh secret key, exported for the sealed journal."""
        purpose = KeyPurpose.of_job(test_keys=test_keys, plaintext=plaintext)
        return PrivateKey.generate(bits, purpose=purpose).export()

    def key_offer(self) -> KeyOffer:
        proof = keyproof.prove(self._private, job=self._work.job.encode(), party=self._work.party)
        return KeyOffer(public(self._private.public.to_bytes()), public(proof))

    def take_ack(self, ack: KeyAck) -> None:
        if ack.key_id.value != self._private.public.key_id:
            raise KeyMismatch(
                "KEY_ACK_OTHER",
                Text(en="a platform acknowledged another key", zh="平台确认的不是本次任务的公钥"),
                cure=Text(en="stop the job; someone changed the key on its way", zh="请中止任务：公钥在途中被替换"),
            )
