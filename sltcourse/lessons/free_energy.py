"""Lesson 06, free energy: its two-well models, live figures, drawing helpers and checks.

The lesson's own subject, the quadrature of F_n and what is done with it, stands in the notebook and in
``sltcourse.theory.quadrature``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import sympy as sp
from matplotlib.colors import LinearSegmentedColormap
from scipy.optimize import brentq
from scipy.special import digamma, gamma, lambertw

from sltcourse.kit import style
from sltcourse.kit.checks import Checks, expression, number
from sltcourse.kit.live import LiveFigure, Slider
from sltcourse.theory import superposition_model
from sltcourse.theory.quadrature import Posterior

check = Checks("06_free_energy")
COLORS = style.COLORS

# ---- the curve: one parameter, two wells ----------------------------------------------------------------------

BOX = (-1.0, 1.2)  # the prior is uniform here
HEIGHT, SPEED = 0.12, 6.0  # of the curve below
GAP = HEIGHT**2 / 2  # ΔL, the loss of the simple well above that of the accurate one


def mean(w):
    """The mean (h(1 − w⁸), c w³(1 − w)) of the curve model x ~ N(mean(w), I₂), h = 0.12, c = 6; shape (2, …).

    At w = 1 it is the truth, (0, 0), passed at speed 6.08. At w = 0 it stops at (0.12, 0): a singular point.
    """
    w = np.asarray(w, float)
    return np.array([HEIGHT * (1 - w**8), SPEED * w**3 * (1 - w)])


def K(w):
    """The divergence ½|mean(w)|² of the truth N(0, I₂) from the curve model, for w of shape (N, 1); shape (N,)."""
    return np.sum(mean(w[:, 0]) ** 2, axis=0) / 2


RIDGE = 0.75  # between the wells, where w³(1 − w) is largest: here the two regions meet
WELLS = (0.0, RIDGE, 1.0)  # breakpoints for the quadrature


def curve_posterior(n, beta=1.0, loss=K):
    """The posterior of the curve model for one or many n (and β); ``loss`` may be the L_n of a data set."""
    return Posterior(loss, [BOX], n, beta=beta, breakpoints=WELLS)


def well_free_energies(posterior):
    """(F of the simple well, F of the accurate well) of the curve model; the two meet at the ridge."""
    simple = posterior.region_free_energy(lambda w: w[:, 0] < RIDGE)
    accurate = posterior.region_free_energy(lambda w: w[:, 0] > RIDGE)
    return simple.value, accurate.value


# ---- two wells in general -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Well:
    """What the free energy of a well tends to: Z(n) ≈ constant · e^(−n loss) n^(−λ) (log n + shift)^(m − 1).

    ``lam`` is λ, ``m`` its multiplicity; ``constant`` and ``shift`` come from the Laplace integral, that is from
    the leading pole of the zeta function (Watanabe 2009, ch. 4).
    """

    loss: float
    lam: float
    m: int = 1
    constant: float = 1.0
    shift: float = 0.0

    def leading(self, n):
        """n·loss + λ log n."""
        return n * self.loss + self.lam * np.log(n)

    def with_multiplicity(self, n):
        """n·loss + λ log n − (m − 1) log log n, for n > 1."""
        return self.leading(n) - (self.m - 1) * np.log(np.log(n))

    def with_constant(self, n):
        """All that does not vanish as n grows: the error is O(1/log n) for m > 1, else a power of 1/n."""
        return self.with_multiplicity(n) - np.log(self.constant)

    def whole_pole(self, n):
        """The whole contribution of the leading pole: log n + shift in place of log n."""
        return self.leading(n) - (self.m - 1) * np.log(np.log(n) + self.shift) - np.log(self.constant)


FORMS = ("leading", "with_multiplicity", "with_constant", "whole_pole", "exact")  # each closer than the one before


@dataclass(frozen=True)
class TwoWells:
    """A model with two wells: what each tends to; ``exact``: n, shape (k,) -> their two free energies."""

    simple: Well
    accurate: Well
    exact: Callable

    def advantage(self, n, form):
        """F of the simple well minus F of the accurate one at n, an array; ValueError if ``form`` is none of FORMS."""
        if form not in FORMS:
            raise ValueError(f"{form!r} is no form of the free energy: use one of {', '.join(FORMS)}")
        if form == "exact":
            simple, accurate = self.exact(n)
            return simple - accurate
        return getattr(self.simple, form)(n) - getattr(self.accurate, form)(n)

    def critical_n(self, form):
        """The n at which the accurate well takes over, from the exact free energies or from one of the formulas."""
        return critical_n(lambda n: self.advantage(n, form))


def critical_n(advantage, low=20.0, high=1e5):
    """The last n in [low, high] at which the accurate well takes over: ``advantage(n)`` turns positive.

    ``advantage``: n, an array, -> F of the simple well minus F of the accurate one. Raises ValueError if it never
    turns positive there.
    """
    n = np.geomspace(low, high, 41)
    lead = advantage(n)
    (ups,) = np.nonzero((lead[:-1] <= 0) & (lead[1:] > 0))
    if not len(ups):
        raise ValueError(
            f"no crossing between n = {low:g} and {high:g}: the accurate well "
            + (
                "wins already at the smallest (to leading order it always does if ΔL/Δλ exceeds 1/e)"
                if lead[0] > 0
                else "never wins there"
            )
        )
    ends = np.log(n[ups[-1] : ups[-1] + 2])
    return float(np.exp(brentq(lambda t: advantage(np.exp([t]))[0], *ends, rtol=1e-12)))


def _power_integral(k, c, length):
    """The constant of ∫ exp(−n c w^2k) dw / length over a line: Γ(1/2k) / (k c^(1/2k) length)."""
    a = 1 / (2 * k)
    return gamma(a) / (k * c**a * length)


CHARTS_GAP, CUBE_GAP = 0.002, 0.005  # ΔL of the two models below


def _charts_exact(n):
    # both losses are even in either coordinate, so the quarter [0, 1]² has the averages of the square [−1, 1]²
    simple = Posterior(lambda w: CHARTS_GAP + (w[:, 0] * w[:, 1]) ** 2 / 2, [(0, 1)] * 2, n)
    accurate = Posterior(lambda w: (w[:, 0] ** 2 + w[:, 1] ** 2) / 2, [(0, 1)] * 2, n)
    return simple.free_energy.value, accurate.free_energy.value


def _cube_exact(n):
    simple = Posterior(lambda w: CUBE_GAP + w[:, 0] ** 6 / 2, [(-1, 1)], n)
    accurate = Posterior(lambda w: w[:, 0] ** 2 / 2, [(-1, 1)], n)
    return simple.free_energy.value, 3 * accurate.free_energy.value  # three independent coordinates


MODELS = {
    "curve": TwoWells(
        Well(GAP, 1 / 6, constant=_power_integral(3, SPEED**2 / 2, BOX[1] - BOX[0])),
        Well(0.0, 1 / 2, constant=_power_integral(1, (SPEED**2 + 64 * HEIGHT**2) / 2, BOX[1] - BOX[0])),
        lambda n: well_free_energies(curve_posterior(n)),
    ),
    "two charts": TwoWells(
        Well(CHARTS_GAP, 1 / 2, m=2, constant=np.sqrt(2 * np.pi) / 4, shift=-np.log(2) - digamma(1 / 2)),
        Well(0.0, 1.0, constant=_power_integral(1, 1 / 2, 2) ** 2),
        _charts_exact,
    ),
    "cube and cubic": TwoWells(
        Well(CUBE_GAP, 1 / 6, constant=_power_integral(3, 1 / 2, 2)),
        Well(0.0, 3 / 2, constant=_power_integral(1, 1 / 2, 2) ** 3),
        _cube_exact,
    ),
}


# ---- live figures ---------------------------------------------------------------------------------------------


def _sheet(rows, height, width_ratios):
    """A figure with a left column of ``rows`` axes that share x, and one tall axes at the right."""
    fig, axes = style.figure(rows, 2, height=height, width_ratios=width_ratios, sharex="col")
    right = fig.add_subplot(axes[0, 1].get_gridspec()[:, 1])
    for ax in axes[:, 1]:
        ax.remove()
    return fig, axes[:, 0], right


def _quantiles(density, w, count):
    """Where the cumulative probability of a tabulated density passes (i + ½)/count: evenly weighted draws."""
    steps = np.diff(w) * (density[1:] + density[:-1]) / 2
    return np.interp((np.arange(count) + 0.5) / count, np.r_[0, np.cumsum(steps)] / steps.sum(), w)


def _pile(draws):
    """(w, height) of draws resting on the loss, piled up where many lie together, to tell them apart."""
    crowd = np.exp(-(((draws[:, None] - draws) / 0.04) ** 2) / 2).mean(axis=1)
    share = np.random.default_rng(0).permutation(len(draws)) / len(draws)
    return draws, K(draws[:, None]) + 0.002 + 0.085 * share * crowd


def _percent(share):
    return f"{100 * share:.0f} %" if 0.005 <= share <= 0.995 else ("< 1 %" if share < 0.5 else "> 99 %")


def live_jump():
    """The curve model: slide n; the posterior jumps from the simple to the accurate well where their F cross."""
    n = np.unique(np.round(10 ** np.linspace(0, 4, 81)))
    row = {x: i for i, x in enumerate(n)}
    post = curve_posterior(n)
    simple, accurate = well_free_energies(post)
    share = post.mass(lambda w: w[:, 0] > RIDGE).value
    near = np.geomspace(1e-3, 0.199, 60)  # dense where the accurate well's posterior is narrow
    w = np.unique(np.r_[np.linspace(*BOX, 221), RIDGE, 1 - near, 1 + near])
    density = np.exp(post.log_density(w[:, None]))
    sides = (w <= RIDGE, COLORS["singular"]), (w >= RIDGE, COLORS["regular"])
    balls = [_pile(_quantiles(p, w, 80)) for p in density]

    fig, (top, bottom), right = _sheet(2, 4.6, [1.25, 1])
    top.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))
    top.set(xlim=BOX, ylim=(0, 25), yticks=[0, 1, 5, 10, 20], ylabel="posterior density\n(square-root scale)")
    bottom.set(ylim=(0, 0.1), xlabel="w", ylabel="loss  K(w)\n(80 posterior draws)", yticks=[0, 0.05, 0.1])
    bottom.plot(w, K(w[:, None]), color=COLORS["loss"])
    right.set(xscale="log", xlim=(0.8, 1.3e4), ylim=(0, 12), xlabel="n", ylabel="free energy  F")
    right.plot(n, simple, color=COLORS["singular"])
    right.plot(n, accurate, color=COLORS["regular"])
    right.plot(n, post.free_energy.value, color=COLORS["posterior"], lw=1.5, ls="--")
    right.text(300, 9, "simple well", color=COLORS["singular"], ha="right")
    right.text(1.3, 3.5, "accurate well", color=COLORS["regular"])
    right.text(9500, 2.6, "both together", color=COLORS["posterior"], ha="right")

    live = LiveFigure(
        fig,
        alt="A loss with a broad flat well a little above zero and a narrow well that reaches zero. For small n the "
        "posterior lies in the broad well; near n = 424, where the wells' free energies cross, it moves to the other.",
        n=Slider("n", n, start=32),
    )

    def hill(side, n):
        return w[side], density[row[n]][side]

    def draws(side, n):
        x, y = balls[row[n]]
        here = (w[side][0] <= x) & (x <= w[side][-1])
        return np.where(here, x, np.nan), np.where(here, y, np.nan)

    live.line(right, lambda n: ([n, n], [0, 12]), name="now", color=COLORS["muted"], lw=1.5)
    for name, F, x, (side, color), chance in (
        ("simple", simple, 0.0, sides[0], 1 - share),
        ("accurate", accurate, 0.66, sides[1], share),
    ):
        live.band(top, lambda n, side=side: (w[side], 0 * w[side], hill(side, n)[1]), color=color, alpha=0.5)
        live.line(top, lambda n, side=side: hill(side, n), name=f"{name} density", color=color, lw=1.5)
        live.text(top, lambda n, x=x, c=chance: (x, 11, _percent(c[row[n]])), color=color, fontsize=15, ha="center")
        live.points(bottom, lambda n, side=side: draws(side, n), name=f"{name} draws", color=color, alpha=0.75)
        live.points(right, lambda n, F=F: (n, F[row[n]]), name=f"F {name}", color=color, markersize=9)
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: F is {simple[row[n]]:.2f} in the simple well and {accurate[row[n]]:.2f} "
            f"in the accurate one, so the accurate well holds {_percent(share[row[n]])} of the posterior."
        )
    )


def _from_white(quantity):
    """The name of a colour map from white to the colour of a quantity."""
    name = f"white to {quantity}"
    if name not in mpl.colormaps:
        mpl.colormaps.register(LinearSegmentedColormap.from_list(name, ["white", COLORS[quantity]]))
    return name


def live_charts():
    """Two models of a mean in the plane, prior ½ each: slide n; the posterior leaves the cross for the point."""
    n = np.unique(np.round(10 ** np.linspace(0, 4, 81)))
    row, ns = {x: i for i, x in enumerate(n)}, n
    cross, point = MODELS["two charts"].exact(n)
    share = 1 / (1 + np.exp(point - cross))
    side = np.linspace(-1, 1, 81)
    a, b = np.meshgrid(side, side)

    fig, axes = style.figure(1, 3, height=3.5)
    for ax, title in zip(axes, ("simple\nmean (√(2D), ab)", "accurate\nmean (a, b)"), strict=False):
        ax.set(xlabel="a", ylabel="b", xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=title, aspect="equal")
        ax.grid(False)
    axes[2].set(xscale="log", xlim=(0.7, 1.5e4), ylim=(0, 1.04), xlabel="n", title="share of the accurate chart")
    axes[2].set_box_aspect(1)

    live = LiveFigure(
        fig,
        alt="Two squares of parameters. In the left one the posterior is a cross, in the right one a round spot. As n "
        "grows past 2614, the cross fades and the spot lights up.",
        n=Slider("n", n, start=1),
    )
    extent = (-1, 1, -1, 1)
    live.image(
        axes[0],
        lambda n: np.sqrt((1 - share[row[n]]) * np.exp(-n * (a * b) ** 2 / 2)),
        extent, 0, 1, cmap=_from_white("singular"), name="cross",
    )  # fmt: skip
    live.image(
        axes[1],
        lambda n: np.sqrt(share[row[n]] * np.exp(-n * (a * a + b * b) / 2)),
        extent, 0, 1, cmap=_from_white("regular"), name="point",
    )  # fmt: skip
    for ax, color, chance in ((axes[0], COLORS["singular"], 1 - share), (axes[1], COLORS["regular"], share)):
        live.text(ax, lambda n, c=chance: (1, 1.22, _percent(c[row[n]])), color=color, fontsize=14, ha="right")
    live.line(axes[2], lambda n: (ns, np.where(ns <= n, share, np.nan)), name="so far", color=COLORS["posterior"])
    live.points(axes[2], lambda n: (n, share[row[n]]), name="share", color=COLORS["posterior"], markersize=9)
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: F is {cross[row[n]]:.2f} on the cross and {point[row[n]]:.2f} at the point; "
            f"the accurate chart holds {_percent(share[row[n]])} of the posterior."
        )
    )


def lambert_crossings(d_lambda, d_loss):
    """The two solutions n of n ΔL = Δλ log n, smaller first: −W(−r)/r on the branches 0 and −1, r = ΔL/Δλ.

    To leading order in n the second is the critical n; the first is spurious. At r = 1/e both are e.
    Raises ValueError for r > 1/e (there is none) and for ΔL or Δλ not greater than 0.
    """
    if not (d_lambda > 0 and d_loss > 0):
        raise ValueError("a transition needs Δλ > 0 and ΔL > 0: one well simpler, the other more accurate")
    r = d_loss / d_lambda
    if np.isclose(r, np.exp(-1), rtol=1e-12):
        return np.e, np.e
    if r > np.exp(-1):
        raise ValueError(
            f"ΔL/Δλ = {r:.3g} exceeds 1/e = 0.368: to this order the accurate well wins at every n, no transition"
        )
    return tuple(float((-lambertw(-r, branch) / r).real) for branch in (0, -1))


def live_phases():
    """Slide Δλ and ΔL: where n ΔL meets Δλ log n, and the point on the phase diagram."""
    d_lambda, d_loss = np.arange(1, 11), 10.0 ** (np.arange(-32, 3) / 8)
    n = np.geomspace(1.001, 1e7, 300)

    fig, (left, right) = style.figure(1, 2, height=4.0)
    left.set(xscale="log", yscale="log", xlim=(1, 1e7), ylim=(1e-2, 1e3), xlabel="n", ylabel="free energy difference")
    right.set(xscale="log", xlim=(8e-5, 3), ylim=(0, 10.6), xlabel="ΔL, accuracy gained", ylabel="Δλ, complexity paid")
    grid = np.geomspace(8e-5, 3, 200)
    right.fill_between(grid, np.e * grid, color=COLORS["muted"], alpha=0.6, lw=0)
    right.text(2.7, 0.35, "no transition", ha="right", fontsize=10)
    for power in range(1, 6):
        level = 10.0**power
        right.plot(grid, grid * level / np.log(level), color=COLORS["theory"], lw=1.2)
        right.text(8.2 * np.log(level) / level * 0.93, 8.2, style.power(level), color=COLORS["theory"], ha="right")
    right.set_title("lines of equal critical n")

    def small(x):
        return style.number(x, 2) if x >= 1e-3 else style.power(x)

    live = LiveFigure(
        fig,
        alt="Left: the line n ΔL and the curve Δλ log n on log–log axes; they meet twice, touch once or never. Right: "
        "the plane of ΔL and Δλ with lines of equal critical n and the region without a transition.",
        d_lambda=Slider("Δλ", d_lambda, start=4),
        d_loss=Slider("ΔL", d_loss, start=10 ** (-14 / 8), format=small),
    )

    def crossings(d_lambda, d_loss):
        try:
            return lambert_crossings(d_lambda, d_loss)
        except ValueError:
            return np.nan, np.nan

    simple, accurate = COLORS["singular"], COLORS["regular"]
    live.line(left, lambda d_loss: (n, n * d_loss), name="accuracy", color=simple, label="simple pays n ΔL")
    paid = "accurate pays Δλ log n"
    live.line(left, lambda d_lambda: (n, d_lambda * np.log(n)), name="complexity", color=accurate, label=paid)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, columnspacing=1.2, handlelength=1.4)
    live.points(
        left,
        lambda d_lambda, d_loss: (crossings(d_lambda, d_loss)[0], d_loss * crossings(d_lambda, d_loss)[0]),
        name="spurious", color=COLORS["muted"], markersize=8,
    )  # fmt: skip
    live.points(
        left,
        lambda d_lambda, d_loss: (crossings(d_lambda, d_loss)[1], d_loss * crossings(d_lambda, d_loss)[1]),
        name="critical", color=COLORS["posterior"], markersize=10,
    )  # fmt: skip
    live.points(
        right, lambda d_lambda, d_loss: (d_loss, d_lambda), name="here", color=COLORS["posterior"], markersize=10
    )

    def sentence(d_lambda, d_loss):
        r, (spurious, critical) = d_loss / d_lambda, crossings(d_lambda, d_loss)
        if np.isnan(critical):
            return (
                f"ΔL/Δλ = {r:.3f} exceeds 1/e = 0.368: the lines do not meet. To this order the accurate well wins at "
                "every n."
            )
        return (
            f"ΔL/Δλ = {small(r)}: to leading order the critical n is {style.number(round(critical))}. The lines meet "
            f"at n = {spurious:.2f} too, which is spurious."
        )

    return live.caption(sentence)


def live_shadow():
    """The cubic mean model: slide the truth and n; λ(n) = dF/d log n sees the singularity until n ~ 1/w0⁶."""
    truths, ns = np.arange(0, 21) / 40, 10.0 ** (np.arange(0, 121) / 12)
    row = {x: i for i, x in enumerate(ns)}  # the slider has every third n
    near = np.r_[0, np.geomspace(1e-4, 0.2, 24)]  # dense where the posterior ends as a spike
    w, density, slope = {}, {}, {}
    for w0 in truths:

        def loss(w, w0=w0):
            return (w[:, 0] ** 3 - w0**3) ** 2 / 2

        post = Posterior(loss, [(-1, 1)], ns, breakpoints=sorted({0.0, w0}))
        slope[w0] = ns * post.expectation(loss).value
        w[w0] = np.sort(np.r_[np.linspace(-0.9, 0.9, 121), w0 - near, w0 + near])
        p = np.exp(post.log_density(w[w0][:, None]))
        density[w0] = p / p.max(axis=1, keepdims=True)

    fig, (left, right) = style.figure(1, 2)
    left.set(xlim=(-0.9, 0.9), ylim=(0, 1.08), yticks=[0, 0.5, 1], xlabel="w", ylabel="posterior density / its maximum")
    left.set_xticks([-0.8, -0.4, 0, 0.4, 0.8])
    right.set(xscale="log", xlim=(0.5, 2e10), ylim=(-0.05, 1.08), xlabel="n", ylabel="λ(n) = dF/d log n")
    for value, name, x, y in ((1 / 6, "1/6", 1e3, 0.09), (1 / 2, "1/2", 1.4, 0.52)):
        right.axhline(value, color=COLORS["theory"], ls="--", lw=1.2)
        right.text(x, y, name, color=COLORS["theory"])

    live = LiveFigure(
        fig,
        alt="Left: the posterior, broad and flat around 0 for moderate n even though the truth is not 0, later a spike "
        "at the truth. Right: dF/d log n stays at 1/6, then passes a bump and settles at 1/2.",
        w0=Slider("truth w₀", truths, start=0.1),
        n=Slider("n", ns[::3], start=1e3, format=lambda n: style.power(n)),
    )
    purple = COLORS["posterior"]
    live.band(left, lambda w0, n: (w[w0], 0 * w[w0], density[w0][row[n]]), name="area", color=purple, alpha=0.5)
    live.line(left, lambda w0, n: (w[w0], density[w0][row[n]]), name="posterior", color=purple, lw=1.5)
    live.points(left, lambda w0: (w0, 0.0), name="truth", color=COLORS["truth"], markersize=11)
    live.text(left, lambda w0: (w0 + 0.04, 0.03, "truth"), name="label", color=COLORS["truth"])
    live.line(right, lambda w0: (ns, slope[w0]), name="slope", color=COLORS["estimate"])
    live.points(right, lambda w0, n: (n, slope[w0][row[n]]), name="now", color=COLORS["estimate"], markersize=9)
    return live.caption(
        lambda w0, n: (
            f"Truth w₀ = {w0:g}, n = {style.power(n)}: dF/d log n = {slope[w0][row[n]]:.3f}; "
            "λ is 1/6 at w₀ = 0 and 1/2 at any other truth."
        )
    )


# ---- pictures that stand still --------------------------------------------------------------------------------


def draw_curve():
    """The curve model, a figure: left the means it can have, a dot at equal steps of w; right its loss K(w)."""
    w, steps = np.linspace(*BOX, 800), np.linspace(*BOX, 111)
    fig, (left, right) = style.figure(1, 2)
    left.plot(*mean(w), color=COLORS["muted"])
    left.plot(*mean(steps), ".", color=COLORS["loss"], markersize=6)
    left.plot(0, 0, "*", color=COLORS["truth"], markersize=15)
    thin = {"arrowstyle": "-", "color": COLORS["reference"]}
    left.annotate("truth, w = 1", (0, 0), (-0.115, 0.3), arrowprops=thin)
    left.annotate("the curve stops:\nw = 0", (HEIGHT, 0), (-0.002, -0.3), arrowprops=thin)
    left.set(xlim=(-0.16, 0.16), ylim=(-0.55, 0.75), xlabel="first coordinate of the mean", ylabel="second coordinate")
    right.plot(w, K(w[:, None]), color=COLORS["loss"])
    right.set(xlim=BOX, ylim=(0, 0.1), xlabel="w", ylabel="loss  K(w)")
    right.text(0.0, 0.055, "simple:\nbroad", color=COLORS["singular"], ha="center")
    right.text(0.0, 0.018, "ΔL = 0.0072", color=COLORS["singular"], ha="center", fontsize=9)
    right.text(0.93, 0.013, "accurate:\nnarrow", color=COLORS["regular"], ha="right")
    return fig


def draw_polygon(ax, k, color):
    """The columns of W* of the k-gon, the toy model of superposition's critical point, as arrows on ``ax``."""
    W, _ = polygon(k)
    angle = np.append(np.arange(k), 0) * 2 * np.pi / k
    ax.plot(POLYGONS[k][0] * np.cos(angle), POLYGONS[k][0] * np.sin(angle), color=COLORS["muted"])
    ax.quiver(*np.zeros((2, k)), *W[:, :k], angles="xy", scale_units="xy", scale=1, color=color, width=0.02)
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", title=f"{k}-gon")
    ax.axis("off")


