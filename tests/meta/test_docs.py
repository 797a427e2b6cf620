"""The documents are complete: what an operator or a device's maker can meet is in docs/.

Each test walks the code, so that a setting, metric, reason, route, command or transition that is
added without a word in the documents fails here.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel
from starlette.routing import Route

import alerts.metrics
import ingest.health
import ingest.metrics
from alerts.alert import Condition, Outcome, Response
from alerts.api import problems
from alerts.api.app import create_app
from alerts.api.ports import Ports
from alerts.audit import What
from alerts.lifecycle import Kind
from domain.faults import Point
from doorstep import cli, faults, watchdog
from doorstep.settings import PREFIX
from ingest.events import Effect, Event
from ingest.wire import Reason
from rules import rulebook
from rules.finding import Rule
from store.provision import CARER, STAFF
from store.roster_document import Document
from tests.meta import lifecycle_diagram, verdict_table
from tests.meta.settings_names import secret_files, settings
from tests.meta.source_tree import ROOT, files

METRICS = (*ingest.metrics.METRICS, *alerts.metrics.METRICS)
DOCUMENTS = sorted([*files("docs", "*.md"), *ROOT.glob("*.md")])
EACH = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=[path.relative_to(ROOT).as_posix() for path in DOCUMENTS]
)


@cache
def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(name: str, *, braces: bool = False) -> dict[str, list[str]]:
    """The table rows of a document, by the code in their first cell; without `{labels}`."""
    first = r"([^`]+)" if braces else r"([^`{]+)(?:\{[^`]*)?"
    found = {}
    for line in document(name).splitlines():
        if hit := re.match(rf"\| `{first}` \|(.*)\|$", line):
            found[hit[1]] = [cell.strip() for cell in hit[2].split(" | ")]
    return found


def test_every_setting_is_documented_with_its_default() -> None:
    documented = rows("operations.md")
    for name, default in settings():
        assert name in documented, f"{name} is not in docs/operations.md"
        said = documented[name][0]
        shown = "" if default is None else f"`{default}`"
        assert said == shown, f"{name}: the document says {said or 'nothing'}, the code {shown}"


def test_no_setting_is_documented_that_is_not_there() -> None:
    known = {name for name, _ in settings()} | set(secret_files())
    for path in DOCUMENTS:
        for name in re.findall(rf"\b{PREFIX}[A-Z_]+[A-Z]\b", path.read_text(encoding="utf-8")):
            if name not in {f"{PREFIX}TEST_CACHE", faults.VARIABLE}:
                assert name in known, f"{path.name}: {name}"


def test_every_secret_can_be_a_file_and_the_document_says_so() -> None:
    for name in secret_files():
        assert f"`{name}`" in document("operations.md")


def test_every_metric_is_documented_with_its_kind_and_labels() -> None:
    documented = rows("operations.md")
    for metric in METRICS:
        assert metric.name in documented, f"{metric.name} is not in docs/operations.md"
        assert documented[metric.name][0] == metric.kind
        labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
        assert f"`{metric.name}{labels}`" in document("operations.md")


def test_no_metric_is_documented_that_is_not_there() -> None:
    names = {metric.name for metric in METRICS}
    said = set(re.findall(r"`(doorstep_[a-z_]+)", document("operations.md")))
    assert not said - names - {STAFF, CARER}, "nor a role of the database"


def operations() -> set[str]:
    """Every route of the HTTP side as `GET /path`. The application is built and never called."""
    nothing = cast("Any", None)
    given: dict[str, Any] = {"console": ROOT / "console" / "static", "unavailable": ()}
    ports = Ports(**{each.name: given.get(each.name, nothing) for each in fields(Ports)})
    app = create_app(ports, "0").app
    described = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    # Pages and files are not described.
    pages = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    return described | {page for page in pages if not page.startswith("HEAD ")}


def test_every_route_is_documented_and_none_besides() -> None:
    assert set(rows("http.md", braces=True)) >= operations()
    said = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)` \|", document("http.md")))
    assert said == operations()


def test_every_problem_is_documented() -> None:
    assert set(problems.TYPES) <= set(rows("http.md", braces=True))


def test_every_entry_of_the_audit_log_is_documented() -> None:
    section = document("privacy.md").partition("## The audit log")[2].partition("\n## ")[0]
    assert not [what for what in What if f"`{what}`" not in section]


def test_the_health_of_both_processes_is_documented() -> None:
    assert set(ingest.health.PATHS) <= set(rows("operations.md"))
    assert {f"GET {path}" for path in ingest.health.PATHS} <= operations()


def test_every_rejection_reason_is_documented_and_none_besides() -> None:
    section = document("wire-format.md").partition("## What is not accepted")[2]
    said = set(re.findall(r"^\| `([a-z0-9_]+)` \|", section, re.MULTILINE))
    assert said == {reason.value for reason in Reason}


def test_every_command_is_documented() -> None:
    documented = rows("operations.md")
    for name in cli.COMMANDS:
        assert f"doorstep {name}" in documented, f"doorstep {name} is not in docs/operations.md"


def test_every_exit_code_is_documented() -> None:
    codes = (cli.OK, cli.FAILED, cli.USAGE, cli.CONFIGURATION, cli.UNREACHABLE, watchdog.EXIT_CODE)
    section = document("operations.md").partition("| exit code |")[2].partition("##")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == [*codes]


@pytest.mark.parametrize("kind", [*get_args(Event), *get_args(Effect)])
def test_the_page_on_the_pipeline_names_every_event_and_effect(kind: type) -> None:
    page = document("architecture.md").partition("## The pipeline machine")[2]
    assert f"`{kind.__name__}`" in page


def test_every_fault_point_is_documented_and_tried_and_none_besides() -> None:
    section = document("architecture.md").partition("## Fault points")[2].partition("\n## ")[0]
    said = re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)
    tried = (ROOT / "tests/acceptance/test_fault_points.py").read_text()
    assert said == [*Point]
    for point in Point:
        assert f"Point.{point.name}" in tried


def roster_words(model: type[BaseModel] = Document) -> Iterator[str]:
    """Every word of a roster file, nested ones too."""
    for name, info in model.model_fields.items():
        yield info.alias or name
        for kind in parts(info.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from roster_words(kind)


def parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def test_every_field_of_the_roster_file_is_documented() -> None:
    said = set(re.findall(r"`([a-z_]+)`", document("roster.md")))
    assert set(roster_words()) >= {"communities", "radius_m", "from", "value_c", "expires_at"}
    assert not set(roster_words()) - said


def test_every_rule_is_documented_and_the_rulebook_knows_those_that_are_there() -> None:
    there = {rule.value for rule in Rule if hasattr(rulebook.DEFAULT, rule.value)}
    assert set(rows("rules.md")) == there
    for rule in Rule:
        assert f"`{rule.value}`" in document("rules.md")


def test_the_lifecycle_is_drawn_from_the_table() -> None:
    assert lifecycle_diagram.in_document(document("alert-lifecycle.md")) == (
        lifecycle_diagram.drawn()
    ), "run make docs"


def test_the_verdicts_are_printed_from_the_table() -> None:
    assert verdict_table.in_document(document("rules.md")) == verdict_table.printed(), (
        "run make docs"
    )


def test_every_rule_is_judged_by_every_outcome_in_the_printed_table() -> None:
    lines = verdict_table.printed().splitlines()
    for rule in Rule:
        (line,) = [each for each in lines if each.startswith(f"| {rule.value}: ")]
        for outcome in Outcome:
            assert len(re.findall(rf"(?<!\w){outcome.value}(?!\w)", line.partition("?")[2])) == 1


def test_every_transition_and_outcome_is_in_the_drawing() -> None:
    drawing = lifecycle_diagram.drawn()
    for word in (*Kind, *Outcome):
        assert f"`{word.value}`" in drawing
    for word in (*Condition, *Response):
        assert re.search(rf"(^|\W){word.value}\W", drawing)


def links() -> Iterator[tuple[Path, str]]:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                yield path, target


def anchors(path: Path) -> set[str]:
    """What GitHub and others make of the headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def test_links_between_documents_lead_somewhere() -> None:
    for path, target in links():
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{path.name}: {target}"


