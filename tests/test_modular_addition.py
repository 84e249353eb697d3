import json
import re

import numpy as np
import pytest
import torch

from sltcourse.kit import assets
from sltcourse.lessons import modular_addition as lesson
from sltcourse.lessons.modular_addition import curvature, drawings, kept, make, models, ours, softmax
from sltcourse.llc import HMC, estimate_llc
from sltcourse.zoo import addition
from tests.exercises import exercise_tests

check = lesson.check
FORMULA = {p: (13 * p**2 - 27 * p + 16) // 2 for p in (3, 5, 7)}


# ---- the network and its task ----------------------------------------------------------------------------------------


def test_a_task_holds_every_pair_once_and_its_sum():
    task = lesson.make_task(7, 0.4, seed=3)
    a, b = task.x[:, :7].argmax(1), task.x[:, 7:].argmax(1)
    assert task.n == 19 and len(set(zip(a.tolist(), b.tolist(), strict=True))) == 49
    assert torch.equal((a + b) % 7, task.labels) and torch.equal(task.y.argmax(1), task.labels)
    assert len(task.train[0]) == 19 and len(task.test[0]) == 30
    shuffled = lesson.make_task(7, 0.4, seed=3, random_labels=True)
    assert torch.equal(shuffled.labels.sort()[0], task.labels.sort()[0])
    assert (shuffled.labels == task.labels).float().mean() < 0.5
    other = lesson.make_task(7, 0.4, seed=3, rule=lambda a, b: a - b)
    assert torch.equal(other.labels, (a - b) % 7)


@pytest.mark.parametrize(
    ("p", "share", "words"), [(9, 0.5, "odd prime"), (2, 0.5, "odd prime"), (7, 0.0, "share"), (7, 2, "share")]
)
def test_a_task_that_makes_no_sense_is_refused(p, share, words):
    with pytest.raises(ValueError, match=words):
        lesson.make_task(p, share)


def test_the_lessons_loop_is_the_one_of_the_assets():
    task = lesson.make_task(5, 0.6)
    one, other = (lesson.random_network(5, width=8) for _ in range(2))
    ours.train(one, *task.train, 1e-3, 40)
    for _ in addition.trained(other, task, 1e-3, 40):
        pass
    assert torch.allclose(one.first, other.first, atol=1e-6)


# ---- the exact adder -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["products", "squares"])
@pytest.mark.parametrize("p", [3, 5, 7, 31])
def test_the_exact_adder_adds(p, identity):
    task, adder = lesson.make_task(p, 1.0), lesson.exact_adder(p, identity)
    assert adder.first.shape == (3 * p - 2, 2 * p)
    assert (adder(task.x.double()) - task.y).abs().max() < 1e-12
    logits = lesson.logits_on_all(adder, p)
    assert models.explained(logits) == pytest.approx(1, abs=1e-12)
    assert models.amplitudes(logits) == pytest.approx(np.ones((p - 1) // 2))
    restricted, excluded = models.ablated(logits, task)
    assert np.isnan(restricted) and excluded == pytest.approx(1 - 1 / p)  # without the rule: the mean, 1/p


def test_the_two_adders_have_one_norm_and_two_ranks():
    for p in (5, 7):
        x = lesson.make_task(p, 1.0).x
        one, other = (lesson.exact_adder(p, name) for name in ("products", "squares"))
        norms = [sum(w.square().sum().item() for w in m.parameters()) for m in (one, other)]
        assert norms[0] == pytest.approx(norms[1])
        assert curvature.rank(one, x) == FORMULA[p]
        assert curvature.rank(other, x) == (15 * p**2 - 35 * p + 22) // 2
    with pytest.raises(ValueError, match="identity"):
        lesson.exact_adder(5, "sums")


def test_balancing_keeps_the_function_and_finds_the_smallest_norm():
    task, adder = lesson.make_task(7, 1.0), lesson.exact_adder(7)
    even = addition.balanced(adder)
    x = task.x.double()
    assert torch.allclose(even(x), adder(x), atol=1e-12)
    assert curvature.rank(even, task.x) == FORMULA[7]

    def size(scale):
        return ((scale * even.first) ** 2).sum() + ((even.second / scale**2) ** 2).sum()

    assert size(1.0) < min(size(0.99), size(1.01)) and size(1.0) < 0.5 * (adder.first**2).sum()


# ---- taking apart ----------------------------------------------------------------------------------------------------


def test_a_pure_wave_is_one_line_and_no_power_is_lost():
    numbers = np.arange(31)
    for k in (1, 7, 15):
        power = models.spectrum(3 * np.cos(2 * np.pi * k * numbers / 31 + 0.4)[None])[0]
        assert power[k] == pytest.approx(9 * 31 / 2) and np.delete(power, k) == pytest.approx(0, abs=1e-9)
    rows = np.random.default_rng(0).normal(size=(5, 31))
    assert models.spectrum(rows).sum(1) == pytest.approx((rows**2).sum(1))


def test_the_rules_part_is_a_projection_on_waves_of_a_plus_b_minus_c():
    p, rng = 7, np.random.default_rng(0)
    a, b, c = np.indices((p, p, p))
    wave = np.cos(2 * np.pi * 3 * (a + b - c) / p + 0.2)
    assert models.rule_part(wave) == pytest.approx(wave)
    assert models.rule_part(np.cos(2 * np.pi * 3 * (a - b - c) / p)) == pytest.approx(0, abs=1e-12)
    noise = rng.normal(size=(p, p, p))
    part = models.rule_part(noise)
    assert models.rule_part(part) == pytest.approx(part)
    assert (part * (noise - part)).sum() == pytest.approx(0, abs=1e-9)
    assert models.explained(wave + 0 * noise) == pytest.approx(1)
    assert models.explained(noise) < 0.1


# ---- curvature -------------------------------------------------------------------------------------------------------


def test_ranks_as_counts_in_n():
    x = lesson.make_task(7, 1.0).x
    adder, generic = lesson.exact_adder(7), lesson.random_network(7, width=19, scale=1.0)
    counts = {n: (curvature.rank(adder, x[:n]), curvature.rank(generic, x[:n])) for n in (10, 24, 39, 49)}
    assert counts == {10: (70, 70), 24: (165, 168), 39: (232, 273), 49: (232, 343)}


def test_the_learners_rank_is_the_jacobians_and_the_hessians():
    network, x = lesson.exact_adder(5), lesson.make_task(5, 1.0).x.double()
    assert ours.rank(network, x) == curvature.rank(network, x) == 103
    eigenvalues = np.linalg.eigvalsh(lesson.hessian(lesson.exact_adder(5), lesson.make_task(5, 1.0)))
    assert (eigenvalues > 1e-9).sum() == 103 and eigenvalues.min() > -1e-9


def test_a_random_network_runs_out_of_weights_less_two_a_neuron():
    model = lesson.random_network(7, width=6, scale=1.0)
    d = model.first.numel() + model.second.numel()
    assert curvature.rank(model, lesson.make_task(7, 1.0).x) == d - 2 * 6


def test_lanczos_is_the_exact_trace():
    model, task, springs = lesson.exact_adder(5), lesson.make_task(5, 0.8), (1.0, 10.0, 100.0)
    matrix = lesson.hessian(model, task, penalty=0.01)
    exact = [curvature.gaussian_llc(matrix, 1000.0, g) for g in springs]
    values, errors = lesson.lanczos(model, task, 1000.0, springs, penalty=0.01, probes=64)
    assert np.all(np.abs(values - exact) < 4 * errors) and np.all(errors < 0.02 * values)
    h, vectors = np.linalg.eigh(matrix)
    signs = 2.0 * torch.randint(2, (64, len(h)), generator=torch.Generator().manual_seed(0)).double().numpy() - 1
    forms = (signs @ vectors) ** 2 @ (1000 * h / (1000 * h + 10)) / 2  # zᵀ g(H) z/2 of the same random vectors
    assert values[1] == pytest.approx(forms.mean()) and errors[1] == pytest.approx(forms.std(ddof=1) / 8)
    no_spring = lesson.lanczos(model, task, 1e6, (1e-9,), penalty=1.0, probes=2)[0][0]
    assert no_spring == pytest.approx(195 / 2)  # every direction is felt, and every probe says so


def test_perfect_chains_read_the_trace_where_the_spring_is_stiff():
    adder, task = lesson.exact_adder(5), lesson.make_task(5, 1.0)
    found = estimate_llc(
        adder, (task.x.double(), task.y.double()), lesson.squared_error, nbeta=1e5, localization=1e5,
        sampler=HMC(lr=1e-6, num_leapfrog=8), num_chains=4, num_draws=150, num_burnin_steps=50,
    )  # fmt: skip
    exact = curvature.gaussian_llc(lesson.hessian(adder, task), 1e5, 1e5)
    assert found.llc == pytest.approx(exact, abs=4 * found.std_error + 0.01 * exact)


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_the_kept_files_are_small_and_whole():
    folder = assets.folder() / "modular_addition"
    assert sum(file.stat().st_size for file in folder.iterdir()) < 5e6
    names = {f"modular_addition/{file.name}" for file in folder.iterdir()}
    entries = json.loads((assets.folder() / "manifest.json").read_text(encoding="utf-8"))
    assert names == {name for name in entries if name.startswith("modular_addition/")}
    for name in names:
        assert entries[name]["command"].split()[-1] in make.MAKERS


def test_every_kept_reading_has_an_error_a_verdict_and_r_hat():
    rows = []

    def collect(table):
        if isinstance(table, list):
            [collect(one) for one in table]
        elif isinstance(table, dict):
            if "llc" in table:
                rows.append(table)
            [collect(one) for one in table.values()]

    for name in set(make.MAKERS) - {"training"}:
        collect(kept.readings(name))
    assert len(rows) > 80
    for row in rows:
        assert row["se"] > 0 and row["word"] in ("trust", "doubtful", "don't") and np.isfinite(row["rhat"])


def test_the_kept_run_is_the_one_that_the_notebook_trains():
    p, steps = 17, (0, 25, 50)
    task = lesson.make_task(p, addition.SHARES[p])
    model, errors = lesson.random_network(p), {}
    for step in addition.trained(model, task, 3e-4):
        if step in steps:
            errors[step] = lesson.squared_error(model(task.train[0]), task.train[1]).item()
        if step == max(steps):
            break
    stored = kept.training()[f"{p} 0.0003 train"]
    assert [errors[s] for s in steps] == pytest.approx(stored[[kept.STEPS.index(s) for s in steps]], rel=1e-3)


def test_the_jobs_go_on_where_they_were(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(make.assets, "folder", lambda: tmp_path)
    monkeypatch.setattr(make.assets, "record", lambda *entry: None)

    def job(key):
        calls.append(key)
        return {"is": key}

    make.keep("one", iter([("a", lambda: job("a"))]))
    make.keep("one", iter([("a", lambda: job("a")), ("b", lambda: job("b"))]))
    assert calls == ["a", "b"]
    assert json.loads((tmp_path / "modular_addition" / "one.json").read_text()) == {"a": {"is": "a"}, "b": {"is": "b"}}


def test_the_softmax_network_counts_its_weights():
    model, task = softmax.Embedded(7), lesson.make_task(7, 0.5)
    assert model(task.x).shape == (49, 7)
    assert softmax.cross_entropy(torch.zeros(4, 7), task.y[:4]).item() == pytest.approx(np.log(7))


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_the_live_figure_says_what_the_tables_hold():
    live = lesson.live_training()
    shown = live.at(step=200)
    right = kept.training()["23 0.0003 test_right"][kept.STEPS.index(200)]
    assert f"Step 200: {100 * right:.0f} %" in shown["caption"] and "verdict" in shown["caption"]
    row = kept.readings("along_23")["0.0003 1000"]["200"]
    assert re.search(rf"λ̂ = {row['llc']:.0f}.*R-hat {row['rhat']:.2f}, verdict {row['word']}", shown["caption"])
    assert "not read" in live.at(p="31 (40 % of the pairs)", decay="10⁻⁴", step=200)["caption"]
    x, _ = live.at(step=4000)["ring"]
    assert len(x) == 24 and x[0] == x[-1]


def test_every_estimate_in_a_picture_has_its_r_hat_in_words(monkeypatch):
    """So that it can be read where the picture has only the smallest and the largest."""
    said = []

    def show(fig, alt):
        said.append(alt)
        drawings.style.plt.close(fig)

    monkeypatch.setattr(drawings.style, "show", show)
    drawings.show_along()
    drawings.show_primes()
    drawings.show_softmax()
    wanted = 12 + 7 + 7, 12, 6
    assert tuple(alt.count(" (R-hat ") for alt in said) == wanted
    row = kept.readings("along_23")["0.0003 300"]["400"]
    assert f"400: {row['llc']:.1f} ± {row['se']:.1f} (R-hat {row['rhat']:.2f}, {row['word']})" in said[0]


def test_a_curve_has_its_run_and_its_spring():
    curve = kept.along(23, 3e-4, 300.0)
    assert curve["step"].tolist() == list(kept.READ_ELSEWHERE) and curve["gauss"].min() > 0


# ---- what the learner writes -----------------------------------------------------------------------------------------


def _no_penalty(model, x, y, decay, steps, watch=lambda step: None):
    return ours.train(model, x, y, 0.0, steps, watch)


def _never_watches(model, x, y, decay, steps, watch=None):
    return ours.train(model, x, y, decay, steps)


def _half_spectrum(rows):
    return np.abs(np.fft.rfft(rows)) ** 2 / rows.shape[-1]


def _too_many(rows):
    return np.abs(np.fft.fft(rows)) ** 2 / rows.shape[-1]


def _outputs(model, x):
    return len(x) * len(model.second)


RIGHT = [
    ("train", (ours.train,)),
    ("spectrum", (ours.spectrum,)),
    ("rule_part", (ours.rule_part,)),
    ("gaussian", (ours.gaussian_llc,)),
    ("gaussian", (lambda H, s, g: 0.5 * np.trace(s * H @ np.linalg.inv(s * H + g * np.eye(len(H)))),)),
    ("rank", (ours.rank,)),
    ("rank", (curvature.rank,)),
]
WRONG = [
    ("train", (_no_penalty,), "penalty is missing"),
    ("train", (_never_watches,), "watch"),
    ("train", (3,), "A function is wanted"),
    ("spectrum", (_half_spectrum,), "twice"),
    ("spectrum", (_too_many,), "shape"),
    ("rule_part", (lambda logits: logits,), "In the case"),
    ("rule_part", (lambda logits: logits - ours.rule_part(logits),), "the rest"),
    ("gaussian", (lambda H, s, g: np.linalg.matrix_rank(H) / 2,), "Keep γ"),
    ("gaussian", (lambda H, s, g: 2 * ours.gaussian_llc(H, s, g),), "½"),
    ("rank", (_outputs,), "independent"),
    ("rank", (lambda model, x: model.first.numel() + model.second.numel(),), "number d"),
]
test_right_answers, test_wrong_answers, test_untouched = exercise_tests(check, RIGHT, WRONG)
