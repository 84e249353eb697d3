"""The live figures of lesson 02."""

from itertools import product

import numpy as np
from scipy.stats import chi2, norm

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.broken_statistics.models import HIGH, LOW, NINETY, ProductPosterior, cubic_mle, project

COLORS = style.COLORS


# ---- live figures ----------------------------------------------------------------------------------------------------


def _steps(edges, heights):
    """The outline of a histogram."""
    return np.repeat(edges, 2), np.r_[0, np.repeat(heights, 2), 0]


def live_estimator() -> LiveFigure:
    """Slide n and the truth w₀ into 0: 4000 estimates from N(w, 1) and from N(w³, 1), the same noise in both."""
    noise = np.sort(np.random.default_rng(0).normal(size=4000))
    edges, fine = np.linspace(-1.5, 1.5, 101), np.linspace(-1.5, 1.5, 301)
    width = edges[1] - edges[0]

    fig, axes = style.figure(1, 2, height=4.0, sharey=True)
    for ax, name in zip(axes, ("N(w, 1): regular", "N(w³, 1): singular at 0"), strict=True):
        ax.set(xlim=(-1.5, 1.5), ylim=(-0.06, 1.75), xticks=[-1, 0, 1], yticks=[], xlabel="w")
        ax.set_title(name)
    live = LiveFigure(
        fig,
        alt="Histograms of 4000 estimates of w, for N(w, 1) and N(w³, 1), the normal law of the Fisher information and "
        "two posteriors: that of one data set, and the mean over all data sets.",
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

    z = np.linspace(-5, 5, 201)
    chance = norm.pdf(z) / norm.pdf(z).sum()

    def averaged(n, w0, k):
        ends = w0**k + np.array([-9, 9]) / np.sqrt(n)  # of the means that any of these data sets leaves plausible
        w = np.linspace(*(np.cbrt(ends) if k == 3 else ends), 801)
        p = np.exp(-((z[:, None] - np.sqrt(n) * (w**k - w0**k)) ** 2) / 2)
        mean = chance @ (p / p.sum(axis=1, keepdims=True)) / (w[1] - w[0])
        y = width * np.interp(fine, w, mean, left=0, right=0) / share(n, w0, k)[1]
        return fine, np.where(y < 1.6, y, np.nan)

    bars = {"color": COLORS["estimate"], "alpha": 0.45, "label": "estimates ŵ of 4000 data sets"}
    dashes = {"color": COLORS["theory"], "ls": "--", "label": "normal law, variance 1/(nI(w₀))"}
    dotted = {"color": COLORS["posterior"], "lw": 1.4, "ls": ":", "label": "posterior, if x̄ is the true mean"}
    solid = {"color": COLORS["posterior"], "lw": 1.8, "label": "posterior, mean over data sets"}
    for ax, k in zip(axes, (1, 3), strict=True):
        live.fill(ax, lambda n, w0, k=k: histogram(n, w0, k), name=f"estimates{k}", **bars)
        live.line(ax, lambda n, w0, k=k: gauss(n, w0, k), name=f"normal{k}", **dashes)
        live.line(ax, lambda n, w0, k=k: posterior(n, w0, k), name=f"posterior{k}", **dotted)
        live.line(ax, lambda n, w0, k=k: averaged(n, w0, k), name=f"averaged{k}", **solid)
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


def live_wedge() -> LiveFigure:
    """Slide n and the truth into the knot of the network's double wedge: data, best fits, likelihood ratios."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20_000, 2))
    middle = np.array([np.cos((LOW + HIGH) / 2), np.sin((LOW + HIGH) / 2)])
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
        corner = 4 * sign * np.array([[0, 0], [np.cos(LOW), np.sin(LOW)], [np.cos(HIGH), np.sin(HIGH)]])
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

    def nearest(n, r, on_edge):
        best, inside = project(data(n, r, 150))
        return np.where(inside[:, None] != on_edge, best, np.nan).T

    dots = {"markersize": 4.5, "markeredgewidth": 0.3}
    live.points(left, lambda n, r: data(n, r, 150).T, name="data", color=COLORS["reference"], label="data", **dots)
    fits = {"color": COLORS["estimate"], "label": "best fit", **dots}
    edge = {"markersize": 5.5, "markeredgewidth": 1.1, "color": "white", "markeredgecolor": COLORS["estimate"]}
    live.points(left, lambda n, r: nearest(n, r, True), name="edge", label="on an edge: no best fit", **edge)
    live.points(left, lambda n, r: nearest(n, r, False), name="fits", **fits)
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


def live_posterior() -> LiveFigure:
    """Slide n and the data's average: the posteriors of two means and of a product, with Laplace's 90 % ellipse."""
    rng = np.random.default_rng(0)
    u, z, z2 = rng.permutation((np.arange(300) + 0.5) / 300), rng.normal(size=300), rng.normal(size=(300, 2))
    turn = np.linspace(0, 2 * np.pi, 100)
    circle = np.sqrt(NINETY) * np.stack([np.cos(turn), np.sin(turn)])
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
