"""Lesson 01: the numbers behind its live figures, its table of families, and its checks on right and wrong answers."""

import re

import numpy as np
import pytest
import sympy as sp
from matplotlib.path import Path as Outline

from sltcourse.kit import style
from sltcourse.lessons import fisher_information as lesson
from sltcourse.lessons.fisher_information import check, guess, ours, planes
from sltcourse.theory.fisher import Density, certify, fisher_matrix, normal, prove_null, regression
from sltcourse.theory.models import families
from tests.cells import shared_names
from tests.exercises import exercise_tests
from tests.notebooks.lessons import ROOT, prose, read

R = sp.Rational
w = sp.Symbol("w", real=True)
x, a, b = sp.symbols("x a b", real=True)


TEXT = prose("01_fisher_information")


def test_it_quarrels_with_nobody():
    assert "deck" not in TEXT.lower()


# ---- what the text says -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    return planes.Planes(lambda a, b, x: a * np.tanh(b * x))


def test_the_cross_is_all_that_is_singular(network):
    for amplitude, t in np.random.default_rng(0).uniform(-0.95, 0.95, (30, 2)):
        exact = 4 * amplitude**2 * t**6 * (1 - t**2) ** 2 / (1 + t**2) ** 4
        assert np.linalg.det(network.information(amplitude, np.arctanh(t))) == pytest.approx(exact, rel=1e-6, abs=1e-15)
    assert "It is 0 only where a = 0 or t = 0" in TEXT


def test_why_there_is_no_linear_term_and_why_i():
    for log_p in (-((x - a**3) ** 2) / 2, sp.log((1 - b) * normal(x, 0) + b * normal(x, a))):
        p = sp.exp(log_p)
        for s, t in ((a, a), (a, b)):
            left = -sp.diff(log_p, s, t) - sp.diff(log_p, s) * sp.diff(log_p, t) + sp.diff(p, s, t) / p
            assert abs(sp.N(left.subs({x: R(1, 3), a: R(2, 5), b: R(1, 4)}))) < 1e-12
    assert r"\frac{\partial_i\partial_j\, p}{p}" in TEXT and "its slope there is 0" in TEXT


def test_the_two_scores_done_by_hand():
    log2 = sp.log(2)
    rows = [[sp.tanh(log2 * k), k / sp.cosh(log2 * k) ** 2] for k in (1, 2)]  # ∂f/∂a and ∂f/∂b at (1, log 2)
    matrix = sp.Matrix(rows).applyfunc(lambda c: sp.nsimplify(sp.simplify(c.rewrite(sp.exp))))
    assert matrix == sp.Matrix([[R(3, 5), R(16, 25)], [R(15, 17), R(128, 289)]])
    assert matrix.det() == R(-432, 1445) and r"\frac{432}{1445}" in TEXT


def test_how_much_a_thousand_data_notice():
    rng = np.random.default_rng(0)
    x_data, y_data = rng.choice([1, 2], size=1000), rng.normal(size=1000)
    fall = np.sum((y_data - np.tanh(0.3 * x_data)) ** 2 - y_data**2) / 2
    assert f"{fall:.1f}" == guess.fall.answer and round(fall) == 94


def test_the_continuous_symmetry_does_nothing_at_its_fixed_point():
    model = families.reduced_rank_regression().density
    with pytest.raises(ValueError, match="zero vector"):
        prove_null(model, (0, 0, 0, 0), (0, 0, 0, 0))  # (A, −B) at A = B = 0
    assert certify(model, (0, 0, 0, 0)).rank == 0
    product = Density(normal(x, a * b), {x: sp.S.Reals}, [a, b])
    assert certify(product, (0, 0)).rank == 0 and certify(product, (2, 3)).rank == 1
    for too_wide in ("through *every* point", "is null at every w", "At every point v = (a, −b) is null"):
        assert too_wide not in TEXT


