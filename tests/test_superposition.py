"""Lesson 08: the model for PyTorch, λ by the estimator, the stored results, live figures and checks."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator

from sltcourse.lessons import superposition as lesson
from sltcourse.lessons.superposition import check
from sltcourse.lessons.superposition.kept import N_TRAIN, STARTS, STEPS
from sltcourse.lessons.superposition.models import Superposition, squared_error
from sltcourse.llc import SGLD, estimate_llc
from sltcourse.theory.superposition_model import (
    COEFFICIENTS,
    POLYGONS,
    constants,
    expected_llc,
    free_energy,
    half_norm,
    name_of,
    pack,
    polygon,
    population_loss,
    sample,
    sample_loss,
    smallest_rise,
    unpack,
)
from tests.cells import shared_names, told
from tests.cells import text as prose


def test_torch_computes_the_same_losses():
    inputs = sample(1000, np.random.default_rng(0))
    w = np.random.default_rng(5).standard_normal(18)
    parameter = torch.tensor(w, requires_grad=True)
    value = lesson.exact_loss(parameter)
    value.backward()
    assert value.item() == pytest.approx(population_loss(w)[0], abs=1e-12)
    np.testing.assert_allclose(parameter.grad.numpy(), population_loss(w)[1], atol=1e-12)
    x = torch.tensor(inputs, dtype=torch.float32)
    W, b = unpack(w)
    mean = ((inputs - np.maximum(inputs @ W.T @ W + b, 0)) ** 2).sum(1).mean()
    assert squared_error(Superposition(w)(x), x).item() == pytest.approx(mean, rel=1e-5)


def test_torch_computes_the_same_loss_of_a_sample():
    x = sample(500, np.random.default_rng(0))
    for w in (*np.random.default_rng(5).standard_normal((3, 18)), *POLYGONS.values()):
        parameter = torch.tensor(w, requires_grad=True)
        value = lesson.exact_sample_loss(x)(parameter)
        value.backward()
        assert value.item() == pytest.approx(sample_loss(x)(w)[0], abs=1e-12)
        np.testing.assert_allclose(parameter.grad.numpy(), sample_loss(x)(w)[1], atol=1e-12)


def test_a_gpu_takes_many_checkpoints_and_chains_and_a_cpu_few():
    for device in ("cpu", torch.device("cpu")):
        count, few = lesson.trajectory_settings(device)
        assert count == 10 and few["num_chains"] == 16
    for device in ("cuda", "cuda:1", torch.device("cuda", 0)):
        count, many = lesson.trajectory_settings(device)
        assert count == 60 and all(many[key] > few[key] for key in few) and set(many) == set(few)
    for count in (10, 60):
        steps = lesson.checkpoint_steps(count)
        assert len(steps) == count and steps[0] == 0 and steps[-1] == 20_000


# ---- λ by the estimator -------------------------------------------------------------------------------------------

PAPER = {"5": (7.71, 0.85), "5⁺": (9.91, 1.27), "6": (9.03, 0.59)}  # Chen et al. 2023: λ̂ ± spread at n = 5 000
AT = [Superposition(POLYGONS[name]).state_dict() for name in PAPER]


def inputs(n):
    return torch.tensor(sample(n, np.random.default_rng(0)), dtype=torch.float32)


@pytest.mark.long
def test_the_estimates_at_half_a_million_samples():
    """Within two standard errors of λ, plus 0.15 for finite n.

    The bias has two parts. The exact sampler at this nβ, 38 000, reads up to 0.05 high. And w* is the minimum of L,
    not of L_n: the posterior reaches below L_n(w*), which takes off β tr(H⁻¹C)/2 < 0.04
    (C: the covariance of the gradients).
    """
    results = estimate_llc(
        Superposition(POLYGONS["6"]), inputs(500_000), squared_error, at=AT, localization=10.0, num_chains=16,
        num_draws=1500, num_burnin_steps=2500, num_steps_bw_draws=4, batch_size=1024,
    )  # fmt: skip
    for name, result in zip(PAPER, results, strict=True):
        assert result.std_error < 0.3
        assert abs(result.llc - result.step_bias - COEFFICIENTS[name]) < 2 * result.std_error + 0.15


@pytest.mark.long
def test_the_bias_at_five_thousand_samples_is_the_published_one():
    """The settings of Chen et al., appendix K: our λ̂ lies within their spread, and above λ as theirs does."""
    results = estimate_llc(
        Superposition(POLYGONS["6"]), inputs(5_000), squared_error, at=AT, sampler=SGLD(lr=5e-5), localization=0.1,
        num_chains=10, num_draws=1000, num_burnin_steps=0, num_steps_bw_draws=10, batch_size=200,
    )  # fmt: skip
    for (name, (published, spread)), result in zip(PAPER.items(), results, strict=True):
        excess = result.nbeta * (result.loss_trace - result.init_loss)
        kept = excess[(excess < 0).mean(1) < 0.05]  # their rule for dropping chains
        assert len(kept) >= 5
        assert abs(kept.mean() - published) < spread
        assert kept.mean() > COEFFICIENTS[name] + 0.2


class Untied(torch.nn.Module):
    """Encoder and decoder as two Parameters on one storage."""

    def __init__(self, w):
        super().__init__()
        W, b = unpack(w)
        self.decoder = torch.nn.Parameter(torch.tensor(W, dtype=torch.float32))
        self.encoder = torch.nn.Parameter(self.decoder.data.T)
        self.b = torch.nn.Parameter(torch.tensor(b, dtype=torch.float32))

    def forward(self, x):
        return torch.relu(x @ self.encoder @ self.decoder + self.b)


def test_tied_weights_read_8_5_and_not_13_and_relabelled_features_read_the_same():
    W, b = unpack(POLYGONS["6"])
    order = [3, 0, 4, 1, 5, 2]
    models = [Superposition(POLYGONS["6"]), Untied(POLYGONS["6"]), Superposition(pack(W[:, order], b[order]))]
    tied, untied, relabelled = (
        estimate_llc(model, inputs(50_000), squared_error, localization=10.0, num_chains=32, num_burnin_steps=800,
                     num_draws=300, num_steps_bw_draws=4, batch_size=100)
        for model in models
    )  # fmt: skip
    assert untied.dim == tied.dim == 18
    for other in (untied, relabelled):
        assert abs(tied.llc - other.llc) < 4 * math.hypot(tied.std_error, other.std_error)
    assert all(7.5 < r.llc < 9.7 for r in (tied, untied, relabelled))


# ---- the stored results -------------------------------------------------------------------------------------------


def test_two_routes_to_the_coefficients_of_the_squares():
    for name, found in lesson.asset("volumes").items():
        assert found["m"] == 1
        assert abs(found["lam"] - COEFFICIENTS[name]) < 3 * found["lam_se"] < 0.15
    read = lesson.asset("temperatures")
    for name, exact in COEFFICIENTS.items():
        cold = np.array(read["nbeta"]) > 5e5
        assert np.mean(np.array(read[name]["llc"])[cold]) == pytest.approx(exact, abs=0.15)


def test_the_stored_estimates_shrink_towards_the_coefficients():
    small, large = (lesson.asset(f"sample_{n}") for n in (5_000, 500_000))
    for name in PAPER:
        assert small[name]["llc"] > COEFFICIENTS[name] + 0.4
        assert abs(large[name]["llc"] - COEFFICIENTS[name]) < 2 * large[name]["se"] + 0.15


def test_the_sampled_free_energy_meets_laplace_at_large_n():
    posterior = lesson.asset("posterior")
    n = posterior["n"][-1]
    constant = half_norm("6") + sum(constants("6").values())
    laplace = n * population_loss(POLYGONS["6"])[0] + 8.5 * np.log(n) + constant
    assert PchipInterpolator(posterior["n"], posterior["loss"]).integrate(0, n) == pytest.approx(laplace, abs=0.5)


def test_the_stored_shares_are_shares():
    posterior = lesson.asset("posterior")
    np.testing.assert_allclose(posterior["share"].sum(0), 1, atol=1e-12)
    crossing = np.interp(0, posterior["share"][3] - posterior["share"][2], posterior["shown_n"])
    assert 190 < crossing < 280


def test_the_stored_training_runs():
    training = lesson.asset("training")
    assert training["states"].shape == (len(STARTS), len(N_TRAIN), len(STEPS), 18)
    assert (np.diff(training["loss"], axis=-1) < 1e-9).all()
    assert training["left"][0] > 10 and training["left"][-1] == 0
    assert training["loss"].shape == training["states"].shape[:3]
    shapes = {values.shape for values in lesson.asset("along").values()}
    assert shapes == {(len(STARTS), len(N_TRAIN), len(lesson.kept.FIGURE_SPRINGS), len(STEPS))}
    small, large = (training[f"routes_{n}"].tolist() for n in (1000, 30000))
    assert sum("5" in route for route in small) == 13 and not any("5" in route for route in large)
    loss = {name: population_loss(w)[0] for name, w in POLYGONS.items()}
    for route in {*small, *large}:  # every step of every route goes down in loss
        losses = [loss[name] for name in route.split(" → ")]
        assert losses == sorted(losses, reverse=True)


def test_along_the_stored_runs_the_estimate_rises_where_the_loss_falls():
    """At γ = 10 and n up to 1000: from the first settled state to the last, where a run leaves the square."""
    training, settled = lesson.asset("training"), int(np.searchsorted(STEPS, 30))
    read, left = lesson.asset("along"), 0
    for run, size in np.ndindex(2, N_TRAIN.index(1_000) + 1):
        llc, se, verdict = (read[key][run, size, 0] for key in ("llc", "se", "verdict"))
        assert (verdict == 0).mean() > 0.8 and (verdict[[settled, -1]] == 0).all()
        if name_of(training["states"][run, size, -1])[0] == "5":
            left += 1
            assert llc[-1] > llc[settled] + 3 * se[-1]
    assert left == 8
    assert (read["llc"][2, :, :, 0] < 0).all()  # near zero: a saddle


def test_at_larger_n_the_chains_leave_the_square_unless_the_spring_is_stiff():
    size = N_TRAIN.index(3_000)
    weak, stiff = (lesson.asset("along")["verdict"][0, size, gamma, 5:] for gamma in (0, 1))
    assert (weak == 2).mean() > 0.9 and (stiff == 0).all()
    assert (lesson.asset("along")["llc"][0, size, 0, 5:] < 0).all()


def test_the_order_of_the_stored_readings_holds_for_every_spring_and_the_numbers_do_not():
    springs = dict(zip(lesson.SPRINGS, lesson.asset("springs"), strict=True))
    names = list(POLYGONS)
    reads = {g: {n: row[names.index(n)][0] for n in names} for g, row in springs.items()}
    assert all(reads[g]["5"] > reads[g]["4⁺"] + 0.2 for g in (0.1, 1.0, 10.0, 30.0))
    assert reads[0.1]["5"] > 9 > 3 > reads[100.0]["5"]
    assert all(reads[g]["5"] > reads[g]["4"] + 0.2 for g in lesson.SPRINGS)


def test_chains_on_a_weak_spring_share_their_places_and_on_a_stiff_one_do_not():
    """E[L] of 4⁺ and 5 from the readings: the same up to γ = 1, so that λ̂ differ by nβ times the losses' difference."""
    names, nbeta = list(POLYGONS), 1000 / np.log(1000)
    for gamma, row in zip(lesson.SPRINGS, lesson.asset("springs"), strict=True):
        mean = {n: population_loss(POLYGONS[n])[0] + row[names.index(n)][0] / nbeta for n in ("4⁺", "5")}
        apart = mean["4⁺"] - mean["5"]
        assert abs(apart) < 0.002 if gamma <= 1 else apart > 0.02


