"""The guesses of lesson 05, each committed before its answer: ``guess.one`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    one=number(
        "05-one",
        "One data set of 1000 samples: its mean lies one standard error off the truth. The regular model pays "
        "n Gₙ = 0.5 for it. What does the cubic pay?",
        0,
        1,
        answer=0.085,
        because="Most of its prior predicts a mean near 0, and holds the posterior back there.",
    ),
    spread=choice(
        "05-spread",
        "n Gₙ differs from data set to data set. How large is its standard deviation, compared with its mean?",
        ["a tenth of it", "a third of it", "larger than it"],
        answer="larger than it",
        because="In the regular model n Gₙ is z²/2 with z a standard normal: mean 0.5, standard deviation 0.7.",
    ),
    far=number(
        "05-far",
        "From which n on is n E[Gₙ] of the product within 5 % of λ = ½?",
        1e2,
        1e20,
        answer=1.32e17,
        log=True,
        because="1/(log n + γ) must fall to 0.025, so log n must reach 39.4.",
    ),
    training=number(
        "05-training",
        "The cubic has n E[Gₙ] = 0.167, and d/2 = ½. What is n E[Tₙ], T the error on the training data?",
        -1,
        0.5,
        answer=-0.39,
        because="It is neither −0.167 nor −½: a second number comes in.",
    ),
    seesaw=choice(
        "05-seesaw",
        "Each data set has a true error Gₙ and a WAIC less Sₙ. What does a data set with a large error get from WAIC?",
        ["a large WAIC", "a small WAIC", "either, it says nothing"],
        answer="a small WAIC",
        because="Data that lead the model astray also look easy to fit.",
    ),
    network=number(
        "05-network",
        "A network with 17 weights, d/2 = 8.5, three of its four units idle. What is n E[Gₙ] at n = 1600?",
        0,
        10,
        answer=3.29,
        because="Measured, with an error of 0.06. In λ an idle unit counts at most as much as its output weight.",
    ),
)
