"""The guesses of lesson 08, each committed before its answer: ``guess.end`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    end=choice(
        "08-end",
        "Six columns start near zero and go downhill on the loss. How many of them are long in the end?",
        ["4 in most networks", "5 in most networks", "6 in nearly all"],
        answer="5 in most networks",
        because="77 of a hundred networks end with five long columns, 20 with four and 3 with six.",
    ),
    bias=choice(
        "08-bias",
        "Five columns of length 1 on a pentagon, all biases 0. Which step lowers the loss?",
        ["lower the biases below 0", "raise the biases above 0", "neither: a pentagon fits without error"],
        answer="lower the biases below 0",
        because="A neighbour hears cos 72° = 0.31 of a feature. A negative bias keeps it silent.",
    ),
    corners=number(
        "08-corners",
        "You have 24 features. How many corners has the regular polygon with the lowest loss?",
        3,
        23,
        answer=7,
        because="An eighth column costs more than a feature that only guesses, however many features there are.",
    ),
    best=number(
        "08-best",
        "A hundred networks with 8 features train from near zero. How many end with the best number of columns, 7?",
        0,
        100,
        answer=2,
        because="89 end with five long columns.",
    ),
    free=number(
        "08-free",
        "How many of the 18 directions cost nothing, to second order, at the 5-gon with its dead feature?",
        0,
        18,
        answer=4,
        because="The rotation; and of the dead feature its bias and the two numbers of its column.",
    ),
    staircase=choice(
        "08-staircase",
        "A network leaves the square for a pentagon, and its loss falls. At nβ = n/log n, what does the estimate do?",
        ["it falls with the loss", "it rises", "it stays"],
        answer="it rises",
        because="Between the two λ it goes the other way: λ falls from 8 to 7 in the last step.",
    ),
)  # fmt: skip
