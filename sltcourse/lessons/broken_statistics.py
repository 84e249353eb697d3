"""Lesson 02, broken statistics: its exact finite-n numbers, live figures, pictures and checks.

Every model of the lesson has a normal law of unit variance around a mean that depends on w. So a data set enters
through one average or two, and each number is a sum or an integral in one dimension, at any n. The models of sections
5 and 6 are those of ``sltcourse.theory.mean_models``.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import chi2, norm

from sltcourse.kit import style
from sltcourse.kit.checks import Checks, choice, number
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.theory.mean_models import (
    PZ,
    MeanModel,
    Z,
    expected_error,
    normal_mean,
    panel_rule,
    power_mean,
    product_mean,
)

check = Checks("02_broken_statistics")
COLORS = style.COLORS
_NINETY = chi2.ppf(0.9, 2)  # squared Mahalanobis radius of the ellipse that holds 90 % of a normal law in the plane


# ---- the estimator of the cubic model -------------------------------------------------------------------------


class Estimator(NamedTuple):
    """Exact mean and variance of an estimator, and the least variance that Cramér–Rao allows with its bias."""

    mean: float
    variance: float
    bound: float


def cubic_mle(w0, n):
    """The maximum likelihood estimator ŵ = x̄^(1/3) of N(w³, 1) from n observations at the true w0: an Estimator.

    ŵ has the density 3ŵ²√n φ(√n(ŵ³ − w0³)), which is smooth and vanishes at both ends of its range, so the trapezoidal
    rule gives its moments to rounding. With E[ŵ] = h(w0³), the bound for an estimator of this bias,
    (dE[ŵ]/dw)²/(n I(w)) (Lehmann & Casella, Theory of Point Estimation, 1998, sec. 2.5), is h′(w0³)²/n, also in the
    limit w0 → 0. Raises ValueError unless n >= 1.
    """
    if not n >= 1:
        raise ValueError(f"n must be at least 1, not {n}")
    w = np.linspace(*np.cbrt(w0**3 + np.array([-12, 12]) / np.sqrt(n)), 2001)
    z = np.sqrt(n) * (w**3 - w0**3)
    p = 3 * w**2 * norm.pdf(z)
    p /= p.sum()
    mean = p @ w
    return Estimator(float(mean), float(p @ (w - mean) ** 2), float((p @ (z * w)) ** 2))


# ---- means: evidence, generalization error, choice of model ---------------------------------------------------


def deep_product(depth):
    """The model N(w₁⋯w_d, 1) of d = ``depth`` weights, uniform on [−1, 1], with the truth at mean 0: a MeanModel.

    −log|wᵢ| is an exponential variable, so s = −log|mean| has the Gamma(d) density. λ = 1/2 and m = d. Raises
    ValueError for a depth below 1.
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}")
    s, weight = panel_rule(0, 60, list(range(61)), 0.5, order=12)
    prior = weight * s ** (depth - 1) * np.exp(-s)
    return MeanModel(np.r_[np.exp(-s), -np.exp(-s)], np.r_[prior, prior], depth, 1 / 2, depth)


def mean_complexity(model, n):
    """E[F_n − nL_n(ŵ)] over data from N(0, 1): what a MeanModel pays for its parameters, beyond its best fit.

    nL_n(0) − nL_n(ŵ) = n x̄²/2 has the mean 1/2 (the box around the weights left out of the best fit).
    """
    return normal_mean(lambda t: model.free_energy(n, t), n) + 0.5


def bayes_error(model, n):
    """n E[G_n], the mean Bayes generalization error times n, of a MeanModel at its truth; see ``expected_error``."""
    return n * expected_error(model, n)


def chance_of_choice(model, n, mean):
    """Chances (by BIC, by exact F_n) that ``model``, a MeanModel with truth 0, is chosen against N(0, 1).

    The data are n observations of N(mean, 1), z = √n x̄. BIC chooses the model if z² > d log n; the free energy, if
    F_n is below nL_n(0), which it is beyond some |z|. Raises ValueError unless n >= 2.
    """
    if not n >= 2:
        raise ValueError(f"n must be at least 2, not {n}")
    cutoffs = np.sqrt(model.d * np.log(n)), brentq(lambda z: model.free_energy(n, np.sqrt(n) * z), 0, 60)
    shift = np.sqrt(n) * mean
    return tuple(float(ndtr(shift - c) + ndtr(-shift - c)) for c in cutoffs)


