"""Remakes the lesson's assets: ``python -m sltcourse.lessons.developmental_stages.make NAME [SMALLER]``.

NAME is ``copier`` (the network of the synthetic language, 1 minute of one CPU core), ``second`` (another one, 1),
``regression`` (the curve over task diversity, 6), ``tokens`` (the Python sources of this machine, 1; needs
``tokenizers``, the extra "make"), ``python`` (a network that reads them, 3), ``along`` (λ̂ of the copier along training,
5), ``springs`` (the same at other γ, 12) or ``heads`` (λ̂ of its heads, 3). A second number, 2 to 10, makes a version
that many times shorter, into the folder ``smaller``.

Every run keeps what it has in a file that ends in ``.part.npz``; stopped, it goes on from there.
"""

import json
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sltcourse.kit import assets
from sltcourse.lessons.developmental_stages import kept, models, ours
from sltcourse.lessons.developmental_stages.kept import (
    HEAD_STEPS,
    HEADS,
    LLC_SETTINGS,
    SPRINGS,
)
from sltcourse.llc import SGLD, estimate_llc
from sltcourse.llc.errors import summary
from sltcourse.llc.verdict import LEVELS
from sltcourse.progress import progress
from sltcourse.zoo import (
    COPIER_STEPS,
    LANGUAGE,
    copier,
    induction_scores,
    new_copier,
    next_symbol_loss,
    previous_scores,
    texts,
)

FOLDER = "developmental_stages"


class Part:
    """What a run has so far: arrays by name in a file beside the asset, and the state of a network and its Adam."""

    def __init__(self, file: Path) -> None:
        self.file = file.with_suffix(".part.npz")
        self.found: dict[str, np.ndarray] = {}
        if self.file.is_file():
            with np.load(self.file) as kept_file:
                self.found = {name: kept_file[name] for name in kept_file.files}

    def keep(self, **arrays: Any) -> None:
        """Write these down, beside what was there."""
        self.found |= {name: np.asarray(value) for name, value in arrays.items()}
        np.savez(self.file, **self.found)  # type: ignore[arg-type]

    def done(self) -> None:
        """The run has come to its end."""
        self.file.unlink(missing_ok=True)


def distance(chances: Tensor, logits: Tensor) -> Tensor:
    """KL(chances ‖ softmax(logits)) in nats, the mean over all but the last axis; both (…, vocabulary)."""
    return (torch.special.entr(chances).neg() - chances * logits.log_softmax(-1)).sum(-1).mean()


