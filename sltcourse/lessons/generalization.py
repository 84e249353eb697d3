"""Lesson 05, generalization: its models, its live figures, pictures and checks.

The lesson's subject, the errors G_n and T_n, WAIC and WBIC, is computed in the notebook. Here stand the models
it is computed for: those of ``sltcourse.theory.mean_models``, simulated, and ``GridModel``, any small model with its
prior as weighted nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats
from scipy.interpolate import CubicSpline

from sltcourse.kit import style
from sltcourse.kit.checks import Checks, number
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.theory.closed_forms import reduced_rank_regression, tanh_network
from sltcourse.theory.mean_models import PZ, Z, expected_error, panel_rule, power_mean, product_mean

check = Checks("05_generalization")
COLORS = style.COLORS

# ---- means, simulated ---------------------------------------------------------------------------------------------

MEANS = {"regular": power_mean(1), "cubic": power_mean(3), "product": product_mean()}
_KINDS = {"regular": "regular", "cubic": "singular", "product": "loss"}  # model: its colour


def bayes_error(model, n, t):
    """G_n of data sets with the scores t, an array of t's shape: E_x[F_{n+1}(t + x)] − F_n(t), x ~ N(0, 1)."""
    t = np.asarray(t, float)
    after = np.sum(PZ * model.free_energy(n + 1, t[..., None] + Z), axis=-1)
    return after - model.free_energy(n, t)


def simulate_means(model, n, data_sets, rng):
    """(G_n, T_n, V_n), each of shape (data_sets,), of simulated data sets of n samples x ~ N(θ₀, 1).

    T_n and V_n sum over the samples; the functions of t in them are tabulated and interpolated. The truth's own loss
    L_n(w₀) is subtracted from T_n.
    """
    x = rng.normal(size=(data_sets, n))
    t = x.sum(axis=1)
    reach = 6 * np.sqrt(n) + 9
    grid = np.linspace(-reach, reach, 301)
    p = model.posterior(n, grid)
    m1, m2, m3, m4 = (p @ model.delta**k for k in (1, 2, 3, 4))
    before, after = (CubicSpline(grid, model.free_energy(k, grid)) for k in (n, n + 1))
    G = after(t[:, None] + Z) @ PZ - before(t)
    T = after(t[:, None] + x).mean(axis=1) - before(t)
    var, cov, square = (CubicSpline(grid, f)(t) for f in (m2 - m1**2, m3 - m1 * m2, m4 - m2**2))
    return G, T, (x**2).sum(axis=1) * var - t * cov + n * square / 4


# ---- small models without a formula -----------------------------------------------------------------------------


@dataclass(frozen=True)
class GridModel:
    """A small model, its prior as J weighted nodes, and the truth as K weighted test points.

    ``log_ratio(x)`` maps data of shape (n, …) to log p(xᵢ|wⱼ)/q(xᵢ), shape (n, J). ``sample(rng, n)`` draws data from
    the truth q. ``test``, ``test_weight``: points of the data's shape and weights, Σ weight f ≈ E_q[f].
    """

    d: int
    lam: float
    m: int
    prior: np.ndarray
    log_ratio: Callable
    sample: Callable
    test: np.ndarray
    test_weight: np.ndarray


def _normal_grid(order, dimension):
    """Gauss–Hermite nodes (order^dimension, dimension) and weights for independent standard normals."""
    x, weight = np.polynomial.hermite_e.hermegauss(order)
    grids = np.meshgrid(*[x] * dimension, indexing="ij")
    weights = np.prod(np.meshgrid(*[weight / weight.sum()] * dimension, indexing="ij"), axis=0)
    return np.stack([g.ravel() for g in grids], axis=1), weights.ravel()


def _product(*axes):
    nodes = np.meshgrid(*[a[0] for a in axes], indexing="ij")
    weights = np.prod(np.meshgrid(*[a[1] for a in axes], indexing="ij"), axis=0).ravel()
    return [x.ravel() for x in nodes], weights / weights.sum()


def _normals(columns):
    return lambda rng, n: rng.normal(size=(n, columns))