def test_weight_decay_does_not_bend_every_point():
    u = 100 * (R(48, 100) - a * b) ** 2 / 2 + (a**2 + b**2) / 2
    hessian = sp.hessian(u, (a, b))
    assert (
        sorted(hessian.subs({a: 0, b: 0}).eigenvals()) == [-47, 49] and "eigenvalues at (0, 0) are 49 and −47" in TEXT
    )
    minimum = sp.sqrt(R(47, 100))
    assert min(hessian.subs({a: minimum, b: minimum}).eigenvals()) == 2
    assert "is positive definite everywhere" not in TEXT


def test_the_fourth_order_change_is_that_of_the_equal_coins():
    equal, unequal = (certify(families.binomial_mixture().density, point).rank
                      for point in ((R(1, 2), R(1, 2), R(1, 2)), (R(1, 3), R(1, 4), R(3, 4))))  # fmt: skip
    assert (equal, unequal) == (1, 3)
    section = dict(re.findall(r"^## (\d)\. .*?$(.*?)(?=^## )", TEXT, re.M | re.S))
    assert "p = q = 1/2" in section["5"] and "two equal coins of section 5" in TEXT


WORDS = {
    "layered neural network": "networks",
    "binomial mixture": "coins",
    "multinomial mixture": "dice",
    "mixture of statistical models": "all mixtures",
    "stochastic context-free grammar": "grammars",
    "hidden Markov model": "Markov models",
}


@pytest.mark.parametrize("make", families.FAMILIES, ids=lambda make: make.__name__)
def test_a_card_and_the_table_of_causes_agree(make):
    family = make()
    rows = re.findall(r"^\| \*\*(.+?)\*\*.*\| (.+?) \|$", TEXT, re.M)
    (families_shown,) = [shown for cause, shown in rows if cause.startswith(family.cause)]
    assert WORDS.get(family.name, family.name).lower() in families_shown.lower()


def test_the_coins_have_two_causes():
    coins = families.binomial_mixture().density
    for direction in ((1, 0, 0), (0, 1, -1)):
        assert prove_null(coins, (R(1, 2),) * 3, direction).holds


# ---- live figures -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def figure():
    return lesson.live_planes()


@pytest.fixture(scope="module")
def with_data():
    return lesson.live_planes(data=True)


@pytest.fixture(scope="module")
def walk():
    return lesson.live_families()


def test_the_cubic_band_vanishes_at_zero_and_the_straight_one_does_not():
    live = lesson.live_cubic()

    def moved(name, at):
        _, before, after = live.at(w=at)[f"moved {name}"]
        return np.max(np.abs(before - after))

    assert moved("N(w³, 1)", 0.0) < 0.01 < 0.05 < moved("N(w, 1)", 0.0)
    assert np.isclose(moved("N(w, 1)", 0.0), moved("N(w, 1)", 0.8), rtol=0.01)
    assert moved("N(w³, 1)", -0.14) < 0.005
    assert np.isclose(live.at(w=0.5)["information"][1], 9 / 16)
    assert "N(w³, 1) by 0.027. I(w) = 1 and 0." in live.at(w=0.0)["caption"]


def test_the_networks_information_is_the_exact_one(network):
    model = regression(a * sp.tanh(b * x), {x: sp.FiniteSet(1, 2)}, [a, b])
    for point in [(1, 0), (R(1, 2), sp.log(2)), (0, R(3, 2))]:
        exact = np.array(fisher_matrix(model, point).evalf(), float)
        assert np.allclose(network.information(*map(float, point)), exact, atol=1e-9)


@pytest.mark.parametrize(("at", "rank"), [((1, 0), 1), ((0, 0.8), 1), ((0, 0), 0), ((1, 0.8), 2)])
def test_the_weak_step_moves_nothing_on_the_cross(figure, at, rank):
    shown = figure.at(a=at[0], b=at[1])
    moved = np.ptp(np.array(shown["moved"]), axis=1)
    assert (moved.max() < 1e-9) == (rank < 2)
    assert np.hypot(*(c[-1] - c[0] for c in shown["step"])) == pytest.approx(0.5)
    assert (max(np.ptp(c) for c in shown["ellipse"]) > 20) == (rank < 2), "an endless strip"


