"""Checks for exercises: right, not yet and why, or not answered.

A lesson's module makes one ``Checks`` and registers a function per exercise::

    check = Checks("03_volume_scaling")

    @check.exercise("It is the exponent of V(ε): the learning coefficient.")
    def slope(answer):
        return number(answer, 0.5, hints={1.0: "that is d/2; the volume shrinks more slowly here"})

The function returns None when the answer is right, or the sentence that says why it is not yet. In the
notebook ``check.slope(answer)`` shows the verdict. An answer still at ``...`` is not answered, whatever the
function does; an answer the function cannot digest gets a sentence, never a traceback; a formula is computed with for
some seconds at most; a text is never evaluated. What was passed is kept on this computer, see ``passed``.

An exercise in which the learner writes a function has cases, see ``writing``, and our own function beside it::

    @check.writing("It needs log draws.", ours=models.split, cases=[Case("one weight", (square, 0.1), 0.5), ...])
    def split(function):
        \"\"\"What the cases leave to be said: None, or a sentence.\"\"\"

and in the notebook ``split = use(check.split, split)`` takes the learner's function from where it is right.
"""

import contextlib
import functools
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sltcourse.kit import passed, writing
from sltcourse.kit.answers import Reason, choice, expression, kind, number, reasoned_choice, untouched, within_limits
from sltcourse.kit.writing import Case

__all__ = ["Case", "Checks", "Verdict", "choice", "expression", "number", "reasoned_choice", "use"]

State = Literal["Right", "Not yet", "Not answered"]

_LOOKS = {"Right": "#008a64", "Not yet": "#b87a00", "Not answered": "#767676"}


class Verdict:
    """What a check says: ``state`` ("Right", "Not yet" or "Not answered") and ``reason``, a sentence."""

    def __init__(self, state: State, reason: str) -> None:
        self.state, self.reason = state, reason

    def __repr__(self) -> str:
        return f"{self.state}. {self.reason}".strip()

    def _repr_html_(self) -> str:
        look = f"border-left:4px solid {_LOOKS[self.state]};padding:.35em .8em;margin:.2em 0"
        return f'<div style="{look}"><strong>{self.state}.</strong> {html.escape(self.reason)}</div>'


class Checks:
    """The checks of one lesson, each an attribute: ``check.<exercise>(answer, …)`` returns a Verdict.

    ``lesson`` is the notebook's name ("03_volume_scaling"), ``names`` the exercises in the order of their making.
    """

    def __init__(self, lesson: str) -> None:
        self.lesson, self.names = lesson, list[str]()

    def __getattr__(self, name: str) -> Callable[..., Verdict]:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"{self.lesson} has no exercise {name!r}; it has {', '.join(self.names)}")

    def exercise(self, praise: str) -> Callable[[Callable[..., Reason]], Callable[..., Verdict]]:
        """Register an exercise; ``praise`` is what a right answer is told: what it means, in a sentence.

        Raises TypeError when the sentence is missing.
        """
        if not isinstance(praise, str):
            raise TypeError('use @check.exercise("what a right answer is told"), with the sentence')

        def register(function: Callable[..., Reason]) -> Callable[..., Verdict]:
            @functools.wraps(function)
            def verdict(*answers: Any) -> Verdict:
                if not answers or any(untouched(a) or writing.unfinished(a) for a in answers):
                    return Verdict("Not answered", "Put your answer where the ... stands and run the cell again.")
                try:
                    reason = within_limits(function, *answers)
                except Exception:  # whatever it is, the learner gets a sentence
                    kinds = " and ".join(kind(a) for a in answers)
                    reason = f"This check could not read {kinds}. Look again at what the exercise asks for."
                    if any(a is None for a in answers):
                        reason = "The answer is None: nothing was put in, or a function returned nothing."
                if reason is not None:
                    return Verdict("Not yet", reason)
                with contextlib.suppress(Exception):  # a record that cannot be kept spoils no right answer
                    passed.remember(self.lesson, function.__name__)
                return Verdict("Right", praise)

            self.names.append(function.__name__)
            setattr(self, function.__name__, verdict)
            return verdict

        return register

    def writing(
        self,
        praise: str,
        ours: Callable[..., Any],
        cases: Sequence[Case],
        common: Mapping[Callable[..., Any], str] | None = None,
    ) -> Callable[[Callable[..., Reason]], Callable[..., Verdict]]:
        """Register an exercise whose answer is a function; see ``writing.tried``.

        ``ours`` is our own function, ``cases`` what the learner's is tried on, ``common`` a sentence for each tempting
        wrong function. What is decorated is asked at the end, with a function that is right in all cases. Raises
        ValueError for an exercise with fewer than three cases: a known answer, an edge and a random one.
        """
        if len(cases) < 3:
            raise ValueError("writing takes at least three cases: a known answer, an edge, a random one")

        def register(function: Callable[..., Reason]) -> Callable[..., Verdict]:
            @functools.wraps(function)
            def reason(answer: Any) -> Reason:
                said = writing.tried(answer, ours, cases, common or {})
                return function(answer) if said is None else said

            verdict = self.exercise(praise)(reason)
            vars(verdict)["ours"] = ours
            return verdict

        return register


def use(check: Callable[..., Verdict], function: Callable[..., Any]) -> Callable[..., Any]:
    """Show the verdict on a function that a learner wrote; return the function if it is right, else our own.

    ``check`` is an exercise made by ``Checks.writing``, else TypeError.
    """
    if "ours" not in vars(check):
        raise TypeError("use() takes an exercise made by check.writing and the learner's function")
    from IPython.display import display

    verdict = check(function)
    right = verdict.state == "Right"
    if not right:
        verdict = Verdict(verdict.state, f"{verdict.reason} Until then, what follows uses ours.")
    display(verdict)
    return function if right else vars(check)["ours"]
