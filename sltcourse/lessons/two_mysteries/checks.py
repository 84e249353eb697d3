"""The checks of lesson 00: what each exercise replies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sltcourse.kit.checks import Case, Checks
from sltcourse.lessons.two_mysteries import ours
from sltcourse.lessons.two_mysteries.models import TABLES

check = Checks("00_two_mysteries")
_random = np.random.default_rng(10)

# ---- least squares ---------------------------------------------------------------------------------------------------


def _transposed(Phi: Any, y: Any) -> Any:
    return Phi.T @ y


def _all_values(Phi: Any, y: Any) -> Any:
    U, s, Vt = np.linalg.svd(Phi, full_matrices=False)
    return Vt.T @ (U.T @ y / s)


def _times(Phi: Any, y: Any) -> Any:
    U, s, Vt = np.linalg.svd(Phi, full_matrices=False)
    return Vt.T @ (U.T @ y * s)


def _undivided(Phi: Any, y: Any) -> Any:
    U, _, Vt = np.linalg.svd(Phi, full_matrices=False)
    return Vt.T @ (U.T @ y)


def _ridge(Phi: Any, y: Any) -> Any:
    return np.linalg.solve(Phi.T @ Phi + 1e-3 * np.eye(Phi.shape[1]), Phi.T @ y)


_TALL, _WIDE = _random.normal(size=(9, 4)), _random.normal(size=(4, 9))


@check.writing(
    "The same lines serve few weights and many. Where many fit equally well, they take the shortest.",
    ours=ours.least_norm,
    cases=[
        Case("one weight, two data", (np.array([[1.0], [1.0]]), np.array([1.0, 3.0])), np.array([2.0])),
        Case("two weights, one datum", (np.array([[3.0, 4.0]]), np.array([5.0])), np.array([0.6, 0.8])),
        Case("four weights, nine data", (_TALL, _random.normal(size=9))),
        Case("nine weights, four data", (_WIDE, _random.normal(size=4))),
        Case("two equal columns", (np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]), np.array([2.0, 4.0, 1.0])),
             np.array([1.0, 1.0])),
        Case("a unit that is silent at all data", (np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([1.0, 3.0])),
             np.array([2.0, 0.0])),
    ],
    common={
        _transposed: "That is Φᵀy. It has still to be divided by the squares of the singular values.",
        _times: "That multiplies by the singular values. Φ does so; to solve for w, divide.",
        _undivided: "U and V only turn. Divide by the singular values between the two turns.",
        _all_values: "Where a singular value is 0, nothing can be divided by it, and rounding makes 10⁻¹⁶ of the 0. "
        "Leave those out: keep = s > 1e-12 * s.max().",
        _ridge: "That is ridge regression: a small multiple of ‖w‖² is added. Here the least squares come first, and "
        "the length decides only among those that fit equally well.",
    },
)  # fmt: skip
def least_norm(function: Any) -> str | None:
    """The least-norm least-squares weights, without numpy's own function for them."""
    used = set(getattr(getattr(function, "__code__", None), "co_names", ())) & {"pinv", "lstsq"}
    if used:
        return f"It is right, but it is numpy's {used.pop()}. Write it with svd: section 2 needs what is inside."
    return None


# ---- the peak --------------------------------------------------------------------------------------------------------


def _classical(N: int, n: int) -> float:
    return N / n


def _one_side(N: int, n: int) -> float:
    return N / (n - N - 1) if n - N - 1 > 0 else np.inf


def _no_edges(N: int, n: int) -> float:
    return N / (n - N - 1) if N < n else n / (N - n - 1)


def _one_degree_off(N: int, n: int) -> float:
    many, few = max(N, n), min(N, n)
    return few / (many - few) if many > few else np.inf


def _two_degrees_off(N: int, n: int) -> float:
    many, few = max(N, n), min(N, n)
    return few / (many - few + 1)


def _one_weight(N: int, n: int) -> float:
    many, few = max(N, n), min(N, n)
    return 1 / (many - few - 1) if many > few + 1 else np.inf


def _more_in_place_of_fewer(N: int, n: int) -> float:
    many, few = max(N, n), min(N, n)
    return many / (many - few - 1) if many > few + 1 else np.inf


