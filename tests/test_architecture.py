"""Who may import whom, and the files that state versions agree."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"([A-Za-z0-9_.-]+)==(\S+)", line) for line in lines if line and not line.startswith("#")]
    assert all(found), f"{name} has a line that is no pin"
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in found}


def bounds():
    extras = PROJECT["optional-dependencies"]
    lines = PROJECT["dependencies"] + [r for group in extras.values() for r in group]
    return {m[1].lower(): m[2] for m in (re.fullmatch(r"([A-Za-z0-9_-]+)>=(\S+)", r) for r in lines)}


def version(text):
    return tuple(int(n) for n in re.findall(r"\d+", text))


def test_the_import_rules_hold():
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_lesson_that_imports_a_lesson_breaks_the_rules(tmp_path):
    import shutil

    shutil.copytree(ROOT / "sltcourse", tmp_path / "sltcourse")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with open(tmp_path / "sltcourse" / "lessons" / "free_energy" / "figures.py", "a", encoding="utf-8") as file:
        file.write("\nfrom sltcourse.lessons import volume_scaling\n")
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "free_energy is not allowed to import" in done.stdout.replace("\n", " ")


def test_every_folder_of_the_package_is_installed():
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "sltcourse").rglob("__init__.py")}
    beside = {"sltcourse.assets", "sltcourse.notebooks"}
    assert len(packages) == len(set(packages)) and set(packages) == folders | beside


@pytest.mark.parametrize("folder", ["kit", "lessons", "llc", "theory", "zoo"])
def test_no_file_is_long(folder):
    lines = {
        p.name: len(p.read_text(encoding="utf-8").splitlines()) for p in (ROOT / "sltcourse" / folder).rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > 400} == {}


# A user's own calls: every option has its name at the call, its default and its line in the docstring. What belongs
# together travels as one value: the model, its data and the law around w* as a LocalPosterior, which sample, calibrate
# and llc_map take, and the step as a sampler. Here are the calls that make such a value, or are all of them in one.
FRONT_DOORS = {
    "LocalPosterior.__init__": 13,  # it is that value: a further object would only hold its arguments once more
    "sample": 10,  # a posterior, a sampler, and counts of a run that have nothing to do with each other
    "estimate_llc": 22,  # LocalPosterior, sample and LLCResult.of in one line, for those who want one number
}


def parameters(folder):
    """(file, function, how many values it takes by position, how many in all) for every function of a folder."""
    for path in sorted((ROOT / "sltcourse" / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        scopes = {id(f): f"{c.name}." for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for f in c.body}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in node.args.posonlyargs + node.args.args if a.arg not in ("self", "cls")]
                yield (
                    path.name,
                    scopes.get(id(node), "") + node.name,
                    len(names),
                    len(names) + len(node.args.kwonlyargs),
                )


@pytest.mark.parametrize("folder", ["kit", "lessons", "llc", "theory", "zoo"])
def test_no_function_takes_more_than_six_loose_values(folder):
    """Six by position at most; with those that have their name at every call, nine, but for the front doors."""
    loose = {f"{file} {name}": count for file, name, count, _ in parameters(folder) if count > 6}
    assert loose == {}
    many = {name: count for _, name, _, count in parameters(folder) if count > 9}
    assert many == (FRONT_DOORS if folder == "llc" else {})


@pytest.mark.parametrize("folder", ["kit", "llc", "theory", "zoo", "."])
def test_docstrings_have_one_style(folder):
    """Sentences, and lines ``name : what it is`` where there are many; no underlined headings."""
    files = sorted((ROOT / "sltcourse" / folder).glob("*.py" if folder == "." else "**/*.py"))
    assert files and [p.name for p in files if re.search(r"^ *-{4,}$", p.read_text(encoding="utf-8"), re.M)] == []


def test_every_target_of_make_says_what_it_does():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^([a-z][\w-]*):(?! \w+ = )(.*)$", text, re.M))
    assert set(targets) == set(re.search(r"^\.PHONY: (.*)$", text, re.M)[1].split())
    assert [name for name, line in targets.items() if "   ## " not in line] == [], "make help says nothing of it"
    for path in (ROOT / module.replace(".", "/") for module in re.findall(r"-m ((?:tests|sltcourse)[.\w]*)", text)):
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), path


def test_what_remakes_an_asset_is_there():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for name, entry in json.loads((ROOT / "assets" / "manifest.json").read_text(encoding="utf-8")).items():
        command = entry["command"].split()
        if command[0] == "make":
            assert command[1] in targets, name
        else:
            assert command[:2] == ["python", "-m"] and (ROOT / f"{command[2].replace('.', '/')}.py").is_file(), name


def test_git_leaves_the_line_ends_as_they_are():
    """On Windows it would change them in all texts, and with them the SHA-256 of the assets."""
    rules = (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "* text=auto eol=lf" in rules
    for name in json.loads((ROOT / "assets" / "manifest.json").read_text(encoding="utf-8")):
        kind = Path(name).suffix
        assert kind == ".json" or f"*{kind} binary" in rules, name


def test_the_constraints_pin_what_the_project_asks_for():
    pinned = pins("constraints.txt")
    for name, least in bounds().items():
        assert name in pinned, f"{name} has no pin in constraints.txt"
        assert version(pinned[name]) >= version(least), name


def test_the_hooks_before_a_commit_are_the_pinned_ones():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    used = dict(re.findall(r"additional_dependencies: \[(\S+)==(\S+)\]", hooks))
    assert used and used == {name: pins("constraints.txt")[name] for name in used}


def test_colabs_versions_are_within_the_bounds():
    pinned, core = pins("constraints-colab.txt"), {re.split(">=", r)[0] for r in PROJECT["dependencies"]}
    for name in core - {"arviz-stats"}:  # Colab has arviz in its place
        assert version(pinned[name]) >= version(bounds()[name]), name


def test_the_oldest_versions_are_the_bounds():
    pinned, core = pins("constraints-oldest.txt"), {re.split(">=", r)[0] for r in PROJECT["dependencies"]}
    for name in core - {"torch", "sympy"}:  # see the file's head
        assert Version(pinned[name]) == Version(bounds()[name]), name


def test_the_environment_file_uses_the_constraints():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python="))
    assert version(python) >= version(PROJECT["requires-python"])
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert "-c constraints.txt" in pip
    (install,) = [line for line in pip if line.startswith("-e .")]
    made = re.search(r'-e "\.\[(lab[\w,]*)\]"', (ROOT / "Makefile").read_text(encoding="utf-8"))[1]
    assert install == f"-e .[{made}]", "conda's environment is that of make lab"
    assert set(made.split(",")) <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("name", ["CITATION.cff", "sltcourse/__init__.py"])
def test_the_version_is_the_same_everywhere(name):
    assert re.search(rf"version[_:= \"]+{re.escape(PROJECT['version'])}", (ROOT / name).read_text(encoding="utf-8"))
