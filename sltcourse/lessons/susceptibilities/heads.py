"""The heads of lesson 10's copier, each moved by itself: draws that can be made again, and what they lose where."""

from functools import cache

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor, nn

from sltcourse.lessons.susceptibilities.kept import NBETA, SETTINGS, SPRING, asset
from sltcourse.zoo import LANGUAGE, copier, texts

Array = NDArray[np.float64]
HEADS = [(layer, head) for layer in (0, 1) for head in range(4)]
NAMES = [f"{layer}.{head}" for layer, head in HEADS]
DATA_SETS = ("small, small", "small, name", "new name", "name again, near", "name again, far", "noise")
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
    both = ("chain", "draw")
    rise = kept[..., 0].astype(float)
    sets = kept[..., 1:].astype(float)
    counts = np.bincount(kinds(*sentences()).ravel(), minlength=5)[3:]
    return xr.Dataset(
        {
            "loss": (both, rise),
            "log_weight": (both, -NBETA * rise),
            "losses": ((*both, "set"), sets),
            "again": (both, sets[..., 3:5] @ counts / counts.sum()),
        },
        {"set": list(DATA_SETS)},
        {"nbeta": NBETA, "localization": spring, "init_loss": 0.0, "batch_size": 0},
    )


def sampler_draws() -> dict[str, xr.Dataset]:
    """Draws of L on head 0.0 from three runs of four chains of SGLD at the published settings, and from MALA.

    Of SGLD every fourth draw is kept.
    """
    kept = asset("samplers")
    parts = {f"SGLD, run {i + 1}": kept["sgld"][4 * i : 4 * i + 4] for i in range(len(kept["sgld"]) // 4)}
    parts |= {"SGLD, all": kept["sgld"], "MALA": kept["mala"]}
    attrs = {"nbeta": NBETA, "localization": SPRING, "init_loss": 0.0, "batch_size": 0}
    return {name: xr.Dataset({"loss": (("chain", "draw"), x.astype(float))}, attrs=attrs) for name, x in parts.items()}


def kernel_draws() -> tuple[xr.Dataset, list[str]]:
    """(draws of all weights, with ``losses`` (chain, draw, sample) at 160 places; each place's kind, a name).

    The places are ordered by kind, and by the letter to be said.
    """
    kept, (_, said) = asset("whole"), sentences()
    order = np.lexsort((said.numpy()[tuple(kept["places"].T)], kept["kind"]))
    draws = as_draws(kept["losses"], SETTINGS["whole_spring"]).drop_vars(["losses", "set"])
    draws["losses"] = (("chain", "draw", "sample"), kept["tokens"][..., order].astype(float))
    return draws, [DATA_SETS[k] for k in kept["kind"][order]]


def all_heads() -> dict[str, xr.Dataset]:
    """The kept draws of every head, by its name."""
    return {name: as_draws(kept, SPRING) for name, kept in zip(NAMES, asset("heads")["losses"], strict=True)}


def against_the_line() -> tuple[Array, Array, Array]:
    """(nβ Var L (8,), χ of each data set less it and in units of it (8, 6), the standard errors of these).

    A ratio −Cov(L, ℓ)/Var L: its error is that of Cov(L, ℓ − bL) with b held at what was found.
    """
    lines, values, errors = [], [], []
    for draws in all_heads().values():
        rise, sets = draws.loss.values, draws.losses.values
        both = chain_covariances(rise, np.concatenate([rise[..., None], sets], -1))  # (chain, 1 + sets)
        level = both[:, 0].mean()
        slope = both[:, 1:].mean(0) / level
        rest = (both[:, 1:] - slope * both[:, :1]) / level
        lines.append(NBETA * level)
        values.append(-slope)
        errors.append(rest.std(0, ddof=1) / len(rest) ** 0.5)
    return np.array(lines), np.array(values), np.array(errors)


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
