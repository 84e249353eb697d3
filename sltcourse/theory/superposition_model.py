"""The toy model of superposition, exactly: its loss, its polygons, their λ, its training, their free energies.

The model (Elhage et al. 2022, arXiv:2209.10652; Chen et al. 2023, arXiv:2310.06301): x = μ e_i with i uniform on
c features and μ ~ U[0, 1], f(x) = ReLU(WᵀWx + b) with W of shape (2, c) and b of shape (c,), and the loss
L = E‖x − f(x)‖², a sum over features without ½. A parameter is one row w of 3c numbers: W row by row, then b.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import minimize

from sltcourse.progress import progress

FEATURES = 6
BATCH = 20  # of Chen et al.'s SGD

LossAndGradient = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A function that maps parameters w (…, 3c) to their losses (…,) and gradients (…, 3c)."""
_Moments = Callable[[np.ndarray, np.ndarray], tuple[Sequence[np.ndarray] | np.ndarray, np.ndarray | float]]

# --- the loss, of the population and of a sample ---------------------------------------------------------


def pack(W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The parameter w (…, 3c) of matrices W (…, 2, c) and biases b (…, c)."""
    return np.concatenate([W.reshape(*W.shape[:-2], -1), b], -1)


def unpack(w: Any) -> tuple[Any, Any]:
    """W (…, 2, c) and b (…, c) of a parameter w (…, 3c), an array or a tensor.

    Raises ValueError where its length is no multiple of 3.
    """
    if w.shape[-1] % 3:
        raise ValueError(f"a parameter has 3c numbers, W (2, c) and b (c,); this one has {w.shape[-1]}")
    c = w.shape[-1] // 3
    return w[..., : 2 * c].reshape(*w.shape[:-1], 2, c), w[..., 2 * c :]


# The four functions below are the loss, once: they take numpy arrays and torch tensors alike, and so use nothing but
# arithmetic, comparisons (a mask times a number is a choice) and methods that both have.


def switch(g: Any, b: Any) -> Any:
    """The μ at which g μ + b changes sign; where g = 0, a value beyond every μ on the side that keeps b's sign."""
    flat = g == 0
    return flat * (2.0 - 3.0 * (b > 0)) + ~flat * (-b / (g + flat))


def uniform_moments(g: Any, b: Any) -> list[Any]:
    """M0, M1, M2 for μ uniform on [0, 1], each (…, c, c): M_k[i, j] is the mean of μ^k over the inputs x = μ e_i with
    g_ij μ + b_j > 0. ``g``: (…, c, c), ``b``: (…, 1, c)."""
    at, falls = switch(g, b).clip(0, 1), g < 0
    low, high = at * ~falls, at * falls + ~falls
    return [(high**k - low**k) / (k * g.shape[-1]) for k in (1, 2, 3)]


def sample_moments(g: Any, b: Any, blocks: Any, search: Callable[..., Any], looked_up: Sequence[Any]) -> Any:
    """The same, of ``g`` and ``b``, for a data set: an array (3, …, c, c).

    It is ``looked_up`` in the (line, ends, totals) of ``running_totals``.
    ``blocks`` (…, c, 1) are the numbers of the rows of g on the line; ``search`` is np.searchsorted or torch's.
    """
    line, ends, totals = looked_up
    falls = g < 0
    first, last = ends[:, blocks], ends[:, blocks + 1]
    middle = totals[:, search(line, switch(g, b).clip(-0.5, 1.5) + 2 * blocks)]
    return falls * (middle - first) + ~falls * (last - middle)


def loss_of_moments(g: Any, b: Any, moments: Sequence[Any], power: Any) -> tuple[Any, Any, Any]:
    """The loss (…,), and two arrays (…, c, c) that its gradient needs; where an output is on, it is linear in μ.

    ``g`` is WᵀW (…, c, c), ``b`` (…, 1, c), ``moments`` are those of the inputs that switch an output on, ``power`` is
    the mean of ‖x‖².
    """
    m0, m1, m2 = moments
    outputs, linear = g * m2 + b * m1, g * m1 + b * m0
    own = outputs.diagonal(0, -2, -1).sum(-1)
    return (g * outputs + b * linear).sum((-1, -2)) - 2 * own + power, outputs, linear


def _loss(w: np.ndarray, moments: _Moments) -> tuple[np.ndarray, np.ndarray]:
    """Loss (…,) and gradient (…, 3c) of w (…, 3c); ``moments(g, b)`` gives the moments and the mean of ‖x‖².

    The boundaries of what is on move with w, but the integrand vanishes on them, and the derivative does not see it.
    """
    W, b = unpack(w)
    g, bias = np.swapaxes(W, -1, -2) @ W, b[..., None, :]
    with np.errstate(over="ignore"):
        (m0, m1, m2), power = moments(g, bias)
    loss, outputs, linear = loss_of_moments(g, bias, (m0, m1, m2), power)
    own = np.arange(b.shape[-1])
    outputs[..., own, own] -= m2[..., own, own]
    slope = 2 * (outputs + np.swapaxes(outputs, -1, -2))
    return loss, pack(W @ slope, 2 * linear.sum(-2) - 2 * m1[..., own, own])


def population_loss(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exact L = E‖x − f(x)‖², shape (…,), and its gradient, shape (…, 3c), for parameters w (…, 3c).

    >>> from sltcourse.theory.superposition_model import POLYGONS, population_loss
    >>> loss, gradient = population_loss(POLYGONS["5"])
    >>> round(float(loss), 5), gradient.shape
    (0.06874, (18,))
    """
    return _loss(np.asarray(w, float), lambda g, b: (uniform_moments(g, b), 1 / 3))


def sample_loss(x: np.ndarray) -> LossAndGradient:
    """The loss of a data set: a function of w that returns L_n and its gradient, exactly, at a cost free of n.

    ``x`` of shape (n, c) is one data set, for w (…, 3c); x of shape (s, n, c) are s of them, for w (s, …, 3c). L_n is
    the population's formula with integrals over μ replaced by sums over the sorted μ's, and those sums are running
    totals, looked up.
    """
    several = x.ndim == 3
    sets, c = (len(x) if several else 1), x.shape[-1]
    *looked_up, power = running_totals(x if several else x[None])
    numbers = np.arange(sets * c)

    def moments(g: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lead = (sets,) + (1,) * (g.ndim - 3) if several else (1,) * (g.ndim - 2)
        blocks = numbers.reshape(*lead, c, 1)
        return sample_moments(g, b, blocks, np.searchsorted, looked_up), power.reshape(lead)

    return lambda w: _loss(np.asarray(w, float), moments)


def running_totals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What ``sample_moments`` looks up, of data sets x (s, n, c): (line, ends, totals), and the means of ‖x‖² (s,).

    The ``line`` (s·n,) holds the sizes μ, feature after feature of set after set, sorted, each feature within a block
    [2i, 2i + 1]; ``totals`` (3, s·n + 1) are the running totals of 1, μ, μ² along it, over n; ``ends`` (3, s·c + 1) are
    those where the blocks begin.
    """
    sets, n, c = x.shape
    feature, size = x.argmax(-1), x.max(-1)
    block = np.arange(sets)[:, None] * c + feature
    line = np.sort((size + 2 * block).ravel())
    start = np.searchsorted(line, 2 * np.arange(sets * c + 1) - 0.5)
    size = line - 2 * np.repeat(np.arange(sets * c), np.diff(start))
    totals = np.stack([np.r_[0, np.cumsum(size**k)] for k in (0, 1, 2)]) / n
    return line, totals[:, start], totals, (x**2).sum((-1, -2)) / n


def sample(n: int, rng: np.random.Generator, c: int = FEATURES) -> np.ndarray:
    """n inputs x = μ e_i, shape (n, c); i is uniform, μ ~ U[0, 1]; ``rng`` draws."""
    x = np.zeros((n, c))
    x[np.arange(n), rng.integers(0, c, n)] = rng.random(n)
    return x


def hessian(w: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The matrix (3c, 3c) of second derivatives of L at w (3c,), by differences over ± ``step``."""
    shifted = w + step * np.vstack([np.eye(len(w)), -np.eye(len(w))])
    up, down = np.split(population_loss(shifted)[1], 2)
    slope = (up - down) / (2 * step)
    return (slope + slope.T) / 2


# --- the polygons ---------------------------------------------------------------------------------------

DEAD = -5.0  # any bias below 0 kills a feature without weights; this one is far from the edge
PUBLISHED = {4: (1.0, 0.0, 0.0), 5: (1.17046, -0.28230, 0.23738), 6: (1.32053, -0.61814, 0.86746)}  # k: l*, b*, h_k


def polygon(k: int, length: float, bias: float, plus: int = 0, dead: float = DEAD, c: int = FEATURES) -> np.ndarray:
    """A regular k-gon among c features, shape (3c,): k columns of one ``length`` and one ``bias``, the others zero.

    Of the c − k features without a column, ``plus`` have the bias 1/(2c); the others are dead, with bias ``dead``.
    Raises ValueError where ``plus`` does not fit.

    >>> from sltcourse.theory.superposition_model import best_polygon, name_of, polygon
    >>> length, bias = best_polygon(5)
    >>> round(length, 4), round(bias, 4), name_of(polygon(5, length, bias, plus=1))
    (1.1705, -0.2823, '5⁺')
    """
    if not 0 <= plus <= c - k:
        raise ValueError(f"a {k}-gon among {c} features leaves {c - k} without a column; plus = {plus} does not fit")
    angle = 2 * np.pi * np.arange(k) / k
    W, b = np.zeros((2, c)), np.full(c, float(dead))
    W[:, :k] = length * np.array([np.cos(angle), np.sin(angle)])
    b[:k], b[k : k + plus] = bias, 1 / (2 * c)
    return pack(W, b)


@cache
def best_polygon(k: int) -> tuple[float, float]:
    """The length l* and the bias b* that minimise the loss of a regular k-gon; up to the square it fits without error.

    They are the same at every number c ≥ k of features: b* is negative, and a feature without a column is not heard.
    Raises ValueError for k < 1 and for k > 9: there a regular polygon with one length and one bias is no minimum.
    """
    if not 1 <= k <= 9:
        raise ValueError(f"a regular polygon of {k} corners is no minimum of the loss; give 1 to 9 corners")
    if k <= 4:
        return 1.0, 0.0
    c = max(FEATURES, k)

    def along(p: np.ndarray) -> tuple[float, np.ndarray]:
        loss, slope = population_loss(polygon(k, p[0], p[1], c=c))
        W, b = unpack(slope)
        radial, _ = unpack(polygon(k, 1, 0, c=c))
        return float(loss), np.array([(W * radial).sum(), b[:k].sum()])

    length, bias = minimize(along, (1.2, -0.1 * (k - 4)), jac=True, method="BFGS", options={"gtol": 1e-12}).x
    return float(length), float(bias)


SHAPES = {"4": (4, 0), "4⁺": (4, 1), "4⁺⁺": (4, 2), "5": (5, 0), "5⁺": (5, 1), "6": (6, 0)}  # corners, pluses
POLYGONS = {name: polygon(k, *best_polygon(k), plus=plus) for name, (k, plus) in SHAPES.items()}
COEFFICIENTS = {"4": 7.5, "4⁺": 8.0, "4⁺⁺": 8.5, "5": 7.0, "5⁺": 8.5, "6": 8.5}  # λ: half the directions that cost


def corners(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For w (…, 3c): how many columns of W are longer than ½, and how many other features have a bias above 0.02."""
    W, b = unpack(w)
    long = np.hypot(W[..., 0, :], W[..., 1, :]) > 0.5
    return long.sum(-1), (~long & (b > 0.02)).sum(-1)


def name_of(w: np.ndarray) -> str:
    """The name of one state w (3c,): its number of corners, and a ⁺ for each other feature with a bias above 0.02."""
    k, plus = corners(w)
    return f"{k}" + "⁺" * int(plus)


def smallest_rise(name: str, radius: float = 1e-3, starts: int = 10, seed: int = 0) -> tuple[int, float]:
    """D, the number of directions that cost something at a polygon, and the least (L(w* + u) − L(w*))/‖u‖² found.

    The search runs over ‖u‖ = ``radius`` from ``starts`` places (``seed``) across the free directions: the rotation, a
    dead feature's bias and, where the corners' biases are negative (not at the square), its column. A value below 0
    would mean a saddle. Raises ValueError for a name that is not in SHAPES.
    """
    if name not in SHAPES:
        raise ValueError(f"there is no polygon {name!r} among six features; there are {', '.join(SHAPES)}")
    w = POLYGONS[name]
    k, plus = SHAPES[name]
    c = FEATURES
    W, b = unpack(w)
    directions = [pack(np.stack([-W[1], W[0]]), 0 * b) / np.linalg.norm(W)]
    for dead in range(k + plus, c):
        directions += [np.eye(3 * c)[i] for i in ((2 * c + dead,) if k == 4 else (dead, c + dead, 2 * c + dead))]
    free = np.array(directions)
    floor, rng = population_loss(w)[0], np.random.default_rng(seed)

    def across(u: np.ndarray) -> np.ndarray:
        return u - free.T @ (free @ u)

    def rise(v: np.ndarray) -> tuple[float, np.ndarray]:
        u = across(v)
        size = np.linalg.norm(u)
        value, slope = population_loss(w + radius * u / size)
        value, slope = (value - floor) / radius**2, across(slope) / radius
        return value, (slope - (slope @ u) * u / size**2) / size

    found = [minimize(rise, rng.standard_normal(3 * c), jac=True, method="L-BFGS-B").fun for _ in range(starts)]
    return 3 * c - len(free), min(found)


def expected_llc(name: str, nbeta: float, draws: int = 100_000, seed: int = 0) -> float:
    """λ̂ = nβ (E[L] − L(w*)) in the well ``name``, 5⁺ or 6, alone: what the estimator would read, without chains.

    Importance sampling at ``nbeta``, ``draws`` of them (``seed``): ±draws from the Gaussian with the Hessian across the
    circle of minima, each with the weight exp(−nβL) over its own density, times the circle's Jacobian. The Gaussian's
    own λ̂, rank/2, is taken out exactly. The Gaussian is drawn with the Hessian's symmetric root, which is the same on
    every machine; eigenvectors of a repeated eigenvalue are not. For the 6-gon the standard error is 0.006 at nβ = 3000
    and 0.001 at 10⁴. Raises ValueError where it is not to be trusted: for other polygons (a square has no Hessian, a
    dead feature no Gaussian) and below nβ = 3000.
    """
    if name not in ("5⁺", "6"):
        raise ValueError(f"expected_llc knows the wells of 5⁺ and 6, not of {name!r}: they alone are near a Gaussian")
    if not 3_000 <= nbeta < np.inf:
        raise ValueError(f"at nβ = {nbeta:g} the well is no Gaussian for importance sampling; take 3000 or more")
    w = POLYGONS[name]
    W, b = unpack(w)
    columns, turn = pack(W, 0 * b), pack(np.stack([-W[1], W[0]]), 0 * b)
    values, vectors = (part[..., 1:] for part in np.linalg.eigh(hessian(w)))  # without the first, the rotation
    root = vectors / np.sqrt(nbeta * values) @ vectors.T
    z = np.random.default_rng(seed).standard_normal((draws, len(w)))
    z -= np.outer(z @ turn, turn) / (turn @ turn)
    z = np.concatenate([z, -z])
    u = z @ root
    gaussian = (z**2).sum(1) / 2
    rest = nbeta * (population_loss(w + u)[0] - population_loss(w)[0]) - gaussian
    weight = np.exp(-rest) * np.maximum(1 + u @ columns / (columns @ columns), 0)  # turning moves the columns only
    exact = len(values) / 2
    return exact + float(((gaussian - exact) * (weight - 1) + rest * weight).mean() / weight.mean())


def given_up(x: np.ndarray) -> int:
    """The feature that the best 5-gon of the data set x (n, 6) gives up: the least L_n over the six choices."""
    W, b = unpack(POLYGONS["5"])
    orders = [np.insert(np.arange(5), feature, 5) for feature in range(FEATURES)]
    loss = sample_loss(x)
    ends = descend(np.stack([pack(W[:, order], b[order]) for order in orders]), 1_000, loss, rate=0.3)
    return int(loss(ends)[0].argmin())


# --- training -----------------------------------------------------------------------------------------


def descend(
    w: np.ndarray, steps: int, loss: LossAndGradient = population_loss, rate: float = 0.2, keep: Collection[int] = ()
) -> np.ndarray:
    """Gradient descent on ``loss`` with step size ``rate``, all rows of w (…, 3c) at once.

    Returns the last states, (…, 3c), or those after the steps named in ``keep``, (kept, …, 3c).
    """
    w, kept = np.array(w, float), []
    for step in progress(range(steps + 1), "gradient descent"):
        if step in keep:
            kept.append(w.copy())
        if step < steps:
            w -= rate * loss(w)[1]
    return np.array(kept) if len(keep) else w


def stochastic_descent(
    w: np.ndarray,
    x: np.ndarray,
    epochs: int,
    rate: float = 0.005,
    keep: int = 90,
    seed: int = 0,
) -> np.ndarray:
    """SGD on batches of 20 (Chen et al., appendix K): each row of w (runs, 3c) on its own data set, x (runs, n, c).

    ``rate`` is the step size, ``seed`` fixes the batches. Returns the states every ``keep`` epochs, shape (kept, runs,
    3c). The gradient is written out by hand.
    """
    rng, run = np.random.default_rng(seed), np.arange(len(w))[:, None]
    W, b = (part.copy() for part in unpack(w))
    kept = [pack(W, b)]
    for epoch in progress(range(epochs), "SGD"):
        order = rng.permuted(np.broadcast_to(np.arange(x.shape[1]), x.shape[:2]), axis=1)
        for begin in range(0, x.shape[1], BATCH):
            some = x[run, order[:, begin : begin + BATCH]]
            hidden = some @ np.swapaxes(W, 1, 2)
            before = hidden @ W + b[:, None]
            error = 2 / BATCH * (np.maximum(before, 0) - some) * (before > 0)
            back = error @ np.swapaxes(W, 1, 2)
            W = W - rate * (np.swapaxes(hidden, 1, 2) @ error + np.swapaxes(back, 1, 2) @ some)
            b = b - rate * error.sum(1)
        if (epoch + 1) % keep == 0:
            kept.append(pack(W, b))
    return np.array(kept)


# --- free energies --------------------------------------------------------------------------------------


def half_norm(name: str) -> float:
    """½‖w*‖² of the polygon ``name``, a dead bias counted as 0: the standard normal prior's charge for its place."""
    W, b = unpack(POLYGONS[name])
    return ((W**2).sum() + (b[b > DEAD] ** 2).sum()) / 2


def free_energy(name: str, n: float | np.ndarray, prior: bool = True) -> float | np.ndarray:
    """nL + λ log n, and ½‖w*‖² with the ``prior``: F of the polygon ``name`` up to a constant, of n's shape."""
    value = n * population_loss(POLYGONS[name])[0] + COEFFICIENTS[name] * np.log(n)
    return value + half_norm(name) if prior else value


def constants(name: str, draws: int = 1_000_000, seed: int = 0) -> dict[str, float]:
    """What free_energy leaves out, term by term, for ``name`` 5, 5⁺ or 6 (else ValueError); a dict whose values add up.

    Laplace's method on every circle of minima: Z = copies · 2πρ · (2π)^(r/2) det(nH)^(−1/2) φ(w*), with r the rank of H
    and ρ = ‖W‖ the circle's radius. A dead feature adds the prior's mass of all (column, bias) that keep it dead,
    by Monte Carlo with ``draws`` (``seed``). ``copies`` counts the ways to put the features on the corners, up to
    rotation.
    """
    if name not in ("5", "5⁺", "6"):
        raise ValueError(f"constants are known for 5, 5⁺ and 6, not {name!r}: Laplace's method needs a Hessian")
    W, b = unpack(POLYGONS[name])
    curvature = np.linalg.eigvalsh(hessian(POLYGONS[name]))
    curvature = curvature[curvature > 1e-6]
    terms = {
        "copies": -np.log(120.0 if name == "6" else 144.0),
        "the circle": -np.log(np.sqrt(2 * np.pi) * np.linalg.norm(W)),
        "width of the well": np.log(curvature).sum() / 2,
        "the dead feature": 0.0,
    }
    if name == "5":
        rng = np.random.default_rng(seed)
        column, bias = rng.standard_normal((draws, 2)), rng.standard_normal(draws)
        reach = column @ W[:, :5]
        silent = (bias <= 0) & (reach.max(1) + bias <= 0) & ((column**2).sum(1) + bias <= 0)
        terms["the dead feature"] = -np.log((silent & (reach.max(1) + b[0] <= 0)).mean())
    return terms
