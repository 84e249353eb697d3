"""The live figures of lesson 02."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from scipy.stats import chi2, norm

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.lessons.broken_statistics import ours
from sltcourse.lessons.broken_statistics.models import ProductPosterior, checked_mean, project, wedge

COLORS = style.COLORS
_Function = Callable[[np.ndarray], np.ndarray]


def _steps(edges: np.ndarray, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The outline of a histogram."""
    return np.repeat(edges, 2), np.r_[0, np.repeat(heights, 2), 0]


def _cubic(w: np.ndarray) -> np.ndarray:
    return w**3


def _variance(sample: np.ndarray, step: float) -> tuple[float, float]:
    """The variance of a sample of grid points and its standard error, at least that of the grid's ``step``."""
    squares = (sample - sample.mean()) ** 2
    return float(squares.mean()), max(float(squares.std() / np.sqrt(len(sample))), step**2 / 12)


def live_estimator(estimates: Callable[..., np.ndarray] = ours.estimates, mean: _Function | None = None) -> LiveFigure:
    """Slide n and the truth w₀ into 0: 2000 estimates from N(w, 1) and from N(w³, 1), the same noise in both.

    ``estimates`` is the learner's function of exercise 2, see ``ours.estimates``; the right panel shows its results.
    ``mean`` is a mean m(w) of the learner's own for that panel, a function of arrays. Raises ValueError for what
    is no mean.
    """
    if mean is not None:
        checked_mean(mean, -2, 2)
    curve, name = (_cubic, "N(w³, 1): singular at w = 0") if mean is None else (mean, "your own mean")
    grid, edges, size = np.linspace(-2, 2, 801), np.linspace(-2, 2, 101), 2000
    width = edges[1] - edges[0]
    sizes, truths = [10, 30, 100, 300, 1000, 3000], np.linspace(0, 1, 21)
    panels: dict[str, _Function] = {"straight": lambda w: w, "curved": curve}
    step = grid[1] - grid[0]
    samples = {}
    for n, w0 in product(sizes, truths):
        averages = w0 + np.random.default_rng(0).normal(size=size) / np.sqrt(n)
        samples["straight", n, w0] = grid[np.rint((averages + 2) / step).clip(0, len(grid) - 1).astype(int)]
        samples["curved", n, w0] = estimates(curve, grid, w0, n, size, np.random.default_rng(0))
    shares = {key: np.histogram(sample, edges)[0] / size for key, sample in samples.items()}

    fig, axes = style.figure(1, 2, height=4.0, sharey=True)
    for ax, title in zip(axes, ("N(w, 1): regular", name), strict=True):
        ax.set(xlim=(-2, 2), ylim=(-0.06, 1.75), xticks=[-2, -1, 0, 1, 2], yticks=[0, 1], xlabel="w")
        ax.set_title(title)
    axes[0].set_ylabel("height, the tallest bar being 1")
    live = LiveFigure(
        fig,
        alt="Histograms of 2000 estimates of w, for a regular model and a second one, with the normal law of the "
        "Fisher information and the posterior averaged over all data sets.",
        n=Slider("n", sizes, start=100),
        w0=Slider("true w₀", truths, start=0.8, format=lambda w: f"{w:.2f}"),
    )

    def histogram(k: str, n: float, w0: float) -> tuple[np.ndarray, np.ndarray]:
        return _steps(edges, shares[k, n, w0] / shares[k, n, w0].max())

    def information(k: str, n: float, w0: float) -> float:
        """n I(w₀), from the slope of the mean."""
        low, high = panels[k](np.array([w0 - 1e-4, w0 + 1e-4]))
        slope = (high - low) / 2e-4
        return float(n * slope**2) if abs(slope) > 1e-6 else 0.0

    def gauss(k: str, n: float, w0: float) -> tuple[np.ndarray, np.ndarray]:
        sharp = information(k, n, w0)
        y = width * norm.pdf(grid, w0, sharp**-0.5) / shares[k, n, w0].max() if sharp else 0 * grid
        return grid, np.where(y < 1.5, y, np.nan)

    z = np.linspace(-5, 5, 101)
    chance = norm.pdf(z) / norm.pdf(z).sum()

    def averaged(k: str, n: float, w0: float) -> tuple[np.ndarray, np.ndarray]:
        apart = np.sqrt(n) * (panels[k](grid) - panels[k](np.array([w0])))
        p = np.exp(-((z[:, None] - apart) ** 2) / 2)
        y = width * (chance @ (p / p.sum(axis=1, keepdims=True))) / step / shares[k, n, w0].max()
        return grid, np.where(y < 1.6, y, np.nan)

    bars = {"color": COLORS["estimate"], "alpha": 0.45, "label": "estimates ŵ of 2000 data sets"}
    dashes = {"color": COLORS["theory"], "ls": "--", "label": "normal law, variance 1/(nI(w₀))"}
    solid = {"color": COLORS["posterior"], "lw": 1.8, "label": "posterior, mean over data sets"}
    for ax, k in zip(axes, panels, strict=True):
        live.fill(ax, lambda n, w0, k=k: histogram(k, n, w0), name=f"estimates {k}", **bars)
        live.line(ax, lambda n, w0, k=k: gauss(k, n, w0), name=f"normal {k}", **dashes)
        live.line(ax, lambda n, w0, k=k: averaged(k, n, w0), name=f"averaged {k}", **solid)
        live.points(ax, lambda w0: (w0, 0.0), name=f"truth {k}", color=COLORS["truth"], markersize=9, label="truth w₀")
    axes[0].legend(loc="upper left", fontsize=9)

    def sentence(n: float, w0: float) -> str:
        left, right = (style.estimate(*_variance(samples[k, n, w0], step)) for k in panels)
        sharp = information("curved", n, w0)
        promised = f"{1 / sharp:.2g}" if sharp else "1/0"
        return (
            f"n = {style.number(n)}, w₀ = {w0:.2f}. Variance of ŵ in the first panel: {left}, promised "
            f"{1 / n:.2g}. In the second: {right}, promised {promised}."
        )

    return live.caption(sentence)


