"""The static pictures of lesson 11."""

import numpy as np
import xarray as xr

from sltcourse.kit import style
from sltcourse.lessons.susceptibilities import addition, heads, models
from sltcourse.lessons.susceptibilities.figures import draw_points, squeezed
from sltcourse.lessons.susceptibilities.kept import ADDITION, asset

COLORS = style.COLORS


def show_points() -> None:
    """The six points and the line that fits them."""
    fig, ax = style.figure(height=3.2)
    draw_points(ax)
    style.show(fig, "Six points along a line. Points 2, 4 and 6 lie above it, 3 and 5 below, 1 on it.")


def show_bystander(share: np.ndarray, own: np.ndarray, other: np.ndarray) -> None:
    """χ of the first mechanism's loss to each one's data, over the ``share`` of data that are its own (all (k,))."""
    fig, ax = style.figure(height=3.2)
    ax.axhline(0, color=COLORS["reference"], lw=1)
    ax.plot(share, own, color=COLORS["singular"], label="its own data")
    ax.plot(share, other, color=COLORS["reference"], ls="--", label="the other's data: the bystander's line")
    ax.set(xlabel="share p of data that belong to the first mechanism", ylabel="nβχ", xlim=(share[0], share[-1]))
    ax.legend()
    style.show(
        fig,
        "The response of the first mechanism's loss over its share of the data. To its own data it is negative, to the "
        "other's positive; neither is zero.",
    )


def show_kernel(kernel: xr.Dataset, groups: list[str], most: float = 1.0) -> None:
    """A loss kernel as a correlation matrix, rows grouped by mechanism; ``groups`` names each row's.

    ``most``: the correlation of the darkest colour.
    """
    value = kernel.value.values
    fig, ax = style.figure(height=4.0)
    fig.set_size_inches(6.4, 4.6) if len(value) > 32 else fig.set_size_inches(6.0, 4.0)
    image = ax.imshow(value, vmin=-most, vmax=most, cmap="RdBu_r")
    edges = [i for i in range(1, len(groups)) if groups[i] != groups[i - 1]]
    for edge in edges:
        ax.axhline(edge - 0.5, color="white", lw=2)
        ax.axvline(edge - 0.5, color="white", lw=2)
    ax.grid(False)
    middles = [(a + b - 1) / 2 for a, b in zip([0, *edges], [*edges, len(groups)], strict=True)]
    names = [groups[a] for a in [0, *edges]]
    long = len(names) > 2
    ax.set_xticks(middles, names, fontsize=8 if long else None, rotation=20 if long else 0)
    ax.set_yticks(middles, names, rotation=0 if long else 90, va="center", fontsize=8 if long else None)
    fig.colorbar(image, ax=ax, label="correlation of the losses")
    group = np.array(groups)
    off = np.where(np.eye(len(value), dtype=bool), np.nan, value)
    means = [
        f"{one} with {two}: {np.nanmean(off[np.ix_(group == one, group == two)]) + 0.0:.2f}"
        for i, one in enumerate(names)
        for two in names[: i + 1]
    ]
    more = f" Mean off the diagonal: {'; '.join(means)}." if long else ""
    style.show(fig, f"The loss kernel of {len(groups)} data points in {len(names)} groups, as correlations.{more}")


def show_data_sets(above: xr.DataArray) -> None:
    """χ of each head to each data set, less the bystander's line and in units of it: ``above`` (8 heads, 6 data sets).

    The standard errors are those of ``heads.against_the_line``.
    """
    values, (_, _, errors) = above.values, heads.against_the_line()
    fig, ax = style.figure(height=3.9)
    ax.imshow(squeezed(values), vmin=-4, vmax=4, cmap="RdBu_r", alpha=0.75, aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, style.estimate(value, errors[i, j]), ha="center", va="center", fontsize=9)
    ax.set_xticks(range(values.shape[1]), heads.DATA_SETS, fontsize=9.5)
    ax.set_yticks(range(len(values)), [f"head {name}" for name in heads.NAMES])
    ax.grid(False)
    ax.set_title("χ less the bystander's line, in lines")
    words = "; ".join(
        f"head {name}: " + ", ".join(f"{v:.1f}" for v in row) for name, row in zip(heads.NAMES, values, strict=True)
    )
    style.show(fig, f"Eight heads by six data sets ({'; '.join(heads.DATA_SETS)}). {words}.")