# ---- the toy model of superposition (Chen et al. 2023, arXiv 2310.06301) --------------------------------------

POLYGONS = {k: superposition_model.PUBLISHED[k] for k in (5, 6)}  # k: length l*, bias b*, h_k


def polygon(k):
    """(W, b) of the k-gon among 6 features: W of shape (2, 6), b of shape (6,). Unused features have W = 0, b = 0."""
    length, bias, _ = POLYGONS[k]
    return superposition_model.unpack(superposition_model.polygon(k, length, bias, dead=0))


def superposition_loss(W, b):
    """Exact E‖x − relu(WᵀWx + b)‖² for x = μ e_i, i uniform, μ ~ U[0, 1]; W of shape (2, c), b of shape (c,)."""
    return float(superposition_model.population_loss(superposition_model.pack(W, b))[0])


# ---- the exercises --------------------------------------------------------------------------------------------


@check.exercise("A difference of 1.7 in F is a factor e^1.7 = 5.5 in probability.")
def odds(answer):
    right = 1 / (1 + np.exp(6.4 - 8.1))
    return number(answer, right, rel=0.01, hints={
        0.83: "Near. Give three digits.",
        1 - right: "This is the share of the simple well: a well's share is proportional to exp(−F), not exp(F).",
        np.exp(1.7): "These are the odds, accurate against simple; the share is odds / (1 + odds).",
        np.exp(-6.4): "This is Z of the accurate well: divide it by the sum of the two Z's.",
        84.55: "As a probability, please: a number between 0 and 1.",
    })  # fmt: skip