def tanh_unit():
    """y = a tanh(bu) + noise, u ~ N(0, 1), a and b uniform on [−2, 2], truth 0; a row of data is (u, y)."""
    a, b = panel_rule(-2, 2, [0.0], 0.06, 6), panel_rule(0, 2, [0.0], 0.06, 6)
    _, prior = _product(a, b)  # b ≥ 0 is enough: (a, b) and (−a, −b) agree

    def log_ratio(x):
        f = (a[0][:, None] * np.tanh(x[:, :1] * b[0])[:, None, :]).reshape(len(x), -1)
        return x[:, 1:] * f - f**2 / 2

    lam, m = tanh_network(1)
    return GridModel(2, float(lam), m, prior, log_ratio, _normals(2), *_normal_grid(20, 2))


def normal_mixture():
    """(1 − a) N(0, 1) + a N(b, 1), a uniform on [0, 1], b on [−2, 2], truth N(0, 1); a row of data is (x,)."""
    (a, b), prior = _product(panel_rule(0, 1, [0.0], 0.03, 6), panel_rule(-2, 2, [0.0], 0.06, 6))

    def log_ratio(x):
        return np.log1p(a * np.expm1(x * b - b**2 / 2))

    return GridModel(2, 1 / 2, 2, prior, log_ratio, _normals(1), *_normal_grid(60, 1))


def linear_network():
    """y = b (a₁u₁ + a₂u₂) + noise, u ~ N(0, I₂), a₁, a₂, b ~ N(0, 1), truth 0; a row of data is (u₁, u₂, y).

    The coefficient vector ba has a uniform direction and a length with density exp(−r): those are the nodes.
    """
    r, weight = panel_rule(0, 24, [0.0], 0.04, 6)
    angle = 2 * np.pi * np.arange(32) / 32
    (r, angle), prior = _product((r, weight * np.exp(-r)), (angle, np.ones(32)))

    def log_ratio(x):
        f = x[:, :2] @ np.array([r * np.cos(angle), r * np.sin(angle)])
        return x[:, 2:] * f - f**2 / 2

    lam, m = reduced_rank_regression(2, 1, 1, 0)
    return GridModel(3, float(lam), m, prior, log_ratio, _normals(3), *_normal_grid(12, 3))


def network_free_energy(n):
    """E[F_n], the truth's own loss subtracted, of the linear network over all data sets of n ≥ 2 samples: quadrature.

    With S = Σ uuᵀ = LLᵀ and Σ yu = Lξ the evidence is the prior's mean of exp(r (Lξ)·e − r² eᵀSe/2), in closed form
    along the length r. ξ is normal, and so is L₂₁; L₁₁² and L₂₂² are χ² with n and n − 1 degrees of freedom (Bartlett).
    """
    if n < 2:
        raise ValueError(f"at least two samples are needed for two inputs, not n = {n}")
    nodes, weight = _normal_grid(4, 3)
    squares = stats.chi2.ppf(special.ndtr(nodes[:, :2]), [n, n - 1])
    (first, last), between = np.sqrt(squares.T), nodes[:, 2]
    angle = 2 * np.pi * np.arange(32) / 32
    across = np.array(
        [np.outer(first, np.cos(angle)) + np.outer(between, np.sin(angle)), np.outer(last, np.sin(angle))]
    )
    length = np.sqrt(2 * (across**2).sum(axis=0))[:, None]  # √(2 eᵀSe), shape (S, 1, angle)
    xi, xi_weight = _normal_grid(20, 2)
    slope = np.einsum("xk,ksa->sxa", xi, across) - 1
    evidence = (np.sqrt(np.pi) / length * special.erfcx(-slope / length)).mean(axis=-1)
    return -float(weight @ np.log(evidence) @ xi_weight)


GRIDS = {"tanh unit": tanh_unit, "normal mixture": normal_mixture, "linear network": linear_network}


# ---- live figures -------------------------------------------------------------------------------------------------


