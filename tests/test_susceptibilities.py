import itertools
import warnings

import numpy as np
import pytest
import sympy as sp
import torch
from scipy.integrate import dblquad
from scipy.stats import spearmanr

from sltcourse.kit import authoring
from sltcourse.kit.style import estimate
from sltcourse.lessons import developmental_stages
from sltcourse.lessons import susceptibilities as lesson
from sltcourse.lessons.susceptibilities import addition, heads, models
from sltcourse.llc import Importance, LocalPosterior, PerSample, covariance, loss_kernel, sample, susceptibility
from sltcourse.zoo import LANGUAGE, copier
from sltcourse.zoo.addition import balanced, exact_adder, make_task, random_network
from tests.exercises import exercise_tests

POSTERIOR = models.posterior()


@pytest.mark.parametrize("point", range(6))
def test_the_tangent_is_the_derivative_of_the_true_response(point):
    h = 1e-5
    slope = (models.perturbed(point, h) - models.perturbed(point, -h)) / (2 * h)
    assert slope == pytest.approx(models.tangents(point), rel=1e-5, abs=1e-7)


def test_the_susceptibilities_to_all_training_points_add_up_to_nothing():
    assert sum(models.tangents(k) for k in range(6)) == pytest.approx(np.zeros(6), abs=1e-12)


def test_the_tangent_of_a_single_loss_reaches_further_than_that_of_the_mean():
    change, tangent = models.perturbed(4, 0.1) - models.perturbed(4, 0), 0.1 * models.tangents(4)
    assert change[4] == pytest.approx(tangent[4], rel=0.2)
    assert abs(change.mean() / tangent.mean() - 1) > 3


def test_the_influence_at_the_crossing_is_that_of_the_plane():
    x, y, nbeta, gamma = np.array([1.0, 1, 2]), np.array([1.0, -1, 0]), 30, 5

    def mean(f):
        def density(b, a):
            s = a * b
            rise = (((y - s * x) ** 2).sum() - (y**2).sum()) / 6
            return f(((y - s * x) ** 2 - y**2) / 2) * np.exp(-nbeta * rise - gamma / 2 * (a**2 + b**2))

        return dblquad(density, -3, 3, -3, 3, epsabs=1e-7)[0]

    total = mean(lambda losses: 1.0)
    first, second, both = (mean(f) / total for f in (lambda e: e[0], lambda e: e[1], lambda e: e[0] * e[1]))
    assert models.cross_influence(x, y, nbeta, gamma)[0, 1] == pytest.approx(nbeta * (both - first * second), rel=1e-4)


def test_a_mechanism_by_a_finer_sum():
    mean, variance = models.mechanism(0.3, 100, 5)
    t = np.linspace(-3, 5, 1601)
    a, b = np.meshgrid(t, t)
    loss = (a * b - 1) ** 2 / 2
    density = np.exp(-30 * loss - 2.5 * ((a - 1) ** 2 + (b - 1) ** 2))
    exact = (density * loss).sum() / density.sum()
    assert mean == pytest.approx(exact, rel=1e-6)
    assert variance == pytest.approx((density * loss**2).sum() / density.sum() - exact**2, rel=1e-6)


def test_the_live_figure():
    live = lesson.live_response(tangent=True)
    assert "tangent -0.064" in live.at(point="point 5", h=0.03)["caption"]
    assert "Nothing has moved" in live.at(point="point 1", h=0.0)["caption"]


def test_the_kept_draws_can_be_made_again_and_lose_the_same():
    model, (read, said) = copier(), heads.sentences()
    kept = heads.asset("heads")["losses"]
    start = heads.losses(model, {n: w.detach()[None] for n, w in model.named_parameters()}, read, said).mean()
    for head in (0, 6):
        some = {name: w[:2] for name, w in heads.moved(model, head, kept[head, ..., 0].size).items()}
        found = heads.losses(model, some, read, said)
        rows = [found.mean((1, 2)) - start] + [found[:, heads.kinds(read, said) == k].mean(1) for k in range(5)]
        assert np.array(rows).T == pytest.approx(kept[head, 0, :2, :6], abs=1e-5)
        noise = heads.losses(model, some, *heads.noise()).mean((1, 2))
        assert noise == pytest.approx(kept[head, 0, :2, 6], abs=1e-4)


