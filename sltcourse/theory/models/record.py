"""What is written down of a model whose learning coefficient is known: one record for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.numpy import NumPyPrinter

from sltcourse.theory.density import Density


@dataclass(frozen=True)
class Model:
    """A loss or a model with a uniform prior on a box, and its learning coefficient.

    name, latex : what it is called, and its loss or its density in LaTeX.
    variables : the d parameters, sympy symbols in the order of the columns of w.
    ideal : sympy expressions f_i in ``variables``, 0 at ``point``. Near that point K lies between two positive
        multiples of Σ f_i². Empty where K is no such sum.
    point : a point of the zero set, d numbers, where the smallest λ is attained.
    lam, m : λ and its multiplicity, exact. Where there is a box: the smallest λ of all zeros in it, and the largest m
        among those. Where there is none: of ``point``, as the truth.
    source : where λ and m come from, a derivation in a sentence or the paper that has it.
    box : ((low, high), …), one pair a parameter; None where no K is given.
    K : the population loss, an array (N, d) to (N,), to the relative accuracy of float64 down to 10⁻³⁰: a tiny K is
        never a difference of large numbers, unless the zero set itself runs through points that float64 cannot tell
        apart. None where only the density is given.
    density : a function without arguments that makes the exact `Density`, in its smallest instance: its inputs or its
        number of draws may be others than those of K, the ideal is the same. None where there is none.
    """

    name: str
    latex: str
    variables: tuple[sp.Symbol, ...]
    ideal: tuple[sp.Expr, ...]
    point: tuple[Any, ...]
    lam: Fraction
    m: int
    source: str
    box: tuple[tuple[float, float], ...] | None = None
    K: Callable[[np.ndarray], np.ndarray] | None = None
    density: Callable[[], Density] | None = None

    @property
    def d(self) -> int:
        """The number of parameters."""
        return len(self.variables)

    @property
    def sum_of_squares(self) -> sp.Expr:
        """Σ f_i² of the ideal: K itself, or what K compares with near ``point``."""
        return sp.Add(*(f**2 for f in self.ideal))


def cube(d: int, side: float = 1.0) -> tuple[tuple[float, float], ...]:
    """The box [−side, side]^d."""
    return ((-side, side),) * d


class _Products(NumPyPrinter):  # type: ignore[misc]  # sympy is not annotated
    """Writes powers as products and squares, which numpy computes several times faster than other powers."""

    def _print_Pow(self, expr: sp.Pow, rational: bool = False) -> str:
        base, power = expr.as_base_exp()
        if not (power.is_Integer and power > 2):
            return super()._print_Pow(expr, rational=rational)
        half, odd = divmod(int(power), 2)
        square = f"({self._print(base**half)})**2"
        return f"({self.parenthesize(base, 100)}*{square})" if odd else f"({square})"


def squares(variables: Sequence[sp.Symbol], ideal: Sequence[sp.Expr]) -> Callable[[np.ndarray], np.ndarray]:
    """Σ f_i² of polynomials f_i as a function from arrays (N, d) to (N,).

    A polynomial is computed as it is written: (x − y)(x + y) keeps the relative accuracy that x² − y² loses.
    ``variables``: the d symbols, in the order of the columns; ``ideal``: the f_i.
    """
    settings = {"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True}
    values = sp.lambdify(variables, list(ideal), modules="numpy", printer=_Products(settings))

    def K(w: np.ndarray) -> np.ndarray:
        first, *others = values(*np.asarray(w).T)
        total = first**2
        for f in others:
            total += f**2
        return total

    return K
