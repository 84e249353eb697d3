"""The same task with the softmax and its cross-entropy, which has no minimum: why λ̂ falls there, for ``make.py``."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from sltcourse.lessons.modular_addition.models import explained, logits_on_all
from sltcourse.llc import estimate_llc
from sltcourse.zoo.addition import Task, make_task

AT = (250, 500, 1000, 1500, 2000, 3000)


class Embedded(nn.Module):
    """Logits U relu(V (E_a + E_b)), x the two one-hots: 32 numbers for each of the p, 128 neurons."""

    def __init__(self, p: int, seed: int = 0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        shapes = {"embedding": (32, p), "hidden": (128, 32), "out": (p, 128)}
        for name, (rows, columns) in shapes.items():
            setattr(self, name, nn.Parameter(torch.randn(rows, columns, generator=rng) / columns**0.5))
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, p) of inputs (n, 2p)."""
        both = x[:, : self.p] + x[:, self.p :]
        return torch.relu(both @ self.embedding.T @ self.hidden.T) @ self.out.T


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """The cross-entropy, its mean over the rows; targets are one-hot."""
    return nn.functional.cross_entropy(output, target)


def jobs(p: int = 31, share: float = 0.5) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The whole run as one job: error, accuracy, explained share and λ̂ at γ = 100 at the steps ``AT``."""
    yield "run", lambda: run(make_task(p, share), p)


def run(task: Task, p: int) -> list[dict[str, Any]]:
    """AdamW with weight decay 1 on the cross-entropy; rows over ``AT``."""
    model, kept, rows = Embedded(p), [], []
    adam = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1.0, betas=(0.9, 0.98))
    x, y = task.train
    for step in range(max(AT) + 1):
        loss = cross_entropy(model(x), y)
        if step in AT:
            kept.append({name: value.detach().clone() for name, value in model.state_dict().items()})
            right = task.accuracy(model)
            rows.append({"step": step, "loss": loss.item(), "test_right": right[1],
                         "explained": explained(logits_on_all(model, p))})  # fmt: skip
        adam.zero_grad()
        loss.backward()
        adam.step()
    found = estimate_llc(model, task.train, cross_entropy, at=kept, localization=100.0, num_chains=4, num_draws=800,
                         num_burnin_steps=500, batch_size=task.n)  # fmt: skip
    for row, one in zip(rows, found, strict=True):
        row |= {"llc": one.llc, "se": one.std_error, "rhat": one.rhat, "ess": one.ess, "word": one.verdict.word,
                "tilt": one.tilt, "nbeta": one.nbeta}  # fmt: skip
    return rows
