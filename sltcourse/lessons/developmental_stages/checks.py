"""The checks of lesson 10: what each exercise replies."""

from typing import Any

import numpy as np

from sltcourse.kit.checks import Case, Checks
from sltcourse.lessons.developmental_stages import ours
from sltcourse.zoo import LANGUAGE

check = Checks("10_developmental_stages")

# ---- the bigram line -------------------------------------------------------------------------------------------------

_coin = np.array([[0.0, 1.0], [0.5, 0.5]])


def _unweighted(table, unigram):
    logs = np.log(np.where(table > 0, table, 1))
    return -(table * logs).sum(1).mean()


def _sum_of_rows(table, unigram):
    return len(table) * _unweighted(table, unigram)


def _in_bits(table, unigram):
    return ours.bigram_loss(table, unigram) / np.log(2)


def _negative(table, unigram):
    return -ours.bigram_loss(table, unigram)


def _of_unigram(table, unigram):
    return -(unigram * np.log(unigram)).sum()


@check.writing(
    "Each row has its own entropy; how often the row is asked weighs it.",
    ours=ours.bigram_loss,
    cases=[
        Case("two symbols, one of them a fair coin", (_coin, np.array([1 / 3, 2 / 3])), 2 / 3 * np.log(2)),
        Case("three symbols that follow each other in a circle", (np.roll(np.eye(3), 1, 1), np.full(3, 1 / 3)), 0.0),
        Case("the language of this section", (LANGUAGE.bigram, LANGUAGE.unigram)),
    ],
    common={
        _unweighted: "That weighs all rows alike. A row counts as often as its symbol comes.",
        _sum_of_rows: "That adds the rows up. Weigh each with how often its symbol comes.",
        _in_bits: "That is in bits. We count in nats: take the natural logarithm.",
        _negative: "The sign: a loss is minus the logarithm of a chance, and never negative.",
        _of_unigram: "That is the unigram line. The table of what follows is not used yet.",
    },
)
def bigram_loss(function: Any) -> str | None:
    """The bigram line: ``ours.bigram_loss``."""


# ---- the score of a head ---------------------------------------------------------------------------------------------

TEXT = np.array([4, 1, 4, 2, 4])


def looking_at(*where: int) -> np.ndarray:
    """(T, T): the attention of a head whose place t looks at ``where[t]`` alone."""
    return np.eye(len(where))[list(where)]


def _to_the_symbol(attention, text):
    shares = [attention[t, np.flatnonzero(text[:t] == text[t])].sum() for t in range(len(text)) if text[t] in text[:t]]
    return np.mean(shares) if shares else np.nan


def _all_places(attention, text):
    shares = [attention[t, np.flatnonzero(text[:t] == text[t]) + 1].sum() for t in range(len(text))]
    return np.mean(shares)


def _last_alone(attention, text):
    shares = []
    for t in range(len(text)):
        earlier = np.flatnonzero(text[:t] == text[t])
        if len(earlier):
            shares.append(attention[t, earlier[-1] + 1])
    return np.mean(shares) if shares else np.nan


def _transposed(attention, text):
    return ours.induction_score(attention.T, text)


_random = np.random.default_rng(3)
_tril = np.tril(_random.random((12, 12))) + 1e-9 * np.eye(12)


@check.writing(
    "A head of score 1 finds the last time it saw this, and looks at what came then.",
    ours=ours.induction_score,
    cases=[
        Case("a perfect induction head", (looking_at(0, 0, 1, 2, 3), TEXT), 1.0),
        Case("a head that looks at the same symbol earlier", (looking_at(0, 0, 0, 0, 2), TEXT), 0.0),
        Case("attention spread over all places so far",
             (np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None], TEXT), (1 / 3 + 2 / 5) / 2),
        Case("a text of twelve, from four symbols",
             (_tril / _tril.sum(1, keepdims=True), _random.integers(4, size=12))),
    ],
    common={
        _to_the_symbol: "That is the attention to the same symbol. Wanted is the place right behind it.",
        _all_places: "The mean is over the places whose symbol was there before; the others cannot be asked.",
        _last_alone: "There may be several earlier occurrences: count the places behind all of them.",
        _transposed: "Row t is who place t looks at: attention[t, j], not attention[j, t].",
    },
)  # fmt: skip
def induction_score(function: Any) -> str | None:
    """The induction score of a head: ``ours.induction_score``."""


