"""The guesses of lesson 09, each committed before its answer: ``guess.wait`` shows one."""

from types import SimpleNamespace

from sltcourse.kit.guess import choice, number

guess = SimpleNamespace(
    wait=number(
        "09-wait",
        "At step 50 all training pairs are right. At which step are 99 % of the other pairs right?",
        50,
        4000,
        answer=1100,
        log=True,
        because="For a thousand steps the training accuracy says nothing of what happens.",
    ),
    frequencies=choice(
        "09-frequencies",
        "Read a trained neuron's weights as a function of the number a. How many of the 11 frequencies does it use?",
        ["one", "about a third of them", "all, about equally"],
        answer="one",
        because="Each live neuron is nearly a pure wave. Together they use all frequencies.",
    ),
    hidden=choice(
        "09-hidden",
        "Step 200: the network is right on a few per cent of the unseen pairs. Keep only the part of its logits that "
        "depends on a + b − c. What does this part answer?",
        ["it is right on all pairs", "it is right on as many as the network", "there is no such part yet"],
        answer="it is right on all pairs",
        because="The rule is there, under the noise of what was learned by heart.",
    ),
    trap=choice(
        "09-trap",
        "Call the estimator at its default nβ and γ, after memorising and after grokking. Which λ̂ is smaller?",
        ["after grokking, clearly", "after memorising, clearly", "neither"],
        answer="neither",
        because="Neither chain is near its network any more.",
    ),
    twins=choice(
        "09-twins",
        "Two networks add exactly. They have the same function, width and norm. Do they have the same Hessian rank?",
        ["yes: it belongs to the function", "no"],
        answer="no",
        because="The Hessian belongs to a place in weight space, and one function has many.",
    ),
    pairs=number(
        "09-pairs",
        "p = 5: 25 pairs. From how many training pairs n on has the exact adder a smaller rank than a generic network?",
        1,
        25,
        answer=16,
        because="Up to 15 pairs both have rank 5n.",
    ),
    labels=choice(
        "09-labels",
        "Shuffle the labels. The network memorises them. How is its λ̂, at this scale, beside that of the network that "
        "memorised sums?",
        ["the same within its error", "larger", "smaller"],
        answer="smaller",
        because="At this scale λ̂ follows the size of the weights as well.",
    ),
)