def by_hand(n, w, other):
    """nK of the network between w and another point, input by input."""
    f = [[a * np.tanh(b * x) for x in (1, 2)] for a, b in (w, other)]
    return n * np.mean([(u - v) ** 2 / 2 for u, v in zip(*f, strict=True)])


def within(outline, points):
    """Which points lie in a set whose outline has several parts, holes among them: inside an odd number of them."""
    outline = np.array(outline).T
    cuts = np.flatnonzero(np.isnan(outline[:, 0]))
    parts = [part[np.isfinite(part[:, 0])] for part in np.split(outline, cuts)]
    return sum(Outline(part).contains_points(points).astype(int) for part in parts) % 2 == 1


@pytest.mark.parametrize("at", [(1, 0.8), (0.5, 0.5), (1, 0), (0, 0), (0, -1.2), (0.1, -0.1), (-1.2, 1.2)])
@pytest.mark.parametrize("n", [20, 200])
def test_the_shaded_set_is_where_nk_is_at_most_one(network, at, n):
    points = np.random.default_rng(0).uniform(-2.5, 2.5, (600, 2))
    nK = np.array([by_hand(n, at, point) for point in points])
    clear = np.abs(np.sqrt(nK) - 1) > 0.15
    inside = within(network.almost_as_good(*at, n), points)
    assert (inside == (nK <= 1))[clear].all() and clear.sum() > 500


def test_the_shaded_set_at_the_crossing_is_a_cross(figure):
    points = np.array([[1, 1], [-1, 1], [0, 2], [2, 0], [0, 0.01]])
    assert within(figure.at(a=0, b=0)["set"], points).tolist() == [False, False, True, True, True]
    assert guess.crossing.answer == "a thick cross"
    assert by_hand(20, (0, 0), (1, 1)) == pytest.approx(7.547, abs=1e-3)


def test_the_ellipse_is_the_quadratic_form(figure, network):
    steps = np.array(figure.at(a=-0.7, b=1.2)["ellipse"]) - [[-0.7], [1.2]]
    assert np.allclose(20 * np.einsum("ik,ij,jk->k", steps, network.information(-0.7, 1.2), steps) / 2, 1)


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("at", [(1, 0.8), (0, 0), (-0.6, 1.1)])
def test_no_weights_in_the_window_fit_better(with_data, at, seed):
    shown = with_data.at(a=at[0], b=at[1], seed=seed)
    y, best = (np.ravel(shown[name]) for name in ("data", "best"))
    others = np.random.default_rng(0).uniform(-2.6, 2.6, (20_000, 2))
    miss = np.hypot(*(others[:, 0] * np.tanh(others[:, 1] * k) - y[k - 1] for k in (1, 2)))
    ours_misses = np.hypot(*(best[0] * np.tanh(best[1] * k) - y[k - 1] for k in (1, 2)))
    assert ours_misses < miss.min() + 0.005
    assert np.ravel(shown["nearest"]) == pytest.approx([best[0] * np.tanh(best[1] * k) for k in (1, 2)])
    assert f"nK = {lesson.models.short(by_hand(20, at, best))}." in shown["caption"]


def test_data_sets_scatter_as_n_says():
    means = np.concatenate([planes.data_means(n) * np.sqrt(n / 2) for n in (20, 2000)])
    assert np.allclose(means[:6], means[6:]) and 0.5 < means[:6].std() < 1.5


