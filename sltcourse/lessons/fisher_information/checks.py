"""The checks of lesson 01: what each exercise replies."""

from typing import Any

import sympy as sp

from sltcourse.kit.checks import Checks, choice, expression
from sltcourse.theory.fisher import Density, Undecided, normal, prove_null

check = Checks("01_fisher_information")


W = sp.Symbol("w", real=True)


@check.exercise("The variance is 1/2 here, so the information doubles: 18w⁴ against 9w⁴. It still vanishes at w = 0.")
def narrow_information(answer: Any) -> str | None:
    """The Fisher information of p = exp(−(x−w³)²)/√π, a sympy expression in w (real) or a 1×1 matrix."""
    if answer is None:
        return "A sympy expression in w is wanted here, and this is None."
    hints = {
        9 * W**4: "That is the information at variance 1. Here the exponent has no ½: the variance is ½.",
        36 * W**4: "The score is 6w²(x − w³). Its square has the factor E[(x − w³)²], which is ½ here.",
        6 * W**2: "That is the factor in front of the score. The information is the mean of the squared score.",
        2 + 0 * W: "That is the information about the mean m = w³. The chain rule brings (dm/dw)².",
    }
    return expression(answer, 18 * W**4, hints=hints)


def _components(answer, count):
    wanted = f"A direction is wanted here: {count} numbers, as a list or a tuple."
    if isinstance(answer, str | dict):
        return None, wanted
    if isinstance(answer, list | tuple) and len(answer) == 1 and getattr(answer[0], "shape", None) == (count, 1):
        return None, "This is a list with one direction in it (nullspace returns a list): take its element [0]."
    try:
        v = [None if isinstance(c, str) else sp.nsimplify(c) for c in answer]
    except (TypeError, AttributeError, ValueError, sp.SympifyError):
        return None, wanted
    if not all(isinstance(c, sp.Expr) for c in v):
        return None, wanted
    if len(v) != count:
        return None, f"The direction has {count} components here, one for each parameter; this has {len(v)}."
    if not all(c.is_number and c.is_real for c in v):
        return None, "The components are to be real numbers."
    if all(c == 0 for c in v):
        return None, "The zero vector moves nothing in any model. Another one is wanted."
    return v, None


@check.exercise("Along (2, −3) one factor grows as fast as the other shrinks: the product, and p with it, stays.")
def product_direction(answer: Any) -> str | None:
    """A null direction of N(ab, 1) at (a, b) = (2, 3): two numbers."""
    v, complaint = _components(answer, 2)
    if complaint:
        return complaint
    slope = 3 * v[0] + 2 * v[1]
    if slope == 0:
        return None
    if v[0] * 2 == v[1] * 3:
        return "That is the gradient (b, a) of ab: along it the mean moves fastest. Look for what is orthogonal to it."
    return f"Along this direction the mean ab moves at the speed 3·v_a + 2·v_b = {slope}. It should be 0."


@check.exercise("Off the cross 2, on either arm 1, where the arms meet 0.")
def mixture_ranks(answer: Any) -> str | None:
    """The ranks of (1−a)N(0,1) + aN(b,1) at (½,1), (½,0), (0,1), (0,0): four whole numbers."""
    wanted = "Four whole numbers are wanted, one rank for each point."
    if isinstance(answer, str | dict):
        return wanted
    try:
        ranks = [int(r) for r in answer]
    except (TypeError, ValueError, OverflowError):
        return wanted
    if any(rank != r for rank, r in zip(ranks, answer, strict=True)):
        return wanted
    if len(ranks) != 4:
        return f"Four ranks are wanted, and here are {len(ranks)}."
    points = ["(½, 1)", "(½, 0)", "(0, 1)", "(0, 0)"]
    reasons = [
        "both weights are in use, and no direction is null",
        "b moves the second component, and a does nothing",
        "the second component has weight 0: b does nothing, and a brings it in",
        "the component that a would bring in is the one already there: neither a nor b does anything",
    ]
    for point, rank, right, reason in zip(points, ranks, (2, 1, 1, 0), reasons, strict=True):
        if rank != right:
            return f"At {point} the rank is not {rank}: {reason}."
    return None


