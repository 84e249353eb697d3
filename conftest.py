"""Tests run without progress bars, whose timing would reach the outputs, and keep no record of passed checks."""

import os

os.environ["TQDM_DISABLE"] = "1"
os.environ["SLTCOURSE_PASSED"] = ""