@pytest.mark.parametrize(
    "f", [(a + b) * x, a * x + b * x**2, a * sp.exp(-((x - b) ** 2)), lambda a, b, x: np.maximum(a * x + b, 0)]
)
def test_a_model_of_ones_own(f):
    live = lesson.live_planes(f, data=True)
    for at in ({"a": 0.5, "b": 0.5}, {"a": -1.2, "b": 1.2}, {"a": 0, "b": 0}):
        shown = live.at(**at, seed=2)
        inside = within(shown["set"], np.array([[at["a"], at["b"]]]) + 1e-3)
        assert inside.all() and np.isfinite(np.array(shown["f"])).all(), at


def test_a_model_of_ones_own_tells_its_rank():
    assert "eigenvalues of I 0 and 5" in lesson.live_planes((a + b) * x).at(a=1, b=1)["caption"]


@pytest.mark.parametrize(
    ("f", "words"),
    [(a * w * x, "it has w as well"), (sp.log(a) * x, "finite real"), ("a*x", "sympy expression"), (x / a, "finite")],
)
def test_what_is_no_model_is_refused(f, words):
    with pytest.raises((TypeError, ValueError), match=words):
        lesson.live_planes(f)


@pytest.mark.parametrize("make", [lesson.live_cubic, lambda: lesson.live_planes(data=True), lesson.live_families])
def test_every_part_is_looked_up_in_the_browser(make):
    live = make()
    spec, blob = live.encode()
    assert not [part for part in spec["parts"] if "ask" in part] and len(blob) < 4_000_000


def test_outcomes_without_an_order_are_not_joined(walk):
    dice, bump = (walk.at(family=name, step=1.0) for name in ("multinomial mixture", "normal mixture"))
    assert np.isnan(dice["null"][1]).all() and np.isfinite(dice["dots null"][1]).all()
    assert np.isfinite(bump["null"][1]).all() and np.isnan(bump["dots null"][1]).all()


def test_every_family_stands_still_to_first_order(walk):
    for family, _, _ in lesson.models.certified():
        steps = np.array(walk.controls["step"].values)
        shown = [walk.at(family=family.name, step=s) for s in steps]
        k = {which: np.array([state[f"K {which}"][1] for state in shown]) for which in ("null", "fast")}
        slope = np.polyfit(np.log(steps[:30]), np.log(k["fast"][:30]), 1)[0]
        assert abs(slope - 2) < 0.1, family.name
        if np.isfinite(k["null"]).any():
            assert np.polyfit(np.log(steps[:30]), np.log(k["null"][:30]), 1)[0] > 3.8, family.name
            assert "grows with slope 4" in walk.at(family=family.name)["verdict"][2]
        else:  # then p is constant on the whole line, not only to first order
            t = sp.Symbol("t")
            where = zip(family.density.parameters, family.singular, family.direction, strict=True)
            line = {p: start + t * v for p, start, v in where}
            change = sp.diff(family.density.pdf.subs(line, simultaneous=True), t)
            if sp.S.Naturals in family.density.variables.values():
                (n,) = family.density.variables
                assert all(sp.simplify(change.subs(n, i)) == 0 for i in range(1, 8))
            else:
                assert sp.simplify(change) == 0, family.name


def test_the_scale_of_what_a_model_says():
    journey = lesson.models.Journey(families.binomial_mixture(), [1.0])
    shown = journey.low + (journey.high - journey.low) * journey.still
    assert shown == pytest.approx([1 / 8, 3 / 8, 3 / 8, 1 / 8])


def test_divergences_against_closed_forms():
    shares = [0.1, 1.0]
    neuron = lesson.models.Journey(families.layered_network(), shares)
    assert np.isclose(neuron.divergence("fast", 1.0), np.mean(np.tanh([1, 2]) ** 2) / 2)
    coins = lesson.models.Journey(families.binomial_mixture(), shares)
    p = 0.5 + 0.35 * 0.1  # both biases move by 0.7·0.5 at the longest step
    assert np.isclose(coins.divergence("fast", 0.1), 1.5 * (np.log(0.5 / p) + np.log(0.5 / (1 - p))))


