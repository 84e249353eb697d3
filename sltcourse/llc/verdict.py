"""Whether to use an estimate: what was measured, the thresholds with their sources, and one rule for each fault."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scipy.stats import norm

LEVELS = ("trust", "doubtful", "don't")
DOUBTFUL, DONT = 1, 2


@dataclass(frozen=True)
class Diagnostics:
    """All that the verdict knows of an estimate; numbers are over the chains that did not diverge."""

    llc: float  # λ̂; nan if no chain is left
    std_error: float  # its Monte-Carlo standard error; nan where there is none
    ess: float  # effective sample size
    rhat: float | None  # None for a single chain, or a loss that does not move
    share_below: float  # share of the draws with a loss below L_n(w*)
    tilt: float  # nβ ∇L_n(w*)·mean(w − w*): what the slope at w* alone adds to λ̂
    step_bias: float  # about what the finite step and the minibatch noise add to λ̂
    equipartition: float  # mean of (w − w*)·∇U(w)/d: 1 in equilibrium, whatever U is
    equipartition_error: float  # its Monte-Carlo standard error
    dim: int  # d
    num_chains: int
    num_draws: int  # of each chain
    minibatch: bool  # the draws' losses were measured on minibatches
    acceptance: float | None = None  # mean acceptance rate, for samplers that have one
    diverged: Mapping[int, int] = field(default_factory=dict)  # chain: the step by which it had diverged
    undefined: int = 0  # of the diverged chains, those whose loss was ordinary and then not finite, at once
    bad_batches: int = 0  # recorded minibatches whose loss is not finite at w* itself
    partial: bool = False  # an interrupt ended the run early
    blocks: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # parameter: equipartition, its error
    rounding: float = 0.0  # nβ times the spacing of numbers in w's precision near L(w*)
    slope_error: float = 0.0  # how far the loss changes otherwise than its gradient says, see ``slope``
    notes: tuple[str, ...] = ()  # what else the run has to say; no rule reads it

    @property
    def negative(self) -> bool:
        """λ̂ is below 0 by more than its error allows."""
        return self.llc < -limit("errors below 0") * self.std_error

    @property
    def downhill(self) -> bool:
        """The slope at w* takes a good part off λ̂: w* is no minimum."""
        return -self.tilt > max(limit("slope, share") * abs(self.llc), limit("slope"))


@dataclass(frozen=True)
class Verdict:
    """Whether to use the estimate: ``word`` is 'trust', 'doubtful' or "don't"; ``reasons`` say why, worst first."""

    word: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """The word, a colon, and the reasons; those after the first begin with a capital."""
        return f"{self.word}: {' '.join([*self.reasons[:1], *(r[:1].upper() + r[1:] for r in self.reasons[1:])])}"


class Limit(NamedTuple):
    """A threshold of the verdict's rules, and where it comes from."""

    value: float
    source: str


OURS = "measured here: tests/test_llc_coverage.py"
BLOCK_MEANS = (
    "Vehtari et al. 2021 (arXiv:1903.08008) ask for 1.01, of thousands of draws. This R-hat is of 50 block means a "
    "chain: with 4 to 8 chains that mix perfectly it passes 1.01 in 20 to 40 % of runs, 1.03 in 1 to 4 % and 1.05 in "
    "none of 200; it is 1.05 where the slow part of the chains is worth about 130 independent draws. Below it the "
    "error bar holds: of 456 AR(1) runs the claimed error is 1.05 to 1.15 of the true one, and one is 3 errors off; "
    "from 1.05 to 1.1 still 1.08, but 2 % are 3 errors off (tests/test_llc_errors.py)"
)

