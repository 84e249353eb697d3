"""The static pictures of lesson 08, and how a polygon is drawn."""

import numpy as np

from sltcourse.kit import style
from sltcourse.lessons.superposition.kept import asset
from sltcourse.theory.superposition_model import COEFFICIENTS, POLYGONS, SHAPES, name_of, population_loss, unpack

COLORS = style.COLORS


PHASE_COLORS = {"4": "theory", "5": "singular", "5⁺": "posterior", "6": "regular"}
BY_CORNERS = {"≤ 3": "reference", "4": "theory", "5": "singular", "6": "regular"}


def arrows(w):
    """The columns of W as one broken line, from the origin to each tip."""
    W, _ = unpack(w)
    nothing = np.zeros(W.shape[1])
    return tuple(np.stack([nothing, x, nothing + np.nan], 1).ravel() for x in W)


def outline(w):
    """The polygon through the tips of the columns longer than ½, in order of angle."""
    W, _ = unpack(w)
    W = W[:, np.hypot(*W) > 0.5]
    W = W[:, np.argsort(np.arctan2(*W[::-1]))]
    return tuple(np.append(x, x[:1]) for x in W)


def blank_plane(ax, size=1.6):
    ax.set(xlim=(-size, size), ylim=(-size, size), xticks=[], yticks=[], aspect="equal", anchor="N")
    ax.spines[:].set_visible(False)
    ax.grid(False)


def draw_polygons():
    """The six polygons of the table, a figure: columns of W, and a ring for each feature with a positive bias."""
    fig, axes = style.figure(1, 6, height=1.9)
    for ax, (name, w) in zip(axes, POLYGONS.items(), strict=True):
        blank_plane(ax, 1.55)
        ax.plot(*outline(w), color=COLORS["muted"])
        ax.plot(*arrows(w), color=COLORS["estimate"])
        ax.plot(*outline(w), "o", color=COLORS["estimate"], markersize=4)
        k, plus = SHAPES[name]
        for i in range(6 - k):
            x = (i - (5 - k) / 2) * 0.45
            ax.plot(x, -1.38, "o", mec=COLORS["singular"], mfc="white" if i < plus else COLORS["muted"], markersize=6)
        ax.set_title(f"{name}  {population_loss(w)[0]:.5f}", fontsize=10, loc="center")
        for side in ax.spines.values():
            side.set_visible(False)
    return fig


def draw_temperatures():
    """λ̂ at every nβ of the asset, a figure: left the square's family, right the others, dashed the derived λ."""
    data = asset("temperatures")
    nbeta = np.array(data["nbeta"])
    fig, axes = style.figure(1, 2, sharey=True)
    families = (("4", "4⁺", "4⁺⁺"), ("5", "5⁺", "6"))
    colors = (("theory", "singular", "posterior"), ("singular", "posterior", "regular"))
    for ax, names, hues in zip(axes, families, colors, strict=True):
        for i, (name, hue) in enumerate(zip(names, hues, strict=True)):
            llc, se, below = (np.array(data[name][key]) for key in ("llc", "se", "below"))
            at, stays = nbeta * 1.17 ** (i - 1), (below < 0.05) & (llc > 0)
            ax.errorbar(at[stays], llc[stays], 2 * se[stays], fmt="o", color=COLORS[hue], label=name, markersize=4.5)
            gone = np.full((~stays).sum(), 3.5 - 0.25 * i)
            ax.plot(at[~stays], gone, "o", mec=COLORS[hue], mfc="white", markersize=4.5)
            ax.axhline(COEFFICIENTS[name], color=COLORS[hue], ls="--", lw=1)
        ax.set(xscale="log", xlabel="nβ", ylim=(2.7, 12), xlim=(60, 2e8))
        ax.legend(loc="upper right", ncols=3)
    axes[0].text(3e8 / 2, 3.25, "hollow: the chains left", ha="right", va="center", color=COLORS["reference"])
    axes[0].set_ylabel("λ̂ = nβ (E[L] − L(w*))")
    return fig


def draw_losses(steps, path):
    """The losses (log scales) of many networks against the step, a figure: coloured by where they end."""
    fig, ax = style.figure(height=3.8)
    ends = np.array([name_of(w) for w in path[-1]])
    for name, color in (("4⁺⁺", "theory"), ("5⁺", "posterior"), ("6", "regular")):
        mine = ends == name
        ax.plot(steps, population_loss(path[:, mine])[0], color=COLORS[color], lw=0.7, alpha=0.5)
        level = population_loss(POLYGONS[name])[0]
        ax.text(3_150, level, f"{name}: {mine.sum()} of {len(ends)}", color=COLORS[color], va="center")
    ax.axhline(7 / 24, color=COLORS["reference"], ls="--", lw=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=(1, 3_000), ylim=(0.044, 0.36), xlabel="training step", ylabel="loss L")
    ax.set_xticks([1, 10, 100, 1_000], ["1", "10", "10²", "10³"])
    ax.set_yticks([0.05, 0.1, 0.2, 0.3], ["0.05", "0.1", "0.2", "0.3"])
    ax.minorticks_off()
    return fig


def draw_run(steps, states, results):
    """One training run, a figure: the loss falls on the left, λ̂ rises on the right, with two standard errors.

    Filled where the verdict is trust, hollow where it is doubtful; what has the verdict don't is left out.
    """
    fig, (left, right) = style.figure(1, 2, height=3.4)
    time, names = np.maximum(steps, 10), [name_of(w) for w in states]
    loss = np.array([r.init_loss for r in results])
    left.plot(time, loss, "o-", color=COLORS["loss"], markersize=4.5)
    for word, face in (("trust", COLORS["estimate"]), ("doubtful", "white")):
        these = [i for i, r in enumerate(results) if r.verdict.word == word]
        llc, se = np.array([(results[i].llc, results[i].std_error) for i in these]).reshape(-1, 2).T
        right.errorbar(time[these], llc, 2 * se, fmt="o", color=COLORS["estimate"], mfc=face, markersize=5, label=word)
    for i, name in enumerate(names):
        if i == 0 or name != names[i - 1]:
            left.annotate(name, (time[i], loss[i]), (0, 8), textcoords="offset points", color=COLORS["loss"])
    for ax, title in ((left, "loss Lₙ"), (right, "estimate λ̂")):
        ax.set(xscale="log", xlabel="training step", title=title, xlim=(8, 25_000))
        ax.set_xticks([10, 100, 1000, 10_000], ["0", "10²", "10³", "10⁴"])
        ax.minorticks_off()
        ax.margins(y=0.18)
    right.legend(loc="lower right")
    return fig


def draw_transitions():
    """The two kinds of transition, a figure: shares of the polygons against n, in the posterior and after training."""
    posterior, training = asset("posterior"), asset("training")
    ends = training["ends"] / training["ends"].sum(1, keepdims=True)
    fig, (left, right) = style.figure(1, 2, height=3.3, sharey=True)
    for i, (label, color) in enumerate(BY_CORNERS.items()):
        left.plot(posterior["shown_n"], posterior["share"][i], color=COLORS[color], label=label)
        right.plot(training["end_sizes"], ends[:, i], "o-", color=COLORS[color], lw=1, markersize=5, label=label)
    for ax, title in ((left, "in the posterior"), (right, "where training ends, from near zero")):
        ax.set(xscale="log", xlabel="n", title=title, xlim=(9, 4_900), ylim=(-0.03, 1.03))
    left.set_ylabel("share")
    left.legend(title="corners", loc="center right")
    return fig
