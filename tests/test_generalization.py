import re

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.special import hyp1f1

from sltcourse.lessons import generalization as lesson
from sltcourse.lessons.generalization import GRIDS, MEANS, guess, ours, tanh_network
from sltcourse.theory.mean_models import expected_error, normal_mean, own_mean, power_mean
from tests.cells import shared_names, told
from tests.cells import text as prose
from tests.exercises import exercise_tests
from tests.test_mean_errors import expected_F, expected_G, expected_T

check = lesson.check
LESSON = "05_generalization"


# ---- the lesson's claims ----------------------------------------------------------------------------------------


def test_expected_bayes_errors_settle_as_the_lesson_says():
    for n in (100, 1000):
        for name, lam in (("regular", 1 / 2), ("cubic", 1 / 6)):
            assert expected_G(MEANS[name], n) == pytest.approx(lam * np.log(1 + 1 / n), rel=2e-4)
    found = [n * expected_G(MEANS["product"], n) for n in (10**2, 10**3, 10**4, 10**6)]
    np.testing.assert_allclose(found, [0.3005, 0.3647, 0.3972, 0.4303], atol=6e-5)
    for n, value in zip((10**3, 10**4, 10**6), found[1:], strict=True):
        x = np.log(n) + np.euler_gamma
        z = np.linspace(-8, 8, 1601)
        psi = np.array([np.mean(np.log(np.abs(v + stats.norm.ppf((np.arange(4000) + 0.5) / 4000)))) for v in z[::20]])
        variance = np.trapezoid(stats.norm.pdf(z[::20]) * (psi + np.euler_gamma / 2) ** 2, z[::20])
        assert value == pytest.approx(0.5 - 1 / x - 4 * variance / x**3, abs=2e-3 / np.log10(n))


def fluctuation(lam):
    """ν = E[Var(s)]/2 with p(s) ∝ exp(zs − s²/2)|s|^(2λ−1): moments from Kummer's functions."""

    def variance(z):
        M = hyp1f1(lam, 1 / 2, z**2 / 2)
        first = 2 * lam * z * hyp1f1(lam + 1, 3 / 2, z**2 / 2) / M  # d log M / dz
        return 2 * lam + z * first - first**2  # ⟨s²⟩ = 2λ + z⟨s⟩

    return integrate.quad(lambda z: stats.norm.pdf(z) * variance(z) / 2, -12, 12)[0]


@pytest.mark.parametrize("name, lam", [("regular", 1 / 2), ("cubic", 1 / 6)])
def test_the_four_errors(name, lam):
    model, n, nu = MEANS[name], 10**4, fluctuation(lam)
    assert nu == pytest.approx({"regular": 0.5, "cubic": 0.2784}[name], abs=5e-5)

    def gibbs(t):
        return model.posterior(n, t) @ (model.delta**2 / 2)

    def gibbs_training(t):
        return gibbs(t) - t / n * (model.posterior(n, t) @ model.delta)

    assert n * expected_G(model, n) == pytest.approx(lam, abs=1e-4)
    assert n * expected_T(model, n) == pytest.approx(lam - 2 * nu, abs=2e-4)
    assert n * normal_mean(gibbs, n) == pytest.approx(lam + nu, abs=2e-4)
    assert n * normal_mean(gibbs_training, n) == pytest.approx(lam - nu, abs=2e-4)


def test_error_and_waic_add_to_two_lambda_on_each_data_set():
    for name, n in (("regular", 3000), ("cubic", 3000)):
        G, T, V = lesson.simulate_means(MEANS[name], n, 200, np.random.default_rng(2))
        total = n * (G + T) + V
        assert np.std(total) < 0.03 < 0.2 < np.std(n * G)
        assert total.mean() == pytest.approx(2 * MEANS[name].lam, abs=0.01)
        assert np.corrcoef(n * G, n * T + V)[0, 1] < -0.95


def test_wbic_of_the_regular_model_against_the_exact_free_energy():
    n = 10**4
    t = np.sqrt(n) * np.array([-2.0, 0.0, 1.0])
    model = MEANS["regular"]
    p = model.posterior(n, t, beta=1 / np.log(n))
    wbic = n * (p @ model.delta**2) / 2 - t * (p @ model.delta)
    np.testing.assert_allclose(wbic - model.free_energy(n, t), np.log(np.pi / 2) / 2, atol=1e-6)


