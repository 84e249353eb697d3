"""``python -m sltcourse``: what the course holds, and its notebooks copied out to work in.

``lessons`` lists the lessons with their minutes; ``notebooks FOLDER`` copies their notebooks into a folder of your own
and says how to open them. Nothing of yours is overwritten unless you ask for it with ``--overwrite``.
"""

import argparse
import importlib.util
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sltcourse import __version__

_PACKAGE = Path(__file__).resolve().parent
_TITLE = re.compile(r"^# (.+)$", re.M)
_MINUTES = re.compile(r"\*\*Time\*\*\D{0,4}(\d+) min")


def stored() -> list[Path]:
    """The course's notebooks, in their order: inside the package once installed, beside it in a checkout.

    Raises FileNotFoundError, with what to do, where there are none.
    """
    for place in (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks"):
        found = sorted(place.glob("[0-9][0-9]_*.ipynb"))
        if found:
            return found
    raise FileNotFoundError("the course's notebooks are missing: install sltcourse again, or clone the repository anew")


def head(path: Path) -> tuple[str, str]:
    """The title of a lesson and its minutes, as its notebook states them."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"][:2]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    title, minutes = _TITLE.search(text), _MINUTES.search(text)
    return title[1] if title else path.stem, minutes[1] if minutes else "?"


def copied(folder: Path, wanted: Sequence[str] = (), overwrite: bool = False) -> list[Path]:
    """Copy the lessons whose numbers are ``wanted`` ("03" or "3"; all, if there is none) into ``folder``.

    Returns the copies. Raises ValueError, before anything is written, for a number that no lesson has and for a
    ``folder`` that is a file; FileExistsError if a notebook is there already and ``overwrite`` is false; OSError where
    nothing can be written.
    """
    notebooks = {path.stem[:2]: path for path in stored()}
    if unknown := [number for number in wanted if number.zfill(2) not in notebooks]:
        raise ValueError(f"no lesson is numbered {unknown[0]}: python -m sltcourse lessons lists them")
    numbers = {number.zfill(2) for number in wanted} or set(notebooks)
    chosen = [path for number, path in notebooks.items() if number in numbers]
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder")
    there = [path.name for path in chosen if (folder / path.name).exists()]
    if there and not overwrite:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise FileExistsError(
            f"{folder} has {there[0]}{more} already, perhaps with your answers in it: "
            "name another folder, or add --overwrite"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in chosen:
            (folder / path.name).write_bytes(path.read_bytes())
    except OSError as error:
        raise OSError(f"the lessons cannot be copied to {folder} ({error.strerror}): name another folder") from error
    return [folder / path.name for path in chosen]


def how_to_open(path: Path) -> str:
    """What to type to open a notebook, with what is installed here."""
    if importlib.util.find_spec("jupyterlab"):
        return f'To open it:\n  jupyter lab "{path}"'
    return (
        "No JupyterLab is installed here. Any Jupyter, or an editor that runs notebooks, will do; to have one:\n"
        f'  {Path(sys.executable).name} -m pip install jupyterlab\n  jupyter lab "{path}"'
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, or 1 after a sentence on standard error that says what was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m sltcourse",
        description="Singular learning theory, lesson by lesson, in Jupyter.",
        epilog='An estimate of your own model: from sltcourse.llc import estimate_llc; help("sltcourse.llc").',
    )
    parser.add_argument("--version", action="version", version=f"sltcourse {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("lessons", help="list the lessons with their minutes")
    what = "copy the notebooks into a folder of your own and say how to open them"
    copy = commands.add_parser("notebooks", help=what, description=f"{what.capitalize()}.")
    copy.add_argument("folder", nargs="?", default="sltcourse-notebooks", type=Path, metavar="FOLDER",
                      help="where to (default: %(default)s, made if it is not there)")  # fmt: skip
    copy.add_argument("--lesson", action="append", default=[], metavar="NN",
                      help="only this lesson, say 03; may be given several times")  # fmt: skip
    copy.add_argument("--overwrite", action="store_true", help="replace notebooks of the same name")
    asked = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe on Windows may have no λ
        sys.stdout.reconfigure(errors="replace")
    if asked.command is None:
        parser.print_help()
        return 0
    try:
        if asked.command == "lessons":
            for path in stored():
                title, minutes = head(path)
                print(f"{path.stem[:2]}  {minutes:>3} min  {title}")
            return 0
        copies = copied(asked.folder, asked.lesson, asked.overwrite)
    except BrokenPipeError:  # as head does, which has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left goes there at the end
        return 0
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    many = f"{len(copies)} notebooks" if len(copies) > 1 else "1 notebook"
    print(f"{many} copied to {asked.folder.resolve()}")
    print(how_to_open(copies[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
