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
    head=choice(
        "11-head",
        "Random letters count more. Head 0.0 looks one place back, so that names can be copied. Where does its χ lie?",
        ["below the bystander's line", "on the line: random letters follow no rule", "above the line"],
        answer="above the line",
        because="There a copy is a mistake. What lowers L raises the loss on random letters.",
    ),
    hot=choice(
        "11-hot",
        "For head 0.0 at these settings, by what factor is SGLD's Var L that of the posterior?",
        ["about 1: R-hat sees nothing", "about 1.2", "about 2"],
        answer="about 2",
        because="The finite step and the minibatch noise heat the chain, and a variance suffers more than a mean.",
    ),
    same=choice(
        "11-same",
        "Order the heads by −χ to names seen before, and by what switching them off costs there. What comes out?",
        ["the same order", "the same first head, another order behind it", "another first head"],
        answer="the same first head, another order behind it",
        because="Read from 0, χ counts each head's own line in. Behind head 0.0 that mixes the order.",
    ),
    third=choice(
        "11-third",
        "The first three components hold 32, 15 and 13 % of the variance. Take them from the first four chains and "
        "from the last four, 512 draws each. How well does the third agree, from 0 to 1?",
        ["above 0.9", "about 0.5", "below 0.1"],
        answer="below 0.1",
        because="The fourth holds 11 %. Components with nearly equal shares turn into one another.",
    ),
    together=choice(
        "11-together",
        "All weights move. Which two kinds of letters have losses that rise and fall together?",
        [
            "small letters and names, both after a small letter",
            "new names and names seen before",
            "names seen a short, and a long while ago",
        ],
        answer="names seen a short, and a long while ago",
        because="One mechanism copies both. After a small letter, what one kind gains in chance the other loses.",
    ),
)
