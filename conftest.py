"""Tests run without progress bars, whose timing would reach the outputs, and keep no record of passed checks."""

import os
import sys

import pytest

pytest_plugins = ["tests.nbval_numbers"]
os.environ["TQDM_DISABLE"] = "1"
os.environ["SLTCOURSE_PASSED"] = ""


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close what a test has drawn: matplotlib warns of more than 20 open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