def live_one_data_set():
    """Slide the sample mean: the posterior of the mean on the left, n G_n of this data set on the right (n = 1000)."""
    n, z = 1000, np.linspace(-3, 3, 61)
    t, s = np.sqrt(n) * z, np.linspace(-5, 5, 280)  # an even number: never at 0, where densities are infinite
    theta = s / np.sqrt(n)
    density = {
        "regular": np.full_like(theta, 0.5),
        "cubic": np.abs(theta) ** (-2 / 3) / 6,
        "product": -np.log(np.abs(theta)) / 2,
    }
    row = {x: i for i, x in enumerate(z)}
    post, error, mean = {}, {}, {}
    for name, model in MEANS.items():
        log_p = np.outer(t, theta) - n * theta**2 / 2 + model.free_energy(n, t)[:, None]
        post[name] = np.exp(log_p) * density[name] / np.sqrt(n)
        error[name] = n * bayes_error(model, n, t)
        mean[name] = n * expected_error(model, n)

    fig, (left, right) = style.figure(1, 2)
    left.set(
        xlim=(-5, 5), ylim=(-0.03, 1.05), xlabel="√n θ,  θ the mean that the model predicts", ylabel="posterior density"
    )
    right.set(xlim=(-3.1, 3.1), ylim=(0, 4.75), xlabel="√n × sample mean", ylabel="n Gₙ of the data set")
    right.fill_between(z, 0, 1.5 * np.exp(-(z**2) / 2), color=COLORS["muted"], alpha=0.5, lw=0)
    right.text(0, 1.62, "how often", color=COLORS["reference"], ha="center", fontsize=10)
    right.plot(z, error["regular"], color=COLORS["regular"])
    live = LiveFigure(
        fig,
        alt="Left: posterior of the mean. The regular one is a normal curve around the sample mean; the singular one "
        "piles up at the truth, 0. Right: n G of the data set; the singular curve lies below the regular parabola "
        "where most data sets are.",
        model=Menu("model", ["cubic", "product"]),
        z=Slider("√n x̄", z, start=1.0, format=lambda v: f"{v + 0.0:.1f}".replace("-", "−")),
    )
    live.line(left, lambda z: (s, post["regular"][row[z]]), name="regular", color=COLORS["regular"], label="regular")
    live.line(
        left, lambda model, z: (s, post[model][row[z]]), name="singular", color=COLORS["singular"], label="singular"
    )
    live.points(left, lambda z: (z, 0.0), name="sample mean", color=COLORS["estimate"], markersize=10, label="x̄")
    left.plot(0, 0, "*", color=COLORS["truth"], markersize=13, label="truth", clip_on=False, zorder=5)
    left.legend(loc="upper left")
    live.line(right, lambda model: (z, error[model]), name="curve", color=COLORS["singular"])
    live.points(
        right, lambda z: (z, error["regular"][row[z]]), name="regular now", color=COLORS["regular"], markersize=9
    )
    live.points(
        right, lambda model, z: (z, error[model][row[z]]), name="singular now", color=COLORS["singular"], markersize=9
    )
    return live.caption(
        lambda model, z: (
            f"n Gₙ of this data set: {error['regular'][row[z]]:.3f} regular, {error[model][row[z]]:.3f} {model}. "
            f"Mean over all data sets: {mean['regular']:.3f} and {mean[model]:.3f}."
        )
    )


