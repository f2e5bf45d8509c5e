"""How sure a counted share is: the exact bounds of Clopper and Pearson (Biometrika 26, 1934)."""

from scipy.special import betaincinv  # the quantile of scipy.stats.beta, whose package takes 30 MB

CONFIDENCE = 0.95


def upper_bound(wrong: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided upper bound of a share of which `wrong` in `of` were counted; 1 where nothing was counted.

    >>> round(upper_bound(0, 3000), 6)
    0.000998
    """
    _demand_counts(wrong, of)
    return 1.0 if wrong == of else float(betaincinv(wrong + 1, of - wrong, confidence))


def lower_bound(wrong: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided lower bound; 0 where none was counted.

    >>> round(lower_bound(1, 1), 2)
    0.05
    """
    _demand_counts(wrong, of)
    return 0.0 if wrong == 0 else float(betaincinv(wrong, of - wrong + 1, 1.0 - confidence))


def _demand_counts(wrong: int, of: int) -> None:
    if not 0 <= wrong <= of:
        raise ValueError(f"{wrong} of {of} is no share")
