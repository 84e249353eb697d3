"""Inside the copy that ``mutants.py`` makes: make a room's mistakes, see which tests run what, try the mistakes.

mutmut makes the mistakes and keeps their results. It runs the tests of a mistake in no order where each needs a process
of its own (``forkserver``), and first runs all of them three times. Here every test file is run once, which says what
each test runs, the imports of its file included, and how long it takes; then a mistake's tests are run, the fastest
first, until one fails. A process begins with other people's packages imported and none of ours.
"""

import argparse
import contextlib
import hashlib
import importlib
import json
import math
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

import pytest
from mutmut import __main__ as mutmut
from mutmut.mutation.data import SourceFileMutationData
from mutmut.state import state
from mutmut.utils.format_utils import mangled_name_from_mutant_name

FOLDER = Path.cwd()
PACKAGES = ("ipykernel.kernelspec", "matplotlib.pyplot", "numpy", "pandas", "scipy.stats", "sympy", "torch", "xarray")
OWN = ["-q", "--rootdir=.", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long"]


class Timed:
    """Lets no test compute for longer than its limit, and writes down for how many CPU seconds it did."""

    def __init__(self, limit):
        self.limit, self.tests, self.imports = limit, {}, set()

    def pytest_collectreport(self, report):
        if report.failed:
            self.tests[report.nodeid] = {"seconds": 0.0, "passed": False, "functions": []}

    def pytest_collection_finish(self):
        self.imports = set(state()._stats)
        state()._stats.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        def over(*_):
            pytest.fail("takes too long")

        limit = self.limit if isinstance(self.limit, float) else 5 + 5 * self.limit[item.nodeid]
        start = time.process_time()
        signal.signal(signal.SIGPROF, over)
        signal.setitimer(signal.ITIMER_PROF, limit, 1)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            if item.nodeid in self.tests:
                self.tests[item.nodeid]["seconds"] = time.process_time() - start

    def pytest_collection_modifyitems(self, items):
        if isinstance(self.limit, dict):
            items.sort(key=lambda item: self.limit[item.nodeid])

    def pytest_runtest_logreport(self, report):
        test = self.tests.setdefault(report.nodeid, {"seconds": 0.0, "passed": True, "functions": []})
        test["passed"] = test["passed"] and report.passed
        test["functions"] = sorted({*test["functions"], *state()._stats, *self.imports})
        state()._stats.clear()


def in_a_fork(work, result, cpu_seconds=None):
    """Start ``work()`` in a fork that writes what it returns to the file ``result``; return the process's id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        sys.stdout = sys.stderr = open(os.devnull, "w")
        if cpu_seconds:
            limit = int(cpu_seconds + time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        result.write_text(json.dumps(work()), encoding="utf-8")
    finally:
        os._exit(0)


def made(jobs):
    """Make the mistakes, as mutmut's own command does before its runs; the files that mutmut keeps of them."""
    os.environ["MUTANT_UNDER_TEST"] = "mutant_generation"
    Path("mutants").mkdir(exist_ok=True)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.setup_source_paths()
        mutmut.create_mutants(jobs)
    kept = [SourceFileMutationData(path=path) for path in mutmut.walk_mutatable_files()]
    for file in kept:
        file.load()
        file.meta_path = FOLDER / file.meta_path
    return kept


def traced(tests, limit, sources):
    """Run each test file once, unless that was done with the same sources; its tests, their seconds and functions."""
    known = {}
    for file in tests:
        marks = hashlib.sha256((sources + Path(file).read_text(encoding="utf-8")).encode()).hexdigest()[:16]
        kept = FOLDER / "traces" / f"{Path(file).stem}-{marks}-{limit}.json"
        if not kept.is_file():
            kept.parent.mkdir(exist_ok=True)
            start = time.perf_counter()

            def run(file=file):
                os.environ["MUTANT_UNDER_TEST"] = "stats"
                timed = Timed(limit)
                pytest.main([*OWN, file], plugins=[timed])
                return timed.tests

            os.waitpid(in_a_fork(run, kept), 0)
            print(f"{file}: run once, {time.perf_counter() - start:.0f} s", flush=True)
        found = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
        if not found:
            kept.unlink(missing_ok=True)
            sys.exit(f"{file}: no test was run; try: pytest -m 'not long' {file}")
        known |= found
    left_out = [name for name, test in known.items() if not test["passed"]]
    print(f"{len(known)} tests, of which left out as too slow or skipped: {len(left_out)}")
    for name in left_out:
        print(f"    {name}: {known[name]['seconds']:.1f} s")
    return {name: test for name, test in known.items() if test["passed"]}


def tried(name, tests, result):
    """Start the tests of the mistake ``name`` (none if "") in a fork, the fastest first; return the process's id."""
    seconds = {test: found["seconds"] for test, found in tests.items()}

    def run():
        os.environ["MUTANT_UNDER_TEST"] = name
        timed = Timed(seconds)
        code = int(pytest.main([*OWN, "-x", *seconds], plugins=[timed]))
        failed = next((test for test, found in timed.tests.items() if not found["passed"]), None)
        return [1 if failed else code, failed]  # a file that can't be imported is no code of its own

    return in_a_fork(run, result, 60 + 10 * sum(seconds.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--files", nargs="+", default=["*"])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--slowest", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    sys.path.remove(str(Path(__file__).resolve().parent))
    multiprocessing.set_start_method("fork", force=True)
    kept = made(options.jobs)
    kept = [file for file in kept if any(fnmatch(file.path, f"sltcourse/*/{pattern}") for pattern in options.files)]
    where = {name: file for file in kept for name in file.exit_code_by_key}
    codes = {name: file.exit_code_by_key[name] for name, file in where.items()}
    names = random.Random(0).sample(sorted(where), min(options.sample or len(where), len(where)))
    names = [name for name in names if codes[name] is None or (options.again and codes[name] in (0, 33))]
    os.chdir("mutants")
    os.environ["MUTANT_UNDER_TEST"] = ""
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "sltcourse").rglob("*.py")))
    for package in PACKAGES:
        importlib.import_module(package)
    tests = traced(options.tests, options.slowest, sources)
    running, killers = {}, {}

    def finished():
        child, _ = os.wait()
        name, result, start = running.pop(child)
        code, failed = json.loads(result.read_text()) if result.is_file() and result.stat().st_size else (36, None)
        result.unlink(missing_ok=True)
        killers[name] = failed
        keep(name, code)
        print(
            f"{name}: {failed or ('no end' if code else 'NOT SEEN')}, {time.perf_counter() - start:.0f} s", flush=True
        )

    def keep(name, code):
        where[name].exit_code_by_key[name] = code
        where[name].save()

    for number, name in enumerate(names):
        if sum(os.times()[:4]) > 60 * options.minutes:
            print("stopped: the minutes are over")
            break
        function = mangled_name_from_mutant_name(name)
        mine = {test: found for test, found in tests.items() if function in found["functions"]}
        if not mine:
            keep(name, 33)
            print(f"{name}: never run", flush=True)
            continue
        while len(running) >= options.jobs:
            finished()
        result = FOLDER / "traces" / f"{number}.result"
        running[tried(name, mine, result)] = (name, result, time.perf_counter())
    while running:
        finished()

    used = {test: tests[test] for test in killers.values() if test in tests}
    result = FOLDER / "traces" / "control.result"
    for test in used:  # those that failed with a mistake must pass alone without one
        result.unlink(missing_ok=True)  # what the test before left, if this one gives nothing
        os.waitpid(tried("", {test: tests[test]}, result), 0)
        if not result.is_file() or json.loads(result.read_text())[0] != 0:
            print(f"fails without a mistake too: {test}")
            for name in (name for name, killer in killers.items() if killer == test):
                keep(name, None)


if __name__ == "__main__":
    main()
