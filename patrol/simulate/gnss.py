"""What a satellite receiver says about a drive: correlated error, lag, heading error and outages."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SHARE_68 = 0.6827


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """How good a receiver is.

    sigma_m: deviation of the error on each of the two axes. correlation_s: time constant of that error, an
    Ornstein-Uhlenbeck process of its own for every vehicle and pass. lag_s: the age of a fix that the device declares;
    the true age is lag_s + lag_error_s. heading_sigma_deg: total deviation of the heading; heading_bias_share of its
    variance is one constant for a pass, the rest is drawn afresh for every frame. outages_per_min and outage_s: how
    often the fix is lost and for how long (from, to).
    """

    sigma_m: float = 2.0
    correlation_s: float = 30.0
    lag_s: float = 0.2
    lag_error_s: float = 0.1
    heading_sigma_deg: float = 3.0
    heading_bias_share: float = 0.5
    outages_per_min: float = 0.1
    outage_s: tuple[float, float] = (3.0, 10.0)

    @property
    def accuracy_m(self) -> float:
        """The radius that holds 68 % of the errors: sigma * sqrt(-2 ln(1 - 0.6827)) = 1.515 sigma (Rayleigh)."""
        return self.sigma_m * sqrt(-2 * log(1 - SHARE_68))


def drifting(
    rng: Generator, moments_s: NDArray[np.float64], sigma_m: float, correlation_s: float
) -> NDArray[np.float64]:
    """Errors `(n, 2)` in metres at rising moments: an Ornstein-Uhlenbeck process on each axis, exact steps."""
    kicks = rng.normal(0, sigma_m, (len(moments_s), 2))
    errors = kicks.copy()
    for i in range(1, len(moments_s)):
        keep = exp(-(moments_s[i] - moments_s[i - 1]) / correlation_s)
        errors[i] = errors[i - 1] * keep + kicks[i] * sqrt(1 - keep * keep)
    return errors


def heading_errors(rng: Generator, count: int, receiver: Receiver) -> NDArray[np.float64]:
    """Errors `(n,)` in degrees of the headings of one pass: one constant and one fresh part."""
    bias = rng.normal(0, receiver.heading_sigma_deg * sqrt(receiver.heading_bias_share))
    fresh = rng.normal(0, receiver.heading_sigma_deg * sqrt(1 - receiver.heading_bias_share), count)
    return np.asarray(bias + fresh)


def lost(rng: Generator, moments_s: NDArray[np.float64], receiver: Receiver) -> NDArray[np.bool_]:
    """Whether the fix is lost at each of the rising moments."""
    gone = np.zeros(len(moments_s), dtype=bool)
    if receiver.outages_per_min <= 0 or not len(moments_s):
        return gone
    moment = float(moments_s[0]) + rng.exponential(60 / receiver.outages_per_min)
    while moment < moments_s[-1]:
        end = moment + rng.uniform(*receiver.outage_s)
        gone |= (moments_s >= moment) & (moments_s < end)
        moment = end + rng.exponential(60 / receiver.outages_per_min)
    return gone
