import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch

from sltcourse.lessons import llc_estimation as lesson
from sltcourse.lessons.llc_estimation import make
from sltcourse.llc import HMC, default_nbeta, estimate_llc
from sltcourse.theory.closed_forms import deep_linear_network
from sltcourse.theory.localized import POTENTIALS

check = lesson.check
s, lam, h, gamma = sp.symbols("s lambda h gamma", positive=True)
FLAT, CROSS, SLOPE = POTENTIALS


def test_the_thermometer():
    live = lesson.live_thermometer()
    assert "times nβ: 0.387" in live.at(loss="w₁² w₂²", nbeta=1e3)["caption"]
    assert "times nβ: 0.46" in live.at(loss="w₁² w₂²", nbeta=1e10)["caption"]
    assert "times nβ: 0.750. λ = 0.75" in live.at(loss="w₁² + w₂⁴", nbeta=1e4)["caption"]


def test_the_cockpits_kept_runs_are_those_of_the_code():
    kept, k = lesson.kept.cockpit(), 6
    fresh = make.make_cockpit(lesson.kept.LRS[[k]])
    for name in ("llc", "std_error", "distance"):
        np.testing.assert_allclose(fresh[name][:, 0], kept[name][:, k], rtol=1e-6, equal_nan=True)
    np.testing.assert_allclose(fresh["exact"], kept["exact"], rtol=1e-6)
    np.testing.assert_array_equal(fresh["light"][:, 0], kept["light"][:, k])


def test_the_cockpit_says_what_the_text_says():
    live = lesson.live_cockpit()
    start = {"loss": FLAT, "lr": lesson.kept.LRS[6], "pull": 1.0, "nbeta": 100.0, "chains": 4}

    def at(**moved):
        return live.at(**(start | moved))

    assert "TRUST" in str(at()["verdict"]) and "λ = 0.75" in at()["caption"]
    assert "λ̂ = 1.2" in at(nbeta=1e3)["caption"] and "DON'T" in str(at(nbeta=1e3)["verdict"])
    assert "No chain survived" in at(nbeta=1e4)["caption"]
    green = at(pull=1000.0, nbeta=1e3, lr=lesson.kept.LRS[2])
    assert "TRUST" in str(green["verdict"]) and "perfect chains would read 0.34" in green["caption"]
    assert "DOUBTFUL: one chain cannot be compared" in str(at(chains=1)["verdict"])
    assert at()["missing"][2] == "" and at(loss=SLOPE, nbeta=1e4)["missing"][2] == "diverged"
    assert at(loss=SLOPE, nbeta=1e4, lr=lesson.kept.LRS[2])["missing"][2].startswith("off the scale: −1")
    assert "perfect chains would read −0.85" in at(loss=SLOPE, nbeta=1e3)["caption"]
    assert "no minimum" in at(loss=SLOPE)["caption"]
    light = lesson.kept.cockpit()["light"][0, :, 0, :, 1]
    assert ((light == 0).sum(0) == [2, 2, 1, 0]).all(), "the green window shrinks"
    assert "DOUBTFUL: the step" in str(at(chains=16)["verdict"])


def test_the_mystery_runs_show_what_they_should():
    runs = {letter: heat[2000:].mean() for letter, heat in lesson.models.mystery_runs().items()}
    assert runs["A"] < 0.7 < runs["D"] * 1.3 and runs["B"] > 1.0 and runs["C"] < -0.3


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


def test_the_results_picture_shows_every_network():
    results = {
        units: estimate_llc(
            lambda w: (w**2).sum() / 2, at=torch.zeros(units), nbeta=1e3, num_draws=20, num_burnin_steps=20
        )
        for units in (1, 2)
    }
    (ax,) = lesson.draw_results(results, {1: 0.5, 2: 1.0}, half_rank=1).axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1 unit", "2 units"]
    assert len(ax.texts) == 2 and len(ax.get_legend().get_texts()) == 4
    (ladder,) = lesson.draw_ladder(results, 1.0).axes
    assert [t.get_text() for t in ladder.texts] == [f"{r.llc:.2f}, {r.verdict.word}" for r in results.values()]
    assert len(lesson.draw_training({"cold": results, "warm": results}, 1.0).axes) == 2


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
    assert (abs(errors["hmc"][~flat]) < 0.04).all() and (errors["hmc"][flat] < -0.1).all()
    assert all(r["verdict"] != "trust" for r in runs["sgld"])
    assert -0.4 < errors["sgld"].min() < -0.3 and np.median(errors["sgld"]) < -0.05
    assert 6 < np.median([r["d"] / 2 / r["lam"] for r in rows]) < 7
    assert len(lesson.draw_networks(rows).axes) == 2