@pytest.mark.parametrize("name, low, high", [("cubic", 0.0, 0.1), ("product", 0.2, 1.2)])
def test_wbic_of_singular_models_against_the_exact_free_energy(name, low, high):
    model = MEANS[name]
    gaps = []
    for n in (10**2, 10**4, 10**6):

        def energy(t, n=n):
            p = model.posterior(n, t, beta=1 / np.log(n))
            return n * (p @ model.delta**2) / 2 - t * (p @ model.delta)

        gaps.append(normal_mean(energy, n) - expected_F(model, n))
    assert low < gaps[0] < gaps[1] < gaps[2] < high
    if name == "product":
        assert gaps[2] - gaps[1] == pytest.approx(np.log(6 / 4), abs=0.1), "log log n is what WBIC leaves out"


# ---- the small models -------------------------------------------------------------------------------------------

DENSITY = {  # p(x|w) itself and draws of w from the prior, for Monte Carlo
    "tanh unit": (
        lambda x, w: stats.norm.pdf(x[1] - w[0] * np.tanh(w[1] * x[0])) / stats.norm.pdf(x[1]),
        lambda rng, k: rng.uniform(-2, 2, (2, k)),
    ),
    "normal mixture": (
        lambda x, w: ((1 - w[0]) * stats.norm.pdf(x[0]) + w[0] * stats.norm.pdf(x[0] - w[1])) / stats.norm.pdf(x[0]),
        lambda rng, k: np.array([rng.uniform(0, 1, k), rng.uniform(-2, 2, k)]),
    ),
    "linear network": (
        lambda x, w: stats.norm.pdf(x[2] - w[2] * (w[0] * x[0] + w[1] * x[1])) / stats.norm.pdf(x[2]),
        lambda rng, k: rng.normal(size=(3, k)),
    ),
}


@pytest.mark.parametrize("name", GRIDS)
def test_grids_give_the_evidence_of_the_full_model(name):
    model, (ratio, draw) = GRIDS[name](), DENSITY[name]
    rng = np.random.default_rng(3)
    assert model.prior.sum() == pytest.approx(1) and model.test_weight.sum() == pytest.approx(1)
    x = model.sample(rng, 25)
    exact = np.log(model.prior @ np.exp(model.log_ratio(x).sum(axis=0)))
    w = draw(rng, 200_000)
    likelihood = np.exp(sum(np.log(ratio(row, w)) for row in x))
    se = likelihood.std() / likelihood.mean() / np.sqrt(200_000)
    assert exact == pytest.approx(np.log(likelihood.mean()), abs=4 * se) and se < 0.01


@pytest.mark.parametrize("name", GRIDS)
def test_free_energy_differences_are_bayes_errors(name):
    """Mean of F_{n+1} − F_n over new samples is G_n: the test quadrature against fresh draws from the truth."""
    model, rng = GRIDS[name](), np.random.default_rng(4)
    p = model.prior * np.exp(model.log_ratio(model.sample(rng, 40)).sum(axis=0))
    p /= p.sum()
    G = -model.test_weight @ np.log(np.exp(model.log_ratio(model.test)) @ p)
    draws = np.concatenate([-np.log(np.exp(model.log_ratio(model.sample(rng, 2000))) @ p) for _ in range(10)])
    assert pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(draws.size)) == G


def simulated(model, n, data_sets, rng):
    """F_n, n G_n, and n times the leave-one-out error of n + 1 samples, shape (data_sets, 3): one posterior each."""
    found, test_ratio = [], np.exp(model.log_ratio(model.test))
    for _ in range(data_sets):
        A = model.log_ratio(model.sample(rng, n + 1))
        evidence = model.prior @ np.exp(A[:-1].sum(axis=0))
        G = -model.test_weight @ np.log(test_ratio @ (model.prior * np.exp(A[:-1].sum(axis=0))) / evidence)
        full = model.prior @ np.exp(A.sum(axis=0))
        left_out = [np.log(model.prior @ np.exp(np.delete(A, i, axis=0).sum(axis=0)) / full) for i in range(n + 1)]
        found.append((-np.log(evidence), n * G, n * np.mean(left_out)))
    return np.array(found)


