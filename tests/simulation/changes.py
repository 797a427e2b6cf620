"""What changes while readings come in, drawn at random: rosters that are corrected, and rulebooks.

Every change is one that an import or a start would accept: no device is worn twice at one time.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from domain.instant import MINUTE_US
from domain.people import Assignment, Episode, LeaveWindow, Roster, Threshold
from domain.reading import Site
from rules.rulebook import DEFAULT, Rulebook
from tests.simulation.sending import MINUTES, STARTED_AT

Given = tuple[Assignment, ...]


class Change(NamedTuple):
    """A roster to be imported."""

    kind: str
    """For the summary, in the plural."""
    wanted: Roster
    effective_at: int


def drawn(rng: random.Random, roster: Roster, now: int) -> Change | None:
    """Some change of a roster, None if it comes to nothing."""
    kind = rng.choice(list(_KINDS))
    wanted = _KINDS[kind](rng, roster, now)
    if wanted == roster or not _possible(wanted):
        return None
    return Change(kind, wanted, rng.choice((now, _earlier(rng, now))))


def another_rulebook(rng: random.Random, number: int) -> Rulebook:
    """Other figures, so that what is pending may be fulfilled by them or no longer be."""
    armpit_cc = rng.choice((3700, 3730, 3790))
    threshold_cc = {**DEFAULT.fever.threshold_cc, Site.AXILLARY: armpit_cc}
    return replace(
        DEFAULT,
        version=f"drawn-{number}",
        fever=replace(DEFAULT.fever, threshold_cc=threshold_cc, hold_s=rng.choice((0, 300, 1200))),
        pulse=replace(DEFAULT.pulse, high_bpm=rng.choice((75, 111, 125))),
        oxygen=replace(DEFAULT.oxygen, hold_s=rng.choice((0, 300, 900))),
        left_home=replace(DEFAULT.left_home, hold_s=rng.choice((0, 120, 480))),
        not_worn=replace(DEFAULT.not_worn, hold_s=rng.choice((300, 900))),
        runs=replace(DEFAULT.runs, gap_s=rng.choice((60, 600, 1200)), gap_intervals=2),
    )


def _possible(roster: Roster) -> bool:
    """What the database would have: every time has a length, and no two of a device overlap."""
    bands = roster.assignments.values()
    long_ = all(a.to_at is None or a.from_at < a.to_at for given in bands for a in given)
    apart = all(
        one.to_at is not None and one.to_at <= next_.from_at
        for given in bands
        for one, next_ in pairwise(given)
    )
    return long_ and apart and all(e.starts_at < e.ends_at for e in roster.episodes.values())


def _with(roster: Roster, episode: Episode) -> Roster:
    return replace(roster, episodes={**roster.episodes, episode.no: episode})


def _worn(roster: Roster, device_no: int, given: Given) -> Roster:
    given = tuple(sorted(given, key=lambda each: each.from_at))
    return replace(roster, assignments={**roster.assignments, device_no: given})


def _some(rng: random.Random, roster: Roster) -> Episode:
    return rng.choice(list(roster.episodes.values()))


def _earlier(rng: random.Random, now: int) -> int:
    """While readings were measured, or just before."""
    return min(now, STARTED_AT + rng.randint(-5, MINUTES) * MINUTE_US)


def _moment(rng: random.Random, now: int) -> int:
    """Earlier, now, or soon."""
    return rng.choice((_earlier(rng, now), _earlier(rng, now), now, now + 10 * MINUTE_US))


def _threshold(rng: random.Random, roster: Roster, now: int) -> Roster:
    value_cc = rng.choice((3650, 3700, 3780, 3850))
    expires_at = rng.choice((None, None, _moment(rng, now)))
    own = Threshold(value_cc, f"dr-{rng.randint(1, 3)}", expires_at)
    fever: Mapping[Site, Threshold] = rng.choice(({Site.AXILLARY: own}, {Site.AXILLARY: own}, {}))
    return _with(roster, replace(_some(rng, roster), fever=fever))


def _pin(rng: random.Random, roster: Roster, now: int) -> Roster:
    del now
    episode = _some(rng, roster)
    assert episode.home is not None
    lat = rng.choice((32.0603, 32.0628, 32.0653))
    home = replace(episode.home, lat=lat, radius_m=rng.choice((50.0, 300.0)))
    return _with(roster, replace(episode, home=home))


def _leave_added(rng: random.Random, roster: Roster, now: int) -> Roster:
    episode, from_at = _some(rng, roster), _moment(rng, now)
    window = LeaveWindow(from_at, from_at + rng.randint(5, 60) * MINUTE_US, "swab test")
    return _with(roster, replace(episode, leave=(*episode.leave, window)))


def _leave_removed(rng: random.Random, roster: Roster, now: int) -> Roster:
    del now
    some = [each for each in roster.episodes.values() if each.leave]
    if not some:
        return roster
    episode = rng.choice(some)
    gone = rng.choice(episode.leave)
    left = tuple(each for each in episode.leave if each != gone)
    return _with(roster, replace(episode, leave=left))


def _episode_ended(rng: random.Random, roster: Roster, now: int) -> Roster:
    return _with(roster, replace(_some(rng, roster), ends_at=_moment(rng, now)))


def _episode_begun(rng: random.Random, roster: Roster, now: int) -> Roster:
    return _with(roster, replace(_some(rng, roster), starts_at=_moment(rng, now)))


def _assignment_ended(rng: random.Random, roster: Roster, now: int) -> Roster:
    """Earlier, later, or not at all after all."""
    device_no = rng.choice([no for no, given in roster.assignments.items() if given])
    *before, last = roster.assignments[device_no]
    to_at = rng.choice((_moment(rng, now), _moment(rng, now), None))
    return _worn(roster, device_no, (*before, replace(last, to_at=to_at)))


def _device_moved(rng: random.Random, roster: Roster, now: int) -> Roster:
    """To another episode or back, at once or after a while; perhaps one that nobody wore."""
    device = rng.choice(list(roster.devices.values()))
    episode_no = _some(rng, roster).no
    moment = _moment(rng, now)
    given = list(roster.assignments.get(device.no, ()))
    if given and (given[-1].to_at is None or given[-1].to_at > moment):
        given[-1] = replace(given[-1], to_at=moment)
    begins = moment + rng.choice((0, 0, 5)) * MINUTE_US
    return _worn(roster, device.no, (*given, Assignment(device.no, episode_no, begins, None)))


_KINDS: Final[Mapping[str, Callable[[random.Random, Roster, int], Roster]]] = {
    "thresholds changed": _threshold,
    "pins corrected": _pin,
    "leave windows added": _leave_added,
    "leave windows removed": _leave_removed,
    "episodes ended": _episode_ended,
    "episodes begun later": _episode_begun,
    "assignments ended": _assignment_ended,
    "devices moved": _device_moved,
}
RULEBOOKS: Final = "rulebooks changed"
KINDS: Final = (*_KINDS, RULEBOOKS)
"""All of them, as the summary calls them."""