# ---- two rules for one question --------------------------------------------------------------------------------------

_x, _y = _random.normal(size=(5, 2)), _random.normal(size=5)
_one = np.array([[1.0]]), np.array([2.0]), np.array([3.0])


def _least_squares(x, y, x_new, noise):
    return float(np.linalg.pinv(x) @ y @ x_new)


def _noise_forgotten(x, y, x_new, noise):
    return ours.ridge(x, y, x_new, 1.0)


def _noise_squared(x, y, x_new, noise):
    return ours.ridge(x, y, x_new, noise**2)


@check.writing(
    "With no pairs it says 0, with many it says what least squares says.",
    ours=ours.ridge,
    cases=[
        Case("one pair, x = 1, y = 2, noise 1: half of it is believed", (*_one, 1.0), 3.0),
        Case("no pairs yet", (np.zeros((0, 2)), np.zeros(0), np.ones(2), 0.125), 0.0),
        Case("five pairs in two dimensions", (_x, _y, np.array([1.0, -2.0]), 0.125)),
    ],
    common={
        _least_squares: "That is least squares: the prior N(0, 1) adds noise · identity to xᵀx.",
        _noise_forgotten: "That has 1 in place of the noise's variance.",
        _noise_squared: "noise is the variance already: do not square it.",
    },
)
def ridge(function: Any) -> str | None:
    """The Bayes predictor for normal tasks: ``ours.ridge``."""


def _nearest(x, y, x_new, noise, tasks):
    return float(tasks[((y[:, None] - x @ tasks.T) ** 2).sum(0).argmin()] @ x_new)


def _no_half(x, y, x_new, noise, tasks):
    return ours.dmmse(x, y, x_new, noise / 2, tasks)


def _no_pairs(x, y, x_new, noise, tasks):
    return float((tasks @ x_new).mean())


_tasks = _random.normal(size=(6, 2))


@check.writing(
    "The same Bayes, with a list of tasks in place of all of them.",
    ours=ours.dmmse,
    cases=[
        Case("one task: no doubt", (_x, _y, np.array([1.0, 1.0]), 0.125, np.array([[2.0, -1.0]])), 1.0),
        Case("no pairs yet: the mean over the tasks",
             (np.zeros((0, 2)), np.zeros(0), np.ones(2), 0.125, np.array([[1.0, 0.0], [0.0, 3.0]])), 2.0),
        Case("five pairs, six tasks", (_x, _y, np.array([1.0, -2.0]), 0.5, _tasks)),
        Case("pairs that fit no task at all", (_x, _y + 100, np.array([1.0, -2.0]), 0.01, _tasks)),
    ],
    common={
        _nearest: "That picks the best task. Weigh all of them by their chance.",
        _no_half: "The exponent of a normal density has a ½: − misfit / (2 noise).",
        _no_pairs: "That does not look at the pairs.",
    },
)  # fmt: skip
def dmmse(function: Any) -> str | None:
    """The Bayes predictor for a list of tasks: ``ours.dmmse``."""


# ---- two estimates ---------------------------------------------------------------------------------------------------


def _errors_added(a, b):
    return (a[0] - b[0]) / (a[1] + b[1])


def _one_error(a, b):
    return (a[0] - b[0]) / a[1]


@check.writing(
    "Independent errors add in squares.",
    ours=ours.apart,
    cases=[
        Case("5 ± 3 and 0 ± 4", ((5.0, 3.0), (0.0, 4.0)), 1.0),
        Case("the same twice", ((2.0, 0.1), (2.0, 0.1)), 0.0),
        Case("the second is larger", ((1.0, 0.2), (3.0, 0.5))),
    ],
    common={
        _errors_added: "Errors of independent estimates add in squares: √(a² + b²).",
        _one_error: "Both estimates have an error.",
        lambda a, b: abs(ours.apart(a, b)): "Keep the sign: negative where the second is larger.",
    },
)
def apart(function: Any) -> str | None:
    """By how many of its standard errors the first of two estimates lies above the second: ``ours.apart``."""
