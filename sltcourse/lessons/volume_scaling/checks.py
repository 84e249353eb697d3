"""The checks of lesson 03: what each exercise replies."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sltcourse.kit.answers import Reason
from sltcourse.kit.checks import Case, Checks, number
from sltcourse.lessons.volume_scaling import ours
from sltcourse.theory.numeric_input import ArrayFunction
from sltcourse.theory.volume import normal_crossing_log_volume

check = Checks("03_volume_scaling")


def _disc(w: np.ndarray) -> np.ndarray:
    return w[:, 0] ** 2 + w[:, 1] ** 2


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


_SQUARE = [(-1, 1), (-1, 1)]


# ---- counting ---------------------------------------------------------------------------------------------------


def _counted(exact: float, n: int) -> Callable[[Any], Reason]:
    """A test of (share, error): the share within five standard errors of ``exact``, the error that of a share."""

    def test(result: Any) -> Reason:
        if not isinstance(result, tuple) or len(result) != 2:
            return "two numbers are wanted, (share, error)."
        share, error = map(float, result)
        sigma = np.sqrt(exact * (1 - exact) / n)
        if exact and np.isclose(share, exact * n, rtol=0.2):
            return f"the first number is {share:g}, the number of hits: divide it by n."
        if abs(share - exact) > 5 * sigma + 1e-12:
            return f"the share is {share:.4g}; the exact one is {exact:.4g}, and {n} draws come within {5 * sigma:.1g}."
        wanted = np.sqrt(share * (1 - share) / n)
        if not np.isclose(error, wanted, rtol=0.05, atol=1e-12):
            return f"the error is {error:.4g}; that of a share p among n draws is √(p(1 − p)/n), here {wanted:.4g}."
        return None

    return test


@check.writing(
    "A share of n draws, and how far it can be off. It needs no formula for K, and it ends where there are no hits.",
    ours=ours.count,
    cases=[
        Case("the disc at ε = 0.01", lambda: (_disc, _SQUARE, 0.01, 40_000, _rng()), _counted(np.pi / 400, 40_000)),
        Case(
            "a box that is not the square, [0, 2] × [−1, 3]",
            lambda: (_disc, [(0, 2), (-1, 3)], 1.0, 40_000, _rng()),
            _counted(np.pi / 16, 40_000),
        ),
        Case("an ε above every loss", lambda: (_disc, _SQUARE, 5.0, 1000, _rng()), _counted(1.0, 1000)),
        Case(
            "five coordinates",
            lambda: (lambda w: np.abs(w).max(axis=1), [(-1, 1)] * 5, 0.7, 40_000, _rng()),
            _counted(0.7**5, 40_000),
        ),
    ],
)
def count(function: Any) -> str | None:
    """V(ε) from n draws of the prior, and its standard error."""


# ---- λ and m at sight -------------------------------------------------------------------------------------------


def _rates(k: Sequence[int], h: Sequence[int]) -> list[float]:
    return [(h_i + 1) / (2 * k_i) for k_i, h_i in zip(k, h, strict=True) if k_i > 0]


def _largest(k: Sequence[int], h: Sequence[int]) -> tuple[float, int]:
    return max(_rates(k, h)), _rates(k, h).count(max(_rates(k, h)))


def _no_prior(k: Sequence[int], h: Sequence[int]) -> tuple[float, int]:
    return _lam_m(k, [0] * len(k))


def _sum(k: Sequence[int], h: Sequence[int]) -> tuple[float, int]:
    return sum(_rates(k, h)), 1


def _all_of_them(k: Sequence[int], h: Sequence[int]) -> tuple[float, int]:
    return min(_rates(k, h)), len(k)


def _unhalved(k: Sequence[int], h: Sequence[int]) -> tuple[float, int]:
    lam, m = _lam_m(k, h)
    return 2 * lam, m


def _lam_m(k: Sequence[int], h: Sequence[int]) -> tuple[float, int]:
    lam, m = ours.crossing(k, h)
    return float(lam), m


_random = np.random.default_rng(3)
_MANY = [[[int(x) for x in _random.integers(low, high, 6)] for low, high in ((1, 5), (0, 4))] for _ in range(3)]


@check.writing(
    "The slowest stage decides: λ is the smallest rate, and m counts the stages that share it.",
    ours=ours.crossing,
    cases=[
        Case("w₁² w₂²", ([1, 1], [0, 0]), (0.5, 2)),
        Case("w₁² w₂⁴ w₃⁴", ([1, 2, 2], [0, 0, 0]), (0.25, 2)),
        Case("w₁² w₂⁴ under the prior |w₂|", ([1, 2], [0, 1]), (0.5, 2)),
        Case("w₂², where w₁ does not occur", ([0, 1], [3, 0]), (0.5, 1)),
        *[Case(f"k = {k}, h = {h}", (k, h), _lam_m(k, h)) for k, h in _MANY],
    ],
    common={
        _largest: "That is the largest rate. The sum of waiting times exceeds a large T because of the slowest stage.",
        _no_prior: "h does not come in: the rate of a coordinate is (h + 1)/(2k).",
        _sum: "That adds the rates. The slowest stage alone decides.",
        _all_of_them: "m is the number of coordinates whose rate equals λ, not the number of all.",
        _unhalved: "K has the powers 2k, so a rate is (h + 1)/(2k), not (h + 1)/k.",
    },
)
def crossing(function: Any) -> str | None:
    """(λ, m) of a product of powers under a prior of powers."""


# ---- splitting --------------------------------------------------------------------------------------------------

_N = 400
_MOST = 4_000_000  # points at which K is computed before a run is given up


def _limited(K: ArrayFunction) -> ArrayFunction:
    """A loss that stops a run which makes no headway, with a sentence for the learner."""
    seen = [0]

    def loss(w: np.ndarray) -> np.ndarray:
        seen[0] += len(w)
        if seen[0] > _MOST:
            raise RuntimeError(
                "K was asked for four million points and the level does not come down to ε: do copies move?"
            )
        return K(w)

    return loss


def _splits(
    K: ArrayFunction, box: Sequence[tuple[float, float]], eps: float, log_V: float
) -> tuple[Callable[[], tuple[Any, ...]], Callable[[Any], Reason]]:
    """A case of ``split``: its arguments, and a test of levels, log V and clouds beside the exact log V at ε."""

    def arguments() -> tuple[Any, ...]:
        return _limited(K), box, eps, _N, _rng()

    def test(result: Any) -> Reason:
        if not isinstance(result, tuple) or len(result) != 3:
            return "three arrays are wanted: levels, log_V, clouds."
        if len({np.shape(cloud) for cloud in result[2]}) > 1:
            return "the clouds differ in size: refill to n particles at each level."
        levels, logs, clouds = (np.asarray(part, float) for part in result)
        if levels.ndim != 1 or not len(levels):
            return f"levels must be a row, one level after the other; its shape is {levels.shape}."
        if logs.shape != levels.shape:
            return f"log_V has the shape {logs.shape}; one number for each of the {len(levels)} levels is wanted."
        if clouds.shape != (len(levels), _N, len(box)):
            return f"clouds has the shape {clouds.shape}, and {(len(levels), _N, len(box))} is wanted."
        if np.any(np.diff(levels) >= 0):
            return "the levels do not fall from one to the next."
        if not np.isclose(levels[-1], eps):
            return f"the last level is {levels[-1]:.3g}, and it should be ε = {eps:.3g}: never lower it below ε."
        return _inside(K, box, levels, clouds) or _volume(levels, logs, log_V)

    return arguments, test


def _volume(levels: np.ndarray, logs: np.ndarray, log_V: float) -> Reason:
    off = 5 * np.sqrt(2.5 * len(levels) / _N) + 0.1
    last = logs[-1]
    if abs(last - log_V) <= off or (last == 0 == log_V):
        return None
    if 0 <= last <= 1 and log_V < -0.1:
        return f"the last log_V is {last:.3g}; it looks like V itself. Its logarithm is {log_V:.3g}."
    if len(levels) > 3 and -2.5 < last < 0:
        return "the last log_V is the logarithm of one share. V is the product of all shares: add their logarithms."
    return f"the last log_V is {last:.3g}; exactly it is {log_V:.3g}, and a right run comes within {off:.2g}."


def _inside(K: ArrayFunction, box: Sequence[tuple[float, float]], levels: np.ndarray, clouds: np.ndarray) -> Reason:
    low, high = np.transpose(box)
    if np.any((clouds < low) | (clouds > high)):
        return "a particle has left the box: take only steps that stay in it."
    for level, cloud in zip(levels, clouds, strict=True):
        if np.any(K(cloud) > level * (1 + 1e-9)):
            return (
                f"in the cloud of level {level:.3g} a particle has K = {K(cloud).max():.3g}: it is not below the level."
            )
        different = len(np.unique(cloud, axis=0))
        if different < 0.75 * len(cloud):
            return (
                f"at level {level:.3g} only {different} of {len(cloud)} particles differ: stir the copies longer, "
                "one coordinate at a time, with small steps among the sizes."
            )
    return None


def _case(name: str, K: ArrayFunction, box: Sequence[tuple[float, float]], eps: float, log_V: float) -> Case:
    return Case(name, *_splits(K, box, eps, log_V))


_k = [int(x) for x in np.random.default_rng(5).integers(1, 4, 3)]


@check.writing(
    "Each level costs the same, so V = 10⁻¹⁵ takes 38 levels of 40 %, where counting takes 10¹⁵ draws.",
    ours=ours.split,
    cases=[
        _case("w² on [−1, 1] down to 10⁻⁶", lambda w: w[:, 0] ** 2, [(-1, 1)], 1e-6, np.log(1e-3)),
        _case("half a disc, on [0, 2] × [−1, 1]", _disc, [(0, 2), (-1, 1)], 1e-6, np.log(np.pi / 8 * 1e-6)),
        _case("a box where K ≤ ε everywhere", lambda w: w[:, 0] ** 2, [(-0.1, 0.1)], 1.0, 0.0),
        _case(
            "the cross down to 10⁻²⁰",
            lambda w: (w[:, 0] * w[:, 1]) ** 2,
            _SQUARE,
            1e-20,
            float(normal_crossing_log_volume(1e-20, (1, 1))),
        ),
        _case(
            f"a product of three powers, k = {_k}",
            lambda w: np.prod(np.abs(w) ** (2 * np.array(_k)), axis=1),
            [(-1, 1)] * 3,
            1e-12,
            float(normal_crossing_log_volume(1e-12, _k)),
        ),
    ],
)
def split(function: Any) -> str | None:
    """Splitting: levels, log V at them, and the particles at each."""


# ---- numbers ----------------------------------------------------------------------------------------------------


@check.exercise("Independent groups of coordinates in a sum: their λ add, because V is a convolution of powers.")
def sum_of_losses(answer: Any) -> str | None:
    """λ of w₁² + w₂⁴ + w₃⁶."""
    wrong = number(answer, 11 / 12, hints={
        11 / 6: "K is a square of a width: the width of w^(2k) ≤ ε is ε^(1/(2k)), so w₁² gives 1/2.",
        1.5: "That is d/2. The second and third coordinate are degenerate.",
        1 / 6: "The smallest wins in a product. In a sum all terms have to be small at once.",
        1 / 48: "λ of a sum is no product of the λ: multiply the three widths, not the exponents.",
    })  # fmt: skip
    if wrong and wrong.endswith(("large.", "small.")) and number(answer, 11 / 12, rel=0.04) is None:
        return f"{float(answer):.4g} is as close as a measurement comes. Which fraction is it? Add up something."
    return wrong


@check.exercise(
    "Above it the line holds more, below it the pit: size decides at a given ε, and λ decides in the limit."
)
def balance(answer: Any) -> str | None:
    """The ε at which the line and the pit hold equal volume."""
    exact = (np.pi / 80) ** 4
    return number(answer, exact, rel=0.2, hints={
        (np.pi / 40) ** 4: "The line's strip reaches √ε to both sides: its width is 2√ε, its area 8√ε.",
        (np.pi / 160) ** 4: "That would be so if both areas were twice as different. The line's area is 4 · 2√ε.",
        np.pi / 80: "That is the fourth root of ε.",
        (np.pi / 80) ** 2: "That is √ε. The equation is π ε^(1/4)/10 = 8 ε^(1/2).",
        (np.pi / 8) ** 4: "The 10 in the exponent: near the origin K ≈ (10 r²)⁴.",
        (np.pi / 8) ** 4 / 10: "Near the origin K is (10 r²)⁴, so r² ≤ ε^(1/4)/10: no root of the 10.",
    })  # fmt: skip
