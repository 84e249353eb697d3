import pickle
import time
from fractions import Fraction

import pytest
import sympy as sp

from sltcourse.theory import blow_up
from sltcourse.theory.blow_up import NotResolved, resolve, start
from sltcourse.theory.newton import learning_coefficient

x, y, z, a, b, c = sp.symbols("x y z a b c", real=True)
u1, u2 = sp.symbols("u1 u2")


def test_the_cusp_by_hand():
    """Three blow-ups of points, chart by chart, as on paper: (w₁² − w₂³)² ends at 5/12."""
    cusp = start((x**2 - y**3) ** 2, [x, y])
    assert cusp.obstacle is not None

    first, other = cusp.blow_up([y, x])  # y = u2, x = u1·u2, and y = u1·u2, x = u1
    assert sp.expand(first.K - u2**4 * (u1**2 - u2) ** 2) == 0 and first.jacobian == u2
    assert sp.expand(other.K - u1**4 * (1 - u1 * u2**3) ** 2) == 0 and other.obstacle is None

    second, ordinary = first.blow_up([u1, u2])  # u1 = v1, u2 = v1·v2
    assert sp.expand(second.K - u1**6 * u2**4 * (u1 - u2) ** 2) == 0 and second.jacobian == u1**2 * u2
    assert second.obstacle is not None and ordinary.obstacle is None

    third, fourth = second.blow_up([u1, u2])
    assert sp.expand(third.K - u1**12 * u2**4 * (1 - u2) ** 2) == 0 and third.jacobian == u1**4 * u2
    assert sp.expand(fourth.K - u2**12 * u1**6 * (u1 - 1) ** 2) == 0 and fourth.jacobian == u1**2 * u2**4
    for chart, ratios in ((third, {"5/12", "1/2"}), (fourth, {"5/12", "1/2"})):
        assert chart.obstacle is None and {str(g.ratio) for g in chart.poles} == ratios
        assert chart.multiplicity(Fraction(5, 12)) == 1 and chart.multiplicity(Fraction(1, 2)) == 1


def test_the_cusp_in_one_weighted_blow_up():
    charts = start((x**2 - y**3) ** 2, [x, y]).blow_up({x: 3, y: 2})
    assert len(charts) == 3, "an even weight needs both signs"
    assert [chart.jacobian for chart in charts] == [u1**4, u2**4, u2**4]
    assert min(g.ratio for chart in charts for g in chart.poles) == Fraction(5, 12)


@pytest.mark.parametrize("centre", [[x, y], {x: 3, y: 2}, [y, z], {z: 1, x: 2, y: 5}])
def test_charts_are_what_substitution_and_differentiation_make_of_them(centre):
    K = ((x**2 - y**3) ** 2 + z**4) * x**2
    for chart in start(K, [x, y, z]).blow_up(centre):
        w = [e.as_expr() for e in chart.images]
        jacobian = sp.Matrix(w).jacobian(chart.variables).det()
        assert (sp.cancel(jacobian / chart.jacobian)).is_number
        moved = K.subs(dict(zip([x, y, z], w, strict=True)), simultaneous=True)
        assert (sp.cancel(moved / chart.K)).is_number


def test_a_change_of_coordinates():
    chart = start((y - x**2) ** 2 + x**6, [x, y]).change({y: y + x**2})
    assert sp.expand(chart.K - (y**2 + x**6)) == 0 and chart.jacobian == 1


def test_the_prior_is_part_of_the_jacobian():
    chart = start(x**2 * y**4, [x, y], prior={y: 1})
    assert chart.jacobian == y and chart.obstacle is None
    assert {g.ratio for g in chart.poles} == {Fraction(1, 2)} and chart.multiplicity(Fraction(1, 2)) == 2


def test_multiplicity_counts_divisors_that_meet_above_the_point():
    """x² y² at (0, 1): the divisor y = 0 is there, but not near the point."""
    assert resolve(x**2 * y**2, [x, y]).multiplicity == 2
    assert resolve(x**2 * y**2, [x, y], point=(0, 1)).multiplicity == 1


