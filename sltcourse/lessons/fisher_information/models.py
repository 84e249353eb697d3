"""What the figures of lesson 01 compute: a small network, the families' certificates, steps away from a singularity."""

import itertools

import numpy as np
import sympy as sp

from sltcourse.kit import style
from sltcourse.progress import progress
from sltcourse.theory.fisher import Certificate, certify
from sltcourse.theory.models.families import FAMILIES, Family

# ---- one parameter ---------------------------------------------------------------------------------------------------


def bell(x: float | np.ndarray, mean: float | np.ndarray) -> np.ndarray:
    """The density of N(mean, 1) at x."""
    return np.exp(-((x - mean) ** 2) / 2) / np.sqrt(2 * np.pi)


# ---- two parameters --------------------------------------------------------------------------------------------------


def network(a: float | np.ndarray, b: float | np.ndarray, x: float | np.ndarray) -> np.ndarray:
    """f(x, w) = a·tanh(b x), broadcast over its arguments."""
    return a * np.tanh(b * x)


def axes_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (…, 2), weaker first, and unit eigenvectors (…, 2, 2) as rows, of symmetric matrices (…, 2, 2).

    The weaker direction points to larger a, the stronger one to larger b (or a) where that is free to choose.
    """
    values, vectors = np.linalg.eigh(matrix)
    rows = np.swapaxes(vectors, -1, -2)
    lean = np.where(np.abs(rows[..., 0]) > 1e-9, rows[..., 0], rows[..., 1])
    return np.clip(values, 0, None), rows * np.sign(lean)[..., None]


def short(value: float) -> str:
    """A number ≥ 0 for a caption: 0, 0.25 or 3.1·10⁻⁵."""
    return "0" if value < 1e-12 else f"{value:.2g}" if value >= 1e-3 else style.power(value)


# ---- the families ----------------------------------------------------------------------------------------------------


_certificates: dict[str, tuple[Certificate, Certificate | None]] = {}


def certificates(family: Family) -> tuple[Certificate, Certificate | None]:
    """The family's certificates at its singular point and at its regular one (None if there is none), made once."""
    if family.name not in _certificates:
        regular = certify(family.density, family.regular) if family.regular else None
        _certificates[family.name] = certify(family.density, family.singular), regular
    return _certificates[family.name]


def certified() -> list[tuple[Family, Certificate, Certificate | None]]:
    """Every family with its two certificates. What an interrupt leaves behind is kept for the next call."""
    every = progress(FAMILIES, "certifying the families")
    return [(family, *certificates(family)) for family in (make() for make in every)]


