"""What both parties of a federated logistic regression do alike: which round comes when, and what it leaves behind.

:class:`LogisticParty` owns the :class:`~vfl.protocols.logistic_rounds.Shares` and runs the rounds by name. The two
sides differ in what their values of a row are: the bank knows series and labels, the platform only its own angles.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vfl.config.logistic import LogisticSpec
from vfl.crypto.paillier import SealedCiphertexts
from vfl.crypto.shares import (
    RING,
    Ring,
    ring_bytes,
    ring_from_bytes,
    to_fixed,
    to_floats,
)
from vfl.protocols.logistic import What
from vfl.protocols.logistic_code import COARSE_SLOPES, FINE_SLOPES, SeriesCode, SlopeCode
from vfl.protocols.logistic_curvature import CurvatureRound
from vfl.protocols.logistic_inverse import inversion_intervals, solution_steps
from vfl.protocols.logistic_matrix import MIX_BITS, MatrixRound, VarianceRound, open_variances
from vfl.protocols.logistic_progress import Progress
from vfl.protocols.logistic_rounds import (
    GradientRound,
    MarginRound,
    Round,
    SlopeRound,
    SumRound,
)
from vfl.protocols.logistic_shares import Shares, wrong_count, zeros
from vfl.runtime.state import freeze, thaw
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import MaskedCiphertexts

__all__ = ["LogisticParty"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

class LogisticParty(Progress):
    """One side: its shares, the rounds by name, and its state between phases."""

    def __init__(self, spec: LogisticSpec, owners: int) -> None:
        super().__init__(spec)
        self._owners = owners
        self._shares: Shares | None = None
        self._rounds: dict[What, Round] = {}
        self._intervals: tuple[float, ...] = ()
        """What is left of the present inversion."""
        self._solved = 0
        """Steps of the present solution."""
        self._residual: Ring = zeros(0)
        self._direction: Ring = zeros(0)
        self._bent: Ring = zeros(0)
        self._solution: Ring = zeros(0)
        self._mix: Ring = zeros(0, 0)
        self._base: Ring = zeros(0)
        self._slope: Ring = zeros(0)
        self.others: list[int] = []
        """Columns of each further platform, in the order of the job."""

    @property
    def started(self) -> bool:
        """Whether there are shares to keep."""
        return self._shares is not None or bool(self._restored)

    @property
    def shares(self) -> Shares:
        if self._shares is None and self._restored:
            self.adopt(self._restored["facts"]["peer_columns"])
        if self._shares is None:
            raise too_early("number of columns")
        return self._shares

    def adopt(self, peer_columns: int) -> None:
        """Take up the shares of this job, or those of the last checkpoint."""
        shares = self._shares = self.make_shares(peer_columns)
        shares.admit(tuple(self.others))
        if self._restored:
            arrays, facts = self._restored["arrays"], self._restored["facts"]
            shares.weights, shares.inverse, shares.curvature = (
                ring_from_bytes(arrays[k]) for k in ("weights", "inverse", "curvature")
            )
            shares.clock, self._step, self._opened = facts["clock"], facts["step"], facts["opened"]
            for what, left, name in (
                (What.INVERSE, shares.inverse, "matrix"), (What.HESSIAN, shares.curvature, "hessian")
            ):  # fmt: skip
                kept = self._rounds[what] = MatrixRound(shares, left)
                for data in arrays[name]:
                    raw = data.tobytes()
                    size = shares.peer.public.key_bytes * 2
                    kept.take_encrypted(
                        SealedCiphertexts.received(
                            shares.peer.public.key_id, len(raw) // size, raw, shares.peer.public
                        )
                    )

    def restart(self) -> None:
        """A pass from weights that their owners know: each holds its own in clear, the peer's share is zero."""
        before = self.shares
        shares = self._shares = self.make_shares(before.peer_columns)
        shares.admit(before.others)
        shares.clock = before.clock
        shares.weights[shares.mine] = to_fixed(shares.design.whitened(self.own.weights))
        self._rounds = {}
        self.begin_pass()

    # --- what the two sides do differently --------------------------------------------------------------------

    @abstractmethod
    def make_shares(self, peer_columns: int) -> Shares:
        """Own columns and keys, and zeros as shares."""

    @abstractmethod
    def sigmoid_values(self, code: SeriesCode) -> Ints:
        """This party's 2K + 1 values of each row for σ(z) − y."""

    @abstractmethod
    def slope_values(self, code: SlopeCode, rows: int) -> Ints:
        """This party's 2K + 1 values of each of the first rows for σ'(z)."""

    # --- rounds by name ---------------------------------------------------------------------------------------

    def begin_round(self, what: What) -> None:
        """Set up a round that starts with encryption."""
        s = self.shares
        if what is What.MARGINS:
            self._rounds[what] = MarginRound(s)
        elif what is What.SUMS:
            code = s.code.gradient_series(self.precision)
            self._rounds[what] = SumRound(s, code, self.sigmoid_values(code))
        elif what is What.GRADIENT:
            sums = self._rounds[What.SUMS]
            if not isinstance(sums, SumRound):
                raise too_early("sum round")
            self._rounds[what] = GradientRound(s, sums)
        elif what is What.SLOPES:
            slopes = s.code.slope_series(FINE_SLOPES if self.whole else COARSE_SLOPES)
            self._rounds[what] = SlopeRound(s, slopes, self.slope_values(slopes, self.curvature_rows))
        elif what is What.CURVATURE:
            self._rounds[what] = CurvatureRound(s, self.curvature_rows)
        elif what is What.VARIANCE:
            self._rounds[what] = VarianceRound(s)
        else:
            self._begin_matrix(what)

    def _begin_matrix(self, what: What) -> None:
        s = self.shares
        if what in (What.HESSIAN, What.BOUNDED):
            self._rounds[what] = self._rounds[What.HESSIAN] = MatrixRound(s, s.curvature)
            self._intervals = inversion_intervals(self._owners, bounded=what is What.BOUNDED)
            if what is What.HESSIAN:
                s.inverse = to_fixed(np.eye(s.columns) / self._owners) if s.first else zeros(s.columns, s.columns)
        else:
            self._rounds[what] = MatrixRound(s, s.inverse)

    @property
    def curvature_rows(self) -> int:
        """Rows of the present curvature: all for the first and for standard errors."""
        return self.rows_of_curvature(self.shares.rows, self.shares.columns)

    @property
    def starts_bounded(self) -> bool:
        """Whether own blocks of the first curvature are known.

        Further platforms need each row's slope all the same, and sample weights make it less than ¼.
        """
        return self.spec.bounded and self.spec.weight_limit == 1 and not self.shares.others

    def round_of(self, what: What) -> Round:
        """The present round of a name."""
        found = self._rounds.get(what)
        if found is None:
            raise too_early(str(what))
        return found

    def encrypted_values(self, what: What) -> Iterator[SealedCiphertexts]:
        yield from self._rounds[what].encrypted()

    def take_encrypted_values(self, sealed: SealedCiphertexts, what: What) -> None:
        self._rounds[what].take_encrypted(sealed)

    def masked_values(self, what: What) -> Iterator[MaskedCiphertexts]:
        s = self.shares
        if what is What.CURVED:
            self._round_matrix(What.HESSIAN).times(s.inverse)
        elif what is What.IMPROVED:
            self._round_matrix(What.INVERSE).times(self._mix)
        elif what in (What.DIRECTION, What.RESIDUAL):
            self._round_matrix(What.INVERSE).times(s.gradient[:, None])
        elif what is What.BENT:
            self._round_matrix(What.HESSIAN).times(self._direction[:, None])
        elif what is What.CORRECTED:
            self._round_matrix(What.INVERSE).times(self._bent[:, None])
        elif what is What.MOVED:
            self._round_matrix(What.HESSIAN).times((s.weights - self._base)[:, None])
        yield from self._answering(what).masked()

    def take_masked_values(self, masked: MaskedCiphertexts, what: What) -> None:
        self._answering(what).take_masked(masked)

    def _answering(self, what: What) -> Round:
        if what in (What.CURVED, What.MOVED, What.BENT):
            return self._rounds[What.HESSIAN]
        if what in (What.IMPROVED, What.DIRECTION, What.RESIDUAL, What.CORRECTED):
            return self._rounds[What.INVERSE]
        return self._rounds[what]

    def _round_matrix(self, what: What) -> MatrixRound:
        found = self._rounds.get(what)
        if found is None and what is What.INVERSE:
            found = self._rounds[what] = MatrixRound(self.shares, self.shares.inverse)
        if not isinstance(found, MatrixRound):
            raise too_early("matrix")
        return found

    def finish_round(self, what: What) -> None:
        """Turn what a round brought into new shares."""
        s = self.shares
        if what is What.CURVED:
            # X ← X (aI − HX) 4/a²: the quadratic that maps [l, 1] to the narrowest interval below 1.
            low, *rest = self._intervals
            self._intervals = tuple(rest)
            total, factor = 1.0 + low, round(4 / (1.0 + low) ** 2 * (1 << MIX_BITS))
            mix = -self._round_matrix(what=What.HESSIAN).product()
            if s.first:
                mix = mix + to_fixed(np.eye(s.columns) * total)
            self._mix = s.cut(mix * factor, MIX_BITS)
        elif what is What.MOVED:
            s.gradient = (self._slope + self._round_matrix(What.HESSIAN).product()[:, 0]) % (1 << RING)
        elif what is What.IMPROVED:
            s.inverse = self._round_matrix(What.INVERSE).product()
        elif what is What.BENT:
            self._bent = self._round_matrix(What.HESSIAN).product()[:, 0]
        elif what in (What.RESIDUAL, What.CORRECTED):
            self._solve_on(self._round_matrix(What.INVERSE).product()[:, 0], begins=what is What.RESIDUAL)
        elif what is What.DIRECTION:
            s.weights = (s.weights - self._round_matrix(What.INVERSE).product()[:, 0]) % (1 << RING)
            self.step_ended()
        else:
            self._rounds[what].finish()
        if what is What.CURVATURE and self.from_own_model:
            s.gradient[s.mine] = (s.gradient[s.mine] + to_fixed(self.own_gradient())) % (1 << RING)
            # A constant curvature gives the gradient anywhere from that at one point: where only the bank has weights.
            self._slope = s.gradient
            self._base = zeros(s.columns)
            self._base[s.mine] = s.weights[s.mine] * s.first

    def _solve_on(self, product: Ring, *, begins: bool) -> None:
        """One step of the solution, of X·gradient or of X·(curvature·direction); the last one moves the weights."""
        s = self.shares
        if begins:
            self._solved, self._solution, self._direction = 0, zeros(s.columns), zeros(s.columns)
        self._residual = product if begins else (self._residual - product) % (1 << RING)
        keep, gain = (round(factor * (1 << MIX_BITS)) for factor in solution_steps()[self._solved])
        self._direction = s.cut(keep * self._direction + gain * self._residual, MIX_BITS)
        self._solution = (self._solution + self._direction) % (1 << RING)
        self._solved += 1
        if self._solved == len(solution_steps()):
            s.weights = (s.weights - self._solution) % (1 << RING)
            self.step_ended()

    def own_gradient(self) -> Floats:
        """What the owner adds in clear to the gradient in its own columns where the bank's model is the start."""
        return self.shares.design.linear

    # --- opening ----------------------------------------------------------------------------------------------

    def share_of_theirs(self) -> bytes:
        """Own shares of the peer's weights and, if they were made, of their variances."""
        s, variance = self.shares, self._variance
        out = s.weights[s.theirs].tolist()
        if variance is not None:
            out += variance.of_theirs.tolist()
        return b"".join(v.to_bytes(RING // 8, "little") for v in out)

    def open_mine(self, share: bytes, scale: float) -> None:
        """Own weights and standard errors (empty without), from the peer's shares."""
        s, count, variance = self.shares, self.shares.design.columns, self._variance
        if len(share) != (1 if variance is None else 2) * count * RING // 8:
            raise wrong_count()
        values = ring_from_bytes(np.frombuffer(share, dtype=np.uint8).reshape(-1, RING // 8))
        weights = s.design.weights(to_floats((values[:count] + s.weights[s.mine]) % (1 << RING)))
        variances = np.zeros(0) if variance is None else open_variances(values[count:] + variance.of_mine)
        self.learn(weights, variances, scale)

    @property
    def _variance(self) -> VarianceRound | None:
        found = self._rounds.get(What.VARIANCE)
        return found if isinstance(found, VarianceRound) else None

    # --- state ------------------------------------------------------------------------------------------------

    def dump_shares(self) -> bytes:
        """Shares between steps; margins and rounds are made anew in each."""
        s = self.shares
        arrays = {
            "weights": ring_bytes(s.weights), "inverse": ring_bytes(s.inverse),
            "curvature": ring_bytes(s.curvature), "matrix": self._sealed(What.INVERSE),
            "hessian": self._sealed(What.HESSIAN),
        }  # fmt: skip
        facts = {
            "clock": s.clock, "step": self._step, "opened": self._opened, "peer_columns": s.peer_columns,
            "others": self.others,
        }  # fmt: skip
        return freeze(arrays | self.own.state(), facts)

    def _sealed(self, what: What) -> npt.NDArray[np.uint8]:
        """The peer's encrypted share of a matrix with which later steps go on, one row of bytes."""
        found = None if self._opened else self._rounds.get(what)
        parts = found.sealed if isinstance(found, MatrixRound) else []
        return np.frombuffer(b"".join(part.data for part in parts), dtype=np.uint8)[None, :]

    def restore_shares(self, raw: bytes) -> None:
        arrays, facts = thaw(raw)
        self.others = facts["others"]
        self._restored = {"arrays": arrays, "facts": facts}
