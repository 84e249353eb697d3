"""What the learner writes in lesson 09, as we would write it: training, spectrum, ablation, trace and rank."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sltcourse.lessons.modular_addition import curvature, models
from sltcourse.zoo.addition import Quadratic, adam_for

Floats = NDArray[np.floating]

spectrum, rule_part, gaussian_llc = models.spectrum, models.rule_part, curvature.gaussian_llc


def train(
    model: Quadratic, x: Tensor, y: Tensor, decay: float, steps: int, watch: Callable[[int], object] = lambda step: None
) -> Floats:
    """Train ``model`` in place on all rows of x (n, 2p) and y (n, p); the squared error before each step, (steps,).

    Adam goes down the squared error plus decay/2 ‖w‖²; ``watch(step)`` is called before each step.
    """
    adam, schedule = adam_for(model, steps)
    errors = []
    for step in range(steps):
        watch(step)
        error = (model(x) - y).square().sum(1).mean()
        penalty = decay / 2 * sum(w.square().sum() for w in model.parameters())
        adam.zero_grad()
        (error + penalty).backward()
        adam.step()
        schedule.step()
        errors.append(error.item())
    return np.array(errors)


def rank(model: Quadratic, x: Tensor) -> int:
    """The rank of ∂f/∂w of all n·p outputs at the inputs x (n, 2p): at zero error, that of the Hessian."""

    def outputs(first: Tensor, second: Tensor) -> Tensor:
        return ((x @ first.T).square() @ second.T).ravel()

    weights = model.first.detach(), model.second.detach()
    by_first, by_second = torch.func.jacrev(outputs, argnums=(0, 1))(*weights)
    return int(torch.linalg.matrix_rank(torch.cat([by_first.flatten(1), by_second.flatten(1)], 1)))
