import inspect
import time
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

from sltcourse.lessons import volume_scaling as lesson
from sltcourse.lessons.volume_scaling import models, ours
from sltcourse.theory.models import CATALOGUE
from sltcourse.theory.volume import fit, normal_crossing, splitting
from tests.exercises import exercise_tests

check = lesson.check
w1, w2 = sp.symbols("w1 w2")
FORMULAS = {
    models.DISC: w1**2 + w2**2,
    models.VALLEY: w1**2 + w2**4,
    models.BOWL: (w1**2 + w2**2) ** 2,
    models.PARABOLA: (w2 - w1**2) ** 2,
    models.CROSS: w1**2 * w2**2,
    models.UNEVEN: w1**2 * w2**4,
}


def cross(w):
    return (w[:, 0] * w[:, 1]) ** 2


def exact_cross(eps):
    return np.sqrt(eps) * (1 - np.log(eps) / 2)


# ---- the losses of the pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.LOSSES)
def test_the_planes_volumes_are_those_of_their_pictures(name):
    loss = models.LOSSES[name]
    w = np.random.default_rng(0).uniform(-1, 1, (1_000_000, 2))
    K = sp.lambdify((w1, w2), FORMULAS[name])(*w.T)
    np.testing.assert_allclose(loss.root(w) ** 2, K, rtol=1e-9, atol=1e-15)
    for level in (0.7, 0.1, 0.003):
        share = (K <= level).mean()
        assert loss.volume(np.array([level]))[0] == pytest.approx(share, abs=4 * np.sqrt(share / 1e6))


@pytest.mark.parametrize("name", models.LOSSES)
def test_the_planes_slopes_tend_to_their_lambda_and_twice_lambda_is_at_most_the_codimension(name):
    loss = models.LOSSES[name]
    level = np.array([1e-12, 1e-13])
    slope = np.diff(np.log(loss.volume(level)))[0] / np.log(0.1)
    assert slope == pytest.approx(float(Fraction(loss.lam)) - (loss.m - 1) / np.log(1e13), abs=0.01)
    assert 2 * Fraction(loss.lam) <= loss.codimension
    like_a_square = name in (models.DISC, models.PARABOLA, models.CROSS)
    assert (2 * Fraction(loss.lam) == loss.codimension) == like_a_square


@pytest.mark.parametrize("name", models.LOSSES)
def test_the_tube_lies_in_the_set_and_has_the_share_that_is_drawn(name):
    loss = models.LOSSES[name]
    w = np.random.default_rng(1).uniform(-1, 1, (60_000, 2))
    distance = models.distance(name, w)
    assert (loss.root(w) <= np.sqrt(loss.steep) * distance + 0.006).all(), "K ≤ C dist²"
    for r in (0.36, 0.1, 0.03):
        share = (distance <= r).mean()
        assert models.tube_share(name, r) == pytest.approx(share, rel=0.01, abs=4 * np.sqrt(share / 6e4))
    assert models.tube_share(name, 0.03) <= loss.volume(np.array([loss.steep * 0.03**2]))[0] * 1.001


def test_the_zeros_that_are_drawn_are_zeros_and_reach_everywhere():
    circle = models.root_of((w1**2 + w2**2 - sp.Rational(1, 2)) ** 2)
    found = models.zeros(circle)
    np.testing.assert_allclose(np.hypot(*found.T), np.sqrt(0.5), atol=3e-3)
    assert np.diff(np.sort(np.arctan2(*found.T))).max() < 0.02, "all the way round, without gaps that the eye sees"
    np.testing.assert_allclose(models.zeros(models.LOSSES[models.BOWL].root), [[0, 0]], atol=2e-3)
    arms = models.zeros(models.LOSSES[models.UNEVEN].root)
    assert (np.abs(arms).min(axis=1) < 3e-3).all() and np.ptp(arms, axis=0).min() > 1.9


def test_a_loss_is_written_as_one_writes_it():
    assert models.written(w1**2 * (w2 - w1**3) ** 2) == "w₁² (−w₁³ + w₂)²"
    assert models.written(cross) == "cross"
    assert models.written(lambda w: w[:, 0]) == "your K"


# ---- the live figures -------------------------------------------------------------------------------------------


def test_the_powers():
    live = lesson.live_powers()
    assert live.at(power=4)["end"][1] == pytest.approx(1e-3)
    assert "0.01, 10\u202f000 times" in live.at(power=6)["caption"]
    assert "10⁻³" not in repr(live), "the answer waits for the guess"


