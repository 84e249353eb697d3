"""Lesson 01, Fisher information: its live figures, its table of families and its checks.

The lesson's own subject stands in the notebook, in ``sltcourse.theory.fisher`` (matrices, proofs) and in
``sltcourse.theory.families`` (the models).
"""

import itertools

import numpy as np
import sympy as sp

from sltcourse.kit import style
from sltcourse.kit.checks import Checks, choice, expression
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.kit.progress import progress
from sltcourse.theory.families import FAMILIES
from sltcourse.theory.fisher import Density, Undecided, certify, prove_null

check = Checks("01_fisher_information")
COLORS = style.COLORS
INPUTS = np.array([-2.0, -1.0, 1.0, 2.0])  # where the network is observed, each input equally often


# ---- one parameter ----------------------------------------------------------------------------------------------


def bell(x, mean):
    """The density of N(mean, 1) at x."""
    return np.exp(-((x - mean) ** 2) / 2) / np.sqrt(2 * np.pi)


def live_cubic(step=0.3):
    """Slide w: the density of N(w,1) and of N(w³,1) before and after a step, and their Fisher information."""
    fig, axes = style.figure(1, 3, height=3.5)
    x = np.linspace(-4, 5, 241)
    means = {"N(w, 1)": lambda w: w, "N(w³, 1)": lambda w: w**3}
    live = LiveFigure(
        fig,
        alt="A step of w moves the density of N(w,1) by the same amount everywhere. It moves that of N(w³,1) less "
        "and less as w nears 0, where the Fisher information 9w⁴ touches 0.",
        w=Slider("w", np.round(np.arange(-1, 1.01, 0.02), 2), start=0.8),
    )
    for ax, (name, mean), color in zip(axes, means.items(), (COLORS["regular"], COLORS["singular"]), strict=False):
        ax.set(xlim=(-4, 5), ylim=(0, 0.56), xlabel="x", title=f"p(x|w) of {name}")
        live.band(
            ax,
            lambda w, mean=mean: (x, bell(x, mean(w)), bell(x, mean(w + step))),
            color=color,
            alpha=0.35,
            name=f"moved {name}",
        )
        live.line(ax, lambda w, mean=mean: (x, bell(x, mean(w))), color=COLORS["truth"], label="at w", lw=1.6)
        live.line(ax, lambda w, mean=mean: (x, bell(x, mean(w + step))), color=color, label=f"at w + {step}", ls="--")
        ax.legend(loc="upper left", fontsize=9, handlelength=1.6)
    grid = np.linspace(-1, 1, 201)
    right = axes[2]
    right.set(xlim=(-1.08, 1.08), ylim=(-0.4, 9.6), xlabel="w", title="Fisher information I(w)")
    right.plot(grid, 1 + 0 * grid, color=COLORS["regular"], label="1")
    right.plot(grid, 9 * grid**4, color=COLORS["singular"], label="9w⁴")
    right.legend(loc="upper center", fontsize=9)
    live.points(right, lambda w: (w, 1), color=COLORS["regular"], markersize=9)
    live.points(right, lambda w: (w, 9 * w**4), color=COLORS["singular"], markersize=9, name="information")

    def caption(w):
        moved = (w + step) ** 3 - w**3
        return (
            f"w = {style.number(w)}: the step of {step} moves the mean of N(w, 1) by {step}, and that of N(w³, 1) by "
            f"{style.number(round(moved, 3))}. I(w) = 1 and {style.number(round(9 * w**4, 4))}."
        )

    live.caption(caption)
    return live


# ---- two parameters ---------------------------------------------------------------------------------------------


def network(a, b, x):
    """f(x, w) = a·tanh(b x), broadcast over its arguments."""
    return a * np.tanh(b * x)


def network_information(a, b):
    """The Fisher matrix of y = a·tanh(bx) + N(0,1), x uniform on INPUTS; a and b of shape (…), result (…, 2, 2)."""
    a, b = np.asarray(a, float)[..., None], np.asarray(b, float)[..., None]
    slopes = np.stack([np.tanh(b * INPUTS) + 0 * a, a * INPUTS / np.cosh(b * INPUTS) ** 2])  # ∂f/∂a, ∂f/∂b
    return np.einsum("i...x,j...x->...ij", slopes, slopes) / len(INPUTS)