@check.writing(
    "Below the peak each weight costs more than the last. Beyond it n rows share the noise, and each weight makes it "
    "cheaper.",
    ours=ours.noise_error,
    cases=[
        Case("4 weights, 16 data", (4, 16), 4 / 11),
        Case("64 weights, 16 data", (64, 16), 16 / 47),
        Case("one weight, many data", (1, 1000), 1 / 998),
        Case("n = N", (16, 16), np.inf),
        Case("n = N + 1", (15, 16), np.inf),
        Case("N = n + 1", (17, 16), np.inf),
        Case("n = N + 2", (14, 16), 14.0),
        Case("N = 40, n = 38", (40, 38), 38.0),
        *[Case(f"N = {N}, n = {n}", (N, n)) for N, n in ((7, 31), (90, 33))],
    ],
    common={
        _classical: "That is N/n, the law for N far below n. Here the peak is wanted: E[1/χ²] = 1/(r − 2).",
        _one_side: "For N > n nothing is infinite: there n rows with N − n + 1 degrees of freedom take over.",
        _no_edges: "The two formulas hold up to N = n − 2 and from N = n + 2. Between them r is 1 or 2, and the mean "
        "of 1/χ² is infinite: return np.inf.",
        _one_degree_off: "Nearly: E[1/χ²] is 1/(r − 2) for r degrees of freedom, not 1/(r − 1).",
        _two_degrees_off: "That takes 1/E[χ²] = 1/r. The mean of 1/χ² is larger: 1/(r − 2).",
        _one_weight: "That is one weight's error. On new normal features the squared errors of all weights add up.",
        _more_in_place_of_fewer: "The number of terms is the smaller one: N weights for N < n, n rows for N > n.",
    },
)
def noise_error(function: Any) -> str | None:
    """The noise's part of the expected error, in units of the noise's variance."""


# ---- one training step -----------------------------------------------------------------------------------------------


def _bowl(w: Any) -> Any:
    return sum((tensor**2).sum() for tensor in w) / 2


def _slope(w: Any) -> Any:
    return (w[0] * torch.tensor([1.0, -2.0, 0.0], dtype=torch.float64)).sum() + w[1].sum() ** 3


def _sine(w: Any) -> Any:
    return torch.sin(w[0]).sum() * torch.exp(w[1] / 3).sum()


def _tensors(*shapes: tuple[int, ...], seed: int = 0, weights: bool = True) -> list[Any]:
    """Random tensors of these shapes; weights ask for a gradient, velocities do not."""
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.normal(size=shape), requires_grad=weights) for shape in shapes]


def _moving(*shapes: tuple[int, ...]) -> list[Any]:
    return _tensors(*shapes, seed=1, weights=False)


def _at_rest(*shapes: tuple[int, ...]) -> list[Any]:
    return [torch.zeros(shape, dtype=torch.float64) for shape in shapes]


def _numbers(result: Any) -> list[list[Any]]:
    """New weights and velocities as two lists of arrays."""
    w, v = result
    return [[tensor.detach().numpy() for tensor in tensors] for tensors in (w, v)]


def _stepped(arguments: Callable[[], tuple[Any, ...]]) -> Callable[[Any], str | None]:
    """A test of what a step returns: the new weights and the new velocities, in this order."""

    def test(result: Any) -> str | None:
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            return "two lists are wanted, the new w and the new v."
        if not all(isinstance(part, (tuple, list)) and len(part) == len(arguments()[1]) for part in result):
            return "the new w and the new v are lists of as many tensors as w had."
        right, got = _numbers(ours.step(*arguments())), _numbers(result)
        for name, ones, others in zip(("w", "v"), got, right, strict=True):
            for k, (one, other) in enumerate(zip(ones, others, strict=True)):
                if one.shape != other.shape:
                    return f"tensor {k} of the new {name} has the shape {one.shape}, and {other.shape} is wanted."
                if not np.allclose(one, other, rtol=1e-9, atol=1e-12):
                    place = tuple(int(i) for i in np.argwhere(~np.isclose(one, other, rtol=1e-9, atol=1e-12))[0])
                    return (
                        f"number {place} of tensor {k} of the new {name} is {one[place]:.6g}, "
                        f"and {other[place]:.6g} is wanted."
                    )
        return None

    return test


def _case(name: str, arguments: Callable[[], tuple[Any, ...]]) -> Case:
    return Case(name, arguments, _stepped(arguments))


