"""The guesses of lesson 11, each committed before its answer."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice

guess = SimpleNamespace(
    helps=choice(
        "11-helps",
        "Point 5 is to count more. Which other point's loss falls most?",
        ["3", "4", "6"],
        answer="3",
        because="The line sinks towards 5, and 3 lies below it too. 4 and 6 lie above.",
    ),
    narrow=choice(
        "11-narrow",
        "The posterior sits at the bottom of L. For whose mean is the tangent good over the shortest stretch of h?",
        ["the mean loss L", "the loss of point 5", "all alike: one posterior, one h"],
        answer="the mean loss L",
        because="At a minimum the first order of L nearly cancels, so the second order takes over at once.",
    ),
    temperature=choice(
        "11-temperature",
        "The loss nβL is multiplied by 1 + h. The posterior gets colder. By which amount does E[L] fall, to first "
        "order?",
        ["h times λ/nβ", "h times λ", "h times nβ"],
        answer="h times λ/nβ",
        because="E[L] − L* = λ/nβ, and nβ has become nβ(1 + h).",
    ),
    bystander=choice(
        "11-bystander",
        "Two mechanisms share no weight. The second one's data count more. What is χ of the first one's loss?",
        ["negative", "zero: they have nothing to do with each other", "positive"],
        answer="positive",
        because="ΔL = ℓ₂ − L contains −L, and L contains ℓ₁: the first one's data count less.",
    ),
    flat=choice(
        "11-flat",
        "At a = b = 0 the gradient of every loss is zero. Training points 1 and 2 ask for opposite signs of ab. What "
        "does the classical influence say?",
        ["exactly zero, for all pairs", "negative for this pair", "infinite: the Hessian is singular"],
        answer="exactly zero, for all pairs",
        because="It is a product of gradients, damped or not.",
    ),
)
