"""The guesses of lesson 07, each committed before its answer: ``guess.hill`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    hill=choice(
        "07-hill",
        "Make nβ ten times as large. What happens to the hill of losses that the posterior meets, over log ε?",
        ["it moves left and keeps its shape", "it moves left and becomes narrower", "it stays and becomes narrower"],
        answer="it moves left and keeps its shape",
        because="Its shape depends on λ alone.",
    ),
    draws=number(
        "07-draws",
        "nβK has mean λ and variance λ. How many independent draws give λ = ¼ with an error of 1 % of λ?",
        10,
        1e7,
        answer=40_000,
        log=True,
        because="√(λ/N) = 0.01 λ gives N = 10⁴/λ. A network of λ = 2500 needs 4.",
    ),
    slow=choice(
        "07-slow",
        "A step fifty times smaller, the same 5000 steps, all chains from w* = 0. What does their mean read?",
        ["too little", "the exact value: the step's error is gone", "too much"],
        answer="too little",
        because="Chains start where the loss is smallest, and need over a thousand steps to forget it.",
    ),
    batch=choice(
        "07-batch",
        "The gradient now comes from B data points, so it is right only on average. What does the estimate do?",
        ["it rises as B falls", "it falls as B falls", "it stays, with a larger error: the noise averages out"],
        answer="it rises as B falls",
        because="Noise in the force is extra heat.",
    ),
    map=choice(
        "07-map",
        "Perfect chains on w⁴, λ = ¼. In which corner is the reading nearest to ¼?",
        ["γ = 1, nβ = 10⁶", "γ = 1000, nβ = 10⁶", "γ = 1, nβ = 100", "γ = 1000, nβ = 100"],
        answer="γ = 1, nβ = 10⁶",
        because="The spring must be weak beside the loss.",
    ),
    light=choice(
        "07-light",
        "You make the spring a thousand times stronger. λ̂ falls to half of λ. What does the light say?",
        ["it turns red: λ̂ is wrong", "it turns green: the chains get better", "it does not change"],
        answer="it turns green: the chains get better",
        because="The light judges the chains. The spring changed the question.",
    ),
    baseline=number(
        "07-baseline",
        "One regular parameter, λ = ½, β = 1. The baseline is the loss of the truth, Lₙ(w₀). What is the mean reading "
        "over many data sets?",
        -1,
        1,
        answer=0,
        because="Times n, the posterior's mean loss exceeds Lₙ(ŵ) by ½, and so, on average, does Lₙ(w₀).",
    ),
    units=number(
        "07-units",
        "The function 8 tanh(x), written with four equal units: 8 parameters, Hessian rank 2. What is λ?",
        0,
        4,
        answer=1.75,
        because="Two regular directions count ½ each, three quartic ones ¼ each, three flat ones nothing.",
    ),
    adam=choice(
        "07-adam",
        "Adam has just stopped. What does λ̂ read there, compared with the bottom of the valley?",
        ["less", "the same within its error", "more"],
        answer="less",
        because="The baseline Lₙ(w*) is too high by what training could still remove, and nβ multiplies it.",
    ),
)