def test_the_four_promises_head_the_readme_each_with_its_tests() -> None:
    head = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    promises = re.split(r"\n(?=\d\. \*\*)", head)[1:]
    assert len(promises) == 4
    for promise in promises:
        proofs = re.findall(r"\]\((tests/[^)]+)\)", promise)
        assert proofs, promise
        for proof in proofs:
            folder = ROOT / proof
            found = [folder] if folder.is_file() else list(folder.rglob("test_*.py"))
            assert found, proof


def test_decisions_are_numbered_and_fit_a_page() -> None:
    paths = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in paths] == list(range(1, len(paths) + 1))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} ")
        assert text.count("\n") <= 60, f"{path.name} is longer than a page"
        for part in ("Objective.", "Overview.", "Is.", "Is not.", "Prior art.", "Open questions."):
            assert f"**{part}**" in text, f"{path.name} has no {part}"


def test_changelog_lines_say_their_kind() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n## [Unreleased]" in text
    for line in re.findall(r"^- .*$", text.partition("\n## ")[2], re.MULTILINE):
        assert re.match(r"- \[(CHANGE|FEATURE|ENHANCEMENT|BUGFIX|SECURITY)\] ", line), line


@EACH
def test_documents_name_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|root|home|tmp|Users)/", text)
    assert not re.search(r"https?://(registry|files|deb|index|pypi)\.", text)