def _step_like(sign: float = -1, kept: float = 1, damped: bool = False, old: bool = False) -> Callable[..., Any]:
    """A tempting wrong step, v ← kept·keep·v + sign·rate·g; ``damped``: times 1 − keep; ``old``: w moves by old v."""

    def step(loss: Any, w: Any, v: Any, rate: float = 0.02, keep: float = 0.9) -> Any:
        at = [tensor.detach().requires_grad_() for tensor in w]
        gradient = torch.autograd.grad(loss(at), at)
        pull = sign * rate * (1 - keep if damped else 1)
        new = [kept * keep * a + pull * g for a, g in zip(v, gradient, strict=True)]
        return [a.detach() + b for a, b in zip(at, v if old else new, strict=True)], new

    return step


@check.writing(
    "This is all that trains a network. Everything else is the loss.",
    ours=ours.step,
    cases=[
        _case("a bowl, from rest", lambda: (_bowl, _tensors((3,), (2, 2)), _at_rest((3,), (2, 2)), 0.1)),
        _case("a bowl, in motion", lambda: (_bowl, _tensors((3,), (2, 2)), _moving((3,), (2, 2)), 0.1, 0.5)),
        _case(
            "a place where the gradient is 0",
            lambda: (_bowl, [torch.zeros(2, dtype=torch.float64, requires_grad=True)], _moving((2,)), 0.1),
        ),
        _case("a loss with other derivatives", lambda: (_slope, _tensors((3,), (1,)), _moving((3,), (1,)))),
        _case("a sine", lambda: (_sine, _tensors((5,), (4,), seed=3), _moving((5,), (4,)), 0.3, 0.8)),
    ],
    common={
        _step_like(sign=1): "That walks up the hill: the gradient points to where the loss grows. Subtract it.",
        _step_like(kept=0): "The velocity is thrown away: v ← keep · v − rate · gradient keeps a part of it.",
        _step_like(damped=True): "The gradient enters as rate · gradient, without the factor 1 − keep.",
        _step_like(old=True): "The weights move by the new velocity, not by the old one.",
    },
)
def step(function: Any) -> str | None:
    """One step of gradient descent with momentum, which can be repeated and leaves its arguments alone."""
    w, v = _tensors((3,), (2,)), _at_rest((3,), (2,))
    before = [tensor.detach().clone() for tensor in (*w, *v)]
    wanted, now = ours.step(_bowl, *ours.step(_bowl, w, v)), (w, v)
    try:
        for _ in range(2):
            now = function(_bowl, *now)
    except Exception:
        return (
            "One step is right, but a second one stops: the new weights do not ask for a gradient. Begin with "
            "w = [a.detach().requires_grad_() for a in w]."
        )
    if any(tensor.grad_fn is not None for part in now for tensor in part):
        return (
            "The new tensors still remember how they were computed, and after a thousand steps that is a long memory. "
            "Detach them: a.detach() + b."
        )
    if any(not torch.equal(a.detach(), b) for a, b in zip((*w, *v), before, strict=True)):
        return "Your function changes the old w or v in place. Make new lists: the lesson keeps the old ones."
    both = zip(*(np.concatenate([a.ravel() for part in _numbers(r) for a in part]) for r in (now, wanted)), strict=True)
    same = all(np.isclose(a, b) for a, b in both)
    return None if same else "One step is right, but two in a row are not: does the second start from the first's v?"


# ---- Bayes -----------------------------------------------------------------------------------------------------------


def _any_label(prior: Any, tables: Any, seen: Any, labels: Any) -> Any:
    fits = (tables[:, seen] == labels).any(axis=1)
    evidence = prior[fits].sum()
    return evidence, prior[fits] @ tables[fits] / evidence


def _unnormalised(prior: Any, tables: Any, seen: Any, labels: Any) -> Any:
    fits = (tables[:, seen] == labels).all(axis=1)
    return prior[fits].sum(), prior[fits] @ tables[fits]


def _uniform(prior: Any, tables: Any, seen: Any, labels: Any) -> Any:
    fits = (tables[:, seen] == labels).all(axis=1)
    return prior[fits].sum(), tables[fits].mean(axis=0)


def _counted(prior: Any, tables: Any, seen: Any, labels: Any) -> Any:
    fits = (tables[:, seen] == labels).all(axis=1)
    return fits.mean(), tables[fits].mean(axis=0)


def _no_data(prior: Any, tables: Any, seen: Any, labels: Any) -> Any:
    fits = (tables[:, seen] == labels).all(axis=1)
    return prior[fits].sum(), prior @ tables


def _likeliest(prior: Any, tables: Any, seen: Any, labels: Any) -> Any:
    fits = (tables[:, seen] == labels).all(axis=1)
    return prior[fits].sum(), 1.0 * tables[fits][prior[fits].argmax()]