def test_the_order_of_square_and_pentagon_turns_over_with_temperature():
    cold = lesson.asset("temperatures")
    more = np.array(cold["5"]["llc"]) - np.array(cold["4"]["llc"])
    for nbeta, difference in zip(cold["nbeta"], more, strict=True):
        assert difference > 0.2 if nbeta < 1001 else difference < -0.2


def test_the_stored_ends_of_training():
    ends = lesson.asset("training")["ends"]
    assert ends.shape == (len(lesson.kept.END_SIZES), 4) and (ends.sum(1) == 100).all()
    small = np.array(lesson.kept.END_SIZES) <= 100
    assert (ends.argmax(1) == np.where(small, 1, 2)).all()  # squares lead at first, then pentagons
    assert (ends[:, 3] <= 2).all()


def test_the_stored_draws_know_the_polygon_below_them():
    posterior = lesson.asset("posterior")
    assert posterior["shown_k"].shape == posterior["shown"].shape[:2]
    assert (posterior["shown_k"][-1] == 6).all()


# ---- live figures -------------------------------------------------------------------------------------------------


def test_live_polygon_knows_the_best_pentagon():
    live = lesson.live_polygon()
    now = live.at(k="5", length=1.175, bias=-0.3)
    assert "loss 0.06" in str(now)