def live_wedge(activation: _Function = np.tanh, inputs: Sequence[float] = (1, 2)) -> LiveFigure:
    """Slide n and the truth into the knot of a network's double wedge: data, best fits, likelihood ratios.

    The network is a·activation(bx), with half of the data at each of the two ``inputs``; both may be the learner's own,
    see ``wedge`` for what is refused.
    """
    cone = wedge(activation, inputs)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(10_000, 2))
    middle = np.array([np.cos((cone.low + cone.high) / 2), np.sin((cone.low + cone.high) / 2)])
    edges = np.linspace(0, 10, 41)
    t = np.linspace(0.02, 10, 300)

    def data(n: float, r: float, count: int) -> np.ndarray:
        return r * middle + noise[:count] * np.sqrt(2 / n)

    sizes, lengths = np.array([20, 50, 100, 200, 500, 1000, 2000]), np.linspace(0, 1, 11)
    table = {}
    for n, r in product(sizes, lengths):
        y = data(n, r, len(noise))
        best, attained = project(y, cone)
        gain = n / 2 * (np.sum((y - r * middle) ** 2, axis=1) - np.sum((y - best) ** 2, axis=1))
        density = np.histogram(gain, edges)[0] / len(gain) / (edges[1] - edges[0])
        rejected = np.mean(gain > chi2.ppf(0.95, 2))
        table[n, r] = density, gain.mean(), gain.std() / np.sqrt(len(gain)), rejected, np.mean(~attained)

    fig, (left, right) = style.figure(1, 2, height=4.2)
    left.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xticks=[-1, 0, 1], yticks=[-1, 0, 1], aspect="equal")
    left.set(xlabel=f"f({inputs[0]:g})", ylabel=f"f({inputs[1]:g})")
    left.set_title("100 data sets")
    arc = np.linspace(cone.low, cone.high, 60)
    for sign in (-1, 1):
        corner = 4 * sign * np.array([np.r_[0, np.cos(arc)], np.r_[0, np.sin(arc)]])
        left.fill(*corner, color=COLORS["muted"], alpha=0.6, lw=1.5, label="the model" if sign > 0 else None)
    right.set(xlim=(0, 10), ylim=(0, 1.2), xlabel="likelihood ratio statistic Λ", ylabel="density")
    right.plot(t, chi2.pdf(t, 2), color=COLORS["regular"], ls="--", label="χ² with 2 degrees of freedom")
    right.plot(t, chi2.pdf(t, 1), color=COLORS["reference"], ls=":", label="χ² with 1 degree")
    live = LiveFigure(
        fig,
        alt="Left, all functions of the network as a double wedge, a cloud of data averages, and their nearest points "
        "in the wedge. Right, the histogram of the likelihood ratio statistic and two chi-square laws.",
        n=Slider("n", sizes, start=200),
        r=Slider("size of the true function", lengths, start=0.5, format=lambda r: f"{r:.1f}"),
    )

    def strokes(n: float, r: float) -> np.ndarray:
        y = data(n, r, 100)
        return np.stack([y, project(y, cone)[0], np.full_like(y, np.nan)], axis=1).reshape(-1, 2).T

    live.line(left, strokes, name="strokes", color=COLORS["reference"], lw=0.7)

    def nearest(n: float, r: float, there: bool) -> np.ndarray:
        best, attained = project(data(n, r, 100), cone)
        return np.where(attained[:, None] == there, best, np.nan).T

    small = {"markersize": 3.0, "markeredgewidth": 0.0}
    live.points(left, lambda n, r: data(n, r, 100).T, name="data", color=COLORS["reference"], label="data", **small)
    dots = {"color": COLORS["estimate"], "markersize": 4.5, "markeredgewidth": 0.3, "label": "best fit"}
    ring = {"markersize": 5.5, "markeredgewidth": 1.1, "color": "white", "markeredgecolor": COLORS["estimate"]}
    live.points(left, lambda n, r: nearest(n, r, False), name="edge", label="on an edge: no best fit", **ring)
    live.points(left, lambda n, r: nearest(n, r, True), name="fits", **dots)
    live.points(left, lambda r: tuple(r * middle), name="truth", color=COLORS["truth"], markersize=9, label="truth f₀")
    left.legend(loc="lower right", fontsize=9)
    live.fill(right, lambda n, r: _steps(edges, table[n, r][0]), name="ratios", color=COLORS["singular"],
              alpha=0.5, label="Λ of 10 000 data sets")  # fmt: skip

    alpha = cone.high - cone.low
    outside = np.cos(np.linspace(0, (np.pi - alpha) / 2, 2001)[None, 1:-1]) ** -2 / 2  # of a projection on an edge
    exact = alpha / np.pi * np.exp(-t / 2) / 2
    exact += (1 - alpha / np.pi) * np.mean(outside * np.exp(-t[:, None] * outside), axis=1)
    live.line(right, lambda r: (t, exact if r == 0 else np.full_like(t, np.nan)), name="law", color=COLORS["theory"],
              label="exact, truth in the knot")  # fmt: skip
    right.legend(loc="upper right")

    def sentence(n: float, r: float) -> str:
        _, mean, error, rejected, without = table[n, r]
        return (
            f"n = {style.number(n)}, |f₀| = {r:.1f}. Mean of Λ: {style.estimate(mean, error)}. The 5 % test of χ² with "
            f"2 degrees rejects the truth in {percent(rejected)} %. No best w exists in {percent(without)} %."
        )

    def percent(share: float) -> str:
        """A share in per cent with its standard error; where it is 0 or 1, that of one data set."""
        return style.estimate(100 * share, 100 * np.sqrt(max(share * (1 - share), 1 / len(noise)) / len(noise)))

    return live.caption(sentence)


