"""The local posterior: what is sampled, exp(−nβ L_n(w) − γ/2 ‖w − w*‖² − α/2 ‖w‖²), around one or more w*."""

import math
import operator
from typing import Any

import torch
from torch import Tensor, nn

from sltcourse.llc.check import explain
from sltcourse.llc.devices import usable
from sltcourse.llc.evaluate import Evaluator
from sltcourse.llc.model import make_objective
from sltcourse.llc.modules import points_of
from sltcourse.llc.target import LARGEST, Target, default_nbeta, real
from sltcourse.llc.threads import threads_for
from sltcourse.llc.types import Loss

DEFAULT_BATCH = 512
DEFAULT_MEMORY_GIB = 4.0  # on cpu and mps; on cuda 80 % of what is free


class LocalPosterior:
    """exp(−nβ L_n(w) − γ/2 ‖w − w*‖² − α/2 ‖w‖²) of a model on data, near w* (Lau et al. 2023, arXiv:2308.12108).

    ``model``, ``data``, ``loss``, ``at``, ``mask``, ``weights``, ``dtype``, ``device``, ``memory_gib``: as in
    ``estimate_llc``. ``nbeta``: nβ, None: n/log n. ``localization``: γ. ``prior_precision``: α of a Gaussian prior on
    the sampled coordinates. ``penalty``: μ, for a w* trained with weight decay: L_n gets the term (μ/2)‖w‖² of the
    sampled coordinates, so that w* is a minimum of what is sampled.

    Attributes: ``dim`` d; ``num_samples`` n (None without data); ``centers`` (points, d), each w*; ``init_loss``
    (points,) and ``init_grad`` (points, d), the exact L_n(w*) and its gradient; ``several``: whether ``at`` is a list;
    ``notes``: sentences on how model and data were taken.

    Raises ValueError or TypeError where the question makes no sense, in a sentence, before anything is sampled.

    >>> import torch
    >>> from sltcourse.llc import LocalPosterior
    >>> model, x = torch.nn.Linear(2, 1, bias=False), torch.ones(50, 2)
    >>> posterior = LocalPosterior(model, (x, model(x).detach()), torch.nn.functional.mse_loss)
    >>> posterior.dim, posterior.num_samples, round(posterior.nbeta, 2), posterior.init_loss.tolist()
    (2, 50, 12.78, [0.0])
    """

    def __init__(
        self,
        model: nn.Module | Loss,
        data: Any = None,
        loss: Loss | None = None,
        *,
        at: Any = None,
        nbeta: float | None = None,
        localization: float = 1.0,
        prior_precision: float = 0.0,
        penalty: float = 0.0,
        mask: Any = None,
        weights: Any = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        memory_gib: float | None = None,
    ):
        self._arguments: dict[str, Any] = dict(data=data, loss=loss, at=at, nbeta=nbeta, localization=localization,
                               prior_precision=prior_precision, penalty=penalty, mask=mask, weights=weights,
                               dtype=dtype, device=device, memory_gib=memory_gib)  # fmt: skip
        for name, value in (
            ("localization", localization), ("prior_precision", prior_precision), ("penalty", penalty)
        ):  # fmt: skip
            if not real(value) >= 0:
                raise ValueError(f"{name} is {value!r}; it must be one number, 0 or more and below {LARGEST:g}.")
        if not (dtype is None or isinstance(dtype, torch.dtype)):
            raise TypeError(f"dtype is a {type(dtype).__name__}; it must be a torch.dtype, say torch.float64.")
        points, self.names = points_of(at)
        self.several = self.names is not None
        if not points:
            raise ValueError("at is an empty list: there is no w*.")
        self.localization, self.prior_precision = float(localization), float(prior_precision)
        self.penalty, self.memory_bytes = float(penalty), _memory(memory_gib, device)
        self.objective = make_objective(model, data, loss, points=points, mask=mask, weights=weights, dtype=dtype,
                                        device=device, memory_bytes=int(self.memory_bytes))  # fmt: skip
        self.rows, self.dim = self.objective.rows, self.objective.dim
        self.num_samples = None if self.rows is None else self.rows.num_samples
        self.nbeta = nbeta_of(nbeta, self.num_samples)
        self.device, self.dtype, self.centers = self.objective.device, self.objective.dtype, self.objective.centers
        self.notes = list(self.objective.notes)
        with torch.inference_mode(False), threads_for(self.dim * (self.num_samples or 1)):
            self.init_loss, self.init_grad = self._at_centers()

    def target(
        self,
        points: Tensor,
        *,
        batch_size: int | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
        compiled: bool = False,
        nbeta: Tensor | None = None,
        localization: Tensor | None = None,
        pool: Tensor | None = None,
    ) -> Target:
        """The Target of one chain for each entry of ``points``, the number of the w* it starts at.

        ``batch_size``: None for full batch. ``pool`` (default: ``points``) says which chains may share what a sampler
        learns about the scales. ``generator`` or ``seed`` draws the minibatches; ``compiled``: the passes are.
        ``nbeta`` and ``localization`` (chains, 1) replace the posterior's own.
        """
        evaluator = Evaluator(self.objective, self.rows, points, penalty=self.penalty, memory_bytes=self.memory_bytes,
                              compiled=compiled)  # fmt: skip
        center = self.centers[points] if len(self.centers) > 1 else self.centers.expand(len(points), -1)
        batches = None
        if batch_size is not None and self.rows is not None:
            batches = self.rows.minibatches(len(points), batch_size, generator, seed)
        return Target(evaluator, center, points if pool is None else pool, self.nbeta if nbeta is None else nbeta,
                      self.localization if localization is None else localization, self.prior_precision,
                      minibatches=batches)  # fmt: skip

    def replace(self, **changes: Any) -> "LocalPosterior":
        """The same posterior with some of its arguments changed (``changes``), say ``localization=10.0``."""
        arguments = {**self._arguments, **changes}
        if "at" not in changes and not self.several:  # w* is what the module held, whatever it holds now
            arguments["at"] = self.objective.state(0)
        return LocalPosterior(self.objective.model, **arguments)

    def doubled(self) -> "LocalPosterior":
        """The same posterior in float64, unless its ``dtype`` was asked for: what the exact samplers want."""
        if self.dtype == torch.float64 or self._arguments["dtype"] is not None:
            return self
        return self.replace(dtype=torch.float64)

    def batch_size(self, batch_size: int | None, exact: bool) -> int | None:
        """The minibatch size that is used for ``batch_size``, the one asked for; None for full batch.

        Asked for None: all up to n = 512, else 512; all for the ``exact`` samplers. Raises ValueError where it does
        not fit the data or the sampler.
        """
        n = self.num_samples
        if n is None:
            if batch_size is not None:
                raise ValueError("batch_size was given, but there is no data.")
            return None
        if batch_size is None:
            return None if exact or n <= DEFAULT_BATCH else DEFAULT_BATCH
        batch_size = whole("batch_size", batch_size, 1)
        if batch_size > n:
            raise ValueError(f"batch_size is {batch_size}, the data has n = {n} rows: choose 1 to {n}.")
        if exact and batch_size < n:
            raise ValueError("MALA and HMC are exact only at full batch: leave batch_size out.")
        return None if batch_size == n else batch_size

    def bytes_per_chain(self, batch_size: int | None) -> int:
        """Roughly what one chain needs: its vectors, its minibatch of ``batch_size``, and what a gradient keeps."""
        if self.rows is None:
            return self.objective.bytes_per_chain(0)
        most = max(1, int(self.memory_bytes / 8 / max(1, self.objective.bytes_per_row)))  # a pass is cut, see evaluate
        return self.objective.bytes_per_chain(batch_size or min(self.rows.num_samples, most))

    def chains_at_once(self, batch_size: int | None, chains: int) -> int:
        """How many of ``chains`` on ``batch_size`` fit the memory together; raises ValueError where one does not."""
        each = self.bytes_per_chain(batch_size)
        if each > self.memory_bytes:
            raise ValueError(
                f"one chain needs about {each / 2**30:.2g} GiB and {self.memory_bytes / 2**30:.2g} GiB may be used: "
                "lower batch_size or raise memory_gib."
            )
        groups = math.ceil(chains / int(self.memory_bytes // each))
        return math.ceil(chains / groups)

    def _at_centers(self) -> tuple[Tensor, Tensor]:
        """L_n(w*) (points,) and its gradient (points, d) at each w*; ValueError where they are not finite."""
        losses, grads = [], []
        for point, center in enumerate(self.centers):
            loss, grad = self._at_center(point, center)
            which = f" (checkpoint {point})" if len(self.centers) > 1 else ""
            if not math.isfinite(loss):
                why = "" if self.rows is None else f" {explain(self.objective, point)}"
                raise ValueError(f"the loss at w* is {loss.item()}{which}. It must be finite on all the data.{why}")
            if not torch.isfinite(grad).all():
                raise ValueError(f"the gradient of the loss at w* is not finite{which}.")
            losses.append(loss)
            grads.append(grad)
        return torch.stack(losses), torch.stack(grads)

    def _at_center(self, point: int, center: Tensor) -> tuple[Tensor, Tensor]:
        """L_n(w*) and its gradient over all the data, by the plain module."""
        evaluator = Evaluator(self.objective, self.rows, torch.tensor([point]), penalty=self.penalty,
                              memory_bytes=self.memory_bytes)  # fmt: skip
        evaluator.looped = True
        loss, grad = evaluator.over_data("grad", center[None])
        return loss[0], grad[0]


def nbeta_of(nbeta: float | None, n: int | None) -> float:
    """``nbeta`` checked, or n/log n where it is None; ValueError where it is no positive number, or n is unknown."""
    if nbeta is None:
        if n is None:
            raise ValueError("without data there is no n: give nbeta (n/log n for n samples).")
        return default_nbeta(n)
    if not real(nbeta) > 0:
        raise ValueError(f"nbeta is {nbeta!r}; it must be one positive number below {LARGEST:g}.")
    return float(nbeta)


def _memory(memory_gib: float | None, device: torch.device | str | None) -> float:
    """Bytes that may be used."""
    if memory_gib is not None:
        if not real(memory_gib) > 0:
            raise ValueError(f"memory_gib is {memory_gib!r}; it must be a positive, finite number of GiB.")
        return float(memory_gib) * 2**30
    on_cuda = torch.cuda.is_available() and (device is None or usable(device).type == "cuda")
    return torch.cuda.mem_get_info()[0] * 0.8 if on_cuda else DEFAULT_MEMORY_GIB * 2**30


def whole(name: str, value: Any, at_least: int) -> int:
    """``value`` as an int; raises ValueError where it is no whole number, or below ``at_least``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} is {value!r}; it must be a whole number, {at_least} or more.") from None
    if number < at_least or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; it must be a whole number, {at_least} or more.")
    if number >= 2**63:
        raise ValueError(f"{name} is {value!r}; it must be below 2⁶³.")
    return number
