import inspect
import tomllib
from pathlib import Path

import numpy as np
import pytest

from sltcourse.kit import assets
from sltcourse.lessons import two_mysteries as lesson
from sltcourse.lessons.two_mysteries import make
from tests.exercises import exercise_tests
from tests.notebooks.lessons import prose

check = lesson.check
TEXT = prose("00_two_mysteries")


def test_it_quarrels_with_nobody_and_does_not_see_for_the_reader():
    assert "slide deck" not in TEXT.lower() and "now i see" not in TEXT.lower()
    assert TEXT.count("Furman") == 1, "the deck is named once, among the sources"


# ---- is everything there? -------------------------------------------------------------------------------------


def test_what_is_needed_is_what_the_package_requires():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    required = tomllib.loads(text)["project"]["dependencies"]
    assert dict(line.split(">=") for line in required) == lesson.ready.NEEDED


def test_the_environment_is_complete():
    assert lesson.everything_here() == "Everything the course needs is here."


def test_a_missing_or_old_package_is_named_with_its_cure():
    said = lesson.everything_here({"numpy": "99.1", "no-such-package": "1.0"}).splitlines()
    assert said[0].startswith("numpy is too old") and "-U numpy" in said[0]
    assert said[1].startswith("no-such-package is not installed") and "%pip install" in said[1]


