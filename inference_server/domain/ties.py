"""Where the fixes of one pass lie against those of earlier ones.

The error of a pass's fixes is an Ornstein-Uhlenbeck process on each axis: a Gaussian process with covariance
`sigma^2 exp(-|s - u| / tau)` between two moments of one pass, and none between passes. The gap between a track and the
anchor of its candidate is the difference of two such errors plus noise, so any number of known gaps (ties) predict the
next one exactly (Rasmussen and Williams, Gaussian Processes for Machine Learning, eq. 2.23 to 2.26). What another pass
has measured, or the same pass at another time, is thus taken to be no better known than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from inference_server.domain.candidate import Candidate, Pass, PassId, Tie, Track
from inference_server.domain.geo import Matrix, Vector

_MOST_TIES = 14
_FORGOTTEN_S = 90.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of one pass."""

    pass_id: PassId
    at: datetime


_Ends = tuple[Moment, Moment]
Strings = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Shift:
    """The expected gap `(2,)` in metres east, north, and the variance of one axis in square metres."""

    mean: Vector
    variance_m2: float


@dataclass(slots=True)
class Ties:
    """The known gaps of one pass, ready to predict others."""

    pass_id: PassId
    known: tuple[Tie, ...]
    sigma_m: float
    correlation_s: float
    _inverse: Matrix | None = field(default=None, repr=False)

    def predict(self, at: datetime, origin: Moment) -> Shift:
        """The gap between what this pass measures at a moment and what the origin measured then."""
        return self.predict_all([at], [origin])[0]

    def predict_all(self, ats: Sequence[datetime], origins: Sequence[Moment]) -> list[Shift]:
        """The gaps at some moments, each to an origin of its own."""
        mean, cov = self.predict_jointly(ats, origins)
        return [Shift(gap, max(float(variance), 0.0)) for gap, variance in zip(mean, np.diag(cov), strict=True)]

    def predict_jointly(self, ats: Sequence[datetime], origins: Sequence[Moment]) -> tuple[Matrix, Matrix]:
        """Mean `(n, 2)` and covariance `(n, n)` of one axis of the gaps at moments, each to an origin of its own."""
        here = [(Moment(self.pass_id, at), origin) for at, origin in zip(ats, origins, strict=True)]
        if not here:
            return np.zeros((0, 2)), np.zeros((0, 0))
        prior = self._covariance(here, here)
        if not self.known:
            return np.zeros((len(here), 2)), prior
        across = self._covariance(here, self._ends())
        weights = across @ self._solved()
        mean = weights @ np.array([tie.gap_m for tie in self.known])
        return np.asarray(mean), np.asarray(prior - weights @ across.T)

    def with_tie(self, tie: Tie) -> "Ties":
        """The ties with one more; an older tie of the same track gives way to it."""
        others = (t for t in self.known if t.track_id != tie.track_id)
        return Ties(self.pass_id, (*others, tie), self.sigma_m, self.correlation_s)

    def lately(self, now: datetime) -> tuple[Tie, ...]:
        """The ties worth keeping, oldest first."""
        since = now - timedelta(seconds=_FORGOTTEN_S)
        return tuple(sorted((t for t in self.known if t.at >= since), key=lambda t: (t.at, t.track_id))[-_MOST_TIES:])

    def _ends(self) -> list[_Ends]:
        return [(Moment(self.pass_id, tie.at), _origin(tie)) for tie in self.known]

    def _solved(self) -> Matrix:
        if self._inverse is None:
            ends = self._ends()
            noise = np.diag([tie.noise_m2 for tie in self.known])
            self._inverse = np.asarray(np.linalg.inv(self._covariance(ends, ends) + noise), dtype=np.float64)
        return self._inverse

    def _covariance(self, a: Sequence[_Ends], b: Sequence[_Ends]) -> Matrix:
        """`(n, m)` covariance of the differences of two errors each."""
        a_here, a_origin = _moments(a)
        b_here, b_origin = _moments(b)
        kernel = self._kernel
        same = kernel(a_here, b_here) + kernel(a_origin, b_origin)
        return same - kernel(a_here, b_origin) - kernel(a_origin, b_here)

    def _kernel(self, a: tuple[Strings, Vector], b: tuple[Strings, Vector]) -> Matrix:
        apart_s = np.abs(a[1][:, None] - b[1][None])
        alike = a[0][:, None] == b[0][None]
        return np.asarray(np.where(alike, self.sigma_m**2 * np.exp(-apart_s / self.correlation_s), 0.0))


def _moments(ends: Sequence[_Ends]) -> tuple[tuple[Strings, Vector], tuple[Strings, Vector]]:
    here = np.array([h.pass_id for h, _ in ends]), np.array([h.at.timestamp() for h, _ in ends])
    origin = np.array([o.pass_id for _, o in ends]), np.array([o.at.timestamp() for _, o in ends])
    return here, origin


def _origin(tie: Tie) -> Moment:
    return Moment(tie.origin_pass, tie.origin_at)


def origin_of(candidate: Candidate) -> Moment:
    """The moment at which a candidate's anchor was measured."""
    return Moment(candidate.origin_pass, candidate.origin_at)


def ties_of(drive: Pass, sigma_m: float, correlation_s: float) -> Ties:
    """The ties of a pass."""
    return Ties(drive.id, drive.ties, sigma_m, correlation_s)


def tie_of(track: Track, candidate: Candidate, gap: Vector, noise: Matrix) -> Tie:
    """The tie of a track that belongs to a candidate; `noise` `(2, 2)` is that of the gap without the fixes."""
    return Tie(
        track_id=track.id,
        at=track.last_at,
        origin_pass=candidate.origin_pass,
        origin_at=candidate.origin_at,
        gap_m=(float(gap[0]), float(gap[1])),
        noise_m2=float(np.trace(noise)) / 2,
    )
