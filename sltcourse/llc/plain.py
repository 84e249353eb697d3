"""The model as anyone runs it: parameters written into a private copy, forward, backward. The slow, sure way."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sltcourse.llc.parameters import Parameters, Window
from sltcourse.llc.types import Fixed


def out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, which is nobody's mistake: fewer at a time may fit."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


class PlainModule:
    """The loss of a module at any w. ``module`` is ours to write into; ``layout`` says where w's coordinates live.

    Parameters are views of one vector wherever their layout allows, so that writing w is one copy and the gradient
    needs none.
    """

    def __init__(self, module: nn.Module, layout: Parameters, fixed: Fixed, dtype: torch.dtype, device: torch.device):
        vectors, buffers = fixed
        self.module = module
        self._fixed, self._buffers = vectors, buffers
        self._point: int | None = None
        self._reentrant: bool | None = None  # whether backward must go through the whole graph
        params = dict(module.named_parameters(remove_duplicate=False))
        size = sum(block.size for block in layout.blocks)
        self._flat = torch.zeros(size, dtype=dtype, device=device)
        self._grad = torch.zeros(size, dtype=dtype, device=device)
        self._views: list[tuple[nn.Parameter, Tensor]] = []
        self._copies: list[tuple[nn.Parameter, Window, slice]] = []
        self._whole: list[tuple[nn.Parameter, Window, int]] = []
        free, start = [], 0
        for number, block in enumerate(layout.blocks):
            stop = start + block.size
            place = torch.arange(start, stop) if block.free is None else start + block.free.cpu()
            if block.num_free:
                free.append(place)
            for window in block.windows:
                p = params[window.name]
                seen = block.size == p.numel() and len(block.windows) == 1 and window.index is None
                if not p.is_floating_point():
                    self._whole.append((p, window, number))
                elif seen and p.dtype == dtype and p.is_contiguous():
                    p.data = self._flat[start:stop].view(p.shape)
                    self._views.append((p, self._grad[start:stop].view(p.shape)))
                else:
                    self._copies.append((p, window, slice(start, stop)))
            start = stop
        places = torch.cat(free).to(device)
        self._free: Tensor | slice = slice(None) if len(places) == size else places
        self._homes = [
            (f"{path}.{key}" if path else key, owner, key)
            for path, owner in module.named_modules()
            for key, value in owner._buffers.items()
            if value is not None
        ]
        self.changed: set[str] = set()  # names of buffers that forward writes into

    def forward(self, w: Tensor, point: int, run: Callable[[Any], Any]) -> Any:
        """``run(module)`` with w (d,) and the buffers of ``point`` written into the module."""
        with torch.no_grad():
            if point != self._point:
                self._load(point)
            self._flat[self._free] = w.to(self._flat)
            for p, window, place in self._copies:
                p.copy_(window.read(self._flat[place]))
        before = [(owner._buffers[key], owner._buffers[key]._version) for _, owner, key in self._homes]
        try:
            return run(self.module)
        finally:
            self._restore(before)

    def rewritten(self, w: Tensor) -> bool:
        """Whether the latest ``forward`` at w (d,) left other parameters behind than it was given."""
        same = torch.equal(self._flat[self._free], w.to(self._flat))
        return not same or any(not torch.equal(p, window.read(self._flat[at]).to(p)) for p, window, at in self._copies)

    @property
    def storage(self) -> int:
        """The address of w."""
        return self._flat.untyped_storage().data_ptr()

    def gradient(self, loss: Tensor) -> Tensor:
        """The gradient (d,) of ``loss``, which ``forward`` gave."""
        self._grad.zero_()
        for p, grad in self._views:
            p.grad = grad if p.requires_grad else None
        for p, _, _ in self._copies:
            p.grad = None
        self._backward(loss)
        for p, grad in self._views:
            if p.grad is not grad and p.grad is not None:
                grad.copy_(p.grad)
            p.grad = None
        for p, window, place in self._copies:
            if p.grad is not None:
                grad = (p.grad.to_dense() if p.grad.is_sparse else p.grad).reshape(-1).to(self._grad)
                index = slice(None) if window.index is None else window.index
                part = self._grad[place]
                part[index] = part[index] + grad
            p.grad = None
        return self._grad[self._free].clone()

    def _backward(self, loss: Tensor) -> None:
        """Put the gradient into our own parameters alone, and not into those of another module that the loss holds."""
        mine = [p for p in (*(p for p, _ in self._views), *(p for p, _, _ in self._copies)) if p.requires_grad]
        if self._reentrant is None:  # checkpointing of the old kind cannot do with a part of the leaves
            try:
                loss.backward(inputs=mine, retain_graph=True)
                self._reentrant = False
                return
            except RuntimeError as error:
                if "heckpoint" not in str(error):
                    raise
                self._reentrant = True
                for p, grad in self._views:
                    p.grad = grad.zero_() if p.requires_grad else None
                for p, *_ in self._copies:
                    p.grad = None
        loss.backward(inputs=None if self._reentrant else mine)

    def _load(self, point: int) -> None:
        """Write what is not sampled at w* number ``point`` into the module."""
        start = 0
        for vector in self._fixed:
            self._flat[start : start + vector.shape[1]] = vector[point].to(self._flat)
            start += vector.shape[1]
        for p, window, number in self._whole:
            p.copy_(window.read(self._fixed[number][point]))
        for name, owner, key in self._homes:
            owner._buffers[key] = self._buffers[name][point].clone()
        self._point = point

    def _restore(self, before: list[tuple[Any, int]]) -> None:
        """Undo what forward did to buffers; the graph keeps the tensors that it has seen."""
        for (name, owner, key), (value, version) in zip(self._homes, before, strict=True):
            if owner._buffers.get(key) is not value or value._version != version:
                self.changed.add(name)
                owner._buffers[key] = self._buffers[name][self._point].clone()


class PlainFunction:
    """The loss of a function f(w, *batch)."""

    def __init__(self, layout: Parameters, fixed: Fixed):
        self._layout, (self._fixed, _) = layout, fixed
        self.changed: set[str] = set()
        self._w = self._fixed[0]

    def forward(self, w: Tensor, point: int, run: Callable[[Any], Any]) -> Any:
        """``run(w)``, all coordinates of w, those that are not sampled as they are at ``point``."""
        self._w = w.detach().clone().requires_grad_(torch.is_grad_enabled())
        vectors = [vector[point] for vector in self._fixed]
        return run(self._layout.tensors(self._layout.split(self._w), vectors)["w"])

    def rewritten(self, w: Tensor) -> bool:
        """Whether the latest ``forward`` at w (d,) changed it."""
        return not torch.equal(self._w.detach(), w)

    @property
    def storage(self) -> int:
        """The address of the latest w."""
        return self._w.untyped_storage().data_ptr()

    def gradient(self, loss: Tensor) -> Tensor:
        """The gradient (d,) of ``loss``, which ``forward`` gave."""
        (grad,) = torch.autograd.grad(loss, self._w, allow_unused=True)
        return torch.zeros_like(self._w) if grad is None else grad.detach()
