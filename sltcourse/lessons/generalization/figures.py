"""The live figures of lesson 05."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.generalization.models import MEANS
from sltcourse.theory.mean_errors import generalization_error, simulate_means
from sltcourse.theory.mean_models import expected_error, power_mean

COLORS = style.COLORS


# ---- means, simulated ------------------------------------------------------------------------------------------------


_KINDS = {"regular": "regular", "cubic": "singular", "product": "loss"}  # model: its colour


# ---- live figures ----------------------------------------------------------------------------------------------------


def live_one_data_set() -> LiveFigure:
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
        error[name] = n * generalization_error(model, n, t)
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


def live_settle() -> LiveFigure:
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


def live_truth() -> LiveFigure:
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


def live_seesaw() -> LiveFigure:
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
