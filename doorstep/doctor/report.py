"""The findings as people read them, and as programs do. Pure."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from doorstep.doctor.check import Check, Verdict, overall

WIDTH = 96
_MARKS = {Verdict.OK: "ok", Verdict.WARN: "WARN", Verdict.FAIL: "FAIL"}


def as_text(checks: Sequence[Check]) -> str:
    """One line a check; under what is not ok, why it matters and what to do. Ends with a count."""
    name_width = max((len(check.name) for check in checks), default=0)
    lines: list[str] = []
    for check in checks:
        lines.append(f"{_MARKS[check.verdict]:<4}  {check.name:<{name_width}}  {check.seen}")
        if check.verdict is not Verdict.OK:
            lines += _indented("why: ", check.why)
            lines += _indented("do:  ", check.remedy)
    count = Counter(check.verdict for check in checks)
    lines += ["", ", ".join(f"{count[verdict]} {verdict.value}" for verdict in reversed(Verdict))]
    return "\n".join(lines)


def as_document(checks: Sequence[Check]) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "verdict": overall(checks).value,
        "items": [
            {
                "name": check.name,
                "verdict": check.verdict.value,
                "seen": check.seen,
                "why": check.why,
                "remedy": check.remedy,
            }
            for check in checks
        ],
    }


def _indented(head: str, text: str) -> list[str]:
    first, rest = " " * 6 + head, " " * (6 + len(head))
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)
