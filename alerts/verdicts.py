"""What an outcome at the door says of the rule that sent somebody there: one table, and its reader.

Pure. A rule asks one question at the door (`Table.asks`). An outcome that answers yes confirms the
alert, one that answers no makes it a false alarm, and one that says nothing about the question is
unknown (contract section 6): somebody with a fever who was found away from home says nothing about
the thermometer. The outcome's word decides, not what else was measured: whoever stood there chose
it, knowing both. Nothing here judges a person; a false alarm is the rule's, or the device's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerts.alert import Outcome
from rules.finding import Rule


class Verdict(StrEnum):
    """What came of an alert."""

    CONFIRMED = "confirmed"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Table:
    """One rule: what it asks, and which outcomes answer. All others are unknown."""

    asks: str
    confirm: tuple[Outcome, ...]
    refute: tuple[Outcome, ...]


_ILL: Final = (Outcome.CONFIRMED_FEVER, Outcome.UNWELL_REFERRED, Outcome.AMBULANCE)
_NOT_ILL: Final = (Outcome.WELL, Outcome.DEVICE_FAULT, Outcome.NOT_WORN)
"""Well, or the figures were not the person's."""

VERDICTS: Final[Mapping[Rule, Table]] = {
    Rule.FEVER: Table("Is the person ill?", _ILL, _NOT_ILL),
    Rule.PULSE: Table("Is the person ill?", _ILL, _NOT_ILL),
    Rule.OXYGEN: Table("Is the person ill?", _ILL, _NOT_ILL),
    Rule.WATCH: Table("Is the person falling ill?", _ILL, _NOT_ILL),
    Rule.LEFT_HOME: Table(
        "Was the person away from home?",
        # Whether they were allowed to is the roster's business, not the rule's.
        (Outcome.LEFT_HOME_UNAUTHORISED, Outcome.LEFT_HOME_AUTHORISED, Outcome.NOT_AT_HOME),
        # A band that lies elsewhere says nothing about where its wearer is: `not_worn` is unknown.
        (Outcome.AT_HOME, Outcome.DEVICE_FAULT),
    ),
    Rule.SILENT: Table(
        "Is something the matter with the person or the device?",
        (
            Outcome.DEVICE_FAULT,
            Outcome.NOT_WORN,
            Outcome.CONFIRMED_FEVER,
            Outcome.UNWELL_REFERRED,
            Outcome.AMBULANCE,
        ),
        (Outcome.WELL, Outcome.AT_HOME),
    ),
    Rule.NOT_WORN: Table("Was the device off?", (Outcome.NOT_WORN,), (Outcome.DEVICE_FAULT,)),
    # No outcome speaks of the charge.
    Rule.BATTERY_LOW: Table("Was the battery low?", (), ()),
    # Of a device that lay on the table a frozen value is no fault.
    Rule.DEVICE_FAULT: Table(
        "Is the device at fault?", (Outcome.DEVICE_FAULT,), (Outcome.NOT_WORN,)
    ),
}


def verdict(rule: Rule, outcome: Outcome | None) -> Verdict | None:
    """What the outcome says of an alert by this rule.

    None without an outcome: nobody has said yet, or the alert ended by itself, which is not counted
    (contract section 5).
    """
    if outcome is None:
        return None
    table = VERDICTS[rule]
    if outcome in table.confirm:
        return Verdict.CONFIRMED
    return Verdict.FALSE if outcome in table.refute else Verdict.UNKNOWN
