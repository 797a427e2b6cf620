"""What ingestion says of its own blindness: once when it begins, once when it is over."""

from domain.instant import SECOND_US, parse_rfc3339
from ingest.noticing import BLIND_AFTER_US, SESSION_LOST_SHOWN_US, Noticing
from ingest.work import SignalChange

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
BOUND = 100


def _settled() -> Noticing:
    """Connected, and with the first words said."""
    noticing = Noticing(BOUND)
    noticing.tick(NOW, connected=True)
    noticing.take()
    return noticing


def _told(noticing: Noticing) -> list[tuple[str, int, int | None]]:
    return [(change.kind, change.at, change.until_at) for change in noticing.take()]


def test_what_a_dead_process_left_standing_is_ended_by_the_next() -> None:
    noticing = Noticing(BOUND)
    assert not noticing.pending
    noticing.tick(NOW, connected=False)
    assert _told(noticing) == [("rejections", NOW, NOW)]
    noticing.tick(NOW + 1, connected=True)
    assert _told(noticing) == [("blind", NOW + 1, NOW + 1)]
    noticing.tick(NOW + 2, connected=True)
    assert not noticing.pending


def test_blind_after_ten_seconds_without_a_broker_and_over_when_it_is_back() -> None:
    noticing = _settled()
    away_at = NOW + SECOND_US
    noticing.tick(away_at, connected=False)
    noticing.tick(away_at + BLIND_AFTER_US - 1, connected=False)
    assert not noticing.pending
    for late in (0, SECOND_US):
        noticing.tick(away_at + BLIND_AFTER_US + late, connected=False)
    assert _told(noticing) == [("blind", away_at, None)]
    back_at = away_at + 60 * SECOND_US
    noticing.tick(back_at, connected=True)
    assert _told(noticing) == [("blind", back_at, back_at)]


def test_short_absences_do_not_add_up() -> None:
    noticing = _settled()
    for second in range(60):
        noticing.tick(NOW + second * SECOND_US, connected=second % 9 == 0)
    assert not noticing.pending


def test_blind_from_the_start() -> None:
    noticing = Noticing(BOUND)
    for second in range(30):
        noticing.tick(NOW + second * SECOND_US, connected=False)
    assert _told(noticing) == [("rejections", NOW, NOW), ("blind", NOW, None)]


def test_a_lost_session_is_shown_for_a_day() -> None:
    noticing = _settled()
    noticing.session_lost("forgotten", NOW)
    assert noticing.pending
    assert noticing.take() == (
        SignalChange("session_lost", NOW, NOW + SESSION_LOST_SHOWN_US, "forgotten"),
    )
    assert not noticing.pending


def test_a_flood_of_rejections_begins_and_ends() -> None:
    noticing = _settled()
    noticing.rejected(BOUND, NOW)
    noticing.tick(NOW, connected=True)
    assert not noticing.flooded
    noticing.rejected(1, NOW)
    noticing.tick(NOW + SECOND_US, connected=True)
    noticing.tick(NOW + 2 * SECOND_US, connected=True)
    assert noticing.flooded
    [began] = noticing.take()
    assert (began.kind, began.at, began.until_at) == ("rejections", NOW + SECOND_US, None)
    assert began.detail == "101 messages rejected within a minute"
    over_at = NOW + 61 * SECOND_US
    noticing.tick(over_at, connected=True)
    assert not noticing.flooded
    assert _told(noticing) == [("rejections", over_at, over_at)]
