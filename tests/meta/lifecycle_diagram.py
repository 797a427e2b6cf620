"""Draws the part of docs/alert-lifecycle.md that follows from the transition table.

`python -m tests.meta.lifecycle_diagram` (`make docs`) writes it; test_docs fails when it is stale.
"""

from collections.abc import Iterable

from alerts.alert import NOT_CLOSING, Condition, Outcome, Response
from alerts.transitions import ANY, BOTH, NOT_CLOSED, TRANSITIONS, Guard, Transition
from tests.meta.source_tree import ROOT

DOCUMENT = ROOT / "docs" / "alert-lifecycle.md"
BEGIN = "<!-- generated from alerts/transitions.py by make docs: do not edit -->"
END = "<!-- end of what is generated -->"


def _label(row: Transition) -> str:
    guard = f", if {row.guard.value}" if row.guard is not Guard.NONE else ""
    return f"{row.kind.value} (by {row.by.value}{guard})"


def response_axis() -> list[str]:
    lines = []
    for row in TRANSITIONS:
        if row.response is None:
            continue
        label = _label(row)
        lines += [f"    [*] --> {row.response.value}: {label}"] if not row.responses else []
        lines += [
            f"    {before.value} --> {row.response.value}: {label}"
            for before in row.responses
            if before is not row.response or row.guard is not Guard.NONE
        ]
    return lines


def condition_axis() -> list[str]:
    lines = []
    for row in TRANSITIONS:
        if row.condition is None:
            continue
        befores = [before for before in row.conditions if before is not row.condition]
        lines += [f"    [*] --> {row.condition.value}: {_label(row)}"] if not befores else []
        lines += [f"    {each.value} --> {row.condition.value}: {_label(row)}" for each in befores]
    return lines


def _words(values: Iterable[Response | Condition], every: object, name: str) -> str:
    return name if values == every else ", ".join(value.value for value in values) or "none yet"


def table() -> list[str]:
    lines = [
        "| event | by | response before | condition before | response after | condition after | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in TRANSITIONS:
        cells = (
            f"`{row.kind.value}`",
            row.by.value,
            "any" if row.responses == ANY else _words(row.responses, NOT_CLOSED, "not closed"),
            _words(row.conditions, BOTH, "either"),
            row.response.value if row.response else "as it was",
            row.condition.value if row.condition else "as it was",
            row.guard.value,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def outcomes() -> list[str]:
    closing = [f"`{each.value}`" for each in Outcome if each not in NOT_CLOSING]
    again = [f"`{each.value}`" for each in NOT_CLOSING]
    return [
        f"Outcomes that close: {', '.join(closing)}.",
        "",
        f"Outcomes after which somebody has to go again: {', '.join(again)}.",
    ]


def drawn() -> str:
    parts = [
        BEGIN,
        "",
        "**Response**",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *response_axis(),
        "```",
        "",
        "**Condition**",
        "",
        "```mermaid",
        "stateDiagram-v2",
        *condition_axis(),
        "```",
        "",
        *table(),
        "",
        *outcomes(),
        "",
        END,
    ]
    return "\n".join(parts)


def in_document(text: str) -> str:
    """The generated part as the document has it, markers included."""
    return BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text.replace(in_document(text), drawn()), encoding="utf-8")


if __name__ == "__main__":
    main()
