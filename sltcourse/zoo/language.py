"""A synthetic language whose every stage of learning has an exact loss (after Bietti et al. 2023, arXiv:2306.00802)."""

from dataclasses import dataclass
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase

import numpy as np


@dataclass(frozen=True)
class CopyLanguage:
    """``plain`` ordinary symbols, and ``names`` symbols whose follower is drawn anew in every text.

    The ordinary symbols are 0 … plain − 1, the names come behind. After an ordinary symbol comes a name with
    probability ``rate``, any of them alike, else an ordinary one by the row of ``follow``. Before a text begins, each
    name gets one ordinary symbol, all alike; in this text that symbol follows it, always. So a name that was seen
    before can be completed by who remembers, and one that was not costs log(plain) nats.

    A name comes after a name never, and which name comes depends on nothing. Therefore the chances below are exact.
    """

    plain: int = 16
    names: int = 16
    length: int = 64
    rate: float = 0.7
    spread: float = 0.1  # of the Dirichlet rows of ``follow``: small means that few symbols follow
    skew: float = 0.7  # the k-th name is as frequent as k^−skew
    seed: int = 0

    @property
    def vocabulary(self) -> int:
        """The number of symbols."""
        return self.plain + self.names

    @property
    def letters(self) -> str:
        """How the symbols are written: ordinary ones small, a, b, c, …; names large, A, B, C, …"""
        return ascii_lowercase[: self.plain] + ascii_uppercase[: self.names]

    def written(self, symbols: np.ndarray) -> str:
        """A row of symbols as letters."""
        return "".join(self.letters[s] for s in symbols)

    def read(self, text: str) -> np.ndarray:
        """The symbols of letters; ValueError for a letter that the language has not, or for none at all."""
        unknown = sorted(set(text) - set(self.letters))
        if unknown or not text:
            raise ValueError(f"a text is written in the letters {self.letters}, and this has {unknown or 'none'}")
        return np.array([self.letters.index(letter) for letter in text])

    @cached_property
    def follow(self) -> np.ndarray:
        """(plain, plain): which ordinary symbol follows an ordinary one, where no name comes."""
        rng = np.random.default_rng(self.seed)
        return rng.dirichlet(np.full(self.plain, self.spread), size=self.plain)

    @cached_property
    def often(self) -> np.ndarray:
        """(names,): which name it is, where a name comes."""
        weight = np.arange(1, self.names + 1.0) ** -self.skew
        return weight / weight.sum()

    @cached_property
    def bigram(self) -> np.ndarray:
        """(vocabulary, vocabulary): p(next | this), over all texts."""
        table = np.full((self.vocabulary, self.vocabulary), 0.0)
        table[: self.plain, : self.plain] = (1 - self.rate) * self.follow
        table[: self.plain, self.plain :] = self.rate * self.often
        table[self.plain :, : self.plain] = 1 / self.plain
        return table

    @cached_property
    def unigram(self) -> np.ndarray:
        """(vocabulary,): how often each symbol comes, at every place of a text."""
        system = np.vstack([self.bigram.T - np.eye(self.vocabulary), np.ones(self.vocabulary)])
        return np.linalg.lstsq(system, np.r_[np.zeros(self.vocabulary), 1.0], rcond=None)[0]

    def sample(self, texts: int, rng: np.random.Generator) -> np.ndarray:
        """(texts, length + 1) symbols: the first ``length`` are read, the last ``length`` are to be said."""
        follower = rng.integers(self.plain, size=(texts, self.names))
        out = np.empty((texts, self.length + 1), dtype=np.int64)
        out[:, 0] = rng.choice(self.vocabulary, p=self.unigram, size=texts)
        cumulated = self.bigram[: self.plain].cumsum(1)
        row = np.arange(texts)
        for t in range(self.length):
            now = out[:, t]
            name = now >= self.plain
            free = (rng.random((texts, 1)) > cumulated[np.where(name, 0, now)]).sum(1).clip(max=self.vocabulary - 1)
            out[:, t + 1] = np.where(name, follower[row, np.where(name, now - self.plain, 0)], free)
        return out

    def kinds(self, texts: np.ndarray) -> np.ndarray:
        """What is asked at each place that is read, (texts, length): 0 after an ordinary symbol, 1 after a name that
        comes for the first time, 2 after a name that was there before."""
        read = texts[:, :-1]
        kind = (read >= self.plain).astype(int)
        for name in range(self.plain, self.vocabulary):
            here = read == name
            kind[here & (here.cumsum(1) > 1)] = 2
        return kind

    def bayes(self, texts: np.ndarray) -> np.ndarray:
        """(texts, length, vocabulary): the chances of the next symbol for who knows the language and has read so far.

        No predictor has a smaller mean loss.
        """
        read, said = texts[:, :-1], texts[:, 1:]
        chances = self.bigram[read]
        known = np.full((len(texts), self.vocabulary), -1)
        row = np.arange(len(texts))
        for t in range(read.shape[1]):
            now = read[:, t]
            seen = known[row, now] >= 0
            chances[row[seen], t] = np.eye(self.vocabulary)[known[row, now][seen]]
            name = now >= self.plain
            known[row[name], now[name]] = said[name, t]
        return chances

    @cached_property
    def share(self) -> np.ndarray:
        """(3,): the exact share of each of ``kinds`` among the places of a text."""
        named = self.rate / (1 + self.rate)
        shares = np.zeros(3)
        state = np.zeros((2, self.length + 1))  # (ordinary or name now, names before): its chance
        state[:, 0] = 1 - named, named
        for _ in range(self.length):
            new = self.often @ (1 - self.often[:, None]) ** np.arange(self.length + 1)  # none of so many before
            shares += state[0].sum(), state[1] @ new, state[1] @ (1 - new)
            ordinary = (1 - self.rate) * state[0] + np.r_[0, state[1, :-1]]
            state = np.stack([ordinary, self.rate * state[0]])
        return shares / self.length

    @cached_property
    def floors(self) -> np.ndarray:
        """(3,): the exact loss of the best predictor at each of ``kinds``, in nats. A repeated name costs nothing."""
        weight = self.unigram[: self.plain] / self.unigram[: self.plain].sum()
        return np.array([weight @ entropy(self.bigram[: self.plain]), np.log(self.plain), 0.0])

    @cached_property
    def lines(self) -> dict[str, float]:
        """The exact mean loss, in nats, of who knows nothing, the frequencies, the pairs, everything."""
        pairs = float(self.unigram @ entropy(self.bigram))
        return {
            "uniform": float(np.log(self.vocabulary)),
            "unigram": float(entropy(self.unigram)),
            "bigram": pairs,
            "Bayes": float(self.share @ self.floors),
        }


def entropy(chances: np.ndarray) -> np.ndarray:
    """−Σ p log p over the last axis, in nats; 0 log 0 = 0."""
    return -np.where(chances > 0, chances * np.log(np.where(chances > 0, chances, 1)), 0).sum(-1)
