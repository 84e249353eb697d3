"""The static pictures of lesson 11."""

import numpy as np
import xarray as xr

from sltcourse.kit import style
from sltcourse.lessons.susceptibilities.figures import draw_points

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


def show_kernel(kernel: xr.Dataset, groups: list[str]) -> None:
    """A loss kernel as a correlation matrix, rows grouped by mechanism; ``groups`` names each row's."""
    value = kernel.value.values
    fig, ax = style.figure(height=4.0)
    fig.set_size_inches(6.0, 4.0)
    image = ax.imshow(value, vmin=-1, vmax=1, cmap="RdBu_r")
    edges = [i for i in range(1, len(groups)) if groups[i] != groups[i - 1]]
    for edge in edges:
        ax.axhline(edge - 0.5, color="white", lw=2)
        ax.axvline(edge - 0.5, color="white", lw=2)
    ax.grid(False)
    middles = [(a + b - 1) / 2 for a, b in zip([0, *edges], [*edges, len(groups)], strict=True)]
    names = [groups[a] for a in [0, *edges]]
    ax.set_xticks(middles, names)
    ax.set_yticks(middles, names, rotation=90, va="center")
    fig.colorbar(image, ax=ax, label="correlation of the losses")
    style.show(fig, f"The loss kernel of {len(groups)} data points in {len(names)} groups, as correlations.")