def test_an_altered_file_is_reported(monkeypatch, tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr(assets, "folder", lambda: tmp_path)
    assert "cannot be read" in lesson.everything_here()


# ---- the frozen network ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [5, 16, 64])
def test_least_norm_is_the_limit_of_ridge(width):
    rng = np.random.default_rng(1)
    x, y = lesson.some_inputs(rng), rng.normal(size=16)
    phi = lesson.hidden(x, lesson.some_units(rng, width))
    gram = phi.T @ phi
    ridge = np.linalg.solve(gram + 1e-9 * np.eye(width), phi.T @ y)
    new = lesson.hidden(np.linspace(-3, 3, 50), lesson.some_units(np.random.default_rng(2), width))
    smallest = np.linalg.svd(phi, compute_uv=False)[-1]
    tolerance = 10 * 1e-9 / smallest**2 + 1e-6
    exact = new @ np.linalg.pinv(phi) @ y
    np.testing.assert_allclose(new @ ridge, exact, atol=tolerance * np.abs(exact).max() + 1e-6)


def test_hidden_units_one_by_one():
    x, units = np.array([0.3, -2.0]), (np.array([0.0, 1.0, 3.0]), np.array([-0.5, 0.2, 0.9]))
    for i, t in enumerate(x):
        for k in range(3):
            assert lesson.hidden(x, units)[i, k] == pytest.approx(max(np.cos(t - units[0][k]) - units[1][k], 0))


def test_inputs_fill_the_circle():
    x = lesson.some_inputs(np.random.default_rng(0), (50,))
    sector = np.floor((x + np.pi) / (2 * np.pi / 16)).astype(int)
    assert (sector == np.arange(16)).all()


def test_double_descent():
    train, test = lesson.models.descent()
    middle = np.median(test, axis=-1)
    below, above = lesson.models.WIDTHS < 16, lesson.models.WIDTHS > 16
    assert (lesson.models.WIDTHS[6 + middle[6:].argmax(axis=0)] == 16).all(), "the peak is at N = n for every noise"
    assert (middle[below].min(axis=0) < middle[0]).all() and (middle[below].min(axis=0) < middle[14]).all(), "the U"
    assert (np.diff(np.median(train, axis=-1)[lesson.models.WIDTHS <= 15], axis=0) < 0).all()
    assert np.median(train, axis=-1)[lesson.models.WIDTHS >= 24].max() < 1e-12, "beyond n every point is fitted"
    assert (middle[above][-1] < middle[above][0] / 2).all(), "the second descent"
    lower = dict(zip(lesson.models.NOISES, middle[-1] < middle[below].min(axis=0), strict=True))
    assert lower[0.05] and lower[0.1] and not (lower[0.2] or lower[0.3] or lower[0.5] or lower[1.0]), (
        "which valley is lower"
    )


def test_at_little_noise_the_highest_point_is_not_the_peak():
    middle = np.median(lesson.models.descent()[1], axis=-1)
    widths, highest = lesson.models.WIDTHS, lesson.models.WIDTHS[middle.argmax(axis=0)]
    np.testing.assert_array_equal(highest == 1, lesson.models.NOISES <= 0.1)
    at = list(widths).index(16)
    assert (middle[at] > middle[at - 1]).all() and (middle[at] > middle[at + 1]).all(), "it has a peak at every noise"
    assert "the error peaks" not in TEXT and "the error has a peak at N = n" in TEXT


def test_what_the_networks_add_to_the_noise():
    live = lesson.live_width()
    (_, floor), small = live.at(noise=0.5)["floor"], live.at(width=7, noise=0.5)["now"][1]
    excess = small - floor[0], live.at(width=512, noise=0.5)["now"][1] - floor[0]
    assert excess == pytest.approx((0.134, 0.279), abs=1e-3) and "0.13 against 0.28, twice as much" in TEXT
    assert "σ² = 0.25" in live.at(noise=0.5)["caption"]
    np.testing.assert_allclose(lesson.draw_valley().axes[0].lines[2].get_ydata(), 0.25)


def test_seven_units_come_nearest_and_do_not_follow_the_truth():
    rng = np.random.default_rng(6)  # as the lesson's first cells
    x, z = lesson.some_inputs(rng), rng.normal(size=16)
    units, t, gaps = lesson.some_units(rng, 512), np.linspace(-np.pi, np.pi, 241), {}
    for width in (2, 7, 14):
        chosen = [u[:width] for u in units]
        w = np.linalg.lstsq(lesson.hidden(x, chosen), lesson.truth(x) + 0.5 * z, rcond=None)[0]
        gaps[width] = np.abs(lesson.hidden(t, chosen) @ w - lesson.truth(t))
    assert [np.mean(g**2) for g in gaps.values()] == pytest.approx([0.47, 0.16, 1.46], abs=0.005)
    assert gaps[7].max() == pytest.approx(0.7, abs=0.03) and t[gaps[7].argmax()] == pytest.approx(-2, abs=0.15)
    assert "Seven follow the truth" not in TEXT and "they miss it by 0.7 near x = −2" in TEXT


def test_beyond_n_the_noise_is_what_is_left_of_the_rows():
    phi = np.random.default_rng(5).normal(size=(4, 9))
    rows = []
    for k in range(4):
        others = np.delete(phi, k, axis=0)
        rest = phi[k] - np.linalg.lstsq(others.T, phi[k], rcond=None)[0] @ others
        rows.append(1 / (rest @ rest))
    np.testing.assert_allclose(np.diag(np.linalg.inv(phi @ phi.T)), rows)
    assert np.sum(np.linalg.pinv(phi) ** 2) == pytest.approx(sum(rows))  # E|Φ⁺z|² for standard normal z
    assert "tr(ΦΦᵀ)⁻¹" in TEXT and "with rows in the place of columns" not in TEXT


def test_the_errors_contain_the_noise_of_new_data():
    rng = np.random.default_rng(0)
    x, z = lesson.some_inputs(rng, (80,)), rng.normal(size=(80, 16))
    units = lesson.some_units(rng, 5, (80,))
    new = rng.uniform(-np.pi, np.pi, (80, 4000))
    error = []
    for s in range(80):
        chosen = units[0][s], units[1][s]
        w = np.linalg.lstsq(lesson.hidden(x[s], chosen), lesson.truth(x[s]) + 0.5 * z[s], rcond=None)[0]
        data = lesson.truth(new[s]) + 0.5 * rng.normal(size=4000)
        error.append(np.mean((lesson.hidden(new[s], chosen) @ w - data) ** 2))
    row, column = list(lesson.models.WIDTHS).index(5), list(lesson.models.NOISES).index(0.5)
    np.testing.assert_allclose(lesson.models.descent()[1][row, column], error, rtol=0.15)


@pytest.mark.parametrize("width, n", [(4, 16), (8, 16), (28, 16), (64, 16)])
def test_the_peak_s_formula(width, n):
    formula = width / (n - width - 1) if width < n else n / (width - n - 1)
    rng, errors = np.random.default_rng(3), []
    for _ in range(4000):  # the error of least squares itself, with noise only, on new normal features
        x = rng.normal(size=(n, width))
        errors.append(np.sum(np.linalg.lstsq(x, rng.normal(size=n), rcond=None)[0] ** 2))
    assert np.mean(errors) == pytest.approx(formula, abs=4 * np.std(errors) / np.sqrt(4000))


def test_the_live_width():
    live = lesson.live_width()
    calm, wild, wide = (live.at(width=w, noise=0.5) for w in (7, 16, 512))
    assert np.abs(wild["fit"][1]).max() > 3 * np.abs(calm["fit"][1]).max() > np.abs(wide["fit"][1]).max() / 3
    assert "as many units as data" in wild["caption"] and "N = 512: 0.53" in wild["caption"]
    x, y = wide["data"]
    t, f = wide["fit"]
    np.testing.assert_allclose(np.interp(x, t, f), y, atol=0.03)  # it passes through every point
    assert live.at(width=512, noise=0.05)["now"][1] < live.at(width=7, noise=0.05)["now"][1]


# ---- learning by heart ----------------------------------------------------------------------------------------


def test_one_network_learns_rings_and_coins():
    rng = np.random.default_rng(0)
    points, ring = lesson.rings(rng, 60)
    coins = rng.integers(0, 2, 60)
    true_net, coin_net = lesson.train_classifier(points, ring), lesson.train_classifier(points, coins)
    assert (true_net(points) == ring).all() and (coin_net(points) == coins).all()
    new, labels = lesson.rings(rng, 10_000)
    assert (true_net(new) == labels).mean() > 0.96
    assert len(lesson.draw_regions(points, {"rings": (ring, true_net), "coins": (coins, coin_net)}).axes) == 2


@pytest.mark.parametrize("seed", [1, 2])
def test_other_points_and_weights_give_the_same_result(seed):
    rng = np.random.default_rng(seed)
    points, ring = lesson.rings(rng, 60)
    coins = rng.integers(0, 2, 60)
    (new, labels), new_coins = lesson.rings(rng, 10_000), rng.integers(0, 2, 10_000)
    true_net, coin_net = (lesson.train_classifier(points, y, seed=seed) for y in (ring, coins))
    assert (true_net(points) == ring).all() and (true_net(new) == labels).mean() > 0.95
    assert (coin_net(points) == coins).all() and abs((coin_net(new) == new_coins).mean() - 0.5) < 0.02


def test_the_rings():
    points, ring = lesson.rings(np.random.default_rng(0), 20_000)
    radius = np.linalg.norm(points, axis=1)
    assert radius[ring == 1].mean() == pytest.approx(1, abs=0.01)
    assert radius[ring == 0].mean() == pytest.approx(0.45, abs=0.01)
    assert ((radius > 0.725) == ring).mean() > 0.99


# ---- the network that adds ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def adder():
    return lesson.load_adder()


def test_the_network_is_right_on_all_pairs(adder):
    assert adder.seen.sum() == 768 and adder.E.shape == (31, 32)
    for a in range(31):
        for b in range(31):
            logits = np.maximum((adder.E[a] + adder.E[b]) @ adder.W, 0) @ adder.U
            assert logits.argmax() == (a + b) % 31
            np.testing.assert_allclose(logits, adder.logits()[a, b])


def test_pairs_seen_in_neither_order_are_the_test_of_a_rule(adder):
    np.testing.assert_allclose(adder.logits(), adder.logits().transpose(1, 0, 2))  # a + b and b + a are one to it
    assert (~adder.seen & adder.seen.T).sum() == 141 and (~adder.seen & ~adder.seen.T).sum() == 52


def test_its_embedding_is_made_of_few_frequencies(adder):
    angle = 2 * np.pi * np.outer(np.arange(1, 16), np.arange(31)) / 31  # a Fourier transform by hand
    power = ((np.cos(angle) @ adder.E) ** 2 + (np.sin(angle) @ adder.E) ** 2).sum(axis=1)
    share = power / power.sum()
    assert list(np.flatnonzero(share > 1 / 15) + 1) == [5, 6, 8, 9, 10, 12]
    assert 0.10 < share[share > 1 / 15].min() and share.max() < 0.18
    shuffled = np.random.default_rng(0).permutation(adder.E)
    noise = (np.abs(np.fft.rfft(shuffled, axis=0)) ** 2).sum(axis=1)[1:]
    assert (noise / noise.sum()).max() < 0.12, "numbers in a random order have no such frequencies"


@pytest.mark.parametrize("k", [5, 6, 8, 9, 10, 12])
def test_the_circles(adder, k):
    seen = lesson.models.circle(adder.E, k)
    angle = 2 * np.pi * k * np.arange(31) / 31
    np.testing.assert_allclose(seen, np.stack([np.cos(angle), np.sin(angle)], axis=-1), atol=0.25)


def test_how_far_the_dots_are_from_their_numbers(adder):
    off = {}
    for k in (5, 6, 8, 9, 10, 12):
        x, y = lesson.models.circle(adder.E, k).T
        gap = np.arctan2(y, x) - 2 * np.pi * k * np.arange(31) / 31
        off[k] = np.arctan2(np.sin(gap), np.cos(gap)) / (2 * np.pi / 31)  # in steps from number to number
    rms = [np.sqrt(np.mean(o**2)) for o in off.values()]
    assert min(rms) == pytest.approx(0.23, abs=0.01) and max(rms) == pytest.approx(0.37, abs=0.01)
    assert max(off, key=lambda k: np.abs(off[k]).max()) == 10
    assert np.abs(off[10]).max() == pytest.approx(0.89, abs=0.01) and "At frequency 10 one is off by 0.89" in TEXT


def test_the_weight_decay_is_told():
    assert "weight_decay=1.5" in inspect.getsource(make.train_adder) and "a weight decay of 1.5" in TEXT
    assert "Nothing in the loss asks for circles" not in TEXT and "2311.07568" in TEXT


def test_a_perfect_circle_in_any_basis():
    angle = 2 * np.pi * 4 * np.arange(31) / 31
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 2)))[0]
    np.testing.assert_allclose(lesson.models.circle(3 * ring @ basis.T + 1, 4), ring, atol=1e-9)


