"""The tests that the checks of every lesson get: right answers, tempting wrong ones, and an untouched exercise."""

import re

import pytest


def exercise_tests(check, right, wrong):
    """Three tests of a lesson's ``check``, to be given names that start with ``test_`` in its test file.

    ``right``: a list of (exercise, answers), answers a tuple. ``wrong``: a list of (exercise, answers, words), where
    the words are part of the reply, or a compiled regular expression that is found in it.
    """

    @pytest.mark.parametrize(("name", "answers"), right)
    def right_answers(name, answers):
        verdict = getattr(check, name)(*answers)
        assert verdict.state == "Right", f"{name}{answers}: {verdict}"

    @pytest.mark.parametrize(("name", "answers", "words"), wrong)
    def wrong_answers_are_told_why(name, answers, words):
        verdict = getattr(check, name)(*answers)
        told = words.search(verdict.reason) if isinstance(words, re.Pattern) else words in verdict.reason
        assert verdict.state == "Not yet" and told, f"{name}{answers}: {verdict}"

    @pytest.mark.parametrize("name", check.names)
    def untouched_exercises_stop_nothing(name):
        assert getattr(check, name)(...).state == "Not answered"
        assert name in {case[0] for case in right}, f"no right answer to {name} is tried"
        assert name in {case[0] for case in wrong}, f"no wrong answer to {name} is tried"

    return right_answers, wrong_answers_are_told_why, untouched_exercises_stop_nothing
