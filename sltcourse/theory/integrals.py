"""Sums and integrals of densities in closed form, within a time limit, and short forms of expressions."""

from collections.abc import Mapping

import sympy as sp

from sltcourse.theory.limits import within

SECONDS = 5.0  # of processor time: the longest that sympy may think about one matrix or simplification
Supports = Mapping[sp.Symbol, sp.Set]


def integral(expression: sp.Expr, variables: Supports) -> sp.Expr | None:
    """∫ or Σ over all variables, exactly: an expression, oo if it diverges, or None if there is no closed form."""
    for x, support in reversed(list(variables.items())):
        if support is sp.S.Reals:
            value = _gaussian_integral(expression, x)
            if value is None:
                value = sp.integrate(expression, (x, -sp.oo, sp.oo), conds="none")
        elif isinstance(support, sp.Interval):
            value = sp.integrate(expression, (x, support.start, support.end), conds="none")
        else:
            value = _series(expression, x, support.inf)
        if value is None or value.has(sp.Integral, sp.Sum):
            return None
        expression = value
    return expression


def centred(p: sp.Expr, *others: sp.Expr, variables: Supports) -> list[sp.Expr]:
    """Where p is a bell in a real variable x, all expressions in terms of x minus its mean: small ones stay small."""
    expressions = [p, *others]
    for x in reversed([x for x, support in variables.items() if support is sp.S.Reals]):
        slope = sp.diff(expressions[0], x) / expressions[0]
        curvature = sp.diff(slope, x)
        if slope.is_polynomial(x) and curvature != 0 and not curvature.has(x):
            mean = sp.expand(-slope.subs(x, 0) / curvature)
            expressions = [e.subs(x, x + mean) for e in expressions]
    return expressions


def _gaussian_integral(expression: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """∫ over the real line of Σ_k polynomial_k(x)·exp(−A_k x² + B_k x + C_k); None for any other integrand."""
    groups: dict[sp.Expr, sp.Expr] = {}
    constant, moving = expression.as_independent(x, as_Add=False)
    for term in sp.Add.make_args(sp.expand(moving, power_exp=False)):
        factor, exponent = sp.Integer(1), sp.Integer(0)
        for part in sp.Mul.make_args(term):
            if isinstance(part, sp.exp):
                exponent += part.args[0]
            else:
                factor *= part
        exponent = sp.expand(exponent)
        if not (factor.is_polynomial(x) and exponent.is_polynomial(x) and sp.degree(exponent, x) <= 2):
            return None
        groups[exponent] = groups.get(exponent, 0) + factor
    total = sp.Integer(0)
    for exponent, factor in groups.items():
        c, b, a = (exponent.coeff(x, k) for k in range(3))
        if a.is_nonnegative and sp.simplify(constant * factor) != 0:
            return sp.oo
        if not a.is_negative:
            return None
        mean, variance = -b / (2 * a), -1 / (2 * a)
        mass = sp.sqrt(2 * sp.pi * variance) * sp.exp(sp.expand(c - b**2 / (4 * a)))
        total += mass * sum(k * _gaussian_moment(n, mean, variance) for (n,), k in sp.Poly(factor, x).terms())
    return constant * sp.powsimp(sp.expand(total, power_exp=False))


def _gaussian_moment(n: int, mean: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """E[X^n] for X ~ N(mean, variance)."""
    return sum(
        sp.binomial(n, 2 * k) * sp.factorial2(2 * k - 1) * variance**k * mean ** (n - 2 * k) for k in range(n // 2 + 1)
    )


def _series(expression: sp.Expr, n: sp.Symbol, start: sp.Expr) -> sp.Expr:
    """Σ over n = start, start + 1, …; oo if the terms grow, None if there is no closed form."""
    total = sp.Integer(0)
    for term in sp.Add.make_args(sp.powsimp(sp.expand(expression))):
        growth = sp.limit(sp.simplify(sp.gammasimp(term.subs(n, n + 1) / term)), n, sp.oo)
        if growth.is_number and abs(growth) > 1:
            return sp.oo
        polynomial = sp.powsimp(sp.simplify(term / growth**n)) if growth != 0 else term
        if polynomial.is_polynomial(n) and growth != 1:
            total += _geometric_series(sp.Poly(polynomial, n), growth, start)
        else:
            total += sp.summation(term, (n, start, sp.oo))
    return total


def _geometric_series(polynomial: sp.Poly, ratio: sp.Expr, start: sp.Expr) -> sp.Expr:
    """Σ_{n ≥ start} polynomial(n)·ratioⁿ for |ratio| < 1, from Σ n(n−1)⋯(n−k+1) rⁿ = k! rᵏ/(1−r)^(k+1)."""
    shifted = sp.Poly(polynomial.as_expr().subs(polynomial.gen, polynomial.gen + start), polynomial.gen)
    total, k = sp.Integer(0), 0
    while not shifted.is_zero:
        shifted, value = sp.div(shifted, sp.Poly(polynomial.gen - k, polynomial.gen))
        total += value.as_expr() * sp.factorial(k) * ratio**k / (1 - ratio) ** (k + 1)
        k += 1
    return ratio**start * total


def simplify(expression: sp.Expr) -> sp.Expr:
    """sympy's simplify, or the expression as it is where that takes too long."""
    try:
        return within(SECONDS, sp.simplify, expression)
    except TimeoutError:
        return expression


def tidy(expression: sp.Expr) -> sp.Expr:
    """A short form found quickly and always the same: fractions cancelled, logs of numbers undone."""
    if expression.is_number:
        exact = expression.rewrite(sp.exp)
        return exact if exact.is_Rational else sp.expand(expression)
    return sp.factor(expression)


def expand(expression: sp.Expr) -> sp.Expr:
    """Products of sums multiplied out; powers stay as they are."""
    return sp.expand(expression, power_exp=False, power_base=False)
