"""The live figures of lesson 05."""

from collections.abc import Sequence

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.generalization.drawings import KINDS
from sltcourse.lessons.generalization.models import MEANS
from sltcourse.theory.mean_errors import generalization_error, simulate_means
from sltcourse.theory.mean_models import MeanModel, Theta, expected_error, own_mean, power_mean

COLORS = style.COLORS
_PRICE = r"$n\,\mathrm{E}[G_n]$"


def live_one_data_set() -> LiveFigure:
    """Slide the sample mean of 1000 data: the posterior of the mean, and n G_n of this data set."""
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
        error[name] = n * generalization_error(model, n, t)
        mean[name] = n * expected_error(model, n)

    fig, (left, right) = style.figure(1, 2)
    left.set(
        xlim=(-5, 5), ylim=(-0.03, 1.05), xlabel="√n θ,  θ the mean that the model predicts", ylabel="posterior density"
    )
    right.set(xlim=(-3.1, 3.1), ylim=(0, 4.75), xlabel="√n × sample mean", ylabel=r"$n\,G_n$ of the data set")
    right.fill_between(z, 0, 1.5 * np.exp(-(z**2) / 2), color=COLORS["muted"], alpha=0.5, lw=0)
    right.text(0, 1.62, "how often", color=COLORS["reference"], ha="center", fontsize=10)
    right.plot(z, error["regular"], color=COLORS["regular"])
    live = LiveFigure(
        fig,
        alt="Left: the posterior of the mean, of the regular model a normal curve around the sample mean, of the "
        "singular one with a peak at the truth, 0. Right: n G of the data set against its sample mean, for both.",
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


def live_settle() -> LiveFigure:
    """Slide n from 10 to 10¹²: n E[G_n] of three models, against log n and against 1/log n.

    The product is shown after the learner's guess of where it stands at n = 10¹².
    """
    ns = 10.0 ** (np.arange(4, 49) / 4)
    return _settling(
        MEANS, ns, "product", "How high does the product stand at n = 10¹²?",
        alt="n E[G] against n, on the left, and against 1/log n, on the right, of the regular model, the cubic and the "
        "product; dashed lines at 1/6 and 1/2, a dotted one at d/2 = 1 of the product.",
        start=1e12, top=1.08,
    )  # fmt: skip


def live_price(theta: Theta, truth: float | Sequence[float] | None = None) -> LiveFigure:
    """Slide n: n E[G_n] of a mean θ(w) of your own, of one or two parameters on [−1, 1], beside regular and cubic.

    ``truth`` is w₀, 0 if not given. n goes to 10⁶, where the learner guesses the price. Raises what ``own_mean`` does.
    """
    own = own_mean(theta, truth)
    models = {"regular": MEANS["regular"], "cubic": MEANS["cubic"], "own": own}
    ns = 10.0 ** (np.arange(4, 25) / 4)
    most = max(n * expected_error(own, n) for n in ns)
    return _settling(
        models, ns, "own", "How high does your own model stand at n = 10⁶?",
        alt="n E[G] against n, on the left, and against 1/log n, on the right, of the regular model, the cubic and a "
        "model of your own; dashed lines at 1/6 and 1/2.",
        start=1e6, top=1.08 * max(1, np.ceil(most)),  # a top that tells no answer
    )  # fmt: skip


def _settling(
    models: dict[str, MeanModel], ns: np.ndarray, hidden: str, question: str, *, alt: str, start: float, top: float
) -> LiveFigure:
    """n E[G_n] of models along n, at most ``start``; the model named ``hidden`` waits for the guess of its height."""
    row = {x: i for i, x in enumerate(ns)}
    error = {name: np.array([n * expected_error(model, n) for n in ns]) for name, model in models.items()}
    last, most = ns[-1], models[hidden].d / 2

    fig, (left, right) = style.figure(1, 2, height=4.0)
    decades = np.arange(1, round(np.log10(last)) + 1, 3 if last > 1e8 else 1)
    left.set(xscale="log", xlim=(8, 1.5 * last), ylim=(0, top), xlabel="n", ylabel=_PRICE, xticks=10.0**decades)
    right.set(xlim=(-0.012, 0.45), ylim=(0, top), xlabel="1/log n   (n → ∞ is on the left)")
    for ax in (left, right):
        if most > 0.5:
            ax.axhline(most, color=COLORS[KINDS[hidden]], ls=":", lw=1.2)
        ax.axhline(1 / 2, color=COLORS["regular"], ls="--", lw=1.2)
        ax.axhline(1 / 6, color=COLORS["singular"], ls="--", lw=1.2)
    if most > 0.5:
        left.text(12, most - 0.03, f"d/2 of {'yours' if hidden == 'own' else 'the ' + hidden}",
                  color=COLORS[KINDS[hidden]], fontsize=10, va="top")  # fmt: skip
    left.text(last, 0.51, "1/2", color=COLORS["regular"], ha="right", va="bottom")
    left.text(last, 0.176, "1/6", color=COLORS["singular"], ha="right", va="bottom")
    live = LiveFigure(fig, alt=alt, n=Slider("n", ns, start=start, format=style.power))
    for name, values in error.items():
        color = COLORS[KINDS[name]]
        for ax, across, side in ((left, ns, "left"), (right, 1 / np.log(ns), "right")):
            label = (name if name != "own" else "your own") if ax is left else None
            live.line(
                ax,
                lambda n, across=across, values=values: (across, np.where(ns <= n, values, np.nan)),
                name=f"{name} {side}", color=color, label=label,
            )  # fmt: skip
            live.points(
                ax,
                lambda n, across=across, values=values: (across[row[n]], values[row[n]]),
                name=f"{name} now {side}", color=color, markersize=9,
            )  # fmt: skip
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3, columnspacing=1.2, handlelength=1.4)
    live.caption(
        lambda n: (
            f"n = {style.power(n)}: n E[Gₙ] is "
            + ", ".join(f"{error[k][row[n]]:.3f} {'your own' if k == 'own' else k}" for k in error)
            + "."
        )
    )
    hides = [f"{hidden}{now} {side}" for now in ("", " now") for side in ("left", "right")]
    return live.with_guess(left, "y", question, hides=hides)