@pytest.mark.parametrize("name", GRIDS)
def test_leave_one_out_has_the_mean_of_the_bayes_error(name):
    _, G, left_out = simulated(GRIDS[name](), 15, 300, np.random.default_rng(6)).T
    difference = G - left_out
    assert difference.mean() == pytest.approx(0, abs=3.5 * difference.std() / np.sqrt(300))
    assert np.std(G + left_out) < G.std(), "the noise cancels"


@pytest.mark.long
@pytest.mark.parametrize("name, expected", [("tanh unit", 0.404), ("normal mixture", 0.362), ("linear network", 0.459)])
def test_the_expected_errors_at_200_samples_that_the_lesson_quotes(name, expected):
    model, n, rng = GRIDS[name](), 200, np.random.default_rng(11)
    test_ratio, half = np.exp(model.log_ratio(model.test)), []
    for _ in range(6000):
        A = model.log_ratio(model.sample(rng, n + 1))
        p, full = (model.prior * np.exp(rows.sum(axis=0)) for rows in (A[:-1], A))
        G = -model.test_weight @ np.log(test_ratio @ p / p.sum())
        seen = full > 0
        half.append(n * (G + np.mean(np.log(np.exp(-A[:, seen]) @ full[seen] / full.sum()))) / 2)
    assert np.mean(half) == pytest.approx(expected, abs=3e-3) and np.std(half) / np.sqrt(6000) < 1e-3


def test_free_energy_of_the_linear_network_against_simulation():
    n = 15
    F, G, left_out = simulated(GRIDS["linear network"](), n, 600, np.random.default_rng(7)).T
    half, here = (G + left_out) / 2, lesson.network_free_energy(n)
    assert F.mean() == pytest.approx(here, abs=3.5 * F.std() / np.sqrt(600))
    assert half.mean() == pytest.approx(n * (lesson.network_free_energy(n + 1) - here), abs=0.02)
    assert half.std() / np.sqrt(600) < 0.01


def test_expected_error_of_the_linear_network():
    def excess(n):  # the prior's factor exp(−r) costs a term of order 1/√n
        return (0.5 - n * (lesson.network_free_energy(n + 1) - lesson.network_free_energy(n))) * np.sqrt(n)

    assert 0.5 - excess(200) / np.sqrt(200) == pytest.approx(0.45908, abs=1e-5)
    assert excess(10**4) == pytest.approx(excess(10**3), rel=0.03)
    with pytest.raises(ValueError, match="two samples"):
        lesson.network_free_energy(1)


# ---- live figures and pictures ----------------------------------------------------------------------------------


def test_one_data_set():
    live = lesson.live_one_data_set()
    here = live.at(model="cubic", z=1.0)
    assert "0.500 regular, 0.085 cubic" in here["caption"]
    far, (_, right) = live.at(model="cubic", z=3.0), live.fig.axes
    assert 3 < far["singular now"][1] < far["regular now"][1] < right.get_ylim()[1], "both dots are in the picture"
    s, density = here["regular"]
    np.testing.assert_allclose(density, stats.norm.pdf(s, 1), atol=1e-6)
    s, density = live.at(model="product", z=-2.0)["singular"]
    assert np.trapezoid(density, s) == pytest.approx(1, abs=0.02)


def test_settling():
    live = lesson.live_settle()
    assert "0.397 product" in live.at(n=1e4)["caption"]
    assert live.at(n=1e12)["product now left"][1] == pytest.approx(0.5 - 1 / (np.log(1e12) + np.euler_gamma), abs=1e-3)
    assert live.at(n=1e6)["cubic now right"] == pytest.approx((1 / np.log(1e6), 1 / 6), abs=1e-4)
    assert {"product left", "product now left", "product right", "product now right"} == set(live._guess.hides)


