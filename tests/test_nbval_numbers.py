"""What nbval lets pass: a number within the error beside it, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tests import nbval_numbers as numbers


@pytest.mark.parametrize(
    ("stored", "new", "same"),
    [
        ("λ is 0.4974 ± 0.0014.", "λ is 0.4974 ± 0.0014.", True),
        ("λ is 0.4974 ± 0.0014.", "λ is 0.5030 ± 0.0015.", True),  # 2.7 combined errors
        ("λ is 0.4974 ± 0.0014.", "λ is 0.5050 ± 0.0015.", False),  # 3.7
        ("λ is 0.4974 ± 0.0014.", "λ is 0.4974 ± 0.0050.", False),  # an error three and a half times as large
        ("λ is 0.4974 ± 0.0014.", "λ is 0.4974 ± 0.0003.", False),
        ("λ is 0.4974 ± 0.0014.", "λ was 0.4974 ± 0.0014.", False),
        ("λ is 0.4974 ± 0.0014.", "λ is 0.4974.", False),
        ("0.4974 ± 0.0014, 12 draws", "0.4970 ± 0.0014, 12 draws", True),
        ("0.4974 ± 0.0014, 12 draws", "0.4970 ± 0.0014, 13 draws", False),
        ("−0.02 ± 0.01", "0.01 ± 0.01", True),
        ("1 000 ± 10".replace(" 0", "\u202f0"), "1\u202f020 ± 11", True),
        ("1\u202f000 ± 10", "1\u202f100 ± 11", False),
        ("3.1·10⁻⁵ ± 2·10⁻⁶", "3.3·10⁻⁵ ± 2·10⁻⁶", True),
        ("3.1·10⁻⁵ ± 2·10⁻⁶", "3.3·10⁻⁴ ± 2·10⁻⁶", False),
        ("a   0.10 ± 0.01\nb", "a  0.11 ± 0.01\nb", True),  # white space of a column
        ("<td>0.10 ± 0.01</td>", "<td>0.12 ± 0.01</td>", True),
        ("<td>0.10 ± 0.01</td>", "<td>0.12 ± 0.01</td><td></td>", False),
        ("0.5", "0.50001", False),
        ("x1 y", "x2 y", False),
        ("trust", "don't", False),
    ],
)
def test_texts_agree(stored, new, same):
    assert numbers.agree(stored, new) is same and numbers.agree(new, stored) is same


@pytest.mark.parametrize(
    ("stored", "new", "tolerance", "same"),
    [
        ("about 0.500 and 12", "about 0.509 and 12", {"rtol": 0.02}, True),
        ("about 0.500 and 12", "about 0.511 and 12", {"rtol": 0.02}, False),
        ("about 0.500 and 12", "about 0.500 and 13", {"rtol": 0.02}, False),
        ("0.00", "0.01", {"atol": 0.01}, True),
        ("0.00", "0.02", {"atol": 0.01}, False),
        ("1.0·10⁻⁵", "9.9·10⁻⁶", {"rtol": 0.02}, True),
        ("w2 is 1.00", "w3 is 1.00", {"rtol": 1.0}, False),
        ("0.5 ± 0.1", "0.9 ± 0.1", {"rtol": 0.02}, True),  # an error beside it goes first
        ("0.5 ± 0.1", "1.0 ± 0.1", {"rtol": 0.9}, False),
        ("nan", "0.5", {"rtol": 1.0}, False),
    ],
)
def test_a_stated_tolerance(stored, new, tolerance, same):
    assert numbers.agree(stored, new, **tolerance) is same


def test_what_nbval_says_with_the_plug_in_alone_in_a_folder(tmp_path):
    """Cells whose stored number moved: by a little, by a lot, within a tag's tolerance, beyond it, without an error."""
    cases = [
        ("print('0.503 ± 0.002')", "0.500 ± 0.002\n", []),
        ("print('0.510 ± 0.002')", "0.500 ± 0.002\n", []),
        ("print('0.51')", "0.50\n", ["rtol=0.05"]),
        ("print('0.51')", "0.50\n", ["rtol=0.01"]),
        ("print('0.51')", "0.50\n", []),
        ("print('0.5')\nprint('0.6 ± 0.1')", "0.5\n0.7 ± 0.1\n", []),
    ]
    cells = []
    for source, stored, tags in cases:
        cell = v4.new_code_cell(source, metadata={"tags": tags}, execution_count=1)
        cell.outputs = [v4.new_output("stream", name="stdout", text=stored)]
        cells.append(cell)
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "lesson.ipynb")
    shutil.copy(Path(numbers.__file__), tmp_path)
    command = (
        "-m pytest -c /dev/null --rootdir . -p nbval_numbers -p no:cacheprovider --nbval --nbval-current-env -q -rA ."
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    passed = [f"PASSED lesson.ipynb::Cell {k}" in done.stdout.replace("ipynb::ipynb", "ipynb") for k in range(6)]
    assert passed == [True, False, True, False, False, True], done.stdout


def test_the_plug_in_is_on_in_this_run(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("tests.nbval_numbers")
