"""Models with hidden units, bits, states or rules, and visible ones that depend on them; with λ and m."""

from fractions import Fraction

import numpy as np
import sympy as sp

from sltcourse.theory.models import families
from sltcourse.theory.models.mixtures import kl
from sltcourse.theory.models.record import Model, cube

_a, _b1, _b2, _c1, _c2, _w1, _w2, _w3 = sp.symbols("a b1 b2 c1 c2 w1 w2 w3", real=True)
_p, _q, _s, _t, _e, _f = sp.symbols("p q s t e f", real=True)
_ps, _qs = sp.symbols("p1:4", real=True), sp.symbols("q1:4", real=True)
_half = sp.Rational(1, 2)
_down, _up = [[r - _half for r in _ps], [r - _half for r in _qs]]


def _naive_bayes(w: np.ndarray) -> np.ndarray:
    """Two bits that depend on a hidden bit; w = (a, b₁, b₂, c₁, c₂) with P(bit i = 1) = ½ + b_i or ½ + c_i."""
    a, b1, b2, c1, c2 = w.T
    mean1, mean2 = (1 - a) * b1 + a * c1, (1 - a) * b2 + a * c2
    product = (1 - a) * b1 * b2 + a * c1 * c2
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    ratio = 2 * np.outer(mean1, signs[:, 0]) + 2 * np.outer(mean2, signs[:, 1])
    return kl(ratio + 4 * np.outer(product, signs.prod(1)), np.full(4, 1 / 4))


def _mixed(i: int, *others: int) -> sp.Expr:
    """The mean over the hidden bit of the product of what it adds to the chances of the children i, …"""
    return (1 - _a) * sp.Mul(*(_down[k] for k in (i, *others))) + _a * sp.Mul(*(_up[k] for k in (i, *others)))


HIDDEN = (
    Model(
        "Boltzmann machine",
        r"-\frac{1}{2}\log(1-\tanh^2w_1\tanh^2w_2)",
        (_w1, _w2),
        (_w1 * _w2,),
        (0, 0),
        Fraction(1, 2),
        2,
        "Two visible units, one hidden, no biases: p/q − 1 = v₁v₂ tanh w₁ tanh w₂, so K ~ w₁²w₂².",
        cube(2),
        lambda w: -np.log1p(-((np.tanh(w[:, 0]) * np.tanh(w[:, 1])) ** 2)) / 2,
    ),
    Model(
        "naive Bayes",
        r"\mathrm{KL}(\text{two fair bits}\,\|\,\text{naive Bayes, hidden bit})",
        (_a, _b1, _b2, _c1, _c2),
        ((1 - _a) * _b1 + _a * _c1, (1 - _a) * _b2 + _a * _c2, (1 - _a) * _b1 * _b2 + _a * _c1 * _c2),
        (0, 0, 0, 0, 0),
        Fraction(3, 2),
        3,
        "Two means (1/2 each) and the covariance a(1 − a)(b₁ − c₁)(b₂ − c₂), a crossing of three (λ = 1/2, m = 3); "
        "Rusakov & Geiger 2005, theorem 4.",
        ((0.0, 1.0), *cube(4, 0.5)),
        _naive_bayes,
    ),
    Model(
        "Boltzmann machine of three spins",
        r"p(v)\propto\sum_h\exp h(w_1v_1+w_2v_2+w_3v_3)",
        (_w1, _w2, _w3),
        (sp.tanh(_w1) * sp.tanh(_w2) - sp.Rational(9, 25), sp.tanh(_w3)),
        (sp.log(2), sp.log(2), 0),
        Fraction(1),
        1,
        "Truth w = (log 2, log 2, 0): p = (1 + Σ v_i v_j tanh w_i tanh w_j)/8 sees three correlations. Two of them are "
        "tanh w₃ times a unit, the third is regular: 1/2 + 1/2.",
        density=lambda: families.boltzmann_machine().density,
    ),
    Model(
        "Bayes network",
        r"p(x)=(1-a)\prod_i\mathrm{Bern}(x_i;p_i)+a\prod_i\mathrm{Bern}(x_i;q_i)",
        (_a, *_ps, *_qs),
        (_mixed(0), _mixed(1), _mixed(2), _mixed(0, 1), _mixed(0, 2), _mixed(1, 2)),
        (_half,) * 7,
        Fraction(9, 4),
        1,
        "Truth three fair independent bits: three means, 1/2 each; where they are 0 the covariances are δ_iδ_j times a "
        "unit, whose polyhedron the diagonal enters in the triangle (1,1,0), (1,0,1), (0,1,1): 3/4.",
        density=lambda: families.bayes_network().density,
    ),
    Model(
        "hidden Markov model",
        r"p(x_1x_2x_3),\ \text{two hidden states}",
        (_s, _t, _e, _f),
        (_e - _half, _f - _half),
        (sp.Rational(1, 3), _half, _half, _half),
        Fraction(1),
        1,
        "Truth three fair independent bits, at s ≠ t: the means of the first and of the second bit weigh e − ½ and "
        "f − ½ differently, so both are seen, and all the rest follows from them: 2/2.",
        density=lambda: families.hidden_markov().density,
    ),
    Model(
        "stochastic context-free grammar",
        r"S\to xSy\,(p)\mid xTy\,(t)\mid xy,\quad T\to xTy\,(q)\mid xy",
        (_p, _t, _q),
        (_p + _t - _q, _q - _half),
        (sp.Rational(1, 4), sp.Rational(1, 4), _half),
        Fraction(1),
        1,
        "A mixture of Geo(p) with share (p + t − q)/(p − q) and Geo(q): the truth Geo(½) sees the share and q: 2/2.",
        density=lambda: families.context_free_grammar().density,
    ),
)
