"""From what the user has (a module or a function, data, a loss) to what the chains need; bad input stops here."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from sltcourse.llc.parameters import Parameters
from sltcourse.llc.target import SAMPLES_AT_ONCE, Target
from sltcourse.llc.threads import threads_for

NUMBERS_AT_ONCE = 2**27  # parameters of all the points whose gradient is computed together


class Problem:
    """A loss L_n(w) and one or more points w* of it, ready to be sampled.

    ``centers`` (points, d) are the free coordinates of each w*, ``init_loss`` (points,) and ``init_grad`` (points, d)
    the exact L_n(w*) and its gradient over all the data.
    """

    def __init__(self, model, points, data, loss, mask, dtype, device):
        self.data = _tensors(data)
        self.num_samples = len(self.data[0]) if self.data else None
        if isinstance(model, nn.Module):
            if not callable(loss):
                raise TypeError("loss must be a function loss(model(inputs), targets), the mean over the batch.")
            if not self.data:
                raise ValueError("a module needs data: (inputs, targets), tensors with one row per sample.")
            if len(self.data) > 2:
                raise ValueError(f"data for a module is (inputs, targets); {len(self.data)} tensors were given.")
            if self.data[0] is self.data[-1]:
                self.data = self.data[:1]  # an autoencoder: gather each minibatch once
            values = self._prepare_module(model, points, loss, mask)
        elif callable(model):
            if loss is not None:
                raise TypeError("a function f(w, *batch) is the loss itself: leave loss=None.")
            values = self._prepare_function(model, points, mask)
        else:
            raise TypeError(f"model must be an nn.Module or a function f(w, *batch), not {type(model).__name__}.")
        first = values[0][0][0]
        device = torch.device(device if device is not None else first.device)
        dtype = dtype or (first.dtype if first.dtype in (torch.float32, torch.float64) else torch.float32)
        if device.type == "mps" and dtype == torch.float64:
            raise ValueError("mps has no float64, which MALA and HMC want: use device='cpu', or dtype=torch.float32.")

        def moved(x):
            return x.to(device, dtype if x.is_floating_point() else x.dtype)

        self.data = tuple(moved(x) for x in self.data)
        self.device, self.dtype = device, dtype
        self.centers = torch.stack([moved(self._join(vectors)) for vectors, _ in values])
        self.dim = self.centers.shape[1]
        flat = [([moved(v) for v in vectors], {k: moved(b) for k, b in buffers.items()}) for vectors, buffers in values]
        self._fixed = _stacked(flat)
        with threads_for(self.dim * (self.num_samples or 1)):
            self._check_loss()
            self.init_loss, self.init_grad = self._at_centers()

    def target(self, rows: Tensor, nbeta, localization, batch_size: int | None, pool=None, compiled=False) -> Target:
        """The Target of one chain for each entry of ``rows``, the number of the point it starts at.

        ``pool`` (default: ``rows``) says which chains may share what a sampler learns about the scales; ``compiled``:
        see ``trace``.
        """
        several = len(self.centers) > 1
        center = self.centers[rows] if several else self.centers.expand(len(rows), -1)
        vectors, buffers = self._fixed
        fixed = (
            ([v[rows] for v in vectors], {k: b[rows] for k, b in buffers.items()})
            if several
            else ([v[0] for v in vectors], {k: b[0] for k, b in buffers.items()})
        )
        return Target(
            self._objective,
            self._split,
            center,
            rows if pool is None else pool,
            fixed,
            several,
            self.data,
            nbeta,
            localization,
            batch_size,
            compiled,
        )

    def bytes_per_chain(self, batch_size: int | None) -> int:
        """Roughly what one chain needs: its vectors, its minibatch, and what autograd keeps for one gradient."""
        rows = min(batch_size or SAMPLES_AT_ONCE, self.num_samples or 1)
        batch = tuple(x[:rows] for x in self.data)
        kept = {}

        def keep(tensor):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        w = self.centers[0].clone().requires_grad_()
        fixed = [v[0] for v in self._fixed[0]], {k: b[0] for k, b in self._fixed[1].items()}
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            self._objective(self._split(w), fixed, batch)
        inputs = sum(x.untyped_storage().nbytes() for x in batch) if batch_size else 0
        return 8 * w.nbytes + 2 * sum(kept.values()) + inputs

    def _prepare_module(self, model, points, loss, mask):
        _refuse_training_mode(model)
        layout = Parameters(model, mask)
        own = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        buffer_names = [name for name, _ in model.named_buffers()]

        def objective(pieces, fixed, batch):
            vectors, buffers = fixed
            out = functional_call(model, {**buffers, **layout.tensors(pieces, vectors)}, (batch[0],))
            return loss(out, batch[-1])

        self._objective, self._split, self._join = objective, layout.split, layout.join
        values = []
        for point in points:
            if point is not None and not isinstance(point, Mapping):
                raise TypeError(f"at must be a state dict of the module, not {type(point).__name__}.")
            missing = set(own) - set(point if point is not None else own)
            missing -= set(dict(model.named_buffers())) - set(model.state_dict())  # non-persistent buffers
            if missing:
                raise ValueError(f"the checkpoint lacks {sorted(missing)}.")
            state = {**own, **{name: value for name, value in (point or {}).items() if name in own}}
            values.append((layout.values(state), {name: state[name].detach() for name in buffer_names}))
        return values

    def _prepare_function(self, function, points, mask):
        if any(point is None for point in points):
            raise ValueError("a function has no parameters of its own: give at=w*, a vector.")
        points = [torch.as_tensor(point).detach() for point in points]
        if any(p.ndim != 1 or p.shape != points[0].shape or not p.is_floating_point() for p in points):
            raise ValueError(f"at must be a floating-point vector (d,); shapes {[tuple(p.shape) for p in points]}.")
        holder = nn.Module()
        holder.w = nn.Parameter(points[0].clone())
        layout = Parameters(holder, None if mask is None else {"w": mask})

        def objective(pieces, fixed, batch):
            return function(layout.tensors(pieces, fixed[0])["w"], *batch)

        self._objective, self._split, self._join = objective, layout.split, layout.join
        return [(layout.values({"w": point}), {}) for point in points]

    def _check_loss(self):
        """The loss is one finite number per batch, a mean, and draws no random numbers of its own."""
        batch = tuple(x[:256] for x in self.data)
        vectors, buffers = self._fixed
        fixed = [v[0] for v in vectors], {k: b[0] for k, b in buffers.items()}
        w = self.centers[0]

        def value(w, batch):
            with torch.no_grad():
                return self._objective(self._split(w), fixed, batch)

        here = value(w, batch)
        if not isinstance(here, Tensor) or here.numel() != 1 or here.ndim > 0:
            shape = tuple(here.shape) if isinstance(here, Tensor) else type(here).__name__
            raise ValueError(f"the loss of a batch must be one number, its mean; it has shape {shape}: add .mean().")
        if self.data:
            nearby = w + 0.01 * torch.linspace(-1, 1, self.dim, dtype=w.dtype, device=w.device)
            once, twice = value(nearby, batch), value(nearby, tuple(torch.cat([x, x]) for x in batch))
            if once != 0 and torch.isclose(twice, 2 * once, rtol=1e-3, atol=0):
                raise ValueError("the loss is a sum over the batch; it must be the mean.")
        if not torch.equal(torch.nan_to_num(value(w, batch)), torch.nan_to_num(here)):
            raise ValueError("the loss changes from call to call at the same w: take the randomness out of it.")

    def _at_centers(self):
        rows = torch.arange(len(self.centers), device=self.device)
        targets = [self.target(group, 1.0, 0.0, None) for group in rows.split(max(1, NUMBERS_AT_ONCE // self.dim))]
        losses, grads = zip(*(target.full_loss_and_grad(target.center) for target in targets), strict=True)
        loss, grad = torch.cat(losses), torch.cat(grads)
        for point in torch.nonzero(~torch.isfinite(loss)).flatten().tolist():
            raise ValueError(
                f"the loss at w* is {loss[point].item()}"
                + (f" (checkpoint {point})." if len(rows) > 1 else ".")
                + " It must be finite on all the data."
            )
        for point in torch.nonzero(~torch.isfinite(grad).all(1)).flatten().tolist():
            raise ValueError(
                "the gradient of the loss at w* is not finite" + (f" (checkpoint {point})." if len(rows) > 1 else ".")
            )
        return loss, grad


def _stacked(values):
    vectors = [torch.stack(column) for column in zip(*(vectors for vectors, _ in values), strict=True)]
    buffers = {name: torch.stack([b[name] for _, b in values]) for name in values[0][1]}
    return vectors, buffers


def _tensors(data) -> tuple[Tensor, ...]:
    if data is None:
        return ()
    data = (data,) if isinstance(data, Tensor) else data
    data = getattr(data, "tensors", data)  # a TensorDataset
    if not isinstance(data, (tuple, list)) or not all(isinstance(x, Tensor) for x in data):
        raise TypeError(
            "data must be a tensor or a tuple of tensors with one row per sample (not a DataLoader or a "
            "numpy array): minibatches are drawn from it on the device."
        )
    if not data or any(x.ndim == 0 or len(x) == 0 for x in data):
        raise ValueError("the data is empty.")
    if len({len(x) for x in data}) > 1:
        raise ValueError(f"the data tensors have {[len(x) for x in data]} rows; they must agree.")
    once = {id(x): x.detach() for x in data}
    return tuple(once[id(x)] for x in data)


def _refuse_training_mode(model: nn.Module):
    noisy = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
    for name, module in model.named_modules():
        if isinstance(module, noisy) and module.training and getattr(module, "p", 1) > 0:
            raise ValueError(
                f"{name or 'the model'} ({type(module).__name__}) is in training mode: its loss is not a "
                "function of w alone. Call model.eval() first."
            )
