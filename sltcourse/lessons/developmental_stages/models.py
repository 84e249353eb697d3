"""In-context linear regression, and a little language of Python sources: the worlds of lesson 10 beside the zoo's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sltcourse.lessons.developmental_stages import ours
from sltcourse.lessons.developmental_stages.kept import PYTHON_STEPS
from sltcourse.llc.importance import effective
from sltcourse.zoo import LANGUAGE, AttentionLayer, AttentionOnly

# ---- in-context linear regression ------------------------------------------------------------------------------------

SIZE, PAIRS, NOISE = 2, 8, 0.125  # D, K and the noise's variance σ²
ALL = 0  # stands for infinitely many tasks: each is drawn anew from N(0, 1)
DIVERSITIES = (1, 2, 4, 8, 16, 32, 64, 128, ALL)


def tasks(diversity: int, seed: int = 0) -> np.ndarray:
    """(diversity, D): the first so many of one list of tasks, each a draw from N(0, 1)."""
    return np.random.default_rng(seed).normal(size=(max(DIVERSITIES), SIZE))[:diversity]


def examples(count: int, diversity: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(x, y), (count, K, D) and (count, K): y = t·x + noise of variance σ², one task t for each row."""
    if diversity == ALL:
        t = rng.normal(size=(count, SIZE))
    else:
        t = tasks(diversity)[rng.integers(diversity, size=count)]
    x = rng.normal(size=(count, PAIRS, SIZE))
    return x, np.einsum("nkd,nd->nk", x, t) + NOISE**0.5 * rng.normal(size=(count, PAIRS))


def probe() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """200 rows of new tasks, on which trained networks are measured: x (n, K, D), y (n, K), what ridge says (n, K)."""
    x, y = examples(200, ALL, np.random.default_rng(5))
    return x, y, ours.along(ours.ridge, x, y, NOISE)


def between_rules() -> np.ndarray:
    """The mean squared distance of dMMSE from ridge on ``probe``, for each M of ``DIVERSITIES`` but the last."""
    x, y, ridge = probe()
    return np.array([((ours.along(ours.dmmse, x, y, NOISE, tasks(m)) - ridge) ** 2).mean() for m in DIVERSITIES[:-1]])


