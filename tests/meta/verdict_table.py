"""Prints the part of docs/rules.md that follows from the table of verdicts.

`python -m tests.meta.verdict_table` (`make docs`) writes it; test_docs fails when it is stale.
"""

from alerts.alert import Outcome
from alerts.verdicts import VERDICTS, Verdict, verdict
from rules.finding import Rule
from tests.meta.source_tree import ROOT

DOCUMENT = ROOT / "docs" / "rules.md"
BEGIN = "<!-- generated from alerts/verdicts.py by make docs: do not edit -->"
END = "<!-- end of the table of verdicts -->"


def _words(rule: Rule, wanted: Verdict) -> str:
    return ", ".join(each.value for each in Outcome if verdict(rule, each) is wanted) or "none"


def printed() -> str:
    lines = [BEGIN, "", "| rule, and what it asks at the door | confirmed | false | unknown |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {rule.value}: {table.asks} | {' | '.join(_words(rule, each) for each in Verdict)} |"
        for rule, table in VERDICTS.items()
    ]
    return "\n".join([*lines, "", END])


def in_document(text: str) -> str:
    """The printed part as the document has it, markers included."""
    return BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END


def main() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(text.replace(in_document(text), printed()), encoding="utf-8")


if __name__ == "__main__":
    main()
