"""The guesses of lesson 10, each committed before its answer: ``guess.plateau`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    plateau=choice(
        "10-plateau",
        "Training goes on to step 2 000, and the loss ends at the Bayes line. Where does it rest on the way?",
        ["nowhere: it glides from one line to the next", "at the unigram line", "at the bigram line"],
        answer="at the bigram line",
        because="What follows each symbol is learned by the embeddings alone. To copy, two layers must work together.",
    ),
    first=choice(
        "10-first",
        "Two heads will make the copy, one in each layer. Which score leaves the ground first?",
        ["one place back, in layer 0", "behind the earlier name, in layer 1", "both in the same step"],
        answer="one place back, in layer 0",
        because="Looking behind an earlier name works only on places that already carry their predecessor.",
    ),
    along=choice(
        "10-along",
        "λ̂ at one nβ and one γ, from the plateau (step 500) to the end. What does it do where the copy is learned?",
        ["it rises", "it falls", "it does not move by more than its error"],
        answer="it rises",
        because="",
    ),
    heads=choice(
        "10-heads",
        "At the end of training, which layer has the head with the largest λ̂ of its own?",
        ["layer 0", "layer 1"],
        answer="layer 1",
        because="",
    ),
    diversity=number(
        "10-diversity",
        "From how many tasks M on is the trained network nearer to ridge than to dMMSE, on new tasks?",
        1,
        128,
        answer=32,
        log=True,
        because="",
    ),
    python=choice(
        "10-python",
        "The same two layers read Python. What does the induction score do there?",
        ["it jumps within 200 steps, as in section 2", "it grows slowly", "it stays at zero"],
        answer="it grows slowly",
        because="",
    ),
)
