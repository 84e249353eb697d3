import numpy as np
import pytest
import sympy as sp

from sltcourse.lessons import volume_scaling as lesson
from sltcourse.theory.models import CATALOGUE
from sltcourse.theory.volume import fit, splitting
from tests.exercises import exercise_tests

eps = sp.Symbol("epsilon", positive=True)
check = lesson.check


@pytest.mark.parametrize("name", lesson.models.PLANE)
def test_the_planes_volumes_are_those_of_their_pictures(name):
    root, volume, _, _ = lesson.models.PLANE[name]
    w = np.random.default_rng(0).uniform(-1, 1, (2, 1_000_000))
    formulas = {
        "w₁² + w₂²": w[0] ** 2 + w[1] ** 2,
        "w₁² + w₂⁴": w[0] ** 2 + w[1] ** 4,
        "(w₂ − w₁²)²": (w[1] - w[0] ** 2) ** 2,
        "w₁² w₂²": (w[0] * w[1]) ** 2,
        "w₁² w₂⁴": (w[0] * w[1] ** 2) ** 2,
    }
    for level in (0.7, 0.1, 0.003):
        share = (formulas[name] <= level).mean()
        assert volume(np.array([level]))[0] == pytest.approx(share, abs=4 * np.sqrt(share / 1e6))
        assert (root**2 <= level).mean() == pytest.approx(share, abs=0.02), "the grid of the picture"


@pytest.mark.parametrize("name", lesson.models.PLANE)
def test_the_planes_slopes_tend_to_their_lambda(name):
    _, volume, lam, m = lesson.models.PLANE[name]
    level = np.array([1e-12, 1e-13])
    slope = np.diff(np.log(volume(level)))[0] / np.log(0.1)
    expected = float(sp.Rational(lam)) - (m - 1) / np.log(1e13)
    assert slope == pytest.approx(expected, abs=0.01)


def test_the_shrinking_set():
    live = lesson.live_shrinking_set()
    numbers = live.at(loss="w₁² w₂²", eps=1e-4)
    assert numbers["now"][1] == pytest.approx(0.01 * (1 - np.log(1e-4) / 2))
    assert "λ = 1/2, m = 2" in numbers["caption"] and "V = 0.056" in numbers["caption"]
    assert live.at(loss="w₁² + w₂²", eps=1e-8)["now"][1] == pytest.approx(np.pi / 4 * 1e-8)


def test_the_exponents():
    live = lesson.live_exponents()
    assert "λ = min(1/2, 1/4) = 1/4, m = 1" in live.at(k1=1, k2=2)["caption"]
    assert "1/6, m = 2" in live.at(k1=3, k2=3)["caption"]
    x, V = live.at(k1=1, k2=2)["curve"]
    np.testing.assert_allclose(V, 2 * x**0.25 - x**0.5, rtol=1e-9)


def test_the_pictures_that_stand_still():
    loss = CATALOGUE["disc"]
    found = fit(splitting(loss.K, loss.box, eps=1e-8, particles=64, seed=0))
    assert len(lesson.draw_fits({"disc": found}, CATALOGUE).axes) == 1


WRONG = [
    ("sextic", (2 * eps ** sp.Rational(1, 6),), "share of"),
    ("sextic", (eps**6,), "other way round"),
    ("sextic", (sp.Rational(1, 6),), "exponent"),
    ("sextic", ("eps**(1/6)",), "a text"),
    ("crossing", (1.0, 2), "smallest exponent wins"),
    ("crossing", (sp.Rational(1, 2), 2), "w₁ alone"),
    ("crossing", (0.25, 3), "m: w₁ does not attain"),
    ("crossing", (0.25, [2]), "m: A number is wanted"),
    ("draws", (1e30,), "100 hits"),
    ("draws", (1e15,), "λ = 1/2"),
    ("sum_of_losses", (1.5,), "d/2"),
    ("sum_of_losses", (1 / 6,), "In a sum"),
    ("where", ("line",), "falls like"),
    ("where", ("both",), "as ε → 0"),
    ("where", (1,), "Choose one of"),
]

RIGHT = [
    ("sextic", (eps ** sp.Rational(1, 6),)),
    ("crossing", (sp.Rational(1, 4), 2)),
    ("draws", (1e32,)),
    ("sum_of_losses", (11 / 12,)),
    ("where", ("origin",)),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