def live_settle():
    """Slide n from 10 to 10¹²: n E[G_n] of three models, against log n on the left and against 1/log n on the right."""
    ns = 10.0 ** (np.arange(4, 49) / 4)
    row = {x: i for i, x in enumerate(ns)}
    error = {name: np.array([n * expected_error(model, n) for n in ns]) for name, model in MEANS.items()}

    fig, (left, right) = style.figure(1, 2, height=4.0)
    left.set(
        xscale="log", xlim=(8, 1.5e12), ylim=(0, 1.08), xlabel="n", ylabel="n E[Gₙ]", xticks=10.0 ** np.arange(1, 13, 3)
    )
    right.set(xlim=(-0.012, 0.45), ylim=(0, 1.08), xlabel="1/log n   (n → ∞ is on the left)")
    for ax in (left, right):
        ax.axhline(1, color=COLORS["loss"], ls=":", lw=1.2)
        ax.axhline(1 / 2, color=COLORS["regular"], ls="--", lw=1.2)
        ax.axhline(1 / 6, color=COLORS["singular"], ls="--", lw=1.2)
    left.text(12, 0.935, "d/2 of the product", color=COLORS["loss"], fontsize=10)
    left.text(1e12, 0.53, "λ = 1/2", color=COLORS["regular"], ha="right", fontsize=10)
    left.text(1e12, 0.195, "λ = 1/6", color=COLORS["singular"], ha="right", fontsize=10)
    x = np.linspace(0, 0.45, 50)
    right.plot(x, 0.5 - x, color=COLORS["theory"], lw=1.2, label="λ − (m − 1)/log n, product")
    right.legend(loc="upper right", bbox_to_anchor=(1, 0.93))
    live = LiveFigure(
        fig,
        alt="n E[G] against n. The regular model settles on 1/2, the cubic on 1/6 before n = 100. The product creeps "
        "towards 1/2; against 1/log n it is nearly a straight line that reaches 1/2 only at the left edge.",
        n=Slider("n", ns, start=1e4, format=style.power),
    )
    for name, kind in _KINDS.items():
        color, values = COLORS[kind], error[name]
        for ax, across, side in ((left, ns, "left"), (right, 1 / np.log(ns), "right")):
            ax.plot(across, values, color=color, lw=1, alpha=0.35)
            live.line(
                ax,
                lambda n, across=across, values=values: (across, np.where(ns <= n, values, np.nan)),
                name=f"{name} {side}", color=color, label=name if ax is left else None,
            )  # fmt: skip
            live.points(
                ax,
                lambda n, across=across, values=values: (across[row[n]], values[row[n]]),
                name=f"{name} now {side}", color=color, markersize=9,
            )  # fmt: skip
    left.legend(loc="upper right", bbox_to_anchor=(1, 0.93))
    return live.caption(
        lambda n: (
            f"n = {style.power(n)}: n E[Gₙ] is {error['regular'][row[n]]:.3f} regular, {error['cubic'][row[n]]:.3f} "
            f"cubic (λ = 0.167), {error['product'][row[n]]:.3f} product (λ = 0.5, d/2 = 1)."
        )
    )


def live_truth():
    """Cubic mean: slide the truth w0 and n; n E[G_n] against n on the left, against the truth on the right."""
    steps, ns = np.r_[0:16, 16:40:2, 40:81:4], 10.0 ** (np.arange(4, 37) / 4)
    truths = steps / 160  # denser near 0, where the bump is narrow
    models = [power_mean(3, w0) for w0 in truths]
    error = np.array([[n * expected_error(model, n) for n in ns] for model in models])
    place, row = {w0: i for i, w0 in enumerate(truths)}, {n: i for i, n in enumerate(ns)}

    fig, (left, right) = style.figure(1, 2)
    left.set(xscale="log", xlim=(8, 1.3e9), ylim=(0, 0.82), xlabel="n", ylabel="n E[Gₙ]")
    right.set(xlim=(-0.01, 0.51), ylim=(0, 0.82), xlabel="the truth w₀")
    for ax in (left, right):
        ax.axhline(1 / 2, color=COLORS["theory"], ls="--", lw=1.2)
        ax.axhline(1 / 6, color=COLORS["theory"], ls="--", lw=1.2)
    right.text(0.5, 0.455, "λ = 1/2 for w₀ ≠ 0", color=COLORS["theory"], ha="right")
    right.text(0.5, 0.185, "λ = 1/6 for w₀ = 0", color=COLORS["theory"], ha="right")
    live = LiveFigure(
        fig,
        alt="Left: n E[G] against n stays near 1/6, rises over 1/2 and settles on 1/2 if the truth is not 0. Right: "
        "against the truth it is 1/6 in a window around 0 that narrows slowly as n grows, with a bump at its edge.",
        w0=Slider("truth w₀", truths[steps % 4 == 0], start=0.1, format=lambda v: f"{v:.3f}"),
        n=Slider("n", ns, start=1e4, format=style.power),
    )
    color = COLORS["posterior"]
    live.line(left, lambda w0: (ns, error[place[w0]]), name="along n", color=color)
    live.line(right, lambda n: (truths, error[:, row[n]]), name="along w0", color=color)
    for ax, name in ((left, "left now"), (right, "right now")):
        live.points(
            ax,
            lambda w0, n, ax=ax: (n if ax is left else w0, error[place[w0], row[n]]),
            name=name, color=color, markersize=10,
        )  # fmt: skip
    return live.caption(
        lambda w0, n: (
            f"Truth w₀ = {w0:.3f}, n = {style.power(n)}: n E[Gₙ] = {error[place[w0], row[n]]:.3f}; "
            f"for n → ∞ it is {'1/6' if w0 == 0 else '1/2'}."
        )
    )


