"""Lesson 03, volume scaling: its live figures, pictures and checks.

What the lesson is about, V(ε) and how to measure it, stands in the notebook and in ``sltcourse.theory.volume``.
"""

from fractions import Fraction

import numpy as np
import sympy as sp
from scipy.special import gamma

from sltcourse.kit import style
from sltcourse.kit.checks import Checks, choice, expression, number
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.theory.volume import normal_crossing, normal_crossing_log_volume

check = Checks("03_volume_scaling")
COLORS = style.COLORS
_EXTENT = (-1, 1, -1, 1)


def _plane(points):
    side = np.linspace(-1, 1, points)
    return np.meshgrid(side, side)


def _parabola_volume(eps):
    """V(ε) of (w₂ − w₁²)² on [−1, 1]², exact: the area within s = √ε of the parabola, above or below, over 4."""
    s = np.sqrt(eps)
    edge = np.sqrt(1 - s)
    return s * edge + ((1 + s) * (1 - edge) - (1 - edge**3) / 3) / 2


_w1, _w2 = _plane(201)
_FOURTH = np.sqrt(np.pi) * gamma(5 / 4) / (2 * gamma(7 / 4))  # ∫₀¹ √(1 − t⁴) dt
PLANE = {  # name: √K on a grid of [−1, 1]², V(ε) for ε ≤ 1, λ, m
    "w₁² + w₂²": (np.hypot(_w1, _w2), lambda e: np.pi * e / 4, "1", 1),
    "w₁² + w₂⁴": (np.hypot(_w1, _w2**2), lambda e: _FOURTH * e**0.75, "3/4", 1),
    "(w₂ − w₁²)²": (np.abs(_w2 - _w1**2), _parabola_volume, "1/2", 1),
    "w₁² w₂²": (np.abs(_w1 * _w2), lambda e: np.exp(normal_crossing_log_volume(e, (1, 1))), "1/2", 2),
    "w₁² w₂⁴": (np.abs(_w1 * _w2**2), lambda e: np.exp(normal_crossing_log_volume(e, (1, 2))), "1/4", 1),
}


def _share(V):
    return f"{V:.2g}" if V > 1e-3 else style.power(V)


def live_shrinking_set():
    """Slide ε: the set K ≤ ε shrinks on the left, the point (ε, V) runs down its curve on the right."""
    eps = 10.0 ** (-np.arange(81) / 10)[::-1]
    volume = {name: V(eps) for name, (_, V, _, _) in PLANE.items()}
    slope = {name: np.gradient(np.log(v), np.log(eps)) for name, v in volume.items()}
    row = {e: i for i, e in enumerate(eps)}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    left.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂", aspect="equal")
    left.set_title("the set K(w) ≤ ε")
    left.grid(False)
    right.set(
        xscale="log",
        yscale="log",
        xlim=(1e-10, 1.7),
        ylim=(3e-9, 1.7),
        xticks=10.0 ** np.arange(-8, 1, 2),
        xlabel="ε",
        ylabel="V(ε)",
    )
    right.set_title("its share of the square")
    for name, v in volume.items():
        right.plot(eps, v, color=COLORS["muted"], lw=1.2)
        lam, m = PLANE[name][2:]
        right.text(7e-9, v[0], f"λ = {lam}" + (f"\nm = {m}" if m > 1 else ""), ha="right", va="center", fontsize=9)

    live = LiveFigure(
        fig,
        alt="Left: the part of the square where the loss is at most ε. Right: its share V(ε) on log–log axes, a line "
        "of slope λ; grey, the other losses. The regular loss falls fastest.",
        loss=Menu("K", list(PLANE), start="w₁² w₂²"),
        eps=Slider("ε", eps, start=0.01, format=style.power),
    )
    live.region(left, lambda loss: PLANE[loss][0], lambda eps: np.sqrt(eps), _EXTENT, COLORS["singular"], name="set")
    live.line(right, lambda loss: (eps, volume[loss]), name="curve", color=COLORS["singular"])
    live.points(
        right, lambda loss, eps: (eps, volume[loss][row[eps]]), name="now", color=COLORS["singular"], markersize=10
    )
    return live.caption(
        lambda loss, eps: (
            f"K = {loss} ≤ ε = {style.power(eps)} on a share V = {_share(volume[loss][row[eps]])} of the square. "
            f"The slope here is {slope[loss][row[eps]]:.3f}; λ = {PLANE[loss][2]}, m = {PLANE[loss][3]}."
        )
    )