def test_a_price_of_ones_own():
    live = lesson.live_price(lambda w: w**3, truth=0.3)
    here = live.at(n=1e4)
    assert here["own now left"][1] == pytest.approx(1e4 * expected_error(power_mean(3, 0.3), 1e4), rel=1e-3)
    assert "0.766 your own" in here["caption"]
    dear = lesson.live_price(lambda a, b: np.sin(3 * a) + np.cos(3 * b), truth=(0.5, 0.5))
    _, right = dear.fig.axes
    assert max(dear.at()["own left"][1]) < right.get_ylim()[1], "the curve is in the picture"


def test_the_truth_slid_away():
    live = lesson.live_truth()
    assert live.at(w0=0.1, n=1e4)["left now"][1] == pytest.approx(1 / 6, abs=0.003)
    assert live.at(w0=0.3, n=1e4)["right now"][1] == pytest.approx(1e4 * expected_G(power_mean(3, 0.3), 1e4), abs=1e-6)
    assert live.at(w0=0.5, n=1e9)["right now"][1] == pytest.approx(1 / 2, abs=1e-3)
    assert max(live.at(w0=0.1)["along n"][1]) < 0.78
    assert all(0.72 < max(live.at(n=n)["along w0"][1]) < 0.78 for n in (1e4, 1e6, 1e9)), "the bump is not cut off"


def test_the_seesaw():
    live = lesson.live_seesaw()
    x, y = live.at(n=1000)["cubic"]
    np.testing.assert_allclose(x + y, 1 / 3, atol=0.15)
    assert "1\u202f000" in live.at(n=1000)["caption"]
    (ax,) = live.fig.axes
    for n in (10, 1000):
        for name in ("regular", "cubic"):
            x, y = live.at(n=n)[name]
            inside = (x < ax.get_xlim()[1]) & (y > ax.get_ylim()[0]) & (y < ax.get_ylim()[1])
            assert inside.mean() > 0.9, f"most dots of {name} are in the picture at n = {n}"


def test_the_pictures_say_their_numbers():
    x = np.linspace(-3, 3, 61)
    p = {"regular": stats.norm.pdf(x, 0.5)}
    assert "mean 0.50" in lesson.draw_predictions(x, np.array([0.0, 1.0]), p).get_label()
    kept = lesson.network()
    label = lesson.draw_network(kept).get_label()
    assert f"{kept.half[-1]:.1f} at n = {kept.n[-1]}" in label and "d/2 is 8.5" in label


# ---- a mean of one's own -----------------------------------------------------------------------------------------


def test_the_prices_that_the_teachers_notes_quote():
    for theta, truth, price in (
        (lambda w: np.sin(3 * w), 0, 0.5),
        (lambda w: w**5, 0.3, 0.92),
        (lambda w: np.maximum(w, 0), 0, 0.0017),
        (lambda a, b: a * b**2 + b**3, (0, 0), 0.244),
    ):
        assert 1e6 * expected_error(own_mean(theta, truth), 1e6) == pytest.approx(price, rel=0.02)
    told(LESSON, "0.500", "0.92", "0.0017")


# ---- WAIC and ArviZ ----------------------------------------------------------------------------------------------


def test_arvizs_loo_against_the_exact_one():
    """N(w, 1) with a flat prior: the prediction of a sample left out is N(mean of the others, 1 + 1/(n − 1))."""
    n, rng = 60, np.random.default_rng(2)
    data = rng.normal(size=n)
    log_p = stats.norm.logpdf(data[:, None] - rng.normal(data.mean(), 1 / np.sqrt(n), 8000))
    others = (data.sum() - data) / (n - 1)
    exact = stats.norm.logpdf(data, others, np.sqrt(1 + 1 / (n - 1)))
    elpd, error = lesson.arviz_loo(log_p)
    assert elpd == pytest.approx(exact.sum(), abs=0.05)
    assert error == pytest.approx(np.sqrt(n) * exact.std(), rel=0.02)
    assert -n * ours.waic(log_p, np.full(8000, 1 / 8000)) == pytest.approx(elpd, abs=0.05)


def test_arvizs_own_waic_is_minus_n_times_ours():
    """Where ArviZ still has it: version 0.22 does, arviz-stats does not."""
    az = pytest.importorskip("arviz")
    if not hasattr(az, "waic"):
        pytest.skip("this ArviZ has no waic")
    log_p = np.random.default_rng(0).normal(size=(7, 400)) / 4 - 1.4
    found = az.waic(az.from_dict(posterior={"w": np.zeros((1, 400))}, log_likelihood={"x": log_p.T[None]}))
    assert found["elpd_waic"] == pytest.approx(-7 * ours.waic(log_p, np.full(400, 1 / 400)), rel=1e-9)


