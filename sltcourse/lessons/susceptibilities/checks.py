"""The checks of lesson 11: what each exercise replies."""

from typing import Any

import numpy as np
import sympy as sp

from sltcourse.kit.checks import Case, Checks, expression
from sltcourse.lessons.susceptibilities import models

check = Checks("11_susceptibilities")
_random = np.random.default_rng(11)
_phi = np.array([[0.0, 2.0], [4.0, 6.0]])
_delta = np.array([[[1.0, 0.0], [2.0, 0.0]], [[3.0, 0.0], [4.0, 0.0]]])
_long = _random.normal(size=(8, 200, 3))


def _sign(phi, delta):
    value, error = models.susceptibility(phi, delta)
    return -value, error


def _own_means(phi, delta):
    product = -(phi - phi.mean(1, keepdims=True))[..., None] * (delta - delta.mean(1, keepdims=True))
    by_chain = product.mean(1)
    return by_chain.mean(0), by_chain.std(0, ddof=1) / np.sqrt(len(by_chain))


def _uncentred(phi, delta):
    by_chain = -(phi[..., None] * delta).mean(1)
    return by_chain.mean(0), by_chain.std(0, ddof=1) / np.sqrt(len(by_chain))


def _draws_independent(phi, delta):
    product = -(phi - phi.mean())[..., None] * (delta - delta.mean((0, 1)))
    return product.mean((0, 1)), product.std((0, 1), ddof=1) / np.sqrt(phi.size)


def _spread(phi, delta):
    value, error = models.susceptibility(phi, delta)
    return value, error * np.sqrt(len(phi))


@check.writing(
    "One number and its error from the same chains: the chains are the witnesses, as for λ̂.",
    ours=models.susceptibility,
    cases=[
        Case("two chains of two draws", (_phi, _delta), (np.array([-2.5, 0.0]), np.array([0.0, 0.0]))),
        Case("what does not move answers nothing", (np.ones((3, 4)), _random.normal(size=(3, 4, 2)))),
        Case("eight chains, three perturbations", (_long[..., 0] + _long[..., 1], _long)),
    ],
    common={
        _sign: "The sign: χ is minus the covariance.",
        _own_means: "You take each chain's own mean away. What the chains disagree about is then lost: use the mean of "
        "all draws.",
        _uncentred: "That is −E[φ ΔL]. A covariance takes both means away first.",
        _draws_independent: "Your error takes all draws for independent. Take the spread of the chains.",
        _spread: "That is the spread of the chains. The error of their mean is smaller by √chains.",
    },
)
def susceptibility(function: Any) -> str | None:
    """χ and its standard error from chains: ``models.susceptibility``."""


_mean, _cov = np.array([0.1, 0.7]), np.array([[0.03, -0.01], [-0.01, 0.02]])


def _formula(linear, square):
    def cov(X, y, mean, cov):
        r, s = y - X @ mean, X @ cov @ X.T
        return linear(r, s) + square(s)

    return cov


_rr = lambda r, s: np.outer(r, r) * s  # noqa: E731


@check.writing(
    "Linear terms with linear, squares with squares: a Gaussian knows nothing else.",
    ours=models.loss_covariance,
    cases=[
        Case("one point, one weight: N(0, 1)", (np.ones((1, 1)), np.array([0.0]), np.zeros(1), np.eye(1)),
             np.array([[0.5]])),
        Case("two points that share no weight", (np.eye(2), np.array([1.0, 2.0]), np.zeros(2), np.diag([0.1, 0.2])),
             np.diag([0.105, 0.82])),
        Case("a posterior of no width", (models.X, models.Y, _mean, np.zeros((2, 2))), np.zeros((6, 6))),
        Case("the six points", (models.X, models.Y, _mean, _cov)),
    ],
    common={
        _formula(_rr, lambda s: 0 * s): "The squares are missing: Cov(u_i²/2, u_j²/2) = s_ij²/2.",
        _formula(_rr, lambda s: s**2 / 4): "Cov(u_i², u_j²) is 2 s_ij², so the squares give ¼ · 2.",
        _formula(_rr, lambda s: s**2): "The squares are twice too large: ½ · ½ · 2 s_ij².",
        _formula(lambda r, s: np.outer(r, r), lambda s: s**2 / 2): "The linear terms need Cov(u_i, u_j) = s_ij.",
        _formula(lambda r, s: s, lambda s: s**2 / 2): "The linear terms are −r_i u_i: where are the residuals?",
    },
)  # fmt: skip
def loss_covariance(function: Any) -> str | None:
    """Cov(ℓ_i, ℓ_j) in a Gaussian posterior: ``models.loss_covariance``."""


_p, _v = sp.symbols("p v", positive=True)


@check.exercise("p Var ℓ₁: the bystander's line. Read every χ from there, not from 0.")
def bystander(answer: Any) -> str | None:
    """χ of ℓ₁ to the other mechanism's data, in p and v = Var ℓ₁."""
    return expression(answer, _p * _v, hints={
        sp.Integer(0): "Write ΔL = ℓ₂ − pℓ₁ − (1 − p)ℓ₂. Which term does not vanish?",
        -_p * _v: "χ is minus the covariance, and ΔL contains −pℓ₁: two signs.",
        -(1 - _p) * _v: "That is the answer to its own data, ΔL = ℓ₁ − L.",
        (1 - _p) * _v: "ΔL contains −pℓ₁, not −(1 − p)ℓ₁: p is the first mechanism's share.",
        _v: "ℓ₁ stands in L with the weight p.",
        _p**2 * _v: "φ is ℓ₁ here, without another p.",
    })  # fmt: skip


_true = _random.normal(size=(2, 40)).T @ _random.normal(size=(2, 4))  # (tokens, heads) of rank 2
_first, _second = ((_true + 0.3 * _random.normal(size=_true.shape)).T for _ in range(2))
_orthogonal = np.array([[1.0, -1, 0, 0], [2, -2, 0, 0]]), np.array([[0.0, 0, 1, -1], [0, 0, 2, -2]])


def _component(scaled: bool = True, centred: bool = True, side: int = 2, signed: bool = False) -> Any:
    def agreement(first, second, k):
        found = []
        for chi in (first, second):
            z = chi - chi.mean(1, keepdims=True) if centred else chi
            z = z / z.std(1, keepdims=True) if scaled else z
            part = np.linalg.svd(z, full_matrices=False)[side]
            found.append(part[k] if side == 2 else part[:, k])
        cosine = found[0] @ found[1]
        return cosine if signed else abs(cosine)

    return agreement


@check.writing(
    "A component that halves of the chains do not share is noise.",
    ours=models.agreement,
    cases=[
        Case("a matrix and itself", (_first, _first, 1), 1.0),
        Case("no token in common", (*_orthogonal, 0), 0.0),
        Case("two estimates, first component", (_first, _second, 0)),
        Case("two estimates, third component", (_first, _second, 2)),
        Case("the heads in other units", (_first, (_second.T * [1, 10, 100, 1000]).T, 1)),
    ],
    common={
        _component(signed=True): "A component's sign means nothing: take the absolute value.",
        _component(scaled=False): "Divide each row by its standard deviation: else the loudest head is the component.",
        _component(centred=False): "Take off each row's mean first.",
        _component(side=0): "Those are the components over the heads. Over the tokens they are the rows of Vh.",
        lambda first, second, k: models.agreement(first, second, k) ** 2: "That is its square.",
    },
)
def agreement(function: Any) -> str | None:
    """|cos| of two estimates' k-th principal components: ``models.agreement``."""
