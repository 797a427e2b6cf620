from dataclasses import replace
from typing import Any

import pytest

from alerts.delivery import Message
from alerts.notification import (
    MOST_LINES,
    Case,
    Language,
    Spared,
    Standing,
    case,
    initials,
    spared,
    text,
    trial,
)
from domain.instant import DAY_US, MINUTE_US, parse_rfc3339
from rules.finding import Rule, Severity

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
CONSOLE = "https://doorstep.example.org"
AFTER = {
    "building": "5",
    "severity": "urgent",
    "rule": "fever",
    "response": "open",
    "raised_at": "2026-02-03T04:05:06Z",
    "last_at": "2026-02-03T04:00:00Z",
    "notify": True,
}
OPEN = Standing("open", "W*")


def message(kind: str = "raised", told: tuple[str, ...] = ("dr-1",), **after: Any) -> Message:
    return Message(7, "a-7", "grid-1", "new", kind, 1, None, {**AFTER, **after}, told)


def a_case(number: int = 1, **given: Any) -> Case:
    plain = Case(f"a-{number}", "W*", "5", Severity.URGENT, Rule.FEVER)
    return replace(plain, **given)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("王小明", "王*"),
        ("Ann Lee", "A.L."),
        ("maria del carmen lopez", "M.D.C."),
        ("Ólafur", "Ó."),
        ("  ", "?"),
        ("", "?"),
    ],
)
def test_a_name_becomes_its_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("languages", "language"),
    [
        ((), Language.EN),
        (("zh",), Language.ZH),
        (("zh-CN", "en"), Language.ZH),
        (("ug", "zh_Hans"), Language.ZH),
        (("fr", "EN-gb", "zh"), Language.EN),
        (("fr",), Language.EN),
    ],
)
def test_the_first_language_that_there_is(languages: tuple[str, ...], language: Language) -> None:
    assert Language.of(languages) is language


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (message(), None),
        (message(severity="critical"), None),
        (message(told=("dr-2",)), Spared.NOT_THEIRS),
        (message(told=()), Spared.NOT_THEIRS),
        (message(severity="routine"), Spared.QUIET),
        (message(rule="watch"), Spared.VISIT_LIST),
        (message(notify=False), Spared.VISIT_LIST),
        # Old by the time nobody had answered, and new when it was raised.
        (message("escalated", notify=False), None),
        (message("escalated", notify=False, rule="watch"), Spared.VISIT_LIST),
        (message("escalated", notify=False, last_at="2026-02-03T03:05:06Z"), Spared.VISIT_LIST),
        (
            message("escalated", notify=False, last_at="2026-02-03T03:05:06Z", severity="critical"),
            None,
        ),
    ],
)
def test_who_is_told_of_what(event: Message, why: Spared | None) -> None:
    assert spared(event, "dr-1", OPEN) is why


@pytest.mark.parametrize(
    ("response", "standing", "why"),
    [
        ("open", "open", None),
        ("open", "acknowledged", Spared.SEEN_TO),
        ("open", "visiting", Spared.SEEN_TO),
        ("open", "closed", Spared.SEEN_TO),
        ("acknowledged", "acknowledged", None),
        ("acknowledged", "visiting", Spared.SEEN_TO),
    ],
)
def test_what_somebody_saw_to_meanwhile_is_spared(
    response: str, standing: str, why: Spared | None
) -> None:
    event = message("escalated", response=response)
    assert spared(event, "dr-1", Standing(standing, "W*")) is why
    assert spared(event, "dr-1", None) is Spared.SEEN_TO


def test_one_case_says_who_where_what_and_leads_there() -> None:
    said = text([case(message(), OPEN)], Language.EN, CONSOLE)
    assert said.title == "Doorstep: urgent"
    assert said.body == (
        "Urgent: W*, building 5: temperature\nhttps://doorstep.example.org/#/alerts/a-7"
    )
    said = text([case(message(), OPEN)], Language.ZH, "")
    assert (said.title, said.body) == ("Doorstep：紧急", "紧急：W*，5号楼：体温")


