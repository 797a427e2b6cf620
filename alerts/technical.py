"""What staff are told when the way of alerts is cut, or open again: a technical alarm.

IEC 60601-1-8 wants the loss of alarm communication told as an alarm of its own. It names grids and
nobody, and asks for no visit. Words only; when it is said, and to whom, is in
`alerts.feeds.canaries`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alerts.canary_watch import NAMED, Cut, Hop
from alerts.notification import Language, Text
from rules.finding import Severity


@dataclass(frozen=True, slots=True)
class Keeper:
    """A supervisor or admin with contacts, who is told."""

    staff: str
    contacts: tuple[str, ...]
    languages: tuple[str, ...]
    grid_nos: frozenset[int]

    def concerned(self, cut: Cut) -> bool:
        """Whether it is about a grid of theirs."""
        return cut.everybody or any(grid.no in self.grid_nos for grid in cut.grids)


_CHINESE: Final[Mapping[Hop, str]] = {
    Hop.BROKER: "消息服务器不接收测试消息",
    Hop.DATABASE: "数据库没有应答",
    Hop.INGEST: "测试消息到达消息服务器后未能入库",
    Hop.STREAM: "测试消息已入库，但未到达实时页面",
    Hop.FEEDS: "测试消息已入库，但未到达告警推送",
    Hop.MQTT: "测试消息未能经MQTT送出",
    Hop.WEBHOOK: "测试消息未能送达接收系统",
}


def broken(cut: Cut, language: Language, console: str) -> Text:
    """That it is cut. Urgent: whoever reads it has to find out what is not being shown."""
    if language is Language.ZH:
        said = f"技术告警：{_chinese(cut)}。新的告警可能无法送达，请联系运维人员。"
        return Text("Doorstep：技术告警", _joined(said, console), Severity.URGENT)
    said = f"Technical alarm: {cut.detail}. New alerts may not arrive: call who runs the service."
    return Text("Doorstep: technical alarm", _joined(said, console), Severity.URGENT)


def mended(cut: Cut, language: Language) -> Text:
    """That it is open again."""
    if language is Language.ZH:
        return Text("Doorstep", f"技术告警已解除：{_chinese(cut)}。", Severity.ROUTINE)
    return Text("Doorstep", f"The technical alarm is over: {cut.detail}.", Severity.ROUTINE)


def _chinese(cut: Cut) -> str:
    if not cut.grids:
        return _CHINESE[cut.hop]
    named = "、".join(grid.id for grid in cut.grids[:NAMED])
    more = len(cut.grids) - NAMED
    return f"{_CHINESE[cut.hop]}（{named}{f'等{len(cut.grids)}个网格' if more > 0 else ''}）"


def _joined(text: str, link: str) -> str:
    return f"{text}\n{link}" if link else text
