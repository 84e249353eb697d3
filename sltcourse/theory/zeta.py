"""The zeta function ζ(z) = ∫ K(w)^z φ(w) dw of a monomial, in closed form: its poles are λ and m.

For K = c·w_1^{2k_1} … w_d^{2k_d} on the box |w_j| ≤ b_j and the prior density φ(w) ∝ Π|w_j|^{h_j} the integral is a
product of integrals in one variable. With C = c·Π b_j^{2k_j}, the largest value of K,

    ζ(z) = C^z Π_j (h_j + 1)/(2k_j z + h_j + 1),    poles at z = −(h_j + 1)/(2k_j).

The largest pole is −λ and its order is m. Every pole −μ of order r adds terms ε^μ (−log ε)^{r−1}, …, ε^μ to the
volume V(ε) of {K ≤ ε} under φ, and for a monomial these are all there are:

    V(ε) = Σ over the poles of Res ζ(z) ε^{−z}/(−z),   for 0 < ε ≤ C.

Source: Watanabe 2009 (zeta function, state density).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import sympy as sp

from sltcourse.theory.germ import Prior, check_prior, check_variables, exact_number, polynomials_at
from sltcourse.theory.real_zeros import sign

z, epsilon = sp.Symbol("z"), sp.Symbol("epsilon", positive=True)


class Pole(NamedTuple):
    """A pole of ζ: ``location`` z₀ < 0, ``order`` r, and ``laurent``: the coefficients (c_{−r}, …, c_{−1}).

    They belong to (z − z₀)^k; the last of them is the residue."""

    location: Fraction
    order: int
    laurent: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class MonomialZeta:
    """ζ(z) of K = c·Π w_j^{2k_j} on a box, made by `monomial_zeta`.

    powers : the exponents 2k_j of K. prior : the h_j. largest : C, the largest value of K on the box.
    """

    powers: tuple[Fraction, ...]
    prior: tuple[Fraction, ...]
    largest: sp.Expr

    @property
    def expression(self) -> sp.Expr:
        """ζ as a sympy expression in `zeta.z`."""
        pairs = [(_rational(k), _rational(h) + 1) for k, h in zip(self.powers, self.prior, strict=True)]
        return self.largest**z * sp.prod(h / (k * z + h) for k, h in pairs)

    @cached_property
    def poles(self) -> tuple[Pole, ...]:
        """All poles, the largest first: a tuple of `Pole`."""
        found = sorted({(h + 1) / k for k, h in zip(self.powers, self.prior, strict=True) if k})
        return tuple(self._pole(-location) for location in found)

    @property
    def learning_coefficient(self) -> Fraction:
        """λ (the real log canonical threshold, RLCT), minus the largest pole: min_j (h_j + 1)/(2k_j), a Fraction."""
        return -self.poles[0].location

    @property
    def multiplicity(self) -> int:
        """m, the order of the largest pole: the number of j that attain the minimum."""
        return self.poles[0].order

    @cached_property
    def volume(self) -> sp.Expr:
        """V(ε), the prior probability of K ≤ ε, for 0 < ε ≤ C: an exact sympy expression in `zeta.epsilon`."""
        terms = []
        for location, order, laurent in self.poles:
            kernel, at = epsilon**-z / -z, {z: _rational(location)}
            for r in range(1, order + 1):
                terms.append(laurent[order - r] * sp.diff(kernel, z, r - 1).subs(at) / sp.factorial(r - 1))
        return sp.expand(sum(terms))

    def _pole(self, location: Fraction) -> Pole:
        at = {z: _rational(location)}
        here = [k for k, h in zip(self.powers, self.prior, strict=True) if k and location == -(h + 1) / k]
        regular = sp.cancel(self.expression / self.largest**z * (z - at[z]) ** len(here)) * self.largest**z
        order = len(here)
        laurent = [sp.diff(regular, z, r).subs(at) / sp.factorial(r) for r in range(order)]
        return Pole(location, order, tuple(sp.simplify(c) for c in laurent))


def monomial_zeta(K: sp.Expr, variables: Sequence[sp.Symbol], prior: Prior = None, box: Any = 1) -> MonomialZeta:
    """The zeta function of a monomial K = c·Π w_j^{2k_j}, c > 0, on |w_j| ≤ b_j: a `MonomialZeta`.

    K, variables, prior : as in `newton.learning_coefficient`; φ ∝ Π|w_j|^{h_j} is normalised on the box.
    box : b_j > 0, one exact number or one for each variable.

    Raises TypeError and ValueError as there, ValueError for what is no such monomial, and for box ≤ 0.

    >>> import sympy as sp
    >>> from sltcourse.theory.zeta import monomial_zeta
    >>> a, b = sp.symbols("a b")
    >>> zeta = monomial_zeta(a**2 * b**2, [a, b])
    >>> zeta.learning_coefficient, zeta.multiplicity
    (Fraction(1, 2), 2)
    >>> zeta.expression
    (2*z + 1)**(-2)
    >>> zeta.volume
    -sqrt(epsilon)*log(epsilon)/2 + sqrt(epsilon)
    """
    variables = check_variables(variables)
    origin = [sp.Integer(0)] * len(variables)
    (f,) = polynomials_at([K], variables, origin)
    if len(f) != 1 or sign(f.LC, f.ring.domain) < 0 or any(e % 2 for e in f.monoms()[0]) or f.is_ground:
        raise ValueError(
            f"{K} is no monomial c·Π w^(2k) with c > 0: blow up first, until K is one in every chart, up to a unit"
        )
    sides = [exact_number(b, "box") for b in (box if isinstance(box, list | tuple) else [box] * len(variables))]
    if len(sides) != len(variables) or not all(b > 0 for b in sides):
        raise ValueError(f"box must be one positive number, or {len(variables)} of them: |w_j| ≤ b_j")
    powers = tuple(map(Fraction, f.monoms()[0]))
    largest = f.ring.domain.to_sympy(f.LC) * sp.prod(b**k for b, k in zip(sides, f.monoms()[0], strict=True))
    return MonomialZeta(powers, check_prior(prior, variables, origin), largest)


def _rational(x: Fraction) -> sp.Rational:
    return sp.Rational(x.numerator, x.denominator)
