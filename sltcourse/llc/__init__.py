"""Local learning coefficients of any PyTorch model, with an error bar and a verdict.

result = estimate_llc(model, (inputs, targets), torch.nn.functional.mse_loss)
result.llc, result.std_error, result.verdict
"""

#from sltcourse.llc.calibrate import Calibration, NothingTrustworthy, calibrate
from sltcourse.llc.devices import best_device
#from sltcourse.llc.estimate import estimate_llc
#from sltcourse.llc.result import LLCResult, Verdict
from sltcourse.llc.samplers import HMC, MALA, SGLD, SGNHT, RMSPropSGLD, WhitenedSGLD
from sltcourse.llc.target import default_nbeta

__all__ = [
    "HMC",
    "MALA",
    "SGLD",
    "SGNHT",
    "Calibration",
    "LLCResult",
    "NothingTrustworthy",
    "RMSPropSGLD",
    "Verdict",
    "WhitenedSGLD",
    "best_device",
    "calibrate",
    "default_nbeta",
    "estimate_llc",
]
