"""A batched function as a flat list of tensor operations, so that a step costs its arithmetic and little else."""

import torch
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

aten = torch.ops.aten
TALL = 4  # a product is turned round when it has this many times more rows than columns


def trace(function, *args, compiled=False):
    """``function`` of tensors, recorded once at ``args`` and stripped of Python, vmap and autograd.

    The result takes tensors of the same shapes and strides as ``args``; what ``function`` writes into them it writes
    too. On the CPU every product of a tall matrix and a thin one is computed as the transpose of the transposed
    product, which the matrix library does several times faster. ``compiled``: its operations are fused into a few
    kernels by TorchInductor, the compiler behind torch.compile; raises RuntimeError where that cannot be done, with the
    reason.
    """
    recorded = make_fx(function)(*(x.clone() for x in args))  # recording runs the function: args stay as they are
    if args[0].device.type == "cpu":
        _turn_thin_products(recorded)
    if not compiled:
        return recorded.forward
    from torch import _inductor  # takes a second

    try:
        return _inductor.compile(recorded, list(args))
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise RuntimeError(f"the step cannot be compiled here: {reason}. Leave compile=False, or mend that.") from error


def _turn_thin_products(recorded: GraphModule) -> None:
    """Rewrite bmm(a, b) as bmm(bᵀ, aᵀ)ᵀ where a is tall and b thin."""
    graph = recorded.graph
    for node in graph.find_nodes(op="call_function", target=aten.bmm.default):
        a, b = node.args
        if not _shape(a) or not _shape(b) or _shape(a)[1] < TALL * _shape(b)[2]:
            continue
        with graph.inserting_before(node):
            turned = [graph.call_function(aten.transpose.int, (factor, 1, 2)) for factor in (b, a)]
            product = graph.call_function(aten.bmm.default, tuple(turned))
            back = graph.call_function(aten.transpose.int, (product, 1, 2))
            back.meta = node.meta
            node.replace_all_uses_with(back)
        graph.erase_node(node)
    for kind in (aten.view.default, aten._unsafe_view.default):  # a view of a turned product may need a copy
        for node in graph.find_nodes(op="call_function", target=kind):
            node.target = aten.reshape.default
    for kind in (aten.reshape.default, aten.expand.default):
        for node in graph.find_nodes(op="call_function", target=kind):
            if _shape(node) and _shape(node) == _shape(node.args[0]):
                node.replace_all_uses_with(node.args[0])
                graph.erase_node(node)
    recorded.recompile()


def _shape(node):
    return node.meta["tensor_meta"].shape if "tensor_meta" in node.meta else None  # None: a constant