# ---- the network's double wedge -------------------------------------------------------------------------------

_LOW, _HIGH = np.arctan([1, 2])  # the angles of the wedge's edges in the plane (f(1), f(2))


def project(points):
    """Nearest points of the closed double wedge between the slopes 1 and 2, and which points lie in its inside.

    ``points`` has shape (N, 2). Returns arrays of shape (N, 2) and (N,), bool.
    """
    angle = np.mod(np.arctan2(points[:, 1], points[:, 0]), np.pi)
    inside = (_LOW < angle) & (angle < _HIGH)
    to_low, to_high = (np.abs(np.mod(angle - edge + np.pi / 2, np.pi) - np.pi / 2) for edge in (_LOW, _HIGH))
    nearest = np.where(inside, angle, np.where(to_low < to_high, _LOW, _HIGH))
    line = np.stack([np.cos(nearest), np.sin(nearest)], axis=1)
    return line * np.sum(points * line, axis=1, keepdims=True), inside


# ---- the product's posterior ----------------------------------------------------------------------------------


class ProductPosterior:
    """The posterior of N(ab, 1), prior a, b ~ N(0, 1), after n data of average x̄ = m; and its Laplace approximation.

    Given a, b is normal with mean nma/(1 + na²) and variance 1/(1 + na²); the density of a is proportional to
    exp(−a²/2 − m²/(2v))/√v, v = a² + 1/n. So everything is an integral over a. ``modes`` has shape (1, 2) or (2, 2);
    ``hessian``, of −log posterior there, has shape (2, 2). Raises ValueError if n < 1, or |m| = 1/n, where the
    Hessian is singular.
    """

    def __init__(self, n, m):
        if not n >= 1 or np.isclose(n * abs(m), 1):
            raise ValueError(f"n >= 1 and |m| != 1/n are needed, not n = {n}, m = {m}")
        self.n, self.m = n, m
        log_a = np.linspace(-18, np.log(9), 3000)
        self._a = np.r_[-np.exp(log_a[::-1]), np.exp(log_a)]
        v = self._a**2 + 1 / n
        p = np.abs(self._a) * np.exp(-(self._a**2) / 2 - m**2 / (2 * v)) / np.sqrt(v)
        self._p = p / p.sum()  # the trapezoidal rule in log|a|
        self._mean, self._sd = n * m * self._a / (1 + n * self._a**2), 1 / np.sqrt(1 + n * self._a**2)
        s = np.sqrt(max(abs(m) - 1 / n, 0))
        mode = np.array([s, np.sign(m) * s])
        self.modes = np.array([mode, -mode] if s > 0 else [mode])
        off = n * (2 * mode[0] * mode[1] - m)
        self.hessian = np.array([[n * mode[1] ** 2 + 1, off], [off, n * mode[0] ** 2 + 1]])

    def draw(self, u, normals):
        """Exact draws, shape (N, 2), from N uniform and N normal numbers."""
        a = np.interp(u, np.cumsum(self._p) - self._p / 2, self._a)
        return np.stack([a, (self.n * self.m * a + normals * np.sqrt(1 + self.n * a**2)) / (1 + self.n * a**2)], axis=1)

    def ellipse(self, points=100):
        """Outlines of Laplace's 90 % ellipses, one at each mode: shape (modes, points, 2)."""
        turn = np.linspace(0, 2 * np.pi, points)
        root = np.linalg.cholesky(np.linalg.inv(self.hessian))
        return self.modes[:, None] + np.sqrt(_NINETY) * np.stack([np.cos(turn), np.sin(turn)], axis=1) @ root.T

    def mass_in_ellipse(self):
        """The posterior probability of Laplace's 90 % ellipses (of their union)."""
        H = self.hessian
        ends = []
        for mode in self.modes:
            da = self._a - mode[0]
            disc = (H[0, 1] * da) ** 2 - H[1, 1] * (H[0, 0] * da**2 - _NINETY)
            reach = np.where(disc > 0, np.sqrt(np.maximum(disc, 0)), 0) / H[1, 1]
            middle = mode[1] - H[0, 1] * da / H[1, 1]
            ends.append(((middle - reach - self._mean) / self._sd, (middle + reach - self._mean) / self._sd))
        mass = sum(ndtr(high) - ndtr(low) for low, high in ends)
        if len(ends) == 2:
            low, high = np.maximum(ends[0][0], ends[1][0]), np.minimum(ends[0][1], ends[1][1])
            mass = mass - np.where(high > low, ndtr(high) - ndtr(low), 0)
        return float(self._p @ mass)

    def nK(self):
        """Means of nK = n(m − ab)²/2 under the posterior and under Laplace's normal law at a mode."""
        gap = (self.m - self._a * self._mean) ** 2 + (self._a * self._sd) ** 2
        root = np.linalg.cholesky(np.linalg.inv(self.hessian))
        a, b = self.modes[0][:, None, None] + np.einsum("ij,jkl->ikl", root, np.stack(np.meshgrid(Z, Z)))
        return float(self.n / 2 * self._p @ gap), float(self.n / 2 * PZ @ (self.m - a * b) ** 2 @ PZ)


