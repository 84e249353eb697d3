"""Lesson 08: the model for PyTorch, λ by the estimator, the stored results, live figures and checks."""

import heapq
import math

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator

from sltcourse.lessons import superposition as lesson
from sltcourse.lessons.superposition import check
from sltcourse.lessons.superposition.kept import N_TRAIN, STARTS, STEPS
from sltcourse.lessons.superposition.models import Superposition, squared_error
from sltcourse.lessons.superposition.ours import train as train_ours
from sltcourse.llc import SGLD, estimate_llc
from sltcourse.theory.superposition_model import (
    COEFFICIENTS,
    POLYGONS,
    best_polygon,
    constants,
    corners,
    free_energy,
    half_norm,
    hessian,
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
    now = lesson.live_polygon().at(k="5", length=1.15, bias=-0.3)
    assert f"The best has {population_loss(POLYGONS['5'])[0]:.4f}" in str(now)
    assert f"loss {population_loss(polygon(5, 1.15, -0.3))[0]:.4f}" in str(now)


@pytest.mark.parametrize("c", [3, 8, 24])
def test_live_polygon_takes_any_number_of_features(c):
    live = lesson.live_polygon(c)
    k = min(c, 9)
    now = live.at(k=str(k), kind="guess: ⁺", length=1.5, bias=-1.1)
    w = polygon(k, 1.5, -1.1, plus=c - k, c=c)
    assert f"loss {population_loss(w)[0]:.4f}" in now["caption"] and f"among {c} features" in now["caption"]
    parts = sum(float(now[f"{part} in numbers"][2]) for part in lesson.figures.PARTS)
    assert parts == pytest.approx(population_loss(w)[0], abs=2e-3)


def test_live_polygon_takes_columns_of_ones_own():
    rng = np.random.default_rng(3)
    W, b = rng.standard_normal((2, 5)), 0.3 * rng.standard_normal(5)
    now = lesson.live_polygon(W=W, b=b).at(on="2", scale=1.1, shift=-0.1)
    assert f"loss {population_loss(pack(1.1 * W, b - 0.1))[0]:.4f}" in now["caption"]
    mu, own = now["own"]
    assert own[2] == pytest.approx(max(1.21 * W[:, 1] @ W[:, 1] + b[1] - 0.1, 0)) and mu[2] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"c": 2}, "from 3 to 24"),
        ({"c": 6.5}, "a whole number"),
        ({"c": True}, "a whole number"),
        ({"W": np.ones((3, 4))}, "the picture is a plane"),
        ({"W": np.ones((2, 4)), "b": [1.0]}, "give 4 biases"),
        ({"b": np.ones(4)}, "give W"),
        ({"W": "columns"}, "arrays of numbers"),
        ({"W": np.ones((2, 40))}, "2 to 12 columns"),
        ({"W": np.full((2, 4), np.nan)}, "finite"),
    ],
)
def test_what_live_polygon_cannot_show_is_refused_in_a_sentence(arguments, said):
    with pytest.raises(ValueError, match=said):
        lesson.live_polygon(**arguments)


def test_the_run_of_ones_own_is_shown_at_any_c():
    path = np.random.default_rng(0).standard_normal((3, 2, 12))
    live = lesson.live_run([0, 5, 9], path)
    assert f"loss {population_loss(path[1, 1])[0]:.4f}" in live.at(network="2", step=5)["caption"]
    for wrong, said in ((path[0], "as train returns them"), (path[:2], "3 steps"), (path * np.nan, "not finite")):
        with pytest.raises(ValueError, match=said):
            lesson.live_run([0, 5, 9], wrong)


def test_the_opening_shows_every_kind_of_end():
    steps, path = lesson.models.opening()
    assert {name_of(w) for w in path[-1]} == {"4⁺⁺", "5⁺", "6"} and len(steps) == len(path)


def test_the_parts_of_the_loss_add_up():
    rng = np.random.default_rng(1)
    for w in (*rng.standard_normal((3, 24)), polygon(5, 1.2, -0.2, plus=1), polygon(4, 0.7, 0.3)):
        parts = lesson.models.loss_parts(w)
        assert parts.sum() == pytest.approx(population_loss(w)[0], abs=1e-12) and parts.min() > -1e-12
    given_up, wrong, leaked = lesson.models.loss_parts(polygon(4, 1.0, 0.0))
    assert given_up == pytest.approx(1 / 9) and wrong == pytest.approx(0, abs=1e-12) == leaked
    W, b = unpack(polygon(5, 1.2, -0.2))
    x = sample(200_000, np.random.default_rng(0))
    says = np.maximum(x @ W.T @ W + b, 0)
    assert (np.where(x == 0, says, 0) ** 2).sum(1).mean() == pytest.approx(
        lesson.models.loss_parts(polygon(5, 1.2, -0.2))[2], rel=0.05
    )


