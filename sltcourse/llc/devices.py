"""Which device to compute on."""

import torch


def best_device(float64: bool = False) -> torch.device:
    """cuda if it is there, else mps, else cpu: for the ``device`` of ``estimate_llc``, or for a model.

    ``float64``: whether double precision is wanted, as MALA and HMC do; mps has none and is passed over then.

    >>> from sltcourse.llc import best_device
    >>> str(best_device()) in ("cpu", "cuda", "mps")
    True
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available() and not float64:
        return torch.device("mps")
    return torch.device("cpu")


def usable(device: torch.device | str) -> torch.device:
    """``device`` as a torch.device, if tensors can be made there; else ValueError."""
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = reason if len(reason) <= 120 else reason[:117] + "..."
        raise ValueError(f"device is {str(device)!r}, and nothing can be computed there: {reason}") from error
    if place.type == "meta":
        raise ValueError("device is 'meta', and nothing can be computed there.")
    return place


def refuse_autocast(device: torch.device) -> None:
    """Raise ValueError inside a ``torch.autocast`` block of ``device``: it keeps the weights that it has cast."""
    if torch.is_autocast_enabled(device.type):
        raise ValueError(
            "autocast is on here, and would give all draws the weights that it cast for the first: call outside of the "
            "block, and put torch.autocast into the model's forward, or give dtype=torch.bfloat16."
        )