def axes_of(matrix):
    """Eigenvalues (…, 2), weaker first, and unit eigenvectors (…, 2, 2) as rows, of symmetric matrices (…, 2, 2).

    The weaker direction points to larger a, the stronger one to larger b (or a) where that is free to choose.
    """
    values, vectors = np.linalg.eigh(matrix)
    rows = np.swapaxes(vectors, -1, -2)
    lean = np.where(np.abs(rows[..., 0]) > 1e-9, rows[..., 0], rows[..., 1])
    return np.clip(values, 0, None), rows * np.sign(lean)[..., None]


def _short(value):
    """A number ≥ 0 for a caption: 0, 0.25 or 3.1·10⁻⁵."""
    return "0" if value < 1e-12 else f"{value:.2g}" if value >= 1e-3 else style.power(value)


def live_network(step=0.5, budget=0.1, reach=20.0):
    """Drag the weights (a, b) of a·tanh(bx): the Fisher ellipse, the steps nobody can see, and what a step does.

    ``step`` is the length of the step in W, ``budget`` the bound on vᵀI v of the shaded steps, ``reach`` how long
    the shaded strip is drawn.
    """
    fig, (plane, ellipse, functions) = style.figure(1, 3, height=3.3)
    weights = np.round(np.arange(-1.2, 1.21, 0.05), 2)
    turn = np.linspace(0, 2 * np.pi, 49)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    x = np.linspace(-3, 3, 41)
    values, directions = axes_of(network_information(weights[:, None], weights[None, :]))

    place = {weight: k for k, weight in enumerate(weights.tolist())}

    def here(a, b):
        at = place[float(a)], place[float(b)]
        return values[at], directions[at]

    live = LiveFigure(
        fig,
        alt="Left, the parameter plane with the singular cross a = 0 or b = 0 and a patch of invisible steps that "
        "becomes an endless strip on it. Middle, the Fisher ellipse that collapses to a line there. Right, the "
        "network's function after a step along each axis of the ellipse.",
        a=Slider("a", weights, start=1.0),
        b=Slider("b", weights, start=0.8),
    )

    def strip(a, b):
        sizes, (weak, strong) = here(a, b)
        lengths = np.minimum(np.sqrt(budget / np.maximum(sizes, 1e-12)), reach)
        outline = lengths[0] * circle[0] * weak[:, None] + lengths[1] * circle[1] * strong[:, None]
        return a + outline[0], b + outline[1]

    def stretched(a, b):
        sizes, (weak, strong) = here(a, b)
        outline = np.sqrt(sizes[0]) * circle[0] * weak[:, None] + np.sqrt(sizes[1]) * circle[1] * strong[:, None]
        return outline[0], outline[1]

    def step_along(which):
        return lambda a, b: ([a, a + step * here(a, b)[1][which, 0]], [b, b + step * here(a, b)[1][which, 1]])

    def half_axis(which):
        def ends(a, b):
            sizes, rows = here(a, b)
            end = np.sqrt(sizes[which]) * rows[which]
            return [-end[0], end[0]], [-end[1], end[1]]

        return ends

    def moved(which):
        def curve(a, b):
            v = step * here(a, b)[1][which]
            return x, network(a + v[0], b + v[1], x)

        return curve

    weak, strong = COLORS["singular"], COLORS["estimate"]
    box = {"xlim": (-2.6, 2.6), "ylim": (-2.6, 2.6), "box_aspect": 1}
    plane.set(**box, xlabel="a", ylabel="b", title="W: steps too small to see")
    live.fill(plane, strip, color=COLORS["muted"], alpha=0.8, name="strip")
    live.line(plane, lambda: ([0, 0, np.nan, -2.6, 2.6], [-2.6, 2.6, np.nan, 0, 0]), color=weak, lw=1.2, ls=":")
    live.text(plane, lambda: (-0.12, -2.4, "singular"), color=weak, fontsize=9, ha="right", name="singular")
    live.line(plane, step_along(0), color=weak, lw=3)
    live.line(plane, step_along(1), color=strong, lw=3)
    live.points(plane, lambda a, b: (a, b), color=COLORS["truth"], markersize=8, name="w")
    ellipse.set(**box, xlabel="direction a", ylabel="direction b", title="Fisher ellipse √I u, |u| = 1")
    ellipse.plot(0, 0, "o", color=COLORS["loss"], markersize=4)
    live.fill(ellipse, stretched, color=COLORS["muted"], alpha=0.8, edgecolor=COLORS["loss"], name="ellipse")
    live.line(ellipse, half_axis(0), color=weak, lw=3)
    live.line(ellipse, half_axis(1), color=strong, lw=3)
    functions.set(xlim=(-3, 3), ylim=(-2, 3.8), box_aspect=1, xlabel="x", title=f"f, and after a step of {step}")
    live.line(functions, lambda a, b: (x, network(a, b, x)), color=COLORS["truth"], lw=5, alpha=0.35, label="at w")
    live.line(functions, moved(1), color=strong, label="strong axis", name="strong")
    live.line(functions, moved(0), color=weak, ls="--", label="weak axis", name="weak")
    functions.legend(loc="upper left", fontsize=8.5, handlelength=1.6)

    def caption(a, b):
        (small, large), (v, _) = here(a, b)
        rank = int(a != 0 or b != 0) + int(a != 0 and b != 0)
        at_inputs = np.max(np.abs(network(a + step * v[0], b + step * v[1], INPUTS) - network(a, b, INPUTS)))
        meaning = ["the ellipse is a point", "the ellipse is a line", "the ellipse has an inside"][rank]
        return (
            f"w = ({style.number(a)}, {style.number(b)}): rank {rank}, {meaning}. Eigenvalues {_short(small)} and "
            f"{_short(large)}. A step of {step} along the weak axis moves f at the inputs by at most "
            f"{_short(at_inputs)}."
        )

    live.caption(caption)
    return live


