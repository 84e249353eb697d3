"""The networks and worlds that any lesson may take apart."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from sltcourse.llc import LocalPosterior
from sltcourse.zoo import (
    COPIER_STEPS,
    LANGUAGE,
    AttentionOnly,
    CopyLanguage,
    copier,
    entropy,
    induction_scores,
    new_copier,
    next_symbol_loss,
    previous_scores,
    texts,
    train,
)

TINY = CopyLanguage(plain=2, names=2, length=4, rate=0.6, spread=1.0, skew=0.5)


def every_text(language):
    """All texts of a small language, each with its chance: what the definition says, name by name, symbol by symbol."""
    found = {}
    for follower in product(range(language.plain), repeat=language.names):
        for text in product(range(language.vocabulary), repeat=language.length + 1):
            chance = language.unigram[text[0]] / language.plain**language.names
            for now, then in pairwise(text):
                if now >= language.plain:
                    chance *= then == follower[now - language.plain]
                elif then >= language.plain:
                    chance *= language.rate * language.often[then - language.plain]
                else:
                    chance *= (1 - language.rate) * language.follow[now, then]
            if chance:
                found[text] = found.get(text, 0) + chance
    return np.array(list(found)), np.array(list(found.values()))


def conditional_entropy(texts, chances, seen):
    """H(the last symbol | what ``seen`` tells of the ones before) in nats, by enumeration."""
    groups, pairs = {}, {}
    for text, chance in zip(texts, chances, strict=True):
        key = seen(tuple(text[:-1]))
        groups[key] = groups.get(key, 0) + chance
        pairs[key, text[-1]] = pairs.get((key, text[-1]), 0) + chance
    return -sum(p * np.log(p / groups[key]) for (key, _), p in pairs.items())


def mean_entropy(seen):
    """The mean of ``conditional_entropy`` over the places of a tiny text."""
    texts, chances = every_text(TINY)
    assert chances.sum() == pytest.approx(1)
    return np.mean([conditional_entropy(texts[:, : t + 2], chances, seen) for t in range(TINY.length)])


def test_the_lines_are_those_of_enumeration():
    assert TINY.lines["uniform"] == pytest.approx(np.log(4))
    assert TINY.lines["unigram"] == pytest.approx(mean_entropy(lambda before: 0))
    assert TINY.lines["bigram"] == pytest.approx(mean_entropy(lambda before: before[-1]))
    assert TINY.lines["Bayes"] == pytest.approx(mean_entropy(lambda before: before))


def test_the_shares_of_the_kinds_are_those_of_enumeration():
    texts, chances = every_text(TINY)
    kinds = TINY.kinds(texts)
    assert TINY.share == pytest.approx([chances @ (kinds == k).mean(1) for k in range(3)])


def test_bayes_says_what_enumeration_says():
    texts, chances = every_text(TINY)
    said = TINY.bayes(texts)
    for pick in (0, 7, len(texts) // 2, len(texts) - 1):
        for t in range(TINY.length):
            same = (texts[:, : t + 1] == texts[pick, : t + 1]).all(1)
            wanted = np.bincount(texts[same, t + 1], chances[same], minlength=4) / chances[same].sum()
            assert said[pick, t] == pytest.approx(wanted)


def test_texts_follow_the_language():
    read, said = texts(4000, seed=3)
    both = np.concatenate([read.numpy(), said[:, -1:].numpy()], 1)
    counts = np.bincount(both.ravel(), minlength=32) / both.size
    assert np.abs(counts - LANGUAGE.unigram).max() < 0.003
    kinds = LANGUAGE.kinds(both)
    assert [(kinds == k).mean() for k in range(3)] == pytest.approx(LANGUAGE.share, abs=0.003)
    loss = -np.log(np.take_along_axis(LANGUAGE.bayes(both), both[:, 1:, None], 2))
    assert loss.mean() == pytest.approx(LANGUAGE.lines["Bayes"], abs=4 * loss.mean((1, 2)).std() / 4000**0.5)


def test_entropy():
    assert entropy(np.array([[0.5, 0.5], [1.0, 0.0]])) == pytest.approx([np.log(2), 0])


# ---- the network -----------------------------------------------------------------------------------------------------


def test_attention_looks_back_alone_and_sums_to_one():
    model, (read, _) = new_copier(), texts(3)
    attention = model.attention(read)
    assert attention.shape == (2, 3, 4, 64, 64) and torch.allclose(attention.sum(-1), torch.ones(()))
    assert attention.triu(1).abs().max() == 0


def test_what_comes_later_changes_nothing_before():
    model, (read, _) = copier(), texts(2)
    other = read.clone()
    other[:, 40:] = 0
    assert torch.allclose(model(read)[:, :40], model(other)[:, :40], atol=1e-5)
    assert not torch.allclose(model(read)[:, 40:], model(other)[:, 40:], atol=0.1)


def test_a_long_text_and_a_wrong_width_are_told():
    with pytest.raises(ValueError, match="65 symbols do not fit"):
        new_copier()(torch.zeros(1, 65, dtype=torch.long))
    with pytest.raises(ValueError, match="no multiple of heads"):
        AttentionOnly(8, width=10, heads=4)
    with pytest.raises(ValueError, match=r"no head 2\.0"):
        new_copier().head_mask(2, 0)
    with pytest.raises(ValueError, match="was not kept"):
        copier(7)


def test_a_mask_picks_one_head():
    model, (read, said) = new_copier(), texts(8)
    mask = model.head_mask(1, 2)
    size = 3 * 32 * 8 + 8 * 32 + 64
    assert sum(int(m.sum()) for m in mask.values()) == size
    assert LocalPosterior(model, (read, said), next_symbol_loss, mask=mask).dim == size
    before = model.attention(read)
    with torch.no_grad():
        for name, chosen in mask.items():
            model.get_parameter(name)[chosen] += torch.randn(int(chosen.sum()))
    after = model.attention(read)
    assert torch.equal(after[1, :, [0, 1, 3]], before[1, :, [0, 1, 3]])
    assert not torch.allclose(after[1, :, 2], before[1, :, 2])


def test_a_constructed_induction_head_scores_one():
    read = texts(4, seed=5)[0]
    attention = torch.zeros(1, 4, 2, 64, 64)
    for text in range(4):
        for t in range(64):
            earlier = (read[text, :t] == read[text, t]).nonzero().flatten()
            attention[0, text, 0, t, earlier[-1] + 1 if len(earlier) else 0] = 1
            attention[0, text, 1, t, max(t - 1, 0)] = 1
    assert induction_scores(attention, read)[0, 0] == pytest.approx(1)
    assert induction_scores(attention, read)[0, 1] < 0.2
    assert previous_scores(attention)[0, 1] == pytest.approx(1)
    assert previous_scores(attention)[0, 0] < 0.2
    with pytest.raises(ValueError, match="no symbol comes twice"):
        induction_scores(attention[..., :2, :2], torch.tensor([[0, 1]] * 4))


def test_training_lowers_the_loss():
    model, seen = new_copier(), []
    train(model, lambda step: texts(16, step), next_symbol_loss, range(30), 5e-3, look=seen.append)
    assert seen == list(range(30))
    with torch.no_grad():
        assert next_symbol_loss(model(texts(64, 99)[0]), texts(64, 99)[1]) < 3.6


def test_the_kept_copier_knows_the_language():
    read, said = texts(400, seed=8)
    kind = torch.from_numpy(LANGUAGE.kinds(np.concatenate([read.numpy(), said[:, -1:].numpy()], 1)))
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(copier()(read).transpose(1, 2), said, reduction="none")
    assert loss.mean() == pytest.approx(LANGUAGE.lines["Bayes"], abs=0.04)
    assert loss[kind == 2].mean() < 0.1
    assert induction_scores(copier().attention(read), read, kind == 2).max() > 0.8
    assert sorted(COPIER_STEPS) == list(COPIER_STEPS)
