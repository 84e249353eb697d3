"""For authors: stamp, execute, clean and pack the notebooks.

``python -m sltcourse.kit.authoring execute notebooks/…`` re-executes from a fresh kernel, stores clean outputs and
says which of them moved; ``… stamp notebooks/…`` writes the published address into badges and set-up cells, the
README, pyproject.toml and CITATION.cff; ``… onefile notebooks/…`` writes to ``build/colab`` a copy of each that carries
the course inside.
"""

import base64
import io
import os
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from sltcourse.kit import files

ROOT = Path(__file__).resolve().parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
BADGE_MARK, BOOK_MARK = "<!-- badge -->", "<!-- book -->"
NO_BOOK = "*As a book, whose sliders work in the browser: `make book` builds it in `build/book`.*"
_ASSET = re.compile(r'assets\.\w+\("([\w./-]+)"\)')  # how code names a kept file
ONE_FILE = "*This copy carries the course inside: open it on Colab or in any Jupyter and run the first cell.*"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def project() -> tuple[str, str | None]:
    """The version and the published address (None until ``project.urls.Repository`` is set) from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["version"], project.get("urls", {}).get("Repository")


def repository() -> str | None:
    """The published address as a browser wants it, without what git adds to it; None while there is none."""
    _, address = project()
    return address and address.rstrip("/").removesuffix(".git")


def book_address() -> str | None:
    """Where the book is published, as the host's Pages derive it from the repository; None without an address."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", repository() or "")
    return f"https://{found[1].lower()}.github.io/{found[2]}/" if found else None


def colab(name: str) -> str | None:
    """The address at which Colab opens the notebook ``name``; None while the course has no published address."""
    address = repository()
    path = f"{address.removeprefix('https://github.com/')}/blob/main/notebooks/{name}" if address else None
    return path and f"https://colab.research.google.com/github/{path}"


def badge(name: str) -> str:
    """The Colab badge of a lesson, or how to get there while the course has no address."""
    address = colab(name)
    if address is None:
        return "*On Colab: `make colab` writes a one-file copy of this lesson to upload there.*"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({address})"


def setup_source() -> str:
    """The set-up cell, the same in every lesson. Locally it does nothing; on Colab it installs the course."""
    version, address = project()
    if address is None:
        line = "# Set-up: nothing to do where the course is installed. On Colab, use this lesson's one-file copy."
        return f"{line}\nimport sltcourse"
    return (
        "import importlib.util\n"
        "if importlib.util.find_spec('sltcourse') is None:\n"
        f"    %pip install -q --no-deps 'git+{address}@v{version}'\n"
        "    importlib.invalidate_caches()\n"
        "    if importlib.util.find_spec('sltcourse') is None:\n"
        f"        print('The course could not be installed. Take the one-file copy of this lesson: {address}')"
    )


def stamp(notebook: NotebookNode, name: str) -> None:
    """Write the badge and the set-up cell into a notebook."""
    line = f"{badge(name)} {BADGE_MARK}"
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and BADGE_MARK in cell.source:
            cell.source = re.sub(rf"^.*{BADGE_MARK}.*$", lambda _: line, cell.source, flags=re.M)
        if "setup" in cell.metadata.get("tags", []):
            cell.source = setup_source()


def stamp_readme(readme: str) -> str:
    """The README's text, with a badge in the last column of the table of lessons and the link to the book."""

    def row(found: re.Match[str]) -> str:
        link = badge(found[2]) if project()[1] else "one-file copy: `make colab`"
        return f"{found[1]}| {link} |"

    book = book_address()
    line = f"**[Read it as a book]({book})**: every slider works in the browser, with nothing installed."
    line = f"{line if book else NO_BOOK} {BOOK_MARK}"
    readme = re.sub(rf"^.*{BOOK_MARK}$", lambda _: line, readme, flags=re.M)
    return re.sub(r"^(\|.*\]\(notebooks/(\w+\.ipynb)\).*)\|[^|]*\|$", row, readme, flags=re.M)


def stamp_project(rules: str) -> str:
    """The text of pyproject.toml, with all of ``[project.urls]`` derived from the address of the repository."""
    if repository() is None:
        return rules
    addresses = {"Documentation": book_address(), "Issues": f"{repository()}/issues"}
    lines = "".join(f'{name} = "{found}"\n' for name, found in addresses.items() if found)
    rules = re.sub(rf"^(?:{'|'.join(addresses)}) = .*\n", "", rules, flags=re.M)
    return re.sub(r"^Repository = .*\n", lambda found: found[0] + lines, rules, count=1, flags=re.M)


def stamp_citation(citation: str) -> str:
    """The text of CITATION.cff, with the version and the addresses of the repository and of the book."""
    addresses = {"repository-code": repository(), "url": book_address()}
    citation = re.sub(r"^version: .*$", f"version: {project()[0]}", citation, flags=re.M)
    citation = re.sub(r"^(?:repository-code|url): .*\n", "", citation, flags=re.M)
    lines = "".join(f"{key}: {found}\n" for key, found in addresses.items() if found)
    return re.sub(r"^license: .*\n", lambda found: found[0] + lines, citation, flags=re.M)


