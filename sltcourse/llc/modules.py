"""A private copy of the user's module, so that theirs is never touched, and checkpoints as people keep them."""

import copy
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

WRAPPERS = {"_orig_mod": "torch.compile", "module": "DataParallel"}  # the attribute that holds the module itself


def wrapped(module: nn.Module) -> nn.Module | None:
    """The module inside a torch.compile'd, DataParallel or DistributedDataParallel one, else None."""
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return module.module
    return module._modules.get("_orig_mod") if type(module).__name__ == "OptimizedModule" else None


def unwrap(module: nn.Module) -> nn.Module:
    """``module`` without the wrappers around it."""
    while (inner := wrapped(module)) is not None:
        module = inner
    return module


def named_tensors(model: nn.Module) -> tuple[dict[str, nn.Parameter], dict[str, Tensor], set[str]]:
    """Parameters and buffers of ``model`` by the names they have once all wrappers are off.

    The third entry: the names of the buffers that a state dict does not have.
    """
    inner = [name for name, module in model.named_modules(remove_duplicate=False) if name and _inside(model, name)]
    inner.sort(key=len, reverse=True)

    def clean(name: str) -> str:
        for path in inner:
            if name.startswith(path + "."):
                name = (path.rpartition(".")[0] + "." + name[len(path) + 1 :]).lstrip(".")
        return name

    parameters = {clean(name): p for name, p in model.named_parameters()}
    buffers = {clean(name): b for name, b in model.named_buffers()}
    return parameters, buffers, set(buffers) - {clean(name) for name in model.state_dict()}


def places_of(module: nn.Module) -> dict[str, list[str]]:
    """For each parameter and buffer of ``module``, the names under which it is held, each holder once.

    A module that is used at several places is one holder; ``functional_call`` would put a tensor there once for each
    of its names, and would afterwards put back only what it found at the last.
    """
    first: dict[int, str] = {}
    places: dict[str, list[str]] = {}
    for path, part in module.named_modules():  # each once
        for key, x in (*part._parameters.items(), *part._buffers.items()):
            if x is not None:
                name = f"{path}.{key}".lstrip(".")
                places.setdefault(first.setdefault(id(x), name), []).append(name)
    return places


def _inside(model: nn.Module, name: str) -> bool:
    """Whether the submodule ``name`` is what a wrapper wraps."""
    parent, _, last = name.rpartition(".")
    return last in WRAPPERS and wrapped(model.get_submodule(parent)) is not None


def private_copy(model: nn.Module) -> nn.Module:
    """A copy of ``model``, wrappers taken off, that shares no parameter and no buffer with it.

    Raises ValueError where the module cannot be copied.
    """
    with torch.inference_mode(False), torch.no_grad():
        memo: dict[int, Any] = {}
        for module in model.modules():
            _detach_kept(vars(module), memo)
        try:
            for module in reversed(list(model.modules())):
                if (inner := wrapped(module)) is not None:
                    memo[id(module)] = copy.deepcopy(inner, memo)
            new = copy.deepcopy(model, memo)
            if _shares(new, model):
                raise TypeError("its deepcopy shares parameters with it")
        except Exception as error:
            try:
                new = _rebuilt(model, {})
            except Exception:
                raise ValueError(
                    f"the model ({type(model).__name__}) cannot be copied, and the estimator works on a copy: "
                    f"copy.deepcopy says {type(error).__name__}: {error}"
                ) from error
        for module in new.modules():
            if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
                module.sparse = False  # the same numbers; gradients of all rows
        theirs = named_tensors(model)[0]
        for name, p in new.named_parameters():
            p.requires_grad_(theirs[name].requires_grad)  # a scripted module's copy forgets it
        return new


def _detach_kept(values: Any, memo: dict[int, Any], depth: int = 3) -> None:
    """Tensors that forward left behind with their graph cannot be copied: put detached ones in their place."""
    for value in list(values.values() if isinstance(values, dict) else values):
        if isinstance(value, Tensor):
            if not value.is_leaf:
                memo[id(value)] = value.detach().clone()
        elif depth and isinstance(value, (dict, list, tuple)):
            _detach_kept(value, memo, depth - 1)


def _shares(new: nn.Module, old: nn.Module) -> bool:
    """Whether the two hold a parameter or a buffer in common."""
    mine = {id(x) for x in (*old.parameters(), *old.buffers())}
    return any(id(x) in mine for x in (*new.parameters(), *new.buffers()))


