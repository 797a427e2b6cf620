"""What a member of staff is told by chat, mail or SMS: of which events, in which words.

Pure. A notification goes through other people's machines and lights up on a locked screen: it says
who by initials, which building, how urgent, what is the matter in plain words, and where to look.
It has no name, address, phone, position, figure or diagnosis; the console has those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from alerts.delivery import Message
from alerts.lifecycle import Kind
from alerts.paging import HORIZON_US
from alerts.transitions import Why
from domain.instant import MINUTE_US, parse_rfc3339
from rules.finding import Rule, Severity

MOST_LINES: Final = 10
"""Cases that are listed one by one; the others are counted. A lock screen shows four lines."""
LONGEST_NAME: Final = 16
"""Letters of a building's or a grid's name; an ideograph has three bytes."""


class Language(StrEnum):
    """What texts there are."""

    EN = "en"
    ZH = "zh"

    @classmethod
    def of(cls, languages: Sequence[str]) -> "Language":
        """The first of somebody's languages (BCP 47 tags) that there are texts in; else English."""
        mains = (each.lower().replace("_", "-").split("-")[0] for each in languages)
        return next((cls(main) for main in mains if main in (cls.EN, cls.ZH)), cls.EN)


class Spared(StrEnum):
    """Why somebody is not told of an event."""

    NOT_THEIRS = "spared: told others"
    QUIET = "spared: routine"
    VISIT_LIST = "spared: visit list"
    SEEN_TO = "spared: seen to"


@dataclass(frozen=True, slots=True)
class Standing:
    """A case as it is when the notification is about to be sent."""

    response: str
    initials: str
    asked: str = ""
    """Of an event that passes it on: the initials of who was asked before."""
    asked_at: int | None = None
    """And since when."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may be told, as they are now."""

    contacts: tuple[str, ...]
    """Addresses as apprise has them; they hold secrets."""
    languages: tuple[str, ...]
    standings: Mapping[int, Standing]
    """Event id -> how the case that it is about stands."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one contact."""

    scheme: str
    taken: bool
    wait_s: float = 0.0
    """Not written to: so long until it may be, by our own count."""
    rest_s: float = 0.0
    """It has said that it was too much, and wants nothing for so long."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Why a case is passed on."""

    why: Why
    asked: str
    """Initials; empty if nobody was asked."""
    span_us: int | None
    """How long they had."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it is put in words."""

    alert_id: str
    initials: str
    building: str
    severity: Severity
    rule: Rule
    passed: Passed | None = None
    """Somebody else has not seen to it in time."""


@dataclass(frozen=True, slots=True)
class Text:
    """One message."""

    title: str
    body: str
    severity: Severity


def initials(name: str) -> str:
    """The first letter of each word; of a name in ideographs the first, which is of the surname."""
    words = name.split()
    if not words:
        return "?"
    if ord(words[0][0]) >= _FIRST_IDEOGRAPH:
        return f"{words[0][0]}*"
    return "".join(f"{word[0].upper()}." for word in words[:3])


_FIRST_IDEOGRAPH: Final = 0x2E80
"""Unicode: CJK Radicals Supplement; what comes after is written without spaces within a name."""


