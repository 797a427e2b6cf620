"""How often a contact may be written to: what chat robots allow, and when the next message may go.

Pure. Robots refuse what is too much, and DingTalk then refuses everything for ten minutes: a burst
of alerts must not silence the next hour. A share of each minute is kept for what is critical.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.instant import MINUTE_US, SECOND_US


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
KEPT_FOR_CRITICAL: Final = 5
"""Of a minute's messages."""


def limit_of(scheme: str) -> Limit:
    """What is allowed to contacts of a scheme."""
    return LIMITS.get(scheme, ELSEWHERE)


def recent(sent: Sequence[int], now: int) -> list[int]:
    """The instants that still count. One that is yet to come was before the clock was set back."""
    return [at for at in sent if now - MINUTE_US < at <= now]


def wait_us(sent: Sequence[int], now: int, limit: Limit, *, critical: bool) -> int:
    """How long a contact has to be left alone; 0: it may be written to now.

    `sent`: when it was written to, in order, all of the last minute (`recent`).
    """
    a_minute = limit.per_minute - (0 if critical else KEPT_FOR_CRITICAL)
    return max(
        _wait_us(sent, now, a_minute, MINUTE_US), _wait_us(sent, now, limit.per_second, SECOND_US)
    )


def _wait_us(sent: Sequence[int], now: int, most: int, span_us: int) -> int:
    return 0 if len(sent) < most else max(0, sent[-most] + span_us - now)
