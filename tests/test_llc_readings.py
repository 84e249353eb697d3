"""Readings of draws against exact values: Gaussian posteriors (Isserlis), quadrature, arithmetic by hand."""

import json
import warnings

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.integrate import quad
from scipy.special import k0

from sltcourse.llc import MALA, SGLD, LocalPosterior, OfParameters, PerSample, sample
from sltcourse.llc.readings import covariance, expectation, heat, influence, loss_kernel, susceptibility

# the case of a Gaussian posterior: six samples, three weights, w* least squares
X = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 2]], float)
Y = np.array([1, -1, 2, 1, 0, 3.0])
NBETA, GAMMA = 30.0, 2.0
W_STAR = np.linalg.lstsq(X, Y, rcond=None)[0]
S = np.linalg.inv(NBETA * X.T @ X / 6 + GAMMA * np.eye(3))  # the posterior's covariance; its mean is w*
RESIDUAL, SPREAD = Y - X @ W_STAR, X @ S @ X.T
KERNEL = np.outer(RESIDUAL, RESIDUAL) * SPREAD + SPREAD**2 / 2  # Isserlis
LOSS_STAR = float((RESIDUAL**2 / 2).mean())


def gaussian_weights(seed, chains=8, draws=1000, rho=0.0):
    """Draws (chain, draw, 3) of the case's posterior: an AR(1), stationary from the first."""
    random = np.random.default_rng(seed)
    z = random.standard_normal((chains, draws, 3))
    for t in range(1, draws):
        z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho**2) * z[:, t]
    return W_STAR + z @ np.linalg.cholesky(S).T


def filled(losses, distance=None, log_weight=None, **attrs):
    """Draws whose loss is the mean of ``losses`` (chain, draw, sample)."""
    names = ("chain", "draw")
    variables = {"loss": (names, losses.mean(-1)), "losses": ((*names, "sample"), losses)}
    if distance is not None:
        variables["distance"] = (names, distance)
    if log_weight is not None:
        variables["log_weight"] = (names, log_weight)
    return xr.Dataset(variables, attrs=dict(nbeta=NBETA, localization=GAMMA, init_loss=LOSS_STAR, batch_size=0) | attrs)


def gaussian(seed, **options):
    w = gaussian_weights(seed, **options)
    return filled((Y - w @ X.T) ** 2 / 2, np.linalg.norm(w - W_STAR, axis=-1))


def worst(reading, exact):
    """The largest distance from the exact values, in standard errors."""
    return float((np.abs(reading.value - exact) / reading.std_error).max())


def test_the_case_is_the_one_that_was_worked_out():
    assert KERNEL[5, 5] == pytest.approx(0.02597258, abs=5e-9)
    assert KERNEL[2, 5] == pytest.approx(-0.01564594, abs=5e-9)
    assert NBETA**2 * KERNEL.mean() == pytest.approx(1.16632, abs=5e-6)


def test_loss_kernel_of_a_gaussian_posterior():
    kernel = loss_kernel(gaussian(0, draws=4000))
    assert kernel.value.dims == ("sample", "sample2") and kernel.attrs["draws"] == 32000
    assert worst(kernel, KERNEL) < 3.5
    assert float(kernel.std_error[5, 5]) < 0.03 * KERNEL[5, 5]
    assert not kernel.untouched.any()


def test_correlation_of_a_gaussian_posterior():
    deviation = np.sqrt(np.diag(KERNEL))
    result = loss_kernel(gaussian(1, draws=4000), correlation=True)
    np.testing.assert_allclose(np.diag(result.value), 1, rtol=1e-12)
    np.testing.assert_allclose(np.diag(result.std_error), 0, atol=1e-7)
    off = ~np.eye(6, dtype=bool)
    miss = result.value.values[off] - (KERNEL / np.outer(deviation, deviation))[off]
    assert np.abs(miss / result.std_error.values[off]).max() < 3.5