class Regressor(nn.Module):
    """Reads pairs, says the next y: tokens [x_k, x_{k−1}, y_{k−1}], two layers of attention and MLP, 17 000 weights."""

    def __init__(self, width: int = 32, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.read = nn.Linear(2 * SIZE + 1, width)
        self.layers = nn.ModuleList(AttentionLayer(width, heads, PAIRS) for _ in range(layers))
        self.mlps = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(layers)
        )
        self.say = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, K): what is expected at each x_k after the pairs before it. ``x`` (n, K, D), ``y`` (n, K)."""
        before = torch.cat([x, y[..., None]], -1)[:, :-1]
        before = torch.cat([torch.zeros_like(before[:, :1]), before], 1)
        stream = self.read(torch.cat([x, before], -1))
        for layer, mlp in zip(self.layers, self.mlps, strict=True):
            stream = layer(stream)
            stream = stream + mlp(stream)
        return self.say(stream)[..., 0]


def new_regressor(seed: int = 0) -> Regressor:
    """An untrained network."""
    torch.manual_seed(seed)
    return Regressor()


def train_regressor(
    model: Regressor, diversity: int, steps: range, look: Callable[[int], None] | None = None, lr: float = 3e-3
) -> Regressor:
    """Adam on the squared error, batches of 128 rows drawn anew, in place; ``look(step)`` before each step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    rng = np.random.default_rng([diversity, steps.start])
    for step in steps:
        if look:
            look(step)
        for group in optimizer.param_groups:  # up over 50 steps, down over the last fifth
            left = (steps.stop - step) / max(1, len(steps) // 5)
            group["lr"] = lr * min(1.0, (step - steps.start + 1) / 50, left)
        x, y = (torch.from_numpy(a).float() for a in examples(128, diversity, rng))
        optimizer.zero_grad()
        (model(x, y) - y).square().mean().backward()
        optimizer.step()
    return model


def squared_error(says: Tensor, y: Tensor) -> Tensor:
    """The mean squared error over rows and places."""
    return (says - y).square().mean()


# ---- one head alone --------------------------------------------------------------------------------------------------

KINDS = ("after a small letter", "after a new name", "after a name seen before")


def head_draws(
    model: AttentionOnly, head: tuple[int, int], data: tuple[Tensor, Tensor], spring: float, draws: int, seed: int = 0
) -> np.ndarray:
    """(2, 1 + draws, 4): mean losses on all places and on each of ``KINDS``, at w* first, then at draws; and how far
    the slope at w* alone has moved each of them, ∇L(w*)·(w − w*).

    The draws are w* + N(0, 1/γ) on the weights of one head (layer, number), γ = ``spring``, the others at w*:
    independent, so that a mean over the posterior at any nβ, and of any of the four losses, is a weighted mean.
    """
    read, said = data
    kind = torch.from_numpy(LANGUAGE.kinds(torch.cat([read, said[:, -1:]], 1).numpy()))
    share = torch.stack([torch.ones_like(kind), *(kind == k for k in range(3))]).flatten(1).float()
    share /= share.sum(1, keepdim=True)
    generator = torch.Generator().manual_seed(seed)
    at, mask = dict(model.named_parameters()), model.head_mask(*head)

    def losses(moved: dict[str, Tensor]) -> Tensor:
        logits = torch.func.functional_call(model, moved, (read,))
        return share @ nn.functional.cross_entropy(logits.flatten(0, 1), said.flatten(), reduction="none")

    mine = {name: at[name].detach().clone().requires_grad_() for name in mask}
    first = losses(mine)
    slopes = [torch.autograd.grad(first[k], list(mine.values()), retain_graph=True) for k in range(4)]
    found = [torch.stack([first.detach(), torch.zeros(4)])]
    with torch.no_grad():
        for _ in range(draws):
            away = [m * torch.randn(m.shape, generator=generator) / spring**0.5 for m in mask.values()]
            tilt = [sum((g * a).sum() for g, a in zip(slope, away, strict=True)) for slope in slopes]
            moved = {name: w.detach() + a for (name, w), a in zip(mine.items(), away, strict=True)}
            found.append(torch.stack([losses(moved), torch.stack(tilt)]))
    return torch.stack(found, 1).double().numpy()


def weighted_llc(
    drawn: np.ndarray, nbeta: float, of: int = 0
) -> tuple[tuple[float, float], tuple[float, float], float]:
    """((λ̂, its error), (λ̂ − tilt, its error), the effective number of draws) from ``head_draws``, column ``of``.

    λ̂ = nβ(E[L] − L(w*)) and tilt = nβ ∇L(w*)·E[w − w*]; E is the mean weighted by exp(−nβ L) (self-normalised,
    Hesterberg 1995). The errors are standard errors.
    """
    heat = nbeta * (drawn[0, 1:, of] - drawn[0, 0, of])
    weight = np.exp(heat.min() - heat)
    weight /= weight.sum()

    def mean(values: np.ndarray) -> tuple[float, float]:
        value = weight @ values
        return float(value), float(np.sqrt((weight**2) @ (values - value) ** 2))

    return mean(heat), mean(heat - nbeta * drawn[1, 1:, of]), effective(-heat)


# ---- Python sources --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """How large a reader of the Python sources is, and how it is trained."""

    width: int = 64
    heads: int = 4
    context: int = 128
    batch: int = 16  # windows of a training step
    tests: int = 64  # windows on which it is measured
    steps: tuple[int, ...] = PYTHON_STEPS  # at which it is measured; the last is the end


KEPT = Size()  # that of the lesson
LARGER = Size(256, 8, 512, 32, 32, (0, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000, 3000, 5000, 7500, 10_000))
REHEARSAL = Size(32, 4, 32, 4, 4, (0, 50, 150))  # the same code in seconds


def new_reader(size: Size = KEPT, seed: int = 0) -> AttentionOnly:
    """An untrained network for the Python sources: vocabulary 512, two layers."""
    torch.manual_seed(seed)
    return AttentionOnly(512, width=size.width, heads=size.heads, layers=2, context=size.context)


def windows(tokens: np.ndarray, count: int, rng: np.random.Generator, context: int = KEPT.context) -> np.ndarray:
    """(count, context + 1) stretches of a row of tokens, from anywhere."""
    start = rng.integers(len(tokens) - context - 1, size=count)
    return tokens[start[:, None] + np.arange(context + 1)].astype(np.int64)


def ngram_tables(tokens: np.ndarray, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """(unigram (V,), bigram (V, V)): chances counted on a row of tokens.

    A pair's chance is (count + unigram chance) / (count of the first + 1), so that none is zero.
    """
    single = np.bincount(tokens, minlength=vocabulary) + 1e-3
    single = single / single.sum()
    pairs = np.bincount(tokens[:-1].astype(np.int64) * vocabulary + tokens[1:], minlength=vocabulary**2)
    pairs = pairs.reshape(vocabulary, vocabulary)
    return single, (pairs + single) / (pairs.sum(1, keepdims=True) + 1)


def trigram_loss(tokens: np.ndarray, test: np.ndarray, bigram: np.ndarray) -> float:
    """Mean loss in nats, on windows ``test`` (n, length), of triples counted on ``tokens`` with the pairs behind them.

    A triple's chance is (count + 2·pair's chance) / (count of its first two + 2).
    """
    size = len(bigram)
    a, b, c = (tokens[i : len(tokens) - 2 + i].astype(np.int64) for i in range(3))
    keys, counts = np.unique((a * size + b) * size + c, return_counts=True)
    firsts = np.bincount(a * size + b, minlength=size**2)
    x, y, z = test[:, :-2], test[:, 1:-1], test[:, 2:]
    wanted = (x * size + y) * size + z
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    count = np.where(keys[place] == wanted, counts[place], 0)
    return float(-np.log((count + 2 * bigram[y, z]) / (firsts[x * size + y] + 2)).mean())
