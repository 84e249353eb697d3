import math
import re
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch

from sltcourse.kit import style
from sltcourse.lessons import llc_estimation as lesson
from sltcourse.lessons.llc_estimation import checks, cockpit, guesses, make, ours
from sltcourse.llc import HMC, default_nbeta, estimate_llc
from sltcourse.theory.closed_forms import deep_linear_network
from tests.exercises import exercise_tests

check = lesson.check
s, lam, h, gamma = sp.symbols("s lambda h gamma", positive=True)
w1, w2 = sp.symbols("w1 w2")


def test_the_thermometer():
    live = lesson.live_thermometer()
    assert "times nβ: 0.387" in live.at(loss="w₁² w₂²", nbeta=1e3)["caption"]
    assert "times nβ: 0.46" in live.at(loss="w₁² w₂²", nbeta=1e10)["caption"]
    assert "times nβ: 0.750. λ = 0.75" in live.at(loss="w₁² + w₂⁴", nbeta=1e4)["caption"]


# ---- what the learner writes -----------------------------------------------------------------------------------------


def test_our_sampler_settles_where_the_recursion_says():
    noise = np.random.default_rng(0).normal(size=(400, 3000, 1))
    path = ours.sgld(lambda w: 2 * w, np.zeros(1), 1000, 0, 4e-4, noise)
    stiff = 2000
    assert path[:, 500:].var() * stiff == pytest.approx(4 / (4 - 4e-4 * stiff), rel=0.02)


def test_our_estimate_has_an_honest_error():
    heat = np.random.default_rng(0).gamma(0.25, size=(500, 8, 100))
    values, errors = np.array([ours.llc_hat(one, 0, 1, 0) for one in heat]).T
    assert values.std() == pytest.approx(np.sqrt((errors**2).mean()), rel=0.15)
    assert np.isnan(ours.llc_hat(heat[0, :1], 0, 1, 0)[1])


def test_our_r_hat_is_arvizs():
    from arviz_stats.base import array_stats

    x = np.random.default_rng(0).normal(size=(4, 100)).cumsum(1)
    theirs = array_stats.rhat(x, chain_axis=0, draw_axis=1, method="split")
    assert ours.r_hat(x) == pytest.approx(theirs, rel=1e-9)


def _no_spring(grad, w_star, nbeta, localization, lr, noise):
    return ours.sgld(grad, w_star, nbeta, 0, lr, noise)


def _double(grad, w_star, nbeta, localization, lr, noise):
    return ours.sgld(grad, w_star, nbeta, localization, 2 * lr, noise)


def _hot(grad, w_star, nbeta, localization, lr, noise):
    return ours.sgld(grad, w_star, nbeta, localization, lr, noise * np.sqrt(lr))


def _one_step(grad, w_star, nbeta, localization, lr, noise):
    return ours.sgld(grad, w_star, nbeta, localization, lr, noise)[:, 0]


def _typo(grad, w_star, nbeta, localization, lr, noise):
    return np.sqrt(step)  # noqa: F821


def _naive(losses, loss_star, nbeta, burnin):
    kept = nbeta * (losses[:, burnin:] - loss_star)
    return kept.mean(), kept.std(ddof=1) / np.sqrt(kept.size)


