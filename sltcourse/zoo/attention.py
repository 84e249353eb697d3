"""A transformer of attention alone, small enough to be taken apart head by head."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

SHARP = 16.0  # a relative bias is multiplied by it: Adam moves a single number by lr a step, whatever it is worth


class AttentionLayer(nn.Module):
    """Causal attention with ``heads`` heads, added to the stream; no MLP.

    A head h has ``qkv[:, h]`` (3, width, size), ``out[h]`` (size, width) and ``bias[h]`` (context,), its liking for
    each distance back. So a boolean tensor for each parameter picks one head, see ``AttentionOnly.head_mask``.
    """

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        size = width // heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Parameter(torch.randn(3, heads, width, size) / width**0.5)
        self.out = nn.Parameter(torch.randn(heads, size, width) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(heads, context))
        back = torch.arange(context)[:, None] - torch.arange(context)
        self.back: Tensor
        self.future: Tensor
        self.register_buffer("back", back.clamp(min=0), persistent=False)
        self.register_buffer("future", back < 0, persistent=False)

    def pattern(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(attention (batch, heads, T, T), values (batch, heads, T, size)) of the stream ``x`` (batch, T, width)."""
        length = x.shape[1]
        q, k, v = torch.einsum("btw,chws->cbhts", self.norm(x), self.qkv).unbind(0)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        scores = scores + SHARP * self.bias[:, self.back[:length, :length]]
        return scores.masked_fill(self.future[:length, :length], -torch.inf).softmax(-1), v

    def forward(self, x: Tensor) -> Tensor:
        """The stream (batch, T, width) with what the heads add to it."""
        attention, v = self.pattern(x)
        return x + torch.einsum("bhts,hsw->btw", attention @ v, self.out)


class AttentionOnly(nn.Module):
    """Symbols (batch, T) to logits (batch, T, vocabulary): embedding, layers of attention, unembedding.

    The smallest network in which an induction head can form has two layers (Olsson et al. 2022, arXiv:2209.11895).
    Positions enter by the distance back alone.
    """

    def __init__(self, vocabulary: int, width: int = 32, heads: int = 4, layers: int = 2, context: int = 64) -> None:
        if width % heads:
            raise ValueError(f"width {width} is no multiple of heads {heads}: each head gets width / heads numbers")
        super().__init__()
        self.heads, self.context = heads, context
        self.embed = nn.Parameter(torch.randn(vocabulary, width))
        self.layers = nn.ModuleList(AttentionLayer(width, heads, context) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.unembed = nn.Parameter(torch.randn(width, vocabulary) / width**0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next symbol at each position. ``tokens`` (batch, T) of whole numbers, T at most the context."""
        if tokens.shape[-1] > self.context:
            raise ValueError(f"{tokens.shape[-1]} symbols do not fit into a context of {self.context}: give fewer")
        x = self.embed[tokens]
        for layer in self.layers:
            x = layer(x)
        return self.norm(x) @ self.unembed

    @torch.no_grad()
    def attention(self, tokens: Tensor) -> Tensor:
        """Who looks where: (layers, batch, heads, T, T), rows sum to 1. ``tokens`` (batch, T)."""
        x, patterns = self.embed[tokens], []
        for layer in self.layers:
            patterns.append(layer.pattern(x)[0])  # type: ignore[operator]
            x = layer(x)
        return torch.stack(patterns)

    def head_mask(self, layer: int, head: int) -> dict[str, Tensor]:
        """The weights of one head, as ``mask=`` of ``sltcourse.llc``: names to boolean tensors."""
        if not (0 <= layer < len(self.layers) and 0 <= head < self.heads):
            raise ValueError(f"there is no head {layer}.{head}: {len(self.layers)} layers have {self.heads} heads each")
        mask = {}
        for name in ("qkv", "out", "bias"):
            chosen = torch.zeros_like(getattr(self.layers[layer], name), dtype=torch.bool)
            (chosen[:, head] if name == "qkv" else chosen[head])[...] = True
            mask[f"layers.{layer}.{name}"] = chosen
        return mask


def next_symbol_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats: ``logits`` (batch, T, vocabulary), ``targets`` (batch, T)."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


def train(
    model: nn.Module,
    batch_of: Callable[[int], tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], Tensor],
    steps: range,
    lr: float,
    look: Callable[[int], None] | None = None,
) -> None:
    """Adam on ``loss(model(x), y)`` with (x, y) = ``batch_of(step)``, for each step in ``steps``; in place.

    The rate rises over the first 50 steps. ``look(step)`` is called before each step.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for step in steps:
        if look:
            look(step)
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 50)
        x, y = batch_of(step)
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
