"""Whether to trust an estimate, from what was seen of its chains."""

import math
from dataclasses import dataclass

LEVELS = ("trust", "doubtful", "don't")


@dataclass(frozen=True)
class Verdict:
    """Whether to use the estimate: ``word`` is 'trust', 'doubtful' or "don't"; ``reasons`` say why, worst first."""

    word: str
    reasons: tuple[str, ...]

    def __str__(self):
        return f"{self.word}: {' '.join(self.reasons)}"


@dataclass(frozen=True)
class Diagnostics:
    """What the verdict is about; see ``LLCResult`` for the fields."""

    llc: float
    std_error: float
    ess: float
    rhat: float | None
    share_below: float
    tilt: float
    step_bias: float
    equipartition: float
    equipartition_error: float
    acceptance: float | None
    diverged: dict[int, int]
    dim: int
    num_draws: int
    lr: float
    minibatch: bool
    partial: bool
    target_error: float | None
    notes: tuple[str, ...]


def judge(seen: Diagnostics) -> Verdict:
    """Turn the diagnostics into a verdict; each reason says what was seen and what to do about it."""
    llc = seen.llc
    std_error = seen.std_error
    ess = seen.ess
    rhat = seen.rhat
    share_below = seen.share_below
    tilt = seen.tilt
    step_bias = seen.step_bias
    equipartition = seen.equipartition
    acceptance = seen.acceptance
    diverged = seen.diverged
    dim = seen.dim
    lr = seen.lr
    partial = seen.partial
    draws, noisy_draws = seen.num_draws, seen.minibatch
    found: list[tuple[int, str]] = []

    def say(level, text):
        found.append((level, text))

    if diverged:
        chain, step = min(diverged.items(), key=lambda item: item[1])
        say(
            2,
            f"{len(diverged)} chain(s) diverged, first chain {chain} by step {step}: lower lr (now {lr:.2g}).",
        )
    if not math.isfinite(llc):
        return Verdict(LEVELS[2], tuple(text for _, text in found) or ("no draw is finite.",))
    if rhat is None:  # before the error bar: that of a single chain says little
        say(1, "one chain cannot be compared with another: run four or more.")
    downhill = -tilt > max(0.25 * abs(llc), 0.1)
    if not math.isfinite(std_error):
        say(2, f"{draws} draws give no error bar: take at least 4 (or the loss does not move at all).")
    else:
        if llc < -2 * std_error and downhill:
            say(
                2,
                f"the estimate is negative ({llc:.3g}): the loss falls away from w*, which is no local minimum; train "
                "further.",
            )
        elif llc < -2 * std_error:
            say(
                2,
                f"the estimate is negative ({llc:.3g}), though the gradient at w* is small: the chains left it for "
                "lower loss. Raise nbeta or localization; if that does not help, w* is a saddle: train further.",
            )
        elif share_below > 0.05 and not noisy_draws:
            say(
                1,
                f"{share_below:.0%} of the draws lie below L(w*): w* is not quite a minimum; train further.",
            )
        if ess < 400:
            say(2 if ess < 100 else 1, f"ESS is {ess:.0f}, below 400: take more draws.")
        if std_error > 0.1 * abs(llc):
            say(
                1,
                f"the Monte-Carlo error is {std_error / max(abs(llc), 1e-12):.0%} of the estimate: take more draws or "
                "chains.",
            )
        if llc > 0.55 * dim + 3 * std_error:
            say(
                2,
                f"the estimate exceeds d/2 = {dim / 2:g}, which λ at a local minimum never does: lower lr, raise "
                "nbeta, or train further.",
            )
    if rhat is not None and not rhat < 1.05:
        say(
            2 if not rhat < 1.2 else 1,
            f"R-hat is {rhat:.3f}: the chains disagree; a longer burn-in or more draws.",
        )
    if downhill and llc >= -2 * std_error:
        say(
            2 if -tilt > max(llc, 0.5) else 1,
            f"the gradient at w* pulls the chains downhill (it takes {-tilt:.2g} off "
            "the estimate): w* is no local minimum of L_n; train further.",
        )
    if step_bias > 0.1 * abs(llc):
        say(
            2 if step_bias > 0.3 * abs(llc) else 1,
            f"the step (or the minibatch noise) adds about {step_bias:.2g} to the estimate: lower lr or raise "
            "batch_size.",
        )
    elif equipartition > 1.2:
        say(1, f"equipartition is {equipartition:.2f} where 1 is right: the chains still spread; a longer burn-in.")
    elif equipartition < 0.8:
        say(
            1,
            f"equipartition is {equipartition:.2f} where 1 is right: some directions have not spread yet; a longer "
            "burn-in, a larger lr or a larger localization.",
        )
    if acceptance is not None and acceptance < 0.2:
        say(2 if acceptance < 0.05 else 1, f"only {acceptance:.0%} of proposals were accepted: lower lr.")
    if partial:
        say(1, "the run was interrupted.")
    if not found:
        return Verdict(LEVELS[0], (f"the chains agree (R-hat {rhat:.3f}), {ess:.0f} effective draws.",))
    found.sort(key=lambda item: -item[0])
    return Verdict(LEVELS[found[0][0]], tuple(text for _, text in found))