def test_the_parts_of_the_loss_add_up():
    for k in (4, 5, 6):
        for length, bias in ((0.7, -0.9), (1.0, 0.0), (1.5, 0.3)):
            parts = lesson.models.loss_parts(k, length, bias)
            assert sum(parts) == pytest.approx(population_loss(polygon(k, length, bias))[0], abs=1e-12)
            assert min(parts) > -1e-12
    given_up, wrong, leaked = lesson.models.loss_parts(4, 1.0, 0.0)
    assert given_up == pytest.approx(1 / 9) and wrong == pytest.approx(0, abs=1e-12) == leaked
    W, b = unpack(polygon(5, 1.2, -0.2))
    x = sample(200_000, np.random.default_rng(0))
    says = np.maximum(x @ W.T @ W + b, 0)
    assert (np.where(x == 0, says, 0) ** 2).sum(1).mean() == pytest.approx(
        lesson.models.loss_parts(5, 1.2, -0.2)[2], rel=0.05
    )


@pytest.mark.parametrize(
    "make", [lesson.live_training, lesson.live_transition, lesson.draw_polygons, lesson.draw_transitions]
)
def test_figures_can_be_drawn(make):
    assert make() is not None


# ---- what the lesson says -----------------------------------------------------------------------------------------

LESSON = "08_superposition"


