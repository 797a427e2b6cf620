"""Who wears which device, by number, says what the roster says, or sends one to ask it."""

from domain.instant import DAY_US, parse_rfc3339
from domain.people import EMPTY_ROSTER, Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.directory import ASK_THE_ROSTER, Directory

NOON = parse_rfc3339("2026-02-03T12:00:00Z")


def _episode(no: int) -> Episode:
    return Episode(no, f"e-{no}", NOON - DAY_US, NOON + DAY_US, None, None)


ROSTER = Roster(
    version=1,
    devices={f"w-{no}": Device(no, f"w-{no}", "a", Site.WRIST, 60, spot=False) for no in (1, 2, 4)},
    episodes={1: _episode(1), 2: _episode(2)},
    assignments={
        1: (Assignment(1, 1, NOON - 9 * DAY_US, None),),
        2: (Assignment(2, 1, NOON - DAY_US, NOON), Assignment(2, 2, NOON, None)),
    },
)


def test_one_assignment_is_here_as_long_as_it_and_its_episode_last() -> None:
    directory = Directory.of(ROSTER, {(1, 1): 7, (1, 2): 8, (2, 2): 9})
    assert (directory.slot[1], directory.episode_no[1]) == (7, 1)
    assert (directory.from_at[1], directory.until_at[1]) == (NOON - DAY_US, NOON + DAY_US)


def test_of_all_others_one_asks_the_roster() -> None:
    directory = Directory.of(ROSTER, {(1, 1): 7, (1, 2): 8, (2, 2): 9})
    assert directory.slot[[0, 2, 3, 4]].tolist() == [ASK_THE_ROSTER] * 4
    assert len(Directory.of(EMPTY_ROSTER, {}).slot) == 1