LIMITS = {
    "R-hat": Limit(1.05, BLOCK_MEANS),
    "R-hat, don't": Limit(
        1.4,
        "measured: the claimed error is 0.87 of the true one from 1.1 to 1.2, 0.77 to 1.4 and to 1.8, 0.67 above; 5 % "
        "are 3 errors off up to 1.4, and 9 % above 1.8 (AR(1) signals, 8 chains of 200 and 1000 draws, "
        "tests/test_llc_errors.py); 8 chains are then worth about 17 independent draws",
    ),
    "ESS": Limit(400, "Vehtari et al. 2021, section 4: below 400 the diagnostics themselves are unsure"),
    "ESS, don't": Limit(100, "a quarter of it: the error bar is then off by a factor that nobody knows"),
    "error, share": Limit(0.1, "one digit of λ̂: half-integers below 5 can no longer be told apart"),
    "errors below 0": Limit(2, "5 % of unbiased estimates of 0 lie farther out, on both sides together"),
    "below L(w*)": Limit(0.05, "Chen et al. 2023 (arXiv:2310.06301), appendix K: a chain with more is left out"),
    "slope, share": Limit(0.25, "a quarter of λ̂ comes from the slope, which a minimum has not"),
    "slope": Limit(0.1, "a slope that takes off less is within the error of any estimate"),
    "slope, don't": Limit(0.5, "half of the smallest λ of a regular coordinate pair; and more than λ̂ itself"),
    "d/2, share": Limit(0.55, "λ ≤ d/2 at a minimum (Watanabe 2009, theorem 7.2), and a tenth for finite n"),
    "d/2, errors": Limit(3, "three standard errors"),
    "step, share": Limit(
        0.02,
        "the accuracy that step_bias has itself; on minibatches no error bar excuses more, since there the true bias "
        "is up to 2.5 times as large (a tanh unit at its zero: 7 % said, 19 % true), " + OURS,
    ),
    "step, errors": Limit(2, "a bias of two standard errors leaves one: three cover it"),
    "step, most": Limit(0.1, "as for the error"),
    "step, don't": Limit(0.3, "beyond it the first-order formula is no guide: digits, 17 said and 9 true"),
    "equipartition": Limit(0.02, "λ̂ is proportional to it where the loss is homogeneous: 2 % of it are 2 % of λ̂"),
    "equipartition, errors": Limit(2, "on crosses w₁⁴w₂⁴ λ̂ is then two standard errors off, and trust would be wrong"),
    "above 1": Limit(0.05, "what a step as large as a sixth of the largest stable one does to a quartic, " + OURS),
    "block": Limit(0.1, "a single parameter may lag by a tenth"),
    "block, errors": Limit(4, "four standard errors, since there are many parameters"),
    "slope error": Limit(
        0.1, "the error of λ̂ is of that size; of ReLU networks and of |w| it is below .02, tests/test_llc_slope.py"
    ),
    "rounding": Limit(
        0.5, "of √λ, the spread of nβL: beyond it λ̂ of the nearest floats is up to a tenth off (gamma laws, λ = ¼, ½)"
    ),
    "rounding, don't": Limit(2, "beyond it λ̂ is a fifth to three quarters off"),
    "acceptance": Limit(0.2, "Roberts & Rosenthal 1998: the best is .574 (MALA); below .2 under half as efficient"),
    "acceptance, don't": Limit(0.05, "nearly every draw repeats the one before"),
}


def limit(name: str) -> float:
    """The threshold of that name in ``LIMITS``."""
    return LIMITS[name].value


class Rule(NamedTuple):
    """``level`` holds where ``when`` of the Diagnostics is true; ``say`` says what was seen and what to do."""

    level: int
    when: Callable[[Diagnostics], bool]
    say: Callable[[Diagnostics], str]


def _first_diverged(d: Diagnostics) -> str:
    chain, step = min(d.diverged.items(), key=lambda item: item[1])
    return f"{len(d.diverged) - d.undefined} chain(s) diverged, first chain {chain} by step {step}: lower lr."


def _step_is_felt(d: Diagnostics) -> bool:
    share, most = limit("step, share") * abs(d.llc), limit("step, most") * abs(d.llc)
    return d.step_bias > (share if d.minibatch else min(most, max(limit("step, errors") * d.std_error, share)))


def _step_is_too_large(d: Diagnostics) -> bool:
    return d.step_bias > limit("step, don't") * abs(d.llc)


def _step(d: Diagnostics) -> str:
    return (
        f"the step (or the minibatch noise) adds about {d.step_bias:.2g} to the estimate: lower lr or raise batch_size."
    )


def _off(value: float, error: float, least: float, errors: float) -> float:
    """How far ``value`` lies from 1 if that is more than ``least`` and more than ``errors`` times ``error``, else 0."""
    return value - 1 if abs(value - 1) > max(least, errors * error) else 0.0


def _slope_is_another(d: Diagnostics) -> bool:
    """Whether the gradient is not that of the loss; equipartition, which is read from it, then says nothing."""
    return d.slope_error > limit("slope error")


def _unspread(d: Diagnostics) -> float:
    most = limit("equipartition"), limit("equipartition, errors")
    return 0.0 if _slope_is_another(d) else -_off(d.equipartition, d.equipartition_error, *most)


def _overspread(d: Diagnostics) -> float:
    most = limit("above 1"), limit("equipartition, errors")
    return 0.0 if _slope_is_another(d) else _off(d.equipartition, d.equipartition_error, *most)


def _worst_block(d: Diagnostics) -> tuple[str, float] | None:
    """(name, equipartition) of the parameter that is farthest off, or None."""
    most = limit("block"), limit("block, errors")
    off = {name: _off(value, error, *most) for name, (value, error) in d.blocks.items()}
    name = max(off, key=lambda name: abs(off[name]), default=None)
    return None if name is None or off[name] == 0 or _slope_is_another(d) else (name, d.blocks[name][0])


