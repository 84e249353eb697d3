"""The catalogue: losses and models whose learning coefficient (real log canonical threshold) λ and m are known.

``MODELS["cusp"].lam`` is λ of the cusp. Each `Model` holds its loss K, its ideal, a singular point, λ, m, where these
come from, the box of its prior and, where there is one, its exact density:

    polynomials   regular losses, crossings, curves such as the cusp, sums of powers
    networks      tanh units, linear networks, radial basis functions
    mixtures      normal, binomial, multinomial
    graphs        Boltzmann machines, naive Bayes, hidden Markov models, a grammar

`families` builds the densities, and names for lesson 01 what a null direction means in each; `grids` holds three of
the models with their prior as weighted nodes, for exact sums over the posterior of a data set.

For a prior that is uniform on the box V(ε) = Prob{K(w) ≤ ε} ~ c ε^λ (−log ε)^(m−1) as ε → 0.
"""

from sltcourse.theory.models.graphs import HIDDEN
from sltcourse.theory.models.mixtures import MIXTURES
from sltcourse.theory.models.networks import LINEAR, TANH, TRUTH_NOT_ZERO, matrix_product
from sltcourse.theory.models.polynomials import CAUTIONS, CROSSINGS, CURVES, ONE_COORDINATE_AT_A_TIME, REGULAR, SUMS
from sltcourse.theory.models.record import Model, cube

__all__ = ["CATALOGUE", "MODELS", "Model", "cube", "matrix_product"]

_EVERY = (
    *(*REGULAR, *ONE_COORDINATE_AT_A_TIME, *CROSSINGS, *CURVES, *SUMS),
    *(*TANH, *MIXTURES, *HIDDEN, *LINEAR, *CAUTIONS, *TRUTH_NOT_ZERO),
)

MODELS: dict[str, Model] = {model.name: model for model in _EVERY}
"""All of them by name."""

CATALOGUE: dict[str, Model] = {name: model for name, model in MODELS.items() if model.K is not None}
"""Those with a loss K to compute: regular ones first, then crossings, curves, sums, models, cautions."""