def _whole(x):
    x = x[:, : x.shape[1] // 2 * 2]
    n = x.shape[1]
    within, between = x.var(axis=1, ddof=1).mean(), n * x.mean(1).var(ddof=1) if len(x) > 1 else 0
    return np.sqrt(((n - 1) * within + between) / (n * within))


RIGHT = [
    ("sgld", (ours.sgld,)),
    ("llc_hat", (ours.llc_hat,)),
    ("r_hat", (ours.r_hat,)),
    ("spring", (s * h / (2 * (s * h + gamma)),)),
    ("spring", (sp.Rational(1, 2) / (1 + gamma / (s * h)),)),
    ("plateau", (69.5,)),
    ("plateau", (sp.Rational(139, 2),)),
]
WRONG = [
    ("sgld", (_no_spring,), "spring is missing"),
    ("sgld", (_double,), "your ε is half of ours"),
    ("sgld", (_hot,), "√ε is wanted"),
    ("sgld", (_one_step,), "shape"),
    ("sgld", (_typo,), "NameError"),
    ("sgld", (3,), "A function is wanted"),
    ("llc_hat", (_naive,), "all draws for independent"),
    ("llc_hat", (lambda losses, loss_star, nbeta, burnin: nbeta * losses.mean(),), "2 results are wanted"),
    ("r_hat", (_whole,), "the result is 0.866"),
    ("r_hat", (lambda x: ours.r_hat(x) ** 2,), "square root"),
    ("r_hat", (lambda x: ours.r_hat(x.T),), "the result is nan"),
    ("spring", (s * h / (2 * (s * h + gamma / 2)),), "not γ/2"),
    ("spring", (None,), "None"),
    ("spring", (s * h / (s * h + gamma),), "Where is its ½"),
    ("spring", (sp.Rational(1, 2),), "Keep γ"),
    ("spring", (1 / (s * h + gamma),), "variance of w"),
    ("spring", (h / (2 * (h + gamma)),), "nβ times the loss"),
    ("plateau", (71,), "d/2"),
    ("plateau", (66.5,), "weight decay"),
    ("plateau", (139,), "counts ½"),
    ("plateau", (68,), "6 equations"),
    ("plateau", (50,), "too small"),
]
test_right_answers, test_wrong_answers, test_untouched = exercise_tests(check, RIGHT, WRONG)


COMMON = [
    (name, wrong, reply)
    for name, replies in (
        ("sgld", checks.SGLD_COMMON), ("llc_hat", checks.LLC_COMMON), ("r_hat", checks.R_HAT_COMMON),
    )
    for wrong, reply in replies.items()
]  # fmt: skip


@pytest.mark.parametrize("name, wrong, reply", COMMON)
def test_tempting_functions_get_their_own_reply(name, wrong, reply):
    assert getattr(check, name)(wrong).reason == reply


# ---- the cockpit -----------------------------------------------------------------------------------------------------


def test_the_cockpits_step_size():
    live = lesson.live_cockpit("lr")
    assert [name for name in live.controls] == ["knob"], "one question, one knob"
    values = live.controls["knob"].values

    def at(lr):
        return live.at(knob=values[np.argmin(abs(values - lr))])

    assert "Trust" in str(at(1e-3)["verdict"]) and "λ = 0.75" in at(1e-3)["caption"]
    assert re.search(r"estimate 1\.2\d", at(1e-2)["caption"]) and "Don't" in str(at(1e-2)["verdict"])
    assert "no chain survived" in at(0.1)["caption"] and at(0.1)["missing"][2] == "diverged"
    assert "Don't" in str(at(1e-5)["verdict"])
    assert np.isfinite(at(1e-3)["exact"][1]).sum() == 1, "what has not been passed is not shown"
    assert np.isfinite(at(1e-2)["exact"][1]).sum() == 4


def test_a_green_light_and_half_of_lambda():
    live = lesson.live_cockpit("localization", nbeta=1000, lr=4.64e-5)
    weak, strong = live.at(knob=1.0), live.at(knob=1000.0)
    assert "perfect chains read 0.75" in weak["caption"] and "Trust" not in str(weak["verdict"])
    assert "perfect chains read 0.34" in strong["caption"] and "Trust" in str(strong["verdict"])


def test_the_cockpits_error_bar_shrinks_with_the_chains():
    live = lesson.live_cockpit("chains")
    errors = [float(re.search(r"± ([\d.]+)", live.at(knob=k)["caption"])[1]) for k in (2, 16)]
    assert errors[1] < errors[0] and "one chain cannot be compared" in live.at(knob=1)["caption"]


def test_a_potential_of_ones_own():
    cross = cockpit.potential(w1**2 * w2**2)
    w = np.array([[0.5, -2.0], [1.0, 3.0]])
    np.testing.assert_allclose(cross.K(w), [1, 9])
    np.testing.assert_allclose(cross.gradient(w), [[4, -1], [18, 6]])
    assert cross.lam == 0.5

    def K(w):
        return (w[..., 0] * w[..., 1] - 1) ** 2 / 2

    own = cockpit.potential(K, at=(1, 1))
    formula = cockpit.potential((w1 * w2 - 1) ** 2 / 2, at=(1, 1))
    np.testing.assert_allclose(own.K(w), formula.K(w))
    np.testing.assert_allclose(own.gradient(w), formula.gradient(w))
    assert own.lam is None and formula.lam == 0.5
    live = lesson.live_cockpit("nbeta", K=K, at=(1, 1))
    assert "perfect chains read 0.5" in live.at(knob=1000.0)["caption"]
    assert cockpit.potential(w1**2 + w2**4, at=(0, 0.2)).lam is None, "no minimum has no λ"


@pytest.mark.parametrize(
    "K, at, words",
    [
        (w1**2, (0, 0), "two parameters"),
        ("w1**2", (0, 0), "sympy expression"),
        (1 / w1 + w2, (0, 0), "not finite"),
        (lambda w: w.numpy()[..., 0], (0, 0), "autograd"),
        (lambda w: (w**2).sum(), (0, 0), r"\(3,\), is wanted"),
        (w1**2 + w2**2, (0, 0, 0), "two numbers"),
    ],
)
def test_what_is_no_potential_is_refused_in_a_sentence(K, at, words):
    with pytest.raises((TypeError, ValueError), match=words):
        cockpit.potential(K, at)


def test_an_unknown_knob_is_refused():
    with pytest.raises(ValueError, match="choose one of lr, nbeta"):
        lesson.live_cockpit("gamma")
    with pytest.raises(TypeError, match="unexpected keyword argument 'gamma'"):
        lesson.live_cockpit("lr", gamma=3)


# ---- the baselines ---------------------------------------------------------------------------------------------------


def test_only_the_trained_baseline_reads_lambda_at_every_beta():
    """nβ(E[L_n] − L_n(w)) for x ~ N(w, 1), exactly: ½ − nβ(w − ŵ)²/2."""
    rng, n, sets = np.random.default_rng(1), 1000, 20_000
    w_hat = rng.normal(size=sets) / math.sqrt(n)
    for beta, mean, spread in ((1, 0, 0.71), (1 / math.log(n), 0.43, 0.10)):
        truth = 0.5 - n * beta * w_hat**2 / 2
        assert truth.mean() == pytest.approx(mean, abs=0.02) and truth.std() == pytest.approx(spread, abs=0.02)
    assert guesses.guess.baseline.answer == "0"


# ---- networks whose λ is known ---------------------------------------------------------------------------------------


def test_the_deepest_point_is_a_minimum_with_the_known_lambda():
    layers = lesson.deepest_point([5, 4, 6], 2, np.random.default_rng(0))
    f, w_star = lesson.linear_loss(layers)
    product = layers[1] @ layers[0]
    np.testing.assert_allclose(np.linalg.svd(product)[1], [1, 1, 0, 0, 0], atol=1e-12)
    hessian = torch.func.hessian(f)(w_star)
    assert f(w_star).item() == pytest.approx(0, abs=1e-20)
    assert int((torch.linalg.eigvalsh(hessian) > 1e-9).sum()) == 2 * (5 + 6) - 2**2


def test_hmc_reads_a_small_deep_linear_network():
    widths, rank = [5, 4, 5], 2
    f, w_star = lesson.linear_loss(lesson.deepest_point(widths, rank, np.random.default_rng(0)))
    result = estimate_llc(f, at=w_star, sampler=HMC(lr=1e-5), nbeta=72_000, num_draws=200, num_burnin_steps=200)
    assert result.llc == pytest.approx(float(deep_linear_network(widths, rank)[0]), rel=0.1)


def test_the_hessian_of_a_linear_model_is_that_of_least_squares():
    model = torch.nn.Linear(3, 1, bias=False).double()
    x = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = lesson.hessian(model, x, x[:, :1], lambda out, y: 0.5 * (out - y).square().mean())
    torch.testing.assert_close(found, x.T @ x / 50)


def test_equal_tanh_units_have_the_lambda_found_by_hand():
    """Aside from u, v and the flat shares, K is the square of q = Σ aᵢδᵢ²/2: V(ε) ~ ε^(1 + (U − 1)/4)."""
    x = np.linspace(-4, 4, 200)
    basis = np.array([np.tanh(x), x / np.cosh(x) ** 2, -(x**2) * np.tanh(x) / np.cosh(x) ** 2])
    assert np.linalg.matrix_rank(basis) == 3  # tanh, x tanh' and x² tanh''/2 are independent
    delta = 1e-2 * np.array([1, -1, 1, -1])  # on u = v = 0
    f = (2 * np.tanh(np.outer(1 + delta, x))).sum(0) - 8 * np.tanh(x)
    np.testing.assert_allclose(f, 2 * (delta**2).sum() * basis[2], atol=1e-3 * abs(f).max())


def test_the_digits():
    images, labels = lesson.digits()
    assert images.shape == (1797, 8, 8) and images.min() == 0 and images.max() == 16
    assert labels.shape == (1797,) and set(labels) == set(range(10))


def test_the_digits_network_has_three_flat_directions_at_its_minimum():
    """What exercise 5 promises: Hessian rank 142 − 3 of the loss with its weight decay, and so λ = 69.5."""
    images, labels = lesson.digits()
    x = images.reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16)[:900]
    x = torch.tensor((x - x.mean(0)) / x.std(0))
    rng = np.random.default_rng(0)
    y = torch.eye(10, dtype=torch.float64)[np.where(rng.random(900) < 0.1, rng.integers(0, 10, 900), labels[:900])]
    torch.manual_seed(0)
    linear, tanh = torch.nn.Linear, torch.nn.Tanh()
    model = torch.nn.Sequential(linear(16, 3, bias=False), linear(3, 6), tanh, linear(6, 10)).double()
    minimizer = torch.optim.LBFGS(model.parameters(), max_iter=1500, line_search_fn="strong_wolfe", tolerance_grad=1e-9)

    def penalized(output, target):
        decay = sum(p.square().sum() for p in model.parameters())
        return (output - target).square().sum(1).mean() / 0.1 + 0.05 * decay

    def closure():
        minimizer.zero_grad()
        value = penalized(model(x), y)
        value.backward()
        return value

    minimizer.step(closure)
    bare = lesson.hessian(model, x, y, lambda output, target: (output - target).square().sum(1).mean() / 0.1)
    eigenvalues = torch.linalg.eigvalsh(bare + 0.1 * torch.eye(142))
    assert (eigenvalues[:3].abs() < 1e-5).all() and eigenvalues[3] > 0.05