def test_the_shrinking_set():
    live = lesson.live_shrinking_set()
    numbers = live.at(loss=models.CROSS, eps=1e-4)
    assert numbers["now"][1] == pytest.approx(exact_cross(1e-4))
    assert "V = 0.056" in numbers["caption"] and "λ" not in numbers["caption"]
    last = live.at(loss=models.CROSS, eps=1e-8)
    assert "0.451; λ = 1/2, m = 2" in last["caption"]
    assert live.at(loss=models.DISC, eps=1e-8)["now"][1] == pytest.approx(np.pi / 4 * 1e-8)


def test_the_shrinking_set_shows_no_curve_below_the_chosen_level():
    live = lesson.live_shrinking_set()
    for eps in (0.1, 1e-3):
        shown = live.at(eps=eps)
        for name in ("curve", *(f"curve {loss}" for loss in models.PLANE)):
            x, V = shown[name]
            assert np.isfinite(V[x >= eps * 1.01]).all() and np.isnan(V[x < eps * 0.99]).all()
        assert np.isnan(shown[f"label {models.UNEVEN}"][1]), "no name stands where a curve will end"
    assert np.isfinite(live.at(eps=1e-8)[f"label {models.UNEVEN}"][1])
    assert "1/4" not in live.alt and "fastest" not in live.alt


@pytest.mark.parametrize("K", [w1**2 * w2**2, cross], ids=["sympy", "function"])
def test_the_shrinking_set_takes_a_loss_of_ones_own(K):
    live = lesson.live_shrinking_set(K)
    name = live.controls["loss"].texts[0]
    for eps in (1e-2, 1e-8):
        numbers = live.at(loss=name, eps=eps)
        assert numbers["now"][1] == pytest.approx(exact_cross(eps), rel=0.15)
    assert "λ = 0.5" in numbers["caption"] or "λ = 0.49" in numbers["caption"]
    x, low, high = numbers["band"]
    inside = (low <= exact_cross(x) * 1.02) & (exact_cross(x) <= high * 1.02)
    assert inside.mean() > 0.8


def test_the_shrinking_set_says_what_it_cannot_draw():
    with pytest.raises(ValueError, match="2 coordinates"):
        lesson.live_shrinking_set(w1**2 + w2**2 + sp.Symbol("w3") ** 2)
    with pytest.raises(ValueError, match="looks empty"):
        lesson.live_shrinking_set(w1**2 + w2**2 + 1)
    with pytest.raises(ValueError, match="negative"):
        lesson.live_shrinking_set(w1 * w2)
    with pytest.raises(TypeError, match="text"):
        lesson.live_shrinking_set("w1**2 + w2**2")


def test_a_loss_of_one_symbol_is_told_to_use_both():
    with pytest.raises(ValueError, match="with both symbols"):
        lesson.live_shrinking_set(w1**2)


def test_a_loss_that_cannot_be_fitted_is_shown_all_the_same():
    live = lesson.live_shrinking_set(sp.Max(w1**2 + w2**2 - sp.Rational(1, 4), 0))
    assert "λ is not fitted" in live.at(eps=1e-8)["caption"]


def test_the_exponents():
    live = lesson.live_exponents()
    assert "λ = min(1/2, 1/4) = 1/4, m = 1" in live.at(k1=1, k2=2)["caption"]
    assert "1/6, m = 2" in live.at(k1=3, k2=3)["caption"]
    x, V = live.at(k1=1, k2=2)["curve"]
    np.testing.assert_allclose(V, 2 * x**0.25 - x**0.5, rtol=1e-9)


def test_the_particles():
    run = ours.split(cross, lesson.SQUARE, 1e-20, 500, np.random.default_rng(0))
    live = lesson.live_particles(run, exact=exact_cross)
    for j in (0, 5, len(run[0]) - 1):
        shown = live.at(level=np.log10(run[0][j]))
        x, y = shown["cloud"]
        assert ((x * y) ** 2 <= run[0][j]).all()
        assert len(shown["V"][0]) == j + 1
    size = np.log10(shown["sizes"][0])
    counts = np.histogram(size, bins=np.arange(-10, 0.1, 2))[0]
    assert counts.min() > 0.5 * counts.mean(), "evenly over the decades from 10⁻¹⁰ to 1"
    with pytest.raises(ValueError, match="two coordinates"):
        lesson.live_particles((run[0], run[1], run[2][:, :, :1]))


def test_the_tube():
    live = lesson.live_tube()
    assert "slope 2.00, the set" in live.at(loss=models.BOWL)["caption"]
    r = live.controls["r"].values[8]
    assert "the slope 1.00, the set 0.12 and the slope 0.48" in live.at(loss=models.UNEVEN, r=r)["caption"]
    for name, loss in models.LOSSES.items():
        numbers = live.at(loss=name, r=r)
        assert numbers["tube now"][1] <= numbers["V now"][1] * 1.001, name
        assert numbers["V now"][1] == pytest.approx(loss.volume(np.array([loss.steep * r**2]))[0])