class View:
    """A density as something to draw and to compare: a row of numbers for every w.

    `shown(w)` returns the numbers: probabilities, a density on a grid, or the regression function; `label` says which.
    `divergence(v, w)` is K = KL(p(·|v) ‖ p(·|w)).
    """

    def __init__(self, density):
        parameters = list(density.parameters)
        finite = all(isinstance(support, sp.FiniteSet) for support in density.observed.values())
        if density.inputs:
            self._regression(density, parameters)
        elif finite or sp.S.Naturals0 in density.variables.values() or sp.S.Naturals in density.variables.values():
            self._outcomes(density, parameters)
        else:
            self._curve(density, parameters)

    def _outcomes(self, density, parameters):
        rows = _product({x: s if s.is_finite_set else range(int(s.inf), 60) for x, s in density.variables.items()})
        values = [density.pdf.subs(row) for row in rows]
        values = [value for value in values if value != 0]
        probabilities = sp.lambdify(parameters, values)
        self.measured = lambda w: np.array(probabilities(*w), float)
        count = min(len(values), 10)
        self.shown, self.discrete = lambda w: self.measured(w)[:count], True
        first = "" if count == len(values) else "first "
        self.label = f"probabilities of the {first}{count} outcomes"
        self.divergence = lambda v, w: _kullback(self.measured(v), self.measured(w))
        self.weights = lambda w: 1 / self.measured(w)

    def _curve(self, density, parameters):
        (x,) = density.variables
        grid = np.linspace(-9, 9, 721)
        pdf = sp.lambdify([x, *parameters], density.pdf)
        self.measured = lambda w: pdf(grid, *w)
        inside = np.abs(grid) <= 4
        self.label, self.discrete = "density p(x), x from −4 to 4", False
        self.shown = lambda w: self.measured(w)[inside][::5]
        self.divergence = lambda v, w: _kullback(self.measured(v), self.measured(w)) * (grid[1] - grid[0])
        self.weights = lambda w: (grid[1] - grid[0]) / self.measured(w)

    def _regression(self, density, parameters):
        means = [(sp.diff(density.pdf, y) / density.pdf).subs(y, 0) for y in density.variables]  # of N(f, 1)
        f = sp.lambdify([*density.inputs, *parameters], means)
        rows = [list(map(float, row.values())) for row in _product(density.inputs)]
        self.measured = lambda w: np.array([f(*row, *w) for row in rows], float).ravel()
        self.discrete = len(density.inputs) > 1
        grid = np.linspace(-3, 3, 61)
        self.label = "means of the outputs at each input" if self.discrete else "mean f(x), x from −3 to 3"
        self.shown = self.measured if self.discrete else lambda w: f(grid, *w)[0] + 0 * grid
        self.divergence = lambda v, w: np.sum((self.measured(v) - self.measured(w)) ** 2) / (2 * len(rows))
        self.weights = lambda w: np.full(len(rows) * len(means), 1 / len(rows))

    def strongest(self, w: np.ndarray, h: float = 1e-5) -> np.ndarray:
        """The unit direction in which p moves fastest at w: the top eigenvector of the Fisher matrix."""
        jacobian = np.stack([(self.measured(w + e) - self.measured(w - e)) / (2 * h) for e in h * np.eye(len(w))])
        top = np.linalg.eigh((jacobian * self.weights(w)) @ jacobian.T)[1][:, -1]
        return top * np.sign(top[np.argmax(np.abs(top))])


def _product(sets):
    return [dict(zip(sets, row, strict=True)) for row in itertools.product(*sets.values())]


def _kullback(p, q):
    return float(np.sum(p * np.log(p / q) - p + q))


def _reach(density, w, v):
    """How far w + s·v stays well inside W, at most 1."""
    reach = 1.0
    for value, speed, support in zip(w, v, density.parameters.values(), strict=True):
        if abs(speed) > 1e-9:
            end = float(support.sup if speed > 0 else support.inf)
            reach = min(reach, 0.7 * (end - value) / speed) if np.isfinite(end) else reach
    return reach


class Journey:
    """Steps away from a family's singular point: along its null direction, and in the direction of fastest change.

    The length of a step is a share of the longest that stays well inside W (and is at most 1). For a row of shares,
    `divergences[which]` holds K between the densities before and after, `curves[which]` what is drawn, scaled to
    [0, 1] together with `still`, the picture at the singular point: 0 and 1 stand for the values `low` and `high`.
    `which` is "null" or "fast".
    """

    def __init__(self, family, shares):
        view, start = View(family.density), np.array([float(c) for c in family.singular])
        null = np.array(family.direction, float)
        directions = {"null": null / np.linalg.norm(null), "fast": view.strongest(start)}
        self.shares, self.divergences, self.curves = list(shares), {}, {}
        for which, v in directions.items():
            points = [start + share * _reach(family.density, start, v) * v for share in shares]
            values = np.array([view.divergence(start, w) for w in points])
            self.divergences[which] = np.where(values > 1e-14, values, 0.0)  # below: rounding
            self.curves[which] = np.array([view.shown(w) for w in points])
        self.still, self.label, self.discrete = view.shown(start), view.label, view.discrete
        low = min(0.0, self.still.min(), *(c.min() for c in self.curves.values()))
        high = max(self.still.max(), *(c.max() for c in self.curves.values()))
        self.low, self.high = float(low), float(high)
        self.still = (self.still - low) / (high - low)
        self.curves = {which: (c - low) / (high - low) for which, c in self.curves.items()}
        self.positions = np.linspace(0, 1, len(self.still))

    def divergence(self, which: str, share: float) -> float:
        return float(self.divergences[which][self.shares.index(share)])

    def curve(self, which: str, share: float) -> np.ndarray:
        return self.curves[which][self.shares.index(share)]
