"""Losses with known answers, shared by the tests of sltcourse.llc and its benchmark."""

import math
from itertools import pairwise

import numpy as np
import torch

KGON = {4: (1.0, 0.0), 5: (1.17046, -0.28230), 6: (1.32053, -0.61814)}  # l*, b* (Chen et al. 2023, arXiv:2310.06301)


class ToyModel(torch.nn.Module):
    """f(x) = ReLU(WᵀWx + b), the toy model of superposition."""

    def __init__(self, weight, bias):
        super().__init__()
        self.W, self.b = torch.nn.Parameter(weight.clone()), torch.nn.Parameter(bias.clone())

    def forward(self, x):
        return torch.relu(x @ self.W.T @ self.W + self.b)


class UntiedToyModel(torch.nn.Module):
    """The same, with decoder and (transposed) encoder as two Parameters on one storage."""

    def __init__(self, weight, bias):
        super().__init__()
        self.decoder = torch.nn.Parameter(weight.clone())
        self.encoder = torch.nn.Parameter(self.decoder.data.T)
        self.b = torch.nn.Parameter(bias.clone())

    def forward(self, x):
        return torch.relu(x @ self.encoder @ self.decoder + self.b)


def kgon(k, plus=0, features=6, dead_bias=-2.0):
    """W (2, features) and b of the k-gon with ``plus`` columns of positive bias; the other columns are dead."""
    length, bias = KGON[k]
    angle = 2 * math.pi * torch.arange(k) / k
    weight = torch.zeros(2, features)
    weight[:, :k] = length * torch.stack([angle.cos(), angle.sin()])
    b = torch.full((features,), dead_bias)
    b[:k], b[k : k + plus] = bias, 1 / (2 * features)
    return weight, b


def toy_data(n, features=6, seed=0):
    """x = μ e_i, i uniform, μ ~ U[0, 1]."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, features), dtype=np.float32)
    x[np.arange(n), rng.integers(0, features, n)] = rng.uniform(size=n)
    return torch.from_numpy(x)


def summed_square(outputs, inputs):
    """The squared error, summed over features, mean over the batch."""
    return (outputs - inputs).square().sum(-1).mean()


def toy_population_loss(w, features=6):
    """E‖x − f(x)‖² in closed form, for w = (W, b) flattened."""
    weight, b = w[: 2 * features].view(2, features), w[2 * features :]
    gram = weight.T @ weight  # a = gram[j, i] and b_j: output j on input μ e_i
    b = b[:, None].expand(features, features)
    end, start = (gram + b).relu(), b.relu()
    both = (end > 0) & (start > 0)
    a = torch.where(both | (gram == 0), 1.0, gram)
    square = torch.where(both, (end**2 + end * start + start**2) / 3, (end**3 - start**3) / (3 * a))
    corner = b**3 / (6 * a**2)
    cross = torch.where(
        both,
        gram / 3 + b / 2,
        torch.where(end > 0, gram / 3 + b / 2 - corner, torch.where(start > 0, corner, 0.0)),
    )
    return (features / 3 - 2 * cross.diagonal().sum() + square.sum()) / features


def linear_network_loss(widths, target):
    """‖W_L ⋯ W_1 − A‖² for w = (W_1, …, W_L) flattened: the population loss for inputs of unit covariance."""
    shapes = [(out, into) for into, out in pairwise(widths)]

    def loss(w):
        product = None
        for piece, shape in zip(w.split([a * b for a, b in shapes]), shapes, strict=True):
            layer = piece.view(shape)
            product = layer if product is None else layer @ product
        return (product - target).square().sum()

    return loss


def linear_network_excess(inputs, outputs, nbeta, localization, points=2000):
    """The exact nβ E[L] of two layers with two hidden units and A = 0 under exp(−nβL − γ/2‖w‖²), w* = 0.

    Given W_1, the rows of W_2 are normal with the precision γ + 2nβ W_1 W_1ᵀ. What is left are the two eigenvalues s, t
    of W_1 W_1ᵀ, whose density is (st)^((inputs − 3)/2) |s − t| exp(−γ(s + t)/2) (Wishart).
    """
    edges = torch.logspace(-14, math.log10(60), points + 1, dtype=torch.float64) / localization
    middle, cell = (edges[1:] + edges[:-1]) / 2, edges.diff()
    s, t = torch.meshgrid(middle, middle, indexing="ij")
    log_weight = (inputs - 3) / 2 * (s * t).log() - localization * (s + t) / 2
    log_weight -= outputs / 2 * ((localization + 2 * nbeta * s).log() + (localization + 2 * nbeta * t).log())
    weight = (log_weight - log_weight.max()).exp() * (s - t).abs() * cell[:, None] * cell
    heat = outputs * sum(nbeta * e / (localization + 2 * nbeta * e) for e in (s, t))
    return ((heat * weight).sum() / weight.sum()).item()


def expected_excess(potential, nbeta, localization, center=(0.0, 0.0), width=None, points=1201):
    """The exact nβ(E[L] − L(w*)) of a loss of two variables under exp(−nβL − γ/2‖w − w*‖²), by quadrature."""
    width = width or 8 / math.sqrt(localization)
    t = torch.linspace(-1, 1, points, dtype=torch.float64)
    t = width * t.sign() * t.abs() ** 3  # dense near w*, where the mass is
    x, y = torch.meshgrid(t, t, indexing="ij")
    cell = torch.gradient(t)[0]
    cost = nbeta * potential((center[0] + x, center[1] + y))
    log_weight = -cost - 0.5 * localization * (x**2 + y**2)
    weight = (log_weight - log_weight.max()).exp() * cell[:, None] * cell[None, :]
    return ((cost * weight).sum() / weight.sum()).item()