def test_influence_is_minus_the_kernel_and_its_response_the_classical_one():
    draws = gaussian(2)
    kernel, by_influence = loss_kernel(draws), influence(draws)
    np.testing.assert_allclose(by_influence.value, -kernel.value)
    np.testing.assert_allclose(influence(draws, scale="response").value, -NBETA * kernel.value)
    # at a large nβ the response is the damped classical influence −g_iᵀ(H + γ/nβ)⁻¹ g_j
    nbeta = 1e5
    wide = np.linalg.inv(nbeta * X.T @ X / 6 + GAMMA * nbeta / NBETA * np.eye(3))
    random = np.random.default_rng(3)
    w = W_STAR + random.standard_normal((8, 20000, 3)) @ np.linalg.cholesky(wide).T
    sharp = filled((Y - w @ X.T) ** 2 / 2, nbeta=nbeta)
    g = -RESIDUAL[:, None] * X
    classical = -g @ np.linalg.inv(X.T @ X / 6 + GAMMA / NBETA * np.eye(3)) @ g.T
    response = influence(sharp, scale="response")
    assert np.abs(response.value - classical).max() < 0.03 * np.abs(classical).max()


def test_susceptibilities_of_a_gaussian_posterior():
    draws = gaussian(4, draws=4000)
    chi = susceptibility(draws)
    exact = -(KERNEL.mean(0) - KERNEL.mean())
    assert chi.value.dims == ("sample",)
    assert worst(chi, exact) < 3.5
    assert abs(float(chi.value.sum())) < 1e-15  # Σ χ = 0 at full batch
    np.testing.assert_allclose(susceptibility(draws, scale="response").value, NBETA * chi.value)
    plain = susceptibility(draws, base=None)
    np.testing.assert_allclose(plain.value, -covariance(draws, "loss", "losses").value)


def test_heat_is_the_second_door():
    draws = gaussian(5, draws=4000)
    result = heat(draws)
    assert result.value.dims == () and float(result.std_error) < 0.03
    assert abs(float(result.value) - 1.16632) < 3.5 * float(result.std_error)
    first = NBETA * (float(draws.loss.mean()) - LOSS_STAR)
    assert first == pytest.approx(1.32017, abs=0.03)


@pytest.mark.parametrize("case", ["independent", "slow", "slow, four chains", "drowned in noise"])
def test_the_error_bars_are_those_between_seeds(case):
    """Over 40 seeds the claimed errors are within 20 % of the spread, and the mean is right."""
    values, errors, exact = [], [], KERNEL
    for seed in range(40):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if case == "independent":
                one = loss_kernel(gaussian(seed, draws=250))
            elif case == "slow":
                one = loss_kernel(gaussian(seed, rho=0.99))
            elif case == "slow, four chains":
                one = loss_kernel(gaussian(seed, chains=4, draws=2000, rho=0.99))
            else:  # φ is measured with a white noise of forty times its variance; what moves slowly is under it
                draws = gaussian(seed, rho=0.99)
                noise = np.random.default_rng(seed).standard_normal(draws.loss.shape)
                draws["loss"] = draws.loss + np.sqrt(0.2 * KERNEL.mean()) * noise
                one, exact = covariance(draws, "loss", "losses"), KERNEL.mean(0)
                assert one.attrs["ess"] < 100  # by the product alone it would be several times that
        values.append(one.value.values.ravel()), errors.append(one.std_error.values.ravel())
    spread = np.std(values, axis=0, ddof=1)
    claimed = np.sqrt(np.mean(np.square(errors), axis=0))
    assert np.median(claimed / spread) == pytest.approx(1, abs=0.2)
    assert np.abs((np.mean(values, axis=0) - exact.ravel()) / (spread / np.sqrt(40))).max() < 4


def on_grid(density, shape, seed, half=1.5, points=601):
    """Draws (*shape, 2) of a density over the square (1 ± half)², and the grid with its probabilities."""
    axis = np.linspace(1 - half, 1 + half, points)
    a, b = (x.ravel() for x in np.meshgrid(axis, axis))
    p = density(a, b)
    p /= p.sum()
    at = np.random.default_rng(seed).choice(len(p), size=shape, p=p)
    return a[at], b[at], a, b, p


