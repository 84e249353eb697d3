"""The guesses of lesson 06, each committed before its answer: ``guess.share`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    share=number(
        "06-share",
        "The accurate well has 20 % of the prior. Which share of the posterior has it after 30 observations?",
        0,
        100,
        answer=12.5,
        unit="%",
        because="Thirty observations punish narrowness more than they reward accuracy.",
    ),
    remainder=choice(
        "06-remainder",
        "Subtract from F the terms of the law that grow with n. For which loss does the rest still move at n = 10⁵?",
        ["w²", "w⁶", "w₁² w₂²", "none"],
        answer="w₁² w₂²",
        because="Its log n comes with a constant, log n + 1.96, and the law's log log n leaves that out.",
    ),
    misfit=choice(
        "06-misfit",
        "For w⁶, F grows like (log n)/6. Which of its two parts grows?",
        ["the misfit", "the complexity", "both alike"],
        answer="the complexity",
        because="The posterior shrinks just fast enough to keep n K near a constant.",
    ),
    factor=choice(
        "06-factor",
        "Make ΔL ten times smaller. By which factor does the n of the change-over grow?",
        ["less than 10", "10", "more than 10"],
        answer="more than 10",
        because="n/log n grows by 10, and log n grows too.",
    ),
    steeper=choice(
        "06-steeper",
        "Data sets scatter. Take one of them and let it grow: is its jump softer than that of the population?",
        ["softer", "just as steep", "steeper, in most"],
        answer="steeper, in most",
        because="What scatters is the place of the jump. An average over data sets would look soft.",
    ),
    shadow=number(
        "06-shadow",
        "The truth is w₀ = 0.1, a regular point. Which slope dF/d log n do you see at n = 1000?",
        0,
        0.6,
        answer=0.167,
        because="It is 1/6, the λ of the singular point w = 0, which is not the truth.",
    ),
    trap=number(
        "06-trap",
        "The curve model at n = 2000: the accurate well leads, and its λ is ½. What do you read at β = 0.13?",
        0,
        2.5,
        answer=1.65,
        because="At nβ = 263 the posterior is back in the simple well, and nβ ΔL is counted as if it were λ.",
    ),
)  # fmt: skip
