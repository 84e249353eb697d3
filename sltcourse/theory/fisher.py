"""Fisher information, exactly: is a model regular or singular at a parameter?

A model is a `Density`: a sympy expression p(x|w), or p(y|x,w) with inputs x ~ q(x). At a point w

- `fisher_matrix` gives the exact matrix I_ij(w) = E[∂_i log p · ∂_j log p];
- `prove_null` shows by simplification that a direction v leaves p where it is: ∇_v p(x|w) = 0 for all x;
- `certify` finds *all* such directions and proves that there are no others. It needs no integral: the rank of
  w ↦ p(·|w) at w is the number of linearly independent functions ∂_1 p, …, ∂_d p.

The two notions agree where the scores are square integrable: vᵀ I v = E[(∇_v log p)²] is 0 exactly when
∇_v p = 0. Where they are not, I(w) does not exist and `fisher_matrix` raises `InfiniteInformation`.

Source: S. Watanabe, *Algebraic Geometry and Statistical Learning Theory*, Cambridge 2009 (regular: identifiable and
I(w) positive definite).
"""

import ctypes
import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import mpmath
import numpy as np
import sympy as sp

SECONDS = 5.0  # of processor time: the longest that sympy may think about one matrix or simplification
DIGITS = 60  # decimal digits of every numerical check
ZERO = sp.Float(10) ** -30  # what counts as zero at that many digits


class InfiniteInformation(ArithmeticError):
    """A score is not square integrable at the point: the Fisher matrix does not exist there."""


class Undecided(ArithmeticError):
    """No closed form, or no proof, was found in the time allowed."""


# ---------------------------------------------------------------------------------------------- the model