@check.exercise("λ = 1/2 + 1/4 = 3/4: the coefficients of independent directions add.")
def learning_coefficient(answer):
    return number(answer, 0.75, rel=0.01, hints={
        0.5: "That is only w1's share, 1/2: w2 adds its own.",
        0.75 / np.log(10): "Take both logarithms to base e: one of yours is to base 10.",
        4 / 3: "That is one over the slope: F goes up, log n along.",
        1.0: "That is d/2, the value of a regular model; w2 is degenerate here. Take the slope of the exact F.",
        0.75 * np.log(10): "That is F(10⁶) − F(10⁵); the slope is per unit of log n, so divide by log 10.",
        0.767: "F/log n is not the slope: the constant in F is still in it. Take a difference of two F's.",
        -0.75: "Mind the sign: F grows with n.",
    })  # fmt: skip


_n = sp.Symbol("n", positive=True)


@check.exercise("The best half-width shrinks like n^(−1/6), so its price log 1/r grows like (1/6) log n: λ log n.")
def best_radius(answer):
    half = sp.Rational(1, 6)
    return expression(answer, (7 / (6 * _n)) ** half, hints={
        (6 * _n / 7) ** half: "This grows with n: the other way up.",
        _n**-half: "The power is right; the constant is not: solve d/dr = 0 exactly.",
        7 / (6 * _n): "This is r⁶: take the sixth root.",
    })  # fmt: skip