def trained(
    model: torch.nn.Module,
    batch_of: Callable[[int], tuple[Tensor, Tensor]],
    lr: float,
    look: Callable[[int], dict[str, Any]],
    at: tuple[int, ...],
    part: Part,
) -> dict[str, np.ndarray]:
    """Adam up to the last step of ``at``; what ``look(step)`` returns at each, stacked. Goes on where ``part`` ended.

    The rate rises over 50 steps and falls over the last fifth; the batch of a step depends on the step alone.
    """
    steps, weights = at[-1], dict(model.named_parameters())
    moments = {f"{kind}:{name}": torch.zeros_like(w) for kind in ("mean", "square") for name, w in weights.items()}
    first, rows = int(part.found.get("next", 0)), []
    if first:
        for name, w in {**weights, **moments}.items():
            w.data.copy_(torch.from_numpy(part.found[f"state:{name}"]))
        count = sum(step < first for step in at)
        stacked = {name[5:]: value for name, value in part.found.items() if name.startswith("seen:")}
        rows = [{name: value[i] for name, value in stacked.items()} for i in range(count)]
    for step in progress(range(first, steps + 1), "training"):
        if step in at and len(rows) < sum(s <= step for s in at):
            with torch.no_grad():
                rows.append({name: torch.as_tensor(value).cpu().numpy().copy() for name, value in look(step).items()})
        if step % 250 == 0 and step:
            seen = {f"seen:{name}": np.stack([row[name] for row in rows]) for name in rows[0]}
            part.keep(**{"next": step}, **seen,
                      **{f"state:{name}": w.detach().cpu() for name, w in {**weights, **moments}.items()})  # fmt: skip
        if step == steps:
            break
        rate = lr * min(1.0, (step + 1) / 50, (steps - step) / (steps / 5))
        x, y = batch_of(step)
        grads = torch.autograd.grad(next_symbol_loss(model(x), y), list(weights.values()))
        with torch.no_grad():
            for (name, w), g in zip(weights.items(), grads, strict=True):
                m, v = moments[f"mean:{name}"], moments[f"square:{name}"]
                m.lerp_(g, 0.1)
                v.lerp_(g * g, 0.001)
                w -= rate * (m / (1 - 0.9 ** (step + 1))) / ((v / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def make_copier(part: Part, smaller: int, seed: int = 0) -> dict[str, np.ndarray]:
    """The copier's weights at ``COPIER_STEPS``, and what it can do at each: losses by kind, scores of the heads."""
    model, (read, said) = new_copier(seed), texts(512, seed=10**6)
    kind = torch.from_numpy(LANGUAGE.kinds(torch.cat([read, said[:, -1:]], 1).numpy()))
    chances = torch.from_numpy(LANGUAGE.bigram).float()[read]

    def look(step: int) -> dict[str, Any]:
        logits = model(read)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), said.flatten(), reduction="none").view_as(read)
        attention = model.attention(read)
        text_means = loss.mean(1)
        if step % 100 == 0:
            print(step, f"{loss.mean():.3f}", [f"{loss[kind == k].mean():.3f}" for k in range(3)], flush=True)
        return {
            **{name: w.detach().clone() for name, w in model.state_dict().items()},
            "loss": loss.mean(), "loss_error": text_means.std() / len(text_means) ** 0.5,
            "by_kind": np.array([loss[kind == k].mean() for k in range(3)]), "to_bigram": distance(chances, logits),
            "previous": previous_scores(attention), "induction": induction_scores(attention, read, kind == 2),
        }  # fmt: skip

    def batch_of(step: int) -> tuple[Tensor, Tensor]:
        return texts(32, seed=step + 10**8 * seed)

    at = tuple(step // smaller for step in COPIER_STEPS)
    return trained(model, batch_of, 5e-3, look, at, part)


def make_second(part: Part, smaller: int) -> dict[str, np.ndarray]:
    """A copier from another start and on other texts, at the end of its training; the rest as in ``make_copier``."""
    return {name: value[-1] for name, value in make_copier(part, smaller, seed=1).items()}


def make_regression(part: Part, smaller: int) -> dict[str, np.ndarray]:
    """Over task diversity M: mean squared distance to ridge and to dMMSE on fresh tasks, along training."""
    x, y, ridge = models.probe()
    inputs = torch.from_numpy(x).float(), torch.from_numpy(y).float()
    out: dict[str, np.ndarray] = {"diversity": np.array(models.DIVERSITIES)}
    runs = [(str(m), m, 1600 // smaller) for m in models.DIVERSITIES] + [("long", 16, 8000 // smaller)]
    for name, diversity, steps in progress(runs, "networks"):
        if f"rows_{name}" not in part.found:
            known = models.tasks(diversity)
            dmmse = ours.along(ours.dmmse, x, y, models.NOISE, known) if diversity != models.ALL else ridge
            rows, model = [], models.new_regressor()

            def look(step: int, model=model, rows=rows, dmmse=dmmse, steps=steps) -> None:
                if step % (steps // 40) == 0 or step == steps:
                    with torch.no_grad():
                        f = model(*inputs).numpy()
                    away = [((f - one) ** 2).mean(1) for one in (ridge, dmmse)]
                    rows.append([step, *(a.mean() for a in away), *(a.std(ddof=1) / len(a) ** 0.5 for a in away)])

            models.train_regressor(model, diversity, range(steps), look)
            look(steps)
            part.keep(**{f"rows_{name}": np.array(rows)})
            print(name, np.round(rows[-1], 3), flush=True)
        out[f"rows_{name}"] = part.found[f"rows_{name}"]
    return out


def make_tokens(part: Part, smaller: int) -> dict[str, np.ndarray]:
    """The standard library's sources as tokens of a byte-pair code of 512 that is trained on them."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
    from tokenizers import models as codes

    folder = Path(sysconfig.get_paths()["stdlib"])
    files = [f for f in sorted(folder.rglob("*.py")) if not {"test", "tests", "site-packages", "idlelib", "lib2to3",
             "pydoc_data", "encodings"} & set(f.relative_to(folder).parts)]  # fmt: skip
    sources = [f.read_text(encoding="utf-8", errors="replace") for f in files]
    code = Tokenizer(codes.BPE())
    code.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    code.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    code.train_from_iterator(sources, trainers.BpeTrainer(vocab_size=512, initial_alphabet=alphabet,
                                                          show_progress=False))  # fmt: skip
    order = np.random.default_rng(0).permutation(len(sources))
    row = np.concatenate([np.array(code.encode(sources[i]).ids, dtype=np.uint16) for i in order])
    count = 1_500_000 // smaller
    print(len(files), "files", len(row), "tokens", flush=True)
    pieces = np.array([code.decode([i]) for i in range(512)])
    test = row[count : count + 60_000]
    return {"train": row[:count], "test": test, "pieces": pieces, "python": np.array(sys.version.split()[0])}


def make_python(
    part: Part, smaller: int, size: models.Size = models.KEPT, device: str = "cpu"
) -> dict[str, np.ndarray]:
    """A network that reads Python: its loss, distances from n-grams and head scores along training."""
    kept_tokens = kept.asset("tokens")
    train, test_row = kept_tokens["train"], kept_tokens["test"]
    single, pairs = models.ngram_tables(train, 512)
    test = models.windows(test_row, size.tests, np.random.default_rng(0), size.context)
    read, said = (torch.from_numpy(tokens).to(device) for tokens in (test[:, :-1], test[:, 1:]))
    chances = {"unigram": torch.from_numpy(single).float().to(device).expand(*read.shape, -1),
               "bigram": torch.from_numpy(pairs).float().to(device)[read]}  # fmt: skip
    half = size.context // 2
    random = torch.randint(512, (size.tests // 2, half), generator=torch.Generator().manual_seed(0))
    random = random.repeat(1, 2).to(device)
    again = read[:, :half].repeat(1, 2)
    model = models.new_reader(size).to(device)

    def look(step: int) -> dict[str, Any]:
        logits = model(read)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), said.flatten(), reduction="none").view_as(read)
        twice = model(again)[:, half:-1].transpose(1, 2)
        once = model(again)[:, : half - 1].transpose(1, 2)
        target = again[:, 1:half]
        gain = torch.nn.functional.cross_entropy(once, target) - torch.nn.functional.cross_entropy(twice, target)
        away = {f"to_{name}": distance(p, logits) for name, p in chances.items()}
        means = loss.mean(1)
        seen = {"loss": loss.mean(), "loss_error": means.std() / len(means) ** 0.5, **away, "gain": gain,
                "previous": previous_scores(model.attention(read)),
                "induction": induction_scores(model.attention(random), random)}  # fmt: skip
        if step % 500 == 0:
            shown = {name: np.round(torch.as_tensor(v).cpu().numpy(), 3).tolist() for name, v in seen.items()}
            print(step, shown, flush=True)
        return seen

    def batch_of(step: int) -> tuple[Tensor, Tensor]:
        both = torch.from_numpy(models.windows(train, size.batch, np.random.default_rng(step), size.context)).to(device)
        return both[:, :-1], both[:, 1:]

    at = tuple(step // smaller for step in size.steps)
    out = trained(model, batch_of, 5e-3, look, at, part)
    flat = test.reshape(len(test), -1)
    lines = [np.log(512), -np.log(single[flat[:, 1:]]).mean(), -np.log(pairs[flat[:, :-1], flat[:, 1:]]).mean(),
             models.trigram_loss(train, flat, pairs)]  # fmt: skip
    weights = {f"weights.{name}": w.cpu().numpy().astype(np.float16) for name, w in model.state_dict().items()}
    return out | {"lines": np.array(lines)} | weights


def llc_row(step: int, spring: float, lr: float, smaller: int) -> np.ndarray:
    """λ̂ of the copier after ``step`` steps, as ``kept.COLUMNS``, with the rest of ``LLC_SETTINGS``."""
    chosen, data = LLC_SETTINGS, texts(LLC_SETTINGS["texts"], seed=2 * 10**6)
    run = estimate_llc(
        copier(step), data, next_symbol_loss, sampler=SGLD(lr=lr), num_chains=4,
        num_draws=chosen["draws"] // smaller, num_burnin_steps=chosen["burnin"], batch_size=chosen["batch"],
        nbeta=chosen["nbeta"], localization=spring, seed=0,
    )  # fmt: skip
    curved = summary(run.nbeta * (run.loss_trace - run.init_loss) - run.draws.tilt.values)
    row = [run.llc, run.std_error, run.tilt, curved.mean, curved.std_error, run.rhat, run.ess,
           run.equipartition, run.step_bias, LEVELS.index(run.verdict.word), run.init_loss]  # fmt: skip
    print(step, spring, np.round(row, 3).tolist(), run.verdict, flush=True)
    return np.array(row)


def make_along(part: Part, smaller: int) -> dict[str, np.ndarray]:
    """λ̂ of the copier at the steps of ``LLC_SETTINGS``, (steps, columns): see ``kept.COLUMNS``."""
    chosen = LLC_SETTINGS
    for step in progress(sorted(chosen["steps"], key=lambda s: (s not in (500, 2000), -s)), "λ̂"):
        if f"row_{step}" not in part.found:
            part.keep(**{f"row_{step}": llc_row(step, chosen["spring"], chosen["lr"], smaller)})
    return {"rows": np.stack([part.found[f"row_{step}"] for step in chosen["steps"]])}


def make_springs(part: Part, smaller: int) -> dict[str, np.ndarray]:
    """The same at the other γ of ``SPRINGS``, each with its step: (springs, steps, columns)."""
    steps = LLC_SETTINGS["steps"]
    for spring, lr in progress(SPRINGS.items(), "γ"):
        for step in sorted(steps, key=lambda s: (s not in (500, 700, 2000), -s)):
            if f"row_{spring:g}_{step}" not in part.found:
                part.keep(**{f"row_{spring:g}_{step}": llc_row(step, spring, lr, smaller)})
    return {"rows": np.stack([[part.found[f"row_{spring:g}_{step}"] for step in steps] for spring in SPRINGS])}


def make_heads(part: Part, smaller: int) -> dict[str, np.ndarray]:
    """Losses at draws around w* of each head alone: (steps, 8 heads, 2, 1 + draws, 4), see ``models.head_draws``."""
    data = texts(HEADS["texts"], seed=3 * 10**6)
    for step in progress(HEAD_STEPS, "steps"):
        if f"losses_{step}" not in part.found:
            heads = [(layer, head) for layer in (0, 1) for head in range(4)]
            rows = [models.head_draws(copier(step), head, data, HEADS["spring"], HEADS["draws"] // smaller)
                    for head in heads]  # fmt: skip
            part.keep(**{f"losses_{step}": np.stack(rows)})
            print(
                step,
                [[np.round(pair, 2).tolist() for pair in models.weighted_llc(row, HEADS["nbeta"])] for row in rows],
                flush=True,
            )
    return {"losses": np.stack([part.found[f"losses_{step}"] for step in HEAD_STEPS])}


MAKERS = {
    "copier": make_copier,
    "regression": make_regression,
    "tokens": make_tokens,
    "python": make_python,
    "along": make_along,
    "springs": make_springs,
    "heads": make_heads,
    "second": make_second,
}


def main(arguments: list[str]) -> None:
    """``python -m sltcourse.lessons.developmental_stages.make NAME [SMALLER]`` remakes an asset, one of MAKERS."""
    known = len(arguments) in (1, 2) and arguments[0] in MAKERS
    if not known or not all(a.isdigit() and 1 <= int(a) <= 10 for a in arguments[1:]):
        sys.exit(f"usage: python -m sltcourse.lessons.developmental_stages.make {'|'.join(MAKERS)} [SMALLER]")
    name, smaller = arguments[0], int(arguments[1]) if len(arguments) > 1 else 1
    torch.set_num_threads(1)
    folder = assets.folder() / FOLDER if smaller == 1 else Path("smaller")
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.npz"
    part = Part(file)
    results = MAKERS[name](part, smaller)
    np.savez_compressed(file, **{k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in results.items()})
    part.done()
    if smaller == 1:
        assets.record(f"{FOLDER}/{name}.npz", f"python -m sltcourse.lessons.developmental_stages.make {name}",
                      "CPU, 1 thread")  # fmt: skip
    print(json.dumps({k: list(v.shape) for k, v in results.items()})[:300])


if __name__ == "__main__":
    main(sys.argv[1:])