def test_the_kept_networks():
    rows = lesson.networks()
    assert len(rows) == 14 and (rows[0]["d"], rows[-1]["d"]) == (116, 5344)
    for row, (widths, rank) in zip(rows, make.some_linear_networks(), strict=False):
        assert (row["widths"], row["rank"]) == (widths, rank)
        value, m = deep_linear_network(widths, rank)
        assert (float(value), m) == (row["lam"], row["m"])
        assert sum(a * b for a, b in pairwise(widths)) == row["d"]
        assert (row["m"] - 1) / math.log(default_nbeta(10**6)) < 0.013 * row["lam"], "nβ is not what reads low"
    runs = {name: [row | row[name] for row in rows if name in row] for name in make.NETWORK_RUNS}
    errors = {name: np.array([r["llc"] / r["lam"] - 1 for r in found]) for name, found in runs.items()}
    flat = np.array([len(r["widths"]) == 6 and r["rank"] <= 1 for r in runs["hmc"]])  # K is like w¹⁰ somewhere
    assert len(flat) == 10 and flat.sum() == 2 and all(r["verdict"] == "trust" for r in runs["hmc"])
    assert max(r["d"] for r in runs["hmc"]) <= 1620, "what the lesson claims, and the README"
    assert (abs(errors["hmc"][~flat]) < 0.04).all() and (errors["hmc"][flat] < -0.1).all()
    assert all(r["verdict"] != "trust" for r in runs["sgld"])
    assert -0.4 < errors["sgld"].min() < -0.3 and np.median(errors["sgld"]) < -0.05


