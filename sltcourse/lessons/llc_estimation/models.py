"""The models of lesson 07: volumes for the thermometer, and linear networks whose λ is known."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from sltcourse.theory.localized import Volume

# ---- the thermometer: from V(ε) to the mean loss ---------------------------------------------------------------------


VOLUMES = {
    "w⁴": Volume(0.25),
    "w₁² + w₂⁴": Volume(0.75),
    "w₁² + w₂² + w₃²": Volume(1.5),
    "w₁² w₂²": Volume(0.5, 2),
}


# ---- networks whose λ is known ---------------------------------------------------------------------------------------


def hessian(
    model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, loss: Callable[..., torch.Tensor]
) -> torch.Tensor:
    """The Hessian (d, d) of ``loss(model(inputs), targets)`` at the model's parameters, for small d."""
    names, values = zip(*((k, p.detach()) for k, p in model.named_parameters()), strict=True)

    def of_vector(w: torch.Tensor) -> torch.Tensor:
        parts = [part.view(v.shape) for part, v in zip(w.split([v.numel() for v in values]), values, strict=True)]
        return loss(torch.func.functional_call(model, dict(zip(names, parts, strict=True)), (inputs,)), targets)

    return torch.func.hessian(of_vector)(torch.cat([v.ravel() for v in values]))


def deepest_point(widths: Sequence[int], rank: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The layers of a linear network at a most singular parameter with a product of rank ``rank``.

    ``widths`` (H_1, …, H_{L+1}); the l-th layer is Q_{l+1} diag(1, …, 1, 0, …, 0) Q_lᵀ with ``rank`` ones and random
    orthogonal Q, shape (H_{l+1}, H_l). There K is, in suitable coordinates, a sum of r(H_1 + H_{L+1}) − r² squares and
    the loss of a network of widths H_i − r at the origin, so that the local λ is the global one (Aoyagi 2024).
    """
    frames = [np.linalg.qr(rng.normal(size=(width, width)))[0][:, :rank] for width in widths]
    return [out @ into.T for into, out in pairwise(frames)]


def linear_loss(
    layers: Sequence[np.ndarray], dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
    """(f, w*): the loss f(w) = ½ ‖W_L ⋯ W_1 − A‖², A the product of ``layers``, and their entries as a vector.

    f is E over x ~ N(0, 1) of the regression loss ½ |W_L ⋯ W_1 x − A x|², the mean over x taken exactly. A and w*
    have ``dtype`` and live on ``device``.
    """
    target = torch.tensor(multiply(layers), dtype=dtype, device=device)
    shapes = [layer.shape for layer in layers]
    sizes = [layer.size for layer in layers]

    def loss(w: torch.Tensor) -> torch.Tensor:
        product = multiply([part.view(shape) for part, shape in zip(w.split(sizes), shapes, strict=True)])
        return 0.5 * (product - target.to(w.dtype)).square().sum()

    return loss, torch.tensor(np.concatenate([layer.ravel() for layer in layers]), dtype=dtype, device=device)


def multiply(layers: Sequence[Any]) -> Any:
    """W_L ⋯ W_1 of the list (W_1, …, W_L)."""
    return reduce(lambda product, layer: layer @ product, layers)