def draw_wedge():
    """The parameters (a, b), and where a·tanh(bx) sends them: the plane of all pairs (f(1), f(2)). A static figure."""
    fig, (plane, image) = style.figure(1, 2, height=3.9)
    a = np.linspace(-1.6, 1.6, 60)
    speeds = np.array([0.15, 0.3, 0.5, 0.75, 1.05, 1.5])
    shades = [style.plt.get_cmap("cividis")(t) for t in np.linspace(0.15, 0.85, len(speeds))]
    for b, shade in zip(speeds, shades, strict=True):
        for sign in (-1, 1):
            plane.plot(a, sign * b + 0 * a, color=shade, lw=1.6)
        image.plot(network(a, b, 1), network(a, b, 2), color=shade, lw=1.6)
    for b, shade, (x, y), side in (
        (speeds[0], shades[0], (-0.14, -0.56), "left"),
        (speeds[-1], shades[-1], (-0.62, -0.5), "right"),
    ):
        plane.text(1.66, b, f"b = {b:g}", color=shade, fontsize=9, va="center")
        image.text(x, y, f"b = ±{b:g}", color=shade, fontsize=8.5, ha=side)
    plane.plot([-1.6, 1.6], [0, 0], color=COLORS["singular"], lw=3.5)
    plane.plot([0, 0], [-1.6, 1.6], color=COLORS["singular"], lw=3.5)
    edge = np.array([-2, 2])
    image.fill_between(edge, edge, 2 * edge, color=COLORS["muted"], alpha=0.4, lw=0)
    for slope, (x, y) in {1: (0.52, 0.42), 2: (0.28, 0.8)}.items():
        image.plot(edge, slope * edge, color=COLORS["reference"], lw=1, ls=":")
        image.text(x, y, f"slope {slope}", color=COLORS["reference"], ha={1: "left", 2: "right"}[slope])
    image.plot(0, 0, "o", color=COLORS["singular"], markersize=10)
    plane.set(
        xlim=(-1.7, 2.5),
        ylim=(-1.8, 1.8),
        aspect="equal",
        xlabel="a",
        ylabel="b",
        title="Parameters: on the cross, f = 0",
    )
    image.set(
        xlim=(-1.1, 1.1),
        ylim=(-1.1, 1.1),
        aspect="equal",
        xlabel="f(1)",
        ylabel="f(2)",
        title="Functions: the cross is a point",
    )
    return fig


# ---- the families -----------------------------------------------------------------------------------------------


_certificates = {}


def certificates(family):
    """The family's certificates at its singular point and at its regular one (None if there is none), made once."""
    if family.name not in _certificates:
        regular = certify(family.density, family.regular) if family.regular else None
        _certificates[family.name] = certify(family.density, family.singular), regular
    return _certificates[family.name]