@check.exercise("n/log n = 18/0.2 = 90, so n = 571: below it the well with the larger loss and the smaller λ wins.")
def critical_sample_size(answer):
    spurious, critical = lambert_crossings(18.0, 0.2)
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        return "These are two solutions, and one n is wanted: the one where the law means something."
    return number(answer, critical, rel=0.01, hints={
        spurious: "This is the spurious solution: log n means nothing at n ≈ 1. Look for the other one.",
        90: "That is n/log n, which equals Δλ/ΔL = 18/0.2. Solve for n.",
        110: "In n/log n = Δλ/ΔL the differences are 20 − 2 and 0.5 − 0.3, not sums.",
        round(spurious): "This is the spurious solution: log n means nothing at n ≈ 1. Look for the other one.",
    })  # fmt: skip


@check.exercise("Only n w0⁶ matters: half the distance hides the truth from 64 times as many samples.")
def shadow(answer):
    return number(answer, 64 * SHADOW_END, rel=0.05, hints={
        SHADOW_END / 64: "The shadow lasts longer for a truth nearer to the singularity: multiply.",
        8 * SHADOW_END: "The mean w0³ is 8 times smaller, but n K contains its square.",
        2 * SHADOW_END: "n grows with a higher power of 1/w0: what do w³ and the square in K make of a factor 2?",
        SHADOW_END: "This is the value for w0 = 0.1.",
        0.05**-6: "The scaling w0⁻⁶ is right; the factor in front is in `end`.",
    })  # fmt: skip


SHADOW_END = 5.325e5  # where λ(n) = 1/3 for w0 = 0.1


@check.exercise("Only nβ matters: at n = 4000 and β = 0.106 the posterior is the one of n = 424 at β = 1.")
def critical_temperature(answer):
    right = MODELS["curve"].critical_n("exact") / 4000
    return number(answer, right, rel=0.01, hints={
        1 / right: "This is the temperature 1/β: give β.",
        1 / np.log(4000): "That is WBIC's β = 1/log n, which happens to be near. Ask where nβ equals the critical n.",
        2 * right: "That is for n = 2000; here n = 4000.",
        4000 * right: "That is the critical nβ; the exercise asks for β.",
    })  # fmt: skip
