"""Pages come round in turn, evenly over the minute, and say what is in the state."""

import numpy as np
import pytest

from domain.instant import SECOND_US
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest import snapshots
from ingest.sequences import Sequences
from ingest.snapshots import CYCLE_US, Page, SnapshotPlan
from rules.rulebook import DEFAULT
from rules.snapshots import unpack
from rules.state import fresh
from rules.wearers import Wearers
from tests.unit.rules.making import T0


def wearers(count: int) -> Wearers:
    """`count` devices in one episode."""
    devices = {
        f"w-{n}": Device(n, f"w-{n}", "a", Site.AXILLARY, 60, spot=False)
        for n in range(1, count + 1)
    }
    assigned = {n: (Assignment(n, 1, T0, None),) for n in range(1, count + 1)}
    episode = Episode(1, "e-1", T0, T0 + 10**12, None, None)
    return Wearers.of(Roster(1, devices, {1: episode}, assigned), DEFAULT)


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "WEARERS", 2)


def taken(plan: SnapshotPlan, count: int, now: int) -> Page | None:
    return plan.due(fresh(count), wearers(count), Sequences(), now)


@pytest.mark.usefixtures("pages_of_two")
def test_every_page_comes_once_a_minute() -> None:
    plan = SnapshotPlan()
    came = [taken(plan, 5, T0 + n * SECOND_US) for n in range(3 * 60)]
    when = [(n, page.number) for n, page in enumerate(came) if page is not None]
    assert when == [(n * 20, n % 3) for n in range(9)]
    assert [page.completes for page in came if page is not None] == [False, False, True] * 3


@pytest.mark.usefixtures("pages_of_two")
def test_a_step_takes_one_page_however_late_it_is() -> None:
    plan = SnapshotPlan()
    taken(plan, 5, T0)
    numbers = [taken(plan, 5, T0 + CYCLE_US - 1) for _ in range(3)]
    assert [None if page is None else page.number for page in numbers] == [1, 2, None]


@pytest.mark.usefixtures("pages_of_two")
def test_a_page_has_the_rows_and_the_numbers_of_its_wearers() -> None:
    state, sequences, plan = fresh(3), Sequences(), SnapshotPlan()
    state["watermark_at"][:] = [5, 6, 7]
    now = np.array([1, 2, 3])
    sequences.take_over(sequences.advance(now, np.zeros(3, dtype=np.int64), now * 10, T0))
    pages = [plan.due(state, wearers(3), sequences, T0 + n * CYCLE_US // 2) for n in range(2)]
    kept = [unpack(page.rules) for page in pages if page is not None]
    assert [each.rows["watermark_at"].tolist() for each in kept if each] == [[5, 6], [7]]
    other = Sequences()
    numbers = [other.restore(page.sequences).tolist() for page in pages if page is not None]
    assert numbers == [[1, 2], [3]]
    assert [other.standing(n, 0) for n in (1, 2, 3)] == [sequences.standing(n, 0) for n in now]


@pytest.mark.usefixtures("pages_of_two")
def test_wearers_without_a_row_yet_are_written_as_fresh() -> None:
    page = SnapshotPlan().due(fresh(0), wearers(2), Sequences(), T0)
    assert page is not None
    kept = unpack(page.rules)
    assert kept is not None
    assert kept.rows.tobytes() == fresh(2).tobytes()


def test_without_wearers_there_is_nothing_to_write() -> None:
    assert taken(SnapshotPlan(), 0, T0) is None
