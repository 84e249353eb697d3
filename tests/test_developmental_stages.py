import numpy as np
import pytest
import torch

from sltcourse.kit import assets
from sltcourse.lessons import developmental_stages as lesson
from sltcourse.lessons.developmental_stages import checks, drawings, figures, kept, larger, make, models, ours, tried
from sltcourse.llc import Importance, LocalPosterior, expectation, llc, sample
from sltcourse.zoo import COPIER_STEPS, LANGUAGE, copier, next_symbol_loss, texts
from tests.exercises import exercise_tests

check = lesson.check


# ---- the exact references --------------------------------------------------------------------------------------------


def test_our_bigram_line_is_the_languages():
    assert ours.bigram_loss(LANGUAGE.bigram, LANGUAGE.unigram) == pytest.approx(LANGUAGE.lines["bigram"])


def test_a_bigram_model_has_distance_zero_from_the_bigram():
    """The measure of ``make copier``, on a network whose logits are the table's logarithms."""
    chances = torch.from_numpy(LANGUAGE.bigram)[texts(4)[0]]
    logits = chances.clamp(min=1e-300).log()
    assert make.distance(chances, logits).item() == pytest.approx(0, abs=1e-12)
    assert make.distance(chances, 0 * logits).item() > 0.5


def test_ridge_is_bayes_by_numerical_integration():
    rng = np.random.default_rng(0)
    x, y, new = rng.normal(size=(3, 2)), rng.normal(size=3), np.array([0.7, -1.2])
    side = np.linspace(-6, 6, 601)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    weight = np.exp(-(grid**2).sum(1) / 2 - ((y - grid @ x.T) ** 2).sum(1) / (2 * 0.125))
    assert ours.ridge(x, y, new, 0.125) == pytest.approx(weight @ (grid @ new) / weight.sum(), rel=1e-6)


def test_dmmse_is_bayes_by_enumeration_and_becomes_ridge():
    rng = np.random.default_rng(1)
    x, y, new = rng.normal(size=(3, 2)), rng.normal(size=3), np.array([0.7, -1.2])
    few = rng.normal(size=(3, 2))
    chances = [np.prod(np.exp(-((y - x @ t) ** 2) / (2 * 0.5))) for t in few]
    wanted = sum(c * (t @ new) for c, t in zip(chances, few, strict=True)) / sum(chances)
    assert ours.dmmse(x, y, new, 0.5, few) == pytest.approx(wanted)
    many = rng.normal(size=(200_000, 2))
    assert ours.dmmse(x, y, new, 0.5, many) == pytest.approx(ours.ridge(x, y, new, 0.5), abs=0.02)


def test_examples_are_of_the_tasks_and_the_noise():
    x, y = models.examples(4000, 2, np.random.default_rng(0))
    rest = (y[..., None] - x @ models.tasks(2).T).var(1).min(-1)
    assert x.shape == (4000, 8, 2) and rest.mean() == pytest.approx(models.NOISE, rel=0.2)
    assert np.array_equal(models.tasks(4)[:2], models.tasks(2))


def test_a_regressor_sees_no_later_pair():
    model = models.new_regressor()
    x, y = (torch.from_numpy(a).float() for a in models.examples(3, models.ALL, np.random.default_rng(0)))
    other = y.clone()
    other[:, 4:] += 5
    assert torch.allclose(model(x, y)[:, :5], model(x, other)[:, :5], atol=1e-6)
    assert not torch.allclose(model(x, y)[:, 5:], model(x, other)[:, 5:], atol=1e-3)


def test_the_ngrams_of_a_short_row():
    row = np.array([0, 1, 0, 1, 0, 2], dtype=np.uint16)
    single, pairs = models.ngram_tables(row, 3)
    assert single == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=1e-3) and pairs.sum(1) == pytest.approx(1)
    assert pairs[0] == pytest.approx((np.array([0, 2, 1]) + single) / 4)
    test = np.array([[0, 1, 0]])
    assert models.trigram_loss(row, test, pairs) == pytest.approx(-np.log((2 + 2 * pairs[1, 0]) / 4))


# ---- one head alone --------------------------------------------------------------------------------------------------


def test_weighted_draws_of_a_parabola():
    w = np.random.default_rng(0).normal(size=4000) / np.sqrt(2.0)
    losses = np.r_[0, (w - 0.5) ** 2 / 2 - 0.125]
    drawn = np.stack([np.stack([losses] * 4, 1), np.stack([np.r_[0, -0.5 * w]] * 4, 1)])
    (value, error), (curved, small), worth = models.weighted_llc(drawn, 6.0)
    mean, variance = 3 / 8, 1 / 8
    exact = 6 * ((variance + (mean - 0.5) ** 2) / 2 - 0.125)
    assert value == pytest.approx(exact, abs=4 * error)
    assert curved == pytest.approx(3 * (variance + mean**2), abs=4 * small)
    assert 500 < worth < 4000


