"""Which device to compute on."""

import torch


def best_device(float64: bool = False) -> torch.device:
    """cuda if it is there, else mps, else cpu: for the ``device`` of ``estimate_llc``, or for a model.

    ``float64``: whether double precision is wanted, as MALA and HMC do; mps has none and is passed over then.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available() and not float64:
        return torch.device("mps")
    return torch.device("cpu")
