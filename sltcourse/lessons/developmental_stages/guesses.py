"""The guesses of lesson 10; here, and not in the notebook, where their answers would be in sight."""

from sltcourse.kit import guess

which_is_flatter = guess.choice(
    "10_developmental_stages flatter",
    "Which curve has more of its points below ε = 0.01?",
    ["w²", "w⁴", "both the same"],
    answer="w⁴",
    because="It is flatter: V is 0.01^(1/4) = 0.32, and 0.1 for w².",
)
half_volume = guess.number(
    "10_developmental_stages half",
    "For w⁴, at which ε does the set hold half of [−1, 1]?",
    1e-3,
    1,
    answer=1 / 16,
    log=True,
    because="ε^(1/4) is 1/2 at ε = 1/16.",
)