def test_the_bystander_is_not_at_zero():
    """L = p (ab − 1)²/2 + (1 − p)(cd − 1)²/2, sampled in (a, b): the other task has χ = +p² Var ℓ₁."""
    share, nbeta, gamma = 0.3, 100.0, 5.0

    def density(a, b):
        return np.exp(-nbeta * share * (a * b - 1) ** 2 / 2 - gamma / 2 * ((a - 1) ** 2 + (b - 1) ** 2))

    a, b, grid_a, grid_b, p = on_grid(density, (8, 2000), 0)
    exact_losses = (grid_a * grid_b - 1) ** 2 / 2
    variance = p @ exact_losses**2 - (p @ exact_losses) ** 2
    assert share**2 * variance == pytest.approx(4.49888e-5, rel=2e-4)
    assert -share * (1 - share) * variance == pytest.approx(-1.04974e-4, rel=2e-4)
    one = (a * b - 1) ** 2 / 2
    draws = filled(np.stack([one, 0 * one], -1), nbeta=nbeta)
    draws["loss"] = share * draws.losses[:, :, 0]
    chi = susceptibility(draws)
    assert worst(chi, share * variance * np.array([-(1 - share), share])) < 3
    line = covariance(draws, "loss", "loss")
    assert float(chi.value[1]) == pytest.approx(float(line.value))  # the bystander's line


def test_independent_mechanisms_do_not_influence_each_other():
    share, nbeta, gamma = 0.3, 100.0, 5.0
    losses = []
    for seed, part in ((1, share), (2, 1 - share)):

        def density(a, b, part=part):
            return np.exp(-nbeta * part * (a * b - 1) ** 2 / 2 - gamma / 2 * ((a - 1) ** 2 + (b - 1) ** 2))

        a, b, *_ = on_grid(density, (8, 2000), seed)
        losses.append((a * b - 1) ** 2 / 2)
    kernel = loss_kernel(filled(np.stack(losses, -1)))
    assert abs(float(kernel.value[0, 1])) < 3 * float(kernel.std_error[0, 1])
    assert float(kernel.value[0, 0]) > 20 * float(kernel.std_error[0, 0])


def test_where_the_classical_influence_is_zero():
    """f = abx at (0, 0) has no gradient there; by s = ab, of density (γ/π) K₀(γ|s|), all is one integral."""
    x, y, nbeta, gamma = np.array([1.0, 2.0, -1.0]), np.array([0.5, 1.0, 1.0]), 10.0, 2.0

    def loss(s):
        return ((y - s[..., None] * x) ** 2 / 2).mean(-1)

    def mean(f):
        def integrand(s):
            return k0(gamma * abs(s)) * np.exp(-nbeta * loss(np.array(s))) * f(s)

        return sum(quad(integrand, *side, epsabs=1e-13, limit=200)[0] for side in ((-6, 0), (0, 0.5), (0.5, 6)))

    total = mean(lambda s: 1.0)
    first = np.array([mean(lambda s, i=i: (y[i] - s * x[i]) ** 2 / 2) for i in range(3)]) / total
    exact = np.array(
        [
            [
                mean(lambda s, i=i, j=j: (y[i] - s * x[i]) ** 2 * (y[j] - s * x[j]) ** 2 / 4) / total
                - first[i] * first[j]
                for j in range(3)
            ]
            for i in range(3)
        ]
    )
    # independent draws of the spring's Gaussian, weighted by exp(−nβ L)
    random = np.random.default_rng(0)
    s = random.normal(0, gamma**-0.5, (8, 20000)) * random.normal(0, gamma**-0.5, (8, 20000))
    draws = filled((y - s[..., None] * x) ** 2 / 2, log_weight=-nbeta * loss(s), nbeta=nbeta)
    result = influence(draws)
    assert worst(result, -exact) < 3.5
    assert np.abs(exact).min() > 1e-3  # none of them is 0
    assert result.attrs["ess"] < 100000