def test_the_kinds_of_what_is_to_be_said():
    row = torch.from_numpy(LANGUAGE.read("abAcBdAc" + "aB" * 8 + "Ae"))[None]
    found = heads.kinds(row[:, :-1], row[:, 1:])[0]
    assert found[:8].tolist() == [0, 1, 2, 1, 2, 1, 3, 0]
    assert found[-1] == 4 and found[9] == 3


def test_the_bystander_of_a_weighted_posterior_by_the_library():
    draws = heads.all_heads()
    lines, values, errors = heads.against_the_line()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chi = susceptibility(draws, "loss", "losses", scale="response")
    assert (chi.value.values - lines[:, None]) / lines[:, None] == pytest.approx(values, rel=0.02, abs=0.02)
    assert (errors > 0).all()


def test_other_texts_order_the_heads_otherwise():
    cost = [2.74, 0.46, 0.41, 0.30, 0.07, 0.23, 0.71, 0.38]  # lesson 10, section 5
    lines, ranks = [], {}
    for drawn in developmental_stages.asset("heads")["losses"][-1]:  # step 2 000: (2, 1 + draws, all places and kinds)
        rise, names = (drawn[0, 1:, k] - drawn[0, 0, k] for k in (0, 3))
        weight = np.exp(-heads.NBETA * rise)
        cov = np.cov(rise, names, aweights=weight)
        lines.append(-cov[0, 1] / cov[0, 0])
        mean = np.average(names, weights=weight)
        for name, value in (("from 0", cov[0, 1] - cov[0, 0]), ("from the line", cov[0, 1]), ("λ̂", mean)):
            ranks.setdefault(name, []).append(value)
    assert lines == pytest.approx([-4.4, -1.6, -1.3, -1.2, -0.7, -2.8, -1.7, -3.3], abs=0.06)
    found = {name: spearmanr(cost, values)[0] for name, values in ranks.items()}
    assert found == pytest.approx({"from 0": 0.88, "from the line": 0.98, "λ̂": 0.79}, abs=0.006)


def test_most_halves_of_the_chains_agree_on_the_third_component():
    tokens = heads.asset("heads")["tokens"].reshape(8, 8, -1)
    found = []
    for half in itertools.combinations(range(1, 8), 3):
        one = [0, *half]
        other = [c for c in range(8) if c not in one]
        found.append(models.agreement(tokens[:, one].mean(1), tokens[:, other].mean(1), 2))
    assert len(found) == 35 and np.sum(np.array(found) < 0.1) == 4
    assert np.median(found) == pytest.approx(0.85, abs=0.01)


def test_a_text_is_answered_as_its_draws_say():
    text = "abABcdAB"
    value, error = heads.answers(text)
    row = torch.from_numpy(LANGUAGE.read(text))[None]
    rise = heads.asset("heads")["losses"][6, ..., 0].astype(float)
    tokens = heads.losses(copier(), heads.moved(copier(), 6, rise.size), row[:, :-1], row[:, 1:])[:, 0]
    weight = np.exp(-heads.NBETA * rise.ravel())
    assert value[6] == pytest.approx(
        heads.NBETA * np.cov(rise.ravel(), tokens.T, aweights=weight)[0, 1:], rel=0.1, abs=1e-5
    )
    assert value.shape == error.shape == (8, 7)


@pytest.mark.parametrize("text", ["ab", "a" * 34, "xyz"])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="letters"):
        lesson.live_heads(text)


def test_the_live_heads():
    live = lesson.live_heads("abABcdABefABghAB")
    at = live.at(head="0.0", letter=7)
    assert at["sets"][0].shape == (6,)
    assert "Head 0.0: the B after" in at["caption"]