def test_at_a_lower_nbeta_the_heads_stand_in_another_order():
    kept_losses = lesson.asset("heads")["losses"][-1]  # step 2 000
    low = [models.weighted_llc(drawn, 30.0, 3)[1] for drawn in kept_losses]
    for head, value, error in ((0, 0.47, 0.03), (6, 0.44, 0.02), (1, 0.33, 0.02)):
        assert low[head] == pytest.approx((value, error), abs=0.006)
    (value, _), (curved, _), _ = models.weighted_llc(kept_losses[1], 100.0, 3)
    assert (value, value - curved) == pytest.approx((-2.0, -3.4), abs=0.05)


def test_our_draws_of_a_head_and_the_rooms_agree():
    model, data = copier(), texts(16, seed=1)
    drawn = models.head_draws(model, (1, 2), data, spring=300.0, draws=120)
    (value, error), (curved, _), worth = models.weighted_llc(drawn, 30.0)
    posterior = LocalPosterior(model, data, next_symbol_loss, nbeta=30, localization=300, mask=model.head_mask(1, 2))
    theirs = sample(posterior, Importance(), num_chains=4, num_draws=30)
    other, other_error = llc(theirs)
    assert drawn[0, 0, 0] == pytest.approx(float(posterior.init_loss[0]), rel=1e-5)
    assert value == pytest.approx(other, abs=4 * np.hypot(error, other_error))
    assert value - curved == pytest.approx(expectation(theirs, "tilt").value.item(), abs=0.5)
    assert worth > 60


def test_the_losses_of_the_kinds_make_the_whole():
    drawn = models.head_draws(copier(), (0, 0), texts(8, seed=1), spring=300.0, draws=2)
    read, said = texts(8, seed=1)
    kinds = LANGUAGE.kinds(np.concatenate([read.numpy(), said[:, -1:].numpy()], 1))
    share = np.array([(kinds == k).mean() for k in range(3)])
    assert drawn[0] @ np.r_[-1, share] == pytest.approx(0, abs=1e-4)
    assert np.array_equal(drawn[1, 0], np.zeros(4))


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_the_kept_run_meets_its_lines():
    read = lesson.asset("copier")
    at = COPIER_STEPS.index
    assert abs(read["loss"][at(250) : at(500) + 1] - LANGUAGE.lines["bigram"]).max() < 0.04
    assert read["by_kind"][at(500), 2] > 2.4 and read["by_kind"][at(700), 2] < 0.3
    assert read["loss"][-1] == pytest.approx(LANGUAGE.lines["Bayes"], abs=0.04)
    started = [(scores > 0.15).any(-1).argmax() for scores in (read["previous"][:, 0], read["induction"][:, 1])]
    assert started[0] < started[1]


def test_every_estimate_has_its_error_and_its_verdict():
    read = drawings.along()
    assert set(read) == set(kept.COLUMNS)
    assert np.isfinite(np.stack(list(read.values()))).all() and (read["error"] > 0).all()
    assert (read["rhat"] < 1.15).all() and (read["word"] < 2).all()
    assert abs(read["equipartition"] - 1).max() < 0.03
    assert np.allclose(read["curved"], read["llc"] - read["tilt"], atol=1e-3)


def test_the_reading_along_training_has_one_shape_at_three_springs():
    """What the lesson says: 1.7 times as high at step 700 as at 500, and 0.7 times at the end; λ̂ has no such peak."""
    at = kept.LLC_SETTINGS["steps"].index
    first = drawings.along()
    for spring, lower in ((1000.0, 1), (3000.0, 2.6), (10_000.0, 7.6)):
        read = drawings.along(spring)
        assert np.isfinite(np.stack(list(read.values()))).all() and abs(read["equipartition"] - 1).max() < 0.03
        before, peak, end = (read["curved"][at(step)] for step in (500, 700, 2000))
        assert 1.6 < peak / before < 1.8 and 0.68 < end / before < 0.78
        assert read["curved"].argmax() == at(700)
        assert first["curved"][at(500)] / before == pytest.approx(lower, rel=0.1)
    assert np.sum(read["word"] == 2) == 3 and (read["word"] > 0).all()
    assert read["llc"][[at(500), at(700), at(2000)]] == pytest.approx([1.96, 3.43, 2.67], abs=0.01)


def test_every_estimate_in_a_picture_has_its_r_hat_or_what_its_draws_are_worth(monkeypatch):
    said = []

    def show(fig):
        said.append(fig.get_label())
        drawings.style.plt.close(fig)

    monkeypatch.setattr(drawings.style, "show", show)
    drawings.show_along()
    drawings.show_springs()
    drawings.show_heads()
    assert [alt.count(" (R-hat ") for alt in said] == [8, 24, 0]
    assert said[2].count("300 draws worth") == 2 and "300 draws worth 48 to 248" in said[2]


