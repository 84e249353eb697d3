"""The models of a mean that lesson 05 computes its errors for. The other three are in ``theory.models.grids``."""

from sltcourse.theory.mean_models import power_mean, product_mean

MEANS = {"regular": power_mean(1), "cubic": power_mean(3), "product": product_mean()}
