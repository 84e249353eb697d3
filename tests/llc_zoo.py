"""Models of every kind that people train, small, each with data and a loss, for the tests of sltcourse.llc.

``ZOO[name]()`` gives (model in eval mode, data, loss). ``BATCHED`` names those that torch.func.vmap can batch.
"""

from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

N = 24


def vectors():
    x = torch.randn(N, 3)
    return x, (x**2).sum(1, keepdim=True)


def sequences():
    x = torch.randn(N, 5, 4)
    return x, x.cumsum(1)[..., :1].tanh()


def tokens(vocabulary=11, time=6):
    ids = torch.randint(vocabulary, (N, time))
    return ids, (ids * 3) % vocabulary


def over_tokens(out, targets):
    return F.cross_entropy(out.flatten(0, 1), targets.flatten())


class Attention(nn.Module):
    """A causal language model with tied embeddings; ``idiom`` says how queries, keys and values are made."""

    def __init__(self, idiom, vocabulary=11, time=6, width=8, heads=2):
        super().__init__()
        self.idiom, self.heads = idiom, heads
        self.embed, self.place = nn.Embedding(vocabulary, width), nn.Parameter(torch.randn(time, width) * 0.1)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm, self.unembed = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.unembed.weight = self.embed.weight

    def forward(self, ids):
        h = self.embed(ids) + self.place
        b, t, c = h.shape
        if self.idiom == "packed":
            q, k, v = self.qkv(h).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        else:
            q, k, v = (part.view(b, t, self.heads, -1).transpose(1, 2) for part in self.qkv(h).split(c, dim=2))
        if self.idiom == "by hand":
            score = (q @ k.mT) * (c // self.heads) ** -0.5
            a = score.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), -torch.inf).softmax(-1) @ v
        elif self.idiom == "math":
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        elif self.idiom == "mask":
            mask = torch.ones(t, t, dtype=torch.bool).tril()
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.unembed(self.norm(h + self.out(a.transpose(1, 2).reshape(b, t, c))))


class SelfAttention(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights, self.attend, self.out = weights, nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 1)

    def forward(self, x):
        return self.out(self.attend(x, x, x, need_weights=self.weights)[0])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
        self.inner, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(4, 1)

    def forward(self, x):
        return self.out(self.inner(x))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerDecoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
        self.inner, self.out = nn.TransformerDecoder(layer, 1), nn.Linear(4, 1)

    def forward(self, x, memory):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.out(self.inner(x, memory, tgt_mask=mask, tgt_is_causal=True))


class WholeTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Transformer(4, 2, 1, 1, 8, dropout=0.0, batch_first=True)
        self.out = nn.Linear(4, 1)

    def forward(self, x, y):
        return self.out(self.inner(x, y))


class Recurrent(nn.Module):
    def __init__(self, kind, **settings):
        super().__init__()
        self.inner = kind(4, 6, batch_first=True, **settings)
        self.out = nn.Linear(6 * (2 if settings.get("bidirectional") else 1), 1)

    def forward(self, x):
        return self.out(self.inner(x)[0])


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.GRUCell(4, 6), nn.Linear(6, 1)

    def forward(self, x):
        h, out = torch.zeros(len(x), 6), []
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            out.append(self.out(h))
        return torch.stack(out, 1)


class Bag(nn.Module):
    def __init__(self, mode, sparse=False):
        super().__init__()
        self.bag, self.out = nn.EmbeddingBag(11, 4, mode=mode, sparse=sparse), nn.Linear(4, 3)

    def forward(self, ids):
        return self.out(self.bag(ids))


class Embedded(nn.Module):
    def __init__(self, sparse):
        super().__init__()
        self.embed, self.out = nn.Embedding(11, 4, sparse=sparse), nn.Linear(4, 3)

    def forward(self, ids):
        return self.out(self.embed(ids).mean(1))