def clipped(name: str) -> str:
    """A name of a place, so short that ten lines of them are within 2,048 bytes: WeCom's limit."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def spared(message: Message, staff: str, standing: Standing | None) -> Spared | None:
    """Why this member is not told of this event now; None if they are.

    `standing` is None of a case that is not there any more.
    """
    after = message.after
    if staff not in message.told:
        return Spared.NOT_THEIRS
    if _severity(after) is Severity.ROUTINE:
        return Spared.QUIET
    if not _pages(message):
        return Spared.VISIT_LIST
    # Whoever acknowledged, visited or closed it since has taken over what the event asked for.
    if standing is None or standing.response != after["response"]:
        return Spared.SEEN_TO
    return None


def case(message: Message, standing: Standing) -> Case:
    """What is said of a case."""
    after = message.after
    return Case(
        alert_id=message.alert_id,
        initials=standing.initials,
        building=clipped(str(after["building"])),
        severity=_severity(after),
        rule=Rule(after["rule"]),
        passed=_passed(message, standing) if message.kind == Kind.ESCALATED else None,
    )


def _passed(message: Message, standing: Standing) -> Passed:
    since = standing.asked_at
    return Passed(
        why=Why(message.why) if message.why else Why.NOT_ACKNOWLEDGED,
        asked=standing.asked,
        span_us=None if since is None else max(0, message.at - since),
    )


def text(cases: Sequence[Case], language: Language, console: str) -> Text:
    """One message about all of them, the most urgent first; `console` is its address or empty."""
    ordered = sorted(cases, key=lambda each: -each.severity)
    words = _WORDS[language]
    worst = ordered[0].severity
    if len(ordered) == 1:
        (only,) = ordered
        link = f"{console}/#/alerts/{only.alert_id}" if console else ""
        return Text(words.title(worst), _joined(words.line(only), link), worst)
    lines = [words.line(each) for each in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        lines.append(words.more(len(ordered) - MOST_LINES))
    buildings = sorted({each.building for each in ordered})
    title = words.several(len(ordered), buildings[0] if len(buildings) == 1 else "", worst)
    return Text(title, _joined(*lines, console), worst)


def trial(language: Language) -> Text:
    """What is sent to try a contact."""
    return Text("Doorstep", _WORDS[language].trial, Severity.ROUTINE)


class _English:
    trial = "A test: alerts of your grids will come here."
    _severities: Final = {Severity.URGENT: "Urgent", Severity.CRITICAL: "Critical"}
    _rules: Final = {
        Rule.FEVER: "temperature",
        Rule.PULSE: "pulse",
        Rule.OXYGEN: "oxygen",
        Rule.LEFT_HOME: "not at home",
        Rule.SILENT: "band is silent",
        Rule.NOT_WORN: "band is not worn",
        Rule.BATTERY_LOW: "band is nearly empty",
        Rule.DEVICE_FAULT: "band is faulty",
        Rule.WATCH: "to be watched",
    }

    def title(self, severity: Severity) -> str:
        return f"Doorstep: {self._severity(severity).lower()}"

    def several(self, number: int, building: str, severity: Severity) -> str:
        where = f" in building {building}" if building else ""
        return f"Doorstep: {number} alerts{where}, {self._severity(severity).lower()}"

    def line(self, case: Case) -> str:
        where = f", building {case.building}" if case.building else ""
        passed = f", {self._passed(case.passed)}" if case.passed else ""
        rule, severity = self._rules[case.rule], self._severity(case.severity)
        return f"{severity}: {case.initials}{where}: {rule}{passed}"

    def _passed(self, passed: Passed) -> str:
        span = "" if passed.span_us is None else f" for {_span(passed.span_us, ' min', ' h')}"
        who = passed.asked
        match passed.why:
            case Why.NOT_ACKNOWLEDGED:
                return f"no answer{f' from {who}' if who else ''}{span}"
            case Why.NOT_VISITED:
                return f"no visit{f' by {who}' if who else ''}{span}"
            case Why.NO_OUTCOME:
                return f"no word{f' from {who}' if who else ''} from the door{span}"
            case Why.NOBODY_SEEN:
                return "nobody was met at the door"

    def more(self, number: int) -> str:
        return f"and {number} more"

    def _severity(self, severity: Severity) -> str:
        return self._severities.get(severity, "Routine")


class _Chinese:
    trial = "测试：您网格内的告警将发送到这里。"
    _severities: Final = {Severity.URGENT: "紧急", Severity.CRITICAL: "危急"}
    _rules: Final = {
        Rule.FEVER: "体温",
        Rule.PULSE: "脉搏",
        Rule.OXYGEN: "血氧",
        Rule.LEFT_HOME: "不在家",
        Rule.SILENT: "手环无信号",
        Rule.NOT_WORN: "未佩戴手环",
        Rule.BATTERY_LOW: "手环电量低",
        Rule.DEVICE_FAULT: "手环故障",
        Rule.WATCH: "需关注",
    }

    def title(self, severity: Severity) -> str:
        return f"Doorstep：{self._severity(severity)}"

    def several(self, number: int, building: str, severity: Severity) -> str:
        where = f"{building}号楼" if building else ""
        return f"Doorstep：{where}{number}条告警，{self._severity(severity)}"

    def line(self, case: Case) -> str:
        where = f"，{case.building}号楼" if case.building else ""
        passed = f"，{self._passed(case.passed)}" if case.passed else ""
        rule, severity = self._rules[case.rule], self._severity(case.severity)
        return f"{severity}：{case.initials}{where}：{rule}{passed}"

    def _passed(self, passed: Passed) -> str:
        span = "" if passed.span_us is None else _span(passed.span_us, "分钟", "小时")
        who = passed.asked
        match passed.why:
            case Why.NOT_ACKNOWLEDGED:
                return f"{who}{span}未应答" if who else f"{span}无人应答"
            case Why.NOT_VISITED:
                return f"{who}{span}未上门" if who else f"{span}无人上门"
            case Why.NO_OUTCOME:
                return f"{who}上门{span}无结果"
            case Why.NOBODY_SEEN:
                return "上门未见到人"

    def more(self, number: int) -> str:
        return f"另有{number}条"

    def _severity(self, severity: Severity) -> str:
        return self._severities.get(severity, "一般")


_WORDS: Final[Mapping[Language, _English | _Chinese]] = {
    Language.EN: _English(),
    Language.ZH: _Chinese(),
}


def _span(span_us: int, minutes: str, hours: str) -> str:
    whole = max(1, span_us // MINUTE_US)
    return f"{whole}{minutes}" if whole < _MINUTES else f"{whole // 60}{hours}"


_MINUTES: Final = 120
"""From here on hours say enough."""


def _severity(after: Mapping[str, Any]) -> Severity:
    return Severity[str(after["severity"]).upper()]


def _pages(message: Message) -> bool:
    """The horizon of contract section 5.

    A case nobody answered was to be told when it was raised, and gets no older for being left: what
    counts is how new its readings were then, or are at this event.
    """
    after = message.after
    if Rule(after["rule"]) is Rule.WATCH:
        return False
    if after.get("notify"):
        return True
    age = parse_rfc3339(after["raised_at"]) - parse_rfc3339(after["last_at"])
    return message.kind == Kind.ESCALATED and age < HORIZON_US[_severity(after)]


def _joined(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
