"""The guesses of lesson 12, each committed before its answer: ``guess.recover`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    recover=choice(
        "12-recover",
        "OR reads 11, and one entry goes wrong once. After which mistake is the answer right all the same?",
        ["the first 1 leaves it in state 0", "the second 1 takes it from state 1 to 0", "neither"],
        answer="the first 1 leaves it in state 0",
        because="The second 1 then leads from state 0 to 1, by an entry that is right: OR reads again.",
    ),
    same_function=choice(
        "12-same-function",
        "OR and TOGGLE say the same on 00 and 11. Which has the smaller λ there?",
        ["OR", "TOGGLE", "both have the same λ"],
        answer="OR",
        because="TOGGLE visits state 1 on the way through 00, and so must guard one entry more.",
    ),
    smallest=number(
        "12-smallest",
        "810 Turing machines with d = 16 compute OR. What is the smallest λ among them?",
        0,
        16,
        answer=6,
        because="Ten of its sixteen coordinates need no guard at all.",
    ),
    change=number(
        "12-change",
        "1 example in 100 tells. After how many examples do both programs have the same posterior probability?",
        1,
        1e5,
        answer=95,
        log=True,
        because="That is about one telling example.",
    ),
    more_strings=choice(
        "12-more-strings",
        "A program stays as it is, and the data get more and more strings. What can λ do?",
        ["rise, never fall", "fall, never rise", "both", "nothing: λ belongs to the program"],
        answer="rise, never fall",
        because="A new string brings new ways to fail and takes none away.",
    ),
    tie=choice(
        "12-tie",
        "OR and LAST have the same λ and m on 00 and 11. What does the posterior probability of OR tend to?",
        ["0", "1/2", "a number between 0 and 1, not 1/2", "1"],
        answer="a number between 0 and 1, not 1/2",
        because="With λ and m equal, the constants in front of the volumes decide: 0.415 against 0.585.",
    ),
    lanes=choice(
        "12-lanes",
        "The string 010 is shown more often. On which strings do errors become rarer, to first order?",
        ["on all strings", "on strings that begin with 0", "on 010 alone"],
        answer="on strings that begin with 0",
        because="They run through the same entries; strings that begin with 1 take the other lane.",
    ),
)  # fmt: skip