def test_waic_less_the_truths_loss_is_what_the_ratios_give():
    rng = np.random.default_rng(0)
    A, p, log_q = rng.normal(size=(6, 4)), np.full(4, 0.25), rng.normal(size=6)
    assert ours.waic(A + log_q[:, None], p) + log_q.mean() == pytest.approx(plain(A, p) + variance(A, p).mean())


# ---- the network -------------------------------------------------------------------------------------------------


def test_the_networks_slope_is_that_of_autograd():
    generator = torch.Generator().manual_seed(0)
    u, y = tanh_network.draw(2, 7, generator)
    w = torch.randn(2, 3, tanh_network.D, generator=generator).requires_grad_()
    value, slope = tanh_network.potential(w, u, y)
    (exact,) = torch.autograd.grad(value.sum(), w)
    torch.testing.assert_close(slope.detach(), exact, rtol=1e-4, atol=1e-4)


def test_the_networks_function_is_that_of_the_module():
    net, (u, _) = tanh_network.trained(20, seed=0, steps=3)
    first, bias, out, last = (p.detach().ravel() for p in net.parameters())
    f, _ = tanh_network.predicted(torch.cat([first, bias, out, last])[None, None], u[None])
    torch.testing.assert_close(f[0, 0], net(u)[:, 0].detach())


def test_training_lowers_the_loss():
    before, data = tanh_network.trained(200, seed=1, steps=1)
    after, _ = tanh_network.trained(200, seed=1, steps=100)
    losses = [tanh_network.half_square(net(data[0]), data[1]).item() for net in (before, after)]
    assert losses[1] < losses[0] - 0.2


def test_draws_of_the_network_obey_the_virial():
    """E[w·∇U] = d under exp(−U), whatever U is."""
    generator = torch.Generator().manual_seed(3)
    u, y = tanh_network.draw(6, 20, generator)
    w = tanh_network.posterior_draws(u, y, chains=8, burnin=60, draws=120, leapfrog=10, generator=generator)
    assert w.shape == (6, 8, 120, tanh_network.D)
    heat = torch.stack([(w[:, :, t] * tanh_network.potential(w[:, :, t], u, y)[1]).sum(-1) for t in range(120)])
    chains = heat.mean(0).ravel().double()
    error = float(chains.std()) / np.sqrt(len(chains))
    assert error < 0.4 and float(chains.mean()) == pytest.approx(tanh_network.D, abs=4 * error)


def test_the_errors_of_a_network_that_is_the_truth_are_0_and_of_another_as_by_hand():
    generator = torch.Generator().manual_seed(4)
    u, y = tanh_network.draw(1, 5, generator)
    test = torch.randn(50, 2, generator=generator)
    w = torch.zeros(tanh_network.D)
    w[0], w[1], w[12] = 1.0, -0.5, 1.5  # the first unit's weights, and its output weight
    (G, W, _), *_ = tanh_network.errors(w.expand(1, 2, 3, -1), u, y, test)
    assert G == pytest.approx(0, abs=1e-6) and W == pytest.approx(0, abs=1e-5)
    (G, W, _), *_ = tanh_network.errors((0 * w).expand(1, 2, 3, -1), u, y, test)  # p* = N(0, 1)
    assert G == pytest.approx(5 * float(tanh_network.truth(test).square().mean()) / 2, rel=1e-5)
    assert W == pytest.approx(float((y.square() - (y - tanh_network.truth(u)).square()).sum()) / 2, rel=1e-4)


def test_what_the_lesson_says_of_the_network():
    kept = lesson.network()
    assert kept.d == tanh_network.D == 17 and kept.rhat < 1.1
    assert (kept.half_error < kept.G_error).all()
    assert (np.abs(kept.G - kept.half) < 4 * kept.G_error).all(), "two measurements of one number"
    assert (kept.half + 3 * kept.half_error < kept.d / 2).all()
    assert float(guess.network.answer) == pytest.approx(kept.half[list(kept.n).index(1600)], abs=0.05)
    told(LESSON, f"up to {kept.sets.max()} data sets", "10 000 rows", "17 weights")
    assert kept.llc_rows == 10_000