_FLAT, _UNEVEN = np.full(256, 1 / 256), _random.dirichlet(np.full(256, 0.3))
_PARITY = TABLES[0b01101001]


@check.writing(
    "Posterior = prior of what fits, made to sum to 1. No weight was trained.",
    ours=ours.bayes,
    cases=[
        Case("a flat prior, five labels of the parity", (_FLAT, TABLES, [0, 1, 2, 3, 4], _PARITY[:5]),
             (1 / 32, np.array([0, 1, 1, 0, 1, 0.5, 0.5, 0.5]))),
        Case("no data at all", (_UNEVEN, TABLES, [], np.array([], int)), (1.0, _UNEVEN @ TABLES)),
        Case("all eight labels", (_UNEVEN, TABLES, list(range(8)), _PARITY), (_UNEVEN[0b01101001], 1.0 * _PARITY)),
        Case("an uneven prior, three labels", (_UNEVEN, TABLES, [7, 0, 3], np.array([1, 0, 0]))),
    ],
    common={
        _any_label: "A function fits if it has all labels right: .all(axis=1), not .any.",
        _unnormalised: "The posterior has to sum to 1: divide by the evidence.",
        _uniform: "All functions that fit count alike in this mean. Weight them by their prior.",
        _counted: "That counts functions. The prior says how much each of them weighs.",
        _no_data: "That is the prediction before the data: only functions that fit may vote.",
        _likeliest: "That follows the likeliest function alone. Bayes averages over all that fit.",
    },
)  # fmt: skip
def bayes(function: Any) -> str | None:
    """The evidence and the posterior prediction of functions that answer three bits."""


# ---- the clock -------------------------------------------------------------------------------------------------------


def _sums(frequencies: Any, p: int) -> Any:
    return np.cos(2 * np.pi * np.outer(frequencies, np.arange(p)) / p).sum(axis=0)


def _at_zero(frequencies: Any, p: int = 31) -> float:
    return float(len(frequencies))


def _to_itself(frequencies: Any, p: int = 31) -> float:
    return 0.0


def _to_the_next(frequencies: Any, p: int = 31) -> float:
    sums = _sums(frequencies, p)
    return float(sums[0] - sums[1])


def _to_the_worst(frequencies: Any, p: int = 31) -> float:
    sums = _sums(frequencies, p)
    return float(sums[0] - sums[1:].min())


def _to_the_mean(frequencies: Any, p: int = 31) -> float:
    sums = _sums(frequencies, p)
    return float(sums[0] - sums[1:].mean())


def _each_alone(frequencies: Any, p: int = 31) -> float:
    waves = np.cos(2 * np.pi * np.outer(frequencies, np.arange(p)) / p)
    return float((waves[:, 0] - waves[:, 1:].max(axis=1)).sum())


def _slow(frequencies: Any, p: int = 31) -> float:
    sums = np.cos(np.pi * np.outer(frequencies, np.arange(p)) / p).sum(axis=0)
    return float(sums[0] - sums[1:].max())


@check.writing(
    "The neighbours differ from circle to circle. That is why a few circles together can tell all numbers apart.",
    ours=ours.lead,
    cases=[
        Case("one frequency", ([9],), 1 - np.cos(2 * np.pi / 31)),
        Case("all fifteen", (list(range(1, 16)),), 15.5),
        Case("p = 5, both frequencies", ([1, 2], 5), 2.5),
        Case("the network's six", ([5, 6, 8, 9, 10, 12],)),
        Case("three of p = 23", ([2, 3, 7], 23)),
    ],
    common={
        _at_zero: "That is the sum at the right c. Take off the largest sum at a wrong one.",
        _to_itself: "The right c, d = 0, is among those that you compare with: leave it out.",
        _to_the_next: "c + 1 is one wrong answer. The lead is over the best of all wrong ones.",
        _to_the_worst: "That is the lead over the worst wrong answer. Take the best wrong one: the maximum.",
        _to_the_mean: "That is the lead over the mean of the wrong answers. Take the best of them.",
        _each_alone: "Add up the waves first, then look for the best wrong answer: it is wrong for all waves at once.",
        _slow: "The waves are cos(2πkd/p): the 2 is missing.",
    },
)
def lead(function: Any) -> str | None:
    """How far a sum of cosines stands higher at the right answer than at the best wrong one."""