def test_a_dead_feature_leads_between_55_and_554_only():
    """F(5) < F(5⁺) by all constants: n/144 for the loss, 1.5 log n − 1.4 for three directions, 4.3 for being dead."""
    terms = {name: half_norm(name) + sum(constants(name).values()) for name in ("5", "5⁺")}
    n = np.geomspace(10, 5_000, 20_001)
    saved = (free_energy("5⁺", n, prior=False) + terms["5⁺"]) - (free_energy("5", n, prior=False) + terms["5"])
    ahead = n[saved > 0]
    assert [ahead[0], ahead[-1]] == pytest.approx([55, 554], abs=1)
    assert saved.max() == pytest.approx(0.936, abs=0.01) and (np.diff(np.flatnonzero(saved > 0)) == 1).all()
    complexity = saved + n / 144  # without what 5⁺ buys
    assert n[complexity > 0][0] == pytest.approx(42.6, abs=0.5)
    told(LESSON, "5 leads only for 55 < n < 554, and never by more than 0.94", "from n = 43 on")


def test_the_box_cuts_the_longest_direction_of_4_plus():
    """The smallest q is where {q ≤ ε} reaches furthest: √(ε/q) = 0.06 at ε = 10⁻⁵, beyond the box of 0.05."""
    _, smallest = smallest_rise("4⁺", radius=1e-3)
    assert np.sqrt(1e-5 / smallest) == pytest.approx(0.06, abs=0.003) and np.sqrt(1e-5 / smallest) > 0.05
    for other in ("4", "4⁺⁺"):
        assert np.sqrt(1e-5 / smallest_rise(other, radius=1e-3)[1]) < 0.06
    told(LESSON, "along its *longest* direction")
    assert "thinnest" not in prose(LESSON)


