"""The lesson's three networks: one with a frozen hidden layer, one that learns by heart, one that learned to add."""

from collections.abc import Callable
from functools import cache

import numpy as np

from sltcourse.kit import assets
from sltcourse.progress import progress

# ---- a network whose hidden layer is frozen --------------------------------------------------------------------------


N_DATA = 16
NOISES = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
WIDTHS = np.r_[1:25, 28, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512]
_ANGLES = np.linspace(-np.pi, np.pi, 64, endpoint=False)


def truth(x: np.ndarray) -> np.ndarray:
    """The function to be learned, on the circle: sin x + ½ cos 2x."""
    return np.sin(x) + np.cos(2 * x) / 2


def some_inputs(rng: np.random.Generator, sets: tuple[int, ...] = (), n: int = N_DATA) -> np.ndarray:
    """n angles for each data set, one at random in each of n equal sectors; shape ``sets`` + (n,)."""
    return -np.pi + 2 * np.pi * (np.arange(n) + rng.random((*sets, n))) / n


def some_units(rng: np.random.Generator, width: int, sets: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Random hidden units: directions θ on the circle and thresholds b in [−1, 1], a pair of ``sets`` + (width,)."""
    return rng.uniform(-np.pi, np.pi, (*sets, width)), rng.uniform(-1, 1, (*sets, width))


def hidden(x: np.ndarray, units: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The outputs ReLU(cos(x − θ) − b) of all hidden units at all inputs, shape (…, len(x), width)."""
    theta, b = units
    return np.maximum(np.cos(x[..., :, None] - theta[..., None, :]) - b[..., None, :], 0)


@cache
def descent(sets: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Training and test errors of the frozen network: two arrays (widths, noises, sets).

    For each of WIDTHS and each data set: new inputs, units and noise; the least-norm least-squares output weights;
    the mean squared error on these data, and on new data at evenly spaced inputs (so the noise's variance is part of
    both). Fits are linear in the data: one pseudoinverse serves all noises.
    """
    train, test = np.empty((2, len(WIDTHS), len(NOISES), sets))
    for i, width in enumerate(progress(WIDTHS, "widths")):
        rng = np.random.default_rng(seed)
        x, z = some_inputs(rng, (sets,)), rng.normal(size=(sets, N_DATA))
        units = some_units(rng, width, (sets,))
        phi = hidden(x, units)
        weights = np.linalg.pinv(phi, rcond=1e-12) @ np.stack([truth(x), z], axis=-1)
        seen = phi @ weights - np.stack([truth(x), z], axis=-1)
        new = hidden(_ANGLES, units) @ weights - np.stack([truth(_ANGLES), 0 * _ANGLES], axis=-1)
        for j, noise in enumerate(NOISES):
            train[i, j] = ((seen @ [1, noise]) ** 2).mean(axis=-1)
            test[i, j] = ((new @ [1, noise]) ** 2).mean(axis=-1) + noise**2
    return train, test


# ---- a network that learns by heart ----------------------------------------------------------------------------------


def rings(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n points on two noisy rings, shape (n, 2), and the number of the ring, 0 (inner) or 1, shape (n,)."""
    ring, angle = rng.integers(0, 2, n), rng.uniform(0, 2 * np.pi, n)
    radius = np.where(ring == 1, 1.0, 0.45) + 0.1 * rng.normal(size=n)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1), ring


def train_classifier(
    points: np.ndarray, labels: np.ndarray, width: int = 200, steps: int = 3000, seed: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """Train a ReLU network 2 → width → width → 1 with Adam until every label is fitted; steps is the most it may take.

    Returns a function from points (n, 2) to labels 0 or 1 (n,).
    """
    import torch

    rng = np.random.default_rng(seed)
    sizes = ((2, width, 5.0), (width, width, 1.4), (width, 1, 1.0))  # inputs, outputs, scale of the first weights
    draws = [scale / np.sqrt(i) * rng.normal(size=(i, o)) for i, o, scale in sizes]
    biases = [3.5 * rng.normal(size=width), np.zeros(width), np.zeros(1)]
    weights = [torch.tensor(v, dtype=torch.float32, requires_grad=True) for v in (*draws, *biases)]

    def network(x):
        x = torch.tensor(x, dtype=torch.float32)
        x = torch.relu(x @ weights[0] + weights[3])
        return (torch.relu(x @ weights[1] + weights[4]) @ weights[2] + weights[5])[:, 0]

    wanted, optimizer = torch.tensor(labels, dtype=torch.float32), torch.optim.Adam(weights, lr=0.005)
    for _ in progress(range(steps), "training"):
        output = network(points)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(output, wanted)
        if loss < 0.1 and torch.equal(output > 0, wanted > 0):
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda x: (network(x).detach().numpy() > 0).astype(int)


# ---- a network that learned to add -----------------------------------------------------------------------------------


P = 31


class Adder:
    """A network that learned a + b mod p: logits = ReLU((E_a + E_b) W) U.

    ``E``: embedding (p, 32), ``W``: (32, 256), ``U``: (256, p), ``seen``: (p, p), the pairs it was trained on.
    """

    def __init__(self, E, W, U, seen):
        self.E, self.W, self.U = (np.asarray(v, float) for v in (E, W, U))
        self.seen = np.asarray(seen, bool)

    def logits(self) -> np.ndarray:
        """All logits [a, b, c], shape (p, p, p)."""
        return np.maximum((self.E[:, None] + self.E) @ self.W, 0) @ self.U


def load_adder() -> Adder:
    """The trained network from the course's assets, an Adder."""
    return Adder(**assets.arrays("two_mysteries/network.npz"))


def circle(E: np.ndarray, k: int) -> np.ndarray:
    """The embedding seen in the plane of frequency k, shape (p, 2): number 0 on the right, scaled to mean radius 1.

    The plane is spanned by Σ_a E_a cos(2πka/p) and Σ_a E_a sin(2πka/p).
    """
    angle = 2 * np.pi * k * np.arange(len(E)) / len(E)
    centred = E - E.mean(axis=0)
    plane, r = np.linalg.qr(centred.T @ np.stack([np.cos(angle), np.sin(angle)], axis=-1))
    seen = centred @ (plane * np.sign(np.diag(r)))
    return seen / np.linalg.norm(seen, axis=1).mean()


def by_distance(logits: np.ndarray) -> np.ndarray:
    """Logits [a, b, c], less their mean over c, as an array [a, b, d] with d = c − a − b mod p; shape (p, p, p)."""
    a, b, d = np.indices(logits.shape)
    return (logits - logits.mean(axis=-1, keepdims=True))[a, b, (a + b + d) % len(logits)]
