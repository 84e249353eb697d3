"""In-context linear regression, and a little language of Python sources: the worlds of lesson 10 beside the zoo's."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from sltcourse.zoo import AttentionLayer, AttentionOnly

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


# ---- Python sources --------------------------------------------------------------------------------------------------

PYTHON_CONTEXT = 128


def new_reader(seed: int = 0) -> AttentionOnly:
    """An untrained network for the Python sources: vocabulary 512, width 64, 2 layers of 4 heads."""
    torch.manual_seed(seed)
    return AttentionOnly(512, width=64, heads=4, layers=2, context=PYTHON_CONTEXT)


def windows(tokens: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, context + 1) stretches of a row of tokens, from anywhere."""
    start = rng.integers(len(tokens) - PYTHON_CONTEXT - 1, size=count)
    return tokens[start[:, None] + np.arange(PYTHON_CONTEXT + 1)].astype(np.int64)


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
