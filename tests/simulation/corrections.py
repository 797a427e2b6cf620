"""What an import of the roster corrects, in plain loops: the model of `store.corrections`.

Homes and thresholds hold from an effective time on, and what held before is kept; leave windows,
assignments and episodes carry their own times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from domain.people import Episode, Roster

Pair = tuple[int, int]
"""(episode_no, device_no)."""
What = TypeVar("What")


def imported(before: Roster, wanted: Roster, effective_at: int) -> Roster:
    """The roster after an import that asks for `wanted`, as the next version."""
    episodes = {
        no: _corrected(before.episodes[no], episode, effective_at)
        for no, episode in wanted.episodes.items()
    }
    return replace(wanted, version=before.version + 1, episodes=episodes)


def _corrected(before: Episode, after: Episode, effective_at: int) -> Episode:
    begun = min(before.starts_at, after.starts_at) < effective_at
    homes, fever = before.homes_before, before.fever_before
    if before.home != after.home:
        homes = _kept(homes, before.home, effective_at, begun=begun)
    if before.fever != after.fever:
        fever = _kept(fever, before.fever, effective_at, begun=begun)
    return replace(after, homes_before=homes, fever_before=fever)


def _kept(
    known: Sequence[tuple[int, What]], was: What, effective_at: int, *, begun: bool
) -> tuple[tuple[int, What], ...]:
    """What held until when. Corrections that are effective later than this one are replaced."""
    later = [(until_at, what) for until_at, what in known if until_at >= effective_at]
    held = later[0][1] if later else was
    kept = [(until_at, what) for until_at, what in known if until_at < effective_at]
    return (*kept, (effective_at, held)) if begun else tuple(kept)


def asked(before: Roster, after: Roster, effective_at: int) -> dict[Pair, int]:
    """Who is to be judged anew, and from when on."""
    found: dict[Pair, int] = {}
    for pair, from_at in (
        *_of_episodes(before, after, effective_at),
        *_of_assignments(before, after),
    ):
        found[pair] = min(from_at, found.get(pair, from_at))
    return found


def _of_episodes(before: Roster, after: Roster, effective_at: int) -> Iterator[tuple[Pair, int]]:
    for assignments in after.assignments.values():
        for each in assignments:
            was, now = before.episodes[each.episode_no], after.episodes[each.episode_no]
            pair = each.episode_no, each.device_no
            if was.home != now.home or was.fever != now.fever:
                yield pair, effective_at
            if was.starts_at != now.starts_at:
                yield pair, min(was.starts_at, now.starts_at)
            if was.ends_at != now.ends_at:
                yield pair, min(was.ends_at, now.ends_at)
            for window in (*was.leave, *now.leave):
                if (window in was.leave) != (window in now.leave):
                    yield pair, window.from_at


def _of_assignments(before: Roster, after: Roster) -> Iterator[tuple[Pair, int]]:
    """Of devices that somebody wore before: else there are no readings yet."""
    for device_no, known in before.assignments.items():
        ends = {(each.episode_no, each.from_at): each.to_at for each in known}
        for each in after.assignments[device_no] if known else ():
            pair, begun = (each.episode_no, device_no), (each.episode_no, each.from_at)
            if begun not in ends:
                yield pair, each.from_at
            elif ends[begun] != each.to_at:
                yield pair, min(at for at in (ends[begun], each.to_at) if at is not None)
