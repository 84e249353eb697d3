"""The models of the benchmark, with their data and losses; also what `make gpu` runs."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]


class ToyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.W, self.b = nn.Parameter(torch.randn(2, 6)), nn.Parameter(torch.zeros(6))

    def forward(self, x):
        return torch.relu(x @ self.W.T @ self.W + self.b)


def toy():
    n = 5000
    x = torch.zeros(n, 6)
    x[torch.arange(n), torch.randint(6, (n,))] = torch.rand(n)
    return ToyModel(), x, x


def linear_network():
    """Three layers of 58 × 58: 10 092 parameters."""
    model = nn.Sequential(*[nn.Linear(58, 58, bias=False) for _ in range(3)])
    x = torch.rand(5000, 58)
    return model, x, model(x).detach()


def perceptron():
    """100-256-256-10 with ReLU: 94 218 parameters."""
    model = nn.Sequential(nn.Linear(100, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    x = torch.randn(5000, 100)
    return model, x, model(x).detach()


def digits():
    """64-32-10 with ReLU on the 1797 digits of 8 × 8 pixels: 2 410 parameters."""
    images, y = _images()
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), images.flatten(1), y


def convolutional():
    """Two convolutions, of 8 and 16 channels, and a layer of 10 on the same digits: 1 898 parameters."""
    images, y = _images()
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
                          nn.Linear(64, 10))  # fmt: skip
    return model, images[:, None], y


def _images():
    data = np.load(ROOT / "assets" / "llc_estimation" / "digits.npz")
    return torch.tensor(data["images"], dtype=torch.float32) / 16, torch.tensor(data["labels"], dtype=torch.long)


WORDS, WIDTH, HEADS, LENGTH = 100, 64, 4, 32


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, h):
        rows = len(h)
        heads = (x.view(rows, LENGTH, HEADS, -1).transpose(1, 2) for x in self.qkv(self.before(h)).split(WIDTH, 2))
        seen = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
        h = h + self.out(seen.transpose(1, 2).reshape(rows, LENGTH, WIDTH))
        return h + self.mlp(self.after(h))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(WORDS, WIDTH), nn.Parameter(0.02 * torch.randn(LENGTH, WIDTH))
        self.blocks, self.last = nn.Sequential(Block(), Block()), nn.LayerNorm(WIDTH)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, x):
        return self.last(self.blocks(self.tokens(x) + self.places)) @ self.tokens.weight.T


def transformer():
    """Two layers on 400 sequences of 32 tokens, output and input tied: 108 544 parameters."""
    x = torch.randint(WORDS, (400, LENGTH))
    return Transformer().eval(), x, 3 * x % WORDS


def wide():
    """3000-3000-300 with ReLU, for a GPU: 9.9 million parameters."""
    model = nn.Sequential(nn.Linear(3000, 3000, bias=False), nn.ReLU(), nn.Linear(3000, 300, bias=False))
    x = torch.randn(2000, 3000)
    return model, x, torch.randn(2000, 300)


def squared(outputs, targets):
    return (outputs - targets).square().sum(-1).mean()


def cross_entropy(outputs, targets):
    return nn.functional.cross_entropy(outputs.flatten(0, -2), targets.flatten())