def _rebuilt(module: nn.Module, done: dict[int, Any]) -> nn.Module:
    """Copies of the modules, parameters and buffers; all other attributes (a lock, a file) are shared.

    ``done``: the copies made so far, by the id of what they are of.
    """
    if (inner := wrapped(module)) is not None:
        return _rebuilt(inner, done)
    if id(module) not in done:
        new = done[id(module)] = copy.copy(module)
        for name in ("_parameters", "_buffers"):
            new.__dict__[name] = {}
            for key, value in getattr(module, name).items():
                if value is not None and id(value) not in done:
                    fresh = value.detach().clone()
                    done[id(value)] = nn.Parameter(fresh, value.requires_grad) if name == "_parameters" else fresh
                new.__dict__[name][key] = None if value is None else done[id(value)]
        new.__dict__["_modules"] = {
            key: None if child is None else _rebuilt(child, done) for key, child in module._modules.items()
        }
    copied: nn.Module = done[id(module)]
    return copied


def refuse(model: nn.Module) -> None:
    """Raise ValueError for a module whose loss is no function of its parameters as they stand."""
    noisy = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
    for name, module in model.named_modules():
        if isinstance(module, noisy) and module.training and getattr(module, "p", 1) > 0:
            raise ValueError(
                f"{name or 'the model'} ({type(module).__name__}) is in training mode: its loss is not a "
                "function of w alone. Call model.eval() first."
            )
    for name, p in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(p):
            raise ValueError(f"{name} has no shape yet (a lazy module): run the model once on a batch before.")
        if p.is_meta:
            raise ValueError(f"{name} is on the meta device and holds no numbers: load the weights first.")
        if p.is_complex() and p.requires_grad:
            raise ValueError(f"{name} is complex: hold its real and imaginary parts as real parameters.")


def points_of(at: Any) -> tuple[list[Any], list[Any] | None]:
    """The points w* in ``at`` (a list), and their names; the names are None where ``at`` is a single point.

    A list or tuple of points is named 0, 1, ...; a mapping of steps to state dicts by its keys.
    """
    if isinstance(at, (list, tuple)):
        return list(at), list(range(len(at)))
    if isinstance(at, Mapping) and at and all(isinstance(value, (Mapping, nn.Module)) for value in at.values()):
        if not all(isinstance(key, str) for key in at):
            return list(at.values()), list(at)
    return [at], None


def state_of(
    point: Any, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], optional: Collection[str]
) -> tuple[dict[str, Tensor], str | None]:
    """The state at ``point`` by clean names, and a note if it lay under another name.

    ``point``: a state dict, one nested under a key ("model", "state_dict", ...), with the prefixes that torch.compile
    and DataParallel add, another copy of the module, or None (what the module holds). ``optional``: buffers that a
    state dict does not have.
    """
    own = {**parameters, **buffers}
    if point is None:
        return own, None
    if isinstance(point, nn.Module):
        point = {name: value for group in named_tensors(unwrap(point))[:2] for name, value in group.items()}
    if not isinstance(point, Mapping):
        if isinstance(point, str) or hasattr(point, "__fspath__"):
            raise TypeError("at is a path: load it first, at=torch.load(path, weights_only=True).")
        raise TypeError(f"at must be a state dict of the module, not {type(point).__name__}.")
    wanted = set(own) - set(optional)
    found, note = _matching(point, wanted), None
    if found is None:
        inside = ((key, _matching(value, wanted)) for key, value in point.items() if isinstance(value, Mapping))
        nested = {key: value for key, value in inside if value is not None}
        if len(nested) > 1:
            raise ValueError(
                f"the checkpoint holds several states, under {sorted(map(str, nested))}: give one of them."
            )
        if not nested:
            missing = sorted(wanted - set(point))
            raise ValueError(f"the checkpoint lacks {missing[:6]}; it has {sorted(map(str, point))[:6]}.")
        ((key, found),) = nested.items()
        note = f"w* was taken from the key {key!r} of the checkpoint."
    state = {name: _numbers(name, found[name], own[name]) for name in own if name in found}
    return {**own, **state}, note


def _numbers(name: str, value: Any, own: Tensor) -> Tensor:
    """Entry ``name`` of a checkpoint as a tensor like the model's ``own``; ValueError where it can't be one."""
    try:
        value = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is a {type(value).__name__} in the checkpoint; it must be a tensor.") from error
    if value.is_meta or value.is_quantized or value.layout != torch.strided:
        raise ValueError(f"{name} is a meta, sparse or quantized tensor in the checkpoint: give its numbers, dense.")
    if own.is_floating_point() and not value.is_floating_point():
        raise ValueError(f"{name} is {value.dtype} in the checkpoint and {own.dtype} in the model.")
    return value


def _matching(point: Mapping[Any, Any], wanted: set[str]) -> Mapping[Any, Any] | None:
    """``point`` by clean names if it has all that is ``wanted``, else None."""
    if wanted <= set(point):
        return point
    clean = {".".join(part for part in str(name).split(".") if part != "_orig_mod"): v for name, v in point.items()}
    for names in (clean, {name.removeprefix("module."): value for name, value in clean.items()}):
        if wanted <= set(names):
            return names
    return None
