"""One bibliography, `docs/references.bib`, for all lessons, docstrings and pages."""

import re
from collections import Counter
from pathlib import Path

import pytest

citations = pytest.importorskip("citations", reason="the bibliography is read with pybtex", exc_type=ImportError)
ARXIV, DOI, named, texts = citations.ARXIV, citations.DOI, citations.named, citations.texts
WORKS = citations.works()
BY_NUMBER = {number: work for work in WORKS.values() for number in (work.eprint, work.doi) if number}
BIB = (Path(__file__).parents[1] / "docs/references.bib").read_text()


def test_each_work_has_one_entry():
    for field in ("eprint", "doi", "title"):
        seen = Counter(getattr(work, field).lower() for work in WORKS.values() if getattr(work, field))
        assert not [value for value, times in seen.items() if times > 1], field
    for work in WORKS.values():
        assert re.fullmatch(rf"[a-z]+{work.year}[a-z]*", work.key) or not work.year, work.key
        assert work.key.startswith(re.sub(r"\W", "", work.surname.lower())[:5]) or " " in work.authors[0][1], work.key


def test_the_year_is_that_of_the_posting_unless_a_publication_is_cited():
    for work in WORKS.values():
        if re.match(r"\d{4}\.", work.eprint):
            posted, entry = f"20{work.eprint[:2]}", re.search(rf"{{{work.key},.*?^}}", BIB, re.S | re.M)[0]
            published = re.search(r"journal|booktitle", entry)
            assert work.year >= posted if published else work.year == posted, work.key


def test_every_work_is_cited():
    assert not [key for key, paths in citations.cited_by().items() if not paths]


# modules of the API reference that have no source but this course
OURS = {"llc.pictures", "theory.density", *(f"theory.models{m}" for m in ("", ".record", ".families", ".grids"))}


def test_every_module_of_the_api_reference_names_its_source():
    pages = "".join(path.read_text() for path in (citations.ROOT / "docs/api").glob("*.md"))
    modules = set(re.findall(r"automodule:: sltcourse\.([\w.]+)", pages))
    cited = {path.removeprefix("sltcourse/") for paths in citations.cited_by().values() for path in paths}
    files = {name: name.replace(".", "/") for name in modules}
    assert {name for name, f in files.items() if not {f"{f}.py", f"{f}/__init__.py"} & cited} == OURS


def wrong_numbers(path, text):
    """What is wrong with the arXiv numbers and DOIs of a text, in words."""
    notebook = path.endswith((".ipynb", ".md"))
    for match in [*ARXIV.finditer(text), *DOI.finditer(text)]:
        work, before = BY_NUMBER.get(match[1]), text[: match.start()]
        if before.endswith(("doi.org/", "arxiv.org/abs/")):
            continue
        if match[0].startswith(("arXiv", "10.")):
            if not work:
                yield f"{match[0]} is not in docs/references.bib"
            elif work.surname not in before[-500:]:
                yield f"{match[0]} without {work.surname}"
            elif re.findall(r"\b(?:19|20)\d\d\b", before[-90:])[-1:] != [work.year]:
                yield f"{match[0]} is of {work.year}"
            elif (
                notebook and match[0].startswith("arXiv") and not text[match.end() :].startswith("](https://arxiv.org/")
            ):
                yield f"{match[0]} is no link"
        elif work and not path.startswith("tests"):
            yield f"{match[0]} is not written arXiv:{match[0]}"


def test_a_number_is_known_and_stands_with_its_first_author_and_year():
    wrong = [(path, *wrong_numbers(path, " ".join(text.split()))) for path, text in texts().items()]
    assert not [line for line in wrong if len(line) > 1]


def test_people_and_a_year_are_a_work_of_the_bibliography():
    known = {(work.surname, work.year) for work in WORKS.values()}
    venues = {(work.venue.split()[-1], work.year) for work in WORKS.values() if work.venue}
    for path, text in texts().items():
        for people, year in named(text):
            known_work = (people[-1], year) in venues or any((person, year) in known for person in people)
            assert known_work, f"{path}: {people} {year}"


def test_lists_of_sources_have_one_form():
    titles = {work.title: work for work in WORKS.values()}
    found = 0
    for path, text in texts().items():
        if path.endswith(".ipynb"):
            for match in re.finditer(r"(?:(?<!\w)[A-Z]\.[^*\n]{1,60}|Snikkers[^*\n]*), \*([^*\n]+)\*", text):
                assert match[1] in titles, f"{path}: the title {match[1]!r} is not in docs/references.bib, or not so"
                authors, rest = titles[match[1]].cited.split(f", *{match[1]}*")
                assert text[: match.end()].endswith(f"{authors}, *{match[1]}*"), f"{path}: {match[0]} is by {authors}"
                assert text[match.end() :].startswith(rest), f"{path}: after {match[0]} comes {rest}"
                found += 1
    assert found > 60


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("(Lau et al. 2024, arXiv:2308.12108)", "is of 2023"),
        ("(Chen et al. 2023, arXiv:2308.12108)", "without Lau"),
        ("(Lau et al. 2023, arXiv:2308.99999)", "is not in"),
        ("(Lau et al. 2023, 2308.12108)", "is not written"),
    ],
)
def test_a_wrong_citation_is_seen(text, wrong):
    assert wrong in next(wrong_numbers("sltcourse/a.py", text))
    assert "is no link" in next(wrong_numbers("a.md", "Lau et al. 2023, arXiv:2308.12108"))


def test_the_patterns_see_what_they_should():
    assert list(named("(Lau et al. 2023) Aoyagi and Watanabe (2005), van der Vaart 1998, Watanabe (2009, 2018)")) == [
        (["Lau"], "2023"), (["Aoyagi", "Watanabe"], "2005"), (["Vaart"], "1998"),
        (["Watanabe"], "2009"), (["Watanabe"], "2018"),
    ]  # fmt: skip
    assert ARXIV.findall("arXiv:2308.12108, arXiv:math/0003232 and 12345.6789") == ["2308.12108", "math/0003232"]
    assert not citations.NAMED.search("of 2000 data sets") and DOI.findall("(doi:10.24432/C50P49)") == [
        "10.24432/C50P49"
    ]
