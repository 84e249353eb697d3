"""The guesses of lesson 03, each committed before its answer: ``guess.slope`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    shrinking=choice(
        "03-shrinking",
        "Which of these losses keeps the most of the square at ε = 10⁻⁸?",
        ["w₁² + w₂²", "(w₂ − w₁²)²", "w₁² w₂²", "w₁² w₂⁴"],
        answer="w₁² w₂⁴",
        because="Along the line w₂ = 0 it rises only like a fourth power.",
    ),
    tie=choice(
        "03-tie",
        "K = w₁² w₂⁴ has λ = 1/4 and m = 1. Raise the other power too, to K = w₁⁴ w₂⁴. What happens?",
        ["λ falls to 1/8", "λ stays 1/4 and m becomes 2", "λ rises to 1/2", "nothing"],
        answer="λ stays 1/4 and m becomes 2",
        because="A second stage is now as slow as the slowest.",
    ),
    draws=number(
        "03-draws",
        "A loss has V(ε) = ε. Counting needs 10ˣ draws for V(10⁻³⁰) within 10 %. What is x?",
        3,
        40,
        answer=32,
        because="A relative error of 10 % takes 100 hits, and one draw in 10³⁰ is a hit.",
    ),
    sizes=choice(
        "03-sizes",
        "Particles spread over the cross w₁² w₂² ≤ 10⁻²⁰. How large is |w₁|?",
        ["nearly always close to 1, or close to 10⁻¹⁰", "as often between 10⁻⁴ and 10⁻³ as between 10⁻² and 10⁻¹",
         "nearly always below 10⁻⁹"],
        answer="as often between 10⁻⁴ and 10⁻³ as between 10⁻² and 10⁻¹",
        because="Each factor of ten along an arm holds the same area.",
    ),
    slope=number(
        "03-slope",
        "A straight line is fitted to the exact log V of the cross, from ε = 10⁻⁸ to 10⁻⁴. What is its slope?",
        0.35,
        0.65,
        answer=0.436,
        because="The logarithm makes it smaller than λ = 1/2.",
    ),
    tube=choice(
        "03-tube",
        "K = w₁² w₂⁴. The tube of radius r round its zeros has an area like r. How does that of {K ≤ r²} fall?",
        ["like r", "faster than r", "more slowly than r"],
        answer="more slowly than r",
        because="The set contains the tube, and is wider and wider than it: its area falls like √r.",
    ),
    low_rank=number(
        "03-low-rank",
        "λ of the loss ‖BA‖² with its ten parameters?",
        0,
        5,
        answer=2,
        because="B = 0 has codimension 4, so λ ≤ 2. The measurement shows that the bound is reached.",
    ),
)  # fmt: skip
