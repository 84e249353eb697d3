"""The densities of lesson 01's families, under the name they had before `sltcourse.theory.models` held them."""

from sltcourse.theory.models.families import *  # noqa: F403