def clean(notebook: NotebookNode) -> None:
    """Drop what changes from run to run or belongs to a machine: timestamps, widget ids, editors' metadata.

    A stream that came in pieces, as the clock would have it, becomes one. What the tags fold (``fold``) is folded.
    """
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        kept = {k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter", "cellView")}
        cell.metadata = nbformat.from_dict(kept)
        fold(cell)
        whole: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            if whole and output.output_type == "stream" == whole[-1].output_type and output.name == whole[-1].name:
                whole[-1].text += output.text
                continue
            whole.append(output)
            if {"image/png", "text/html"} & set(output.get("data", {})):  # a live figure is stored as its still picture
                output["data"].pop(WIDGET, None)
        if cell.cell_type == "code":
            cell.outputs = whole


def fold(cell: NotebookNode) -> None:
    """Store the outputs of a code cell tagged "answer" folded; the source too of one tagged "deeper".

    JupyterLab reads ``jupyter``, Notebook 6 and Colab ``collapsed``, and Colab hides a source that is a form.
    """
    tags = set(cell.metadata.get("tags", []))
    if cell.cell_type != "code" or not tags & {"answer", "deeper"}:
        return
    hidden = {**cell.metadata.get("jupyter", {}), "outputs_hidden": True}
    cell.metadata["collapsed"] = True
    if "deeper" in tags:
        hidden["source_hidden"] = True
        cell.metadata["cellView"] = "form"
    cell.metadata["jupyter"] = nbformat.from_dict(hidden)


def execute(path: Path) -> list[int]:
    """Run a notebook from a fresh kernel, in its own folder, and store its clean outputs.

    Returns the numbers of the code cells whose outputs moved.
    """
    from nbclient import NotebookClient

    os.environ.update({"TQDM_DISABLE": "1", "SLTCOURSE_PASSED": ""})  # no bars, and not the author's own progress
    notebook = nbformat.read(path, as_version=4)
    before = [(c.source, c.outputs) for c in notebook.cells if c.cell_type == "code"]
    stamp(notebook, path.name)
    notebook.metadata["kernelspec"] = KERNEL
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    clean(notebook)
    nbformat.write(notebook, path)
    after = [(c.source, c.outputs) for c in notebook.cells if c.cell_type == "code"]
    return [k for k, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new]


_UNPACK = """\
# @title Set-up: run this cell once. It unpacks the course's helper code, which this file carries inside.
import base64, io, sys, tempfile, zipfile
folder = tempfile.mkdtemp()
zipfile.ZipFile(io.BytesIO(base64.b85decode(PACKED))).extractall(folder)
sys.path.insert(0, folder)
"""


def assets_of(path: Path) -> list[Path]:
    """The kept files that a lesson reads: those of its own folder, and those that ``zoo`` names if it is imported."""
    name = path.stem[3:]
    sources = [path, *(ROOT / "sltcourse" / "lessons" / name).glob("*.py")]
    shared = [ROOT / "sltcourse" / "zoo"] if any("sltcourse.zoo" in s.read_text("utf-8") for s in sources) else []
    named = {n for folder in shared for s in folder.glob("*.py") for n in _ASSET.findall(s.read_text("utf-8"))}
    own = [file for file in (ROOT / "assets" / name).rglob("*") if file.is_file()]
    return sorted({*own, *(ROOT / "assets" / n for n in named)})


def one_file(path: Path) -> NotebookNode:
    """The notebook with the package and the lesson's assets packed into the set-up cell, folded; no outputs removed."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    head = notebook.cells[0]
    head.source = re.sub(rf"^.*{BADGE_MARK}.*$", ONE_FILE, head.source, flags=re.M)
    package = [f for f in sorted((ROOT / "sltcourse").rglob("*")) if f.is_file() and "__pycache__" not in f.parts]
    files = [ROOT / "assets" / "manifest.json", *package, *assets_of(path)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files:
            archive.write(file, file.relative_to(ROOT))
    packed = base64.b85encode(buffer.getvalue()).decode()
    (setup,) = [c for c in notebook.cells if "setup" in c.metadata.get("tags", [])]
    setup.source = _UNPACK.replace("PACKED", repr(packed))
    setup.metadata.update({"cellView": "form", "jupyter": {"source_hidden": True}})
    return notebook


def notebooks(arguments: list[str], usage: str) -> list[Path]:
    """The notebooks that a command was given; ends it with what to do if there is none, or one is not there."""
    paths = [Path(argument) for argument in arguments]
    if not paths:
        sys.exit(f"usage: {usage} NOTEBOOK.ipynb ...")
    if missing := [path for path in paths if not path.is_file()]:
        sys.exit(f"there is no notebook {missing[0]}: the lessons are in {ROOT / 'notebooks'}")
    return paths


def main(arguments: list[str]) -> None:
    usage = "python -m sltcourse.kit.authoring execute|stamp|onefile"
    known = arguments[:1] in (["execute"], ["stamp"], ["onefile"])
    for path in notebooks(arguments[1:] if known else [], usage):
        print(path.name, end=" ", flush=True)
        if arguments[0] == "execute":
            moved = execute(path)
            print("moved: code cells " + ", ".join(map(str, moved)) if moved else "unchanged", end="")
        elif arguments[0] == "stamp":
            notebook = nbformat.read(path, as_version=4)
            stamp(notebook, path.name)
            nbformat.write(notebook, path)
        else:
            target = ROOT / "build" / "colab"
            target.mkdir(parents=True, exist_ok=True)
            nbformat.write(one_file(path), target / path.name)
        print()
    if arguments[0] == "stamp":
        for name, stamped in (
            ("README.md", stamp_readme),
            ("pyproject.toml", stamp_project),
            ("CITATION.cff", stamp_citation),
        ):
            files.write(ROOT / name, stamped((ROOT / name).read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(sys.argv[1:])