def live_truth() -> LiveFigure:
    """Cubic mean: slide the truth w₀ and n; n E[G_n] against n, and against the truth.

    Both curves are shown after the learner's guess of how high the second is at its highest.
    """
    steps, ns = np.r_[0:16, 16:40:2, 40:81:4], 10.0 ** (np.arange(4, 37) / 4)
    truths = steps / 160  # denser near 0, where the bump is narrow
    models = [power_mean(3, w0) for w0 in truths]
    error = np.array([[n * expected_error(model, n) for n in ns] for model in models])
    place, row = {w0: i for i, w0 in enumerate(truths)}, {n: i for i, n in enumerate(ns)}

    fig, (left, right) = style.figure(1, 2)
    left.set(xscale="log", xlim=(8, 1.3e9), ylim=(0, 0.82), xlabel="n", ylabel=_PRICE)
    right.set(xlim=(-0.01, 0.51), ylim=(0, 0.82), xlabel="the truth w₀")
    for ax in (left, right):
        ax.axhline(1 / 2, color=COLORS["theory"], ls="--", lw=1.2)
        ax.axhline(1 / 6, color=COLORS["theory"], ls="--", lw=1.2)
    right.text(0.5, 0.455, "λ = 1/2 for w₀ ≠ 0", color=COLORS["theory"], ha="right")
    right.text(0.5, 0.185, "λ = 1/6 for w₀ = 0", color=COLORS["theory"], ha="right")
    live = LiveFigure(
        fig,
        alt="n E[G] of the cubic, on the left against n at one truth, on the right against the truth at one n; dashed "
        "lines at 1/6 and 1/2.",
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
    live.caption(
        lambda w0, n: (
            f"Truth w₀ = {w0:.3f}, n = {style.power(n)}: n E[Gₙ] = {error[place[w0], row[n]]:.3f}; "
            f"for n → ∞ it is {'1/6' if w0 == 0 else '1/2'}."
        )
    )
    return live.with_guess(
        right, "y", "n = 10⁴, and the truth goes from 0 to 0.5. How high is n E[Gₙ] where it is highest?",
        hides=["along n", "along w0", "left now", "right now"],
    )  # fmt: skip


def live_seesaw() -> LiveFigure:
    """Slide n: n G_n and n (WAIC − S_n) of 150 data sets, cubic and regular, and the lines where they add to 2λ."""
    ns = [10, 30, 100, 300, 1000]
    rng = np.random.default_rng(0)
    cloud, spread = {}, {}
    for n in ns:
        for name in ("regular", "cubic"):
            G, T, V = simulate_means(MEANS[name], n, 150, rng)
            cloud[name, n] = n * G, n * T + V
            spread[name, n] = np.std(n * G + n * T + V)
    fig, ax = style.figure(height=4.2)
    ax.set(xlim=(-0.05, 2.6), ylim=(-2.2, 1.5))
    ax.set(xlabel=r"$n\,G_n$, the error nobody sees", ylabel=r"$n\,(\mathrm{WAIC} - S_n)$, from the data")
    live = LiveFigure(
        fig,
        alt="Each dot is a data set, its n G across and its n (WAIC − S) up, of the regular model and of the cubic, "
        "with two falling lines where the coordinates add to 1 and to 1/3.",
        n=Slider("n", ns, start=100),
    )
    x = np.array([-0.05, 2.6])
    for name, kind, text in (("regular", "regular", "1"), ("cubic", "singular", "1/3")):
        live.points(
            ax, lambda n, name=name: cloud[name, n], name=name, color=COLORS[kind], markersize=6, alpha=0.6, label=name
        )
        ax.plot(x, 2 * MEANS[name].lam - x, color=COLORS[kind], lw=1.2, label=f"sum = 2λ = {text}")
    ax.legend(loc="upper right")
    return live.caption(
        lambda n: (
            f"n = {style.number(n)}: the sum n Gₙ + n (WAIC − Sₙ) varies between data sets with standard deviation "
            f"{spread['regular', n]:.2f} (regular) and {spread['cubic', n]:.2f} (cubic)."
        )
    )