# ---- what the lesson says ----------------------------------------------------------------------------------------


def plain(A, p):
    return -np.mean(np.log(np.exp(A) @ p))


def variance(A, p):
    return A**2 @ p - (A @ p) ** 2


def test_a_data_set_changes_the_constant_only():
    """For m = 1 F_n(z√n) − λ log n is a function of z alone."""
    for name in ("regular", "cubic"):
        model, z = MEANS[name], np.array([-1.0, 0.0, 2.0])
        constants = [model.free_energy(n, z * np.sqrt(n)) - model.lam * np.log(n) for n in (1e4, 1e6)]
        np.testing.assert_allclose(*constants, atol=2e-3)


def test_maximum_likelihood_notices_the_singularity_elsewhere():
    """Its mean gain over the truth, d/2 in a regular model, is about two thirds of that in the smaller models."""
    for name, make in GRIDS.items():
        model, rng = make(), np.random.default_rng(5)
        gain = np.array([model.log_ratio(model.sample(rng, 200)).sum(axis=0).max() for _ in range(300)])
        half, error = model.d / 2, gain.std() / np.sqrt(300)
        assert half / 2 < gain.mean() < half - 4 * error, name
    told(LESSON, "Elsewhere maximum likelihood notices it too")


def test_the_free_energy_is_the_sum_of_the_predictions():
    model = power_mean(3, w0=0.3)
    assert sum(expected_G(model, k) for k in range(1, 40)) + expected_F(model, 1) == pytest.approx(
        expected_F(model, 40)
    )


def test_the_lesson_stands_on_what_comes_before_it():
    """It leans on lesson 06 nowhere before its last cells, names no absent deck, and its cells run in any order."""
    said = prose(LESSON)
    assert "esson 06" not in said[: said.index("## Where this comes from")]
    assert "deck" not in said and "ow I see it" not in said
    assert shared_names(LESSON) == ({}, set())
    assert "Mathematical Theory of Bayesian Statistics" in said  # Watanabe 2018, which the text cites


def test_the_answers_of_the_guesses():
    one = 1000 * lesson.generalization_error(MEANS["cubic"], 1000, np.sqrt(1000))
    assert float(guess.one.answer) == pytest.approx(one, abs=5e-4)
    G, _, _ = lesson.simulate_means(MEANS["cubic"], 100, 2000, np.random.default_rng(0))
    assert G.std() > 1.1 * G.mean() and guess.spread.answer == "larger than it"
    assert guess.far.answer == "1.32·10¹⁷" and f"{1 / 0.025 - np.euler_gamma:.1f}" in guess.far.because
    assert np.exp(1 / 0.025 - np.euler_gamma) == pytest.approx(1.32e17, rel=0.005)
    assert float(guess.training.answer.replace("−", "-")) == pytest.approx(
        1e4 * expected_T(MEANS["cubic"], 1e4), abs=1e-3
    )
    assert guess.seesaw.answer == "a small WAIC"


# ---- the exercises -----------------------------------------------------------------------------------------------


def weights(data, theta, prior):
    likelihood = prior * np.prod([stats.norm.pdf(x - theta) for x in data], axis=0)
    return likelihood / likelihood.sum()


def by_weights(x, data, theta, prior):
    return stats.norm.pdf(x[:, None] - theta) @ weights(data, theta, prior)


def in_logs(x, data, theta, prior):
    with np.errstate(divide="ignore"):
        log_post = np.log(prior) + stats.norm.logpdf(data[:, None] - theta).sum(axis=0)
    post = np.exp(log_post - log_post.max())
    return np.array([(post * stats.norm.pdf(point - theta)).sum() / post.sum() for point in x])


def plug_in(x, data, theta, prior):
    with np.errstate(divide="ignore"):
        log_post = np.log(prior) - ((data[:, None] - theta) ** 2).sum(axis=0) / 2
    post = np.exp(log_post - log_post.max())
    return stats.norm.pdf(x - (post * theta).sum() / post.sum())