@pytest.mark.parametrize(
    ("why", "asked", "minutes", "en", "zh"),
    [
        ("not_acknowledged", "A.L.", 5, "no answer from A.L. for 5 min", "A.L.5分钟未应答"),
        ("not_acknowledged", "A.L.", 119, "no answer from A.L. for 119 min", "A.L.119分钟未应答"),
        ("not_acknowledged", "A.L.", 120, "no answer from A.L. for 2 h", "A.L.2小时未应答"),
        ("not_acknowledged", "A.L.", 0, "no answer from A.L. for 1 min", "A.L.1分钟未应答"),
        ("not_acknowledged", "", 15, "no answer for 15 min", "15分钟无人应答"),
        ("", "", None, "no answer", "无人应答"),
        ("not_visited", "A.L.", 30, "no visit by A.L. for 30 min", "A.L.30分钟未上门"),
        ("not_visited", "", 30, "no visit for 30 min", "30分钟无人上门"),
        (
            "no_outcome",
            "A.L.",
            60,
            "no word from A.L. from the door for 60 min",
            "A.L.上门60分钟无结果",
        ),
        ("no_outcome", "", None, "no word from the door", "上门无结果"),
        ("nobody_seen", "A.L.", 3, "nobody was met at the door", "上门未见到人"),
    ],
)
def test_what_is_passed_on_says_why(
    why: str, asked: str, minutes: int | None, en: str, zh: str
) -> None:
    event = replace(message("escalated"), at=NOW, why=why)
    since = None if minutes is None else NOW - minutes * MINUTE_US
    told = [case(event, Standing("open", "W*", asked, since))]
    assert text(told, Language.EN, "").body == f"Urgent: W*, building 5: temperature, {en}"
    assert text(told, Language.ZH, "").body == f"紧急：W*，5号楼：体温，{zh}"


def test_an_event_that_passes_nothing_on_says_nothing_of_it() -> None:
    said = text([case(message("worsened"), Standing("open", "W*", "A.L.", 1))], Language.EN, "")
    assert said.body == "Urgent: W*, building 5: temperature"


def test_several_are_one_message_the_worst_first() -> None:
    cases = [a_case(1), a_case(2, severity=Severity.CRITICAL, rule=Rule.OXYGEN), a_case(3)]
    said = text(cases, Language.EN, CONSOLE)
    assert said.severity is Severity.CRITICAL
    assert said.title == "Doorstep: 3 alerts in building 5, critical"
    assert said.body.split("\n") == [
        "Critical: W*, building 5: oxygen",
        "Urgent: W*, building 5: temperature",
        "Urgent: W*, building 5: temperature",
        CONSOLE,
    ]
    assert text(cases, Language.ZH, "").title == "Doorstep：5号楼3条告警，危急"


def test_cases_of_several_buildings_name_none_in_the_title() -> None:
    said = text([a_case(1), a_case(2, building="6")], Language.EN, "")
    assert said.title == "Doorstep: 2 alerts, urgent"


@pytest.mark.parametrize(("language", "last"), [("en", "and 3 more"), ("zh", "另有3条")])
def test_many_are_counted(language: str, last: str) -> None:
    cases = [a_case(number) for number in range(MOST_LINES + 3)]
    lines = text(cases, Language(language), "").body.split("\n")
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == last


@pytest.mark.parametrize("language", [*Language])
def test_many_with_long_names_are_within_what_wecom_takes(language: Language) -> None:
    """2,048 bytes of a text (developer.work.weixin.qq.com/document/path/91770)."""
    event = replace(message("escalated", building="栋" * 300), at=NOW, why="no_outcome")
    long = case(event, Standing("open", "W.W.W.", "A.B.C.", NOW - DAY_US))
    said = text([long] * 100, language, "https://doorstep.example.org")
    assert len(f"{said.title}\n{said.body}".encode()) <= 2_048
    assert "栋" * 16 not in said.body


@pytest.mark.parametrize("rule", [*Rule])
@pytest.mark.parametrize("language", [*Language])
def test_every_rule_has_words_without_figures(rule: Rule, language: Language) -> None:
    said = text([a_case(rule=rule, building="")], language, "")
    assert "_" not in said.body
    assert not any(letter.isdigit() for letter in said.title + said.body)


def test_a_trial_says_that_it_is_one() -> None:
    assert "test" in trial(Language.EN).body
    assert "测试" in trial(Language.ZH).body
