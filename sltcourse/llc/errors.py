"""The mean of a trace, its Monte-Carlo error, and whether the chains agree."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

try:
    from arviz_stats.base import array_stats as stats  # type: ignore[attr-defined]  # it is public, but not annotated
except ImportError:  # Colab has ArviZ 0.22, where the same functions are at the top
    import arviz as stats  # type: ignore[no-redef]  # one name for both

__all__ = ["MIN_DRAWS", "Summary", "stats", "summary"]

STRETCHES = 40  # about so many stretches, over all chains, give the standard error
BLOCKS = 50  # blocks of each chain, whose means give R-hat
MIN_DRAWS = 4  # of a chain; with fewer there is no error bar


@dataclass(frozen=True)
class Summary:
    """What ``summary`` returns; ``std_error`` and ``ess`` are nan, and ``rhat`` None, where they cannot be said."""

    mean: float
    std_error: float  # Monte-Carlo standard error of the mean
    ess: float  # this many independent draws would have the same error: var(trace)/std_error²
    rhat: float | None  # rank-normalised split R-hat of the means of blocks; None for a single chain


def summary(trace: ArrayLike) -> Summary:
    """Mean, standard error, effective sample size and R-hat of ``trace`` (chains, draws), in the trace's units.

    A loss recorded on minibatches is mostly the minibatches' own noise. It is white, and hides the chain, which moves
    slowly: an error bar read off neighbouring draws is then up to three times too small, R-hat is 1.00, and neither
    says so. Therefore nothing here looks at neighbouring draws. **Standard error**: every chain is cut into equally
    long stretches, about 40 in all; if they are long enough to be independent, the variance of their means about the
    grand mean, divided by their number, is the squared error of the grand mean (replicated batch means: Gupta & Vats
    2020, arXiv:2007.04229). Stretches that are too short give too little; thirds of them give less still by about
    three times as much; so twice the one value minus the other is nearly right (lugsail: Vats & Flegal 2022,
    arXiv:1809.04541). **R-hat**: that of Vehtari et al. (2021, arXiv:1903.08008), of the means of 50 blocks of each
    chain. Where there is no noise it is within 0.01 of the R-hat of the draws.

    Measured on AR(1) signals of autocorrelation time 1 to 200 with 0 to 30 times their variance of white noise, 4 to 16
    chains, 200 to 4000 draws: of the runs with R-hat below 1.05 the claimed error is 0.92 to 1.15 of the true one
    (ArviZ's MCSE of the draws 0.63 to 1.1, of block means 0.8 to 1.06); ``tests/test_llc_errors.py`` repeats it.

    Raises ValueError if ``trace`` is not a finite array of two dimensions with at least one draw.

    >>> import numpy as np
    >>> from sltcourse.llc.errors import summary
    >>> found = summary(np.random.default_rng(0).normal(size=(4, 1000)))
    >>> abs(found.mean) < 0.08, round(found.std_error, 2), found.rhat < 1.05
    (True, 0.02, True)
    """
    x = np.asarray(trace, dtype=float)
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"a trace has shape (chains, draws), at least one of each; this one has shape {x.shape}.")
    if not np.isfinite(x).all():
        raise ValueError("the trace has draws that are not finite: leave out the chains that diverged.")
    mean = float(x.mean())
    if x.shape[1] < MIN_DRAWS or np.ptp(x) == 0:
        return Summary(mean, math.nan, math.nan, None)
    std_error = _std_error(x)
    rhat = float(stats.rhat(_means(x, BLOCKS), method="rank")) if len(x) > 1 else None
    return Summary(mean, std_error, float(x.var(ddof=1)) / std_error**2, rhat)


def _std_error(x: np.ndarray) -> float:
    """The standard error of the mean of x (chains, draws), by the lugsail of replicated batch means."""
    chains, draws = x.shape
    stretches = min(max(1, round(STRETCHES / chains)), draws // 3)
    thirds = _means(x, 3 * stretches)
    wholes = thirds.reshape(chains, stretches, 3).mean(2)
    if wholes.size < 2:
        wholes = thirds
    long, short = (float(means.var(ddof=1)) / means.size for means in (wholes, thirds))
    return math.sqrt(max(2 * long - short, long))


def _means(x: np.ndarray, count: int) -> np.ndarray:
    """The means of ``count`` equal blocks of each chain, (chains, count); the first draws that do not fill one go."""
    chains, draws = x.shape
    length = max(1, draws // count)
    count = min(count, draws)
    return x[:, draws - count * length :].reshape(chains, count, length).mean(2)