def certified():
    """Every family with its two certificates. What an interrupt leaves behind is kept for the next call."""
    every = progress(FAMILIES, "certifying the families")
    return [(family, *certificates(family)) for family in (make() for make in every)]


def vector(v):
    """A point or direction as text: (1, −2, 0)."""
    return "(" + ", ".join(str(c).replace("-", "−").replace("log(2)", "log 2") for c in v) + ")"


def written(symbol):
    """A parameter's name as text: p1 becomes p₁, mu becomes μ."""
    return str(symbol).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")).replace("mu", "μ")


def card(family):
    """What there is to know about one family, as a table: model, singular point, rank, null directions, meaning."""
    found, regular = certificates(family)
    names = ", ".join(map(written, family.density.parameters))
    rows = [
        ["model", family.instance],
        ["parameters", f"({names}), d = {found.dimension}"],
        ["singular where", f"{family.at}; take {vector(family.singular)}"],
        ["rank there", f"{found.rank} of {found.dimension}"],
        ["null directions, proved", ", ".join(vector(v) for v in found.null)],
        [f"{vector(family.direction)} means", family.meaning],
        ["cause", family.cause],
        ["rank at a regular point", f"{regular.rank} of {regular.dimension}, at {vector(family.regular)}"]
        if regular
        else ["regular points", "none"],
    ]
    return style.table(rows, [family.name, ""])


def families_table():
    """All families on one page: rank at the singular point and at a regular one, a null direction, its meaning."""
    rows = [
        [
            family.name,
            f"{family.at}: {vector(family.singular)}" if found.dimension == 2 else family.at,
            f"{found.rank} of {found.dimension}".replace(" ", "\u00a0"),
            vector(family.direction).replace(" ", "\u00a0"),
            family.meaning,
            "none" if regular is None else f"{regular.rank} of {regular.dimension}",
        ]
        for family, found, regular in certified()
    ]
    return style.table(rows, ["family", "singular where", "rank", "null direction", "which means", "elsewhere"])


class View:
    """A density as something to draw and to compare: a row of numbers for every w.

    `shown(w)` returns the numbers: probabilities, a density on a grid, or the regression function; `label` says which.
    `divergence(v, w)` is K = KL(p(·|v) ‖ p(·|w)).
    """

    def __init__(self, density):
        parameters = list(density.parameters)
        finite = all(isinstance(support, sp.FiniteSet) for support in density.observed.values())
        if density.inputs:
            self._regression(density, parameters)
        elif finite or sp.S.Naturals0 in density.variables.values() or sp.S.Naturals in density.variables.values():
            self._outcomes(density, parameters)
        else:
            self._curve(density, parameters)

    def _outcomes(self, density, parameters):
        rows = _product({x: s if s.is_finite_set else range(int(s.inf), 60) for x, s in density.variables.items()})
        values = [density.pdf.subs(row) for row in rows]
        values = [value for value in values if value != 0]
        probabilities = sp.lambdify(parameters, values)
        self.measured = lambda w: np.array(probabilities(*w), float)
        count = min(len(values), 10)
        self.shown, self.discrete = lambda w: self.measured(w)[:count], True
        first = "" if count == len(values) else "first "
        self.label = f"probabilities of the {first}{count} outcomes"
        self.divergence = lambda v, w: _kullback(self.measured(v), self.measured(w))
        self.weights = lambda w: 1 / self.measured(w)

    def _curve(self, density, parameters):
        (x,) = density.variables
        grid = np.linspace(-9, 9, 721)
        pdf = sp.lambdify([x, *parameters], density.pdf)
        self.measured = lambda w: pdf(grid, *w)
        inside = np.abs(grid) <= 4
        self.label, self.discrete = "density p(x), x from −4 to 4", False
        self.shown = lambda w: self.measured(w)[inside][::5]
        self.divergence = lambda v, w: _kullback(self.measured(v), self.measured(w)) * (grid[1] - grid[0])
        self.weights = lambda w: (grid[1] - grid[0]) / self.measured(w)

    def _regression(self, density, parameters):
        means = [(sp.diff(density.pdf, y) / density.pdf).subs(y, 0) for y in density.variables]  # of N(f, 1)
        f = sp.lambdify([*density.inputs, *parameters], means)
        rows = [list(map(float, row.values())) for row in _product(density.inputs)]
        self.measured = lambda w: np.array([f(*row, *w) for row in rows], float).ravel()
        self.discrete = len(density.inputs) > 1
        grid = np.linspace(-3, 3, 61)
        self.label = "means of the outputs at each input" if self.discrete else "mean f(x), x from −3 to 3"
        self.shown = self.measured if self.discrete else lambda w: f(grid, *w)[0] + 0 * grid
        self.divergence = lambda v, w: np.sum((self.measured(v) - self.measured(w)) ** 2) / (2 * len(rows))
        self.weights = lambda w: np.full(len(rows) * len(means), 1 / len(rows))

    def strongest(self, w, h=1e-5):
        """The unit direction in which p moves fastest at w: the top eigenvector of the Fisher matrix."""
        jacobian = np.stack([(self.measured(w + e) - self.measured(w - e)) / (2 * h) for e in h * np.eye(len(w))])
        top = np.linalg.eigh((jacobian * self.weights(w)) @ jacobian.T)[1][:, -1]
        return top * np.sign(top[np.argmax(np.abs(top))])


