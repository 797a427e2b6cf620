"""What the oracle says of everything that is stored, beside what was found."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from domain.batch import Rows
from domain.people import Assignment, Roster
from rules.finding import Finding, SiteClass
from tests.unit.rules import oracle
from tests.unit.rules.alike import as_readings, as_the_oracle_says, of_the_first
from tests.unit.rules.making import Worn


class Difference(NamedTuple):
    """Of one wearer."""

    episode_no: int
    device_no: int
    found: list[Finding]
    said: list[Finding]


def differences(found: Sequence[Finding], roster: Roster, rows: Rows, now: int) -> list[Difference]:
    """By wearer what is not as the oracle has it.

    `found` are findings of event time, `rows` all that is stored; `now` is the latest the clock has
    struck. A home in another datum is not the oracle's affair.
    """
    other = []
    for (episode_no, device_no), worn in wearers(roster).items():
        its = [
            of_the_first(each)
            for each in found
            if (each.key.episode_no, each.key.device_no) == (episode_no, device_no)
            and each.key.site_class is not SiteClass.HOME
        ]
        its.sort(key=lambda each: (each.onset_at, each.key.rule, each.key.site_class))
        said = oracle.findings(worn, _of(rows, roster, episode_no, device_no), 1, now)
        if not as_the_oracle_says(its, said):
            other.append(Difference(episode_no, device_no, its, said))
    return other


def wearers(roster: Roster) -> dict[tuple[int, int], Worn]:
    """By (episode_no, device_no), as the roster has them now."""
    devices = {device.no: device for device in roster.devices.values()}
    found = {}
    for device_no, given in roster.assignments.items():
        device = devices[device_no]
        for episode in {
            each.episode_no: roster.episodes[each.episode_no] for each in given
        }.values():
            found[episode.no, device_no] = Worn(
                site=device.site,
                interval_s=device.interval_s,
                spot=device.spot,
                home=episode.home,
                fever=episode.fever,
                leave=episode.leave,
                homes_before=episode.homes_before,
                fever_before=episode.fever_before,
                flags=episode.flags,
                birth_year=episode.birth_year,
                starts_at=episode.starts_at,
                ends_at=episode.ends_at,
                spells=_spells([each for each in given if each.episode_no == episode.no]),
                timezone=episode.timezone,
            )
    return found


def _spells(given: Sequence[Assignment]) -> tuple[tuple[int, int | None], ...]:
    """A device that is given again at the instant it is taken off was worn all the time."""
    found: list[tuple[int, int | None]] = []
    for each in given:
        from_at = each.from_at
        if found and found[-1][1] == from_at:
            from_at = found.pop()[0]
        found.append((from_at, each.to_at))
    return tuple(found)


def _of(rows: Rows, roster: Roster, episode_no: int, device_no: int) -> list[dict[str, int]]:
    """What a device measured on the wearer, in order of time and content."""
    mine = np.sort(rows[rows["device_no"] == device_no], order=["measured_at", "digest"])
    return [
        each
        for each in as_readings(mine)
        if (worn := roster.assigned(device_no, each["measured_at"])) is not None
        and worn.episode_no == episode_no
    ]