class OldSquare(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad * ctx.saved_tensors[0]


class Body(nn.Module):
    """Two layers, and ``middle`` between them."""

    def __init__(self, middle):
        super().__init__()
        self.first, self.last, self.middle = nn.Linear(3, 8), nn.Linear(8, 1), middle

    def forward(self, x):
        return self.last(self.middle(self.first(x)))


def branch(h):
    return h.clamp(-100, 100) if h.abs().max() > 100 else h.tanh()


def looks(h):
    return h * (2.0 if h.abs().max().item() < 1e6 else 1.5)


def writes(h):
    out = torch.zeros(len(h), 8)
    out[:, :8] = h.tanh()
    return out


def ablates(h):
    h = h.tanh() * 1.0
    h.view(len(h), -1)[:, :3].zero_()
    return h


class Counting(nn.Module):
    """Buffers of all sorts, one counted up in forward and one, used in it, replaced."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 1)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.register_buffer("scale", torch.ones(8))
        self.register_buffer("order", torch.randperm(8), persistent=False)
        self.register_buffer("on", torch.arange(8) % 3 > 0)
        self.register_buffer("nothing", None)

    def forward(self, x):
        self.calls += 1
        out = self.last(torch.where(self.on, self.first(x).tanh(), 0)[:, self.order] * self.scale)
        self.scale = self.scale * 0.9
        return out


class CastsItself(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 1)

    def forward(self, x):
        return self.last(self.first(x.to(torch.bfloat16)).tanh())


class Keeps(nn.Module):
    """Keeps what it computed, as hooks and caches do."""

    def __init__(self):
        super().__init__()
        self.first, self.last, self.seen = nn.Linear(3, 8), nn.Linear(8, 1), []

    def forward(self, x):
        self.h = self.first(x).tanh()
        self.seen = [self.h]
        return self.last(self.h)


class GivesDict(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 1)

    def forward(self, x):
        return {"logits": self.inner(x), "loss": None}


class GivesLoss(nn.Module):
    """nanoGPT's way: logits and loss."""

    def __init__(self):
        super().__init__()
        self.inner = Attention("split")

    def forward(self, ids, targets=None):
        logits = self.inner(ids)
        return logits, None if targets is None else over_tokens(logits, targets)


class Forces(nn.Module):
    """The gradient of an energy, taken in forward."""

    def __init__(self):
        super().__init__()
        self.energy = mlp()

    def forward(self, x):
        x = x.detach().requires_grad_(True)
        return torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)[0]


class Packed(nn.Module):
    """Sequences of different lengths."""

    def __init__(self):
        super().__init__()
        self.inner, self.out = nn.GRU(4, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.out(self.inner(packed)[1][-1])


class Experts(nn.Module):
    """Each row goes to one of three layers."""

    def __init__(self):
        super().__init__()
        self.gate, self.experts = nn.Linear(3, 3), nn.ModuleList(nn.Linear(3, 1) for _ in range(3))

    def forward(self, x):
        share, chosen = self.gate(x).softmax(-1).max(-1)
        out = torch.zeros(len(x), 1)
        for k, expert in enumerate(self.experts):
            mine = chosen == k
            out[mine] = expert(x[mine]) * share[mine, None]
        return out


class StraightThrough(torch.autograd.Function):
    """In the new style, and without a rule for vmap."""

    @staticmethod
    def forward(x):
        return x.sign()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        return grad * (ctx.saved_tensors[0].abs() < 1)


class Filter(nn.Module):
    """A convolution by Fourier transform, its complex weights kept as real ones."""

    def __init__(self):
        super().__init__()
        self.weight, self.out = nn.Parameter(torch.randn(3, 2)), nn.Linear(4, 1)

    def forward(self, x):
        return self.out(torch.fft.irfft(torch.fft.rfft(x, n=4) * torch.view_as_complex(self.weight), n=4))


class Weighted(nn.Module):
    """A bag whose entries have weights."""

    def __init__(self):
        super().__init__()
        self.bag, self.out = nn.EmbeddingBag(11, 4, mode="sum"), nn.Linear(4, 3)

    def forward(self, ids, weights):
        return self.out(self.bag(ids, per_sample_weights=weights))


class Symmetric(nn.Module):
    def forward(self, w):
        return w.triu() + w.triu(1).T


def weighted_bag():
    ids, labels = classes()
    return Weighted(), (ids, torch.rand(ids.shape), labels), F.cross_entropy


def hooked():
    model = mlp()
    model[0].register_forward_hook(lambda module, inputs, output: output * 0.5)
    return model, vectors(), F.mse_loss


def symmetric():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    nn.utils.parametrize.register_parametrization(model[0], "weight", Symmetric())
    return model, vectors(), F.mse_loss


class Pair(NamedTuple):
    scores: torch.Tensor
    balance: torch.Tensor


class Balanced(nn.Module):
    """Scores, and a term of the loss."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 4)

    def forward(self, x):
        out = self.inner(x)
        return Pair(out, out.square().mean())


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 1), nn.Linear(2, 1)

    def forward(self, x, z):
        return self.a(x) * self.b(z)


def convolutional():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip
    x = torch.randn(N, 1, 8, 8)
    model(x)  # running statistics
    return model, (x, torch.randint(4, (N,))), F.cross_entropy


def mlp(dtype=None):
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).to(dtype)


def compiled_inside():
    model = mlp()
    model[1] = torch.compile(nn.Sequential(nn.Linear(8, 8), nn.Tanh()))
    return model, vectors(), F.mse_loss


def used_before():
    model = Keeps()
    model(vectors()[0])  # a tensor with its graph stays in it
    return model, vectors(), F.mse_loss


def transposed_tie():
    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 3, bias=False))
    model[2].weight = nn.Parameter(model[0].weight.data.T)
    x = vectors()[0]
    return model, (x, x), F.mse_loss


def used_twice():
    """One layer at two places, and its weight at a third."""
    layer, tied = nn.Linear(3, 3), nn.Linear(3, 3)
    tied.weight = layer.weight
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), tied, nn.Linear(3, 1)), vectors(), F.mse_loss


def flattened():
    """All parameters one behind the other in one storage, as cuDNN's and sharded training's are."""
    model = mlp()
    flat, start = torch.cat([p.detach().flatten() for p in model.parameters()]), 0
    for p in model.parameters():
        p.data = flat[start : start + p.numel()].view(p.shape)
        start += p.numel()
    return model, vectors(), F.mse_loss


class Rotary(nn.Module):
    """Rotates pairs of numbers by a complex buffer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        angle = torch.outer(torch.arange(6.0), torch.tensor([1.0, 0.1]))
        self.register_buffer("turn", torch.polar(torch.ones_like(angle), angle), persistent=False)

    def forward(self, x):
        pairs = torch.view_as_complex(self.inner(x).reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * self.turn).flatten(-2)


def pruned_and_normed():
    """Their weights are no parameters: hooks make them before each forward pass."""
    model = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(3, 8)), nn.Tanh(), nn.Linear(8, 1))
    prune.l1_unstructured(model[2], "weight", 0.5)
    model(vectors()[0])
    return model


