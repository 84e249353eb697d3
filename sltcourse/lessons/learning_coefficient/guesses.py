"""The guesses of lesson 04, each committed before its answer: ``guess.poles`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    poles=choice(
        "04-poles",
        "K = w₁² w₂⁴. Walk left from z = 0. Where is the first pole of ζ, and of which order?",
        ["−1/2, of order 1", "−1/4, of order 1", "−1/4, of order 2", "−3/4, of order 1"],
        answer="−1/4, of order 1",
        because="ζ is a product. The factor of w₂ has its pole at −1/4, that of w₁ at −1/2.",
    ),
    cusp=choice(
        "04-cusp",
        "On its smooth part the cusp has λ = 1/2. And at the sharp point?",
        ["less than 1/2", "1/2 too", "more than 1/2"],
        answer="less than 1/2",
        because="The sharp point is more singular, and keeps more volume. Section 3 finds 5/12.",
    ),
    circle=choice(
        "04-circle",
        "Replace the sharp point by a circle of directions. Where do the two branches of the cusp arrive at it?",
        ["at two opposite points", "at two points, a right angle apart", "both at the same point"],
        answer="both at the same point",
        because="Both branches have the same tangent, and so the same direction.",
    ),
    umbrella=choice(
        "04-umbrella",
        "Blow up the origin, and look into the chart of w₃. What is left of K there, beside a power of w₃?",
        ["a constant: K has normal crossings", "two smooth surfaces that cross", "K itself"],
        answer="K itself",
        because="Put w₁w₃ and w₂w₃ for w₁ and w₂: every term of w₁² − w₂² w₃ has a factor w₃² or w₃³.",
    ),
    far=choice(
        "04-far",
        "Where must the dots lie for a large λ?",
        ["near the origin", "far out"],
        answer="near the origin",
        because="Far out means high powers: flat directions, much volume, a small λ. And λ is 1/t.",
    ),
    cancel=choice(
        "04-cancel",
        "In a polynomial with minus signs the terms may cancel. Compared with λ, what can 1/t then be?",
        ["too large, never too small", "too small, never too large", "either"],
        answer="too large, never too small",
        because="K is at most the sum of the sizes of its terms: cancelling can only add volume.",
    ),
    wide=number(
        "04-wide",
        "A linear network with 5 inputs, one layer of 1000 hidden units and 7 outputs. The truth is 0. What is λ?",
        1,
        10_000,
        answer=17.5,
        log=True,
        because="With so many hidden units the product is as free as its 5 · 7 entries: half of 35.",
    ),
)