def test_the_pictures_that_stand_still():
    runs = [ours.split(cross, lesson.SQUARE, 1e-6, 100, np.random.default_rng(seed)) for seed in range(2)]
    fig, alt = lesson.draw_runs(runs, [(1e-2, 0.33, 0.01), (1e-14, 0.0, 0.0)], exact_cross)
    assert len(fig.axes) == 2 and "2 runs" in alt and "counting ends at 10⁻²" in alt
    loss = CATALOGUE["disc"]
    found = fit(splitting(loss.K, loss.box, eps=1e-8, particles=64, seed=0))
    fig, alt = lesson.draw_fits({"disc": found}, CATALOGUE)
    assert len(fig.axes) == 1 and "exact one for 1" in alt


# ---- our versions of what the learner writes --------------------------------------------------------------------


def test_splitting_in_twenty_lines_is_unbiased_and_its_spread_is_its_error():
    runs = [ours.split(cross, lesson.SQUARE, 1e-16, 200, np.random.default_rng(seed)) for seed in range(24)]
    ratio = np.exp([log_V[-1] for _, log_V, _ in runs]) / exact_cross(1e-16)
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std(ddof=1) / np.sqrt(24))
    assert ratio.std() < 0.7, "one factor of 0.4 is known to 9 %, and there are 19 of them"


def test_runs_joined_to_a_curve_are_fitted():
    runs = [ours.split(cross, lesson.SQUARE, 1e-24, 600, np.random.default_rng(seed)) for seed in range(6)]
    curve = lesson.as_curve(runs, 600, 2)
    assert curve.eps[-1] == pytest.approx(1e-24) and (np.diff(curve.eps) < 0).all()
    assert curve.log_V[-1] == pytest.approx(np.log(exact_cross(1e-24)), abs=5 * curve.se[-1])
    found = fit(curve)
    assert found.lam_given[1] == pytest.approx(0.5, abs=5 * found.se_given[1])
    with pytest.raises(ValueError, match="two runs"):
        lesson.as_curve(runs[:1], 600, 2)


def test_lambda_and_m_at_sight_are_those_of_the_library():
    for k, h in [((1, 2), (0, 1)), ((3, 1, 2), (0, 0, 4)), ((0, 2), (5, 0))]:
        assert ours.crossing(k, h) == normal_crossing(k, h)


def test_line_and_pit_hold_equal_volume_where_the_leading_powers_say():
    eps = (np.pi / 80) ** 4
    w = np.random.default_rng(0).uniform(-1, 1, (400_000, 2))
    pit_side, line_side = 0.12, 0.01  # boxes that hold the two parts of {K ≤ ε}
    pit = (lesson.line_and_pit(pit_side * w) <= eps).mean() * (2 * pit_side) ** 2
    near_line = np.column_stack([1 + line_side * w[:, 0], 2 * w[:, 1]])
    line = (lesson.line_and_pit(near_line) <= eps).mean() * 2 * line_side * 4
    assert pit / line == pytest.approx(1, abs=0.05)


def test_the_numbers_of_the_text_about_a_corner_that_is_not_analytic():
    def slope(eps):
        s = np.sqrt(eps)
        return s / 2 * np.exp(-1 / s) / quad(lambda x: np.exp(-1 / x), 0, s, epsabs=0)[0]

    assert [slope(1e-2), slope(1e-3), slope(1e-4)] == pytest.approx([5.93, 16.8, 51.0], rel=0.01)


def test_a_narrow_corner_has_more_than_half_of_its_parameters():
    x = np.random.default_rng(0).uniform(0, 1, (400_000, 2))
    levels = np.array([1e-2, 1e-3])  # w₁ = x₁, w₂ = x₁² x₂, with the weight x₁² of the change of variables
    K = x[:, 0] ** 2 + (x[:, 0] ** 2 * x[:, 1]) ** 2
    V = [np.sum(x[:, 0] ** 2 * (level >= K)) for level in levels]
    assert np.log10(V[0] / V[1]) == pytest.approx(1.5, abs=0.05)


# ---- the exercises ----------------------------------------------------------------------------------------------


def _changed(function, old, new):
    """The source of a function of ours with one thing changed, as a learner might write it."""
    source = inspect.getsource(function)
    assert old in source
    names = dict(vars(ours))
    exec(source.replace(old, new), names)
    return names[function.__name__]


