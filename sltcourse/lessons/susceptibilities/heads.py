"""The heads of lesson 10's copier, each moved by itself: draws that can be made again, and what they lose where."""

from copy import deepcopy
from functools import cache

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor, nn

from sltcourse.lessons.susceptibilities.kept import NBETA, SETTINGS, SPRING, asset
from sltcourse.llc import expectation
from sltcourse.zoo import (
    LANGUAGE,
    AttentionOnly,
    copier,
    induction_scores,
    next_symbol_loss,
    previous_scores,
    second_copier,
    texts,
)

Array = NDArray[np.float64]
HEADS = [(layer, head) for layer in (0, 1) for head in range(4)]
NAMES = [f"{layer}.{head}" for layer, head in HEADS]
DATA_SETS = ("small, small", "small, name", "new name", "name again, near", "name again, far", "noise")
CHAINS = ("chain", "draw")
NEAR = 12  # a name seen at most so many places ago is near


@cache
def sentences() -> tuple[Tensor, Tensor]:
    """(read, said), (texts, length) each: the texts of the posterior's own loss."""
    return texts(SETTINGS["texts"], seed=SETTINGS["data_seed"])


@cache
def noise() -> tuple[Tensor, Tensor]:
    """(read, said), (texts, length) each: letters drawn at random, all alike. No rule of the language holds in them."""
    rng = np.random.RandomState(SETTINGS["data_seed"])
    both = torch.from_numpy(rng.randint(LANGUAGE.vocabulary, size=(SETTINGS["noise_texts"], LANGUAGE.length + 1)))
    return both[:, :-1].contiguous(), both[:, 1:].contiguous()


def kinds(read: Tensor, said: Tensor) -> NDArray[np.int64]:
    """What is to be said at each place, (texts, T) of 0 to 4: the number in ``DATA_SETS``.

    After a small letter: a small letter (0), a name (1). After a name: it is new (2), it was there at most ``NEAR``
    places ago (3), or longer ago (4).
    """
    r, s = read.numpy(), said.numpy()
    out = (s >= LANGUAGE.plain).astype(int)
    for row, text in enumerate(r):
        last: dict[int, int] = {}
        for place, letter in enumerate(text):
            if letter >= LANGUAGE.plain:
                ago = place - last.get(letter, -(10**6))
                out[row, place] = 2 if ago > len(text) else 3 if ago <= NEAR else 4
                last[letter] = place
    return out