def test_the_normal_mixtures_divergence_by_monte_carlo():
    view = lesson.models.View(families.normal_mixture().density)
    z = np.random.default_rng(0).normal(size=400_000)
    log_ratio = -np.log(0.5 + 0.5 * np.exp(z - 0.5))  # p(x|½, 0) is N(0, 1)
    exact = view.divergence(np.array([0.5, 0.0]), np.array([0.5, 1.0]))
    assert abs(exact - log_ratio.mean()) < 5 * log_ratio.std() / 632


# ---- what the learner writes ------------------------------------------------------------------------------------


def test_the_bow_tie_and_its_weights():
    for amplitude, speed in np.random.default_rng(0).normal(size=(50, 2)):
        y = amplitude * np.tanh(speed * np.array([1, 2]))
        assert 1 < y[1] / y[0] < 2
        assert ours.weights_of(*y) == pytest.approx((amplitude * np.sign(speed), abs(speed)))
    share = 100 * (np.arctan(2) - np.arctan(1)) / np.pi
    assert f"{share:.1f} %" == guess.exact.answer


def test_the_jacobian_by_differences():
    rng = np.random.default_rng(0)
    w, at = rng.normal(size=12), rng.normal(size=5)
    steps = 1e-6 * np.eye(12)
    slopes = np.stack([(ours.predict(w + e, at) - ours.predict(w - e, at)) / 2e-6 for e in steps], axis=1)
    assert np.allclose(ours.jacobian(w, at), slopes, atol=1e-8)


def test_the_folded_autograd_gives_the_same():
    torch = pytest.importorskip("torch")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.S) if "jacrev" in block]
    rng = np.random.default_rng(1)
    names = {"np": np, "weights": rng.normal(size=9), "inputs": rng.normal(size=20)}
    exec(code, names)
    mine = np.linalg.svd(ours.jacobian(names["weights"], names["inputs"]), compute_uv=False) ** 2 / 20
    assert isinstance(names["eigenvalues"], torch.Tensor)
    assert np.allclose(names["eigenvalues"].numpy(), mine, rtol=1e-8)


@pytest.fixture(scope="module")
def training():
    """The lesson's own training cell, run with our functions."""
    cells = [c.source for c in read(ROOT / "notebooks" / "01_fisher_information.ipynb").cells if c.cell_type == "code"]
    (source,) = [c for c in cells if "def trained(" in c]
    names = {"np": np, "guess": guess, "predict": ours.predict, "jacobian": ours.jacobian}
    exec(source, names)
    return names


def test_how_much_of_the_network_is_seen(training):
    eigenvalues = np.sort(training["spectrum"](training["weights"]))[::-1]
    assert (200 * eigenvalues > 1).sum() == pytest.approx(int(guess.seen.answer), abs=1)
    assert np.median(eigenvalues) < 1e-5
    matrix = training["jacobian"](training["weights"], training["inputs"])
    exact = np.linalg.eigvalsh(matrix.T @ matrix / 200)[::-1]
    assert np.allclose(eigenvalues[:15], exact[:15], rtol=1e-6)
    large = [(200 * training["spectrum"](training["trained"](100, seed)) > 1).sum() for seed in range(1, 4)]
    assert 15 <= min(large) and max(large) <= 22, "300 weights show hardly more than 60"


def test_the_picture_of_the_spectrum_counts(training):
    values = training["spectrum"](training["weights"])
    fig = lesson.draw_spectrum(
        training["inputs"], training["outputs"], lambda x: training["predict"](training["weights"], x), values
    )
    assert f"{(200 * values > 1).sum()} lie above 1/200" in fig.get_label()
    style.plt.close(fig)


def test_the_other_guesses():
    assert guess.needed.answer == style.power(2 / 0.1**6)
    assert certify(families.binomial_mixture().density, (R(1, 3), R(1, 4), R(3, 4))).rank == 3
    assert guess.swapped.answer == "no"


