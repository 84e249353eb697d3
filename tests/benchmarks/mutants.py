"""Do the tests see a small mistake? One at a time is put into a room's code (mutmut), and the room's tests are run.

``python -m tests.benchmarks.mutants kit`` works in ``build/mutants/kit``, on a copy of the checkout. It can be
stopped at any time and goes on where it was; after a change only the changed functions are done again, and with
``--again`` also those mistakes that no test saw. At the end, and with ``--report`` at once, it prints the share of the
mistakes that a test saw, file by file; ``--survivors`` shows the others.
A room's tests are those named ``test_<room>…``; for theory and llc, all that use the room and no lesson, but
those named after another room and those that build the book's pages.
Those that compute for more than ``--slowest`` seconds are left out, so the share is a lower bound.
``--sample 100`` does a hundred only, in random order, the same ones every time: the share within 4 or 5 %, and where it
is stopped, what is done by then is a sample too.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("kit", "theory", "llc")
NOT_SEEN = {0, 2, 5, 33, 34, 35, 37}  # mutmut's codes; all others mean a failure, a crash or no end
NEVER_RUN = {5, 33, 34, 37}


def tests_of(room):
    """The room's test files, relative to the checkout."""
    files = sorted((ROOT / "tests").glob("test_*.py"))
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    others = tuple(f"test_{other}" for other in ROOMS if other != room)
    chosen = [
        file
        for file, text in texts.items()
        if file.name.startswith(f"test_{room}")
        or (
            room != "kit"
            and f"sltcourse.{room}" in text
            and not file.name.startswith(others)
            and not ("sltcourse.lessons" in text or "sphinx" in text)
        )
    ]
    return [str(file.relative_to(ROOT)) for file in chosen]


def config(room):
    """mutmut's own section of pyproject.toml, for one room."""
    lines = {
        "source_paths": ["sltcourse"],
        "only_mutate": [f"sltcourse/{room}/*"],
        "also_copy": sorted(
            p.name for p in ROOT.iterdir() if p.name[0] != "." and p.name not in ("build", "sltcourse")
        ),
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())


def copied(folder, options):
    """Bring the copy of the checkout up to date, touching only the files that changed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    names = {name for name in names if name and (ROOT / name).is_file()}
    for name in names:
        content = (ROOT / name).read_bytes()
        if name == "pyproject.toml":
            content += config(options.room).encode()
        target = folder / name
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod((ROOT / name).stat().st_mode)
    for part in ("sltcourse", "tests"):
        for file in (folder / part).rglob("*.py"):
            if str(file.relative_to(folder)) not in names:
                file.unlink()
                (folder / "mutants" / file.relative_to(folder)).unlink(missing_ok=True)
    for name in ("tests", "conftest.py"):  # mutmut keeps the copies that it has
        old = folder / "mutants" / name
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)


def report(folder, patterns):
    """Print the share seen of the mistakes in each file like one of ``patterns``; return the names of the others."""
    survivors, total = [], [0, 0]
    print(f"{'file':40}{'mistakes':>10}{'seen':>8}{'not seen':>10}{'never run':>11}{'to do':>8}{'share':>9}")
    for meta in sorted((folder / "mutants").rglob("*.py.meta")):
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        file = str(meta.relative_to(folder / "mutants")).removesuffix(".meta")
        if not codes or not any(fnmatch(file, f"sltcourse/*/{pattern}") for pattern in patterns):
            continue
        seen = sum(code is not None and code not in NOT_SEEN for code in codes.values())
        never, to_do = sum(code in NEVER_RUN for code in codes.values()), sum(code is None for code in codes.values())
        mine = [key for key, code in codes.items() if code in NOT_SEEN]
        done = len(codes) - to_do
        share = f"{seen / done:8.1%}" if done else "       –"
        print(f"{file:40}{len(codes):10}{seen:8}{len(mine) - never:10}{never:11}{to_do:8} {share}")
        survivors += mine
        total = [total[0] + seen, total[1] + done]
    if total[1]:
        print(f"{total[0]} of {total[1]} mistakes seen, {total[0] / total[1]:.1%}")
    return survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--files", nargs="*", default=["*"], help="only files of the room that match these: checks.py")
    parser.add_argument("--tests", nargs="*", help="these tests in place of the room's")
    parser.add_argument("--sample", type=int, help="only so many mistakes, drawn at random, the same ones every time")
    parser.add_argument("--again", action="store_true", help="try also those again that no test saw")
    parser.add_argument("--slowest", type=float, default=20, help="leave out tests that take more seconds than this")
    parser.add_argument("--minutes", type=float, default=math.inf, help="of CPU, after which no other is begun")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--report", action="store_true", help="only print what is known")
    parser.add_argument("--survivors", action="store_true", help="print the mistakes that no test saw")
    options = parser.parse_args()
    folder = ROOT / "build" / "mutants" / options.room
    if not (options.report or options.survivors):
        copied(folder, options)
        environment = {**os.environ, "PYTHONPATH": "", "TQDM_DISABLE": "1", "SLTCOURSE_PASSED": ""}
        tests = options.tests or tests_of(options.room)
        command = [sys.executable, str(Path(__file__).with_name("mutant_runs.py")), *tests]
        command += ["--files", *options.files, "--jobs", str(options.jobs), "--slowest", str(options.slowest)]
        command += ["--minutes", str(options.minutes)]
        command += ["--sample", str(options.sample)] if options.sample else []
        command += ["--again"] if options.again else []
        subprocess.run(command, cwd=folder, env=environment)
    for name in report(folder, options.files) if folder.exists() else ():
        if options.survivors:
            subprocess.run([sys.executable, "-m", "mutmut", "show", name], cwd=folder)


if __name__ == "__main__":
    main()
