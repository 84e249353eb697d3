"""The site from the lessons: figures made anew, notebooks turned into pages, Sphinx, and what all that weighs."""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat

from sltcourse.kit import authoring
from sltcourse.kit.book import gallery, packed, pages, remake, sizes

PROCESSES = 2


def build(notebooks: Sequence[Path], docs: Path, work: Path, katex: Path) -> Path:
    """Build the site of ``notebooks`` and of the pages in ``docs``; returns its folder, ``work``/book.

    ``katex``: the package that carries KaTeX, a wheel. Raises RuntimeError if a figure cannot be made, and
    subprocess.CalledProcessError if Sphinx warns of anything.
    """
    source, extra, site = work / "book-source", work / "book-extra", work / "book"
    for made_anew in (pages.PICTURES, pages.DOWNLOADS, gallery.FOLDER):
        shutil.rmtree(extra / made_anew, ignore_errors=True)
    made = _figures(notebooks, extra / "_live")
    started = time.perf_counter()
    _copied(docs, source, {path.name for path in notebooks})
    static = source / "_static"
    formulas(katex, static / "katex")
    _written(static / "live.bundle.js", packed.bundle())
    for file in (packed.KIT / "live.css", packed.HERE / "book.js"):
        shutil.copy2(file, static / file.name)
    downloads = extra / pages.DOWNLOADS
    downloads.mkdir(parents=True, exist_ok=True)
    for path in notebooks:
        (downloads / path.name).write_text(nbformat.writes(pages.blank(path)) + "\n", encoding="utf-8")
        text = nbformat.writes(pages.page(path, made[path.stem], extra))
        _written(source / path.name, text + "\n")
    figures = {m.key: m.html for path in notebooks for m in made[path.stem]}
    for prose in source.glob("*.md"):
        _written(prose, gallery.inserted(prose.read_text(encoding="utf-8"), figures))
    gallery.write(figures, {path.stem: pages.title(path) for path in notebooks}, extra, source)
    shutil.rmtree(site, ignore_errors=True)
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(work / "book-doctrees"), str(source), str(site)]
    subprocess.run([sys.executable, *command], check=True)
    for record in (site / ".buildinfo", *site.glob(f"_live/*/{remake.MADE}")):
        record.unlink()
    shutil.rmtree(site / "_sources", ignore_errors=True)  # empty
    print(f"pages: {time.perf_counter() - started:.0f} s", flush=True)
    return site


def _figures(notebooks: Sequence[Path], folder: Path) -> dict[str, list[remake.Made]]:
    """The figures of all notebooks, in two processes; those of a notebook by its stem."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads would only wait for each other
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in {path.stem for path in notebooks}:
            shutil.rmtree(old)
    found = {}
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        waiting = {path.stem: pool.submit(remake.figures, path.resolve(), folder.resolve()) for path in notebooks}
        for stem, future in waiting.items():
            found[stem], seconds = future.result()
            print(f"{stem}: {len(found[stem])} figures, {seconds:.1f} s of CPU", flush=True)
    return found


def formulas(wheel: Path, target: Path) -> None:
    """KaTeX out of the package that carries it: script, style, woff2 fonts and licence."""
    with zipfile.ZipFile(wheel) as archive:
        (root,) = {n.rpartition("katex.min.js")[0] for n in archive.namelist() if n.endswith("/katex.min.js")}
        for name in archive.namelist():
            inside = name.removeprefix(root)
            if name.startswith(root) and (inside in ("katex.min.js", "katex.min.css", "LICENSE") or "woff2" in inside):
                (target / inside).parent.mkdir(parents=True, exist_ok=True)
                (target / inside).write_bytes(archive.read(name))


def _copied(docs: Path, source: Path, lessons: set[str]) -> None:
    """Copy the folder of prose pages; what is neither there nor among the lessons any longer goes."""
    wanted = {f.relative_to(docs) for f in docs.rglob("*") if f.is_file()}
    for old in [f for f in source.rglob("*") if f.is_file() and f.name not in lessons]:
        if old.relative_to(source) not in wanted:
            old.unlink()
    for file in wanted:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(docs / file, source / file)


def _written(file: Path, text: str) -> None:
    """Write a file if it is not what it was: Sphinx reads anew what is newer than its own copy."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> None:
    """``python -m sltcourse.kit.book``: the site of all lessons into build/book."""
    started = time.perf_counter()
    root = authoring.ROOT
    katex = next((root / "build" / "katex").glob("*.whl"), None)
    if katex is None:
        sys.exit("KaTeX is missing in build/katex: make book gets it, and builds the book")
    notebooks = [Path(a) for a in arguments] or sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    site = build(notebooks, root / "docs", root / "build", katex)
    for name, (once, all_) in sizes.weights(site).items():
        print(f"{name:44} {once / 1e3:6.0f} kB at once, {all_ / 1e6:5.2f} MB with all it shows")
    whole, seconds = sizes.whole(site) / 1e6, time.perf_counter() - started
    print(f"{site.relative_to(root) / 'index.html'}: {whole:.1f} MB, built in {seconds:.0f} s", flush=True)
