"""The network that has learned the synthetic language, at kept steps of its training, and what its heads look at.

``python -m sltcourse.lessons.developmental_stages.make copier`` remakes the kept steps, ``… second`` the second one.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from sltcourse.kit import assets
from sltcourse.zoo.attention import AttentionOnly
from sltcourse.zoo.language import CopyLanguage

LANGUAGE = CopyLanguage(plain=16, names=16, length=64, rate=0.75, skew=0.35)
COPIER_STEPS = (0, 20, 40, 60, 80, 100, *range(150, 801, 50), 900, 1000, 1200, 1400, 1600, 1800, 2000)


def new_copier(seed: int = 0) -> AttentionOnly:
    """An untrained network for ``LANGUAGE``: 2 layers of 4 heads, width 32."""
    torch.manual_seed(seed)
    return AttentionOnly(LANGUAGE.vocabulary, width=32, heads=4, layers=2, context=LANGUAGE.length)


def texts(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(read, said), (count, length) each: texts of ``LANGUAGE``, and the same a place further on."""
    both = torch.from_numpy(LANGUAGE.sample(count, np.random.default_rng(seed)))
    return both[:, :-1].contiguous(), both[:, 1:].contiguous()


@cache
def _kept() -> dict[str, np.ndarray]:
    return assets.arrays("developmental_stages/copier.npz")


@cache
def _second() -> dict[str, np.ndarray]:
    return assets.arrays("developmental_stages/second.npz")


def copier(step: int = COPIER_STEPS[-1]) -> AttentionOnly:
    """The network after so many steps of training, one of ``COPIER_STEPS``; ValueError for another."""
    if step not in COPIER_STEPS:
        raise ValueError(f"step {step} was not kept; choose one of {COPIER_STEPS}")
    model, at = new_copier(), COPIER_STEPS.index(step)
    model.load_state_dict({name: torch.from_numpy(_kept()[name][at].copy()) for name in model.state_dict()})
    return model


def second_copier() -> AttentionOnly:
    """Another network that has learned the language: trained alike, from another start and on other texts (seed 1)."""
    model = new_copier()
    model.load_state_dict({name: torch.from_numpy(_second()[name].copy()) for name in model.state_dict()})
    return model


def previous_scores(attention: Tensor) -> Tensor:
    """(layers, heads): the attention that goes one place back, the mean over places 1, 2, … of all texts.

    ``attention`` (layers, texts, heads, T, T), rows sum to 1. A head that always looks one place back scores 1.
    """
    return attention.diagonal(-1, -2, -1).mean((1, 3))


def induction_scores(attention: Tensor, read: Tensor, places: Tensor | None = None) -> Tensor:
    """(layers, heads): the attention that goes to what came behind an earlier occurrence of the present symbol.

    The mean over all places whose symbol was there before, counting the places right behind any earlier occurrence
    (Olsson et al. 2022, arXiv:2209.11895: prefix matching). ``attention`` (layers, texts, heads, T, T), ``read``
    (texts, T); ``places`` (texts, T), booleans, restricts the mean to some. A head that looks there alone scores 1.
    Raises ValueError where no symbol comes twice.
    """
    same = (read[:, :, None] == read[:, None, :]).tril(-1)  # (texts, place, earlier place)
    behind = torch.zeros_like(same)
    behind[:, :, 1:] = same[:, :, :-1]
    repeated = same.any(-1) if places is None else same.any(-1) & places
    if not repeated.any():
        raise ValueError("no symbol comes twice in these texts: take longer ones")
    looked = (attention * behind[None, :, None]).sum(-1)  # (layers, texts, heads, place)
    return looked.transpose(1, 2)[:, :, repeated].mean(-1)