def one_hot_loss(out, targets):
    return -(F.one_hot(targets, 3) * out.log_softmax(1)).sum(1).mean()


def classes():
    ids, _ = tokens()
    return ids, ids.sum(1) % 3


def hugging_face(kind, attention):
    transformers = pytest.importorskip("transformers")
    settings = dict(vocab_size=17, attn_implementation=attention, bos_token_id=0, eos_token_id=0)
    small = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    small |= dict(max_position_embeddings=8)
    if kind == "gpt2":
        config = transformers.GPT2Config(n_positions=8, n_embd=8, n_layer=1, n_head=2, **settings)
    elif kind == "llama":
        config = transformers.LlamaConfig(num_key_value_heads=1, **small, **settings)
    else:
        config = transformers.GPTNeoXConfig(**small, **settings)
    model = transformers.AutoModelForCausalLM.from_config(config)
    ids = torch.randint(17, (N, 6))
    return model.eval(), ids


def hugging_face_labels(kind, attention, masked):
    model, ids = hugging_face(kind, attention)
    labels = ids.clone()
    if masked:
        labels = torch.where(torch.arange(6) < torch.randint(2, 7, (N, 1)), ids, -100)
    return model, {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}, None


def hugging_face_logits(kind):
    model, ids = hugging_face(kind, "sdpa")
    return model, (ids, (ids * 3) % 17), over_tokens


