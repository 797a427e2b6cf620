"""How often a contact may be written to: what chat robots allow, and when the next message may go.

Pure. Robots refuse what is too much, and DingTalk then refuses everything for ten minutes: a burst
of alerts must not silence the next hour. What is urgent keeps a share of each minute that nothing
routine touches, and what is critical one that nothing else does. Uses are written down before a
message goes (`alerts.feeds.notify.Uses`), so that a restart begins with no more than it has.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.instant import MINUTE_US, SECOND_US
from rules.finding import Severity


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many messages in any minute, and in any second."""

    per_minute: int
    per_second: int


LIMITS: Final[Mapping[str, Limit]] = {
    # developer.work.weixin.qq.com/document/path/91770: 20 a minute for each robot.
    "wecombot": Limit(20, 20),
    # open.dingtalk.com/document/robots/custom-robot-access: 20 a minute; then none for 10.
    "dingtalk": Limit(20, 20),
    # open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: 100 a minute and 5 a second.
    "feishu": Limit(100, 5),
    "lark": Limit(100, 5),
}
"""By the scheme of a contact's address."""
ELSEWHERE: Final = Limit(20, 5)
"""Ours, for mail servers, SMS gateways and the rest: no more than the strictest robot takes."""
KEPT: Final[Mapping[Severity, int]] = {
    Severity.CRITICAL: 0,
    Severity.URGENT: 5,
    Severity.ROUTINE: 15,
}
"""Of a minute's messages, how many are kept for what is worse. Ours."""
MOST_KEPT: Final = max(each.per_minute for each in (*LIMITS.values(), ELSEWHERE))
"""Instants that a use has at most."""
_TOO_OFTEN_US: Final[Mapping[str, Mapping[int, int]]] = {
    # developer.work.weixin.qq.com/document/path/90313, 45009 and 45033: too many a minute, at once.
    "wecombot": {45009: MINUTE_US, 45033: MINUTE_US},
    # "send too fast", and "webhook over limit". It then refuses everything for ten minutes.
    "dingtalk": {130101: 10 * MINUTE_US, 90030: 10 * MINUTE_US},
}
"""`errcode` -> how long the robot wants to be left alone."""
_TURNED_AWAY: Final = {("dingtalk", 302): 10 * MINUTE_US}
"""(scheme, status): what DingTalk answers while it refuses everything."""
_OK: Final = 200
_TOO_MANY: Final = 429
"""RFC 6585, section 4."""


def limit_of(scheme: str) -> Limit:
    """What is allowed to contacts of a scheme."""
    return LIMITS.get(scheme, ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Use:
    """How one contact has been written to."""

    scheme: str
    sent: tuple[int, ...] = ()
    """When, in order: all of the last minute."""
    rest_until: int | None = None
    """It has said that it was too much: nothing before."""

    def at(self, now: int) -> "Use":
        """What still counts. What is far ahead was before the clock was set back."""
        near = tuple(at for at in self.sent if -MINUTE_US < now - at < MINUTE_US)
        until = self.rest_until
        rests = until is not None and now < until <= now + LONGEST_REST_US
        return replace(self, sent=near, rest_until=until if rests else None)

    def wait_us(self, now: int, severity: Severity) -> int:
        """How long it has to be left alone by what is so severe; 0: it may be written to now."""
        limit, sent = limit_of(self.scheme), self.at(now).sent
        most = limit.per_minute - KEPT[severity]
        a_second = 1 if severity is Severity.ROUTINE else limit.per_second
        return max(_wait_us(sent, now, most, MINUTE_US), _wait_us(sent, now, a_second, SECOND_US))

    def written_to(self, now: int) -> "Use":
        """With one message more."""
        here = self.at(now)
        return replace(here, sent=tuple(sorted((*here.sent, now))))


LONGEST_REST_US: Final = 10 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may be written to now."""

    waits: Mapping[str, int]
    """Contacts that are to be left alone for so long; then nobody is written to."""
    resting: Mapping[str, int]
    """Those that want nothing for so long. They are left out, and no reason to wait."""

    @property
    def granted(self) -> bool:
        """Whether it goes to all that do not rest."""
        return not self.waits


def admitted(uses: Mapping[str, Use], severity: Severity, now: int) -> Admission:
    """Whether a message goes to these contacts: to all at once, so that it says the same to all."""
    here = {contact: use.at(now) for contact, use in uses.items()}
    resting = {
        contact: use.rest_until - now for contact, use in here.items() if use.rest_until is not None
    }
    waits = {
        contact: wait
        for contact, use in here.items()
        if contact not in resting and (wait := use.wait_us(now, severity))
    }
    return Admission(waits, resting)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a service said of a message."""

    taken: bool
    rest_us: int = 0
    """It was too much for it: nothing more for so long."""


def answered(scheme: str, status: int, body: bytes) -> Answered:
    """What the answer of a robot that says 200 to everything means.

    A 200 without an `errcode` is no robot's: a proxy's page, say.
    """
    if rest := _TURNED_AWAY.get((scheme, status), MINUTE_US if status == _TOO_MANY else 0):
        return Answered(taken=False, rest_us=rest)
    if status != _OK:
        return Answered(taken=False)
    code = _errcode(body)
    return Answered(taken=code == 0, rest_us=_TOO_OFTEN_US.get(scheme, {}).get(code or 0, 0))


def _errcode(body: bytes) -> int | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = said.get("errcode") if isinstance(said, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _wait_us(sent: Sequence[int], now: int, most: int, span_us: int) -> int:
    return 0 if len(sent) < most else max(0, sent[-most] + span_us - now)
