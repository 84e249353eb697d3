"""The losses with λ and m, under the name they had before `sltcourse.theory.models` held the whole catalogue."""

from sltcourse.theory.models import CATALOGUE, Model, cube, matrix_product

__all__ = ["CATALOGUE", "Model", "cube", "matrix_product"]