def losses(model: nn.Module, moved: dict[str, Tensor], read: Tensor, said: Tensor) -> Array:
    """Token losses in nats, (draws, texts, T), of ``model`` with the weights of ``moved`` (names to (draws, …))."""

    def one(weights: dict[str, Tensor]) -> Tensor:
        logits = torch.func.functional_call(model, weights, (read,))
        return nn.functional.cross_entropy(logits.flatten(0, 1), said.flatten(), reduction="none")

    with torch.no_grad():
        found = torch.func.vmap(one, chunk_size=max(1, 256 // len(read)))(moved)
    return found.double().numpy().reshape(-1, *read.shape)


def moved(model: nn.Module, head: int | None, draws: int, spring: float = SPRING) -> dict[str, Tensor]:
    """Weights w* + N(0, 1/γ), names to (draws, …): of the head number ``head`` alone, or of all (None), γ = ``spring``.

    The same numbers whenever and wherever it is asked (``numpy.random.RandomState``, whose stream is fixed).
    """
    at = {name: w.detach() for name, w in model.named_parameters()}
    rng = np.random.RandomState([SETTINGS["seed"], len(HEADS) if head is None else head])
    everything = {name: torch.ones_like(w, dtype=torch.bool) for name, w in at.items()}
    mask = everything if head is None else model.head_mask(*HEADS[head])  # type: ignore[operator]
    out = {name: at[name].expand(draws, *at[name].shape).clone() for name in mask}
    for name, chosen in mask.items():
        away = rng.standard_normal((draws, int(chosen.sum()))) / spring**0.5
        out[name][:, chosen] += torch.from_numpy(away).float()
    return out


def as_draws(kept: NDArray[np.float32], spring: float) -> xr.Dataset:
    """Draws as those of ``sample``, from ``kept`` (chain, draw, 1 + data sets), ``spring`` being γ.

    ``loss`` is L_n on ``sentences()`` less L_n(w*), ``losses`` (chain, draw, set) the mean on each of ``DATA_SETS``,
    and ``again`` (chain, draw) that on all names seen before.
    """
    rise = kept[..., 0].astype(float)
    sets = kept[..., 1:].astype(float)
    counts = np.bincount(kinds(*sentences()).ravel(), minlength=5)[3:]
    return xr.Dataset(
        {
            "loss": (CHAINS, rise),
            "log_weight": (CHAINS, -NBETA * rise),
            "losses": ((*CHAINS, "set"), sets),
            "again": (CHAINS, sets[..., 3:5] @ counts / counts.sum()),
        },
        {"set": list(DATA_SETS)},
        attributes(spring),
    )


def attributes(spring: float) -> dict[str, float]:
    """What the readings of ``sltcourse.llc`` ask of draws of L − L(w*), γ being ``spring``."""
    return {"nbeta": NBETA, "localization": spring, "init_loss": 0.0, "batch_size": 0}


def sampler_draws() -> dict[str, xr.Dataset]:
    """Draws of L on head 0.0 from three runs of four chains of SGLD at the published settings, and from MALA.

    Of SGLD every fourth draw is kept.
    """
    kept = asset("samplers")
    parts = {f"SGLD, run {i + 1}": kept["sgld"][4 * i : 4 * i + 4] for i in range(len(kept["sgld"]) // 4)}
    parts |= {"SGLD, all": kept["sgld"], "MALA": kept["mala"]}
    return {
        name: xr.Dataset({"loss": (CHAINS, x.astype(float))}, attrs=attributes(SPRING)) for name, x in parts.items()
    }


def kernel_draws() -> tuple[xr.Dataset, list[str]]:
    """(draws of all weights, with ``losses`` (chain, draw, sample) at 160 places; each place's kind, a name).

    The places are ordered by kind, and by the letter to be said.
    """
    kept, (_, said) = asset("whole"), sentences()
    order = np.lexsort((said.numpy()[tuple(kept["places"].T)], kept["kind"]))
    draws = as_draws(kept["losses"], SETTINGS["whole_spring"]).drop_vars(["losses", "set"])
    draws["losses"] = ((*CHAINS, "sample"), kept["tokens"][..., order].astype(float))
    return draws, [DATA_SETS[k] for k in kept["kind"][order]]


def all_heads(second: bool = False) -> dict[str, xr.Dataset]:
    """The kept draws of every head, by its name; ``second``: of the other copier."""
    losses = asset("second" if second else "heads")["losses"]
    return {name: as_draws(kept, SPRING) for name, kept in zip(NAMES, losses, strict=True)}


def costs(model: AttentionOnly) -> tuple[float, Array]:
    """(the mean loss on names seen before, what switching each of the 8 heads off adds to it), in nats."""
    read, said = sentences()
    again = torch.from_numpy(kinds(read, said) >= 3)

    @torch.no_grad()
    def loss(off: tuple[int, int] | None) -> float:
        other = deepcopy(model)
        if off is not None:
            other.layers[off[0]].out[off[1]] = 0  # type: ignore[operator, union-attr]
        return next_symbol_loss(other(read)[again][None], said[again][None]).item()

    whole = loss(None)
    return whole, np.array([loss(head) - whole for head in HEADS])


def by_head(second: bool = False) -> dict[str, Array]:
    """Of each head (8,): its ``score``, what it costs to switch it ``off``, and on names seen before ``line``, how far
    χ lies above the bystander's line, in lines, and ``lam``, λ̂; with ``line_error`` and ``lam_error``.

    The score is the attention that goes one place back for a head of layer 0, and behind the earlier name for one of
    layer 1. ``second``: of the other copier. A test holds the table of both that stands in the lesson to it.
    """
    model, (read, said) = second_copier() if second else copier(), sentences()
    looks, kind = model.attention(read), torch.from_numpy(kinds(read, said) >= 3)
    scores = torch.stack([previous_scores(looks)[0], induction_scores(looks, read, kind)[1]])
    whole, off = costs(model)
    draws = all_heads(second)
    moved = expectation(draws, "again")
    line, error = _slopes([(d.loss.values, d.again.values[..., None]) for d in draws.values()])
    return {"score": scores.flatten().numpy(), "off": off, "line": -line[:, 0], "line_error": error[:, 0],
            "lam": NBETA * (moved.value.values - whole), "lam_error": NBETA * moved.std_error.values}  # fmt: skip


def against_the_line() -> tuple[Array, Array, Array]:
    """(nβ Var L (8,), χ of each data set less it and in units of it (8, 6), the standard errors of these)."""
    both = [(draws.loss.values, draws.losses.values) for draws in all_heads().values()]
    slope, error = _slopes(both)
    lines = [NBETA * chain_covariances(rise, rise[..., None]).mean() for rise, _ in both]
    return np.array(lines), -slope, error


def _slopes(pairs: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """(Cov(L, ℓ)/Var L, its standard error), (pairs, sets) each, from pairs of L (chain, draw) and ℓ (…, sets).

    The error of the ratio b is that of Cov(L, ℓ − bL)/Var L with b held at what was found.
    """
    values, errors = [], []
    for rise, sets in pairs:
        both = chain_covariances(rise, np.concatenate([rise[..., None], sets], -1))  # (chain, 1 + sets)
        level = both[:, 0].mean()
        slope = both[:, 1:].mean(0) / level
        rest = (both[:, 1:] - slope * both[:, :1]) / level
        values.append(slope)
        errors.append(rest.std(0, ddof=1) / len(rest) ** 0.5)
    return np.array(values), np.array(errors)


@cache
def answers(text: str) -> tuple[Array, Array]:
    """(nβ Cov(L, ℓ_t), its standard error), (8 heads, letters − 1) each, for the letters of ``text`` but the first.

    Raises ValueError for a text that is not written in the language's letters, or of another length than 3 to 33.
    """
    symbols = LANGUAGE.read(text)
    if not 3 <= len(symbols) <= 33:
        raise ValueError(f"the text has {len(symbols)} letters: choose 3 to 33.")
    row = torch.from_numpy(symbols)[None]
    model, values = copier(), []
    for head in range(len(HEADS)):
        rise = asset("heads")["losses"][head, ..., 0].astype(float)
        mine = losses(model, moved(model, head, rise.size), row[:, :-1], row[:, 1:])[:, 0]
        values.append(chain_covariances(rise, mine.reshape(*rise.shape, -1)))
    cov = NBETA * np.array(values)  # (head, chain, place)
    return cov.mean(1), cov.std(1, ddof=1) / cov.shape[1] ** 0.5


def chain_covariances(rise: Array, tokens: Array) -> Array:
    """Cov(L, ℓ) by each chain, about the means of all (chains, k): ``rise`` (chains, draws), ``tokens`` (…, k).

    The draws are weighted by exp(−nβ rise).
    """
    weight = np.exp(-NBETA * (rise - rise.min()))
    share = weight / weight.sum()
    centred = tokens - np.einsum("cd,cdk->k", share, tokens)
    centred *= (rise - (share * rise).sum())[..., None]
    return np.einsum("cd,cdk->ck", weight / weight.sum(1, keepdims=True), centred)
