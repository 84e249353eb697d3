"""Recording observables along the chains: on the device first, moved out in blocks, or only their moments."""

import os
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sltcourse.llc.observables import Bound, Chains, observables

BLOCK_BYTES = 2**26  # of one observable, kept on the device before it is moved out
FOLD = 32  # draws that are added to the moments together

Variables = dict[str, Any]
"""Names to (dimensions, values), as xarray takes them for data variables and coordinates."""


class Recorder:
    """What is kept of ``observe`` for some chains.

    At each draw call ``look(w)`` with w (chains, d), then ``keep(scalars)`` with the draw's ``loss`` and ``distance``
    (tensors (chains,)); at the end ``variables()``. ``first``: the number of the first draw (where a run goes on).
    Everything is measured once at w* here, so that what cannot be recorded is refused before anything is sampled.

    Raises TypeError or ValueError, in a sentence, for what cannot be measured or would not fit this machine's memory.
    """

    def __init__(self, observe: Any, chains: Chains, num_draws: int, *, first: int = 0):
        self.chains, self.num_draws, self.first, self.number = chains, num_draws, first, first
        self.bound = [kind.bind(name, chains) for name, kind in observables(observe).items()]
        self._seen: dict[str, Tensor] = {}
        w = chains.objective.centers
        w = w[chains.points] if len(w) > 1 else w.expand(len(chains), -1).contiguous()
        at_center = {b.name: _measured(b, w) for b in self.bound}
        self.dims = {b.name: _dims(b, at_center[b.name]) for b in self.bound}
        self._agree(at_center)
        self.scalars = ["loss", "distance"]
        self.scalars += [b.name for b in self.bound if not self.dims[b.name] and b.kind.every == 1]
        self._stores: dict[str, Moments | _Array] = {}
        for b in self.bound:
            value = at_center[b.name]
            if b.kind.moments and value.ndim > 1:
                full = b.kind.moments is True
                self._stores[b.name] = Moments(len(chains), value[0].numel(), len(self.scalars), full, value.device)
            else:
                self._stores[b.name] = _Array(value, -(-num_draws // b.kind.every))
        self._refuse_what_does_not_fit()

    def look(self, w: Tensor) -> None:
        """Measure what is due at this draw."""
        self._seen = {b.name: _measured(b, w) for b in self.bound if self.number % b.kind.every == 0}

    def keep(self, scalars: dict[str, Tensor]) -> None:
        """Keep what was seen, and count the draw. ``scalars``: at least "loss" and "distance"."""
        together = None
        for b in self.bound:
            if b.name not in self._seen:
                continue
            store = self._stores[b.name]
            if isinstance(store, Moments):
                if together is None:
                    known = {**self._seen, **scalars}
                    together = torch.stack([known[name].to(store.dtype) for name in self.scalars], 1)
                store.add(self._seen[b.name].flatten(1), together)
            else:
                store.add(self._seen[b.name])
        self.number += 1

    def variables(self, draws: int | None = None, rows: slice = slice(None)) -> tuple[Variables, Variables]:
        """(data variables, coordinates) for a Dataset over (chain, draw), of the chains ``rows``.

        ``draws``: how many there are (None: those that were kept); behind those that were kept is nan. Data variables
        have dimensions (chain, draw, ...). What is recorded at every k-th draw, on a dimension ``draw_every_k`` with
        the draws' numbers, and the moments (see ``readings``) are coordinates: ArviZ passes over those.
        """
        draws = self.number - self.first if draws is None else draws
        data: Variables = {}
        coords: Variables = {}
        for b in self.bound:
            store, dims, every = self._stores[b.name], self.dims[b.name], b.kind.every
            if isinstance(store, Moments):
                coords.update(store.coordinates(b.name, dims, self.shape(b.name), rows))
                coords["scalar"] = list(self.scalars)
            elif every == 1:
                data[b.name] = ("chain", "draw", *dims), store.array(draws)[rows]
            else:
                numbers = np.arange(self.first, self.first + draws)
                numbers = numbers[numbers % every == 0].astype(np.int32)
                coords[f"draw_every_{every}"] = numbers
                coords[b.name] = ("chain", f"draw_every_{every}", *dims), store.array(len(numbers))[rows]
        return data, coords

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one draw of one chain."""
        return self._shapes[name]

    def _agree(self, at_center: dict[str, Tensor]) -> None:
        """A dimension has one length, and stands for one set of rows; else ValueError."""
        self._shapes = {name: tuple(value.shape[1:]) for name, value in at_center.items()}
        meaning: dict[str, tuple[str, tuple[int, int | None]]] = {}
        for b in self.bound:
            for place, (dim, size) in enumerate(zip(self.dims[b.name], self._shapes[b.name], strict=True)):
                mine = size, id(b.by_rows) if place == 0 and b.by_rows is not None else None
                other, theirs = meaning.setdefault(dim, (b.name, mine))
                if theirs != mine:
                    raise ValueError(
                        f"{other!r} and {b.name!r} both have a dimension {dim!r}, of {theirs[0]} and {size} entries of "
                        f"different data: name one otherwise, say dim='{b.name}_{dim}'."
                    )

    def _refuse_what_does_not_fit(self) -> None:
        """ValueError for what would fill more than half of this machine's memory."""
        have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**35
        for name, store in self._stores.items():
            if store.nbytes > have / 2:
                raise ValueError(
                    f"observe[{name!r}] would keep {store.nbytes / 2**30:.1f} GiB and this machine has "
                    f"{have / 2**30:.1f}: record it at every k-th draw (every=k), its moments only (moments=True, or "
                    '"cross" without the matrix), or on fewer rows.'
                )


class Moments:
    """Mean and covariance of what is added, for each chain by itself, in one pass (Welford 1962; Chan et al. 1983).

    Of ``columns`` numbers and ``scalars`` further ones: all means; the covariances of all with the scalars; with
    ``full`` those of the columns among themselves too. Kept on the device in float64 (float32 on mps).
    """

    def __init__(self, chains: int, columns: int, scalars: int, full: bool, device: torch.device):
        self.dtype = torch.float32 if torch.device(device).type == "mps" else torch.float64
        self.columns, self.full, self.count = columns, full, 0
        size, self._held, self._device = columns + scalars, 0, device
        self.mean = torch.zeros(chains, size, dtype=self.dtype, device=device)
        self._first = 0 if full else columns
        self._shape = chains, size, size - self._first
        self.nbytes = 8 * chains * size * (size - self._first + FOLD)
        self._kept: tuple[Tensor, Tensor] | None = None  # draws that are not folded in yet; sums of products

    def add(self, values: Tensor, scalars: Tensor) -> None:
        """One draw: ``values`` (chains, columns) and ``scalars`` (chains, scalars)."""
        if self._kept is None:
            options: Any = dict(dtype=self.dtype, device=self._device)
            self._kept = torch.empty(FOLD, *self.mean.shape, **options), torch.zeros(*self._shape, **options)
        buffer, _ = self._kept
        buffer[self._held, :, : self.columns] = values
        buffer[self._held, :, self.columns :] = scalars
        self._held += 1
        if self._held == FOLD:
            self._fold()

    def _fold(self) -> None:
        """Add the draws that are held to the mean and to the sums of products."""
        if self._kept is None or not self._held:
            return
        buffer, square = self._kept
        new = buffer[: self._held].transpose(0, 1)  # (chains, draws, size)
        mean = new.mean(1)
        away, step = new - mean[:, None], mean - self.mean
        count = self.count + self._held
        share = self.count * self._held / count
        square += away.transpose(1, 2) @ away[:, :, self._first :]
        square += share * step[:, :, None] * step[:, None, self._first :]
        self.mean += step * (self._held / count)
        self.count, self._held = count, 0

    def coordinates(
        self, name: str, dims: tuple[str, ...], shape: tuple[int, ...], rows: slice = slice(None)
    ) -> Variables:
        """The variables that ``readings`` describes, of the chains ``rows``."""
        self._fold()
        mean = self.mean.cpu().numpy()[rows]
        total = np.zeros(self._shape) if self._kept is None else self._kept[1].cpu().numpy() / max(1, self.count)
        square, k, chains = total[rows], self.columns, len(mean)
        cross = square[:, :, k - self._first :]
        twice = [*dims, *(f"{d}2" for d in dims)]
        found: Variables = {
            "count": (("chain",), np.full(chains, self.count, np.int32)),
            "mean": (("chain", *dims), mean[:, :k].reshape(chains, *shape)),
            "cross": (("chain", *dims, "scalar"), cross[:, :k].reshape(chains, *shape, -1)),
            "scalar_mean": (("chain", "scalar"), mean[:, k:]),
            "scalar_cov": (("chain", "scalar", "scalar2"), cross[:, k:]),
        }
        if self.full:
            found["cov"] = ("chain", *twice), square[:, :k, :k].reshape(chains, *shape, *shape)
        return {f"{name}_{kind}": value for kind, value in found.items()}


class _Array:
    """Values of each draw, kept on the device and moved out ``at_once`` draws together."""

    def __init__(self, like: Tensor, draws: int):
        self._like, self._draws = like, draws
        self.at_once = max(1, min(draws, BLOCK_BYTES // max(1, like.nbytes)))
        self._held, self._moved = 0, 0
        self._kept: tuple[Tensor, np.ndarray] | None = None  # (block, chains, ...) on the device; (chains, draws, ...)
        self.nbytes = draws * like.nbytes

    def add(self, value: Tensor) -> None:
        """One draw, (chains, ...)."""
        if self._kept is None:
            block = self._like.new_empty((self.at_once, *self._like.shape))
            shape = (len(self._like), self._draws, *self._like.shape[1:])
            self._kept = block, np.full(shape, np.nan, dtype=block.cpu().numpy().dtype)
        self._kept[0][self._held].copy_(value)
        self._held += 1
        if self._held == self.at_once:
            self._move()

    def _move(self) -> None:
        """Move what is held on the device out."""
        if self._kept is not None and self._held:
            block, host = self._kept
            host[:, self._moved : self._moved + self._held] = np.moveaxis(block[: self._held].cpu().numpy(), 0, 1)
            self._moved, self._held = self._moved + self._held, 0

    def array(self, draws: int) -> np.ndarray:
        """(chains, draws, ...), nan where nothing was added."""
        if self._kept is None:
            return np.full((len(self._like), draws, *self._like.shape[1:]), np.nan)
        self._move()
        return self._kept[1][:, :draws]


def joined(before: xr.Dataset, after: xr.Dataset) -> Variables:
    """Coordinates of two runs of the same chains, one after the other: thinned draws in a row, moments put together.

    ``before``, ``after``: Datasets whose data variables are concatenated along ``draw`` elsewhere.
    """
    found: Variables = {}
    for key, value in after.coords.items():
        thin = next((d for d in value.dims if str(d).startswith("draw_every_")), None)
        if thin is not None:
            axis = value.dims.index(thin)
            found[str(key)] = value.dims, np.concatenate([before[key].values, value.values], axis)
    for name in [str(n)[: -len("_count")] for n in after.coords if str(n).endswith("_count")]:
        if f"{name}_scalar_cov" in after.coords:
            found.update(_merged(name, before, after))
    return found


def _merged(name: str, before: xr.Dataset, after: xr.Dataset) -> Variables:
    """The moments of all draws from those of two parts."""

    def get(kind: str) -> tuple[np.ndarray, np.ndarray]:
        return before[f"{name}_{kind}"].values, after[f"{name}_{kind}"].values

    m, n = (count.astype(float) for count in get("count"))
    total = np.maximum(m + n, 1)
    chains = len(total)
    means = {kind: [x.reshape(chains, -1) for x in get(kind)] for kind in ("mean", "scalar_mean")}
    pairs = {"cross": ("mean", "scalar_mean"), "scalar_cov": ("scalar_mean", "scalar_mean"), "cov": ("mean", "mean")}
    found = {"count": (m + n).astype(np.int32)}
    for kind, (a, b) in means.items():
        found[kind] = a + (n / total)[:, None] * (b - a)
    for kind, (one, two) in pairs.items():
        if f"{name}_{kind}" in after.coords:
            a, b = get(kind)
            step = [means[k][1] - means[k][0] for k in (one, two)]
            gap = step[0][:, :, None] * step[1][:, None, :]
            wide = [x.reshape(gap.shape) for x in (a, b)]
            parts = [(count / total)[:, None, None] for count in (m, n)]
            found[kind] = parts[0] * wide[0] + parts[1] * wide[1] + parts[0] * parts[1] * gap
    shapes = {kind: after[f"{name}_{kind}"] for kind in found}
    return {f"{name}_{kind}": (shapes[kind].dims, value.reshape(shapes[kind].shape)) for kind, value in found.items()}


def _measured(bound: Bound, w: Tensor) -> Tensor:
    """The observable at w (chains, d), (chains, ...); ValueError where it gives another shape."""
    value = bound.measure(w)
    if value.ndim < 1 or len(value) != len(w):
        raise ValueError(f"observe[{bound.name!r}] gives shape {tuple(value.shape)} for {len(w)} chains.")
    return value


def _dims(bound: Bound, value: Tensor) -> tuple[str, ...]:
    """The names of the dimensions behind chain and draw; ValueError where their number is not that of ``value``."""
    wanted = value.ndim - 1
    if bound.dims is None:
        return tuple(f"{bound.name}_dim_{k}" for k in range(wanted))
    if len(bound.dims) != wanted:
        raise ValueError(
            f"observe[{bound.name!r}] gives shape {tuple(value.shape[1:])} and has {len(bound.dims)} names of "
            f"dimensions, {bound.dims}."
        )
    return tuple(bound.dims)
