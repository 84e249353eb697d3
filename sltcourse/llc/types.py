"""Names for what goes between the parts of this package: batches, pieces of w, losses."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

Batch = tuple[Tensor, ...]
"""The leaves of some rows, each (rows, ...); of a minibatch for each chain (chains, rows, ...). () without data."""

Form = Any
"""A batch as the user's model and loss know it: a tensor, a tuple, a dict, or these nested."""

Pieces = tuple[Tensor, ...]
"""The sampled coordinates w (..., d), one piece for each block of parameters; see ``Parameters``."""

Fixed = tuple[list[Tensor], dict[str, Tensor]]
"""What is not sampled: the block vectors at w*, and the buffers by name."""

Share = float | Tensor
"""What a part of the data adds to L_n: a number times its mean loss, or (rows,) times the losses of its rows."""

Loss = Callable[..., Tensor]
"""The user's ``loss(output, targets)``, or a function f(w, *batch) that is the loss itself: a scalar, a mean."""

Run = Callable[..., Any]
"""The model, to be called as the user would: ``run(*args, **kwargs)`` gives its output."""