def live_exponents():
    """Slide k₁, k₂ and ε: the set |w₁|^2k₁ |w₂|^2k₂ ≤ ε, its exact volume, λ and m."""
    w1, w2 = _plane(161)
    eps = 10.0 ** (-np.arange(61) / 5)[::-1]
    row = {e: i for i, e in enumerate(eps)}
    ks = np.arange(1, 5)
    volume = {(i, j): np.exp(normal_crossing_log_volume(eps, (i, j))) for i in ks for j in ks}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    left.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂", aspect="equal")
    left.grid(False)
    left.set_title("the set K(w) ≤ ε")
    right.set(xscale="log", yscale="log", xlim=(6e-13, 1.7), ylim=(1e-6, 1.7), xlabel="ε", ylabel="V(ε)")
    live = LiveFigure(
        fig,
        alt="Left: the cross-shaped set where w1^2k1 w2^2k2 is at most ε. Right: its exact volume and the power ε^λ. "
        "With equal exponents the volume lies above every parallel to ε^λ: the logarithm of m = 2.",
        k1=Slider("k₁", ks, start=1),
        k2=Slider("k₂", ks, start=2),
        eps=Slider("ε", eps, start=1e-4, format=style.power),
    )

    def power_law(k1, k2):
        return eps, eps ** (1 / (2 * max(k1, k2)))

    live.region(
        left, lambda k1, k2: np.abs(w1**k1 * w2**k2), lambda eps: np.sqrt(eps), _EXTENT, COLORS["singular"], name="set"
    )
    live.line(right, power_law, name="power", color=COLORS["theory"], ls="--", label="the power $ε^λ$")
    live.line(right, lambda k1, k2: (eps, volume[k1, k2]), name="curve", color=COLORS["singular"], label="V(ε), exact")
    live.points(
        right, lambda k1, k2, eps: (eps, volume[k1, k2][row[eps]]), name="now", color=COLORS["singular"], markersize=10
    )
    right.legend(loc="lower right")

    def sentence(k1, k2, eps):
        lam, m = normal_crossing((int(k1), int(k2)))
        loss = f"w₁{style.superscript(2 * k1)} w₂{style.superscript(2 * k2)}"
        return (
            f"K = {loss}: λ = min(1/{2 * k1}, 1/{2 * k2}) = {lam}, m = {m}. "
            f"V({style.power(eps)}) = {_share(volume[k1, k2][row[eps]])}."
        )

    return live.caption(sentence)


TRIAL = (
    "disc",
    "ball",
    "flat valley",
    "parabola",
    "cusp",
    "cross",
    "uneven cross",
    "three planes",
    "line plus cross",
    "tanh unit",
    "normal mixture",
    "Boltzmann machine",
    "reduced rank regression",
    "wide reduced rank regression",
)  # of the catalogue: the losses that the lesson measures


# ---- pictures that stand still --------------------------------------------------------------------------------


def draw_splitting(curve, counted, exact_log_V):
    """Left V(ε) by splitting and by counting beside the exact curve, on log–log axes; right log V minus the exact one.

    ``curve``: a VolumeCurve, ``counted``: a MonteCarlo, ``exact_log_V``: ε -> log V. Returns the figure.
    """
    fig, (left, right) = style.figure(1, 2)
    exact = exact_log_V(curve.eps)
    left.plot(curve.eps, np.exp(curve.log_V), color=COLORS["estimate"], lw=4, alpha=0.6, label="splitting")
    left.plot(curve.eps, np.exp(exact), ":", color=COLORS["truth"], lw=1.5, label="exact")
    below, above = np.maximum(counted.V - counted.low, 0), counted.high - counted.V
    hit = counted.hits > 0
    bars = {"fmt": "o", "color": COLORS["theory"], "capsize": 3}
    left.errorbar(counted.eps[hit], counted.V[hit], (below[hit], above[hit]), **bars, label="counting 10⁶ draws")
    left.set(xscale="log", yscale="log", xlabel="ε", ylabel="V(ε)", xticks=10.0 ** np.arange(-30, 1, 10))
    left.legend(loc="lower right")
    gap = curve.log_V - exact
    right.fill_between(curve.eps, gap - 2 * curve.se, gap + 2 * curve.se, color=COLORS["estimate"], alpha=0.3, lw=0)
    right.plot(curve.eps, gap, color=COLORS["estimate"])
    right.axhline(0, color=COLORS["truth"], ls=":", lw=1.5)
    right.set(
        xscale="log", xlabel="ε", ylabel="log V measured − exact  (band: 2 σ)", xticks=10.0 ** np.arange(-30, 1, 10)
    )
    return fig