def test_a_stiffer_spring_reads_a_deep_network_low_and_is_trusted():
    """The question's error: all widths' product is zero, so K grows like w¹⁰ in some directions."""
    f, w_star = lesson.linear_loss(lesson.deepest_point([6, 5, 6, 5, 6], 0, np.random.default_rng(0)))
    lam = float(deep_linear_network([6, 5, 6, 5, 6], 0)[0])
    read = [
        estimate_llc(f, at=w_star, sampler=HMC(), nbeta=72_000, localization=pull, num_burnin_steps=300)
        for pull in (10, 100)
    ]
    assert read[1].verdict.word == "trust" and read[1].llc < 0.75 * read[0].llc < 0.75 * lam


@pytest.mark.parametrize("device, size, low, high", [("cuda", "larger", 9e5, 1.1e6), ("cpu", "smaller", 1e3, 1e4)])
def test_the_network_measured_live_fits_the_device(device, size, low, high):
    named, widths, rank = lesson.network_for(device)
    assert named == size and low < sum(a * b for a, b in pairwise(widths)) < high and 0 < rank < min(widths)
    assert lesson.network_for("mps") == lesson.network_for("cpu")


def test_a_linear_networks_loss_lives_where_it_is_told():
    f, w_star = lesson.linear_loss([np.eye(2), np.eye(2)], torch.float32, "meta")
    assert w_star.device.type == f(w_star).device.type == "meta" and w_star.dtype == torch.float32


RIGHT = [
    ("variance", lam),
    ("draws", (40_000, 4)),
    ("draws", np.array([40_000, 4])),
    ("draws", torch.tensor([40_000.0, 4.0])),
    ("variance", sp.Symbol("lam")),
    ("spring", s * h / (2 * (s * h + gamma))),
    ("step", 4 * (1 - 1 / 1.1) / 2000),
    ("step", 1.8e-4),
    ("diagnosis", lesson.models.DIAGNOSES),
]
WRONG = [
    ("variance", lam / s**2, "variance of K"),
    ("variance", lam / s, "mean of K"),
    ("variance", sp.Symbol("lam") / sp.Symbol("s"), "mean of K"),
    ("variance", sp.sqrt(lam), "standard deviation"),
    ("variance", lam / h, "only lambda"),
    ("variance", None, "None"),
    ("variance", "lambda", "a text"),
    ("variance", True, "True or False"),
    ("variance", [lam], "element [0]"),
    ("spring", None, "None"),
    ("spring", s * h / (s * h + gamma), "Where is its ½"),
    ("draws", (4, 40_000), "other way round"),
    ("draws", np.array(40_000), "A pair"),
    ("draws", (2500, 25_000_000), "other way round"),
    ("draws", (200, 2), "Take the square"),
    ("draws", 40_000, "A pair"),
    ("spring", sp.Rational(1, 2), "Keep γ"),
    ("spring", 1 / (s * h + gamma), "variance of w"),
    ("step", 0.002, "diverges"),
    ("step", 0.0002, "Nearly"),
    ("diagnosis", lesson.models.DIAGNOSES | {"A": "fine"}, "disagree to the end"),
    ("diagnosis", lesson.models.DIAGNOSES | {"B": "fine"}, "above the black line"),
    ("diagnosis", lesson.models.DIAGNOSES | {"C": "no minumum"}, "C: 'no minumum' is none of the four"),
    ("diagnosis", "fine", "dictionary"),
]


@pytest.mark.parametrize("name, answer", RIGHT)
def test_right_answers(name, answer):
    assert getattr(check, name)(answer).state == "Right"


@pytest.mark.parametrize("name, answer, reason", WRONG)
def test_wrong_answers_are_told_why(name, answer, reason):
    verdict = getattr(check, name)(answer)
    assert verdict.state == "Not yet" and reason in verdict.reason