def overspread(equipartition: float, error: float) -> bool:
    """Whether chains in burn-in spread too far, as sure as one can be of one parameter among many."""
    return _off(equipartition, error, limit("above 1"), limit("block, errors")) > 0


def settled(whole: tuple[float, float], blocks: Iterable[tuple[float, float]], points: int = 1) -> bool:
    """Whether chains in burn-in are in equilibrium as far as their equipartition tells: no rule below would object.

    ``whole``: equipartition and its error; ``blocks``: those of each parameter. ``points``: of how many posteriors all
    are to pass; the more there are, the more errors each is granted, so that chance does not hold them all up.
    """
    errors = max(limit("equipartition, errors"), float(norm.isf(norm.sf(limit("equipartition, errors")) / points)))
    value, error = whole
    least = limit("equipartition") if value < 1 else limit("above 1")
    many = max(errors, limit("block, errors"))
    return not _off(value, error, least, errors) and not any(_off(v, e, limit("block"), many) for v, e in blocks)


WITHOUT_AN_ESTIMATE = (
    Rule(
        DONT,
        lambda d: d.bad_batches > 0,
        lambda d: (
            f"{d.bad_batches} minibatches have a loss that is not finite at w* itself (rows that are wholly "
            "masked?): take such rows out, or raise batch_size. The chains are not to blame."
        ),
    ),
    Rule(
        DONT,
        lambda d: _slope_is_another(d) and d.acceptance is None,
        lambda d: (
            f"the loss changes around the chains by {d.slope_error:.0%} otherwise than its gradient says (a detach, a "
            "rounding, a straight-through estimator?): the step follows the gradient and samples something else than "
            "this loss. HMC() and MALA() sample it, or give a loss whose gradient is its own."
        ),
    ),
    Rule(DONT, lambda d: d.undefined > 0 and d.bad_batches == 0, lambda d: _undefined(d)),
    Rule(DONT, lambda d: len(d.diverged) > d.undefined and d.bad_batches == 0, _first_diverged),
    Rule(DONT, lambda d: not math.isfinite(d.llc), lambda d: "no chain is left to estimate from."),
)

