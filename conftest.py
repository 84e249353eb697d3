"""Tests run without progress bars, whose timing would reach the outputs, and keep no record of passed checks."""

import contextlib
import os
import sys

import pytest

# Jupyter's debugger sets a trace function for a moment when it is first imported. In a worker that had run all tests of
# the estimator before, that import was seen never to end (Python 3.11, the oldest versions). So it comes first.
with contextlib.suppress(ImportError):
    import ipykernel.kernelspec  # noqa: F401

pytest_plugins = ["tests.nbval_numbers"]
os.environ["TQDM_DISABLE"] = "1"
os.environ["SLTCOURSE_PASSED"] = ""


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Close what a test has drawn: matplotlib warns of more than 20 open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
