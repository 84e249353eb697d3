"""A network of addition mod p taken apart: its spectrum, what of its logits is the rule, and what that is worth."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sltcourse.zoo.addition import Task

Floats = NDArray[np.floating]


def spectrum(rows: Floats) -> Floats:
    """The power of each row (…, p) at the frequencies 0, 1, …, (p − 1)/2; over them it sums to the row's Σ squares."""
    p = rows.shape[-1]
    power = np.abs(np.fft.rfft(rows)) ** 2 / p
    power[..., 1:] *= 2
    return power


def logits_on_all(model: nn.Module, p: int) -> Floats:
    """The logits f[a, b, c] on all pairs, (p, p, p), whatever the pairs that were trained on."""
    dtype = next(model.parameters()).dtype
    one_hot = torch.eye(p, dtype=dtype)
    a, b = torch.arange(p).repeat_interleave(p), torch.arange(p).repeat(p)
    with torch.no_grad():
        out: Floats = model(torch.cat([one_hot[a], one_hot[b]], 1)).reshape(p, p, p).double().numpy()
    return out


def rule_part(logits: Floats) -> Floats:
    """What of the logits f[a, b, c] depends on a + b − c mod p alone: the mean over all entries that share it.

    It is the projection on the cosines and sines of 2πk(a + b − c)/p, for all k. (p, p, p) to (p, p, p).
    """
    a, b, c = np.indices(logits.shape)
    d = (a + b - c) % len(logits)
    means = np.bincount(d.ravel(), logits.ravel()) / len(logits) ** 2
    part: Floats = means[d]
    return part


def explained(logits: Floats) -> float:
    """The share of the logits' variance that their ``rule_part`` explains."""
    return float(rule_part(logits).var() / logits.var())


def amplitudes(logits: Floats) -> Floats:
    """p/2 times the amplitude of cos(2πk(a + b − c)/p) in the logits, k = 1 to (p − 1)/2: all 1 if they are one-hot."""
    p = len(logits)
    by_difference = rule_part(logits)[0, 0, -np.arange(p) % p]
    amplitude: Floats = np.fft.rfft(by_difference).real[1:]
    return amplitude


def ablated(logits: Floats, task: Task) -> tuple[float, float]:
    """(restricted, excluded) error: of the rule's part alone on the test pairs, and without it on the training pairs.

    After Nanda et al. (2023, arXiv:2301.05217), who keep or remove a few frequencies; here it is all of them. Without
    the rule means that its part is replaced by the part's mean.
    """
    p = task.p
    a, b = task.x[:, :p].argmax(1).numpy(), task.x[:, p:].argmax(1).numpy()
    part, target = rule_part(logits), task.y.double().numpy()
    error_with = ((part[a, b] - target) ** 2).sum(1)
    error_without = (((logits - part + part.mean())[a, b] - target) ** 2).sum(1)
    return float(error_with[task.n :].mean()) if task.n < p * p else np.nan, float(error_without[: task.n].mean())
