"""A batched function as a flat list of tensor operations, so that a step costs its arithmetic and little else."""

import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch._guards import TracingContext, tracing
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

aten = torch.ops.aten
TALL = 4  # a product is turned round when it has this many times more rows than columns

# Operations that give the same numbers whatever the strides of what they read, and that write into none of it.
STRIDE_BLIND = {
    getattr(aten, name)
    for name in """
    abs add addcdiv addcmul amax amin bmm cat clamp clamp_min clone constant_pad_nd cos cosh div elu eq erf exp expand
    gather ge gelu gelu_backward gt index_select le log log1p logical_and logical_not lt masked_fill maximum mean
    minimum mm mse_loss mse_loss_backward mul ne neg ones_like permute pow reciprocal relu rsqrt rsub select sigmoid
    sigmoid_backward sign silu silu_backward sin slice sqrt stack sub sum t tanh tanh_backward threshold_backward
    transpose unsqueeze where zeros_like
    """.split()
}
# Of these, those whose result is new and has the same strides whatever they read (of cat up to three dimensions).
FRESH = (aten.bmm.default, aten.mm.default, aten.cat.default)


class CannotCompile(RuntimeError):
    """TorchInductor does not work here."""


_tracing = threading.Lock()  # make_fx patches what all threads share


def trace(
    function: Callable[..., Any],
    *args: torch.Tensor,
    compiled: bool = False,
    batched: bool = True,
) -> Callable[..., Any]:
    """``function`` of tensors, recorded once at ``args`` and stripped of Python, vmap and autograd.

    The result takes tensors of the same shapes and strides as ``args``; what ``function`` writes into them it writes
    too. On the CPU every product of a tall matrix and a thin one is computed as the transpose of the transposed
    product, which the matrix library does several times faster. ``compiled``: its operations are fused into a few
    kernels by TorchInductor, the compiler behind torch.compile; raises CannotCompile where that cannot be done, with
    the reason. Not ``batched``: there is no vmap in ``function``, and fused attention stays what it is. Raises
    RuntimeError where a size within depends on what the tensors hold.

    Safe in several threads; an interrupt that arrives meanwhile is delivered at the end.
    """
    device = args[0].device.type
    shapes = TracingContext(FakeTensorMode())  # of all operations in one mode; else make_fx makes a mode for each
    with _tracing, uninterrupted(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*performance drop.*")  # an operation without a batching rule
        # the CPU's fused attention has no batching rule: its plain form is batched products
        with sdpa_kernel(SDPBackend.MATH) if device == "cpu" and batched else nullcontext():
            with tracing(shapes):
                recorded = make_fx(function)(*(x.clone() for x in args))  # recording runs the function: args stay
        _refuse_sizes_of_data(recorded)
        if device == "cpu":
            turn_thin_products(recorded)
        _drop_empty_views(recorded)
        if not compiled:
            return recorded.forward
        from torch import _inductor  # takes a second

        try:
            return _inductor.compile(recorded, list(args))
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise CannotCompile(
                f"the step cannot be compiled here: {reason}. Leave compile=False, or mend that."
            ) from error


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold an interrupt (Ctrl-C) back until the end: torch's tracing, cut short, leaves its own state broken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _refuse_sizes_of_data(recorded: GraphModule) -> None:
    """RuntimeError where sizes within depend on what the tensors hold, as those of a selection h[h > 0] do.

    What was recorded would have the first batch's sizes for ever: where it divides by how many were selected it would
    give another function's values, without an error.
    """
    for node in recorded.graph.nodes:
        operation: Any = node.target
        if torch.Tag.dynamic_output_shape not in getattr(operation, "tags", ()):
            continue
        given = [x for x in node.all_input_nodes if x.op != "get_attr"]  # a constant selects the same at each call
        if operation is aten.index.Tensor:
            chosen = [x for x in node.args[1] if x in given]
            given = [x for x in chosen if x.meta["tensor_meta"].dtype in (torch.bool, torch.uint8)]
        if given:
            raise RuntimeError(f"{operation} makes a tensor whose size depends on what the data hold")


def turn_thin_products(recorded: GraphModule) -> None:
    """Rewrite bmm(a, b) as bmm(bᵀ, aᵀ)ᵀ where a is tall and b thin.

    The result is the same tensor with other strides. Where all that is made of it is blind to strides it stays so;
    elsewhere (a kernel that was chosen for its strides, a view of it that is written to) it is copied into the strides
    that bmm gives.
    """
    graph = recorded.graph
    for node in graph.find_nodes(op="call_function", target=aten.bmm.default):
        a, b = node.args
        left, right = _shape(a), _shape(b)
        if not left or not right or left[1] < TALL * right[2]:
            continue
        views = _views_if_blind(node)
        with graph.inserting_before(node):
            turned = [graph.call_function(aten.transpose.int, (factor, 1, 2)) for factor in (b, a)]
            product = graph.call_function(aten.bmm.default, tuple(turned))
            back = graph.call_function(aten.transpose.int, (product, 1, 2))
            if views is None:
                back = graph.call_function(aten.clone.default, (back,), {"memory_format": torch.contiguous_format})
            back.meta = node.meta
            node.replace_all_uses_with(back)
        graph.erase_node(node)
        for view in views or ():
            view.target = aten.reshape.default  # of other strides: a copy where it must be one
    recorded.recompile()


def _drop_empty_views(recorded: GraphModule) -> None:
    """Take out what gives back the very tensor it is given."""
    for kind in (*VIEWS, aten.expand.default):
        for node in recorded.graph.find_nodes(op="call_function", target=kind):
            if _shape(node) and _shape(node) == _shape(node.args[0]):
                node.replace_all_uses_with(node.args[0])
                recorded.graph.erase_node(node)
    recorded.recompile()


VIEWS = (aten.view.default, aten._unsafe_view.default, aten.reshape.default)


def _views_if_blind(node: Node) -> list[Node] | None:
    """The views among all that is made of ``node``, or None if something there may care about strides.

    Behind a result that is new and of fixed strides nothing of ``node`` is left to care about.
    """
    seen, todo, views = {node}, [node], []
    while todo:
        for user in todo.pop().users:
            if user in seen or user.op == "output":
                continue
            if user.op != "call_function":
                return None
            operation: Any = user.target
            if operation in VIEWS:
                views.append(user)
            elif getattr(operation, "overloadpacket", None) not in STRIDE_BLIND or operation._schema.is_mutable:
                return None
            seen.add(user)
            if operation not in FRESH or len(_shape(user) or range(4)) > 3:
                todo.append(user)
    return views


def _shape(node: Any) -> torch.Size | None:
    return node.meta["tensor_meta"].shape if isinstance(node, Node) and "tensor_meta" in node.meta else None