def test_a_stiffer_spring_reads_a_deep_network_low_and_is_trusted():
    """The question's error: all widths' product is zero, so K grows like w¹⁰ in some directions."""
    f, w_star = lesson.linear_loss(lesson.deepest_point([6, 5, 6, 5, 6], 0, np.random.default_rng(0)))
    lam = float(deep_linear_network([6, 5, 6, 5, 6], 0)[0])
    read = [
        estimate_llc(f, at=w_star, sampler=HMC(), nbeta=72_000, localization=pull, num_burnin_steps=300)
        for pull in (10, 100)
    ]
    assert read[1].verdict.word == "trust" and read[1].llc < 0.75 * read[0].llc < 0.75 * lam


def test_a_linear_networks_loss_lives_where_it_is_told():
    f, w_star = lesson.linear_loss([np.eye(2), np.eye(2)], torch.float32, "meta")
    assert w_star.device.type == f(w_star).device.type == "meta" and w_star.dtype == torch.float32


# ---- the pictures ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch):
    figures = []
    monkeypatch.setattr(style, "show", lambda fig, alt: figures.append(fig))
    return figures


def test_the_results_picture_shows_every_network(shown):
    results = {
        units: estimate_llc(
            lambda w: (w**2).sum() / 2, at=torch.zeros(units), nbeta=1e3, num_draws=20, num_burnin_steps=20
        )
        for units in (1, 2)
    }
    lesson.show_results(results, {1: 0.5, 2: 1.0}, half_rank=1)
    (ax,) = shown[0].axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1 unit", "2 units"]
    assert len(ax.texts) == 2 and len(ax.get_legend().get_texts()) == 4


def test_the_maps_have_a_number_in_every_cell(shown):
    lesson.show_exact_map({(1, 100): 0.1, (10, 100): 0.05, (1, 1000): 0.2, (10, 1000): 0.15}, lam=0.25)
    assert [t.get_text() for t in shown[0].axes[0].texts] == ["0.100", "0.050", "0.200", "0.150"]


def test_the_baselines_picture_has_a_row_for_each(shown):
    lesson.show_baselines({("ŵ", 1): np.array([0.4, 0.6]), ("w₀", 0.14): np.array([0.1, 0.2])}, lam=0.5)
    rows = [t.get_text() for t in shown[0].axes[0].get_yticklabels()]
    assert rows == ["ŵ, β = 1", "w₀, β = 1/log n"]


def test_the_networks_picture(shown):
    lesson.show_networks(lesson.networks())
    assert len(shown[0].axes) == 2