ZOO = {
    **{f"attention, {how}": (lambda how=how: (Attention(how), tokens(), over_tokens))
       for how in ("split", "packed", "by hand", "math", "mask")},
    "multi-head attention": lambda: (SelfAttention(False), sequences(), F.mse_loss),
    "multi-head attention, weights": lambda: (SelfAttention(True), sequences(), F.mse_loss),
    "encoder": lambda: (Encoder(), sequences(), F.mse_loss),
    "decoder": lambda: (Decoder(), (torch.randn(N, 5, 4), torch.randn(N, 3, 4), torch.randn(N, 5, 1)), F.mse_loss),
    "transformer": lambda: (WholeTransformer(), (torch.randn(N, 5, 4), *sequences()), F.mse_loss),
    "lstm": lambda: (Recurrent(nn.LSTM), sequences(), F.mse_loss),
    "gru, both ways": lambda: (Recurrent(nn.GRU, bidirectional=True, num_layers=2), sequences(), F.mse_loss),
    "rnn": lambda: (Recurrent(nn.RNN), sequences(), F.mse_loss),
    "cell": lambda: (Cell(), sequences(), F.mse_loss),
    "bag": lambda: (Bag("sum"), classes(), F.cross_entropy),
    "bag, sparse": lambda: (Bag("mean", True), classes(), F.cross_entropy),
    "embedding, sparse": lambda: (Embedded(True), classes(), F.cross_entropy),
    "old function": lambda: (Body(OldSquare.apply), vectors(), F.mse_loss),
    "compiled": lambda: (torch.compile(mlp()), vectors(), F.mse_loss),
    "compiled inside": compiled_inside,
    "data parallel": lambda: (nn.DataParallel(mlp()), vectors(), F.mse_loss),
    "branch": lambda: (Body(branch), vectors(), F.mse_loss),
    "reads a number": lambda: (Body(looks), vectors(), F.mse_loss),
    "writes": lambda: (Body(writes), vectors(), F.mse_loss),
    "ablates": lambda: (Body(ablates), vectors(), F.mse_loss),
    "counting": lambda: (Counting(), vectors(), F.mse_loss),
    "keeps": lambda: (Keeps(), vectors(), F.mse_loss),
    "used before": used_before,
    "double": lambda: (mlp(torch.float64), tuple(x.double() for x in vectors()), F.mse_loss),
    "one hot": lambda: (Embedded(False), classes(), one_hot_loss),
    "convolutional": convolutional,
    "channels last": lambda: (nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(144, 1)).to(
        memory_format=torch.channels_last), (torch.randn(N, 2, 8, 8), torch.randn(N, 1)), F.mse_loss),
    "weight norm": lambda: (nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 8)), nn.Tanh(),
                            parametrizations.orthogonal(nn.Linear(8, 1))), vectors(), F.mse_loss),
    "spectral norm": lambda: (nn.Sequential(parametrizations.spectral_norm(nn.Linear(3, 8)), nn.Linear(8, 1)),
                              vectors(), F.mse_loss),
    "tied, transposed": transposed_tie,
    "scripted": lambda: (torch.jit.script(mlp()), vectors(), F.mse_loss),
    "gives a dict": lambda: (GivesDict(), vectors(), lambda out, y: F.mse_loss(out["logits"], y)),
    "gives its loss": lambda: (GivesLoss(), tokens(), None),
    "two inputs": lambda: (TwoInputs(), (vectors()[0], torch.randn(N, 2), torch.randn(N, 1)), F.mse_loss),
    "a dict": lambda: (TwoInputs(), {"y": torch.randn(N, 1), "z": torch.randn(N, 2), "x": vectors()[0]}, F.mse_loss),
    "autoencoder": lambda: (nn.Linear(3, 3), vectors()[0], F.mse_loss),
    **{f"{kind}, {attention}": (lambda kind=kind, attention=attention: hugging_face_labels(kind, attention, False))
       for kind in ("gpt2", "llama", "gpt_neox") for attention in ("sdpa", "eager")},
    "forces": lambda: (Forces(), (torch.randn(N, 3),) * 2, F.mse_loss),
    "packed": lambda: (Packed(), (sequences()[0], torch.arange(N) % 5 + 1, torch.randn(N, 1)), F.mse_loss),
    "experts": lambda: (Experts(), vectors(), F.mse_loss),
    "straight through": lambda: (Body(StraightThrough.apply), vectors(), F.mse_loss),
    "checkpointing, reentrant": lambda: (Body(lambda h: checkpoint(torch.tanh, h, use_reentrant=True)), vectors(),
                                         F.mse_loss),
    "checkpointing": lambda: (Body(lambda h: checkpoint(torch.tanh, h, use_reentrant=False)), vectors(), F.mse_loss),
    "fourier": lambda: (Filter(), vectors(), F.mse_loss),
    "bag, weighted": weighted_bag,
    "hooked": hooked,
    "symmetric": symmetric,
    "a named tuple": lambda: (Balanced(), (torch.randn(N, 3), torch.arange(N) % 4),
                              lambda out, y: F.cross_entropy(out.scores, y) + 0.1 * out.balance),
    "gpt2, logits": lambda: hugging_face_logits("gpt2"),
    "used twice": used_twice,
    "flattened": flattened,
    "rotary": lambda: (Rotary(), (torch.randn(N, 6, 4), torch.randn(N, 6, 4)), F.mse_loss),
    "hooks set the weight": lambda: (pruned_and_normed(), vectors(), F.mse_loss),
}  # fmt: skip

# vmap cannot batch these; they run chain by chain
UNBATCHED = {"old function", "branch", "reads a number", "writes", "scripted", "one hot"}
UNBATCHED |= {"forces", "packed", "experts", "straight through", "checkpointing", "fourier"}
UNBATCHED |= {"checkpointing, reentrant"}
UNBATCHED |= {f"{kind}, sdpa" for kind in ("gpt2", "llama", "gpt_neox")}  # its mask is looked into


def made(name):
    """The model, data and loss of ``name``, the same at each call; the model is in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, data, loss = ZOO[name]()
    return model.eval(), data, loss


def own_loss(model, data, loss):
    """The loss as the user computes it, on all the data."""
    if isinstance(data, dict):
        if loss is None:
            return model(**data).loss
        return loss(model(data["x"], data["z"]), data["y"])
    if isinstance(data, torch.Tensor):
        return loss(model(data), data)
    if loss is None:
        return model(*data)[1]
    out = model(*data[:-1])
    return loss(getattr(out, "logits", out), data[-1])