def _hits(K, box, eps, n, rng):
    share, error = ours.count(K, box, eps, n, rng)
    return share * n, error * n


WRONG = [
    ("count", (_hits,), "divide it by n"),
    ("count", (_changed(ours.count, "rng.uniform(low, high,", "rng.uniform(-1, 1,"),), "a box that is not the square"),
    ("count", (_changed(ours.count, "np.sqrt(share * (1 - share) / n)", "share / np.sqrt(n)"),), "√(p(1 − p)/n)"),
    ("count", (_changed(ours.count, "share, np.sqrt(share * (1 - share) / n)", "share"),), "two numbers"),
    ("crossing", (_changed(ours.crossing, "min(rates), rates.count(min(rates))", "max(rates), 1"),),
     "number 2 is not right"),
    ("crossing", (_changed(ours.crossing, "h_i + 1, 2 * k_i", "1, 2 * k_i"),), "h does not come in"),
    ("crossing", (_changed(ours.crossing, "rates.count(min(rates))", "len(k)"),), "not the number of all"),
    ("crossing", (_changed(ours.crossing, "2 * k_i", "k_i"),), "not (h + 1)/k"),
    ("crossing", (_changed(ours.crossing, " if k_i > 0", ""),), "where w₁ does not occur"),
    ("split", (_changed(ours.split, "total += np", "total = np"),), "product of all shares"),
    ("split", (_changed(ours.split, "log_V.append(total)", "log_V.append(np.exp(total))"),), "Its logarithm"),
    ("split", (_changed(ours.split, "range(STIRS)", "range(2)"),), "stir the copies longer"),
    ("split", (_changed(ours.split, "range(STIRS)", "range(0)"),), "do copies move?"),
    ("split", (_changed(ours.split, "level ** rng.uniform(0, 0.5, n)", "0.1"),), "small steps"),
    ("split", (_changed(ours.split, " & np.all((low <= new) & (new <= high), axis=1)", ""),), "left the box"),
    ("split", (_changed(ours.split, "K(new) <= level", "K(new) <= 2 * level"),), "not below the level"),
    ("split", (_changed(ours.split, "max(np.quantile(loss, 0.4), eps)", "np.quantile(loss, 0.4)"),), "below ε"),
    ("split", (_changed(ours.split, "np.log(len(alive) / n)", "np.log(0.4)"),), "K ≤ ε everywhere"),
    ("split", (_changed(ours.split, ", np.array(clouds)", ""),), "three arrays"),
    ("sum_of_losses", (1.5,), "d/2"),
    ("sum_of_losses", (1 / 6,), "In a sum"),
    ("sum_of_losses", (0.93,), "Which fraction"),
    ("sum_of_losses", (0.5,), "too small"),
    ("balance", ((np.pi / 40) ** 4,), "both sides"),
    ("balance", (np.pi / 80,), "fourth root"),
    ("balance", ((np.pi / 8) ** 4,), "(10 r²)⁴"),
    ("balance", (1.0,), "too large"),
]  # fmt: skip


def _largest(k, h):
    rates = [(h_i + 1) / (2 * k_i) for k_i, h_i in zip(k, h, strict=True) if k_i]
    return max(rates), rates.count(max(rates))


WRONG.append(("crossing", (_largest,), "the largest rate"))
RIGHT = [
    ("count", (ours.count,)),
    ("crossing", (ours.crossing,)),
    ("crossing", (lambda k, h: _floats(k, h),)),
    ("split", (ours.split,)),
    ("split", (_changed(ours.split, "0.4", "0.3"),)),
    ("sum_of_losses", (Fraction(11, 12),)),
    ("sum_of_losses", (11 / 12,)),
    ("balance", ((np.pi / 80) ** 4,)),
    ("balance", (2.3e-6,)),
]


def _floats(k, h):
    rates = [(h_i + 1) / (2 * k_i) for k_i, h_i in zip(k, h, strict=True) if k_i]
    return min(rates), sum(rate == min(rates) for rate in rates)


test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)


def test_a_splitting_that_never_ends_is_stopped_within_seconds():
    began = time.monotonic()
    verdict = check.split(_changed(ours.split, "w = alive[rng.integers(len(alive), size=n)]", "pass"))
    assert verdict.state == "Not yet" and time.monotonic() - began < 60


def test_no_figure_gives_an_answer_away_before_it_is_asked_for():
    for live in (lesson.live_shrinking_set(), lesson.live_tube(), lesson.live_exponents()):
        assert "w₁² w₂⁴" not in live.alt and "slowly" not in live.alt
        assert "m = 2" not in repr(live)