@pytest.mark.parametrize(
    "make", [lesson.live_training, lesson.draw_polygons, lesson.draw_transitions, lesson.draw_temperatures]
)
def test_figures_can_be_drawn(make):
    assert make() is not None


def test_nothing_of_the_posterior_is_shown_before_the_guess():
    spec, _ = lesson.live_transition().encode()
    shown = [part for i, part in enumerate(spec["parts"]) if i not in spec["guess"]["hides"]]
    assert len(spec["guess"]["hides"]) == 10 and not any(part["kind"] == "points" for part in shown)


# ---- the scale of an estimate -------------------------------------------------------------------------------------


def test_the_map_of_the_scale_has_the_ridge_and_the_depths_that_the_lesson_names():
    """Flood the landscape from 4⁺: 5 is reached at 0.0002 above it, the plain square lies 1/144 above."""
    rise = lesson.asset("scale")["rise"]
    lengths, biases = lesson.kept.LENGTHS, lesson.kept.BIASES
    start = (int(np.abs(biases - 1 / 12).argmin()), 0)
    end = int(np.abs(biases + 0.2823).argmin()), int(np.abs(lengths - 1.17046).argmin())
    heap, seen, top = [(rise[start], start)], set(), -1.0
    while heap:
        level, at = heapq.heappop(heap)
        if at in seen:
            continue
        seen.add(at)
        top = max(top, float(level))
        if at == end:
            break
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            to = at[0] + step[0], at[1] + step[1]
            if 0 <= to[0] < len(biases) and 0 <= to[1] < len(lengths) and to not in seen:
                heapq.heappush(heap, (rise[to], to))
    assert top == pytest.approx(0.00023, abs=5e-5)
    assert rise[end] == pytest.approx(-0.0354, abs=1e-3) and rise[0, 0] == pytest.approx(1 / 144, abs=1e-4)


def test_the_kept_chains_leave_4_plus_where_the_lesson_says():
    read, nbeta = lesson.asset("scale"), lesson.kept.SCALE_NBETAS
    word, stayed, llc = (read[key][:, 0] for key in ("verdict", "stayed", "llc"))  # γ = 1
    warm = (nbeta > 200) & (nbeta < 2e4)
    assert (word[0, warm] == 2).all() and (stayed[0, warm] == 0).all() and (stayed[0, nbeta > 2e4] == 1).all()
    for i, lam in enumerate((8.0, 7.0)):
        assert llc[i, nbeta > 2e4] == pytest.approx(lam, abs=0.25)
    gap = population_loss(POLYGONS["4⁺"])[0] - population_loss(POLYGONS["5"])[0]
    assert llc[1, 0] - llc[0, 0] == pytest.approx(100 * gap, abs=0.4)  # at nβ = 100 both share E[L]


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
    assert said.index("But λ̂ is not λ") < said.index("Take one such run yourself"), "hedged where it is seen"
    assert "λ falls from 8 to 7" in said[said.index("## 8. Two kinds of transition") :]


def test_the_guesses_have_the_answers_that_are_computed():
    ends = train_ours(lesson.near_zero(100, np.random.default_rng(0)), population_loss, 3_000, 0.2, [3_000])[0]
    names = [name_of(w) for w in ends]
    assert [names.count(name) for name in ("5⁺", "4⁺⁺", "6")] == [77, 20, 3]
    assert lesson.guess.end.answer.startswith("5") and "77" in lesson.guess.end.because
    start = lesson.near_zero(100, np.random.default_rng(0), c=8)
    long = corners(train_ours(start, population_loss, 3_000, 0.2, [3_000])[0])[0]
    assert [(long == k).sum() for k in (4, 5, 6, 7)] == [1, 89, 8, 2]
    assert lesson.guess.best.answer == "2" and "89" in lesson.guess.best.because
    assert lesson.guess.free.answer == str(18 - np.linalg.matrix_rank(hessian(POLYGONS["5"]), tol=1e-6))