def live_posterior() -> LiveFigure:
    """Guess, then slide n and the data's average: the product's posterior and its share in Laplace's ellipses."""
    rng = np.random.default_rng(0)
    u, z = rng.permutation((np.arange(300) + 0.5) / 300), rng.normal(size=300)
    sizes, averages = np.array([3, 10, 30, 100, 300, 1000, 3000, 10**4, 10**5, 10**6]), np.arange(13) * 0.08
    posterior = {(n, m): ProductPosterior(n, m) for n in sizes for m in averages}
    numbers = {key: (p.mass_in_ellipse(), *p.nK()) for key, p in posterior.items()}

    fig, (left, right) = style.figure(1, 2, height=4.4, width_ratios=[1, 1])
    left.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=range(-2, 3), yticks=range(-2, 3), aspect="equal")
    left.set(xlabel="a", ylabel="b")
    left.set_title("posterior of N(ab, 1)")
    right.set(xscale="log", xlim=(3, 1e6), ylim=(0, 1), xlabel="n")
    right.set_title("share in Laplace's 90 % ellipses")
    right.axhline(0.9, color=COLORS["regular"], label="N((a, b), I₂), regular")
    live = LiveFigure(
        fig,
        alt="Left, 300 draws from the posterior of a and b, and the ellipses of Laplace's approximation. Right, the "
        "share of the posterior in the ellipses against n, beside the 90 % of a regular model.",
        n=Slider("n", sizes, start=100, format=lambda n: style.power(n) if n >= 1e5 else style.number(n)),
        m=Slider("data average m", averages, start=0.48, format=lambda m: f"{m:.2f}"),
    )

    def ellipses(n: float, m: float) -> np.ndarray:
        outlines = posterior[n, m].ellipse()
        return np.concatenate([np.r_[o, [[np.nan, np.nan]]] for o in outlines]).T

    dots = {"color": COLORS["posterior"], "markersize": 4, "markeredgewidth": 0.2, "label": "posterior draws"}
    live.points(left, lambda n, m: posterior[n, m].draw(u, z).T, name="draws", **dots)
    live.line(left, ellipses, name="ellipses", color=COLORS["theory"], label="Laplace, 90 %")
    left.legend(loc="upper left", fontsize=9)
    live.line(
        right, lambda m: (sizes, [numbers[n, m][0] for n in sizes]), name="share", color=COLORS["singular"],
        label="N(ab, 1)",
    )  # fmt: skip
    live.points(
        right, lambda n, m: (n, numbers[n, m][0]), name="now", color=COLORS["singular"], markersize=9, clip_on=False
    )
    right.legend(loc="lower left", fontsize=9)
    live.with_guess(right, "y", "Which share do the ellipses hold at n = 10⁶, for m = 0.48?", hides=["share", "now"])

    def sentence(n: float, m: float) -> str:
        mass, exact, laplace = numbers[n, m]
        return (
            f"n = {style.number(n)}, m = {m:.2f}: {100 * mass:.0f} % in the ellipses. Mean of nK: {exact:.2f} "
            f"(posterior), {style.number(laplace, 3)} (Laplace)."
        )

    return live.caption(sentence)
