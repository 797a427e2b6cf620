"""A dry run finds what the service would have found, in whatever order readings came."""

import random
from itertools import count
from typing import Any

from alerts.evidence import Surroundings, Worn
from domain.instant import MINUTE_US
from ingest.rehearsal import Rehearsal
from rules.finding import Rule
from rules.rulebook import DEFAULT
from rules.wearers import Wearers
from tests.unit.rules.making import T0, minutes, reading, roster_of, rows_of
from tests.unit.rules.making import Worn as Wearer

WHERE = {
    n: Surroundings("e", "p", "g", "3", "Asia/Shanghai", 50.0, {n: Worn(f"d{n}", 60)})
    for n in (1, 2)
}
HOT = [reading(minutes(m), temperature_c=38.4, pulse_bpm=118) for m in range(20)]


def rehearsal() -> Rehearsal:
    ids = count(1)
    wearers = Wearers.of(roster_of(Wearer(), Wearer()), DEFAULT)
    return Rehearsal(wearers, DEFAULT, WHERE, lambda: f"a-{next(ids)}")


def played(readings: list[dict[str, Any]], size: int) -> Rehearsal:
    play = rehearsal()
    for n, begin in enumerate(range(0, len(readings), size)):
        now = minutes(60 + n)
        play.batch(rows_of(readings[begin : begin + size]), now, now - T0)
        play.tick(now, now - T0)
        play.settle(now, now - T0)
    return play


def test_findings_alerts_and_vitals() -> None:
    play = played(HOT, 5)
    (alert,) = [each for each in play.caseload.alerts if each.rule is Rule.FEVER]
    assert (alert.onset_at, alert.last_at) == (T0, minutes(19))
    assert alert.evidence["partial_news2"]["total"] == 1 + 2


def test_any_order_any_batches_and_twice_give_the_same() -> None:
    rng = random.Random(5)
    straight = played(HOT, 20).caseload.findings
    for _ in range(20):
        mixed = [*HOT, *rng.sample(HOT, 4)]
        rng.shuffle(mixed)
        play = played(mixed, rng.randint(1, 24))
        assert play.caseload.findings == straight
        assert (play.stored, play.duplicates) == (20, 4)


def test_silence_goes_by_the_receive_clock_that_is_given() -> None:
    play = rehearsal()
    play.batch(rows_of([HOT[0]]), T0, 0)
    play.tick(minutes(20), 14 * MINUTE_US)
    assert not play.caseload.alerts
    play.tick(minutes(21), 15 * MINUTE_US)
    assert [alert.rule for alert in play.caseload.alerts] == [Rule.SILENT]