def test_cells_hand_no_changing_names_to_each_other():
    taken, changed = shared_names("01_fisher_information")
    assert set(taken) <= {"fisher", "jacobian", "weights_of", "answer"} and not changed


# ---- the families ---- -------------------------------------------------------------------------------------------


def test_the_table_of_families():
    rows = lesson.families_table().rows
    ranks = "1 of 2, 2 of 4, 1 of 2, 1 of 3, 2 of 5, 1 of 2, 3 of 4, 2 of 3, 3 of 7, 2 of 4, 2 of 3"
    assert ", ".join(row[2] for row in rows).replace("\u00a0", " ") == ranks
    assert [row[0] for row in rows if row[5] == "none"] == ["reduced rank regression"]
    for family, found, _ in lesson.models.certified():  # the direction whose meaning is told is among the null ones
        assert sp.Matrix([*found.null, family.direction]).rank() == len(found.null), family.name


def test_a_card_tells_point_rank_and_directions():
    rows = dict(lesson.card(families.radial_basis()).rows)
    assert rows["rank there"] == "2 of 4" and rows["null directions, proved"] == "(1, 0, −1, 0), (0, 2, 0, −1)"
    assert dict(lesson.card(families.reduced_rank_regression()).rows)["regular points"] == "none"


# ---- checks -----------------------------------------------------------------------------------------------------

MIXTURE = Density((1 - a) * normal(x, 0) + a * normal(x, b), {x: sp.S.Reals}, {a: sp.Interval(0, 1), b: sp.S.Reals})

C = sp.Symbol("c", real=True)  # the spread |a + 2c|: two parameters that enter as one
SPREAD = Density(
    sp.exp(-(x**2) / (2 * (a + 2 * C) ** 2)) / (sp.sqrt(2 * sp.pi) * sp.Abs(a + 2 * C)), {x: sp.S.Reals}, [a, C]
)

NETWORK = regression(a * sp.tanh(b * x), {x: sp.FiniteSet(1, 2)}, [a, b])


def integral(g, x):
    return sp.simplify(sp.integrate(g, (x, -sp.oo, sp.oo)))


def no_density(p, x, parameters):
    return sp.Matrix([[integral(sp.diff(p, s) * sp.diff(p, t), x) for t in parameters] for s in parameters])


def hessian(p, x, parameters):
    return sp.Matrix([[integral(sp.simplify(sp.diff(sp.log(p), s, t)) * p, x) for t in parameters] for s in parameters])


def blocks(w, x):
    a, b, c = w.reshape(3, -1)
    return a, np.tanh(np.outer(x, b) + c), x[:, None]


def without_a(w, x):
    _, h, x = blocks(w, x)
    return np.hstack([h, (1 - h**2) * x, 1 - h**2])


def without_x(w, x):
    a, h, x = blocks(w, x)
    return np.hstack([h, a * (1 - h**2), a * (1 - h**2)])


def with_a(w, x):
    a, h, x = blocks(w, x)
    return np.hstack([a * h, a * (1 - h**2) * x, a * (1 - h**2)])


def turned_blocks(w, x):
    a, h, x = blocks(w, x)
    return np.hstack([h, a * (1 - h**2), a * (1 - h**2) * x])


def not_squared(w, x):
    a, h, x = blocks(w, x)
    return np.hstack([h, a * h * x, a * h])


def no_edges(y1, y2):
    t = np.sqrt(abs(2 * y1 / y2 - 1))
    return y1 / t, np.arctanh(t)


def no_root(y1, y2):
    t = 2 * y1 / y2 - 1 if 1 < y2 / y1 < 2 else np.nan
    return y1 / t, np.arctanh(t)


