"""Tests run notebooks and modules without progress bars, whose timing would reach the outputs."""

import os

os.environ["TQDM_DISABLE"] = "1"