def test_the_step_from_4_plus_to_5_goes_down_in_loss_and_in_the_coefficient():
    assert population_loss(POLYGONS["5"])[0] < population_loss(POLYGONS["4⁺"])[0]
    assert (COEFFICIENTS["4⁺"], COEFFICIENTS["5"]) == (8, 7)
    said = prose(LESSON)
    assert said.index("But λ̂ is not λ") < said.index("Two things are worth a second look"), "hedged where it is seen"
    assert "λ falls from 8 to 7" in said[said.index("## 7. Two kinds of transition") :]


def test_the_lines_of_the_transition_are_of_what_was_sampled():
    """5 and 5⁺ together: by the formula they meet the 6-gon at 601, with all constants near 150."""
    for counted, place in ((False, 601), (True, 152)):
        n = np.geomspace(50, 2_000, 4_001)
        above = lesson.models.pentagons_above_hexagon(n, counted)
        assert n[above > 0][0] == pytest.approx(place, abs=2) and (np.diff((above > 0).astype(int)) >= 0).all()
    left = lesson.live_transition().fig.axes[1]
    labels = [line.get_label() for line in left.lines]
    assert "the same, all constants" in labels and "5 with 5⁺, formula" in labels
    assert left.get_ylim()[1] > 15  # the legend covers no line: they end at 10


def test_the_lesson_cites_as_the_others_do_and_its_cells_can_be_run_in_any_order():
    for name in (LESSON, "06_free_energy"):
        told(name, "*The Local Learning Coefficient* (2024, arXiv 2308.12108)")
    assert "deck" not in prose(LESSON) and shared_names(LESSON) == ({}, set())


# ---- the exercises ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("dead_bias", 1 / (2 * lesson.checks._c), "Right"),
        ("dead_bias", 1 / lesson.checks._c, "2 c b"),
        ("dead_bias", 0.5, "once in c times"),
        ("plateau", 7 / 24, "Right"),
        ("dead_bias", 1 / (4 * lesson.checks._c), "gains in c·L"),
        ("dead_bias", 1 / (4 * lesson.checks._c**2), "gains in L"),
        ("plateau", 0.29, "Give it exactly"),
        ("plateau", 1 / 3, "biases move first"),
        ("plateau", 1 / 3 - 1 / 144, "All six"),
        ("count", 4.5, "Right"),
        ("count", (11.5, 7), "subtract"),
        ("count", 9, "contributes"),
        ("count", 1.5, "each in bias and column"),
        ("count", 7, "subtract it"),
        ("count", -4.5, "other way round"),
        ("second_crossing", 202, "Right"),
        ("second_crossing", 601, "crossing of 5 and 6"),
        ("second_crossing", 445, "without the prior's term"),
        ("second_crossing", 250, "sampled posterior"),
        ("second_crossing", 404, "half of the squared norm"),
    ],
)
def test_answers(name, answer, said):
    verdict = getattr(check, name)(answer)
    assert said in f"{verdict.state}: {verdict.reason}"


def test_enough_samples():
    assert expected_llc("6", lesson.checks.NBETA_FOR_A_TENTH) == pytest.approx(8.6, abs=0.004)
    n = 10_000
    for _ in range(30):
        n = 4_000 * np.log(n)
    for answer, said in (
        (n, "Right"),
        (4_500, "That is nβ"),
        (5_000, "n = 5 000 has nβ = 587"),
        (500_000, "less will do"),
        (4_000 * np.log(4_000), "once more"),
        (100_000, "Not yet"),
    ):
        verdict = check.enough_samples(answer)
        assert said in f"{verdict.state}: {verdict.reason}"