def test_among_regular_polygons_seven_corners_are_best_from_seven_features_on():
    assert np.abs(population_loss(polygon(5, *best_polygon(5), c=12))[1]).max() < 1e-7
    assert best_polygon(7)[0] == pytest.approx(1.4484, abs=1e-3)
    for c in (6, 7, 8, 24, 1000):
        some = min(c, 40)  # h does not depend on c; the formula does the rest
        h = {
            k: 3 * some * population_loss(polygon(k, *best_polygon(k), c=some))[0] - (some - k)
            for k in range(4, 10)
            if k <= c
        }
        loss = {k: (h[k] + c - k) / (3 * c) - (c - k) / (4 * c**2) for k in h}
        assert min(loss, key=loss.get) == min(c, 7)
    assert lesson.guess.corners.answer == "7"
    for k in range(5, 10):  # a minimum: no direction goes down
        assert np.linalg.eigvalsh(hessian(polygon(k, *best_polygon(k), c=k))).min() > -1e-6
    for wrong in (0, 10):
        with pytest.raises(ValueError, match="no minimum"):
            best_polygon(wrong)
    with pytest.raises(ValueError, match="there is no polygon"):
        smallest_rise("5⁺⁺⁺")


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
        told(name, "*The local learning coefficient: a singularity-aware complexity measure* (2023,")
    assert "deck" not in prose(LESSON) and shared_names(LESSON) == ({}, set())


# ---- the exercises ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss", "train", "crossing"])
def test_our_own_functions_pass(name):
    assert getattr(check, name)(getattr(lesson.ours, name)).state == "Right"


WRONG_LOSSES = [
    (dict(mean=False), "Divide by c"),
    (dict(third=6.0), "all of them make c/3"),
    (dict(crossed=1), "Q counts twice"),
    (dict(sums=np.trace), "over all j"),
    (dict(Q_of=lambda P, R, b, g: P / g), "the term with the bias"),
    (dict(g_of=lambda W: -W.T @ W), "In the case"),
]


@pytest.mark.parametrize(("change", "said"), WRONG_LOSSES)
def test_a_wrong_loss_is_told_what_is_wrong(change, said):
    verdict = check.loss(lesson.checks._loss_like(**change))
    assert verdict.state == "Not yet" and said in verdict.reason


def test_the_loss_without_its_limit_at_zero_is_told_the_case():
    def unguarded(W, b):
        g = W.T @ W
        P = (np.maximum(g + b, 0) ** 3 - np.maximum(b, 0) ** 3) / (3 * g)
        R = (np.maximum(g + b, 0) ** 2 - np.maximum(b, 0) ** 2) / (2 * g)
        return (len(b) / 3 - 2 * np.trace((P - b * R) / g) + P.sum()) / len(b)

    assert "all columns and biases 0" in check.loss(unguarded).reason


def _moves_its_input(w, loss, steps, rate, keep):
    kept = []
    for step in range(steps + 1):
        if step in keep:
            kept.append(w.copy())
        w -= rate * loss(w)[1]
    return np.array(kept)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lesson.checks._train_like(sign=1.0), "climb"),
        (lesson.checks._train_like(copies=False), "append a copy"),
        (lesson.checks._train_like(late=1), "one step too late"),
        (lesson.checks._train_like(last=True), "Only the last state"),
        (lesson.checks._train_like(sign=-0.5), "half as long"),
        (_moves_its_input, "begin with a copy"),
        (lambda w, loss, steps, rate, keep: np.zeros((len(keep), *w.shape)), "In the case"),
    ],
)
def test_a_wrong_training_loop_is_told_what_is_wrong(function, said):
    verdict = check.train(function)
    assert verdict.state == "Not yet" and said in verdict.reason


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lesson.checks._crossing_like(lam=0), "λ does not come in"),
        (lesson.checks._crossing_like(norm=0), "prior's term is missing"),
        (lesson.checks._crossing_like(norm=0.5), "do not halve"),
        (lesson.checks._first_crossing, "the other zero"),
        (lambda a, b: 250.0, "In the case"),
    ],
)
def test_a_wrong_crossing_is_told_what_is_wrong(function, said):
    verdict = check.crossing(function)
    assert verdict.state == "Not yet" and said in verdict.reason


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("dead_bias", 1 / (2 * lesson.checks._c), "Right"),
        ("dead_bias", 1 / lesson.checks._c, "2 c b"),
        ("dead_bias", 0.5, "once in c times"),
        ("dead_bias", 1 / (4 * lesson.checks._c), "gains in c·L"),
        ("dead_bias", 1 / (4 * lesson.checks._c**2), "gains in L"),
        ("count", 4.5, "Right"),
        ("count", (11.5, 7), "subtract"),
        ("count", 9, "contributes"),
        ("count", 1.5, "each in bias and column"),
        ("count", 7, "subtract it"),
        ("count", -4.5, "other way round"),
    ],
)
def test_answers(name, answer, said):
    verdict = getattr(check, name)(answer)
    assert said in f"{verdict.state}: {verdict.reason}"
