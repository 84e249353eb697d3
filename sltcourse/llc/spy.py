"""Whether a loss reads the user's own module, whose parameters the chains do not move."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from sltcourse.llc.modules import named_tensors

if TYPE_CHECKING:
    from sltcourse.llc.objective import Objective

LEAVES = {"tolist", "numpy", "__array__"}  # how numbers leave torch without an operation


def free_storages(objective: "Objective", user_model: nn.Module) -> dict[int, str]:
    """Addresses of the user's parameters that are sampled, with their names."""
    parameters, buffers, _ = named_tensors(user_model)
    free = {window.name for block in objective.layout.blocks if block.num_free for window in block.windows}
    if len(objective.centers) > 1:
        free = {*parameters, *buffers}
    own: dict[str, Tensor] = {**parameters, **buffers}
    return {own[name].untyped_storage().data_ptr(): name for name in own if name in free and own[name].numel()}


class Spy(TorchDispatchMode):
    """Notes which of the given storages the operations under it read."""

    def __init__(self, storages: Mapping[int, str]):
        super().__init__()
        self.storages = storages
        self.seen: set[str] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        self.look((args, kwargs))
        return function(*args, **kwargs)

    def look(self, arguments: Any) -> None:
        """Note which of the storages is among ``arguments``."""
        for x in _tensors_in(arguments):
            try:
                name = self.storages.get(x.untyped_storage().data_ptr())
            except (RuntimeError, NotImplementedError):  # a sparse tensor has no storage
                continue
            if name is not None:
                self.seen.add(name)


class Listener(TorchFunctionMode):
    """Shows a spy what leaves torch for Python without an operation (``tolist``)."""

    def __init__(self, spy: Spy):
        super().__init__()
        self.spy = spy

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(function, "__name__", "") in LEAVES:
            self.spy.look(args)
        return function(*args, **(kwargs or {}))


def _tensors_in(x: Any) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from _tensors_in(part)
    elif isinstance(x, dict):
        yield from _tensors_in(list(x.values()))