@pytest.mark.parametrize(
    "K, variables, lam, m",
    [
        ((x**2 + y**9) ** 2, [x, y], "11/36", 1),  # weights 9, 2 and degree 36
        ((x**5 + y**7) ** 2, [x, y], "6/35", 1),  # weights 7, 5 and degree 70
        ((y - x**2) ** 2 + x**8, [x, y], "5/8", 1),  # u² + x⁸
        ([x**3 - y**3], [x, y], "1/3", 1),  # three lines, of which one is real: order 3 counts all the same
        ([x * y * (x - y) * (x + y)], [x, y], "1/4", 1),
        ([x**2 * y - z**3], [x, y, z], "5/12", 1),
        ((x**4 + x * y * z + y**4) ** 2, [x, y, z], "1/2", 3),
    ],
)
def test_more_resolutions(K, variables, lam, m):
    found = resolve(K, variables)
    assert (found.learning_coefficient, found.multiplicity) == (Fraction(lam), m)
    assert all(chart.obstacle is None for chart in found.final) and set(found.final) <= set(found.charts)


def test_the_answer_is_told_step_by_step():
    text = str(resolve((x**2 - y**3) ** 2, [x, y]))
    assert text.startswith("chart 0: as given") and text.endswith("λ = 5/12, m = 1")
    assert "no normal crossings" in text and "(4 + 1)/12 = 5/12" in text and "blow up x = 0, y = 0 of chart 0" in text
    lines = resolve(x**2 * y**2 * (x - y) ** 2, [x, y]).charts[0].obstacle
    assert str(lines) == "x - y; x; y are not like coordinates at x = 0, y = 0"


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: resolve(sp.sin(x), [x]), ValueError, "not a polynomial"),
        (lambda: resolve(x**2 + 1, [x]), ValueError, "not 0 at x = 0"),
        (lambda: resolve(x**2 * y, [x, y]), ValueError, "negative near the point"),
        (lambda: resolve((y - x**2) ** 2 - x**8, [x, y]), ValueError, "negative near the point"),
        (lambda: resolve(sum(w**2 for w in sp.symbols("w1:10")), sp.symbols("w1:10")), ValueError, "too many"),
        (lambda: start(x**2 * y**2, [x, y]).blow_up([x]), ValueError, "two or more of x, y"),
        (lambda: start(x**2 * y**2, [x, y]).blow_up([x, z]), ValueError, "two or more of x, y"),
        (lambda: start(x**2 * y**2, [x, y]).blow_up({x: 1, y: 0}), ValueError, "positive integers"),
        (lambda: start(x**2 * y**2, [x, y]).change({z: x}), ValueError, "no variable of this chart"),
        (lambda: start(x**2 * y**2, [x, y]).change({x: x**2}), ValueError, "constant"),
        (lambda: start(x**2 * y**2, [x, y]).change({x: "x + y"}), TypeError, "text is not evaluated"),
        (lambda: resolve([], [x, y]), ValueError, "empty list"),
        (lambda: resolve("x**2", [x]), TypeError, "text is not evaluated"),
        (lambda: resolve(x**2, [x], seconds=0), ValueError, "seconds"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_where_blow_ups_end_nowhere_the_polyhedron_is_asked():
    """The centre c = b(1 − a)/a is smooth, but no polynomial says so in these coordinates; λ = 3/4 in others."""
    K = [(1 - a) * b + a * c, (1 - a) * b**2 + a * c**2]
    found = resolve(K, [a, b, c], point=(sp.Rational(1, 2), 0, 0))
    assert found.complete and (found.learning_coefficient, found.multiplicity) == (Fraction(3, 4), 1)
    assert "did not end" in found.why and "by the Newton polyhedron" in str(found) and len(found.charts) > 1


def test_what_is_not_resolved_is_refused_with_the_reason_the_charts_and_the_bounds(monkeypatch):
    K = [x**4 - 2 * y**4 + x * y**2 * z, x**2 * y - 3 * z**3, (x**2 - 2 * y**2 + z**3) * z]
    with pytest.raises(NotResolved, match="not resolved, stuck in chart .* Try other coordinates") as caught:
        resolve(K, [x, y, z], seconds=0.5)
    assert caught.value.charts and 0 < caught.value.known.lower <= caught.value.known.value
    monkeypatch.setattr(blow_up, "MOST_STEPS", 1)
    with pytest.raises(NotResolved, match="stuck in chart 0: .* not like coordinates at .*, after 1 blow-ups"):
        resolve(K, [x, y, z], seconds=0.5)


@pytest.mark.parametrize(
    "K, lam",
    [
        (x**200 + y**198, Fraction(199, 19800)),
        (x**30 * y**20 + x**10 * y**40 + x**50, Fraction(1, 25)),
    ],
    ids=str,
)
def test_losses_of_high_degree_are_answered_in_time(K, lam):
    begin = time.thread_time()
    found = resolve(K, [x, y])
    assert time.thread_time() - begin < 10
    assert found.complete and (found.learning_coefficient, found.multiplicity) == (lam, 1)


def test_the_time_is_shared_with_the_polyhedron(monkeypatch):
    """`newton` is asked first where the degree is high, and for what is left where blow-ups do not end."""
    given = []

    def undecided(K, variables, point, prior, *, seconds):
        given.append(seconds)
        return learning_coefficient((x - y) ** 2 * (x + y) ** 4, [x, y])  # bounds

    monkeypatch.setattr(blow_up, "search_coordinates", undecided)
    assert resolve(x**24 * y**2, [x, y], seconds=40).complete and given == [0.3 * 40]
    assert resolve(x**22 * y**2, [x, y], seconds=40).complete and len(given) == 1
    monkeypatch.setattr(blow_up, "MOST_STEPS", 1)
    with pytest.raises(NotResolved):
        resolve((x**2 - y**3) ** 2, [x, y], seconds=40)
    assert 0.8 * 40 < given[1] <= 40


def test_the_two_hundredth_power_of_a_line_is_answered_or_refused_in_time():
    begin = time.thread_time()
    try:
        found = resolve((x + y) ** 200, [x, y], seconds=3)
        assert found.complete and (found.learning_coefficient, found.multiplicity) == (Fraction(1, 200), 1)
    except NotResolved as error:
        assert error.known.lower <= Fraction(1, 200) <= error.known.value
    assert time.thread_time() - begin < 8


def test_rank_one_regression_is_answered_in_time():
    """Two by two by two, at a product of rank 1: the blow-ups do not end; λ = 2, m = 2 by Aoyagi and Watanabe 2005."""
    w = sp.symbols("w1:9")
    product = sp.Matrix(2, 2, w[4:]) * sp.Matrix(2, 2, w[:4]) - sp.diag(1, 0)
    begin = time.thread_time()
    found = resolve(list(product), list(w), point=(1, 0, 0, 0, 1, 0, 0, 0), seconds=10)
    assert time.thread_time() - begin < 15
    assert (found.learning_coefficient, found.multiplicity) == (2, 2)


def test_what_is_found_can_be_sent_to_another_process():
    found = resolve((x**2 - y**3) ** 2, [x, y])
    assert str(pickle.loads(pickle.dumps(found))) == str(found)
    with pytest.raises(TypeError, match="cannot be pickled: keep"):
        pickle.dumps(start((x - sp.sqrt(2) * y) ** 2, [x, y]))


def test_an_interrupt_leaves_an_upper_bound(monkeypatch):
    def interrupted(steps, label):
        yield from range(6)
        raise KeyboardInterrupt

    monkeypatch.setattr(blow_up, "progress", interrupted)
    found = resolve((x**2 - y**3) ** 2, [x, y])
    assert not found.complete and found.learning_coefficient >= Fraction(5, 12)
    assert "partial: interrupted" in str(found)