def test_logits_by_distance(adder):
    logits = adder.logits()
    sorted_ = lesson.by_distance(logits)
    for a, b, d in [(0, 0, 0), (5, 29, 3), (30, 30, 30)]:
        assert sorted_[a, b, d] == pytest.approx(logits[a, b, (a + b + d) % 31] - logits[a, b].mean())
    mean = sorted_.mean(axis=(0, 1))
    assert mean.argmax() == 0
    assert 1 - np.mean((sorted_ - mean) ** 2) / np.mean(sorted_**2) == pytest.approx(0.943, abs=0.005)


def test_the_leftover_depends_on_the_difference(adder):
    d, difference = lesson.by_distance(adder.logits()), np.subtract.outer(range(31), range(31)) % 31
    left = d - d.mean(axis=(0, 1))
    rest = sum(((d[difference == e] - d[difference == e].mean(axis=0)) ** 2).sum() for e in range(31))
    assert 0.2 < rest / (left**2).sum() < 0.3, "three quarters of what is left over"


def test_the_sum_of_all_cosines():
    d = np.arange(31)
    total = sum(np.cos(2 * np.pi * k * d / 31) for k in range(1, 16))
    np.testing.assert_allclose(total, np.where(d == 0, 15, -0.5), atol=1e-12)
    zeta = np.exp(2j * np.pi / 31)
    for k in range(1, 31):  # the geometric series
        assert abs(sum(zeta ** (j * k) for j in range(31))) < 1e-12 and abs(zeta**k - 1) > 0.2
    assert "geometric series" in TEXT and "cyclotomic" not in TEXT