def test_the_command_of_what_was_tried_says_all_of_an_estimate(capsys):
    short = {"training": 2, "steps": (1,), "rows": 2, "chains": 2, "draws": 8, "burnin": 2, "leapfrog": 1}
    tried.along(tried.ALONG | short)
    line = capsys.readouterr().out
    wanted = ("step 1: λ̂ = ", " ± ", "tilt", "R-hat", "16 draws are worth", "don't: ")
    assert all(part in line for part in wanted) and line.count("\n") == 1


def test_every_asset_is_small_and_verified():
    files = list((assets.folder() / "developmental_stages").glob("*"))
    assert {f.stem for f in files} == set(make.MAKERS) and sum(f.stat().st_size for f in files) < 8e6
    for name in make.MAKERS:
        assert lesson.asset(name)


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    def run(part, stop_at=None):
        model = torch.nn.Sequential(torch.nn.Embedding(4, 3), torch.nn.Linear(3, 4))
        with torch.no_grad():
            for k, w in enumerate(model.parameters()):
                w.copy_(torch.linspace(-1, 1, w.numel()).view_as(w) * (k + 1))

        def batch_of(step):
            if step == stop_at:
                raise KeyboardInterrupt
            x = torch.randint(4, (8, 5), generator=torch.Generator().manual_seed(step))
            return x, x.roll(1, 1)

        def look(step):
            return {"first": next(model.parameters()).detach().clone()}

        return make.trained(model, batch_of, 0.01, look, (0, 100, 300, 520), part)["first"]

    whole = run(make.Part(tmp_path / "a.npz"))
    with pytest.raises(KeyboardInterrupt):
        run(make.Part(tmp_path / "b.npz"), stop_at=400)
    assert np.array_equal(run(make.Part(tmp_path / "b.npz")), whole) and not np.array_equal(whole[0], whole[-1])


def test_the_larger_reader_can_be_rehearsed_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(larger, "best_device", lambda: torch.device("cpu"))
    larger.main(["rehearse"])
    with np.load("larger/rehearsal.npz") as found:
        assert found["loss"][-1] < found["loss"][0] - 0.5 and len(found["loss"]) == len(models.REHEARSAL.steps)
        assert found["previous"].shape == (3, 2, models.REHEARSAL.heads)
    assert not (tmp_path / "larger/rehearsal.part.npz").exists()
    with pytest.raises(SystemExit, match="no GPU"):
        larger.main([])
    with pytest.raises(SystemExit, match="usage"):
        larger.main(["rehearse", "twice"])


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["copier", "x"], ["copier", "0"]])
def test_a_wrong_command_is_told(arguments):
    with pytest.raises(SystemExit, match="usage"):
        make.main(arguments)


# ---- the live figure -------------------------------------------------------------------------------------------------


def test_the_live_figure():
    live = lesson.live_stages("aAbcAb")
    early, late = live.at(step=300, place=4), live.at(step=2000, place=4)
    early, looks = (state["head 1"][1].reshape(6, 4)[:, 1] for state in (early, late))  # the height of each bar
    assert looks.sum() == pytest.approx(1, abs=1e-5)
    assert looks[2] > 0.5 > early[2]  # the head of layer 1 looks at b
    assert "expects b" in late["caption"] and "(R-hat " in late["caption"]
    for wrong in ("ab", "a" * 33, "aé", ""):
        with pytest.raises(ValueError, match="letters"):
            lesson.live_stages(wrong)
    assert len(figures.TEXT) <= 32


# ---- what the learner writes -----------------------------------------------------------------------------------------


test_right, test_wrong, test_untouched = exercise_tests(
    check,
    [
        ("bigram_loss", (ours.bigram_loss,)),
        ("induction_score", (ours.induction_score,)),
        ("apart", (ours.apart,)),
        ("ridge", (ours.ridge,)),
        ("dmmse", (ours.dmmse,)),
    ],
    [
        ("bigram_loss", (checks._unweighted,), "all rows alike"),
        ("bigram_loss", (checks._in_bits,), "bits"),
        ("bigram_loss", (checks._negative,), "sign"),
        ("bigram_loss", (checks._of_unigram,), "unigram line"),
        ("bigram_loss", (checks._sum_of_rows,), "adds the rows"),
        ("induction_score", (checks._to_the_symbol,), "right behind"),
        ("induction_score", (checks._all_places,), "was there before"),
        ("induction_score", (checks._last_alone,), "several earlier"),
        ("induction_score", (checks._transposed,), "attention[t, j]"),
        ("apart", (checks._errors_added,), "squares"),
        ("apart", (checks._one_error,), "Both"),
        ("apart", (lambda a, b: abs(ours.apart(a, b)),), "sign"),
        ("ridge", (checks._least_squares,), "least squares"),
        ("ridge", (checks._noise_forgotten,), "has 1 in place"),
        ("ridge", (checks._noise_squared,), "do not square"),
        ("dmmse", (checks._nearest,), "picks the best"),
        ("dmmse", (checks._no_half,), "½"),
        ("dmmse", (checks._no_pairs,), "does not look"),
    ],
)
