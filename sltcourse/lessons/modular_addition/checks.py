"""The checks of lesson 09: what each exercise replies."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from sltcourse.kit.checks import Case, Checks
from sltcourse.lessons.modular_addition import ours
from sltcourse.zoo.addition import adam_for, exact_adder, make_task, random_network

check = Checks("09_modular_addition")
_random = np.random.default_rng(9)

# ---- the training loop -----------------------------------------------------------------------------------------------


def _small(p: int = 3, width: int = 4, decay: float = 0.01, steps: int = 30) -> Callable[[], tuple[Any, ...]]:
    """The arguments of ``train`` for a small network in float64, made anew at each call."""

    def arguments() -> tuple[Any, ...]:
        task = make_task(p, 1.0)
        model = random_network(p, width=width, scale=0.5).double()
        return model, task.x.double(), task.y.double(), decay, steps

    return arguments


def _train_like(
    error_of: Callable[..., Any] = lambda out, y: (out - y).square().sum(1).mean(),
    penalty_of: Callable[..., Any] = lambda w, decay: decay / 2 * w.square().sum(),
    clear: bool = True,
    lower: bool = True,
    whole: bool = False,
) -> Callable[..., Any]:
    def train(model: Any, x: Any, y: Any, decay: float, steps: int, watch: Any = lambda step: None) -> Any:
        adam, schedule = adam_for(model, steps)
        errors = []
        for _ in range(steps):
            error = error_of(model(x), y)
            loss = error + sum(penalty_of(w, decay) for w in model.parameters())
            if clear:
                adam.zero_grad()
            loss.backward()
            adam.step()
            if lower:
                schedule.step()
            errors.append((loss if whole else error).item())
        return np.array(errors)

    return train


TRAIN_COMMON = {
    _train_like(clear=False): "The gradients of all steps pile up: call adam.zero_grad() before backward().",
    _train_like(penalty_of=lambda w, decay: 0 * w.sum()): "The penalty is missing from what is minimised.",
    _train_like(penalty_of=lambda w, decay: decay * w.square().sum()): "The penalty is decay/2 ‖w‖²: the ½ is missing.",
    _train_like(error_of=lambda out, y: (out - y).square().mean()):
        "You take the mean over the p outputs as well. Sum over them, and take the mean over the rows.",
    _train_like(error_of=lambda out, y: (out - y).square().sum()):
        "You sum over the rows as well. Take the mean over them.",
    _train_like(whole=True): "What you return has the penalty in it. Return the error alone.",
    _train_like(lower=False): "The rate has to fall at the end: call schedule.step() after adam.step().",
}  # fmt: skip


@check.writing(
    "Four lines that matter: error, penalty, backward, step.",
    ours=ours.train,
    cases=[
        Case("one step: the error before it", _small(steps=1), rel=1e-5),
        Case("no decay, 30 steps", _small(decay=0.0), rel=1e-4),
        Case("a strong decay, 30 steps", _small(decay=0.3), rel=1e-4),
        Case("p = 5, 50 steps", _small(p=5, width=6, steps=50), rel=1e-4),
    ],
    common=TRAIN_COMMON,
)
def train(function: Any) -> str | None:
    """The training loop: ``ours.train``."""
    seen: list[int] = []
    function(*_small(steps=5)(), seen.append)
    return None if seen == [0, 1, 2, 3, 4] else "Call watch(step) once before each step, with its number from 0 on."


# ---- the spectrum ----------------------------------------------------------------------------------------------------

_wave = np.cos(2 * np.pi * 2 * np.arange(7) / 7 + 0.3)


def _power_like(twice: bool = True, over: float = 1.0, square: bool = True, real: bool = False) -> Callable[..., Any]:
    def power(rows: Any) -> Any:
        p = rows.shape[-1]
        wave = np.fft.rfft(rows)
        size = wave.real if real else np.abs(wave)
        out = size**2 / p**over if square else size
        if twice:
            out[..., 1:] *= 2
        return out

    return power


SPECTRUM_COMMON = {
    _power_like(twice=False): "Each frequency from 1 on stands for two waves, k and p − k: count its power twice.",
    _power_like(over=0.0): "Divide by p: then the powers sum to the row's squares.",
    _power_like(over=2.0): "Divide by p once: then the powers sum to the row's squares.",
    _power_like(twice=False, over=0.0): "Divide by p, and count each frequency from 1 on twice.",
    _power_like(real=True): "The real part alone misses the sines. Take the absolute value of the complex number.",
    _power_like(square=False): "Power is the square of the absolute value.",
    _power_like(twice=False, square=False): "Power is the square of the absolute value, divided by p.",
}


@check.writing(
    "Nothing is lost: the powers of a row sum to its squares (Parseval).",
    ours=ours.spectrum,
    cases=[
        Case("a wave of frequency 2", (_wave[None],), np.array([[0, 0, 3.5, 0]])),
        Case("a constant row", (np.ones((1, 5)),), np.array([[5.0, 0, 0]])),
        Case("six random rows, p = 11", (_random.normal(size=(6, 11)),)),
    ],
    common=SPECTRUM_COMMON,
)
def spectrum(function: Any) -> str | None:
    """The power of each row at each frequency: ``ours.spectrum``."""


# ---- the ablation ----------------------------------------------------------------------------------------------------


def _mean_over(combination: Callable[..., Any]) -> Callable[..., Any]:
    def part(logits: Any) -> Any:
        p = len(logits)
        d = combination(*np.indices(logits.shape)) % p
        return (np.bincount(d.ravel(), logits.ravel(), p) / np.bincount(d.ravel(), minlength=p))[d]

    return part


def _summed(logits: Any) -> Any:
    return ours.rule_part(logits) * len(logits) ** 2


def _by_sum(logits: Any) -> Any:
    p, (a, b, c) = len(logits), np.indices(logits.shape)
    key = (a + b) % p * p + c
    return (np.bincount(key.ravel(), logits.ravel(), p * p) / p)[key]


_exact = np.eye(5)[np.add.outer(np.arange(5), np.arange(5)) % 5]

RULE_COMMON = {
    _mean_over(lambda a, b, c: a - b - c): "You group by a − b − c. The rule is c = a + b.",
    _mean_over(lambda a, b, c: a + b + c): "You group by a + b + c. Where the rule is right, a + b − c is 0.",
    _by_sum: "You keep all that depends on (a + b, c). Wanted is what depends on a + b − c alone.",
    _summed: "You take sums. Take means: p² entries share each difference.",
    lambda logits: logits - ours.rule_part(logits): "That is the rest, without the rule. Wanted is the rule's part.",
    lambda logits: ours.rule_part(logits) - logits.mean(): "Leave the mean in it: it depends on a + b − c too.",
}


@check.writing(
    "A projection: what it keeps of a one-hot sum is everything, and it keeps the same again when applied twice.",
    ours=ours.rule_part,
    cases=[
        Case("logits that add exactly: all of it", (_exact,), _exact),
        Case("logits that depend on a alone: their mean", (np.arange(5.0)[:, None, None] * np.ones((5, 5, 5)),),
             np.full((5, 5, 5), 2.0)),
        Case("random logits, p = 7", (_random.normal(size=(7, 7, 7)),)),
    ],
    common=RULE_COMMON,
)  # fmt: skip
def rule_part(function: Any) -> str | None:
    """What of the logits depends on a + b − c alone: ``ours.rule_part``."""


# ---- the trace -------------------------------------------------------------------------------------------------------

_root = _random.normal(size=(12, 5))
_singular = _root @ _root.T  # (12, 12), rank 5


def _trace_like(of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda hessian, nbeta, gamma: float(of(np.linalg.eigvalsh(hessian), nbeta, gamma))


TRACE_COMMON = {
    _trace_like(lambda h, s, g: (s * h / (s * h + g)).sum()): "The ½ is missing: a regular direction counts ½.",
    _trace_like(lambda h, s, g: (s * h / (s * h + g)).mean() / 2): "Take the sum over the directions, not the mean.",
    _trace_like(lambda h, s, g: (h / (h + g)).sum() / 2): "Where is nβ? It multiplies every eigenvalue.",
    _trace_like(lambda h, s, g: (h > 1e-9).sum() / 2): "That is rank/2, the limit of a weak spring. Keep γ.",
    _trace_like(lambda h, s, g: (g / (s * h + g)).sum() / 2): "That counts what the spring holds. Wanted is the rest.",
}


@check.writing(
    "A count of directions: ½ where nβh is far above γ, nothing where it is far below.",
    ours=ours.gaussian_llc,
    cases=[
        Case("one direction, nβh = γ: a quarter", (np.array([[2.0]]), 5.0, 10.0), 0.25),
        Case("no curvature at all", (np.zeros((3, 3)), 10.0, 1.0), 0.0),
        Case("three directions, two of them felt", (np.diag([1.0, 4.0, 0.0]), 100.0, 100.0), 0.65),
        Case("a matrix of rank 5, no diagonal one", (_singular, 20.0, 3.0)),
    ],
    common=TRACE_COMMON,
)
def gaussian(function: Any) -> str | None:
    """½ tr[nβH (nβH + γ)⁻¹]: ``curvature.gaussian_llc``."""


# ---- the rank --------------------------------------------------------------------------------------------------------


def _pairs(p: int, n: int, generic: bool = False) -> tuple[Any, ...]:
    model = random_network(p, width=3 * p - 2, scale=1.0).double() if generic else exact_adder(p)
    return model, make_task(p, 1.0).x[:n].double()


RANK_COMMON = {
    lambda model, x: len(x) * len(model.second): "That is the number of outputs, n p. Are all the rows independent?",
    lambda model, x: model.first.numel() + model.second.numel(): "That is the number d of weights.",
    lambda model, x: ours.rank(model, x) / 2: "That is rank/2. Return the rank.",
    lambda model, x: int(torch.linalg.matrix_rank(model(x).detach())):
        "That is the rank of the outputs. Wanted is the rank of their derivatives by the weights.",
}  # fmt: skip


@check.writing(
    "So many directions change what the network says on these pairs; all others are flat.",
    ours=ours.rank,
    cases=[
        Case("the exact adder, p = 5, all 25 pairs", lambda: _pairs(5, 25), 103),
        Case("the exact adder, p = 5, one pair", lambda: _pairs(5, 1), 5),
        Case("a random network, p = 5, all 25 pairs", lambda: _pairs(5, 25, generic=True), 125),
        Case("the exact adder, p = 3, all 9 pairs", lambda: _pairs(3, 9)),
    ],
    common=RANK_COMMON,
)
def rank(function: Any) -> str | None:
    """The rank of the derivatives of all outputs: ``ours.rank``."""
