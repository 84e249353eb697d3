"""The guesses of lesson 01, each committed before its answer: ``guess.fall`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    fall=number(
        "01-fall",
        "The weights (1, 0.3) are near (1, 0). By how much does the log likelihood of these 1000 data fall?",
        0.1,
        1000,
        answer=93.9,
        log=True,
        because="The odds against this short step are e⁹⁴ to one.",
    ),
    needed=number(
        "01-needed",
        "For odds of e to one between w = 0.1 and w = 0, N(w, 1) needs 200 observations. And N(w³, 1)?",
        100,
        1e8,
        answer=2e6,
        log=True,
        because="The means 0.001 and 0 are a hundred times closer, and the number goes like one over the square.",
    ),
    crossing=choice(
        "01-crossing",
        "At (0, 0) the Fisher matrix is 0. Which weights cannot be told from (0, 0) by 20 data (nK ≤ 1)?",
        ["the whole plane", "a disc", "a thick cross", "a line"],
        answer="a thick cross",
        because="Along the arms f stays 0. But (1, 1) makes another function, and 20 data see it.",
    ),
    seen=number(
        "01-seen",
        "The trained network has 60 weights, so I has 60 axes. How many of them are seen by the 200 data?",
        0,
        60,
        answer=17,
        because="The eigenvalues fall so fast that half of them are below 10⁻⁵.",
    ),
    power=choice(
        "01-power",
        "In most directions K grows like step². How does it grow in a null direction?",
        ["it stays 0", "like step⁴", "in some families the first, in others the second"],
        answer="in some families the first, in others the second",
        because="∇ᵥp = 0 speaks of the first order alone.",
    ),
    swapped=choice(
        "01-swapped",
        "Swap the names of two different coins: another point, the same density. Is a direction null there?",
        ["yes, one", "yes, more than one", "no"],
        answer="no",
        because="A null direction is about near points. The copy is far away.",
    ),
    exact=number(
        "01-exact",
        "The truth is f = 0. Which share of all data sets has weights that fit its two means exactly?",
        0,
        100,
        answer=10.2,
        unit="%",
        because="It is the angle of the bow tie, (arctan 2 − arctan 1)/π.",
    ),
)  # fmt: skip