def test_the_live_clock(adder):
    live = lesson.live_clock(adder, np.array([5, 6, 8, 9, 10, 12]))
    state = live.at(a=30, b=30, k="9")
    assert state["answer"][0] == 29 and "60 = 31 + 29" in state["caption"] and "differ by 7" in state["caption"]
    np.testing.assert_allclose(state["a"], lesson.models.circle(adder.E, 9)[30])
    np.testing.assert_allclose(np.array(state["hand a + b"])[:, 1], state["a + b"])
    assert "a + b = 7." in live.at(a=3, b=4)["caption"]
    assert state["cosines"][1].argmax() == 29


def test_training_starts_and_learns():
    quick = make.train_adder(steps=300, p=5)
    assert (
        quick.logits().argmax(axis=-1)[quick.seen].tolist()
        == ((np.add.outer(range(5), range(5)) % 5)[quick.seen]).tolist()
    )


def test_the_command_says_how_it_is_used():
    with pytest.raises(SystemExit, match="usage: python -m sltcourse.lessons.two_mysteries.make network"):
        make.main([])


# ---- pictures and exercises -----------------------------------------------------------------------------------


def test_the_pictures_that_stand_still(adder):
    angles = np.linspace(-3, 3, 9)
    fits = {"one": (angles, angles), "two": (angles, -angles)}
    assert len(lesson.draw_fits(angles, angles, fits).axes) == 2
    bars = lesson.draw_spectrum(np.full(15, 1 / 15)).axes[0].patches
    assert len(bars) == 15
    test_line = lesson.draw_valley().axes[0].lines[1].get_ydata()
    assert test_line.argmin() == 6 and test_line[-1] > 1.3 * test_line.min()