# ---- live figures ---------------------------------------------------------------------------------------------


def _steps(edges, heights):
    """The outline of a histogram."""
    return np.repeat(edges, 2), np.r_[0, np.repeat(heights, 2), 0]


def live_estimator():
    """Slide n and the truth w₀ into 0: 4000 estimates from N(w, 1) and from N(w³, 1), the same noise in both."""
    noise = np.sort(np.random.default_rng(0).normal(size=4000))
    edges, fine = np.linspace(-1.5, 1.5, 101), np.linspace(-1.5, 1.5, 301)
    width = edges[1] - edges[0]

    fig, axes = style.figure(1, 2, height=4.0, sharey=True)
    for ax, name in zip(axes, ("N(w, 1): regular", "N(w³, 1): singular at 0"), strict=True):
        ax.set(xlim=(-1.5, 1.5), ylim=(-0.06, 1.75), yticks=[], xlabel="w")
        ax.set_title(name)
    live = LiveFigure(
        fig,
        alt="Histograms of 4000 estimates of w, for N(w, 1) and N(w³, 1), the normal law of the Fisher information and "
        "the posterior. Near w₀ = 0 the cubic model's histogram has two humps with a hole between them.",
        n=Slider("n", [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000], start=100),
        w0=Slider("true w₀", np.linspace(0, 1, 21), start=0.8, format=lambda w: f"{w:.2f}"),
    )

    def share(n, w0, k):
        counts = np.diff(np.searchsorted(noise, np.sqrt(n) * (edges**k - w0**k))) / len(noise)
        return counts, counts.max()

    def histogram(n, w0, k):
        counts, top = share(n, w0, k)
        return _steps(edges, counts / top)

    def gauss(n, w0, k):
        information = n * (k * w0 ** (k - 1)) ** 2
        if information == 0:
            return fine, np.zeros_like(fine)
        y = width * norm.pdf(fine, w0, information**-0.5) / share(n, w0, k)[1]
        return fine, np.where(y < 1.25, y, np.nan)

    def posterior(n, w0, k):
        return fine, np.exp(-n * (fine**k - w0**k) ** 2 / 2)

    bars = {"color": COLORS["estimate"], "alpha": 0.45, "label": "estimates ŵ of 4000 data sets"}
    dashes = {"color": COLORS["theory"], "ls": "--", "label": "normal law, variance 1/(nI(w₀))"}
    solid = {"color": COLORS["posterior"], "lw": 1.5, "label": "posterior of an average data set"}
    for ax, k in zip(axes, (1, 3), strict=True):
        live.fill(ax, lambda n, w0, k=k: histogram(n, w0, k), name=f"estimates{k}", **bars)
        live.line(ax, lambda n, w0, k=k: gauss(n, w0, k), name=f"normal{k}", **dashes)
        live.line(ax, lambda n, w0, k=k: posterior(n, w0, k), name=f"posterior{k}", **solid)
        live.points(ax, lambda w0: (w0, 0.0), name=f"truth{k}", color=COLORS["truth"], markersize=9, label="truth w₀")
    axes[0].legend(loc="upper left", fontsize=9)

    def plain(x):
        return np.format_float_positional(x, 2, fractional=False, trim="-")

    def sentence(n, w0):
        exact = cubic_mle(w0, n).variance
        predicted = plain(1 / (9 * n * w0**4)) if w0 > 0 else "1/0"
        return (
            f"n = {style.number(n)}, w₀ = {w0:.2f}. Variance of ŵ in N(w, 1): {plain(1 / n)}, as 1/(nI) says. "
            f"In N(w³, 1): {plain(exact)}, and 1/(nI) = {predicted}."
        )

    return live.caption(sentence)