RULES = (
    Rule(
        DOUBTFUL,
        lambda d: d.num_chains == 1,
        lambda d: "one chain cannot be compared with another: run four or more.",
    ),
    Rule(
        DONT,
        lambda d: not math.isfinite(d.std_error),
        lambda d: f"{d.num_draws} draws give no error bar: take at least 4 (or the loss does not move at all).",
    ),
    Rule(
        DONT,
        lambda d: d.negative and d.downhill,
        lambda d: (
            f"the estimate is negative ({d.llc:.3g}): the loss falls away from w*, which is no local minimum; "
            "train further."
        ),
    ),
    Rule(
        DONT,
        lambda d: d.negative and not d.downhill,
        lambda d: (
            f"the estimate is negative ({d.llc:.3g}), though the gradient at w* is small: the chains left it for "
            "lower loss. Raise nbeta or localization; if that does not help, w* is a saddle: train further."
        ),
    ),
    Rule(
        DONT,
        lambda d: not d.negative and d.downhill and -d.tilt > max(d.llc, limit("slope, don't")),
        lambda d: _downhill(d),
    ),
    Rule(
        DOUBTFUL,
        lambda d: not d.negative and d.downhill and -d.tilt <= max(d.llc, limit("slope, don't")),
        lambda d: _downhill(d),
    ),
    Rule(
        DOUBTFUL,
        lambda d: d.share_below > limit("below L(w*)") and not d.minibatch and not d.negative,
        lambda d: f"{d.share_below:.0%} of the draws lie below L(w*): w* is not quite a minimum; train further.",
    ),
    Rule(
        DONT,
        lambda d: d.llc > limit("d/2, share") * d.dim + limit("d/2, errors") * d.std_error,
        lambda d: (
            f"the estimate exceeds d/2 = {d.dim / 2:g}, which λ at a minimum of a smooth loss never does "
            "(at a kink, as |w| has at 0, it may): lower lr, raise nbeta, or train further."
        ),
    ),
    Rule(DONT, lambda d: d.ess < limit("ESS, don't"), lambda d: _ess(d)),
    Rule(DOUBTFUL, lambda d: limit("ESS, don't") <= d.ess < limit("ESS"), lambda d: _ess(d)),
    Rule(
        DOUBTFUL,
        lambda d: d.std_error > limit("error, share") * abs(d.llc),
        lambda d: (
            f"the Monte-Carlo error is {d.std_error / max(abs(d.llc), 1e-300):.0%} of the estimate: take more "
            "draws or chains."
        ),
    ),
    Rule(DONT, lambda d: d.rhat is not None and not d.rhat < limit("R-hat, don't"), lambda d: _rhat(d)),
    Rule(
        DOUBTFUL,
        lambda d: d.rhat is not None and limit("R-hat") <= d.rhat < limit("R-hat, don't"),
        lambda d: _rhat(d),
    ),
    Rule(DONT, _step_is_too_large, _step),
    Rule(DOUBTFUL, lambda d: _step_is_felt(d) and not _step_is_too_large(d), _step),
    Rule(
        DOUBTFUL,
        lambda d: _unspread(d) > 0,
        lambda d: (
            f"equipartition is {d.equipartition:.3f} ± {d.equipartition_error:.1g} where 1 is right: some "
            "directions have not spread yet, or the chains have not been everywhere, whatever R-hat says; a longer "
            "burn-in, more draws, or a larger localization."
        ),
    ),
    Rule(
        DOUBTFUL,
        lambda d: _overspread(d) > 0 and not _step_is_felt(d),
        lambda d: (
            f"equipartition is {d.equipartition:.3f} ± {d.equipartition_error:.1g} where 1 is right: the chains "
            "spread too far; a longer burn-in, or a lower lr."
        ),
    ),
    Rule(
        DOUBTFUL,
        lambda d: _worst_block(d) is not None and _unspread(d) <= 0 and _overspread(d) <= 0,
        lambda d: (
            "equipartition of {} is {:.2f} where 1 is right: this parameter is not in equilibrium; a longer "
            "burn-in, or a lower lr.".format(*(_worst_block(d) or ()))
        ),
    ),
    Rule(
        DONT,
        lambda d: d.acceptance is not None and d.acceptance < limit("acceptance, don't"),
        lambda d: _acceptance(d),
    ),
    Rule(
        DOUBTFUL,
        lambda d: d.acceptance is not None and limit("acceptance, don't") <= d.acceptance < limit("acceptance"),
        lambda d: _acceptance(d),
    ),
    Rule(DONT, lambda d: d.rounding > limit("rounding, don't") * math.sqrt(abs(d.llc)), lambda d: _rounding(d)),
    Rule(
        DOUBTFUL,
        lambda d: (
            limit("rounding") * math.sqrt(abs(d.llc)) < d.rounding <= limit("rounding, don't") * math.sqrt(abs(d.llc))
        ),
        lambda d: _rounding(d),
    ),
    Rule(DOUBTFUL, lambda d: d.partial, lambda d: "the run was interrupted."),
)


def _undefined(d: Diagnostics) -> str:
    return (
        f"{d.undefined} chain(s) diverged at once, from ordinary losses to one that is not finite: the loss is "
        "undefined near w*, as the logarithm of a negative number is. Write it so that it is finite there, keep the "
        "chains nearer (localization), or take HMC(), which refuses such steps; where it is only steep, lower lr."
    )


def _downhill(d: Diagnostics) -> str:
    return (
        f"the gradient at w* pulls the chains downhill (it takes {-d.tilt:.2g} off the estimate): w* is no local "
        "minimum of L_n; train further."
    )


def _ess(d: Diagnostics) -> str:
    return f"ESS is {d.ess:.0f}, below {limit('ESS'):g}: take more draws."


def _rhat(d: Diagnostics) -> str:
    return f"R-hat is {d.rhat:.3f}: the chains disagree; a longer burn-in or more draws."


def _rounding(d: Diagnostics) -> str:
    return (
        f"L(w*) is so large that its rounding alone is {d.rounding:.2g} in nβL: give dtype=torch.float64, or take "
        "what does not depend on w out of the loss."
    )


def _acceptance(d: Diagnostics) -> str:
    return f"only {d.acceptance:.0%} of proposals were accepted: lower lr."


def judge(diagnostics: Diagnostics) -> Verdict:
    """The verdict: the word of the worst rule that holds, and the reasons of all that hold, worst first."""
    fatal = [rule for rule in WITHOUT_AN_ESTIMATE if rule.when(diagnostics)]
    found = fatal if not math.isfinite(diagnostics.llc) else fatal + [r for r in RULES if r.when(diagnostics)]
    if not found:
        rhat = "" if diagnostics.rhat is None else f" (R-hat {diagnostics.rhat:.3f})"
        return Verdict(LEVELS[0], (f"the chains agree{rhat}, {diagnostics.ess:.0f} effective draws.",))
    found.sort(key=lambda rule: -rule.level)
    return Verdict(LEVELS[found[0].level], tuple(rule.say(diagnostics) for rule in found))
