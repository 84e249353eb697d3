"""Every rule and every threshold of the verdict, by a case on each side of it; the numbers stand here once more."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sltcourse.llc import HMC, SGLD, WhitenedSGLD, estimate_llc
from sltcourse.llc.verdict import DONT, DOUBTFUL, LIMITS, RULES, WITHOUT_AN_ESTIMATE, Diagnostics, Verdict, judge
from tests.llc_models import expected_excess

SOUND = Diagnostics(
    llc=2.0,
    std_error=0.05,
    ess=2000.0,
    rhat=1.01,
    share_below=0.0,
    tilt=0.0,
    step_bias=0.0,
    equipartition=1.0,
    equipartition_error=0.002,
    dim=10,
    num_chains=8,
    num_draws=1000,
    minibatch=False,
)

# what is changed; the verdict just before the threshold, and just behind it; what the reason must say
EDGES = {
    "R-hat, doubtful": (dict(rhat=1.0499), "trust", dict(rhat=1.0501), "doubtful", "R-hat is 1.050"),
    "R-hat, don't": (dict(rhat=1.399), "doubtful", dict(rhat=1.401), "don't", "chains disagree"),
    "R-hat is nan": (dict(rhat=1.0), "trust", dict(rhat=math.nan), "don't", "chains disagree"),
    "ESS, doubtful": (dict(ess=401.0), "trust", dict(ess=399.0), "doubtful", "ESS is 399, below 400"),
    "ESS, don't": (dict(ess=101.0), "doubtful", dict(ess=99.0), "don't", "ESS is 99"),
    "error": (dict(std_error=0.199), "trust", dict(std_error=0.201), "doubtful", "error is 10% of"),
    "d/2": (dict(llc=5.6), "trust", dict(llc=5.7), "don't", "exceeds d/2 = 5"),
    "d/2, its error": (dict(llc=5.9, std_error=0.14), "trust", dict(llc=5.9, std_error=0.13), "don't", "exceeds d/2"),
    "below L(w*)": (dict(share_below=0.049), "trust", dict(share_below=0.051), "doubtful", "not quite a minimum"),
    "slope": (dict(tilt=-0.49), "trust", dict(tilt=-0.51), "doubtful", "downhill"),
    "slope, don't": (dict(tilt=-1.99), "doubtful", dict(tilt=-2.01), "don't", "downhill"),
    "slope, small estimate": (dict(llc=0.3, std_error=0.01, tilt=-0.099), "trust",
                              dict(llc=0.3, std_error=0.01, tilt=-0.101), "doubtful", "downhill"),
    "slope, small estimate, don't": (dict(llc=0.3, std_error=0.01, tilt=-0.49), "doubtful",
                                     dict(llc=0.3, std_error=0.01, tilt=-0.51), "don't", "downhill"),
    "slope upwards": (dict(tilt=0.0), "trust", dict(tilt=5.0), "trust", ""),
    "step, of two errors": (dict(step_bias=0.099), "trust", dict(step_bias=0.101), "doubtful", "the step (or"),
    "step, of 2 %": (dict(std_error=0.001, step_bias=0.039), "trust",
                     dict(std_error=0.001, step_bias=0.041), "doubtful", "lower lr or raise batch_size"),
    "step, of 10 %": (dict(std_error=0.15, step_bias=0.19), "trust",
                      dict(std_error=0.15, step_bias=0.21), "doubtful", "adds about 0.21"),
    "step, of 2 % on minibatches": (dict(minibatch=True, step_bias=0.039), "trust",
                                    dict(minibatch=True, step_bias=0.041), "doubtful", "raise batch_size"),
    "step, don't": (dict(step_bias=0.59), "doubtful", dict(step_bias=0.61), "don't", "adds about 0.61"),
    "equipartition below": (dict(equipartition=0.981), "trust", dict(equipartition=0.979), "doubtful", "not spread"),
    "equipartition below, its error": (dict(equipartition=0.91, equipartition_error=0.0451), "trust",
                                       dict(equipartition=0.91, equipartition_error=0.0449), "doubtful", "R-hat says"),
    "equipartition above": (dict(equipartition=1.049), "trust", dict(equipartition=1.051), "doubtful", "too far"),
    "equipartition above, its error": (dict(equipartition=1.12, equipartition_error=0.0601), "trust",
                                       dict(equipartition=1.12, equipartition_error=0.0599), "doubtful", "too far"),
    "a parameter": (dict(blocks={"bias": (0.91, 0.01), "weight": (1.0, 0.01)}), "trust",
                    dict(blocks={"bias": (0.89, 0.01), "weight": (1.0, 0.01)}), "doubtful", "of bias is 0.89"),
    "a parameter, above": (dict(blocks={"bias": (1.09, 0.01)}), "trust",
                           dict(blocks={"bias": (1.11, 0.01)}), "doubtful", "of bias is 1.11"),
    "a parameter, its error": (dict(blocks={"bias": (0.8, 0.0501)}), "trust",
                               dict(blocks={"bias": (0.8, 0.0499)}), "doubtful", "of bias"),
    "acceptance": (dict(acceptance=0.201), "trust", dict(acceptance=0.199), "doubtful", "20% of proposals"),
    "acceptance, don't": (dict(acceptance=0.051), "doubtful", dict(acceptance=0.049), "don't", "5% of proposals"),
    "negative at a minimum": (dict(llc=-0.1, std_error=0.051), "doubtful",
                              dict(llc=-0.1, std_error=0.049), "don't", "Raise nbeta or localization"),
    "negative on a slope": (dict(llc=-0.2, std_error=0.05, tilt=-0.09), "don't",
                            dict(llc=-0.2, std_error=0.05, tilt=-0.11), "don't", "falls away from w*"),
    "one chain": (dict(num_chains=2), "trust", dict(num_chains=1, rhat=None), "doubtful", "run four or more"),
    "no error bar": (dict(), "trust", dict(std_error=math.nan, ess=math.nan, rhat=None), "don't", "no error bar"),
    "a diverged chain": (dict(diverged={}), "trust", dict(diverged={3: 90, 5: 60}), "don't",
                         "2 chain(s) diverged, first chain 5 by step 60"),
    "a loss that is undefined": (dict(undefined=0), "trust", dict(undefined=2, diverged={0: 7, 3: 9}), "don't",
                                 "2 chain(s) diverged at once, from ordinary losses"),
    "a bad minibatch": (dict(), "trust", dict(bad_batches=2, diverged={0: 7}), "don't", "2 minibatches have a loss"),
    "another slope": (dict(slope_error=0.09), "trust", dict(slope_error=0.11, equipartition=0.5), "don't",
                      "11% otherwise than its gradient"),
    "another slope, exact": (dict(slope_error=0.09, acceptance=0.5, equipartition=0.9), "doubtful",
                             dict(slope_error=0.11, acceptance=0.5, equipartition=0.9, blocks={"bias": (0.5, 0.01)}),
                             "trust", ""),
    "rounding": (dict(llc=4.0, rounding=0.9), "trust", dict(llc=4.0, rounding=1.1), "doubtful", "alone is 1.1"),
    "rounding, don't": (dict(llc=4.0, rounding=3.9), "doubtful", dict(llc=4.0, rounding=4.1), "don't", "float64"),
    "interrupted": (dict(partial=False), "trust", dict(partial=True), "doubtful", "interrupted"),
    "no chain left": (dict(), "trust", dict(llc=math.nan, ess=math.nan, std_error=math.nan), "don't",
                      "no chain is left"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_each_threshold_has_a_case_on_either_side(name):
    before, first, behind, second, reason = EDGES[name]
    near, far = judge(replace(SOUND, **before)), judge(replace(SOUND, **behind))
    assert near.word == first, near
    assert far.word == second and reason in str(far), far
    assert first != "trust" or second == "trust" or reason not in str(near)


def test_a_sound_estimate_is_trusted_and_says_why():
    assert str(judge(SOUND)) == "trust: the chains agree (R-hat 1.010), 2000 effective draws."


def test_every_rule_holds_in_some_case_and_alone():
    """Each rule is the reason of one of the cases above; none of them needs a second rule."""
    said = {rule: 0 for rule in (*WITHOUT_AN_ESTIMATE, *RULES)}
    for before, _, behind, _, _ in EDGES.values():
        for change in (before, behind):
            found = [rule for rule in (*WITHOUT_AN_ESTIMATE, *RULES) if rule.when(replace(SOUND, **change))]
            for rule in found:
                said[rule] += 1
            if len(found) == 1:
                said[rule] += 100
    assert all(said.values())
    assert {rule.level for rule in said} == {DOUBTFUL, DONT}


def test_draws_on_minibatches_may_lie_below():
    assert judge(replace(SOUND, share_below=0.4, minibatch=True)).word == "trust"


def test_the_step_explains_an_equipartition_above_one():
    found = judge(replace(SOUND, step_bias=0.5, equipartition=1.3))
    assert len(found.reasons) == 1 and "the step" in found.reasons[0]


def test_a_bad_minibatch_is_not_blamed_on_the_step():
    found = judge(replace(SOUND, bad_batches=1, diverged={0: 5}, llc=math.nan))
    assert found.word == "don't" and "not finite at w* itself" in found.reasons[0] and "lower lr" not in str(found)


def test_the_worst_reason_comes_first():
    found = judge(replace(SOUND, ess=300.0, rhat=1.5, partial=True))
    assert found.word == "don't" and "R-hat" in found.reasons[0] and len(found.reasons) == 3


def test_every_threshold_has_a_source():
    assert all(limit.source and math.isfinite(limit.value) for limit in LIMITS.values())


def fourth_powers(w):
    return (w[0] * w[1]) ** 4


def test_hmc_on_a_cross_is_doubtful_where_equipartition_fails():
    """w₁⁴w₂⁴: chains far out in an arm are seldom there, and R-hat and ESS see nothing; equipartition does.

    λ̂ is a quarter of d times equipartition there but for noise: what is doubtful is low by 5 % and more.
    """
    exact = expected_excess(fourth_powers, 1e6, 1.0)
    results = estimate_llc(fourth_powers, at=[torch.zeros(2)] * 36, nbeta=1e6, sampler=HMC(1e-2), num_chains=16,
                           num_draws=1000, num_burnin_steps=500)  # fmt: skip
    unspread = [r for r in results if "not spread" in str(r.verdict)]
    trusted = [r for r in results if r.verdict.word == "trust"]
    assert len(unspread) > 3 and all(r.rhat < 1.05 and r.ess > 400 for r in unspread if len(r.verdict.reasons) == 1)
    assert np.mean([r.llc for r in unspread]) < 0.95 * exact
    assert all(abs(r.llc - exact) < 3.3 * r.std_error for r in trusted) and len(trusted) > 10


def hundred_squares(w):
    return 0.5 * w[:100].square().sum()


@pytest.mark.parametrize(("localization", "exact"), [(1.0, 49.95), (1e4, 4.5455)])
@pytest.mark.parametrize("sampler", [WhitenedSGLD(), SGLD(1e-4)], ids=["WhitenedSGLD", "SGLD"])
def test_flat_directions_have_no_step_bias(localization, exact, sampler):
    """900 of 1000 coordinates do not touch the loss; SGLD's true excess is (ε/8) nβ² E|w|² over the other 100."""
    settings = dict(num_draws=600, num_burnin_steps=600, localization=localization, nbeta=1000.0, num_chains=8)
    result = estimate_llc(hundred_squares, at=torch.zeros(1000), sampler=sampler, **settings)
    true = 0.0
    if isinstance(sampler, SGLD):
        h = 1000.0 + localization
        true = exact / (1 - 1e-4 * h / 4) - exact
    assert result.step_bias == pytest.approx(true, rel=0.35, abs=1e-6)
    assert abs(result.llc - exact - true) < 4 * result.std_error
    assert result.verdict.word != "don't"


def test_flat_directions_without_a_spring():
    """There they have no equilibrium, which the verdict says; λ̂ and the step's bias are those of the rest."""
    settings = dict(nbeta=100.0, localization=0.0, num_chains=4, num_draws=800, num_burnin_steps=1200)
    result = estimate_llc(lambda w: 0.5 * w[:2].square().sum(), at=torch.zeros(5), sampler=WhitenedSGLD(decay=0.9),
                          **settings)  # fmt: skip
    assert abs(result.llc - 1.0) < 4 * result.std_error < 0.4
    assert result.step_bias == 0.0 and result.verdict.word == "doubtful" and "localization" in str(result.verdict)


def test_in_words_each_reason_is_a_sentence():
    said = Verdict("doubtful", ("one chain is too few.", "the error is large.", "ESS is 3.", "12 draws are few."))
    assert str(said) == "doubtful: one chain is too few. The error is large. ESS is 3. 12 draws are few."