def _product(sets):
    return [dict(zip(sets, row, strict=True)) for row in itertools.product(*sets.values())]


def _kullback(p, q):
    return float(np.sum(p * np.log(p / q) - p + q))


def _room(density, w, v):
    """How far w + s·v stays well inside W, at most 1."""
    room = 1.0
    for value, speed, support in zip(w, v, density.parameters.values(), strict=True):
        if abs(speed) > 1e-9:
            end = float(support.sup if speed > 0 else support.inf)
            room = min(room, 0.7 * (end - value) / speed) if np.isfinite(end) else room
    return room


class Journey:
    """Steps away from a family's singular point: along its null direction, and in the direction of fastest change.

    The length of a step is a share of the longest that stays well inside W (and is at most 1). For a row of shares,
    `divergences[which]` holds K between the densities before and after, `curves[which]` what is drawn, scaled to
    [0, 1] together with `still`, the picture at the singular point; `which` is "null" or "fast".
    """

    def __init__(self, family, shares):
        view, start = View(family.density), np.array([float(c) for c in family.singular])
        null = np.array(family.direction, float)
        directions = {"null": null / np.linalg.norm(null), "fast": view.strongest(start)}
        self.shares, self.divergences, self.curves = list(shares), {}, {}
        for which, v in directions.items():
            points = [start + share * _room(family.density, start, v) * v for share in shares]
            values = np.array([view.divergence(start, w) for w in points])
            self.divergences[which] = np.where(values > 1e-14, values, 0.0)  # below: rounding
            self.curves[which] = np.array([view.shown(w) for w in points])
        self.still, self.label, self.discrete = view.shown(start), view.label, view.discrete
        low = min(0.0, self.still.min(), *(c.min() for c in self.curves.values()))
        high = max(self.still.max(), *(c.max() for c in self.curves.values()))
        self.still = (self.still - low) / (high - low)
        self.curves = {which: (c - low) / (high - low) for which, c in self.curves.items()}
        self.positions = np.linspace(0, 1, len(self.still))

    def divergence(self, which, share):
        return float(self.divergences[which][self.shares.index(share)])

    def curve(self, which, share):
        return self.curves[which][self.shares.index(share)]