WRONG = [
    ("more_data", (40 / -21, 40 / -3), "exchange the two"),
    ("more_data", (20 / 20, 38 / 2), "E[1/χ²]"),
    ("more_data", (38, 20 / 19), "are exchanged"),
    ("more_data", (20 / 19, 19), "n = 38"),
    ("more_data", (40 / 20, 38), "law for a few parameters"),
    ("promise", (0.48,), "looks measured"),
    ("promise", (0.51 + 0.03,), "looks measured"),
    ("promise", (0.3,), "too small"),
    ("neighbour", (-24,), "the right place"),
    ("neighbour", (69,), "the right place"),
    ("neighbour", (-7,), "too small"),
    ("price", (0.5,), "the root of n"),
    ("promise", (0,), "training error"),
    ("promise", (1,), "half of the new coins"),
    ("promise", (50,), "as a share"),
    ("neighbour", (9,), "nineteen steps"),
    ("neighbour", (24,), "clockwise"),
    ("neighbour", (1,), "nine steps"),
    ("neighbour", (1 / 9,), "remainder 1"),
    ("neighbour", (38,), "between 0 and 30"),
    ("price", (0.02,), "regular model"),
    ("price", (50,), "number of data"),
    ("price", ("50/n",), "a text"),
]

RIGHT = [("more_data", (20 / 19, 38)), ("promise", (0.5,)), ("neighbour", (7,)), ("price", (0.005,))]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
