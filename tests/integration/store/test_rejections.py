"""Kept rejections on real databases: what a later roster covers is judged anew, and told once."""

from collections.abc import Iterator

import psycopg
import pytest

from domain.instant import SECOND_US, parse_rfc3339
from ingest.rejection import Reason, Rejection
from ingest.work import RejectedMessage
from store import rejections
from store.roster_import import import_document
from tests.acceptance import publishing

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
ROSTER = publishing.roster(NOW, 1)
DEVICE = ROSTER["devices"][0]["id"]


def _refused(reason: Reason, payload: bytes = b"{}") -> RejectedMessage:
    rejection = Rejection(reason, -1, "", "", rest_stored=False)
    topic = f"doorstep/v1/devices/{DEVICE}/readings"
    return RejectedMessage(topic, DEVICE, payload, NOW, (rejection,))


@pytest.fixture
def cursor(tier_database: str) -> Iterator[psycopg.Cursor]:
    with psycopg.connect(tier_database) as connection, connection.cursor() as cursor:
        rejections.keep(cursor, [_refused(Reason.NOT_ASSIGNED)], 1)
        rejections.keep(cursor, [_refused(Reason.SCHEMA, b"[]")], 1)
        import_document(connection, ROSTER, NOW + SECOND_US)
        yield cursor


def _kept(cursor: psycopg.Cursor) -> list[tuple[bytes, int, str]]:
    return cursor.execute(
        "SELECT payload, times, reason FROM rejected_message JOIN rejection USING (content_sha256)"
        " ORDER BY payload"
    ).fetchall()


def test_what_is_refused_again_has_not_arrived_again(cursor: psycopg.Cursor) -> None:
    found, after = rejections.covered(cursor.connection, b"", 10)
    assert [envelope.payload for envelope in found] == [b"{}"]
    assert rejections.covered(cursor.connection, after, 10)[0] == []
    again = rejections.resubmit(cursor, found)
    rejections.keep(cursor, [_refused(Reason.NOT_ASSIGNED)], 2, again)
    rejections.settle(cursor, again)
    assert _kept(cursor) == [(b"[]", 1, "schema"), (b"{}", 1, "not_assigned")]
    rejections.keep(cursor, [_refused(Reason.NOT_ASSIGNED)], 3)
    assert _kept(cursor) == [(b"[]", 1, "schema"), (b"{}", 2, "not_assigned")]


def test_what_is_stored_now_is_no_rejection_any_more(cursor: psycopg.Cursor) -> None:
    found, _ = rejections.covered(cursor.connection, b"", 10)
    rejections.settle(cursor, rejections.resubmit(cursor, found))
    assert _kept(cursor) == [(b"[]", 1, "schema")]
