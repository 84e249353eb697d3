"""Local learning coefficients of any PyTorch model, with an error bar and a verdict.

result = estimate_llc(model, (inputs, targets), torch.nn.functional.mse_loss)
result.llc, result.std_error, result.verdict

The same in its parts: what is sampled, the draws, and what is read from them.

posterior = LocalPosterior(model, (inputs, targets), torch.nn.functional.mse_loss)
draws = sample(posterior)
llc(draws), diagnostics(draws), susceptibility(draws, ...), influence(draws, ...), loss_kernel(draws, ...)

Many of them, here or on a cluster: checkpoints, seeds, settings.

table = sweep(function, {"seed": range(4), "localization": [1, 10]})
"""

from sltcourse.llc.calibrate import Calibration, NothingTrustworthy, calibrate, llc_map
from sltcourse.llc.cluster import local_cluster
from sltcourse.llc.devices import best_device
from sltcourse.llc.estimate import estimate_llc
from sltcourse.llc.importance import Importance
from sltcourse.llc.observables import LossOn, OfOutputs, OfParameters, PerSample, PerToken
from sltcourse.llc.posterior import LocalPosterior
from sltcourse.llc.readings import covariance, expectation, heat, influence, loss_kernel, susceptibility
from sltcourse.llc.result import LLCResult, diagnostics, llc
from sltcourse.llc.sample import resume, sample
from sltcourse.llc.samplers import HMC, MALA, SGLD, SGNHT, RMSPropSGLD, WhitenedSGLD
from sltcourse.llc.sweep import sweep
from sltcourse.llc.target import default_nbeta
from sltcourse.llc.verdict import Verdict

__all__ = [
    "HMC",
    "MALA",
    "SGLD",
    "SGNHT",
    "Calibration",
    "Importance",
    "LLCResult",
    "LocalPosterior",
    "LossOn",
    "NothingTrustworthy",
    "OfOutputs",
    "OfParameters",
    "PerSample",
    "PerToken",
    "RMSPropSGLD",
    "Verdict",
    "WhitenedSGLD",
    "best_device",
    "calibrate",
    "covariance",
    "default_nbeta",
    "diagnostics",
    "estimate_llc",
    "expectation",
    "heat",
    "influence",
    "llc",
    "llc_map",
    "local_cluster",
    "loss_kernel",
    "resume",
    "sample",
    "susceptibility",
    "sweep",
]
