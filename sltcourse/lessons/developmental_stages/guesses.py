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
        "From the plateau (step 500) to the end: what does λ̂ − tilt do where the copy is learned?",
        ["it rises and stays high", "it rises and falls back", "it falls and stays low"],
        answer="it rises and falls back",
        because="It is 31 before, 53 late in the drop, 30 at step 1 000, and 23 at the end.",
    ),
    heads=choice(
        "10-heads",
        "Four heads make the copy: 0.0, 1.1, 1.2 and 1.3. Which heads' λ̂ − tilt rises from step 500 to step 700?",
        ["only those of the four", "those of all eight heads", "only those of layer 1"],
        answer="those of all eight heads",
        because="Yet not alike: 1.0, whose score is 0, rises least.",
    ),
    diversity=number(
        "10-diversity",
        "From how many tasks M on is the trained network nearer to ridge than to dMMSE, on new tasks?",
        1,
        128,
        answer=32,
        log=True,
        because="At M = 16 the two distances agree within their errors; at 32 ridge is nearer by two errors, at 64 by "
        "three.",
    ),
    python=choice(
        "10-python",
        "It reads Python for 2 000 steps. Which stages will you find by their measures?",
        [
            "unigrams, bigrams, a head that looks one place back",
            "the same, and induction heads",
            "bigrams alone: as in section 1 the unigram stage hides",
        ],
        answer="unigrams, bigrams, a head that looks one place back",
        because="The unigram line lies a nat below the uniform one here. Induction did not form.",
    ),
)