def live_families():
    """Choose a family, take a step: along the null direction p stays (K ~ τ⁴ or 0), along another it moves (τ²)."""
    fig, (left, right) = style.figure(1, 2, height=3.9)
    shares = [float(s) for s in np.round(10.0 ** np.linspace(-1.5, 0, 100), 4)]
    journeys = {family.name: Journey(family, shares) for family, _, _ in certified()}
    live = LiveFigure(
        fig,
        alt="For each of the eleven families: what the model predicts at its singular point, and after a step along "
        "the null direction and along the most visible one. Along the null direction the divergence is 0 or grows like "
        "the fourth power of the step, along the other like its square.",
        family=Menu("family", journeys, start="binomial mixture"),
        step=Slider("step", shares, start=shares[-30], format=_percent),
    )
    null, fast = COLORS["singular"], COLORS["estimate"]
    left.set(xlim=(-0.04, 1.04), ylim=(-0.05, 1.32), xticks=[], yticks=[], xlabel=" ", title="What the model says")
    live.text(left, lambda family: (0.5, -0.14, family.label), ha="center", va="center", name="label")
    still = COLORS["truth"]
    live.line(left, lambda family: _joined(family, family.still), color=still, lw=5, alpha=0.3, label="no step")
    live.points(left, lambda family: _dots(family, family.still), color=still, markersize=10, alpha=0.3, name="still")
    right.set(xscale="log", yscale="log", xlim=(0.028, 1.15), ylim=(1e-9, 30))
    right.set(xlabel="length of the step (1 = longest)", title="How far p has moved: K")
    for which, color, dash, words in (
        ("fast", fast, "-", "most visible direction"),
        ("null", null, "--", "null direction"),
    ):
        live.line(left, _drawn(_joined, which), color=color, ls=dash, label=words, name=which)
        live.points(left, _drawn(_dots, which), color=color, markersize=5, name=f"dots {which}")
        live.line(right, _trail(which), color=color, ls=dash, label=words, name=f"trail {which}")
        live.points(right, _here(which), color=color, markersize=9, name=f"K {which}")
    live.text(right, _verdict, color=null, ha="right", fontsize=10, name="verdict")
    left.legend(loc="upper left", ncols=2, fontsize=9, columnspacing=1)
    right.legend(loc="upper left", fontsize=9)
    live.caption(_said)
    return live


def _gaps(values):
    return np.where(np.asarray(values) > 0, values, np.nan)


def _percent(share):
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"


def _joined(family, y):
    """A curve of what is drawn; outcomes without an order are not joined."""
    return family.positions, y * np.nan if family.discrete else y


def _dots(family, y):
    return family.positions, y if family.discrete else y * np.nan


def _drawn(how, which):
    return lambda family, step: how(family, family.curve(which, step))


def _trail(which):
    return lambda family: (family.shares, _gaps(family.divergences[which]))


def _here(which):
    return lambda family, step: (step, _gaps(family.divergence(which, step)))


def _verdict(family):
    still = not family.divergences["null"].any()
    return (
        1.0,
        3e-9,
        "null direction: K = 0, p stands still" if still else "null direction, straight step: K grows with slope 4",
    )


def _said(family, step):
    null, fast = (family.divergence(k, step) for k in ("null", "fast"))
    still = ": p does not move at all." if null == 0 else "."
    return (
        f"Step: {_percent(step)} of the longest. In the most visible direction K = {_short(fast)}; in the null "
        f"direction K = {_short(null)}{still}"
    )


# ---- exercises --------------------------------------------------------------------------------------------------

W = sp.Symbol("w", real=True)


@check.exercise("The variance is 1/2 here, so the information doubles: 18w⁴ against 9w⁴. It still vanishes at w = 0.")
def deck_information(answer):
    """The Fisher information of p = exp(−(x−w³)²)/√π, a sympy expression in w (real)."""
    if answer is None:
        return "A sympy expression in w is wanted here, and this is None."
    hints = {
        9 * W**4: "That is the information at variance 1. Here the exponent has no ½: the variance is ½.",
        36 * W**4: "The score is 6w²(x − w³). Its square has the factor E[(x − w³)²], which is ½ here.",
        6 * W**2: "That is the factor in front of the score. The information is the mean of the squared score.",
        2 + 0 * W: "That is the information about the mean m = w³. The chain rule brings (dm/dw)².",
    }
    return expression(answer, 18 * W**4, hints=hints)


def _components(answer, count):
    wanted = f"A direction is wanted here: {count} numbers, as a list or a tuple."
    if isinstance(answer, str | dict):
        return None, wanted
    try:
        v = [None if isinstance(c, str) else sp.nsimplify(c) for c in answer]
    except (TypeError, AttributeError, ValueError, sp.SympifyError):
        return None, wanted
    if not all(isinstance(c, sp.Expr) for c in v):
        return None, wanted
    if len(v) != count:
        return None, f"The direction has {count} components here, one for each parameter; this has {len(v)}."
    if not all(c.is_number and c.is_real for c in v):
        return None, "The components are to be real numbers."
    if all(c == 0 for c in v):
        return None, "The zero vector moves nothing in any model. Another one is wanted."
    return v, None