def live_wedge():
    """Slide n and the truth into the knot of the network's double wedge: data, best fits, likelihood ratios."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20_000, 2))
    middle = np.array([np.cos((_LOW + _HIGH) / 2), np.sin((_LOW + _HIGH) / 2)])
    edges = np.linspace(0, 10, 41)
    t = np.linspace(0.02, 10, 300)

    def data(n, r, count):
        return r * middle + noise[:count] * np.sqrt(2 / n)

    sizes, lengths = np.array([20, 50, 100, 200, 500, 1000, 2000]), np.linspace(0, 1, 11)
    table = {}
    for n, r in product(sizes, lengths):
        y = data(n, r, len(noise))
        best, inside = project(y)
        gain = n / 2 * (np.sum((y - r * middle) ** 2, axis=1) - np.sum((y - best) ** 2, axis=1))
        density = np.histogram(gain, edges)[0] / len(gain) / (edges[1] - edges[0])
        table[n, r] = density, gain.mean(), np.mean(gain > chi2.ppf(0.95, 2)), np.mean(~inside)

    fig, (left, right) = style.figure(1, 2, height=4.2)
    left.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xticks=[-1, 0, 1], yticks=[-1, 0, 1], aspect="equal")
    left.set(xlabel="f(1)", ylabel="f(2)")
    left.set_title("150 data sets")
    for sign in (-1, 1):
        corner = 4 * sign * np.array([[0, 0], [np.cos(_LOW), np.sin(_LOW)], [np.cos(_HIGH), np.sin(_HIGH)]])
        left.fill(*corner.T, color=COLORS["muted"], alpha=0.6, lw=0, label="the model" if sign > 0 else None)
    right.set(xlim=(0, 10), ylim=(0, 0.8), xlabel="likelihood ratio statistic Λ", ylabel="density")
    right.plot(t, chi2.pdf(t, 2), color=COLORS["regular"], ls="--", label="χ² with 2 degrees of freedom")
    right.plot(t, chi2.pdf(t, 1), color=COLORS["reference"], ls=":", label="χ² with 1 degree")
    live = LiveFigure(
        fig,
        alt="Left, the double wedge of all functions of the network, a cloud of data averages, and their nearest "
        "points in the wedge. Right, the histogram of the likelihood ratio statistic: with the truth in the knot it is "
        "neither of the two chi-square laws.",
        n=Slider("n", sizes, start=200),
        r=Slider("size of the true function", lengths, start=0.5, format=lambda r: f"{r:.1f}"),
    )

    def strokes(n, r):
        y = data(n, r, 150)
        return np.stack([y, project(y)[0], np.full_like(y, np.nan)], axis=1).reshape(-1, 2).T

    live.line(left, strokes, name="strokes", color=COLORS["reference"], lw=0.7)

    def fits(n, r):
        return project(data(n, r, 150))[0].T

    dots = {"markersize": 4.5, "markeredgewidth": 0.3}
    live.points(left, lambda n, r: data(n, r, 150).T, name="data", color=COLORS["reference"], label="data", **dots)
    live.points(left, fits, name="fits", color=COLORS["estimate"], label="best fits", **dots)
    live.points(left, lambda r: tuple(r * middle), name="truth", color=COLORS["truth"], markersize=9, label="truth f₀")
    left.legend(loc="lower right", fontsize=9)
    live.fill(right, lambda n, r: _steps(edges, table[n, r][0]), name="ratios", color=COLORS["singular"],
              alpha=0.5, label="Λ of 20 000 data sets")  # fmt: skip
    right.legend(loc="upper right")

    def sentence(n, r):
        _, mean, rejected, without = table[n, r]
        return (
            f"n = {style.number(n)}, |f₀| = {r:.1f}. In these 20 000 data sets: mean of Λ {mean:.2f} (regular: 2). "
            f"The 5 % test of χ² with 2 degrees rejects the truth in {100 * rejected:.1f} %. "
            f"No best w exists in {100 * without:.0f} %."
        )

    return live.caption(sentence)


def live_posterior():
    """Slide n and the data's average: the posteriors of two means and of a product, with Laplace's 90 % ellipse."""
    rng = np.random.default_rng(0)
    u, z, z2 = rng.permutation((np.arange(300) + 0.5) / 300), rng.normal(size=300), rng.normal(size=(300, 2))
    turn = np.linspace(0, 2 * np.pi, 100)
    circle = np.sqrt(_NINETY) * np.stack([np.cos(turn), np.sin(turn)])
    sizes, averages = np.array([3, 10, 30, 100, 300, 1000, 3000, 10000]), np.arange(13) * 0.08
    posterior = {(n, m): ProductPosterior(n, m) for n in sizes for m in averages}
    numbers = {key: (p.mass_in_ellipse(), *p.nK()) for key, p in posterior.items()}

    fig, axes = style.figure(1, 2, height=4.6)
    for ax, name in zip(axes, ("N((a, b), I₂): regular", "N(ab, 1): singular everywhere"), strict=True):
        ax.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=range(-2, 3), yticks=range(-2, 3), aspect="equal")
        ax.set(xlabel="a", ylabel="b")
        ax.set_title(name)
    live = LiveFigure(
        fig,
        alt="300 draws from the posterior. Left they fill a disc that shrinks with n, the ellipse of Laplace's "
        "approximation. Right they lie along the hyperbola ab = m, or on a cross for m = 0, and the ellipse does not "
        "follow.",
        n=Slider("n", sizes, start=100),
        m=Slider("data average m", averages, start=0.48, format=lambda m: f"{m:.2f}"),
    )

    def regular(n, m):
        return np.sqrt(m) * n / (n + 1), (n + 1) ** -0.5

    def disc(n, m):
        centre, sd = regular(n, m)
        return centre + sd * circle

    def cloud(n, m):
        centre, sd = regular(n, m)
        return centre + sd * z2.T

    def ellipses(n, m):
        outlines = posterior[n, m].ellipse()
        return np.concatenate([np.r_[o, [[np.nan, np.nan]]] for o in outlines]).T

    dots = {"color": COLORS["posterior"], "markersize": 4, "markeredgewidth": 0.2}
    live.points(axes[0], cloud, name="regular draws", **dots, label="posterior draws")
    live.line(axes[0], disc, name="disc", color=COLORS["theory"], label="Laplace, 90 %")
    live.points(axes[1], lambda n, m: posterior[n, m].draw(u, z).T, name="draws", **dots)
    live.line(axes[1], ellipses, name="ellipses", color=COLORS["theory"])
    axes[0].legend(loc="lower left", fontsize=9)

    def sentence(n, m):
        mass, exact, laplace = numbers[n, m]
        return (
            f"n = {style.number(n)}, m = {m:.2f}. Regular: 90 % of the posterior in the ellipse. "
            f"Product: {100 * mass:.0f} %. Mean of nK for the product: {exact:.2f} (posterior), "
            f"{style.number(laplace, 3)} (Laplace)."
        )

    return live.caption(sentence)


# ---- pictures that stand still --------------------------------------------------------------------------------


MODELS = {"N(w, 1)": power_mean(1), "N(w³, 1)": power_mean(3), "N(ab, 1)": product_mean()}


def draw_bic(mean=0.1):
    """Left E[F_n − nL_n(ŵ)] of three models beside BIC's (d/2) log n; right how often two of them are chosen. A figure.

    ``mean`` is the true mean of the right panel's data.
    """
    fig, (left, right) = style.figure(1, 2)
    n = np.geomspace(30, 1e6, 30)
    colors = dict(zip(MODELS, (COLORS["regular"], COLORS["singular"], COLORS["loss"]), strict=True))
    for name, model in MODELS.items():
        left.plot(n, [mean_complexity(model, x) for x in n], color=colors[name], label=name)
        dashed = mean_complexity(model, 30) + model.d / 2 * np.log(n / 30)
        left.plot(n, dashed, "--", color=colors[name], lw=1.2)
    left.set(xscale="log", xlabel="n", ylabel="mean of Fₙ − nLₙ(ŵ)   (dashed: BIC)", ylim=(0, 9))
    left.legend(loc="upper left")
    n = np.unique(np.geomspace(30, 1e4, 40).round())
    for name in ("N(w, 1)", "N(ab, 1)"):
        bic, exact = np.array([chance_of_choice(MODELS[name], x, mean) for x in n]).T
        right.plot(n, bic, "--", color=colors[name], label=f"{name} by BIC")
        right.plot(n, exact, color=colors[name], label=f"{name} by the exact Fₙ")
    right.set(xscale="log", xlabel="n", ylabel="chance to be chosen against N(0, 1)", ylim=(0, 1.02))
    right.legend(loc="upper left", fontsize=9)
    return fig


def draw_errors(n=1000):
    """n E[G_n] of N(w₁…w_d, 1) with the truth at mean 0, for d = 1, …, 8, beside d/2 and λ = 1/2. A figure."""
    fig, ax = style.figure(height=3.4)
    d = np.arange(1, 9)
    errors = [bayes_error(deep_product(k), n) for k in d]
    ax.plot(d, d / 2, "o--", color=COLORS["regular"], label="d regular means: d/2")
    ax.plot(d, errors, "o-", color=COLORS["singular"], label=f"product of d weights, n = {style.number(n)}")
    ax.axhline(0.5, color=COLORS["theory"], ls=":", label="λ = 1/2, the limit n → ∞ for every product")
    ax.set(xlabel="number of parameters d", ylabel="n E[Gₙ]", ylim=(0, 4.2), xticks=d)
    ax.legend(loc="upper left")
    return fig


def draw_price(n=1000):
    """n E[G_n] of N(w³, 1) against its true w, beside the 1/2 of the MLE and of every regular truth. A figure."""
    fig, ax = style.figure(height=3.4)
    w0 = np.linspace(0, 0.9, 46)
    ax.plot(w0, [bayes_error(power_mean(3, w), n) for w in w0], color=COLORS["singular"], label="Bayes")
    ax.axhline(0.5, color=COLORS["regular"], ls="--", label="maximum likelihood")
    ax.set(xlabel="true w", ylabel=f"n × error, n = {style.number(n)}", ylim=(0, 1))
    ax.legend(loc="upper right")
    return fig


# ---- the exercises --------------------------------------------------------------------------------------------


@check.exercise("ŵ = x̄^(1/5) has the size n^(−1/10). To halve the error takes 2¹⁰ = 1024 times the data.")
def rate(answer):
    return number(answer, 0.2, hints={
        1.0: "That is the regular rate. How large is x̄ at w = 0, and how large its fifth root?",
        0.1: "That is the rate of the standard deviation. The variance is its square.",
        1 / 3: "That is the cubic model. Here the mean is w⁵.",
        -0.2: "The sign stands already in n^(−α).",
        5: "The fifth root, not the fifth power: ŵ = x̄^(1/5).",
    })  # fmt: skip


@check.exercise("1 + (α + sin α)/π with α = arctan 3 − arctan 1: the wider the wedge, the nearer to two parameters.")
def wedge_mean(answer):
    angle = np.arctan(3) - np.arctan(1)
    return number(answer, 1 + (angle + np.sin(angle)) / np.pi, rel=0.03, hints={
        2.0: "That is d, the regular value. The functions do not fill the plane.",
        1.0: "That would be one line, hence one parameter. The wedge has an inside.",
        1.203: "That is the wedge between slopes 1 and 2. With inputs ±1 and ±3, which slopes are its edges?",
    })  # fmt: skip


@check.exercise("The Hessian at (0, 0) is that of the prior: Laplace's approximation learns nothing from any n.")
def laplace_variance(answer):
    return number(answer, 1.0, rel=1e-3, hints={
        1e-6: "That is 1/n, the regular answer. Compute the Hessian of n(ab)²/2 + (a² + b²)/2 at (0, 0).",
        0.0: "The variance is an entry of the inverse Hessian. n(ab)²/2 adds nothing to it, but the prior does.",
        0.5: "That is the long axis for m > 0. At m = 0 the mode is (0, 0).",
    })  # fmt: skip


@check.exercise("Same best fit or worse, one parameter more: BIC cannot choose B. The free energy does, as n → ∞.")
def two_models(bic, evidence):
    wrong = choice(bic, "A", {
        "B": "BIC compares nLₙ(ŵ) + (d/2) log n. Can B fit better than A? Which has the larger d?",
    })  # fmt: skip
    if wrong:
        return "BIC: " + wrong
    wrong = choice(evidence, "B", {
        "A": "Compare λ log n: A is regular with d = 2. What is λ of a product of three, with the truth at 0?",
    })  # fmt: skip
    return wrong and "Fₙ: " + wrong


@check.exercise("Every path has to pass ab = 0: from 1 down to 0 and up again. Same law, and yet a path of length 2.")
def path_length(answer):
    return number(answer, 2.0, rel=1e-3, hints={
        0.0: "Both points have ab = 1. But can you get from one to the other while ab stays 1?",
        2 * np.sqrt(2): "That is the Euclidean length. The Fisher length is ∫ |d(ab)|.",
        1.0: "That is the way from ab = 1 to ab = 0. You are half way.",
        4.0: "Along the straight line ab = t², t from −1 to 1, falls by 1 and rises by 1.",
    })  # fmt: skip
