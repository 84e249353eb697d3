"""Every kind of model has the loss and the gradient that it has by itself, and is left as it was."""

import copy

import pytest
import torch
from torch.func import grad_and_value, vmap

from sltcourse.llc.check import displaced
from sltcourse.llc.model import make_objective
from tests.llc_zoo import UNBATCHED, ZOO, made, own_loss

pytestmark = pytest.mark.filterwarnings("ignore")


def own_gradient(objective, model, data, loss, w):
    """Loss and gradient (d,) of the user's own module at w, by writing w into it: the tests' referee."""
    names = objective.layout.tensors(objective.split(w), objective.fixed_at(0)[0])
    inner = getattr(model, "_orig_mod", getattr(model, "module", model))
    params = {name.replace("_orig_mod.", ""): p for name, p in inner.named_parameters()}
    before = copy.deepcopy(inner.state_dict())
    with torch.no_grad():
        for name, p in params.items():
            p.copy_(names[name])
    value = own_loss(inner, data, loss)
    value.backward()
    vectors = [torch.zeros(block.size) for block in objective.layout.blocks]
    for block, vector in zip(objective.layout.blocks, vectors, strict=True):
        for window in block.windows:
            p = params[window.name]
            if p.grad is not None:
                grad = (p.grad.to_dense() if p.grad.is_sparse else p.grad).reshape(-1).to(vector)
                index = torch.arange(block.size) if window.index is None else window.index
                vector.index_add_(0, index, grad)
            p.grad = None
    inner.load_state_dict(before)
    return value.detach(), objective.layout.join(vectors)


@pytest.mark.parametrize("name", ZOO)
def test_loss_and_gradient_are_the_models_own(name):
    model, data, loss = made(name)
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    objective = make_objective(model, data, loss)
    assert all(torch.equal(value, kept[key]) for key, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None and p.is_leaf and p.requires_grad for p in model.parameters())
    ((leaves, share),) = objective.rows.passes(1000)
    assert share == 1
    for scale in (0.0, 0.05):
        w = displaced(objective, scale)
        value, slope = objective.plain(w, 0, leaves, True, share)
        own, grad = own_gradient(objective, model, data, loss, w)
        close = dict(rtol=1e-5, atol=1e-6)
        assert torch.allclose(value, own.to(value), **close)
        assert torch.allclose(slope, grad.to(slope), rtol=1e-4, atol=1e-5)
        again, _ = objective.plain(w, 0, leaves, True, share)
        assert torch.equal(value, again)  # buffers that forward writes into are put back


@pytest.mark.parametrize("name", ZOO)
def test_the_batched_form_is_the_plain_one(name):
    model, data, loss = made(name)
    objective = make_objective(model, data, loss)
    w = torch.stack([displaced(objective, scale) for scale in (0.05, -0.05, 0.02)])
    batches = objective.rows.minibatches(3, 4, torch.Generator().manual_seed(0)).draw()

    def batched():
        both = vmap(grad_and_value(objective), in_dims=(0, None, 0))
        pieces, values = both(objective.split(w), objective.fixed_at(0), batches)
        return values, torch.cat([piece.reshape(3, -1) for piece in pieces], 1)

    if not objective.functional or name in UNBATCHED:
        assert name in UNBATCHED
        with pytest.raises(Exception):  # noqa: B017 (whatever PyTorch says)
            batched()
        return
    values, slopes = batched()
    for k in range(3):
        value, slope = objective.plain(w[k], 0, tuple(x[k] for x in batches))
        assert torch.allclose(values[k], value, rtol=1e-4, atol=1e-6)
        assert torch.allclose(slopes[k], slope, rtol=1e-3, atol=1e-5)