def show_against_cost(cost: np.ndarray, chi: xr.Dataset, lam: xr.DataArray, lam_error: xr.DataArray) -> None:
    """nβχ with its error, and λ̂ with its, of each head over what switching it off costs, ``cost`` (8,) in nats."""
    fig, axes = style.figure(1, 2, height=3.6)
    pairs = ((-chi.value, chi.std_error, "−nβχ to names seen before"), (lam, lam_error, "λ̂ on names seen before"))
    for ax, (value, error, title) in zip(axes, pairs, strict=True):
        ax.errorbar(cost, value, 2 * error, fmt="o", color=COLORS["posterior"], elinewidth=1.4)
        ax.set(title=title, xlabel="cost of switching the head off, nats", xlim=(-0.25, 3.2))
        ax.axhline(0, color=COLORS["reference"], lw=1)
    axes[0].set_yscale("symlog", linthresh=1e-3)
    axes[1].set(yscale="log", ylim=(0.03, 2))
    axes[1].set_yticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
    for ax, (value, _, _), lefts in zip(axes, pairs, (("1.0", "1.1"), ("0.2", "0.3", "1.0", "1.1")), strict=True):
        for name, x, y in zip(heads.NAMES, cost, value.values, strict=True):
            side = (-6, 2, "right") if name in lefts else (6, 2, "left")
            side = (0, -13, "center") if name == "0.3" else side
            ax.annotate(name, (x, y), xytext=side[:2], ha=side[2], textcoords="offset points", fontsize=9)
    words = "; ".join(
        f"{n}: {c:.2f}, {-r:.4f}, {v:.2f}"
        for n, c, r, v in zip(heads.NAMES, cost, chi.value.values, lam.values, strict=True)
    )
    style.show(fig, f"For each head its cost in nats, −nβχ and λ̂: {words}.")


def show_components(chi: np.ndarray) -> None:
    """The first two principal components over the tokens of ``chi`` (8 heads, tokens): by kind, and as loadings."""
    loadings, size, scores = models.components(chi)
    sign = np.sign(loadings.sum(0))
    loadings, scores = loadings * sign, scores * sign[:, None] * chi.shape[1] ** 0.5
    kinds = heads.kinds(*heads.sentences())[: len(chi[0]) // 64].ravel()
    share = size**2 / np.sum(size**2)
    fig, (left, right) = style.figure(1, 2, height=3.9, width_ratios=[1.25, 1])
    palette = ("loss", "muted", "theory", "singular", "posterior")
    for k in (1, 0, 2, 3, 4):
        at = kinds == k
        left.plot(*scores[:2, at], "o", markersize=2.6, color=COLORS[palette[k]], label=heads.DATA_SETS[k])
    left.set(xlabel=f"component 1 ({share[0]:.0%})", ylabel=f"component 2 ({share[1]:.0%})", title="letters")
    left.legend(fontsize=8.5, markerscale=2.5, loc="best")
    for k, name in ((0, "estimate"), (1, "singular")):
        right.bar(np.arange(8) + 0.4 * k - 0.2, loadings[:, k], 0.38, color=COLORS[name], label=f"component {k + 1}")
    right.set_xticks(range(8), heads.NAMES)
    right.set(title="heads", xlabel="head")
    right.legend(fontsize=9)
    middles = "; ".join(
        f"{heads.DATA_SETS[k]}: {scores[0, kinds == k].mean():.2f}, {scores[1, kinds == k].mean():.2f}"
        for k in range(5)
    )
    style.show(
        fig,
        f"Left: letters in the plane of the first two components, by kind; their mean places: {middles}. Right: the "
        "part of each head in the two.",
    )


def show_addition() -> None:
    """The kept kernels of lesson 09's networks: the mean correlation of two pairs, over the shift between them."""
    p, profiles = ADDITION["p"], asset("addition")["measured"].mean(1).astype(float)
    half = p // 2
    fig, axes = style.figure(1, 3, height=3.3, sharey=True)
    for ax, name, profile in zip(axes, addition.NETWORKS, profiles, strict=True):
        middle = np.roll(profile, (half, half), (0, 1))
        middle[half, half] = np.nan  # a pair with itself
        image = ax.imshow(middle.T, extent=(-half - 0.5, half + 0.5) * 2, origin="lower", cmap="viridis", vmin=0.01,
                          vmax=0.13)  # fmt: skip
        ax.set(title=name, xlabel="shift of a", xticks=(-10, 0, 10), yticks=(-10, 0, 10))
        ax.grid(False)
    axes[0].set_ylabel("shift of b")
    fig.colorbar(image, ax=axes, label="mean correlation")
    words = "; ".join(
        f"{name}: {number:.3f}, {total:.3f} and {difference:.3f}"
        for name, (number, total, difference, _) in zip(addition.NETWORKS, addition.shared()[0], strict=True)
    )
    style.show(
        fig,
        "Mean correlations of the losses of two pairs, by the shifts of a and b, for three networks. The cross is "
        "where one number is the same, a falling diagonal where a + b is, a rising one where a − b is. How far these "
        f"three lie above the rest: {words}.",
    )


def addition_table() -> style.table:
    """The same in numbers: how far above the rest, with errors, and exactly for a strong spring."""
    means, errors, exact = addition.shared()
    rows = [
        [name, *(f"{style.estimate(m, e)} ({limit:.3f})" for m, e, limit in zip(*numbers, strict=True))]
        for name, *numbers in zip(addition.NETWORKS, means, errors, exact, strict=True)
    ]
    return style.table(rows, ["the same", *addition.groups(ADDITION["p"])])
