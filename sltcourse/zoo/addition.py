"""Addition mod p: f(x) = W₂ (W₁ x)² on pairs of one-hots, trained (lesson 09), and constructed to add exactly."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SHARES = {17: 0.5, 23: 0.5, 31: 0.4}  # the share of the pairs that is trained on, for each prime of the lesson


class Quadratic(nn.Module):
    """f(x) = W₂ (W₁ x)², squared entry by entry: ``first`` is W₁ (width, 2p), ``second`` is W₂ (p, width); no bias."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(first), nn.Parameter(second)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, p) of inputs (n, 2p)."""
        return (x @ self.first.T).square() @ self.second.T


def width_of(p: int) -> int:
    """The width of the trained networks, 4p + 4."""
    return 4 * p + 4


def random_network(p: int, width: int | None = None, seed: int = 0, scale: float = 0.1) -> Quadratic:
    """A network before training: entries from N(0, ``scale``²), reproducible by ``seed``."""
    width = width_of(p) if width is None else width
    rng = torch.Generator().manual_seed(seed)
    first = scale * torch.randn(width, 2 * p, generator=rng)
    return Quadratic(first, scale * torch.randn(p, width, generator=rng))


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """The squared error, summed over the classes, its mean over the rows."""
    return (output - target).square().sum(1).mean()


