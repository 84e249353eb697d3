"""The two-well models of lesson 06, and where they change over."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from sltcourse.lessons.free_energy.wells import TwoWellLoss
from sltcourse.theory.asymptotics import TwoWells, Well, power_integral
from sltcourse.theory.quadrature import Posterior

# ---- the curve: one parameter, two wells -----------------------------------------------------------------------------


BOX = (-1.0, 1.2)  # the prior is uniform here
HEIGHT, SPEED = 0.12, 6.0  # of the curve below
GAP = HEIGHT**2 / 2  # ΔL, the loss of the simple well above that of the accurate one


def mean(w: ArrayLike) -> np.ndarray:
    """The mean (h(1 − w⁸), c w³(1 − w)) of the curve model x ~ N(mean(w), I₂), h = 0.12, c = 6; shape (2, …).

    At w = 1 it is the truth, (0, 0), passed at speed 6.08. At w = 0 it stops at (0.12, 0): a singular point.
    """
    w = np.asarray(w, float)
    return np.array([HEIGHT * (1 - w**8), SPEED * w**3 * (1 - w)])


def K(w: np.ndarray) -> np.ndarray:
    """The divergence ½|mean(w)|² of the truth N(0, I₂) from the curve model, for w of shape (N, 1); shape (N,)."""
    return np.sum(mean(w[:, 0]) ** 2, axis=0) / 2


RIDGE = 0.75  # between the wells, where w³(1 − w) is largest: here the two regions meet
CURVE = TwoWellLoss(K, BOX, (0.0, 1.0), RIDGE, (1 / 6, 1 / 2))
WELLS = (0.0, RIDGE, 1.0)  # breakpoints for the quadrature


def curve_posterior(n: ArrayLike, beta: ArrayLike = 1.0) -> Posterior:
    """The posterior of the curve model for one or many n (and β)."""
    return Posterior(K, [BOX], n, beta=beta, breakpoints=WELLS)


def well_free_energies(posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """(F of the simple well, F of the accurate well) of the curve model; the two meet at the ridge."""
    simple = posterior.region_free_energy(lambda w: w[:, 0] < RIDGE)
    accurate = posterior.region_free_energy(lambda w: w[:, 0] > RIDGE)
    return simple.value, accurate.value


# ---- two wells in general --------------------------------------------------------------------------------------------


CHARTS_GAP, CUBE_GAP = 0.002, 0.005  # ΔL of the two models below


def _charts_exact(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # both losses are even in either coordinate, so the quarter [0, 1]² has the averages of the square [−1, 1]²
    simple = Posterior(lambda w: CHARTS_GAP + (w[:, 0] * w[:, 1]) ** 2 / 2, [(0, 1)] * 2, n)
    accurate = Posterior(lambda w: (w[:, 0] ** 2 + w[:, 1] ** 2) / 2, [(0, 1)] * 2, n)
    return simple.free_energy.value, accurate.free_energy.value


def _cube_exact(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    simple = Posterior(lambda w: CUBE_GAP + w[:, 0] ** 6 / 2, [(-1, 1)], n)
    accurate = Posterior(lambda w: w[:, 0] ** 2 / 2, [(-1, 1)], n)
    return simple.free_energy.value, 3 * accurate.free_energy.value  # three independent coordinates


MODELS = {
    "curve": TwoWells(
        Well(GAP, 1 / 6, constant=power_integral(3, SPEED**2 / 2, BOX[1] - BOX[0])),
        Well(0.0, 1 / 2, constant=power_integral(1, (SPEED**2 + 64 * HEIGHT**2) / 2, BOX[1] - BOX[0])),
        lambda n: well_free_energies(curve_posterior(n)),
    ),
    "two charts": TwoWells(
        Well(CHARTS_GAP, 1 / 2, m=2, constant=np.sqrt(2 * np.pi) / 4, shift=-np.log(2) - digamma(1 / 2)),
        Well(0.0, 1.0, constant=power_integral(1, 1 / 2, 2) ** 2),
        _charts_exact,
    ),
    "cube and cubic": TwoWells(
        Well(CUBE_GAP, 1 / 6, constant=power_integral(3, 1 / 2, 2)),
        Well(0.0, 3 / 2, constant=power_integral(1, 1 / 2, 2) ** 3),
        _cube_exact,
    ),
}