def draw_fits(fits, losses):
    """Fitted over exact λ with two-sigma bars, a row for each loss, the numbers beside it; a figure.

    ``fits``: {name: Fit}, ``losses``: {name: Loss} with at least these names.
    """
    fig, ax = style.figure(height=0.32 * len(fits) + 0.9)
    rows, columns = np.arange(len(fits))[::-1], (1.034, 1.066, 1.081, 1.104)
    for row, (name, found) in zip(rows, fits.items(), strict=True):
        exact = losses[name].lam
        color = COLORS["regular" if exact == Fraction(losses[name].d, 2) else "singular"]
        ratio, bar = found.lam / float(exact), 2 * found.se / float(exact)
        ax.errorbar(ratio, row, xerr=bar, fmt="o", color=color, capsize=3)
        chance = f"{100 * found.probability[found.m - 1]:.0f} %"
        words = (f"{found.lam:.4f} ± {found.se:.4f}", f"{exact}", f"{found.m}  ({chance})", f"{losses[name].m}")
        for x, word in zip(columns, words, strict=True):
            ax.text(x, row, word, va="center", fontsize=9.5)
    ax.axvspan(0.97, 1.03, color=COLORS["muted"], alpha=0.4, lw=0)
    ax.axvline(1, color=COLORS["truth"], lw=1)
    ax.set(xlim=(0.968, 1.112), ylim=(-0.7, len(fits) + 0.2), xticks=[0.97, 1, 1.03])
    ax.set_xlabel("fitted λ / exact λ   (bars: 2 σ; band: ± 3 %; green: regular)", loc="left")
    ax.set_yticks(rows, list(fits))
    ax.grid(axis="y")
    for x, word in zip(columns, ("fitted λ ± σ", "exact", "fitted m", "exact"), strict=True):
        ax.text(x, len(fits) - 0.4, word, weight="bold", fontsize=9.5)
    return fig


# ---- the exercises --------------------------------------------------------------------------------------------

_eps = sp.Symbol("epsilon", positive=True)


@check.exercise("A segment of length 2ε^(1/6) in a prior interval of length 2: λ = 1/6, a third of the regular 1/2.")
def sextic(answer):
    sixth = sp.Rational(1, 6)
    if isinstance(answer, sp.Expr):
        answer = sp.nsimplify(answer, rational=True)  # eps ** (1/6) is as right as eps ** Rational(1, 6)
    return expression(answer, _eps**sixth, hints={
        2 * _eps**sixth: "That is the length of the interval. V is its share of [−1, 1], which has length 2.",
        _eps**6: "The other way round: w⁶ ≤ ε means |w| ≤ ε to the power 1/6.",
        sixth: "That is λ, the exponent. The exercise asks for V(ε).",
        sp.sqrt(_eps): "That is the volume of the regular K = w².",
    })  # fmt: skip


@check.exercise("The smallest of 1/2, 1/4, 1/4 is 1/4, and two coordinates attain it.")
def crossing(lam, m):
    wrong = number(lam, 0.25, hints={
        1.0: "That is 1/2 + 1/4 + 1/4, what K = w₁² + w₂⁴ + w₃⁴ would have. In a product the smallest exponent wins.",
        0.5: "1/2 belongs to w₁ alone. Which coordinates hold more volume?",
        1.5: "That is d/2, the value of a regular loss.",
        4: "λ = min 1/(2kᵢ): one over the largest exponent.",
    })  # fmt: skip
    if wrong:
        return "λ: " + wrong
    wrong = number(m, 2, hints={
        1: "How many coordinates attain the minimum?",
        3: "w₁ does not attain the minimum: its 1/2 is larger.",
    })  # fmt: skip
    return wrong and "m: " + wrong


@check.exercise("Each decade in ε costs counting ten times as many draws; splitting needs two or three levels more.")
def draws(answer):
    return number(answer, 1e32, rel=0.5, hints={
        1e30: "V(10⁻³⁰) = 10⁻³⁰ gives one hit in 10³⁰ draws. A relative error of 10 % takes 100 hits.",
        1e17: "That would do for λ = 1/2. Here V(ε) = ε.",
        1e15: "That is one hit, and for λ = 1/2. Here V(ε) = ε, and 10 % takes 100 hits.",
        1e31: "Ten hits have a relative error of about 30 %; 10 % takes 100 hits.",
    })  # fmt: skip


@check.exercise("Independent groups of coordinates in a sum: their λ add, because V is a convolution of powers.")
def sum_of_losses(answer):
    return number(answer, float(Fraction(1, 2) + Fraction(1, 4) + Fraction(1, 6)), rel=0.04, hints={
        1.5: "That is d/2. The second and third coordinate are degenerate.",
        1 / 6: "The smallest wins in a product. In a sum all terms have to be small at once.",
    })  # fmt: skip


@check.exercise(
    "At the origin λ = 1/4, on the line 1/2. A whole line loses against a point, because the point is more singular."
)
def where(answer):
    return choice(answer, "origin", {
        "line": "The line is longer, but its volume falls like √ε. What is K near the origin?",
        "both": "At ε = 10⁻² perhaps. Compare ε^(1/4) with ε^(1/2) as ε → 0.",
    })  # fmt: skip