def test_a_cumulant_that_was_checked_by_machine():
    """L = x² + x³/6 + x⁴/8: t² Cov(x², x) is −.21502 at t = 10 (timaeus-research/laplace, by quadrature)."""
    axis = np.linspace(-4, 4, 200001)
    p = np.exp(-10 * (axis**2 + axis**3 / 6 + axis**4 / 8))
    p /= p.sum()
    exact = 100 * (p @ axis**3 - (p @ axis**2) * (p @ axis))
    assert exact == pytest.approx(-0.21502, abs=5e-6)
    x = np.random.default_rng(0).choice(axis, size=(8, 20000), p=p)
    draws = xr.Dataset({"x": (("chain", "draw"), x), "x2": (("chain", "draw"), x**2)}, attrs={"nbeta": 10.0})
    result = covariance(draws, "x2", "x")
    assert abs(100 * float(result.value) - exact) < 3.5 * 100 * float(result.std_error)


def test_the_slice_is_devinterps_formula():
    wr, full = gaussian(6, draws=200), gaussian(7, draws=300)
    wr["losses"] = 0.8 * wr.losses  # another posterior than the full one
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = susceptibility(wr, definition="slice", full=full)
        usual = susceptibility(wr)
    phi = wr.loss.values - LOSS_STAR
    gap = wr.loss.values[..., None] - wr.losses.values
    full_gap = (full.loss.values[..., None] - full.losses.values).mean((0, 1))
    exact = (phi[..., None] * gap).mean((0, 1)) - phi.mean() * full_gap
    np.testing.assert_allclose(result.value, exact, rtol=1e-10)
    # the two definitions differ by E_wr[φ] (E_wr ΔL − E_full ΔL)
    difference = phi.mean() * (-gap.mean((0, 1)) + full_gap)
    np.testing.assert_allclose(result.value - usual.value, -difference, atol=3e-3 * np.abs(usual.value).max())
    assert (result.std_error > 0).all()
    with pytest.raises(ValueError, match="full="):
        susceptibility(wr, definition="slice")
    with pytest.raises(ValueError, match="definition"):
        susceptibility(wr, definition="devinterp")


def test_the_slices_error_bar():
    values, errors = [], []
    for seed in range(40):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one = susceptibility(gaussian(seed), definition="slice", full=gaussian(seed + 1000, draws=200))
        values.append(one.value.values), errors.append(one.std_error.values)
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(values, axis=0, ddof=1)
    assert np.median(ratio) == pytest.approx(1, abs=0.2)


