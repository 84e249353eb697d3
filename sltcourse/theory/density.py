"""Statistical models as exact densities: p(x|w), or p(y|x,w)·q(x), checked as they are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from sltcourse.theory.germ import as_expression
from sltcourse.theory.integrals import SECONDS, Supports, centred, integral
from sltcourse.theory.limits import within
from sltcourse.theory.outcomes import DIGITS, Assignment, assignments, evaluator, names_of, sample_points, shown, split


@dataclass(frozen=True)
class Density:
    """A statistical model p(x|w), or p(y|x,w)·q(x), checked as it is made.

    pdf : sympy expression, the density (or probability) of `variables` given the parameters and the inputs.
    variables : {symbol: support}; a support is sp.S.Reals, an sp.Interval, an sp.FiniteSet of numbers,
        sp.S.Naturals0 or sp.S.Naturals.
    parameters : {symbol: set}, the box W; or a list of symbols, each ranging over the real line.
    inputs, input_pdf : for a conditional model, {symbol: support} of x and its density q(x), free of parameters.

    Raises TypeError for something that is no symbol, set or expression; ValueError for an unknown or repeated symbol, a
    density that is negative somewhere, or one that does not integrate (or sum) to 1 for every w in W.
    """

    pdf: sp.Expr
    variables: Supports
    parameters: Supports
    inputs: Supports = field(default_factory=dict)
    input_pdf: sp.Expr = sp.S.One

    def __post_init__(self) -> None:
        for name, value in {
            "pdf": _expression(self.pdf, "pdf"),
            "variables": _supports(self.variables, "variables"),
            "parameters": _supports(_ranges(self.parameters), "parameters"),
            "inputs": _supports(self.inputs, "inputs"),
            "input_pdf": _expression(self.input_pdf, "input_pdf"),
        }.items():
            object.__setattr__(self, name, value)
        if not self.variables:
            raise ValueError("A density needs at least one variable, for example {x: sympy.S.Reals}.")
        if not self.parameters:
            raise ValueError("A model needs at least one parameter, for example [w].")
        _check_symbols(self)
        _check_density(self.pdf, self.variables, {**self.inputs, **self.parameters}, "p")
        if self.inputs:
            _check_density(self.input_pdf, self.inputs, {}, "q")

    @property
    def dimension(self) -> int:
        """d, the number of parameters."""
        return len(self.parameters)

    @property
    def observed(self) -> dict[sp.Symbol, sp.Set]:
        """All that is seen, {symbol: support}: the inputs first, then the variables."""
        return {**self.inputs, **self.variables}

    @property
    def joint(self) -> sp.Expr:
        """q(x)·p(y|x,w), or p(x|w) where there are no inputs."""
        return self.input_pdf * self.pdf


def regression(
    mean: sp.Expr | Sequence[sp.Expr],
    inputs: Mapping[sp.Symbol, sp.Set],
    parameters: Mapping[sp.Symbol, sp.Set] | Sequence[sp.Symbol],
    input_pdf: sp.Expr | None = None,
) -> Density:
    """y = f(x,w) + N(0,1): the conditional model of a regression function (or a list of them, one per output).

    `mean` is f, or the list; `parameters` as in `Density`. `inputs` is {symbol: support}; where every support is an
    sp.FiniteSet, `input_pdf` may be left out and x is uniform on their product. The outputs are y, or y1, y2, … for a
    list. Raises ValueError where x has other supports and no `input_pdf`, and as `Density`.

    >>> import sympy as sp
    >>> from sltcourse.theory.density import regression
    >>> a, b, x = sp.symbols("a b x", real=True)
    >>> model = regression(a * b * x, {x: sp.FiniteSet(-1, 1)}, [a, b])
    >>> model.dimension
    2
    """
    means = list(mean) if isinstance(mean, Sequence | sp.MatrixBase) else [mean]
    means = [_expression(f, "mean") for f in means]
    names = ["y"] if len(means) == 1 else [f"y{i + 1}" for i in range(len(means))]
    outputs = [sp.Symbol(name, real=True) for name in names]
    inputs = _supports(inputs, "inputs")
    if input_pdf is None:
        if not all(isinstance(support, sp.FiniteSet) for support in inputs.values()):
            raise ValueError("Say how x is drawn: give input_pdf, or let every input range over an sp.FiniteSet.")
        input_pdf = sp.Rational(1, int(np.prod([len(support) for support in inputs.values()])))
    pdf = sp.prod([normal(y, f) for y, f in zip(outputs, means, strict=True)])
    return Density(pdf, dict.fromkeys(outputs, sp.S.Reals), _ranges(parameters), inputs, input_pdf)


def normal(x: sp.Expr, mean: sp.Expr) -> sp.Expr:
    """The density of N(mean, 1) at x, as a sympy expression.

    >>> import sympy as sp
    >>> from sltcourse.theory.density import normal
    >>> normal(sp.Symbol("x"), sp.Symbol("w"))
    sqrt(2)*exp(-(-w + x)**2/2)/(2*sqrt(pi))
    """
    return sp.exp(-((x - mean) ** 2) / 2) / sp.sqrt(2 * sp.pi)


def reparametrise(
    density: Density,
    maps: Mapping[sp.Symbol, sp.Expr],
    parameters: Mapping[sp.Symbol, sp.Set] | Sequence[sp.Symbol],
) -> Density:
    """The same model in other coordinates: w = g(u).

    `maps` is {w_i: g_i(u)} for every parameter of `density`, `parameters` the box of u (or a list of symbols). Fisher
    matrices are related by I_u(u) = Jᵀ I_w(g(u)) J with J = ∂g/∂u, so the rank is the same wherever J is invertible.
    Raises ValueError where a g is missing or is that of no parameter.
    """
    missing = [w for w in density.parameters if w not in maps]
    if missing or len(maps) != density.dimension:
        raise ValueError(f"Give g for each of the parameters {names_of(density.parameters)} and for nothing else.")
    pdf = density.pdf.subs({w: _expression(g, f"the map of {w}") for w, g in maps.items()}, simultaneous=True)
    return Density(pdf, density.variables, _ranges(parameters), density.inputs, density.input_pdf)


def _expression(value: Any, what: str) -> sp.Expr:
    try:
        return as_expression(value, what)
    except TypeError:
        raise TypeError(f"{what} must be a sympy expression in the variables and parameters.") from None


def _ranges(parameters: Supports | Sequence[sp.Symbol] | sp.Symbol) -> Supports:
    """The sets of the parameters; those that are only listed range over the real line."""
    if isinstance(parameters, Mapping):
        return parameters
    symbols = list(parameters) if isinstance(parameters, Sequence) else [parameters]
    if len(set(symbols)) < len(symbols):
        raise ValueError(f"A parameter is given twice: {names_of(symbols)}.")
    return dict.fromkeys(symbols, sp.S.Reals)


def _supports(sets: Mapping[sp.Symbol, sp.Set], what: str) -> dict[sp.Symbol, sp.Set]:
    if not isinstance(sets, Mapping):
        raise TypeError(f"{what} must be a mapping {{symbol: support}}, for example {{x: sympy.S.Reals}}.")
    for symbol, support in sets.items():
        if not isinstance(symbol, sp.Symbol):
            raise TypeError(f"{symbol!r} in {what} is no sympy symbol: make it with sympy.symbols.")
        numbers = isinstance(support, sp.FiniteSet) and all(value.is_Rational for value in support)
        known = support in (sp.S.Reals, sp.S.Naturals0, sp.S.Naturals) or isinstance(support, sp.Interval)
        if not (known or numbers):
            raise TypeError(
                f"The support of {symbol} must be sympy.S.Reals, an sympy.Interval, an sympy.FiniteSet of rational "
                f"numbers, sympy.S.Naturals0 or sympy.S.Naturals, and not {support}."
            )
    return dict(sets)


def _check_symbols(density: Density) -> None:
    groups = [density.variables, density.inputs, density.parameters]
    names = [symbol.name for group in groups for symbol in group]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        twice = ", ".join(repeated)
        raise ValueError(f"{twice} stands for two things: each variable, input and parameter needs a name of its own.")
    allowed = {symbol for group in groups for symbol in group}
    for expression, scope, what in (
        (density.pdf, allowed, "the density"),
        (density.input_pdf, set(density.inputs), "input_pdf"),
    ):
        unknown = sorted(expression.free_symbols - scope, key=str)
        twins = [symbol for symbol in unknown if symbol.name in names]
        if twins:
            raise ValueError(
                f"{names_of(twins)} in {what} has the name but not the assumptions (real, positive, …) of a declared "
                "symbol, or may not appear there: sympy takes them for different symbols. Make each symbol once."
            )
        if unknown:
            raise ValueError(
                f"Unknown symbol {names_of(unknown)} in {what}: declare it as a variable, an input or a parameter."
            )


def _check_density(pdf: sp.Expr, variables: Supports, others: Supports, name: str) -> None:
    """ValueError unless pdf ≥ 0 at sampled points and its total mass over `variables` is 1 for all of `others`."""
    settings = sample_points(others, 3)
    evaluate = evaluator([pdf], [*variables, *others])
    for values in sample_points(variables, 30, 29):
        for setting in settings:
            (value,) = evaluate({**values, **setting})
            where = shown({**values, **setting})
            if mpmath.im(value) != 0 or not mpmath.isfinite(value):
                raise ValueError(f"The density {name} is no finite real number at {where}.")
            if mpmath.re(value) < 0:
                raise ValueError(f"The density {name} is negative at {where}: {mpmath.nstr(value, 4)}.")

    def total_mass() -> tuple[sp.Expr | None, bool]:
        total = _mass(pdf, variables)
        return total, total is not None and sp.simplify(total - 1) == 0

    try:
        total, known = within(SECONDS / 2, total_mass)
        if known:
            return
    except (TimeoutError, NotImplementedError):
        total = None
    for setting in settings:
        mass = None if total is None else total.subs(setting).evalf(DIGITS // 3)
        if mass is None or not abs(mass - 1) < 1e-12:  # sympy may have integrated on a wrong branch, as of √(a²)
            number = _numerical_mass(pdf.subs(setting), variables)
            mass = number if mass is None or not mass > 0 or abs(number - 1) < 1e-12 else mass
        if not abs(mass - 1) < 1e-12:
            where = f" at {shown(setting)}" if setting else ""
            raise ValueError(
                f"The density {name} is not normalised: its total mass{where} is {sp.N(mass, 6)}, not 1. "
                "Divide by the normalising constant."
            )


def _mass(pdf: sp.Expr, variables: Supports) -> sp.Expr | None:
    """The total mass in closed form, or None if there is none."""
    finite, rest = split(variables)
    total = sp.Integer(0)
    for values in assignments(finite):
        (moved,) = centred(pdf.subs(values), variables=rest)
        part = integral(moved, rest)
        if part is None:
            return None
        total += part
    return total


def _numerical_mass(pdf: sp.Expr, variables: Supports) -> sp.Float:
    """Total mass by quadrature and summation with 20 digits."""
    finite, rest = split(variables)
    evaluate = sp.lambdify(list(rest), pdf, "mpmath") if not finite else None

    def inner(f: Callable[..., Any], remaining: Sequence[sp.Set]) -> Any:
        if not remaining:
            return f()
        support, *later = remaining

        def slice_(value: mpmath.mpf) -> Any:
            return inner(lambda *more: f(value, *more), later)

        if isinstance(support, sp.Interval) or support is sp.S.Reals:
            ends = [mpmath.mpf(str(sp.N(end, 25)).replace("oo", "inf")) for end in (support.inf, support.sup)]
            middle = [0] if ends[0] < 0 < ends[1] else []
            return mpmath.quad(slice_, [ends[0], *middle, ends[1]])
        return mpmath.nsum(slice_, [int(support.inf), mpmath.inf])

    with mpmath.workdps(20):
        total = mpmath.mpf(0)
        for values in assignments(finite):
            f = evaluate or sp.lambdify(list(rest), pdf.subs(values), "mpmath")
            total += inner(f, list(rest.values()))
    return sp.Float(total, 20)


def checked_point(density: Density, point: Any, symbolic: bool = False) -> Assignment:
    """The point as {parameter: exact value}, checked; with `symbolic`, values may be expressions or left out.

    Raises ValueError for what is no point of the box of `density`.
    """
    parameters = list(density.parameters)
    if isinstance(point, np.ndarray):
        point = point.tolist()
    if not isinstance(point, Mapping):
        if isinstance(point, str) or not isinstance(point, Sequence | sp.MatrixBase) or len(point) != len(parameters):
            count = _count(parameters, "coordinate")
            raise ValueError(f"A point has {count} here, in the order {names_of(parameters)}.")
        point = dict(zip(parameters, point, strict=True))
    unknown = [w for w in point if w not in parameters]
    missing = [w for w in parameters if w not in point]
    if unknown or (missing and not symbolic):
        lists = f"unknown: {names_of(unknown) or 'none'}; missing: {names_of(missing) or 'none'}"
        raise ValueError(f"The point must give {names_of(parameters)} ({lists}).")
    at = {}
    for w, value in point.items():
        value = sp.Rational(str(value)) if isinstance(value, float) and np.isfinite(value) else _exact_value(value, w)
        number = value.is_number and value.is_real and value.is_finite
        if not number and not (symbolic and value.free_symbols):
            raise ValueError(f"{w} = {value} is no real number: give an exact one, for example sympy.Rational(1, 2).")
        if number and density.parameters[w].contains(value) == False:  # noqa: E712 (a sympy truth value)
            raise ValueError(f"{w} = {value} lies outside its range {density.parameters[w]}.")
        at[w] = value
    return at


def checked_direction(density: Density, v: Any) -> list[sp.Expr]:
    """The components of a direction `v` in the order of the parameters of `density`; ValueError for what is none."""
    parameters = list(density.parameters)
    if isinstance(v, Mapping):
        unknown = [w for w in v if w not in parameters]
        if unknown:
            raise ValueError(
                f"{names_of(unknown)} is no parameter: the direction has components {names_of(parameters)}."
            )
        v = [v.get(w, 0) for w in parameters]
    if isinstance(v, np.ndarray):
        v = v.tolist()
    if isinstance(v, str) or not isinstance(v, Sequence | sp.MatrixBase) or len(v) != len(parameters):
        count = _count(parameters, "component")
        raise ValueError(f"A direction has {count} here, in the order {names_of(parameters)}.")
    v = [_exact_value(c, w) for w, c in zip(parameters, v, strict=True)]
    if all(c == 0 for c in v):
        raise ValueError("The direction is the zero vector, which moves nothing in any model.")
    return v


def _count(parameters: Sequence[sp.Symbol], what: str) -> str:
    """How many, in words: 1 coordinate, 2 coordinates."""
    return f"{len(parameters)} {what}{'s' * (len(parameters) != 1)}"


def _exact_value(value: Any, name: sp.Symbol) -> sp.Expr:
    """A coordinate or component as a sympy expression; texts and other objects are refused."""
    try:
        return as_expression(value, str(name))
    except TypeError:
        raise ValueError(
            f"What is given for {name} is no real number: give an exact one, such as sympy.Rational(1, 2)."
        ) from None
