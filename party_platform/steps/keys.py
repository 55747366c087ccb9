"""A platform verifies the bank's key before it touches a ciphertext under it."""

from __future__ import annotations

from party_platform.steps.workspace import PlatformWorkspace
from vfl.crypto import keyproof
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import AdditiveHE, KeyPurpose, PublicKey
from vfl.protocols.keys import KeyChecker
from vfl.protocols.messages.keys import KeyAck, KeyOffer
from vfl.wire.carriers import public

__all__ = ["KeyCheckerSteps"]


class KeyCheckerSteps(KeyChecker):
    """Length, form, freshness, proof; then the key may be used.

    Parameters
    ----------
    registry : KeyRegistry
        The keys this party has ever accepted in *other* jobs.
    """

    def __init__(self, work: PlatformWorkspace, registry: KeyRegistry) -> None:
        self._work = work
        self._registry = registry

    def key_ack(self, offer: KeyOffer) -> KeyAck:
        spec = self._work.spec
        purpose = KeyPurpose.of_job(test_keys=spec.test_keys, plaintext=spec.plaintext)
        key = PublicKey.received(offer.modulus.value, bits=spec.key_bits, purpose=purpose)
        keyproof.verify(key, offer.proof.value, job=self._work.job.encode(), party=spec.bank)
        self._registry.admit(key)
        self._accept(key)
        return KeyAck(public(key.key_id))

    def _accept(self, key: PublicKey) -> None:
        self._work.keys[key.key_id] = key
        self._work.evaluator = AdditiveHE(key)

    def dump(self) -> dict[str, bytes]:
        return {} if self._work.evaluator is None else {"key": self._work.he.public.to_bytes()}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "key" in parts:
            spec = self._work.spec
            purpose = KeyPurpose.of_job(test_keys=spec.test_keys, plaintext=spec.plaintext)
            self._accept(PublicKey.received(parts["key"], bits=spec.key_bits, purpose=purpose))
