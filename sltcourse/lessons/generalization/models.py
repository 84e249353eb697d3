"""The models of a mean that lesson 05 computes its errors for, and ArviZ's word on a posterior."""

import numpy as np

from sltcourse.theory.mean_models import power_mean, product_mean

MEANS = {"regular": power_mean(1), "cubic": power_mean(3), "product": product_mean()}


def arviz_loo(log_p: np.ndarray) -> tuple[float, float]:
    """ArviZ's elpd_loo and its standard error: leave-one-out by Pareto-smoothed weights (Vehtari et al. 2017).

    log_p: (n, draws), log p(xᵢ|wⱼ). elpd is a sum over the n samples, larger is better: −n times a loss per sample.
    """
    try:
        from arviz_stats.base import array_stats  # type: ignore[attr-defined]  # it is public, but not annotated

        weights = array_stats.psislw(log_p)[0]  # it takes the logarithm of 1/weight
    except ImportError:  # Colab has ArviZ 0.22
        import arviz

        weights = arviz.psislw(-log_p)[0]
    weights = np.asarray(weights)
    parts = np.log(np.exp(weights + log_p).sum(axis=-1) / np.exp(weights).sum(axis=-1))
    return float(parts.sum()), float(np.sqrt(len(parts)) * parts.std())
