"""The lesson's networks: one with a frozen hidden layer, one that answers three bits, one that learned to add."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sltcourse.kit import assets
from sltcourse.progress import progress

Floats = NDArray[np.floating]
Units = tuple[Floats, Floats]
Curve = Callable[[Floats], Floats]

# ---- a network whose hidden layer is frozen --------------------------------------------------------------------------


N_DATA = 16
NOISES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
WIDTHS = (*range(1, 25), 28, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512)
SETS = 80
_ANGLES = np.linspace(-np.pi, np.pi, 64, endpoint=False)


def truth(x: Floats) -> Floats:
    """The function to be learned, on the circle: sin x + ½ cos 2x, an array like ``x`` (radians)."""
    return np.sin(x) + np.cos(2 * x) / 2


def relu(u: Floats) -> Floats:
    """max(u, 0), an array like ``u``."""
    return np.maximum(u, 0)


def some_inputs(rng: np.random.Generator, sets: tuple[int, ...] = (), n: int = N_DATA) -> Floats:
    """n angles for each data set, one at random in each of n equal sectors; shape ``sets`` + (n,)."""
    return -np.pi + 2 * np.pi * (np.arange(n) + rng.random((*sets, n))) / n


def some_units(rng: np.random.Generator, width: int, sets: tuple[int, ...] = ()) -> Units:
    """Random hidden units: directions θ on the circle and thresholds b in [−1, 1], a pair of ``sets`` + (width,)."""
    return rng.uniform(-np.pi, np.pi, (*sets, width)), rng.uniform(-1, 1, (*sets, width))


def hidden(x: Floats, units: Units, bend: Curve = relu) -> Floats:
    """The outputs bend(cos(x − θ) − b) of all hidden units at all inputs, shape (…, len(x), width)."""
    theta, b = units
    return bend(np.cos(x[..., :, None] - theta[..., None, :]) - b[..., None, :])


@cache
def descent(
    target: Curve = truth,
    n: int = N_DATA,
    noises: tuple[float, ...] = NOISES,
    widths: tuple[int, ...] = WIDTHS,
    bend: Curve = relu,
    *,
    sets: int = SETS,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Training and test errors of the frozen network: two arrays (widths, noises, sets).

    For each width and each data set: new inputs, units and noise; the least-norm least-squares output weights;
    the mean squared error on these n data, and on new data at evenly spaced inputs (so the noise's variance is part of
    both). Fits are linear in the data: one pseudoinverse serves all noises.
    """
    train, test = np.empty((2, len(widths), len(noises), sets))
    for i, width in enumerate(progress(widths, "widths")):
        rng = np.random.default_rng(seed)
        x, z = some_inputs(rng, (sets,), n), rng.normal(size=(sets, n))
        units = some_units(rng, width, (sets,))
        phi = hidden(x, units, bend)
        weights = np.linalg.pinv(phi, rcond=1e-12) @ np.stack([target(x), z], axis=-1)
        seen = phi @ weights - np.stack([target(x), z], axis=-1)
        new = hidden(_ANGLES, units, bend) @ weights - np.stack([target(_ANGLES), 0 * _ANGLES], axis=-1)
        for j, noise in enumerate(noises):
            train[i, j] = ((seen @ [1, noise]) ** 2).mean(axis=-1)
            test[i, j] = ((new @ [1, noise]) ** 2).mean(axis=-1) + noise**2
    return train, test


def median(values: ArrayLike) -> tuple[float, float]:
    """The median of independent values (n,), and its standard error.

    The error is half of the distance between the values of the ranks n/2 ± √n/2: the number of values below the true
    median has the mean n/2 and the standard deviation √n/2. Raises ValueError for fewer than nine values.
    """
    ordered = np.sort(np.asarray(values, float))
    n = len(ordered)
    if n < 9:
        raise ValueError(f"the error of a median needs at least nine values, not {n}")
    low, high = np.interp(n / 2 - 0.5 + np.array([-0.5, 0.5]) * np.sqrt(n), np.arange(n), ordered)
    return float(np.median(ordered)), float(high - low) / 2