class Two(torch.nn.Module):
    """Two products that share no weight: row 0 of the data asks for the first, row 1 for the second."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(4))

    def forward(self, first):
        return torch.where(first, self.w[0] * self.w[1], self.w[2] * self.w[3])


def test_mechanisms_that_share_no_weight_covary_within_the_error():
    first, target = torch.tensor([True, True, False, False]), torch.tensor([1.1, 0.9, 1.1, 0.9])
    posterior = LocalPosterior(
        Two(), (first, target), lambda f, y: ((f - y) ** 2).mean() / 2, nbeta=30, localization=50
    )
    draws = sample(posterior, Importance(), num_chains=8, num_draws=500, observe={"losses": PerSample()})
    z = (lambda kernel: kernel.value / kernel.std_error)(loss_kernel(draws)).values
    assert np.sqrt((z[:2, 2:] ** 2).mean()) < 2.5
    assert np.abs(z[:2, :2]).min() > 5


def test_the_kept_kernel_tells_copying_from_the_rest():
    draws, kind = heads.kernel_draws()
    kernel = loss_kernel(draws)
    z, copied = (kernel.value / kernel.std_error).values, np.char.startswith(kind, "name again")
    assert np.sqrt((z[np.ix_(copied, ~copied)] ** 2).mean()) < 1.5
    near, far = (np.array(kind) == f"name again, {where}" for where in ("near", "far"))
    assert np.sqrt((z[np.ix_(near, far)] ** 2).mean()) > 1.7


def test_what_the_lesson_says_of_the_second_network():
    text = (authoring.ROOT / "notebooks" / "11_susceptibilities.ipynb").read_text(encoding="utf-8")
    both = [heads.by_head(), heads.by_head(second=True)]
    for i, name in enumerate(heads.NAMES):
        cells = [f"{r['score'][i]:.2f} | {r['off'][i]:.2f} | {estimate(r['line'][i], r['line_error'][i])} | "
                 f"{estimate(r['lam'][i], r['lam_error'][i])}" for r in both]  # fmt: skip
        assert f"| {name} | {' | '.join(cells)} |" in text, name
    for second, (by_lam, by_chi) in ((False, (0.95, 0.62)), (True, (0.98, 0.98))):
        read, draws = both[second], heads.all_heads(second)
        chi = susceptibility(draws, "loss", "again").value.values
        assert spearmanr(read["off"], read["lam"])[0] == pytest.approx(by_lam, abs=0.005)
        assert spearmanr(read["off"], -chi)[0] == pytest.approx(by_chi, abs=0.005)
        noise, _ = heads._slopes([(d.loss.values, d.losses.values[..., -1:]) for d in draws.values()])
        assert (noise < 0).all()
    tokens = lesson.asset("second")["tokens"]
    again = [models.agreement(*tokens, k) for k in range(4)]
    assert again == pytest.approx([0.98, 0.95, 0.89, 0.89], abs=0.006)
    first = lesson.asset("heads")["tokens"].reshape(8, 8, -1).mean(1)
    across = models.components(first)[2][:4] @ models.components(tokens.mean(0))[2][:4].T
    assert np.abs(across).max() == pytest.approx(0.35, abs=0.005)


def test_the_kernel_of_a_strong_spring_by_the_jacobian():
    """Cov(‖J_i u‖², ‖J_j u‖²) = 2 ‖J_i J_jᵀ‖²/γ², with the Jacobian by automatic differentiation."""
    model, x = random_network(5, width=7, scale=1.0).double(), make_task(5, 1.0).x[:9].double()
    weights = {name: w.detach() for name, w in model.named_parameters()}
    parts = torch.func.jacrev(lambda w: torch.func.functional_call(model, w, (x,)))(weights)
    jacobian = torch.cat([part.flatten(2) for part in parts.values()], 2)
    squares = torch.einsum("icd,jed->ijce", jacobian, jacobian).square().sum((2, 3)).numpy()
    assert addition.strong_spring(model, x) == pytest.approx(addition.correlations(squares), rel=1e-12)


def test_draws_of_the_adder_have_the_kernel_of_a_strong_spring():
    task, model = make_task(5, 1.0), balanced(exact_adder(5)).float()
    losses = addition.drawn_losses(model, task, 4000, seed=0)
    exact = addition.by_shift(addition.strong_spring(model, task.x), task.x)
    found = [addition.by_shift(addition.kernel(part), task.x) for part in losses.reshape(8, 500, -1)]
    assert np.mean(found, 0) == pytest.approx(exact, abs=0.05) and np.abs(np.mean(found, 0) - exact).mean() < 0.02
    assert exact[0, 0] == pytest.approx(1)  # a pair with itself


def test_shifts_are_counted_by_hand():
    x = make_task(5, 1.0).x
    a, b = addition.numbers(x)
    profile = addition.by_shift((a[:, None] == a) * 1.0 + 10 * (b[:, None] == (b - 2) % 5), x)
    assert profile[0] == pytest.approx([1, 1, 11, 1, 1]) and profile[1:, 2] == pytest.approx(10)
    sizes = {name: int(at.sum()) for name, at in addition.groups(5).items()}
    assert sizes == {"a number": 8, "a + b": 4, "a − b": 4, "nothing": 8}


def test_what_the_lesson_says_of_the_kernel_of_addition():
    (memory, rule, adder), errors, exact = addition.shared()
    assert errors.max() < 1e-3
    assert np.all(np.abs(np.array([memory, rule, adder])[:, 1:3] - exact[:, 1:3]) < 0.004)
    for one in (rule, adder):
        assert 2.8 < one[1] / memory[1] < 4.2 and one[2] > 8 * memory[2] and 3.5 < one[0] / one[1] < 4.5
    measured, limit, off = lesson.asset("addition")["measured"], lesson.asset("addition")["exact"], np.s_[1:]
    for by_chain, one in zip(measured, limit, strict=True):
        halves = by_chain.reshape(2, 4, -1).mean(1)[:, off]
        assert np.corrcoef(*halves)[0, 1] > 0.99
        assert np.corrcoef(by_chain.mean(0).ravel()[off], one.ravel()[off])[0, 1] > 0.997
        i, j = np.indices((23, 23))
        rest = addition.groups(23)["nothing"]
        sums = np.array([by_chain[:, rest & ((i + j) % 23 == s)].mean(1) for s in range(1, 23)])
        error = sums.std(1, ddof=1) / 8**0.5
        assert error.max() < 1.3e-3 and sums.mean(1).std(ddof=1) < error.mean()


def test_sgld_at_the_published_settings_is_hotter_than_the_posterior():
    runs = heads.sampler_draws()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: covariance(run, "loss") for name, run in (runs | {"own": heads.all_heads()["0.0"]}).items()}
    own = found["own"]
    for name, low, high in (("SGLD, all", 2.0, 6.0), ("MALA", -2.0, 2.0)):
        away = (found[name].value - own.value) / np.hypot(found[name].std_error, own.std_error)
        assert low < float(away) < high, name
    assert max(found[f"SGLD, run {i}"].attrs["rhat"] for i in (1, 2, 3)) < 1.05


p, v = sp.symbols("p v", positive=True)


def negative(phi, delta):
    value, error = models.susceptibility(phi, delta)
    return -value, error


def unscaled(first, second, k):
    return abs(
        np.dot(*(np.linalg.svd(m - m.mean(1, keepdims=True), full_matrices=False)[2][k] for m in (first, second)))
    )


test_right, test_wrong, test_untouched = exercise_tests(
    lesson.check,
    [
        ("susceptibility", (models.susceptibility,)),
        ("loss_covariance", (models.loss_covariance,)),
        ("bystander", (p * v,)),
        ("agreement", (models.agreement,)),
    ],
    [
        ("susceptibility", (negative,), "The sign"),
        (
            "loss_covariance",
            (lambda X, y, m, S: np.outer(y - X @ m, y - X @ m) * (X @ S @ X.T),),
            "squares are missing",
        ),
        ("bystander", (0,), "does not vanish"),
        ("agreement", (unscaled,), "the loudest head"),
    ],
)
