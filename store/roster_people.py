"""The people of a roster file without a database: what ingestion and alerts need to know of them.

The file is checked as an import checks it; numbers are given in the order of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from alerts.evidence import Surroundings, Worn
from domain.instant import from_datetime
from domain.people import DEFAULT_TIMEZONE, Assignment, Device, Episode, Roster
from domain.reading import Site
from store.roster import fever_of, home_of, leave_of
from store.roster_document import Document, RosterRefused, dangling, parse, told_twice


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody in a roster file."""

    roster: Roster
    surroundings: Mapping[int, Surroundings]
    """By episode number, with its devices."""


def cast(document: Any) -> Cast:
    """The people of a parsed roster file. Raises `RosterRefused` with every problem."""
    if isinstance(document, Mapping) and (twice := list(told_twice(document))):
        raise RosterRefused(twice)
    people = parse(document)
    known = {"communities": {"default"}}
    if problems := list(dangling(people, known)):
        raise RosterRefused(problems)
    devices = {
        each.id: Device(
            no,
            each.id,
            each.model,
            Site.of(each.site) if each.site else Site.NOT_GIVEN,
            each.interval_s,
            each.spot,
        )
        for no, each in enumerate(people.devices, start=1)
    }
    numbers = {each.id: no for no, each in enumerate(people.episodes, start=1)}
    assigned: dict[int, list[Assignment]] = {}
    for each in people.assignments:
        device_no = devices[each.device].no
        to_at = None if each.to is None else from_datetime(each.to)
        worn = Assignment(device_no, numbers[each.episode], from_datetime(each.from_), to_at)
        assigned.setdefault(device_no, []).append(worn)
    _refuse_worn_twice(assigned, {device.no: device.id for device in devices.values()})
    roster = Roster(
        1,
        devices,
        _episodes(people),
        {no: tuple(sorted(each, key=_begins)) for no, each in assigned.items()},
    )
    return Cast(roster, _surroundings(people, roster))


def _begins(assignment: Assignment) -> int:
    return assignment.from_at


def _refuse_worn_twice(assigned: Mapping[int, list[Assignment]], ids: Mapping[int, str]) -> None:
    """As the database does."""
    for device_no, worn in assigned.items():
        in_turn = sorted(worn, key=_begins)
        for one, other in pairwise(in_turn):
            if one.to_at is None or other.from_at < one.to_at:
                detail = f"{ids[device_no]} is worn twice at a time"
                raise RosterRefused([("/assignments", detail)])


def _zones(people: Document) -> dict[str, str]:
    """The time zone of each grid."""
    of_community = {each.id: each.timezone for each in people.communities}
    return {grid.id: of_community.get(grid.community, DEFAULT_TIMEZONE) for grid in people.grids}


def _episodes(people: Document) -> dict[int, Episode]:
    persons, zones = {each.id: each for each in people.people}, _zones(people)
    found = {}
    for no, each in enumerate(people.episodes, start=1):
        stored = each.model_dump(mode="json", by_alias=True, exclude_none=True)
        found[no] = Episode(
            no=no,
            id=each.id,
            starts_at=from_datetime(each.starts_at),
            ends_at=from_datetime(each.ends_at),
            home=home_of(stored.get("home")),
            birth_year=persons[each.person].birth_year,
            flags=tuple(persons[each.person].flags),
            fever=fever_of(stored.get("thresholds", {})),
            leave=leave_of(stored.get("leave", [])),
            timezone=zones[each.grid],
        )
    return found


def _surroundings(people: Document, roster: Roster) -> dict[int, Surroundings]:
    persons, zones = {each.id: each for each in people.people}, _zones(people)
    worn: dict[int, dict[int, Worn]] = {}
    by_number = {device.no: device for device in roster.devices.values()}
    for device_no, assignments in roster.assignments.items():
        device = by_number[device_no]
        for each in assignments:
            worn.setdefault(each.episode_no, {})[device_no] = Worn(device.id, device.interval_s)
    return {
        no: Surroundings(
            episode=each.id,
            person=each.person,
            grid=each.grid,
            building=each.building,
            timezone=zones[each.grid],
            fence_m=getattr(each.home, "radius_m", None),
            devices=worn.get(no, {}),
            birth_year=persons[each.person].birth_year,
            flags=tuple(persons[each.person].flags),
        )
        for no, each in enumerate(people.episodes, start=1)
    }
