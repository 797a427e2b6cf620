"""The daily report (`alerts.report`) as CSV, a figure a line, for those who keep tables.

Pure. Nothing is counted here: each line is one figure of the document.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from alerts.csv_text import Cell, line
from alerts.verdicts import Verdict
from rules.finding import Severity

COLUMNS: Final = ("date", "complete", "grids", "section", "item", "rule", "severity", "value")

Figure = tuple[str, str, str | None, str | None, Cell]
"""section, item, rule, severity, value"""


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The header, then the figures."""
    yield line(COLUMNS)
    grids = " ".join(each["grid"] for each in report["grids"])
    for part in (_people(report["people"]), _alerts(report["alerts"]), _rest(report)):
        for figure in part:
            yield line((report["date"], report["complete"], grids, *figure))


def _people(people: Mapping[str, Any]) -> Iterator[Figure]:
    for item in ("under_care", "begun", "ended"):
        yield "people", item, None, None, people[item]
    for each in people["by_age"]:
        yield "people", f"age {each['age']}", None, None, each["people"]


def _alerts(alerts: Mapping[str, Any]) -> Iterator[Figure]:
    for each in alerts["raised"]:
        for severity in Severity:
            yield "raised", "alerts", each["rule"], severity.word, each[severity.word]
    for section in ("acknowledged", "visited"):
        for each in alerts[section]:
            for item in ("count", "median_s", "p90_s"):
                yield section, item, None, each["severity"], each[item]
    for each in alerts["outcomes"]:
        yield "outcomes", each["outcome"], each["rule"], None, each["count"]
    for each in alerts["verdicts"]:
        for said in Verdict:
            yield "verdicts", said.value, each["rule"], None, each[said.value]
    for word, count in alerts["open"].items():
        yield "open", "alerts", None, word, count


def _rest(report: Mapping[str, Any]) -> Iterator[Figure]:
    for item, count in report["presence"].items():
        yield "presence", item, None, None, count
    for item in ("heard_s", "blind_s"):
        yield "blind", item, None, None, report["blind"][item]
    for each in report["blind"]["signals"]:
        yield "signals", each["kind"], None, None, each["count"]