@dataclass(frozen=True)
class Density:
    """A statistical model p(x|w), or p(y|x,w)·q(x), checked as it is made.

    Parameters
    ----------
    pdf : sympy expression, the density (or probability) of `variables` given the parameters and the inputs.
    variables : {symbol: support}; a support is sp.S.Reals, an sp.Interval, an sp.FiniteSet of numbers,
        sp.S.Naturals0 or sp.S.Naturals.
    parameters : {symbol: set}, the box W; or a list of symbols, each ranging over the real line.
    inputs, input_pdf : for a conditional model, {symbol: support} of x and its density q(x), free of parameters.

    Raises
    ------
    TypeError for something that is no symbol, set or expression; ValueError for an unknown or repeated symbol, a
    density that is negative somewhere, or one that does not integrate (or sum) to 1 for every w in W.
    """

    pdf: sp.Expr
    variables: Mapping
    parameters: Mapping
    inputs: Mapping = field(default_factory=dict)
    input_pdf: sp.Expr = sp.S.One

    def __post_init__(self):
        parameters = self.parameters
        if not isinstance(parameters, Mapping):
            parameters = _as_reals(parameters)
        for name, value in {
            "pdf": _expression(self.pdf, "pdf"),
            "variables": _supports(self.variables, "variables"),
            "parameters": _supports(parameters, "parameters"),
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
    def dimension(self):
        """d, the number of parameters."""
        return len(self.parameters)

    @property
    def observed(self):
        """All that is seen, {symbol: support}: the inputs first, then the variables."""
        return {**self.inputs, **self.variables}

    @property
    def joint(self):
        """q(x)·p(y|x,w), or p(x|w) where there are no inputs."""
        return self.input_pdf * self.pdf


def regression(mean, inputs, parameters, input_pdf=None):
    """y = f(x,w) + N(0,1): the conditional model of a regression function (or a list of them, one per output).

    `inputs` is {symbol: support}; where every support is an sp.FiniteSet, `input_pdf` may be left out and x is
    uniform on their product. The outputs are y, or y1, y2, … for a list.
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
    return Density(pdf, dict.fromkeys(outputs, sp.S.Reals), parameters, inputs, input_pdf)


def normal(x, mean):
    """The density of N(mean, 1) at x, as a sympy expression."""
    return sp.exp(-((x - mean) ** 2) / 2) / sp.sqrt(2 * sp.pi)


def reparametrise(density, maps, parameters):
    """The same model in other coordinates: w = g(u).

    `maps` is {w_i: g_i(u)} for every parameter, `parameters` the box of u (or a list of symbols). Fisher matrices
    are related by I_u(u) = Jᵀ I_w(g(u)) J with J = ∂g/∂u, so the rank is the same wherever J is invertible.
    """
    missing = [w for w in density.parameters if w not in maps]
    if missing or len(maps) != density.dimension:
        raise ValueError(f"Give g for each of the parameters {_names(density.parameters)} and for nothing else.")
    pdf = density.pdf.subs({w: sp.sympify(g) for w, g in maps.items()}, simultaneous=True)
    return Density(pdf, density.variables, parameters, density.inputs, density.input_pdf)


# ------------------------------------------------------------------------------------- the Fisher matrix


def fisher_matrix(density, point=None):
    """The exact d×d Fisher matrix I_ij(w) = E[∂_i log p · ∂_j log p], for all w or at a point.

    `point` is {parameter: exact number} or the numbers in the order of the parameters; None leaves w free, and the
    result is meant for those w where the mean exists. A mixture mostly has a closed form at its singular points only.

    Raises InfiniteInformation where a score is not square integrable, Undecided where sympy finds no closed form
    (then `certify` still decides the rank), ValueError for a point that is no point of W.
    """
    at = {} if point is None else _point(density, point)
    where = _assignment(at) or "a general point"
    finite, rest = _split(density.observed)
    matrix = sp.zeros(density.dimension, density.dimension)
    try:
        with time_limit(SECONDS):
            for values in _product(finite):
                joint = density.joint.subs(values)
                p, gradient = joint.subs(at), [sp.diff(joint, w).subs(at) for w in density.parameters]
                if rest:
                    p, *gradient = _centred(p, *gradient, variables=rest)
                if rest and p.is_Add:  # parts of a mixture may coincide here
                    p, *gradient = map(_expand, [p, *gradient])
                _add_outcome(matrix, density, p, gradient, rest, where, values)
    except (TimeoutError, NotImplementedError):
        raise Undecided(
            f"sympy finds no closed form for the Fisher information at {where}. The rank needs no integral: "
            "use certify(density, point)."
        ) from None
    return sp.ImmutableMatrix(matrix.applyfunc(_tidy))


def _add_outcome(matrix, density, p, gradient, rest, where, values):
    """Add ∫ ∂_i p ∂_j p / p over the variables `rest` to each entry of the matrix, the diagonal first."""
    moving = [i for i, g in enumerate(gradient) if g != 0 and (p != 0 or sp.simplify(g) != 0)]
    for i, j in sorted(itertools.combinations_with_replacement(moving, 2), key=lambda ij: ij[0] != ij[1]):
        name = list(density.parameters)[i]
        if p == 0:
            raise InfiniteInformation(
                f"At {where} the outcome {_assignment(values)} has probability 0, but its probability moves with "
                f"{name}: the Fisher information is infinite. The point lies on the edge of the model."
            )
        part = _integrate(gradient[i] * gradient[j] / p, rest)
        if part is None:
            raise NotImplementedError
        if part.has(sp.oo, sp.zoo, sp.nan):
            raise InfiniteInformation(
                f"At {where} the score ∂ log p/∂{name} is not square integrable: its Fisher information is infinite, "
                "so there is no Fisher matrix and no rank. Whether a direction leaves p unchanged needs no integral: "
                "use certify(density, point)."
            )
        matrix[i, j] += part
        if i != j:
            matrix[j, i] += part


# ------------------------------------------------------------------------- directions that leave p unchanged


@dataclass(frozen=True)
class Proof:
    """What became of ∇_v p(x|w): `derivative` as differentiated, `simplified`, and whether that is 0 for all x."""

    derivative: sp.Expr
    simplified: sp.Expr
    holds: bool


def prove_null(density, point, v):
    """Does the direction v leave p unchanged to first order, ∇_v p(x|w) = Σ_i v_i ∂_i p(x|w) = 0 for every x?

    Parameters
    ----------
    point : {parameter: exact value} or values in order. Values may be symbols or expressions (a free parameter may
        also be left out of the mapping): the proof then holds at all these points at once.
    v : d components in the order of the parameters, or {parameter: component}; expressions are welcome.

    Returns a `Proof`. `holds` is True only after an exact simplification to 0 (for finitely many outcomes, outcome
    by outcome), and False only with an outcome at which ∇_v p differs from 0. Raises Undecided in any other case.
    """
    at = _point(density, point, symbolic=True)
    v = _direction(density, v)
    derivative = sum((c * sp.diff(density.pdf, w) for c, w in zip(v, density.parameters, strict=True)), sp.Integer(0))
    derivative = derivative.subs(at, simultaneous=True)
    if derivative.has(sp.zoo, sp.nan):
        raise ValueError(f"At {_assignment(at)} the density has no derivative.")
    if _moves(density, derivative):
        return Proof(derivative, _simplify(derivative), False)
    finite, rest = _split(density.observed)

    def outcome_by_outcome():
        return bool(finite) and all(_vanishes(derivative.subs(values)) for values in _product(finite))

    if (not rest and outcome_by_outcome()) or _vanishes(derivative) or (rest and outcome_by_outcome()):
        return Proof(derivative, sp.Integer(0), True)
    raise Undecided(f"∇_v p is 0 at every outcome tried, but sympy does not simplify it to 0: {derivative}")


def _vanishes(expression):
    routes = (_expand, lambda e: sp.powsimp(_expand(e)), _tidy, _simplify, lambda e: _simplify(e.rewrite(sp.exp)))
    return any(route(expression) == 0 for route in routes)


def _moves(density, derivative):
    """True if the expression is clearly not 0 at some outcome (and some value of what was left free)."""
    free = {w: support for w, support in density.parameters.items() if derivative.has(w)}
    others = derivative.free_symbols - set(free) - set(density.observed)
    free.update(dict.fromkeys(sorted(others, key=str), sp.S.Reals))
    evaluate = _evaluator([derivative], [*density.observed, *free])
    for values in _samples(density.observed, 24, 29):
        for setting in _samples(free, 5):
            (value,) = evaluate({**values, **setting})
            if mpmath.isfinite(value) and abs(value) > ZERO:
                return True
    return False


@dataclass(frozen=True)
class Certificate:
    """Regular or singular at a point, with what proves it.

    dimension : d.
    rank : number of linearly independent functions among ∂_1 p, …, ∂_d p; the rank of I(w) wherever that is finite.
    null : the directions v with ∇_v p = 0 for all x: d − rank linearly independent vectors, each proved by
        `prove_null`.
    outcomes : `rank` outcomes x_k, and
    minor : a determinant of the scores ∂_i log p(x_k|w), not 0: no further direction can be null.
    """

    point: dict
    dimension: int
    rank: int
    null: tuple
    outcomes: tuple
    minor: sp.Float

    @property
    def singular(self):
        """True if some direction leaves p unchanged to first order."""
        return self.rank < self.dimension


def certify(density, point):
    """Decide, with proof, whether the model is singular at a point: all null directions, and the rank.

    The candidates come from arithmetic with 60 digits: scores at many outcomes, and the vectors v orthogonal to
    all of them. Each candidate is then proved by `prove_null`, so rank ≤ d − (number of null directions); a minor
    that is not 0 gives the other inequality. No integral is needed.

    `point` is {parameter: exact number} or the numbers in order. Raises Undecided if a proof fails or a candidate's
    components are recognised neither as rational nor as algebraic numbers (for example sinh 1; `prove_null` takes
    them), ValueError for a point that is no point of W.
    """
    at = _point(density, point)
    outcomes, scores = _score_table(density, at)
    echelon, pivots = scores.rref(iszerofunc=_negligible, simplify=False)
    null = [_null_vector(echelon, pivots, column) for column in range(density.dimension) if column not in pivots]
    for v in null:
        if not prove_null(density, at, v).holds:
            raise Undecided(f"The direction {tuple(v)} looked null at the outcomes tried, but moves p elsewhere.")
    _, rows = scores[:, list(pivots)].T.rref(iszerofunc=_negligible, simplify=False)
    minor = scores[list(rows), list(pivots)].det(method="lu") if pivots else sp.Float(1, DIGITS)
    witnesses = tuple(outcomes[k] for k in rows)
    return Certificate(at, density.dimension, len(pivots), tuple(null), witnesses, sp.Float(minor, 15))


def _negligible(value):
    return abs(value) < ZERO


def _score_table(density, at):
    """Outcomes x_k and the matrix of scores ∂_i log p(x_k|w) at them (where p = 0, of ∂_i p itself)."""
    expressions = [density.pdf] + [sp.diff(density.pdf, w) for w in density.parameters]
    evaluate = _evaluator(expressions, [*density.observed, *at])
    outcomes = _samples(density.observed, 6 * density.dimension + 12, 29)
    rows = []
    for values in outcomes:
        p, *gradient = evaluate({**values, **at})
        with mpmath.workdps(DIGITS):
            scores = [g / p if p else g for g in gradient]
        if not all(map(mpmath.isfinite, scores)):
            where, outcome = _assignment(at), _assignment(values)
            raise ValueError(f"At {where} the density has no derivative at the outcome {outcome}.")
        rows.append([sp.Float(score, DIGITS) for score in scores])
    return outcomes, sp.Matrix(rows)


def _null_vector(echelon, pivots, column):
    """The exact null vector that belongs to one free column of the echelon form: whole numbers, the first positive."""
    v = [sp.Integer(0)] * echelon.cols
    v[column] = sp.Integer(1)
    for row, pivot in enumerate(pivots):
        v[pivot] = _recognise(-echelon[row, column])
    scale = sp.ilcm(1, *(c.q for c in v if c.is_Rational)) * sp.sign(next(c for c in v if c != 0))
    return tuple(scale * c for c in v)


def _recognise(value):
    """The rational or algebraic number that a 60-digit one comes from; Undecided if it seems to be neither."""
    if _negligible(value):
        return sp.Integer(0)
    exact = sp.nsimplify(value, rational=True, tolerance=ZERO)
    if exact.q > 10**12:
        exact = sp.nsimplify(value, tolerance=ZERO)
    if exact.is_Rational and exact.q > 10**12:
        number = sp.N(value, 10)
        raise Undecided(f"A null direction has a component {number}…, which is not recognised: try prove_null with it.")
    return exact


# ----------------------------------------------------------------------------------- sums and integrals


def _integrate(expression, variables):
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


def _centred(p, *others, variables):
    """Where p is a bell in a real variable x, all expressions in terms of x minus its mean: small ones stay small."""
    expressions = [p, *others]
    for x in reversed([x for x, support in variables.items() if support is sp.S.Reals]):
        slope = sp.diff(expressions[0], x) / expressions[0]
        curvature = sp.diff(slope, x)
        if slope.is_polynomial(x) and curvature != 0 and not curvature.has(x):
            mean = sp.expand(-slope.subs(x, 0) / curvature)
            expressions = [e.subs(x, x + mean) for e in expressions]
    return expressions


def _gaussian_integral(expression, x):
    """∫ over the real line of Σ_k polynomial_k(x)·exp(−A_k x² + B_k x + C_k); None for any other integrand."""
    groups = {}
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


def _gaussian_moment(n, mean, variance):
    """E[X^n] for X ~ N(mean, variance)."""
    return sum(
        sp.binomial(n, 2 * k) * sp.factorial2(2 * k - 1) * variance**k * mean ** (n - 2 * k) for k in range(n // 2 + 1)
    )


def _series(expression, n, start):
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


def _geometric_series(polynomial, ratio, start):
    """Σ_{n ≥ start} polynomial(n)·ratioⁿ for |ratio| < 1, from Σ n(n−1)⋯(n−k+1) rⁿ = k! rᵏ/(1−r)^(k+1)."""
    shifted = sp.Poly(polynomial.as_expr().subs(polynomial.gen, polynomial.gen + start), polynomial.gen)
    total, k = sp.Integer(0), 0
    while not shifted.is_zero:
        shifted, value = sp.div(shifted, sp.Poly(polynomial.gen - k, polynomial.gen))
        total += value.as_expr() * sp.factorial(k) * ratio**k / (1 - ratio) ** (k + 1)
        k += 1
    return ratio**start * total


# --------------------------------------------------------------------------------------- checks and samples


@contextmanager
def time_limit(seconds):
    """Raise TimeoutError inside the block after `seconds` of computing, even in the middle of a long sympy call.

    What counts is processor time, so that a busy machine changes no result; after ten times as long by the clock it
    is over in any case. Works in any thread and on any system: a timer plants the exception in the thread that
    entered the block.
    """

    class TimeUp(BaseException):  # a class of its own, so that nested limits do not catch each other's
        pass

    thread, lock, done = ctypes.c_ulong(threading.get_ident()), threading.Lock(), threading.Event()
    cpu, clock = time.process_time() + seconds, time.monotonic() + 10 * seconds

    def watch():
        while not done.wait(max(cpu - time.process_time(), 0.001)):
            if time.process_time() >= cpu or time.monotonic() >= clock:
                break
        with lock:
            if not done.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TimeUp))

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    except TimeUp:
        raise TimeoutError(f"stopped after {seconds} s") from None
    finally:
        with lock:
            done.set()


def _simplify(expression):
    """sympy's simplify, or the expression as it is where that takes too long."""
    try:
        with time_limit(SECONDS):
            return sp.simplify(expression)
    except TimeoutError:
        return expression


def _tidy(expression):
    """A short form found quickly and always the same: fractions cancelled, logs of numbers undone."""
    if expression.is_number:
        exact = expression.rewrite(sp.exp)
        return exact if exact.is_Rational else sp.expand(expression)
    return sp.factor(expression)


def _expand(expression):
    return sp.expand(expression, power_exp=False, power_base=False)


def _expression(value, what):
    try:
        value = sp.sympify(value)
    except sp.SympifyError:
        value = None
    if not isinstance(value, sp.Expr):
        raise TypeError(f"{what} must be a sympy expression in the variables and parameters.")
    return value


def _as_reals(parameters):
    symbols = list(parameters) if isinstance(parameters, Sequence) else [parameters]
    if len(set(symbols)) < len(symbols):
        raise ValueError(f"A parameter is given twice: {_names(symbols)}.")
    return dict.fromkeys(symbols, sp.S.Reals)


def _supports(sets, what):
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


def _names(symbols):
    return ", ".join(str(symbol) for symbol in symbols)


def _assignment(values):
    return ", ".join(f"{symbol} = {value}" for symbol, value in values.items())


def _check_symbols(density):
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
                f"{_names(twins)} in {what} has the name but not the assumptions (real, positive, …) of a declared "
                "symbol, or may not appear there: sympy takes them for different symbols. Make each symbol once."
            )
        if unknown:
            raise ValueError(
                f"Unknown symbol {_names(unknown)} in {what}: declare it as a variable, an input or a parameter."
            )


