"""Which device is used."""

import pytest
import torch

from sltcourse.llc import best_device


@pytest.mark.parametrize(
    "cuda, mps, usual, float64",
    [
        (True, False, "cuda", "cuda"),
        (True, True, "cuda", "cuda"),
        (False, True, "mps", "cpu"),
        (False, False, "cpu", "cpu"),
    ],
)
def test_the_best_device_there_is(monkeypatch, cuda, mps, usual, float64):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device().type == usual
    assert best_device(float64=True).type == float64
