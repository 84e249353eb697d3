"""The guesses of lesson 00, each committed before its answer: ``guess.coins`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    more_data=choice(
        "00-more-data",
        "There are N = 40 normal features. The number of data grows from n = 20 to n = 38. What becomes of the noise's "
        "part of the error?",
        ["it falls to about a half", "it stays about the same", "it grows more than tenfold"],
        answer="it grows more than tenfold",
        because="n = 38 lies beside the peak at n = 40: from 1.05 σ² to 38 σ².",
    ),
    coins=number(
        "00-coins",
        "The network fits all sixty labels of the rings after 14 steps. After how many does it fit sixty coins?",
        10,
        1_000_000,
        answer=1035,
        log=True,
        unit="steps",
        because="It fits every coin.",
    ),
    parity=number(
        "00-parity",
        "Of 200 000 random networks 4952 answer with the first bit. How many answer with the parity of the three bits?",
        1,
        100_000,
        answer=11,
        log=True,
        because="The first bit needs one good direction, the parity several units that act together.",
    ),
    lead=number(
        "00-lead",
        "One wave, cos(2πk(a + b − c)/31), is 1 at the right c. How far below 1 is it at the best wrong c?",
        0.001,
        2,
        answer=0.0205,
        log=True,
        because="Some other c is its neighbour on the circle: 1 − cos(2π/31).",
    ),
    neighbour=choice(
        "00-neighbour",
        "On the circle of frequency 9, number a stands at the angle 2π · 9a/31. Which number stands next to 0?",
        ["1", "3", "7", "9"],
        answer="7",
        because="9 · 7 = 63 = 2 · 31 + 1: one step of 2π/31.",
    ),
    keys=choice(
        "00-keys",
        "There are 5005 ways to choose six of the fifteen frequencies. How good is the network's choice, by its lead?",
        ["about the middle", "in the best quarter", "in the best hundredth", "none is better"],
        answer="none is better",
        because="Fifteen choices share the largest lead, and this is one of them.",
    ),
)
