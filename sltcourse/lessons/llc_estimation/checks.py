"""The checks of lesson 07: what each exercise replies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from sltcourse.kit.checks import Case, Checks, expression, number
from sltcourse.lessons.llc_estimation import ours
from sltcourse.theory.numeric_input import ArrayFunction

check = Checks("07_llc_estimation")

# ---- the sampler -----------------------------------------------------------------------------------------------------


def nowhere(w: np.ndarray) -> np.ndarray:
    """The gradient of a loss that is the same everywhere."""
    return np.zeros_like(w)


def parabola(w: np.ndarray) -> np.ndarray:
    """The gradient of ‖w‖²/2."""
    return 1.0 * w


def stretched(w: np.ndarray) -> np.ndarray:
    """The gradient of a loss with a stiff and a flat direction, minimal at (1, 0)."""
    return np.stack([6 * (w[:, 0] - 1), 4 * w[:, 1] ** 3], -1)


def _sgld_like(
    force_of: Callable[..., np.ndarray],
    step_of: Callable[..., np.ndarray] = lambda lr, force, z: -lr / 2 * force + np.sqrt(lr) * z,
    first: int = 0,
) -> Callable[..., np.ndarray]:
    """A sampler with another force or another step; ``first`` = 1 writes down where a chain is before each step."""

    def sampler(
        grad: ArrayFunction, w_star: np.ndarray, nbeta: float, localization: float, lr: float, noise: np.ndarray
    ) -> np.ndarray:
        w_star = np.asarray(w_star, float)
        w, path = np.tile(w_star, (len(noise), 1)), np.empty(noise.shape)
        for t in range(noise.shape[1]):
            new = w + step_of(lr, force_of(grad(w), w, w_star, nbeta, localization), noise[:, t])
            path[:, t] = w if first else new
            w = new
        return path

    return sampler


def _force(g: np.ndarray, w: np.ndarray, w_star: np.ndarray, nbeta: float, pull: float) -> np.ndarray:
    return nbeta * g + pull * (w - w_star)


_random = np.random.default_rng(7)
_no_noise = np.zeros((2, 3, 1))
_kick = np.zeros((1, 3, 2))
_kick[0, 0] = 1


SGLD_COMMON = {  # tempting wrong functions, and what they are told
    _sgld_like(_force, lambda lr, f, z: -lr * f + np.sqrt(lr) * z):
        "The force is multiplied by ε where ε/2 is wanted: these chains sample twice as cold.",
    _sgld_like(_force, lambda lr, f, z: -lr * f + np.sqrt(2 * lr) * z):
        "That is right with another name for the step: your ε is half of ours. Use ε/2 and √ε.",
    _sgld_like(_force, lambda lr, f, z: -lr / 2 * f + lr * z):
        "The noise is multiplied by ε where √ε is wanted: with so little noise the chains only roll downhill.",
    _sgld_like(_force, lambda lr, f, z: -lr / 2 * f + z):
        "The noise lacks its √ε.",
    _sgld_like(_force, lambda lr, f, z: lr / 2 * f + np.sqrt(lr) * z):
        "Your chains climb: the sign of the force is wrong.",
    _sgld_like(_force, lambda lr, f, z: -lr / 2 * f):
        "The noise is missing: this is gradient descent.",
    _sgld_like(lambda g, w, w_star, nbeta, pull: nbeta * g):
        "The spring is missing: add localization · (w − w*) to the force.",
    _sgld_like(lambda g, w, w_star, nbeta, pull: nbeta * g + pull * w):
        "Your spring pulls to 0; it should pull to w*.",
    _sgld_like(lambda g, w, w_star, nbeta, pull: nbeta * g + pull / 2 * (w - w_star)):
        "The force is the gradient of γ/2 ‖w − w*‖², which is γ (w − w*), without the ½.",
    _sgld_like(lambda g, w, w_star, nbeta, pull: nbeta * (g + pull * (w - w_star))):
        "nβ multiplies the loss alone, not the spring.",
    _sgld_like(lambda g, w, w_star, nbeta, pull: g + pull * (w - w_star)):
        "nβ is missing: the force of the loss is nβ times its gradient.",
    _sgld_like(_force, first=1):
        "You write down where a chain is before each step; wanted is where it is after it.",
}  # fmt: skip


@check.writing(
    "Force downhill, half a step of it, and √ε of noise: that is the whole sampler.",
    ours=ours.sgld,
    cases=[
        Case("no loss, no spring: only the noise", (nowhere, np.zeros(1), 10.0, 0.0, 0.25, np.ones((1, 3, 1))),
             np.array([[[0.5], [1.0], [1.5]]])),
        Case("no noise: straight downhill from w* = 1", (parabola, np.ones(1), 2.0, 0.0, 0.5, _no_noise),
             np.tile([[0.5], [0.25], [0.125]], (2, 1, 1))),
        Case("one kick, then the spring alone", (nowhere, np.array([1.0, -1.0]), 5.0, 2.0, 0.25, _kick)),
        Case("one chain, one step, three directions",
             (parabola, np.array([0.0, 1.0, 2.0]), 3.0, 1.0, 0.1, np.array([[[1.0, 0.0, -1.0]]]))),
        Case("five chains, forty steps, everything at once",
             (stretched, np.array([1.0, 0.5]), 20.0, 3.0, 0.01, _random.normal(size=(5, 40, 2)))),
    ],
    common=SGLD_COMMON,
)  # fmt: skip
def sgld(function: Any) -> str | None:
    """The Langevin sampler: ``ours.sgld``."""


# ---- the estimate and its error --------------------------------------------------------------------------------------

_losses = np.array([[9.0, 1.0, 3.0], [9.0, 5.0, 7.0]])


def _llc_like(value: Callable[..., float], error: Callable[..., float]) -> Callable[..., tuple[float, float]]:
    """An estimate with another value or error, of the draws behind the burn-in (chains, draws)."""

    def both(losses: np.ndarray, loss_star: float, nbeta: float, burnin: int) -> tuple[float, float]:
        kept = losses[:, burnin:]
        return value(losses, kept, loss_star, nbeta), error(losses, kept, nbeta)

    return both


def _value(losses: np.ndarray, kept: np.ndarray, star: float, nbeta: float) -> float:
    return nbeta * (kept.mean() - star)


def _error(losses: np.ndarray, kept: np.ndarray, nbeta: float) -> float:
    return nbeta * kept.mean(1).std(ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.nan


LLC_COMMON = {  # tempting wrong functions, and what they are told
    _llc_like(_value, lambda losses, kept, nbeta: nbeta * kept.std(ddof=1) / np.sqrt(kept.size)):
        "Your error takes all draws for independent. Draws of one chain resemble each other: take the means of "
        "the chains, and their spread.",
    _llc_like(_value, lambda losses, kept, nbeta: nbeta * kept.std() / np.sqrt(kept.size)):
        "Your error takes all draws for independent. Draws of one chain resemble each other: take the means of "
        "the chains, and their spread.",
    _llc_like(_value, lambda losses, kept, nbeta: nbeta * kept.mean(1).std() / np.sqrt(len(kept))):
        "The standard deviation of a few means wants ddof=1, as the mean is estimated too.",
    _llc_like(_value, lambda losses, kept, nbeta: nbeta * kept.mean(1).std(ddof=1)):
        "That is the spread of the chains. The error of their mean is smaller by √chains.",
    _llc_like(_value, lambda losses, kept, nbeta: kept.mean(1).std(ddof=1) / np.sqrt(len(kept))):
        "The error lacks the factor nβ.",
    _llc_like(lambda losses, kept, star, nbeta: nbeta * (losses.mean() - star),
              lambda losses, kept, nbeta: _error(losses, losses, nbeta)):
        "The burn-in is still in it.",
    _llc_like(lambda losses, kept, star, nbeta: nbeta * kept.mean() - star, _error):
        "nβ multiplies the difference: nβ (mean − L(w*)).",
    _llc_like(lambda losses, kept, star, nbeta: nbeta * kept.mean(), _error):
        "L(w*) has not been subtracted.",
}  # fmt: skip


@check.writing(
    "Each chain is one witness: their disagreement is the error bar, however long each of them talks.",
    ours=ours.llc_hat,
    cases=[
        Case("two chains, one step of burn-in", (_losses, 0.0, 10.0, 1), (40.0, 20.0)),
        Case("the same with L(w*) = 2", (_losses, 2.0, 10.0, 1), (20.0, 20.0)),
        Case("one chain has no error: nan", (_losses[:1], 0.0, 1.0, 1), (2.0, np.nan)),
        Case("no burn-in", (_losses, 0.0, 1.0, 0)),
        Case("sixteen chains", (_random.gamma(0.75, size=(16, 200)) / 100, 0.001, 100.0, 50)),
    ],
    common=LLC_COMMON,
)  # fmt: skip
def llc_hat(function: Any) -> str | None:
    """λ̂ and its standard error: ``ours.llc_hat``."""


# ---- R-hat -----------------------------------------------------------------------------------------------------------


def _r_like(split: bool = True, ddof: int = 1, root: bool = True, times: bool = True) -> Callable[[np.ndarray], float]:
    def r(x: np.ndarray) -> float:
        half = x.shape[1] // 2 if split else x.shape[1]
        parts = np.concatenate([x[:, :half], x[:, half : 2 * half]]) if split else x
        within, means = parts.var(axis=1, ddof=ddof).mean(), parts.mean(axis=1)
        between = (half if times else 1) * means.var(ddof=ddof)
        squared = ((half - 1) * within + between) / (half * within)
        return np.sqrt(squared) if root else squared

    return r


_walk = np.array([[0.0, 2.0, 4.0, 6.0]])


R_HAT_COMMON = {  # tempting wrong functions, and what they are told
    _r_like(split=False): "You compare whole chains. Cut each in two halves first: one that drifts then "
    "disagrees with itself.",
    _r_like(root=False): "The square root is missing.",
    _r_like(ddof=0): "Both variances want ddof=1.",
    _r_like(times=False): "The variance of the means has to be multiplied by the number N of draws in a half.",
    _r_like(split=False, root=False): "Cut each chain in two halves first, and take the square root at the end.",
}  # fmt: skip


@check.writing(
    "1 where the halves tell one story. It cannot see what all of them miss.",
    ours=ours.r_hat,
    cases=[
        Case("one chain that drifts: 0, 2, 4, 6", (_walk,), np.sqrt(4.5)),
        Case("two chains that disagree", (np.array([[0.0, 1, 0, 1], [10.0, 11, 10, 11]]),)),
        Case("chains that agree", (_random.normal(size=(8, 500)),)),
        Case("an odd number of draws: the last is left out", (np.c_[_walk, 100.0],), np.sqrt(4.5)),
        Case("one of four chains is off", (_random.normal(size=(4, 60)) + np.array([[0.0], [0], [0], [2]]),)),
    ],
    common=R_HAT_COMMON,
)  # fmt: skip
def r_hat(function: Any) -> str | None:
    """Split R-hat: ``ours.r_hat``."""


# ---- by hand ---------------------------------------------------------------------------------------------------------

_s, _h, _gamma = sp.symbols("s h gamma", positive=True)


@check.exercise("½ if nβh is far above γ, next to nothing if it is far below: the spring hides the flat directions.")
def spring(answer: Any) -> str | None:
    """What perfect chains read on L = h w²/2, a sympy expression in s = nβ, h and γ."""
    return expression(answer, _s * _h / (2 * (_s * _h + _gamma)), hints={
        sp.Rational(1, 2): "That is λ, the limit of large nβ. Keep γ.",
        1 / (2 * (_s * _h + _gamma)): "That is half the variance of w. The reading is nβ·h times it.",
        1 / (_s * _h + _gamma): "That is the variance of w. The reading is nβ·h/2 times it.",
        sp.Rational(1, 2) * _h / (_s * _h + _gamma): "That is the mean loss. Multiply by nβ.",
        _s * _h / (_s * _h + _gamma): "Nearly: the loss is h w²/2. Where is its ½?",
        _s * _h / (2 * (_s * _h + _gamma / 2)): "The spring is γ w²/2: it adds γ to nβh, not γ/2.",
        _h / (2 * (_h + _gamma)): "Where is nβ? The chains feel nβ times the loss.",
    })  # fmt: skip


@check.exercise("(142 − 3)/2: every direction that the loss feels counts ½, and three rotations are not felt at all.")
def plateau(answer: Any) -> str | None:
    """The λ of the digits network, whose loss and weight decay do not feel the rotations of its three numbers."""
    return number(answer, 69.5, rel=1e-3, hints={
        71: "That is d/2. Which directions change neither the output nor the weight decay?",
        66.5: "All 3 × 3 matrices leave the output alone, but most of them change the weight decay, and the "
        "penalty belongs to what is sampled. Which do not?",
        139: "That is the number of directions that are felt. Each counts ½.",
        68: "Do six directions go? The matrices A with AᵀA = 1 have 3 × 3 entries and 6 equations.",
        70.5: "One rotation leaves one angle. In three dimensions there are more.",
        3: "That is the number of directions that nothing feels. What is λ?",
    })  # fmt: skip
