"""The rhythm of the lessons, counted: how much is read and how much is done.

``python -m sltcourse.kit.rhythm notebooks/…`` (``make rhythm``) prints a line for each lesson. Counted is the core
path: what stands in sight, without what is folded in ``<details>`` or tagged "deeper".
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from sltcourse.kit.authoring import notebooks
from sltcourse.kit.text import table

WORDS_A_MINUTE = 180
GUESS_MINUTES = 1  # a guess is made and its answer read
_FORMATTING = re.compile(r"""\bprint\(|\bf["']|\btable\(|\.format\(|\bdisplay\(""")
_VERDICT = re.compile(r"\b(?:yes|ok|agrees?|matches|correct|true|false)\b|\bwithin \d+ ?%", re.I)
_STATED = re.compile(r"~(\d+) min(?!, deeper)")


@dataclass(frozen=True)
class Rhythm:
    """The measures of one lesson.

    ``words`` of visible prose, a formula being one; ``lines`` of code, an exercise's being those of its solution, which
    the learner writes; ``formatting`` lines among them, that make text; ``written`` exercises whose answer is a
    function; ``guesses``; ``minutes`` of the core path: its words at 180 a minute, a minute for each guess, and what
    the text itself says of an exercise or an experiment ("~8 min"; "~8 min, deeper" is no part of it); ``stated``
    minutes, 0 where the head has none; ``verdicts``, words in the outputs that stand where a number could ("yes",
    "within 3 %").
    """

    words: int
    lines: int
    formatting: int
    written: int
    guesses: int
    minutes: float
    stated: int
    verdicts: int

    @property
    def words_a_line(self) -> float:
        return self.words / max(self.lines, 1)

    @property
    def formatting_share(self) -> float:
        return self.formatting / max(self.lines, 1)


def prose(source: str) -> str:
    """The text of a markdown cell that stands in sight: without what is folded, code blocks, addresses and markup."""
    for pattern, instead in (
        (r"<details.*?</details>", " "),
        (r"<!--.*?-->", " "),
        (r"```.*?```", " "),
        (r"\$\$.*?\$\$", " formula "),
        (r"(?<!\\)\$[^$\n]+\$", " formula "),
        (r"`[^`\n]+`", " code "),
        (r"!\[[^]]*\]\([^)]*\)", " "),
        (r"\]\([^)]*\)", "] "),
        (r"<[^>\n]+>", " "),
    ):
        source = re.sub(pattern, instead, source, flags=re.S)
    return source


def words(source: str) -> int:
    """How many words of a markdown cell stand in sight; a formula or a name in code is one."""
    return len(re.findall(r"\w[\w’'.,-]*", prose(source)))


def _code(source: str) -> list[str]:
    return [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]


def measured(notebook: NotebookNode) -> Rhythm:
    """Count a lesson."""
    lines: list[str] = []
    read, guesses, written, verdicts, minutes = 0, 0, 0, 0, 0.0
    for k, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            read += words(cell.source)
            if k >= 2:  # after the head, whose minutes are those of the whole lesson
                minutes += sum(map(int, _STATED.findall(prose(cell.source))))
            continue
        tags = cell.metadata.get("tags", [])
        shown = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
        guesses += sum(text.startswith(("[Guess]", "[Live figure with a guess")) for text in shown)
        if cell.cell_type != "code" or {"setup", "deeper"} & set(tags):
            continue
        source = cell.source
        if "exercise" in tags:
            written += bool(re.search(r"= use\(check\.", source))
            after = notebook.cells[k + 1].source if k + 1 < len(notebook.cells) else ""
            solution = re.search(r"<summary>\s*Solution\s*</summary>.*?```python\n(.*?)```", after, re.S)
            source = max(source, solution[1] if solution else "", key=lambda s: len(_code(s)))
        elif not any(text.startswith("[") for text in shown):
            verdicts += sum(len(_VERDICT.findall(text)) for text in shown)
        lines += _code(source)
    head = "\n".join(c.source for c in notebook.cells[:2])
    stated = re.search(r"\*\*Time\*\*\D*?(\d+)", head)
    return Rhythm(
        words=read,
        lines=len(lines),
        formatting=sum(bool(_FORMATTING.search(line)) for line in lines),
        written=written,
        guesses=guesses,
        minutes=minutes + read / WORDS_A_MINUTE + GUESS_MINUTES * guesses,
        stated=int(stated[1]) if stated else 0,
        verdicts=verdicts,
    )


def report(paths: list[Path]) -> table:
    """The measures of lessons, a row for each."""
    rows = []
    for path in paths:
        r = measured(nbformat.read(path, as_version=4))
        share, line = f"{100 * r.formatting_share:.0f} %", f"{r.words_a_line:.1f}"
        counts = [r.words, r.lines, line, share, r.written, r.guesses, round(r.minutes), r.stated, r.verdicts]
        rows.append([path.stem, *map(str, counts)])
    header = ["lesson", "words", "lines", "words a line", "formatting", "write it", "guesses"]
    return table(rows, [*header, "core minutes", "stated", "verdicts"])


if __name__ == "__main__":
    print(report(notebooks(sys.argv[1:], "python -m sltcourse.kit.rhythm")))
