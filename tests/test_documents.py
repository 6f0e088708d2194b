"""README and docs/ against the repository: their links, calls, variables and the steps they show."""

import re
from functools import cache
from pathlib import Path

from loyalty_site.walkthrough.steps import STEPS
from tests.processes import REPOSITORY

README = REPOSITORY / "README.md"
PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
WRITTEN = [
    README,
    REPOSITORY / "CONTRIBUTING.md",
    *PAGES,
    *sorted((REPOSITORY / "docs/decisions").glob("*.md")),
    *sorted((REPOSITORY / "benchmarks").glob("*.md")),
]
GUIDES = [README, REPOSITORY / "CONTRIBUTING.md", *PAGES]
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^)\s]+)\)")
CALL = re.compile(r"\b((?:GET|POST|PUT|PATCH|DELETE)(?:\|(?:GET|POST|PUT|PATCH|DELETE))*) (/[\w\-/{}$]+)")
# Paths of the repository in running text: a folder of it, and the end of a file's name.
FILE = re.compile(
    r"(?<![\w/.])((?:docs|tests|static|locale|benchmarks|frontend)/[\w/\-]+\.(?:py|md|js|css|po))"
)
# A receiver's own address in an example, and pages beside the API.
NOT_OURS = {"/hook", "/.well-known/fidelio-ledger/2026-10-21"}
FOR_TESTS = {"CHANNEL_FAULTS"}


def short(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_every_link_leads_somewhere():
    broken = [
        f"{short(page)}: {link}"
        for page in WRITTEN
        for link in LINK.findall(FENCE.sub("", page.read_text()))
        if not leads(page, link)
    ]

    assert broken == []


def leads(page: Path, link: str) -> bool:
    name, _sharp, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_leads_to_every_page_of_the_documentation():
    linked = {link.partition("#")[0] for link in LINK.findall(README.read_text())}

    assert [short(page) for page in PAGES if short(page) not in linked] == []


def test_every_file_that_a_guide_names_is_there():
    named = {(page, name) for page in GUIDES for name in FILE.findall(page.read_text()) if "NNNN" not in name}

    assert sorted(f"{short(page)}: {name}" for page, name in named if not (REPOSITORY / name).exists()) == []


def test_every_call_that_a_guide_names_is_in_the_schema():
    calls = [
        (short(page), method, path)
        for page in GUIDES
        for methods, path in CALL.findall(page.read_text())
        for method in methods.split("|")
        if path not in NOT_OURS
    ]

    assert len(calls) > 50
    assert [call for call in calls if not is_known(*call[1:])] == []


def is_known(method: str, path: str) -> bool:
    parts = path.removeprefix("/api/v1").strip("/").split("/")
    return any(
        len(parts) == len(known)
        and all(
            part == own or own[0] == "{" or part[0] in "{$" for part, own in zip(parts, known, strict=True)
        )
        for known in routes().get(method, [])
    )


def is_like(part: str, known: str) -> bool:
    return part == known or known[0] == "{" or part[0] in "{$"


@cache
def routes() -> dict[str, list[list[str]]]:
    """Return the paths of docs/openapi.yaml by method; read by the line: parsing it takes seconds."""
    found: dict[str, list[list[str]]] = {}
    path = ""
    for line in (REPOSITORY / "docs/openapi.yaml").read_text().splitlines():
        if route := re.match(r"  (/\S+):$", line):
            path = route[1]
        elif (method := re.match(r"    (get|post|put|patch|delete):$", line)) and path:
            found.setdefault(method[1].upper(), []).append(path.removeprefix("/api/v1").strip("/").split("/"))
    return found


def test_every_variable_is_in_the_table_and_every_one_in_the_table_is_read():
    written = (REPOSITORY / "docs/operating.md").read_text()
    cells = re.findall(r"^\| (`[A-Z][^|]*) \|", written, re.MULTILINE)
    table = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    code = "\n".join(path.read_text() for path in (REPOSITORY / "loyalty_site").rglob("*.py"))
    asked = set(re.findall(r'(?:\bread|read_flag|environ\.get)\(\s*"([A-Z][A-Z0-9_]{3,})"', code))

    assert sorted(asked - table - FOR_TESTS) == []
    assert sorted(name for name in table if f'"{name}"' not in code) == []


def test_the_readme_shows_the_steps_of_the_walkthrough():
    shown = re.findall(r"^ ?(\d+)  (\S.{11}) \S", README.read_text(), re.MULTILINE)

    assert [(int(number), title.rstrip()) for number, title in shown] == [
        (number, title) for number, (title, _step) in enumerate(STEPS, start=1)
    ]
    assert "…" not in README.read_text()
