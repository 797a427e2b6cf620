"""Whose a message is, and whether something in it was rejected."""

from domain.instant import DAY_US
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.allowance import Allowance
from ingest.directory import Directory
from ingest.gathering import OpenBatch
from ingest.hearing import heard_in
from ingest.sources.port import Envelope
from rules.heard import Heard
from rules.rulebook import DEFAULT
from rules.wearers import Wearers
from tests.unit.rules.making import T0

DEVICES = {f"w-{n}": Device(n, f"w-{n}", "a", Site.WRIST, 60, spot=False) for n in (1, 2, 3)}
EPISODES = {n: Episode(n, f"e-{n}", T0 - DAY_US, T0 + DAY_US, None, None) for n in (1, 2)}
ASSIGNED = {
    1: (Assignment(1, 1, T0 - DAY_US, None),),
    2: (Assignment(2, 1, T0 - DAY_US, T0 - 10), Assignment(2, 2, T0 - 10, None)),
}
ROSTER = Roster(1, DEVICES, EPISODES, ASSIGNED)
WEARERS = Wearers.of(ROSTER, DEFAULT)
DIRECTORY = Directory.of(ROSTER, WEARERS.slots)
GOOD = b'{"measured_at": "2026-02-02T23:59:00Z", "pulse_bpm": 70}'
PARTLY = b'{"measured_at": "2026-02-02T23:59:00Z", "pulse_bpm": 70, "spo2_pct": 7}'


def heard(*sent: tuple[str, bytes], kept: int = 0) -> Heard:
    """The first `kept` messages are not new."""
    batch = OpenBatch()
    envelopes = [
        Envelope(
            None, f"doorstep/v1/devices/{device}/readings", payload, T0 + n, resubmitted=n < kept
        )
        for n, (device, payload) in enumerate(sent)
    ]
    batch.gather(envelopes, DIRECTORY, Allowance(), T0)
    batch.decode(DIRECTORY, Allowance(), T0)
    return heard_in(batch, *batch.rows(), DIRECTORY)


def test_messages_in_the_order_they_came_are_those_of_who_wore_the_band() -> None:
    found = heard(("w-1", GOOD), ("w-2", PARTLY), ("w-1", b"{"))
    one, two = WEARERS.slots[1, 1], WEARERS.slots[1, 2]
    assert found.slot.tolist() == [one, two, one]
    assert found.bad.tolist() == [False, True, True]
    assert found.at.tolist() == [T0, T0 + 1, T0 + 2]


def test_of_a_band_that_has_changed_hands_it_is_who_wears_it_now() -> None:
    assert heard(("w-2", b"{")).slot.tolist() == [WEARERS.slots[2, 2]]


def test_what_nobody_wears_or_nobody_knows_is_nobodys() -> None:
    assert len(heard(("w-3", b"{"), ("w-9", b"{"), ("w-3", GOOD)).slot) == 0


def test_each_reading_names_the_message_it_came_in() -> None:
    later = GOOD.replace(b"23:59", b"23:58")
    found = heard(("w-1", b"{"), ("w-1", b"[" + GOOD + b"]"), ("w-3", GOOD), ("w-1", later))
    assert found.at.tolist() == [T0, T0 + 1, T0 + 3]
    assert found.origins is not None
    assert found.origins.tolist() == [2, 1]


def test_of_a_reading_that_came_twice_the_first_message_counts() -> None:
    found = heard(("w-1", GOOD), ("w-1", GOOD))
    assert found.origins is not None
    assert found.origins.tolist() == [0, 1]


def test_what_only_the_roster_refused_is_no_fault_of_the_band() -> None:
    early = GOOD.replace(b"02-02", b"01-31")
    found = heard(("w-1", early), ("w-1", b"[" + early + b", " + GOOD + b"]"))
    assert (found.at.tolist(), found.bad.tolist()) == ([T0 + 1], [False])


def test_a_message_that_was_kept_has_not_come_once_more() -> None:
    found = heard(("w-1", GOOD), ("w-1", b"{"), ("w-1", GOOD), kept=2)
    assert found.at.tolist() == [T0 + 2]
    assert found.origins is not None
    assert found.origins.tolist() == [-1, 0]


def test_an_array_is_one_message() -> None:
    found = heard(("w-1", b"[" + GOOD + b", " + PARTLY + b"]"))
    assert (found.slot.tolist(), found.bad.tolist()) == ([WEARERS.slots[1, 1]], [True])
