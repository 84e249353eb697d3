"""Colab's versions of today into constraints-colab.txt: ``python -m tests.colab_versions pip-freeze.txt``.

The argument is the list that Colab publishes (github.com/googlecolab/backend-info). The packages stay those of
constraints-colab.txt; each gets the version that Colab has. What Colab does not have, as nbval, keeps its own. A
version built for CUDA ("2.11.0+cu128") counts as the plain one. Printed is what moved. Needs nothing but Python.
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints-colab.txt"
NAMED = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:===?\s*([^\s;#]+)|@\s*(\S+))")


def plain(name):
    """A package's name as all its spellings have it in common."""
    return re.sub(r"[-_.]+", "-", name).lower()


def published(text):
    """{package: version} of a list as ``pip freeze`` writes it; a file without a version in its name is left out.

    Raises ValueError if the text is no such list, but a page that tells of an error, say.
    """
    found = {}
    for line in text.splitlines():
        match = NAMED.match(line.strip())
        if not match:
            continue
        name, version, address = match.groups()
        if address:
            file = re.search(r"/[\w.]+?-([^/-]+)-[^/]*\.whl", unquote(address))
            version = file[1] if file else None
        if version:
            found[plain(name)] = version.partition("+")[0]
    if len(found) < 100:
        raise ValueError(f"this is not Colab's list: it names {len(found)} packages")
    return found


def renewed(constraints, versions):
    """The text of constraints-colab.txt with Colab's versions, and what moved: [(package, from, to)]."""
    moved = []

    def line(found):
        name, old = found.groups()
        new = versions.get(plain(name), old)
        if new != old:
            moved.append((name, old, new))
        return f"{name}=={new}"

    return re.sub(r"^([\w.-]+)==(\S+)$", line, constraints, flags=re.M), moved


def main(arguments):
    if len(arguments) != 1:
        sys.exit("usage: python -m tests.colab_versions pip-freeze.txt")
    try:
        versions = published(Path(arguments[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    text, moved = renewed(CONSTRAINTS.read_text(encoding="utf-8"), versions)
    CONSTRAINTS.write_text(text, encoding="utf-8")
    for name, old, new in moved:
        print(f"{name}: {old} -> {new}")
    print(f"{len(moved)} versions moved")


if __name__ == "__main__":
    main(sys.argv[1:])