# ---- two rings -------------------------------------------------------------------------------------------------------


STEPS = (0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448)  # kept ones


def rings(rng: np.random.Generator, n: int) -> tuple[Floats, NDArray[np.integer]]:
    """n points on two noisy rings, shape (n, 2), and the number of the ring, 0 (inner) or 1, shape (n,)."""
    ring, angle = rng.integers(0, 2, n), rng.uniform(0, 2 * np.pi, n)
    radius = np.where(ring == 1, 1.0, 0.45) + 0.1 * rng.normal(size=n)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1), ring


# ---- three bits ------------------------------------------------------------------------------------------------------


BITS = np.array([[(i >> 2) & 1, (i >> 1) & 1, i & 1] for i in range(8)])  # the eight inputs, 000 to 111
TABLES = np.array([[(f >> (7 - i)) & 1 for i in range(8)] for f in range(256)])  # the answers of all 256 functions


def number_of(table: ArrayLike) -> NDArray[np.integer]:
    """The row of TABLES that holds the answers ``table`` (…, 8) of 0 and 1."""
    return np.asarray(table, int) @ (1 << np.arange(7, -1, -1))


# ---- a network that learned to add -----------------------------------------------------------------------------------


P = 31


class Adder:
    """A network that learned a + b mod p: logits = ReLU((E_a + E_b) W) U.

    ``E``: embedding (p, 32), ``W``: (32, 256), ``U``: (256, p), ``seen``: (p, p), the pairs it was trained on.
    """

    def __init__(self, E: ArrayLike, W: ArrayLike, U: ArrayLike, seen: ArrayLike) -> None:
        self.E, self.W, self.U = (np.asarray(v, float) for v in (E, W, U))
        self.seen = np.asarray(seen, bool)

    def logits(self) -> Floats:
        """All logits [a, b, c], shape (p, p, p)."""
        return np.maximum((self.E[:, None] + self.E) @ self.W, 0) @ self.U


def load_adder() -> Adder:
    """The trained network from the course's assets, an Adder."""
    return Adder(**assets.arrays("two_mysteries/network.npz"))


def circle(E: Floats, k: int) -> Floats:
    """The embedding seen in the plane of frequency k, shape (p, 2): number 0 on the right, scaled to mean radius 1.

    The plane is spanned by Σ_a E_a cos(2πka/p) and Σ_a E_a sin(2πka/p).
    """
    angle = 2 * np.pi * k * np.arange(len(E)) / len(E)
    centred = E - E.mean(axis=0)
    plane, r = np.linalg.qr(centred.T @ np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    seen = centred @ (plane * np.sign(np.diag(r)))
    return seen / np.linalg.norm(seen, axis=1).mean()


def by_distance(logits: Floats) -> Floats:
    """Logits [a, b, c], less their mean over c, as an array [a, b, d] with d = c − a − b mod p; shape (p, p, p)."""
    a, b, d = np.indices(logits.shape)
    return (logits - logits.mean(axis=-1, keepdims=True))[a, b, (a + b + d) % len(logits)]


def waves_of(logits: Floats, keys: Sequence[int]) -> tuple[Floats, float]:
    """The part of the logits [a, b, c] that is a sum of cosines of c − a − b with the frequencies ``keys``.

    Returns its values at c − a − b = 0, …, p − 1, shape (p,), and the share that it holds of the logits' variance over
    c. Raises ValueError for no frequency and for one that is not between 1 and (p − 1)/2.
    """
    sorted_, p = by_distance(logits), len(logits)
    keys = sorted({int(k) for k in keys})
    if not keys or keys[0] < 1 or keys[-1] > (p - 1) // 2:
        raise ValueError(f"give frequencies from 1 to {(p - 1) // 2}, at least one, not {keys}")
    waves = np.cos(2 * np.pi * np.outer(keys, np.arange(p)) / p)  # (keys, p), orthogonal, of squared length p/2
    wave = 2 / p * (waves @ sorted_.mean(axis=(0, 1))) @ waves
    return wave, float(1 - np.mean((sorted_ - wave) ** 2) / np.mean(sorted_**2))