def live_seesaw():
    """Slide n: n G_n and n (WAIC − S_n) of 150 data sets, cubic and regular, and the lines where they add to 2λ."""
    ns = [3, 10, 30, 100, 300, 1000]
    rng = np.random.default_rng(0)
    cloud, spread = {}, {}
    for n in ns:
        for name in ("regular", "cubic"):
            G, T, V = simulate_means(MEANS[name], n, 150, rng)
            cloud[name, n] = n * G, n * T + V
            spread[name, n] = np.std(n * G + n * T + V)
    fig, ax = style.figure(height=4.2)
    ax.set(
        xlim=(-0.1, 4.3), ylim=(-4.7, 1.9), xlabel="n Gₙ, the error nobody sees", ylabel="n (WAIC − Sₙ), from the data"
    )
    live = LiveFigure(
        fig,
        alt="Each dot is a data set. As n grows the dots of the regular model fall on the line where the two "
        "coordinates add to 1, those of the cubic on the line where they add to 1/3.",
        n=Slider("n", ns, start=10),
    )
    x = np.array([-0.1, 4.3])
    for name, kind, text in (("regular", "regular", "1"), ("cubic", "singular", "1/3")):
        lam = MEANS[name].lam
        ax.plot(
            x,
            2 * lam - x,
            color=COLORS["theory"],
            ls="-" if name == "cubic" else "--",
            lw=1.2,
            label=f"sum = 2λ = {text}",
        )
        live.points(
            ax, lambda n, name=name: cloud[name, n], name=name, color=COLORS[kind], markersize=6, alpha=0.7, label=name
        )
    ax.legend(loc="upper right")
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: the sum n Gₙ + n (WAIC − Sₙ) varies between data sets with standard deviation "
            f"{spread['regular', n]:.2f} (regular) and {spread['cubic', n]:.2f} (cubic)."
        )
    )


# ---- pictures that stand still --------------------------------------------------------------------------------


def draw_small_models(found, models, n, expected):
    """n G, n WAIC, n AIC (truth's loss subtracted) of simulated data sets, one row a model, beside λ and d/2; a figure.

    ``found``: {name: array of shape (data sets, ≥ 3)} with columns n G, n WAIC, n AIC. Bars are 2 standard errors.
    ``expected``: {name: n E[G_n] from another route}, a black mark above each row.
    """
    fig, ax = style.figure(height=3.9)
    shown = (("n Gₙ", "estimate", 0.2), ("n (WAIC − Sₙ)", "posterior", 0.0), ("n (AIC − Sₙ)", "reference", -0.2))
    for row, (name, values) in enumerate(reversed(found.items())):
        model = models[name]
        law = model.lam - (model.m - 1) / np.log(n)
        last = row == len(found) - 1
        marks = ((model.lam, "singular", "λ"), (law, "theory", "λ − (m − 1)/log n"), (model.d / 2, "regular", "d/2"))
        for x, kind, label in marks:
            dash = "--" if kind == "theory" else "-"
            ax.plot([x, x], [row - 0.36, row + 0.36], dash, color=COLORS[kind], label=label if last else None)
        label = "n E[Gₙ], without these data" if last else None
        ax.plot(expected[name], row + 0.4, "v", color=COLORS["truth"], markersize=8, ls="none", label=label)
        for column, (label, kind, up) in enumerate(shown):
            mean, se = values[:, column].mean(), values[:, column].std() / np.sqrt(len(values))
            ax.errorbar(
                mean, row + up, xerr=2 * se, fmt="o", color=COLORS[kind], capsize=3, label=label if last else None
            )
            ax.text(2.25, row + up, f"{mean:.2f} ± {se:.2f}", va="center", color=COLORS[kind], fontsize=9.5)
    ax.set_yticks(range(len(found)), [*reversed(found)])
    ax.set(
        xlim=(0, 2.6),
        ylim=(-0.6, len(found) - 0.35),
        xticks=np.arange(0, 2.1, 0.5),
        xlabel=f"n times an error, n = {n}   (bars: 2 σ; numbers: ± σ)",
    )
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=4, columnspacing=1.6, handlelength=1.2)
    return fig