def _check_density(pdf, variables, others, name):
    """ValueError unless pdf ≥ 0 at sampled points and its total mass over `variables` is 1 for all of `others`."""
    settings = _samples(others, 3)
    evaluate = _evaluator([pdf], [*variables, *others])
    for values in _samples(variables, 30, 29):
        for setting in settings:
            (value,) = evaluate({**values, **setting})
            where = _assignment({**values, **setting})
            if mpmath.im(value) != 0 or not mpmath.isfinite(value):
                raise ValueError(f"The density {name} is no finite real number at {where}.")
            if mpmath.re(value) < 0:
                raise ValueError(f"The density {name} is negative at {where}: {mpmath.nstr(value, 4)}.")
    try:
        with time_limit(SECONDS / 2):
            total = _mass(pdf, variables)
            if total is not None and sp.simplify(total - 1) == 0:
                return
    except (TimeoutError, NotImplementedError):
        total = None
    for setting in settings:
        exact = None if total is None else total.subs(setting)
        mass = _numerical_mass(pdf.subs(setting), variables) if exact is None else exact.evalf(DIGITS // 3)
        if not abs(mass - 1) < 1e-12:
            where = f" at {_assignment(setting)}" if setting else ""
            raise ValueError(
                f"The density {name} is not normalised: its total mass{where} is {sp.N(mass, 6)}, not 1. "
                "Divide by the normalising constant."
            )


def _mass(pdf, variables):
    finite, rest = _split(variables)
    parts = [_integrate(*_centred(pdf.subs(values), variables=rest), rest) for values in _product(finite)]
    return None if None in parts else sum(parts, sp.Integer(0))


def _numerical_mass(pdf, variables):
    """Total mass by quadrature and summation with 20 digits."""
    finite, rest = _split(variables)
    evaluate = sp.lambdify(list(rest), pdf, "mpmath") if not finite else None

    def inner(f, remaining):
        if not remaining:
            return f()
        support, *later = remaining

        def slice_(value):
            return inner(lambda *more: f(value, *more), later)

        if isinstance(support, sp.Interval) or support is sp.S.Reals:
            ends = [mpmath.mpf(sp.N(end, 25)) for end in (support.inf, support.sup)]
            middle = [0] if ends[0] < 0 < ends[1] else []
            return mpmath.quad(slice_, [ends[0], *middle, ends[1]])
        return mpmath.nsum(slice_, [int(support.inf), mpmath.inf])

    with mpmath.workdps(20):
        total = mpmath.mpf(0)
        for values in _product(finite):
            f = evaluate or sp.lambdify(list(rest), pdf.subs(values), "mpmath")
            total += inner(f, list(rest.values()))
    return sp.Float(total, 20)


def _point(density, point, symbolic=False):
    """The point as {parameter: exact value}, checked; with `symbolic`, values may be expressions or left out."""
    parameters = list(density.parameters)
    if isinstance(point, np.ndarray):
        point = point.tolist()
    if not isinstance(point, Mapping):
        if isinstance(point, str) or not isinstance(point, Sequence | sp.MatrixBase) or len(point) != len(parameters):
            count = _count(parameters, "coordinate")
            raise ValueError(f"A point has {count} here, in the order {_names(parameters)}.")
        point = dict(zip(parameters, point, strict=True))
    unknown = [w for w in point if w not in parameters]
    missing = [w for w in parameters if w not in point]
    if unknown or (missing and not symbolic):
        lists = f"unknown: {_names(unknown) or 'none'}; missing: {_names(missing) or 'none'}"
        raise ValueError(f"The point must give {_names(parameters)} ({lists}).")
    at = {}
    for w, value in point.items():
        value = sp.Rational(str(value)) if isinstance(value, float) and np.isfinite(value) else _exact(value, w)
        number = value.is_number and value.is_real and value.is_finite
        if not number and not (symbolic and value.free_symbols):
            raise ValueError(f"{w} = {value} is no real number: give an exact one, for example sympy.Rational(1, 2).")
        if number and density.parameters[w].contains(value) == False:  # noqa: E712 (a sympy truth value)
            raise ValueError(f"{w} = {value} lies outside its range {density.parameters[w]}.")
        at[w] = value
    return at


def _direction(density, v):
    parameters = list(density.parameters)
    if isinstance(v, Mapping):
        unknown = [w for w in v if w not in parameters]
        if unknown:
            raise ValueError(f"{_names(unknown)} is no parameter: the direction has components {_names(parameters)}.")
        v = [v.get(w, 0) for w in parameters]
    if isinstance(v, np.ndarray):
        v = v.tolist()
    if isinstance(v, str) or not isinstance(v, Sequence | sp.MatrixBase) or len(v) != len(parameters):
        count = _count(parameters, "component")
        raise ValueError(f"A direction has {count} here, in the order {_names(parameters)}.")
    v = [_exact(c, w) for w, c in zip(parameters, v, strict=True)]
    if all(c == 0 for c in v):
        raise ValueError("The direction is the zero vector, which moves nothing in any model.")
    return v


def _count(parameters, what):
    """How many, in words: 1 coordinate, 2 coordinates."""
    return f"{len(parameters)} {what}{'s' * (len(parameters) != 1)}"


def _exact(value, name):
    """A coordinate or component as a sympy expression; texts and other objects are refused."""
    try:
        value = None if isinstance(value, str) else sp.sympify(value)
    except (sp.SympifyError, TypeError, AttributeError):
        value = None
    if not isinstance(value, sp.Expr):
        raise ValueError(
            f"What is given for {name} is no real number: give an exact one, such as sympy.Rational(1, 2)."
        )
    return value


def _evaluator(expressions, symbols):
    """A function from {symbol: exact number} to the expressions' values with 60 digits; NaN where one has none."""
    evaluate = sp.lambdify(symbols, expressions, "mpmath")

    def values(assignment):
        with mpmath.workdps(DIGITS):
            try:
                return evaluate(*(_mpf(assignment[symbol]) for symbol in symbols))
            except ZeroDivisionError:
                return [mpmath.nan] * len(expressions)

    return values


def _mpf(number):
    if number.is_Rational:
        return mpmath.mpf(number.p) / number.q
    return mpmath.mpmathify(sp.N(number, DIGITS))


def _split(sets):
    finite = {x: support for x, support in sets.items() if isinstance(support, sp.FiniteSet)}
    return finite, {x: support for x, support in sets.items() if x not in finite}


def _product(finite):
    """All assignments {symbol: value} of finitely many values."""
    return [dict(zip(finite, values, strict=True)) for values in itertools.product(*finite.values())]


def _samples(sets, count, prime=97):
    """About `count` rational assignments {symbol: value}, spread over the sets; all values of the finite ones."""
    finite, rest = _split(sets)
    combinations = _product(finite)
    repeats = min(prime, -(-count // len(combinations))) if rest else 1
    samples = []
    for k in range(1, repeats + 1):
        spread = {x: _place(support, k, i, prime) for i, (x, support) in enumerate(rest.items())}
        samples += [{x: {**values, **spread}[x] for x in sets} for values in combinations]
    return samples


def _place(support, k, i, prime):
    """The k-th of a spread of rational points in an infinite set, a different spread for each coordinate i."""
    step = (37, 23, 61, 11, 71, 53, 5, 83)[i % 8]
    place = step * k % prime or prime // 2
    u = sp.Rational(place, prime)
    if support is sp.S.Reals:
        return sp.Rational(place - prime // 2, prime // 7)
    if isinstance(support, sp.Interval):
        if support.inf.is_finite and support.sup.is_finite:
            return support.inf + (support.sup - support.inf) * u
        return support.inf + u / (1 - u) if support.inf.is_finite else support.sup - u / (1 - u)
    return support.inf + (k - 1 if i == 0 else step * k % prime)
