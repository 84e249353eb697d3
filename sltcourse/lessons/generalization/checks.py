"""The checks of lesson 05: what each exercise replies."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import norm

from sltcourse.kit.checks import Case, Checks
from sltcourse.lessons.generalization import ours
from sltcourse.lessons.generalization.models import MEANS
from sltcourse.theory.mean_models import MeanModel, expected_error, normal_mean, own_mean, power_mean

check = Checks("05_generalization")

_random = np.random.default_rng(5)


# ---- the predictive density ------------------------------------------------------------------------------------------


def _posterior(data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        log_post = np.log(prior) - ((data[:, None] - theta) ** 2).sum(axis=0) / 2
    post = np.exp(log_post - log_post.max())
    weights: np.ndarray = post / post.sum()
    return weights


def _not_normalised(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    density: np.ndarray = norm.pdf(x[:, None] - theta) @ (prior * norm.pdf(data[:, None] - theta).prod(axis=0))
    return density


def _underflowing(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    post = prior * np.exp(-((data[:, None] - theta) ** 2).sum(axis=0) / 2)
    density: np.ndarray = norm.pdf(x[:, None] - theta) @ post / post.sum()
    return density


def _plugged_in(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    density: np.ndarray = norm.pdf(x - _posterior(data, theta, prior) @ theta)
    return density


def _best_node(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    density: np.ndarray = norm.pdf(x - theta[_posterior(data, theta, prior).argmax()])
    return density


def _from_prior(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    density: np.ndarray = norm.pdf(x[:, None] - theta) @ prior
    return density


def _without_prior(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return ours.predictive(x, data, theta, np.full(len(theta), 1 / len(theta)))


def _of_logs(x: np.ndarray, data: np.ndarray, theta: np.ndarray, prior: np.ndarray) -> np.ndarray:
    density: np.ndarray = np.exp(norm.logpdf(x[:, None] - theta) @ _posterior(data, theta, prior))
    return density


_TWO = (np.array([0.0, 1.0]), np.array([0.5, 0.5]))
_FIVE = (np.linspace(-1, 1, 5), _random.dirichlet(np.ones(5)))
_HALF = (np.array([-1.0, 0.0, 0.5]), np.array([0.0, 0.4, 0.6]))
_X = np.array([-0.5, 0.0, 2.0])
_EVEN = float((norm.pdf(0) + norm.pdf(1)) / 2)


@check.writing(
    "It is a mixture of the model's densities, each with its posterior weight, and in general no member of the model.",
    ours=ours.predictive,
    cases=[
        Case("two nodes, 0 and 1, and one sample halfway", (np.array([0.0, 1.0]), np.array([0.5]), *_TWO),
             np.array([_EVEN, _EVEN])),
        Case("no data: the prior alone", (_X, np.array([]), *_FIVE)),
        Case("five nodes, three samples", (_X, np.array([0.3, -0.2, 0.9]), *_FIVE)),
        Case("a node of prior 0", (_X, np.array([-1.0, -0.4]), *_HALF)),
        Case("4000 samples: exp(−2000) is 0 for a computer", (_X, _random.normal(size=4000), *_FIVE)),
    ],
    common={
        _not_normalised: "The posterior weights must add up to 1: divide them by their sum.",
        _underflowing: "With many samples every likelihood is 0 for a computer. Work with logarithms, and subtract the "
        "largest before exp.",
        _plugged_in: "That is the model at the posterior's mean. Average the densities, not the parameter.",
        _best_node: "That is the model at its most probable node. Average over all of them.",
        _from_prior: "That averages over the prior. Weigh each node by its likelihood too.",
        _without_prior: "The prior is missing: a node's weight is its prior probability times its likelihood.",
        _of_logs: "That averages log p. The average comes first, over p itself.",
    },
)  # fmt: skip
def predictive(function: Any) -> str | None:
    """p*(x) of the model N(θ, 1) with a prior of nodes: ``ours.predictive``."""


# ---- a prediction is a ratio of evidences ----------------------------------------------------------------------------


def _normal_F(data: np.ndarray) -> float:
    """−log Z of the model N(w, 1) with the prior w ~ N(0, 1), in closed form."""
    n = len(data)
    return float((np.log(1 + n) + n * np.log(2 * np.pi) + np.sum(data**2) - np.sum(data) ** 2 / (1 + n)) / 2)


def _nodes_F(data: np.ndarray) -> float:
    theta, prior = _FIVE
    return float(-np.log(prior @ norm.pdf(np.asarray(data)[:, None] - theta).prod(axis=0)))


@check.writing(
    "The samples so far cancel from numerator and denominator, and what is left is the chance of the next one.",
    ours=ours.predictive_from_F,
    cases=[
        Case("N(w, 1) with the prior N(0, 1), no data, x = 0: the density of N(0, 2)",
             lambda: (_normal_F, np.array([]), 0.0), float(norm.pdf(0, 0, np.sqrt(2)))),
        Case("N(w, 1) with the prior N(0, 1), one sample of 2, x = 1",
             lambda: (_normal_F, np.array([2.0]), 1.0), float(norm.pdf(0, 0, np.sqrt(1.5)))),
        Case("five nodes, three samples", lambda: (_nodes_F, np.array([0.3, -0.2, 0.9]), -0.7)),
    ],
    common={
        lambda F, data, x: np.exp(F(np.append(data, x)) - F(data)): "That is the ratio upside down. F is minus log Z, "
        "so that the larger data set comes with a minus sign.",
        lambda F, data, x: F(data) - F(np.append(data, x)): "That is log p*(x). Take exp of it.",
        lambda F, data, x: F(np.append(data, x)) - F(data): "That is −log p*(x). Take exp of minus it.",
        lambda F, data, x: F(data) / F(np.append(data, x)): "Z is exp(−F). The ratio is of the Z, not of the F.",
        lambda F, data, x: F(np.append(data, x)) / F(data): "Z is exp(−F). The ratio is of the Z, not of the F.",
        lambda F, data, x: np.exp(-F(np.append(data, x))): "That is Z of the n + 1 samples. Divide by that of the n.",
    },
)  # fmt: skip
def predictive_from_F(function: Any) -> str | None:
    """p*(x) from the free energies of n and of n + 1 samples: ``ours.predictive_from_F``."""


# ---- the expected error ----------------------------------------------------------------------------------------------


def _mean_F(model: MeanModel, n: float, variance: float) -> float:
    return normal_mean(lambda t: model.free_energy(n, t), variance=variance)


@check.writing(
    "Two integrals over one normal variable, and no data set is simulated.",
    ours=ours.expected_G,
    cases=[
        Case("the cubic at n = 100", (MEANS["cubic"], 100), abs=1e-9, rel=1e-4),
        Case("the regular model at n = 1", (MEANS["regular"], 1), rel=1e-4),
        Case("the product at n = 5000", (MEANS["product"], 5000), abs=1e-9, rel=1e-3),
        Case("the cubic with the truth 0.3, n = 40", (power_mean(3, 0.3), 40), rel=1e-4),
    ],
    common={
        lambda model, n: _mean_F(model, n + 1, n) - _mean_F(model, n, n): "With the new sample the score is a sum of "
        "n + 1 samples, so its variance is n + 1.",
        lambda model, n: _mean_F(model, n, n) - _mean_F(model, n + 1, n + 1): "F grows with n, and an error is never "
        "negative: take the two in the other order.",
        lambda model, n: n * ours.expected_G(model, n): "That is n E[Gₙ]. Leave the factor n out here.",
        lambda model, n: _mean_F(model, n, n): "That is E[Fₙ]. The error is its growth by one sample.",
        lambda model, n: float(model.free_energy(n + 1, 0.0) - model.free_energy(n, 0.0)): "That takes t = 0. Average "
        "F over t with normal_mean.",
        lambda model, n: _mean_F(model, n + 1, np.sqrt(n + 1)) - _mean_F(model, n, np.sqrt(n)): "normal_mean takes "
        "the variance of t, which is n, not its square root.",
        lambda model, n: _mean_F(model, n, n) - _mean_F(model, n - 1, n - 1) if n > 1 else _mean_F(model, n, n):
        "That is E[Gₙ₋₁]: the prediction after n samples needs n + 1 and n.",
    },
)  # fmt: skip
def expected_G(function: Any) -> str | None:
    """E[G_n] of a MeanModel from two mean free energies: ``ours.expected_G``."""


# ---- a price of one's own --------------------------------------------------------------------------------------------

PRICE, PRICE_SIZE = 0.1, 1000


@check.exercise("Integrated for your own θ: within 5 % of 0.1. Its K rises more slowly than that of the cubic.")
def design(theta: Any) -> str | None:
    """A mean θ(w) with the truth w = 0 and n E[G_n] within 5 % of 0.1 at n = 1000."""
    try:
        model = own_mean(theta)
    except ValueError as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}."
    price = PRICE_SIZE * expected_error(model, PRICE_SIZE)
    if abs(price / PRICE - 1) <= 0.05:
        return None
    measured = f"By integration yours has n E[Gₙ] = {price:.3f} at n = 1000. "
    if price < 1e-6:
        return measured + "It predicts the truth whatever w is: there is nothing to learn."
    if abs(price - 1 / 6) < 0.005:
        return measured + "λ = 1/6 of w³ comes from K = w⁶/2. Which power of w gives 1/10?"
    if price > PRICE:
        return measured + "It is too expensive: let more of the prior predict the truth almost exactly."
    return measured + "It is too cheap: let less of the prior predict the truth almost exactly."


# ---- WAIC ------------------------------------------------------------------------------------------------------------


def _waic_parts(log_p: np.ndarray, weights: np.ndarray) -> tuple[float, float, int]:
    """(the training loss, V, n)."""
    training = -float(np.mean(np.log(np.exp(log_p) @ weights)))
    return training, float(np.sum(log_p**2 @ weights - (log_p @ weights) ** 2)), len(log_p)


def _waic_like(mix: Callable[[float, float, int], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda log_p, weights: mix(*_waic_parts(log_p, weights))


_WEIGHTS = np.array([0.1, 0.2, 0.3, 0.4])
_LOG_P = _random.normal(size=(5, 4)) / 2 - 1


@check.writing(
    "Two lines, one posterior, no held-out data, no truth: that is all WAIC needs.",
    ours=ours.waic,
    cases=[
        Case("one node: nothing to disagree about", (np.array([[-1.0], [-2.0], [-3.0]]), np.array([1.0])), 2.0),
        Case("five samples, four nodes", (_LOG_P, _WEIGHTS)),
        Case("one sample, two nodes of weight ½", (np.array([[-1.0, -3.0]]), np.array([0.5, 0.5])),
             2 - float(np.log((1 + np.exp(-2)) / 2))),
        Case("equal weights", (_random.normal(size=(7, 50)) - 1.4, np.full(50, 0.02))),
    ],
    common={
        _waic_like(lambda T, V, n: T): "That is the training loss alone. Add the functional variance, divided by n.",
        _waic_like(lambda T, V, n: T + V): "Nearly: V is a sum over samples. WAIC takes V/n.",
        _waic_like(lambda T, V, n: T - V / n): "The variance is added: training flatters.",
        _waic_like(lambda T, V, n: -T + V / n): "Mind the sign: the training loss is minus the mean log of p*.",
        _waic_like(lambda T, V, n: n * T + V): "That is n·WAIC, a sum over the samples. Here WAIC is a mean: divide by "
        "n.",
        _waic_like(lambda T, V, n: -n * T - V): "That is −n·WAIC, the scale on which ArviZ reports it (elpd). Change "
        "the sign and divide by n.",
        _waic_like(lambda T, V, n: 2 * (n * T + V)): "That is 2n·WAIC, the scale of a deviance. Divide by 2n.",
        _waic_like(lambda T, V, n: -2 * (n * T + V)): "That is −2n·WAIC. Divide by −2n.",
        lambda log_p, weights: float(-np.mean(log_p @ weights) + np.mean(log_p**2 @ weights - (log_p @ weights) ** 2)):
        "Your first term is the Gibbs training loss. Average p over the posterior before the logarithm.",
        lambda log_p, weights: float(_waic_parts(log_p, weights)[0] + np.mean(log_p.var(axis=1))):
        "The variance has to be taken with the weights.",
        lambda log_p, weights: float(_waic_parts(log_p, weights)[0] + np.mean(log_p.var(axis=0))):
        "Vary w, not x: the variance is over the nodes, one for each sample.",
        lambda log_p, weights: float(-np.mean(np.log(np.exp(log_p).mean(axis=1)))
                                     + np.mean(log_p**2 @ weights - (log_p @ weights) ** 2)):
        "The average of p has to be taken with the weights.",
    },
)  # fmt: skip
def waic(function: Any) -> str | None:
    """WAIC from log p(xᵢ|wⱼ) and the posterior's weights: ``ours.waic``."""
