"""Whether a gradient is the slope of its loss: behind a detach, a rounding or a straight-through estimator it is not.

A sampler that follows another gradient samples another posterior, and neither R-hat nor equipartition can tell.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from sltcourse.llc.objective import Objective

ROWS = 64  # rows on which the loss is looked at
BYTES = 2**26  # and no more than this of what a pass keeps
CHAINS = 8  # of all w* together, but two of each at least
FARTHER = 2  # times where a chain is: a few chains that happen to be near w* see little
SMALL = 0.02  # an error that needs no smaller step
STEPS = 0.1, 0.03, 0.01  # shares of w − w*, to both sides
ROUNDING = 200  # a difference of losses must be so many times their rounding


@torch.inference_mode(False)
def slope_error(objective: "Objective", w: np.ndarray, point: int) -> float:
    """How far the loss changes otherwise than its gradient says, along w − w*: 0 where they agree, 1 at most or so.

    ``w`` (chains, d): places of chains around w* number ``point``. The changes by central differences, of which the
    step that agrees best counts, are summed over the chains, as kinks (ReLU) cancel and a bias does not. 0 too where
    they drown in rounding, where the model computes in half precision, or cannot be computed so far from w*.
    """
    try:
        return 0.0 if objective.native else _slope_error(objective, w, point)
    except (OSError, ValueError, RuntimeError, MemoryError):  # the draws are there, and are not lost for this
        return 0.0


def _slope_error(objective: "Objective", w: np.ndarray, point: int) -> float:
    """``slope_error``; raises what the model raises."""
    rows, center = objective.rows, objective.centers[point]
    batch: tuple[Tensor, ...] = ()
    if rows is not None:
        n = rows.num_samples
        few = max(1, min(ROWS, n, BYTES // max(1, objective.bytes_per_row)))
        batch = rows.take(torch.arange(few) * n // few)
    places = w[np.isfinite(w).all(1)][: max(2, CHAINS // objective.num_points)]  # on the device one at a time

    def away(place: np.ndarray) -> Tensor:
        return FARTHER * (torch.as_tensor(place).to(center) - center)

    def change(d: Tensor, step: float) -> float:
        up, down = (objective.plain(center + (1 + s) * d, point, batch, False)[0].item() for s in (step, -step))
        return (up - down) / (2 * step)

    said, size = np.zeros(len(places)), 0.0
    for k, d in enumerate(map(away, places)):
        loss, grad = objective.plain(center + d, point, batch)
        assert grad is not None  # it was asked for
        said[k], size = float(grad.cpu().double() @ d.cpu().double()), size + abs(loss.item())
    rounding = ROUNDING * torch.finfo(objective.dtype).eps * size
    found: list[float] = []
    for step in STEPS:
        seen = np.array([change(d, step) for d in map(away, places)])
        most = float(np.maximum(np.abs(seen), np.abs(said)).sum())
        if most * 2 * step > rounding:
            found.append(abs(float(seen.sum() - said.sum())) / most)
        if not found or found[-1] < SMALL:
            break
    return min(found, default=0.0)
