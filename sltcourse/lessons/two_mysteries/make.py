"""Remakes the lesson's asset: ``python -m sltcourse.lessons.two_mysteries.make network``, about a minute."""

import sys

import numpy as np

from sltcourse.kit import assets
from sltcourse.lessons.two_mysteries.models import Adder, P
from sltcourse.progress import progress


def train_adder(steps: int = 6000, seed: int = 0, p: int = P, share: float = 0.8) -> Adder:
    """Train the network on a share of the p² pairs: AdamW on the whole batch. Returns an Adder.

    The learning rate is constant for half of the steps and then falls to 0.
    """
    import torch

    rng = np.random.default_rng(seed)
    shapes = ((p, 32), (32, 256), (256, p))
    E, W, U = (
        torch.tensor(rng.normal(size=s) / np.sqrt(s[k]), dtype=torch.float32, requires_grad=True)
        for s, k in zip(shapes, (1, 0, 0), strict=True)
    )
    pairs = rng.permutation(p * p)[: int(share * p * p)]
    a, b = (torch.tensor(v) for v in np.divmod(pairs, p))
    optimizer = torch.optim.AdamW([E, W, U], lr=0.003, weight_decay=1.5, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2 - 2 * step / steps))
    for _ in progress(range(steps), "training the network"):
        logits = torch.relu((E[a] + E[b]) @ W) @ U
        loss = torch.nn.functional.cross_entropy(logits, (a + b) % p)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    seen = np.isin(np.arange(p * p), pairs).reshape(p, p)
    return Adder(E.detach().numpy(), W.detach().numpy(), U.detach().numpy(), seen)


def main(arguments: list[str]) -> None:
    """``python -m sltcourse.lessons.two_mysteries.make network`` trains the network and keeps its weights."""
    if arguments != ["network"]:
        sys.exit("usage: python -m sltcourse.lessons.two_mysteries.make network")
    adder, name = train_adder(), "two_mysteries/network.npz"
    file = assets.folder() / name
    file.parent.mkdir(exist_ok=True)
    weights = {k: getattr(adder, k).astype(np.float32) for k in ("E", "W", "U")}
    np.savez_compressed(file, **weights, seen=adder.seen)
    assets.record(name, "python -m sltcourse.lessons.two_mysteries.make network", "cpu")


if __name__ == "__main__":
    main(sys.argv[1:])