@dataclass(frozen=True)
class Task:
    """The pairs (a, b) of Z_p in a random order: the first ``n`` train, the others test.

    ``x`` (p², 2p), the two one-hots side by side; ``y`` (p², p), one-hot of the label; ``labels`` (p²,).
    """

    p: int
    n: int
    x: Tensor
    y: Tensor
    labels: Tensor

    @property
    def train(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets that are trained on."""
        return self.x[: self.n], self.y[: self.n]

    @property
    def test(self) -> tuple[Tensor, Tensor]:
        """The pairs that are held back."""
        return self.x[self.n :], self.y[self.n :]

    def accuracy(self, model: nn.Module) -> tuple[float, float]:
        """The shares of right answers, on the training pairs and on the others."""
        with torch.no_grad():
            right = (model(self.x).argmax(1) == self.labels).float()
        return right[: self.n].mean().item(), right[self.n :].mean().item()


def make_task(
    p: int,
    share: float = 0.5,
    seed: int = 0,
    rule: Callable[[Tensor, Tensor], Tensor] | None = None,
    random_labels: bool = False,
) -> Task:
    """The task a + b mod p with ``share`` of the p² pairs to train on; ``random_labels``: the answers shuffled.

    ``rule``: another function of two tensors (p²,) of whole numbers 0 … p − 1, taken mod p.

    Raises ValueError for a p that is no odd prime, and for a share that is not between 0 and 1.
    """
    if p < 3 or any(p % k == 0 for k in range(2, int(p**0.5) + 1)):
        raise ValueError(f"p is {p}: give an odd prime, 5 or 31, say.")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}: it is the part of the pairs to train on, between 0 and 1.")
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(p * p, generator=rng)
    a, b = order // p, order % p
    labels = ((a + b) if rule is None else rule(a, b)) % p
    if random_labels:
        labels = labels[torch.randperm(p * p, generator=rng)]
    one_hot = torch.eye(p)
    return Task(p, int(share * p * p), torch.cat([one_hot[a], one_hot[b]], 1), one_hot[labels], labels)


# ---- training --------------------------------------------------------------------------------------------------------


def adam_for(
    model: nn.Module, steps: int, rate: float = 5e-3
) -> tuple[torch.optim.Adam, torch.optim.lr_scheduler.LambdaLR]:
    """(Adam for all weights of ``model``, its schedule): over the last fifth of ``steps`` the rate falls to 0."""
    adam = torch.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.98))
    return adam, torch.optim.lr_scheduler.LambdaLR(adam, lambda k: min(1.0, (steps - k) / (0.2 * steps)))


def trained(model: nn.Module, task: Task, decay: float = 3e-4, steps: int = 4000, rate: float = 5e-3) -> Iterator[int]:
    """Train ``model`` in place; yields the number of steps done, from 0 to ``steps``, before each step and at the end.

    Adam on all training pairs, on the squared error plus decay/2 ‖w‖².
    """
    x, y = task.train
    adam, schedule = adam_for(model, steps, rate)
    for step in range(steps):
        yield step
        penalty = decay / 2 * sum(w.square().sum() for w in model.parameters())
        adam.zero_grad()
        (squared_error(model(x), y) + penalty).backward()
        adam.step()
        schedule.step()
    yield steps


def polished(model: Quadratic, task: Task, steps: int = 3000) -> Quadratic:
    """A copy trained on without weight decay, until the training error is next to nothing."""
    copy = Quadratic(model.first.detach().clone(), model.second.detach().clone())
    for _ in trained(copy, task, decay=0.0, steps=steps, rate=2e-3):
        pass
    return copy


def states(p: int, decay: float, task: Task, at: tuple[int, ...], seed: int = 0) -> dict[int, Quadratic]:
    """Copies of the network along its training of 4000 steps, by step, at the steps ``at``."""
    model, copies = random_network(p, seed=seed), {}
    for step in trained(model, task, decay):
        if step in at:
            copies[step] = Quadratic(model.first.detach().clone(), model.second.detach().clone())
    return copies


def two_solutions(p: int, decay: float = 3e-4) -> tuple[Task, Quadratic, Quadratic]:
    """(task, memorising, generalising): step 200 and the end of one run, both polished to next to no error.

    p is one of ``SHARES``. It takes 10 seconds of one CPU core at p = 23.
    """
    task = make_task(p, SHARES[p])
    path = states(p, decay, task, at=(200, 4000))
    return task, polished(path[200], task), polished(path[4000], task)


# ---- the rule, written down ------------------------------------------------------------------------------------------


def exact_adder(p: int, identity: str = "products") -> Quadratic:
    """A network of width 3p − 2 that adds exactly, in float64: six neurons for each frequency, and a constant one.

    One-hot(c = a + b) is 1/p + 2/p Σ_k cos(2πk(a + b − c)/p), k from 1 to (p − 1)/2. With x, y = 2πka/p + φ,
    2πkb/p + φ the six neurons make cos(x + y), for three angles φ, by one of two identities:

    "products"  (cos x + cos y)² − (cos x − cos y)² = 2 cos(x + y) + 2 cos(x − y), and the three φ cancel cos(x − y)
    "squares"   (cos x + cos y)² + (sin x − sin y)² = 2 + 2 cos(x + y)

    Both give the same function with the same norm. Raises ValueError for another identity.
    """
    if identity not in ("products", "squares"):
        raise ValueError(f'identity is {identity!r}; it must be "products" or "squares".')
    number = 2 * torch.pi * torch.arange(p, dtype=torch.float64) / p
    first, second = [torch.full((2 * p,), 0.5, dtype=torch.float64)], [torch.full((p,), 1 / p, dtype=torch.float64)]
    for k, third in itertools.product(range(1, (p + 1) // 2), range(3)):
        phi = torch.pi * third / 3
        cos, sin = torch.cos(k * number + phi), torch.sin(k * number + phi)
        weights = 2 / (3 * p) * torch.cos(k * number + 2 * phi)
        first.append(torch.cat([cos, cos]))
        first.append(torch.cat([cos, -cos] if identity == "products" else [sin, -sin]))
        second += [weights, -weights if identity == "products" else weights]
    return Quadratic(torch.stack(first), torch.stack(second, 1))


def balanced(model: Quadratic) -> Quadratic:
    """The same function with the smallest norm that scaling its neurons allows: rows of W₁ by s, columns of W₂ by 1/s².

    Where s⁶ = 2 ‖column‖²/‖row‖²; weight decay seeks this, too. Neurons whose row or column is 0 are left alone.
    """
    first, second = model.first.detach(), model.second.detach()
    rows, columns = first.square().sum(1), second.square().sum(0)
    scale = torch.where((rows > 0) & (columns > 0), (2 * columns / rows) ** (1 / 6), torch.ones_like(rows))
    return Quadratic(scale[:, None] * first, second / scale**2)