RIGHT = [
    ("fisher", (ours.fisher,)),
    ("jacobian", (ours.jacobian,)),
    ("weights_of", (ours.weights_of,)),
    ("coins", ((0, 1, -2),)),
    ("coins", ((R(7, 3), -1, 2),)),
    ("coins", (np.array([0.0, -4.0, 8.0]),)),
    ("own_model", (MIXTURE, np.array([0.5, 0]), np.array([1, 0]))),
    ("own_model", (MIXTURE, (R(1, 2), 0), (1, 0))),
    ("own_model", (SPREAD, (1, 2), (2, -1))),
]

WRONG = [
    ("fisher", (no_density,), "are derivatives of log p"),
    ("fisher", (hessian,), "minus the Fisher matrix"),
    ("fisher", (3,), "A function is wanted"),
    ("fisher", (lambda p, x, parameters: sp.Matrix([[1]]),), "N(w³, 1)"),
    ("jacobian", (without_a,), "have the factor a"),
    ("jacobian", (without_x,), "has the factor x"),
    ("jacobian", (with_a,), "f is linear in a"),
    ("jacobian", (turned_blocks,), "another order"),
    ("jacobian", (not_squared,), "1 − tanh² z"),
    ("jacobian", (lambda w, x: ours.jacobian(w, x).T,), "transpose"),
    ("weights_of", (lambda y1, y2: ours.weights_of(y1, y2)[::-1],), "The order is (a, b)"),
    ("weights_of", (no_edges,), "strictly between 1 and 2"),
    ("weights_of", (no_root,), "take the root"),
    ("weights_of", (lambda y1, y2: ours.weights_of(y1, y2) if y1 > 0 else (np.nan, np.nan),), "lower half"),
    ("own_model", (Density(normal(x, a * b), {x: sp.S.Reals}, [a, b]), (2, 3), (2, -3)), "N(ab, 1) is the lesson"),
    ("own_model", (Density(normal(x, b**3), {x: sp.S.Reals}, [b]), (0,), (1,)), "N(w³, 1) is the lesson"),
    ("own_model", (NETWORK, (1, 0), (1, 0)), "a·tanh(bx) is the lesson"),
    ("coins", ((1, 2),), "3 components"),
    ("coins", (5,), "3 numbers"),
    ("coins", ((0, sp.I, 1),), "real"),
    ("coins", ((0, a, 1),), "real"),
    ("coins", ("0,1,-2",), "A direction is wanted here: 3 numbers"),
    ("coins", (("0", "1", "-2"),), "A direction is wanted here: 3 numbers"),
    ("coins", ((None, 1, 2),), "A direction is wanted here: 3 numbers"),
    ("coins", ({a: 2, b: -3},), "A direction is wanted here: 3 numbers"),
    ("coins", ((0, 0, 0),), "zero vector"),
    ("coins", ([sp.Matrix([0, 1, -2])],), "take its element [0]"),
    ("coins", ((0, 1, -1),), "right for a = 1/2"),
    ("coins", ((1, 0, 0),), "v_p ≠ 0"),
    ("coins", ((0, 1, 1),), "chance of heads"),
    ("coins", ((0, 2, -1),), "chance of heads"),
    ("own_model", (MIXTURE, (R(1, 2), 0), 1), "A direction has 2 components"),
    ("own_model", (MIXTURE, (R(1, 2), 0), "10"), "A direction has 2 components"),
    ("own_model", (MIXTURE, (R(1, 2), 0), (None, 1)), "What is given for a is no real number"),
    ("own_model", (MIXTURE, "10", (1, 0)), "A point has 2 coordinates"),
    ("own_model", (MIXTURE, None, (1, 0)), "A point has 2 coordinates"),
    ("own_model", (normal(x, a), (0,), (1,)), "Density"),
    ("own_model", (MIXTURE, (R(1, 2), 1), (1, 0)), "p moves"),
    ("own_model", (MIXTURE, (R(1, 2), 0), (0, 0)), "zero vector"),
    ("own_model", (MIXTURE, (2, 0), (1, 0)), "outside its range"),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