@check.exercise("Along (2, −3) one factor grows as fast as the other shrinks: the product, and p with it, stays.")
def product_direction(answer):
    """A null direction of N(ab, 1) at (a, b) = (2, 3): two numbers."""
    v, complaint = _components(answer, 2)
    if complaint:
        return complaint
    slope = 3 * v[0] + 2 * v[1]
    if slope == 0:
        return None
    if v[0] * 2 == v[1] * 3:
        return "That is the gradient (b, a) of ab: along it the mean moves fastest. Look for what is orthogonal to it."
    return f"Along this direction the mean ab moves at the speed 3·v_a + 2·v_b = {slope}. It should be 0."


@check.exercise("Off the cross 2, on either arm 1, where the arms meet 0.")
def mixture_ranks(answer):
    """The ranks of (1−a)N(0,1) + aN(b,1) at (½,1), (½,0), (0,1), (0,0): four whole numbers."""
    wanted = "Four whole numbers are wanted, one rank for each point."
    if isinstance(answer, str | dict):
        return wanted
    try:
        ranks = [int(r) for r in answer]
    except (TypeError, ValueError, OverflowError):
        return wanted
    if any(rank != r for rank, r in zip(ranks, answer, strict=True)):
        return wanted
    if len(ranks) != 4:
        return f"Four ranks are wanted, and here are {len(ranks)}."
    points = ["(½, 1)", "(½, 0)", "(0, 1)", "(0, 0)"]
    reasons = [
        "both weights are in use, and no direction is null",
        "b moves the second component, and a does nothing",
        "the second component has weight 0: b does nothing, and a brings it in",
        "the component that a would bring in is the one already there: neither a nor b does anything",
    ]
    for point, rank, right, reason in zip(points, ranks, (2, 1, 1, 0), reasons, strict=True):
        if rank != right:
            return f"At {point} the rank is not {rank}: {reason}."
    return None


@check.exercise("The heavier coin has to move less: the average (1−a)p + aq stays.")
def coins(answer):
    """A null direction (v_a, v_p, v_q) with v_p ≠ 0 of two coins at a = 1/3, p = q = 1/2."""
    v, complaint = _components(answer, 3)
    if complaint:
        return complaint
    if v[1] == v[2] == 0:
        return "Moving the share a alone is a null direction, right. Now find one that moves the coins: v_p ≠ 0."
    if v[1] + v[2] == 0:
        return "That would be right for a = 1/2. Here the first coin is chosen twice as often as the second."
    if 2 * v[1] + v[2] == 0:
        return None
    return "This changes the chance of heads, (1−a)p + aq, to first order. What must v_p and v_q do to leave it alone?"


@check.exercise(
    "Identifiable: no other point has the same density. I(w) > 0: no direction is null here. Regular needs both."
)
def notions(answer):
    """{"cubic": (identifiable, I > 0), "coins": (identifiable, I > 0)} with "yes" or "no"."""
    if not isinstance(answer, dict) or set(answer) != {"cubic", "coins"}:
        return 'Give a dict with the keys "cubic" and "coins", each with two answers, "yes" or "no".'
    right = {"cubic": ("yes", "no"), "coins": ("no", "yes")}
    reasons = {
        ("cubic", 0): "w ↦ w³ is one-to-one: two different w never give the same density.",
        ("cubic", 1): "At w = 0 the information 9w⁴ is 0.",
        ("coins", 0): "Swap the coins' names: (2/3, 3/4, 1/4) gives the same density.",
        ("coins", 1): "The certificate found rank 3 of 3 there: no direction is null.",
    }
    for model, wanted in right.items():
        given = answer[model]
        if not isinstance(given, list | tuple) or len(given) != 2:
            return f'Two answers are wanted for "{model}": is it identifiable, and is I(w) > 0?'
        for k in range(2):
            complaint = choice(given[k], wanted[k], {{"yes": "no", "no": "yes"}[wanted[k]]: reasons[model, k]})
            if complaint:
                return f"{model}: {complaint}"
    return None


@check.exercise("A singular model of your own, with a proof.")
def own_model(model, point, direction):
    """A singular `Density`, a point and a null direction there."""
    if not isinstance(model, Density):
        return "The first answer is to be a Density, such as Density(pdf, {x: sp.S.Reals}, [a, b])."
    try:
        proof = prove_null(model, point, direction)
    except (ValueError, Undecided) as error:
        return str(error)
    if not proof.holds:
        return f"Along this direction p moves: ∇_v p = {proof.simplified}, which is not 0 for all x."
    return None
