"""The API reference: every public name is there, its docstring says what a caller needs, and its examples run."""

import ast
import doctest
import importlib
import inspect
import os
import re
import textwrap
import time
from pathlib import Path

import nbformat
import pytest

from sltcourse import llc

ROOT = Path(__file__).parents[1]
PAGES = {path.stem: path.read_text() for path in sorted((ROOT / "docs/api").glob("*.md"))}
MODULES = re.findall(r"automodule:: (sltcourse\.[\w.]+)", "\n".join(PAGES.values()))
EXAMPLES_AT_LEAST = 40


def public():
    """All that the pages show, by its full name: functions and classes of the modules there, and what `llc` exports."""
    found = {f"sltcourse.llc.{name}": getattr(llc, name) for name in llc.__all__}
    for name in MODULES:
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            if not key.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
                if value.__module__ == name:
                    found[f"{name}.{key}"] = value
    return found


def routines():
    """Every public function and method, as (name, function, the text that describes it)."""
    for name, thing in public().items():
        if inspect.isfunction(thing):
            yield name, thing, inspect.getdoc(thing) or ""
        elif inspect.isclass(thing):
            for key, value in vars(thing).items():
                value = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
                written = inspect.isfunction(value) and value.__code__.co_filename != "<string>"  # not by dataclass
                if written and (not key.startswith("_") or (key == "__init__" and not issubclass(thing, Exception))):
                    inherited = [inspect.getdoc(getattr(base, key, None)) or "" for base in thing.__mro__[:-1]]
                    yield f"{name}.{key}", value, "\n".join([inspect.getdoc(thing) or "", *inherited])


def word(name, text):
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)


def test_the_pages_show_what_llc_exports_and_what_learners_import():
    shown = "\n".join(PAGES.values())
    assert not [name for name in llc.__all__ if not word(f"sltcourse.llc.{name}", shown)]
    cells = [
        c for path in ROOT.glob("notebooks/*.ipynb") for c in nbformat.read(path, 4).cells if c.cell_type == "code"
    ]
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/researchers.md").read_text(encoding="utf-8"), re.S)
    assert code
    sources = [c.source for c in cells] + code
    names = public()
    for source in sources:
        for line in re.findall(r"^from sltcourse\.(?:llc|theory)[\w.]* import [^(\n]+$", source, re.M):
            (imported,) = ast.parse(line).body
            module = importlib.import_module(imported.module)
            for alias in imported.names:
                thing = getattr(module, alias.name)
                assert not callable(thing) or thing in names.values(), f"{alias.name} of {imported.module} is not shown"


def test_the_first_table_leads_from_what_one_looks_for_to_a_function():
    for word_ in (
        "rlct",
        "real log canonical threshold",
        "learning coefficient",
        "multiplicity",
        "WAIC",
        "WBIC",
        "LLC",
    ):
        assert any(word_ in line for line in PAGES["index"].splitlines() if line.startswith("|")), word_
    names = set(public())
    for role, name in re.findall(r"\{py:(\w+)\}`[^`<]*?<?~?(sltcourse[\w.]+)>?`", PAGES["index"]):
        parent, _, last = name.rpartition(".")
        found = name in names or (role == "meth" and hasattr(public()[parent], last)) or role == "data"
        assert found, f"{name} is not on the pages"


def test_docstrings_name_parameters_and_what_is_raised():
    wrong = []
    for name, function, text in routines():
        if not text.strip():
            wrong.append(f"{name} has no docstring")
        for parameter in inspect.signature(function).parameters:
            if parameter not in ("self", "cls", "args", "kwargs", "others") and not word(parameter, text):
                wrong.append(f"{name} does not name {parameter}")
        wrong += [f"{name} raises {error} and does not say so" for error in raised(function) if not word(error, text)]
    assert not wrong, "\n".join(["", *wrong])


def raised(function):
    """The exceptions that the body of a function raises itself."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, ValueError, SyntaxError):  # what a dataclass wrote
        return set()
    found, todo = set(), list(ast.iter_child_nodes(tree))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Raise) and isinstance(error := getattr(node.exc, "func", node.exc), ast.Name):
            found |= {error.id} if error.id[0].isupper() else set()
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            todo += ast.iter_child_nodes(node)
    return found


def test_fields_of_results_are_explained():
    """A field of a public dataclass or named tuple is named in its class's docstring, or has a ``#:`` beside it."""
    wrong = []
    for name, thing in public().items():
        if inspect.isclass(thing) and "__annotations__" in vars(thing):
            source = inspect.getsource(thing)
            text = "\n".join(inspect.getdoc(base) or "" for base in thing.__mro__[:-1])
            for field in vars(thing)["__annotations__"]:
                beside = re.search(rf"^    {field}: .*#:", source, re.M)
                if not field.startswith("_") and not word(field, text) and not beside:
                    wrong.append(f"{name} does not explain {field}")
    assert not wrong, "\n".join(["", *wrong])


def test_arrays_have_their_shape():
    """Who takes or returns arrays says of what shape: "(chains, draws)", "shape", or that it keeps one."""
    wrong = []
    for name, function, text in routines():
        annotation = " ".join(map(str, inspect.get_annotations(function).values()))
        if re.search(r"ndarray|ArrayLike|Tensor\b|NDArray", annotation):
            if not re.search(r"\((?:\w|…|\.{3}|\d)[\w .…*+₀-₉·]*,[^()]*\)|shape|broadcast", text):
                wrong.append(f"{name} has arrays of an unknown shape")
    assert not wrong, "\n".join(["", *wrong])


def examples():
    """The examples of the docstrings of both rooms, and of the pages."""
    finder, parser = doctest.DocTestFinder(exclude_empty=True, recurse=True), doctest.DocTestParser()
    modules = {importlib.import_module(m) for m in MODULES} | {inspect.getmodule(v) for v in public().values()}
    for module in sorted(modules, key=lambda m: m.__name__):
        yield from (test for test in finder.find(module, globs={}) if test.examples)
    for name, text in PAGES.items():
        test = parser.get_doctest(text, {}, f"docs/api/{name}.md", None, 0)
        if test.examples:
            yield test


def test_every_example_does_what_it_says():
    runner, found, slow = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE), [], []
    os.environ["TQDM_DISABLE"] = "1"
    said = []
    for test in examples():
        started = time.process_time()
        runner.run(test, out=said.append)
        seconds = time.process_time() - started
        found.append(test.name)
        slow += [(test.name, seconds)] * (seconds > 15)
    assert not runner.failures, "".join(said)
    assert len(found) >= EXAMPLES_AT_LEAST and not slow


def test_an_example_that_is_wrong_is_seen():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    runner = doctest.DocTestRunner()
    runner.run(wrong, out=lambda text: None)
    assert runner.failures == 1


@pytest.mark.parametrize("name", ["learning_coefficient", "estimate_llc", "certify", "Posterior", "splitting"])
def test_the_main_names_have_examples(name):
    assert any(test.name.endswith(f".{name}") for test in examples())
