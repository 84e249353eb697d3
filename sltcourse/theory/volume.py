"""The volume V(ε) = Prob{K(w) ≤ ε} of prior mass below a loss, and the λ and m it hides.

V(ε) ~ c ε^λ (−log ε)^(m−1) as ε → 0 (Watanabe 2009). The
volume scaling exponent λ is the learning coefficient, or real log canonical threshold (RLCT), of the loss; m is its
multiplicity. Three routes to V: exactly, for normal crossings (``theory.normal_crossings``); by plain Monte Carlo,
which dies at V ≈ 1/n; by multilevel splitting, which does not (``theory.splitting``). One route back, ``fit``
(``theory.volume_fit``): from a curve V(ε) to λ with an error bar and to the probability of each m.

ε is always a loss. A prior is uniform on a box, a sequence of (low, high), one pair a coordinate.
"""

from sltcourse.theory.normal_crossings import (
    normal_crossing,
    normal_crossing_formula,
    normal_crossing_log_volume,
)
from sltcourse.theory.splitting import MonteCarlo, VolumeCurve, monte_carlo, splitting
from sltcourse.theory.volume_fit import Fit, fit

__all__ = [
    "Fit",
    "MonteCarlo",
    "VolumeCurve",
    "fit",
    "monte_carlo",
    "normal_crossing",
    "normal_crossing_formula",
    "normal_crossing_log_volume",
    "splitting",
]