@check.exercise("The heavier coin has to move less: the average (1−a)p + aq stays.")
def coins(answer: Any) -> str | None:
    """A null direction (v_a, v_p, v_q) with v_p ≠ 0 of two coins at a = 1/3, p = q = 1/2."""
    v, complaint = _components(answer, 3)
    if complaint:
        return complaint
    if v[1] == v[2] == 0:
        return "Moving the share a alone is a null direction, right. Now find one that moves the coins: v_p ≠ 0."
    if v[1] + v[2] == 0:
        return "That would be right for a = 1/2. Here the first coin is chosen twice as often as the second."
    if 2 * v[1] + v[2] == 0:
        return None
    return "This changes the chance of heads, (1−a)p + aq, to first order. What must v_p and v_q do to leave it alone?"


@check.exercise(
    "Identifiable: no other point has the same density. I(w) > 0: no direction is null here. Regular needs both."
)
def notions(answer: Any) -> str | None:
    """{"cubic": (identifiable, I > 0), "coins": (identifiable, I > 0)} with "yes" or "no"."""
    if not isinstance(answer, dict) or set(answer) != {"cubic", "coins"}:
        return 'Give a dict with the keys "cubic" and "coins", each with two answers, "yes" or "no".'
    right = {"cubic": ("yes", "no"), "coins": ("no", "yes")}
    reasons = {
        ("cubic", 0): "w ↦ w³ is one-to-one: two different w never give the same density.",
        ("cubic", 1): "At w = 0 the information 9w⁴ is 0.",
        ("coins", 0): "Swap the coins' names: (2/3, 3/4, 1/4) gives the same density.",
        ("coins", 1): "The certificate found rank 3 of 3 there: no direction is null.",
    }
    for model, wanted in right.items():
        given = answer[model]
        if not isinstance(given, list | tuple) or len(given) != 2:
            return f'Two answers are wanted for "{model}": is it identifiable, and is I(w) > 0?'
        for k in range(2):
            said = {True: "yes", False: "no"}[given[k]] if isinstance(given[k], bool) else given[k]
            complaint = choice(said, wanted[k], {{"yes": "no", "no": "yes"}[wanted[k]]: reasons[model, k]})
            if complaint:
                return f"{model}: {complaint}"
    return None


_S = sp.symbols("s0:3", real=True)
LESSONS_OWN = {"N(w³, 1)": normal(_S[0], _S[1] ** 3), "N(ab, 1)": normal(_S[0], _S[1] * _S[2])}


def _lessons_own(model):
    """The name of the lesson's model that this density is, by whatever names its symbols go; None if it is another."""
    symbols = [*model.variables, *model.parameters]
    formula = model.pdf.xreplace(dict(zip(symbols, _S, strict=False))) if len(symbols) <= len(_S) else None
    return next((name for name, own in LESSONS_OWN.items() if formula and sp.simplify(formula - own) == 0), None)


@check.exercise("A singular model of your own, with a proof.")
def own_model(model: Any, point: Any, direction: Any) -> str | None:
    """A singular `Density`, a point and a null direction there."""
    if not isinstance(model, Density):
        return "The first answer is to be a Density, such as Density(pdf, {x: sp.S.Reals}, [a, b])."
    try:
        proof = prove_null(model, point, direction)
    except (ValueError, Undecided) as error:
        return str(error)
    if not proof.holds:
        return f"Along this direction p moves: ∇_v p = {proof.simplified}, which is not 0 for all x."
    name = _lessons_own(model)
    return name and f"Null it is. But {name} is the lesson's own model: build one that the lesson does not have."