# ---- the exercises --------------------------------------------------------------------------------------------


@check.exercise("λ = 1/10, and m = 1, so n·G is there early: exactly, n λ log(1 + 1/n).")
def fifth_power(answer):
    return number(answer, 0.1, rel=0.02, hints={
        0.5: "That is d/2, what a regular model with one parameter pays.",
        0.2: "K = w¹⁰/2, not w⁵: the loss is the square of the mean.",
        0.0001: "That is G; the exercise asks for n·G.",
        1 / 6: "That is the cubic. Here K = w¹⁰/2.",
    })  # fmt: skip


@check.exercise("10¹⁷ samples. A law that starts with λ/n can be true and still never be seen to its last digits.")
def far(answer):
    return number(answer, np.exp(40 - np.euler_gamma), rel=0.8, hints={
        np.exp(20): "That brings it within 0.05 of 1/2. Within 5 % of 1/2 means above 0.475.",
        40: "That is log n, to the base e.",
        17: "That is the power of ten. Give n.",
        39.4: "That is log n, to the base e.",
    })  # fmt: skip


@check.exercise("The gap between E[G] and E[T] is 2ν, and so the Gibbs error, λ + ν, follows from two Bayes errors.")
def relations(lam, nu, gibbs):
    wrong = number(lam, 0.2, rel=1e-3, hints={-0.6: "The training error is λ − 2ν; which error is λ alone?"})
    if wrong:
        return "λ: " + wrong
    wrong = number(nu, 0.4, rel=1e-3, hints={
        0.8: "The gap G − T is 2ν.",
        0.2: "ν = λ holds for regular models. Use the training error, λ − 2ν.",
    })  # fmt: skip
    if wrong:
        return "ν: " + wrong
    wrong = number(gibbs, 0.6, rel=1e-3, hints={
        -0.2: "That is λ − ν, the Gibbs *training* error.",
        1.0: "That is λ + 2ν. How much does averaging p over the posterior gain?",
    })  # fmt: skip
    return wrong and "Gibbs: " + wrong


@check.exercise("Two lines, one posterior, no held-out data: that is all WAIC needs.")
def waic(answer):
    if not callable(answer):
        return "A function is wanted here: def waic(A, p), which returns one number."
    rng = np.random.default_rng(1)
    A, p = rng.normal(size=(5, 4)) / 2, np.array([0.1, 0.2, 0.3, 0.4])
    T, G, V = -np.mean(np.log(np.exp(A) @ p)), -np.mean(A @ p), np.sum(A**2 @ p - (A @ p) ** 2)
    return number(answer(A, p), T + V / 5, rel=1e-9, hints={
        T: "That is T alone. Add the functional variance, divided by n.",
        T + V: "Nearly: V is a sum over samples. WAIC takes V/n.",
        T - V / 5: "The variance is added: T is smaller than G on average.",
        G + V / 5: "Your first term is the Gibbs training loss. Average p over the posterior before the logarithm.",
        T + np.mean(A.var(axis=1)): "The variance has to be taken with the weights p.",
        T + np.mean(A.var(axis=0)): "Vary w, not x: the variance is over the nodes, one for each sample.",
        -T + V / 5: "Mind the sign: T is minus the mean log of the predictive ratio.",
    })  # fmt: skip


@check.exercise("The difference removes nL_n(w₀), which nobody knows: λ = ΔE / Δ(1/β).")
def two_temperatures(answer):
    return number(answer, 0.76, rel=0.01, hints={
        3.8: "That is the difference of the energies. Divide it by the difference of 1/β.",
        38.0: "Divide by the difference of 1/β, the temperature, not of β.",
        -38.0: "Divide by the difference of 1/β, the temperature, not of β.",
        -0.76: "Mind the sign: hotter, that is smaller β, means a larger energy.",
        1254.1 / 10: "n L_n(w₀) is still in it. Take a difference of the two.",
        0.38: "The temperatures are 1/β = 5 and 10.",
    })  # fmt: skip
