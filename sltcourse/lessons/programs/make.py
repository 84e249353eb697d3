"""Remakes the lesson's asset: ``python -m sltcourse.lessons.programs.make machines`` (some minutes).

It holds λ and m of all automata with three states on the strings of length 2, and of all Turing machines of
``turing.py`` that compute OR.
"""

import itertools
import json
import sys
from collections.abc import Sequence

from sltcourse.kit import assets
from sltcourse.lessons.programs.models import answer, coefficient, labelled, strings
from sltcourse.lessons.programs.ours import Word
from sltcourse.lessons.programs.turing import machines_for_or, turing_syndromes
from sltcourse.progress import progress
from sltcourse.theory.corner import monomials_on_the_corner

OUTPUTS = (0, 1, 1)


def automata() -> list[list[object]]:
    """Rows (code, what it says on the strings of length 2, λ, m) of all 729 automata with three states."""
    rows: list[list[object]] = []
    for flat in itertools.product(range(3), repeat=6):
        code, inputs = (flat[:3], flat[3:]), strings(2)
        found = coefficient(code, OUTPUTS, labelled(code, OUTPUTS, inputs))
        said = "".join(str(answer(code, OUTPUTS, x)) for x in inputs)
        rows.append(["".join(map(str, flat)), said, str(found.lam), found.m])
    return rows


def _lam_m(syndromes: Sequence[Word]) -> list[object]:
    found = monomials_on_the_corner(syndromes)
    return [str(found.lam), found.m]


def turing() -> list[list[object]]:
    """Rows (code, λ, m) of all Turing machines that compute OR."""
    return [
        ["".join(map(str, itertools.chain(*code))), *_lam_m(turing_syndromes(code))]
        for code in progress(machines_for_or(), "machines")
    ]


def make() -> None:
    """Make the asset and enter it into the manifest."""
    file = assets.folder() / "programs" / "machines.json"
    file.parent.mkdir(exist_ok=True)
    made = {"automata": automata(), "turing": turing()}
    lines = [f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for name, rows in made.items()]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    assets.record("programs/machines.json", "python -m sltcourse.lessons.programs.make machines", "CPU, 1 core")


if __name__ == "__main__":
    if sys.argv[1:] != ["machines"]:
        sys.exit(__doc__)
    make()
