from sltcourse.lessons import developmental_stages as lesson
from sltcourse.lessons.developmental_stages import models
from tests.exercises import exercise_tests


def test_the_live_figure():
    live = lesson.live_power()
    assert "1/8" in live.at(k=4)["caption"]


def length(k, epsilon):
    return 2 * epsilon ** (1 / (2 * k))


test_right, test_wrong, test_untouched = exercise_tests(
    lesson.check,
    [("volume", (models.volume,)), ("slope", (models.slope,)), ("sextic", (1 / 6,))],
    [
        ("volume", (length,), "divide by the interval's"),
        ("slope", (lambda e, v: 1 / models.slope(e, v),), "Upside down"),
        ("sextic", (0.25,), "That is w⁴"),
    ],
)
