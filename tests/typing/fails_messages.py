"""Each marked line must fail to type-check with an error that holds the text after ``# E:``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl.crypto.paillier import AdditiveHE, Ciphertexts
from vfl.crypto.randomness import RandomStream
from vfl.data.private import Private
from vfl.protocols.messages.alignment import Queries
from vfl.protocols.messages.boosting import EncryptedGradients, LeafHistogram, SplitSides
from vfl.protocols.messages.evaluation import Quality
from vfl.protocols.messages.keys import KeyAck
from vfl.runtime.egress import Egress
from vfl.wire.carriers import disclose, public, window


def messages_hold_carriers(
    working: Ciphertexts, labels: Private[npt.NDArray[np.bool_]], points: npt.NDArray[np.uint8]
) -> None:
    EncryptedGradients(working)  # E: expected "SealedCiphertexts"
    LeafHistogram(working)  # E: expected "WindowedCiphertexts"
    SplitSides(labels)  # E: expected "Disclosed[
    SplitSides(labels.expose())  # E: expected "Disclosed[
    Queries(points)  # E: expected "BlindedPoints"
    KeyAck(b"key")  # E: expected "Public[bytes]"


def one_carrier_does_not_pass_for_another(he: AdditiveHE, sums: Ciphertexts, stream: RandomStream) -> None:
    told = disclose(0.7, reason="no floor asked")
    Quality(told, told, told, told)  # E: expected "Aggregate[
    EncryptedGradients(window(he, sums, slots=1, slot_bits=8, masks=stream, seals=stream))  # E: expected "SealedC
    LeafHistogram(he.seal(sums, stream))  # E: expected "WindowedCiphertexts"
    SplitSides(public(np.zeros(1, dtype=np.bool_)))  # E: expected "Disclosed[


def sealing_is_not_optional(he: AdditiveHE, sums: Ciphertexts, stream: RandomStream) -> None:
    he.seal(sums, stream, secure=False)  # E: Unexpected keyword argument "secure"
    disclose(1)  # E: Missing named argument "reason"


def the_exit_takes_messages(egress: Egress) -> None:
    egress.release(b"raw", ["platform-a"])  # E: expected "WireMessage"