def by_definition(log_p, weights):
    mean = (log_p * weights).sum(axis=1, keepdims=True)
    spread = (weights * (log_p - mean) ** 2).sum(axis=1)
    return np.mean(spread - np.log((weights * np.exp(log_p)).sum(axis=1)))


RIGHT = [
    ("predictive", (ours.predictive,)),
    ("predictive", (in_logs,)),
    ("predictive_from_F", (ours.predictive_from_F,)),
    ("predictive_from_F", (lambda F, data, x: np.exp(-F(np.append(data, x))) / np.exp(-F(data)),)),
    ("expected_G", (ours.expected_G,)),
    ("expected_G", (expected_G,)),
    ("design", (lambda w: w**5,)),
    ("design", (lambda w: np.sign(w) * np.abs(w) ** 5,)),
    ("design", (lambda a, b: a**5,)),
    ("waic", (ours.waic,)),
    ("waic", (by_definition,)),
]

WRONG = [
    ("predictive", (by_weights,), "logarithms"),
    ("predictive", (plug_in,), "posterior's mean"),
    ("predictive", (lambda x, data, theta, prior: stats.norm.pdf(x[:, None] - theta) @ prior,), "over the prior"),
    ("predictive", (lambda x, data, theta, prior: stats.norm.pdf(x - data.mean()),), "In the case"),
    ("predictive", (lambda x, data, theta, prior: prior[:1],), "shape"),
    ("predictive", (3,), "A function is wanted"),
    ("predictive_from_F", (lambda F, data, x: np.exp(F(np.append(data, x)) - F(data)),), "upside down"),
    ("predictive_from_F", (lambda F, data, x: F(data) - F(np.append(data, x)),), "log p*"),
    ("predictive_from_F", (lambda F, data, x: F(data) / F(np.append(data, x)),), "not of the F"),
    ("predictive_from_F", (lambda F, data, x: np.exp(-F(np.append(data, x))),), "Divide"),
    ("expected_G", (lambda m, n: expected_F(m, n + 1, n) - expected_F(m, n),), "variance is n + 1"),
    ("expected_G", (lambda m, n: expected_F(m, n) - expected_F(m, n + 1),), "other order"),
    ("expected_G", (lambda m, n: n * expected_G(m, n),), "factor n"),
    ("expected_G", (lambda m, n: m.free_energy(n + 1, 0) - m.free_energy(n, 0),), "t = 0"),
    ("expected_G", (lambda m, n: m.lam / n,), "In the case"),
    ("design", (lambda w: w,), "0.500"),
    ("design", (lambda w: w**3,), "Which power"),
    ("design", (lambda w: w**9,), "too cheap"),
    ("design", (lambda w: 0 * w,), "nothing to learn"),
    ("design", (lambda a, b: a * b,), "too expensive"),
    ("design", (0.1,), "as a function"),
    ("design", (lambda a, b, c: a,), "one or two parameters"),
    ("waic", (plain,), "training loss alone"),
    ("waic", (lambda A, p: plain(A, p) + variance(A, p).sum(),), "V/n"),
    ("waic", (lambda A, p: plain(A, p) - variance(A, p).mean(),), "is added"),
    ("waic", (lambda A, p: np.mean(-A @ p + variance(A, p)),), "Gibbs"),
    ("waic", (lambda A, p: plain(A, p) + A.var(axis=1).mean(),), "with the weights"),
    ("waic", (lambda A, p: len(A) * (plain(A, p) + variance(A, p).mean()),), "n·WAIC, a sum"),
    ("waic", (lambda A, p: -len(A) * (plain(A, p) + variance(A, p).mean()),), "ArviZ"),
    ("waic", (lambda A, p: 2 * len(A) * (plain(A, p) + variance(A, p).mean()),), "deviance"),
    ("waic", (lambda A, p: -2 * len(A) * (plain(A, p) + variance(A, p).mean()),), "Divide by −2n"),
    ("waic", (lambda A, p: A @ A,), re.compile("error|returns")),
    ("waic", (3.0,), "A function is wanted"),
]

test_right_answers, test_wrong_answers_are_told_why, test_untouched_exercises_stop_nothing = exercise_tests(
    check, RIGHT, WRONG
)