def test_moments_give_what_the_draws_give():
    draws = gaussian(8, chains=16, draws=50)
    array = np.concatenate([draws.losses.values, draws.loss.values[..., None], draws.distance.values[..., None]], -1)
    mean = array.mean(1)
    square = np.einsum("cdi,cdj->cij", array - mean[:, None], array - mean[:, None]) / 50
    streamed = draws.drop_vars("losses").assign(
        losses_count=("chain", np.full(16, 50)),
        losses_mean=(("chain", "sample"), mean[:, :6]),
        losses_cov=(("chain", "sample", "sample2"), square[:, :6, :6]),
        losses_cross=(("chain", "sample", "scalar"), square[:, :6, 6:]),
        losses_scalar_mean=(("chain", "scalar"), mean[:, 6:]),
        losses_scalar_cov=(("chain", "scalar", "scalar2"), square[:, 6:, 6:]),
    )
    streamed = streamed.assign_coords(scalar=["loss", "distance"])
    # by hand: the jackknife over chains
    flat = array.reshape(-1, 8)
    leave = np.array([np.cov(np.delete(array, c, 0).reshape(-1, 8).T, ddof=1) for c in range(16)])
    whole = 16 * np.cov(flat.T, ddof=1) - 15 * leave.mean(0)
    error = np.sqrt(15 / 16 * np.square(leave - leave.mean(0)).sum(0))
    kernel = loss_kernel(streamed)
    np.testing.assert_allclose(kernel.value, whole[:6, :6], rtol=2e-3, atol=2e-5)
    np.testing.assert_allclose(kernel.std_error, error[:6, :6], rtol=0.1)
    assert kernel.attrs["blocks"] == 16 and kernel.value.dims == ("sample", "sample2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for reading in (susceptibility, influence):
            a, b = reading(draws), reading(streamed)
            assert a.value.dims == b.value.dims
            np.testing.assert_allclose(a.value, b.value, rtol=0.05, atol=2e-5)
        by_name = covariance(streamed, ["loss", "distance"], "losses")
        np.testing.assert_allclose(by_name.value, whole[6:, :6], rtol=0.02, atol=2e-5)
        assert by_name.value.dims == ("observable", "sample")
        transposed = influence(streamed, observable="distance")
        np.testing.assert_allclose(transposed.value, -whole[:6, 7], rtol=0.02, atol=2e-5)
    np.testing.assert_allclose(np.diag(loss_kernel(streamed, correlation=True).value), 1)
    with pytest.raises(KeyError, match="not recorded beside"):
        covariance(streamed, "acceptance", "losses")
    with pytest.raises(KeyError, match="moments=True"):
        loss_kernel(streamed.drop_vars("losses_cov"))


@pytest.mark.parametrize("moments", [True, "cross"])
def test_moments_of_draws_that_are_not_finite_are_refused(moments):
    """As the draws themselves are: a nan in one draw is a nan in all of its chain's moments."""
    posterior = LocalPosterior(lambda w: (w**2).sum(), at=torch.zeros(2), nbeta=50.0)
    root = OfParameters(lambda named: named["w"].sqrt(), dims=("k",), moments=moments)
    draws = sample(posterior, SGLD(1e-3), num_chains=4, num_draws=20, num_burnin_steps=20, observe={"root": root})
    with pytest.raises(ValueError, match="root has draws that are not finite"):
        susceptibility(draws, "loss", "root")
    if moments is True:
        with pytest.raises(ValueError, match="root has draws that are not finite"):
            loss_kernel(draws, "root")


def test_a_loss_that_does_not_move_is_said_to():
    draws = gaussian(9)
    draws["losses"] = draws.losses.where(draws.losses.sample != 2, 0.7)
    with pytest.warns(UserWarning, match="1 of 6 losses do not move at all: their covariance is 0"):
        kernel = loss_kernel(draws)
    assert kernel.untouched.values.tolist() == [False, False, True, False, False, False]
    assert (kernel.value[2] == 0).all() and (kernel.std_error[2] == 0).all()
    with pytest.warns(UserWarning, match="0/0"):
        correlation = loss_kernel(draws, correlation=True)
    assert np.isnan(correlation.value[2]).all() and np.isfinite(correlation.value[3, 4])
    assert "0/0" in json.loads(correlation.attrs["notes"])[0]


def test_tokens_lists_arrays_and_thinned_draws():
    draws = gaussian(10)
    tokens = draws.losses.values.reshape(8, 1000, 3, 2)
    draws["tokens"] = (("chain", "draw", "sample_a", "token"), tokens)
    chi = susceptibility(draws, perturbation="tokens")
    assert chi.value.dims == ("sample_a", "token")
    np.testing.assert_allclose(chi.value.values.ravel(), susceptibility(draws).value)
    pairs = influence(draws, "tokens")
    assert pairs.value.dims == ("sample_a", "token", "sample_a2", "token2")
    mean = loss_kernel(draws, draws.tokens.mean("token"))
    np.testing.assert_allclose(mean.value[0, 1], pairs.value[0, :, 1, :].mean() * -1, rtol=1e-12)
    several = susceptibility(draws, ["loss", "distance"])
    assert several.value.dims == ("observable", "sample")
    assert several.observable.values.tolist() == ["loss", "distance"]
    np.testing.assert_allclose(several.value.sel(observable="loss"), susceptibility(draws).value)
    # an observable at every fifth draw has its own draws, and is set beside the others' at those
    draws = draws.assign_coords(draw=np.arange(1000))
    thin = draws.losses.isel(draw=slice(None, None, 5)).rename(draw="draw_every_5")
    draws = draws.assign_coords(thin=thin)
    result = susceptibility(draws, perturbation="thin")
    assert result.attrs["draws"] == 8 * 200
    np.testing.assert_allclose(
        result.value, susceptibility(draws.drop_vars(["thin", "draw_every_5"]).isel(draw=slice(None, None, 5))).value
    )


def test_components_and_runs_and_diverged_chains():
    one, two = gaussian(11), gaussian(12)
    by_component = susceptibility({"head 0": one, "head 1": two})
    assert by_component.value.dims == ("component", "sample")
    assert by_component.component.values.tolist() == ["head 0", "head 1"]
    np.testing.assert_array_equal(by_component.value[1], susceptibility(two).value)
    pooled = loss_kernel([one, two])
    np.testing.assert_allclose(pooled.value, loss_kernel(xr.concat([one, two], "chain")).value)
    assert pooled.attrs["draws"] == 16000
    with pytest.raises(ValueError, match="their nbeta differ"):
        loss_kernel([one, two.assign_attrs(nbeta=1.0)])
    with pytest.raises(ValueError, match="cut them to one length"):
        loss_kernel([one, two.isel(draw=slice(5))])
    bad = one.copy(deep=True)
    bad["losses"][3, 500:] = np.nan
    bad = bad.assign_coords(first_bad=("chain", [-1, -1, -1, 500, -1, -1, -1, -1]))
    np.testing.assert_allclose(loss_kernel(bad).value, loss_kernel(one.isel(chain=[0, 1, 2, 4, 5, 6, 7])).value)
    np.testing.assert_allclose(loss_kernel(bad, bad.losses).value, loss_kernel(bad).value)
    with pytest.raises(ValueError, match="not finite"):
        loss_kernel(bad.drop_vars("first_bad"))
    with pytest.raises(ValueError, match="every chain diverged"):
        loss_kernel(one.assign_coords(first_bad=("chain", [3] * 8)))


def test_minibatch_noise_is_not_counted_as_variance():
    draws = gaussian(13).assign_attrs(batch_size=32)
    noise = 0.3 * float(draws.loss.std()) * np.random.default_rng(0).standard_normal(draws.loss.shape)
    noisy = draws.assign(loss=draws.loss + noise, full_loss=draws.loss)
    with pytest.raises(ValueError, match="full_loss"):
        heat(noisy)
    assert float(heat(noisy, "full_loss").value) == float(heat(draws.assign_attrs(batch_size=0)).value)
    with pytest.raises(ValueError, match="minibatch's noise"):
        susceptibility(noisy)
    with_full = susceptibility(noisy, base="full_loss")
    np.testing.assert_allclose(with_full.value, susceptibility(draws.assign_attrs(batch_size=0)).value, atol=1e-3)
    slow = gaussian(13, rho=0.99, draws=4000).assign_attrs(batch_size=32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert float(heat(slow).value) == pytest.approx(1.17, abs=0.3)  # the noise does not count here


def said(reading, *args):
    """The reading, and its notes, which are those that were warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = reading(*args)
    notes = json.loads(result.attrs["notes"])
    assert notes == [str(one.message) for one in caught]
    return result, " ".join(notes)


def test_few_or_hot_or_disagreeing_draws_are_said_to_be():
    assert said(loss_kernel, gaussian(18))[1] == ""
    _, notes = said(loss_kernel, gaussian(14, chains=4, draws=50))
    assert notes.startswith("the draws are worth") and "more draws" in notes
    apart = gaussian(15)
    apart["losses"] = apart.losses + xr.DataArray(np.arange(8.0), dims="chain")
    assert "R-hat is" in said(loss_kernel, apart)[1]
    single, notes = said(loss_kernel, gaussian(16, chains=1, draws=20, rho=0.99))
    assert "no error bar" in notes
    assert np.isnan(single.std_error).all() and np.isfinite(single.value).all()
    hot = gaussian(17)
    assert "equipartition is 1.30" in said(loss_kernel, hot.assign(virial=xr.full_like(hot.loss, 1.3)))[1]
    heated = hot.assign(step_bias=xr.full_like(hot.loss, 0.2))  # of nβ (E L − L*) = 1.32
    assert "about 15% of its excess loss" in said(loss_kernel, heated)[1]
    few = gaussian(18, draws=25)  # worth 200: enough for a mean, not for a covariance
    assert said(expectation, few)[1] == "" and "a variance is known to about" in said(covariance, few, "loss")[1]


def test_what_cannot_be_read_is_said_in_a_sentence():
    draws = gaussian(19, draws=10)
    with pytest.raises(KeyError, match="'queries' was not recorded"):
        influence(draws, observable="queries")
    with pytest.raises(TypeError, match="xarray Dataset"):
        loss_kernel(np.zeros((4, 10)))
    with pytest.raises(ValueError, match="dimensions 'chain' and 'draw'"):
        loss_kernel(draws.isel(chain=0))
    with pytest.raises(ValueError, match='"covariance" or "response"'):
        influence(draws, scale="nbeta")
    with pytest.raises(ValueError, match="one number per draw"):
        susceptibility(draws, ["losses", "loss"])
    with pytest.raises(ValueError, match="take a mean over tokens"):
        loss_kernel(draws.assign(wide=(("chain", "draw", "token"), np.ones((8, 10, 20000), np.float32))), "wide")
    with pytest.raises(ValueError, match="needs two or more"):
        loss_kernel(draws.isel(draw=slice(1)))
    with pytest.raises(ValueError, match="empty"):
        loss_kernel({})


def test_large_kernels_are_made_in_parts(monkeypatch):
    draws = gaussian(20, draws=200)
    whole, correlation = loss_kernel(draws), loss_kernel(draws, correlation=True)
    monkeypatch.setattr("sltcourse.llc.blocks.ENTRIES_AT_ONCE", 4)
    np.testing.assert_allclose(loss_kernel(draws).value, whole.value, rtol=1e-12)
    np.testing.assert_allclose(loss_kernel(draws).std_error, whole.std_error, rtol=1e-10)
    again = loss_kernel(draws, correlation=True)
    np.testing.assert_allclose(again.value, correlation.value, rtol=1e-12)


def test_the_error_bars_hold_on_real_chains():
    """160 chains of MALA on the Gaussian case, read as 40 runs of four: error bars within 20 %, values right."""
    x, y = torch.tensor(X), torch.tensor(Y)
    posterior = LocalPosterior(
        lambda w, x, y: ((y - x @ w) ** 2).mean() / 2, (x, y), at=torch.tensor(W_STAR), nbeta=NBETA, localization=GAMMA
    )
    draws = sample(posterior, MALA(lr=0.05), num_chains=160, num_draws=1500, observe={"losses": PerSample()})
    values, errors = [], []
    for run in range(40):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            few = draws.isel(chain=slice(4 * run, 4 * run + 4))
            both = [loss_kernel(few), susceptibility(few), heat(few)]
        values.append(np.concatenate([one.value.values.ravel() for one in both]))
        errors.append(np.concatenate([one.std_error.values.ravel() for one in both]))
    exact = np.concatenate([KERNEL.ravel(), KERNEL.mean() - KERNEL.mean(0), [NBETA**2 * KERNEL.mean()]])
    spread, claimed = np.std(values, axis=0, ddof=1), np.sqrt(np.mean(np.square(errors), axis=0))
    assert np.median(claimed / spread) == pytest.approx(1, abs=0.2)
    assert np.abs((np.mean(values, axis=0) - exact) / (spread / 40**0.5)).max() < 4
