"""Who may do what: every operation of the description for everybody who might ask.

The object asked for is grid-1's. One server for all cells; what a cell moved is put back before the
next. An operation that the description has and the table does not fails the first test.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import httpx
import psycopg
import pytest

from alerts.api.app import create_app
from alerts.api.auth import COOKIE
from alerts.api.ports import Ports
from alerts.passwords import new_session, sha256
from alerts.subscription import Subscription
from alerts.tokens import Scope
from domain.instant import DAY_US
from doorstep.clock import SystemClock
from store import access, subscribers
from tests.integration.alerts.world import PASSWORD, World, serving
from tests.services.postgres import Postgres

ROLES: Final = ("doctor", "supervisor", "admin", "auditor")
OWN: Final = {
    "doctor": "dr-1",
    "supervisor": "sup-1",
    "admin": "admin-1",
    "auditor": "audit-1",
}
FOREIGN: Final = {
    "doctor of another grid": "dr-2",
    "foreign doctor": "dr-3",
    "foreign supervisor": "sup-2",
    "foreign admin": "admin-2",
    "foreign auditor": "audit-2",
}
"""The first is of the same community; the others of another."""
MORE_STAFF: Final = {
    "audit-1": ("auditor", "c-1"),
    "sup-2": ("supervisor", "c-2"),
    "admin-2": ("admin", "c-2"),
}
NOBODY: Final = ("none", "garbage", "basic", "expired", "revoked", "over")
"""No proof, and what is none: a made-up token, a password sent with each request, a token that is
over, one that was taken back, a session that is over."""
OTHER_SITE: Final = "other site"
"""A page of another site, in the browser of a supervisor who is signed in."""
SESSION: Final = "session"
"""Our own page in the same browser."""
READ_TOKEN: Final = "read token"
"""A supervisor's, for looking only."""

Row = Mapping[str, int]


def row(own: tuple[int, int, int, int], foreign: tuple[int, int, int, int], **more: int) -> Row:
    """Statuses by role, of those whose grid it is and of the others; for nobody 401."""
    asked = dict(zip(ROLES, own, strict=True))
    asked |= {f"foreign {role}": status for role, status in zip(ROLES, foreign, strict=True)}
    asked["doctor of another grid"] = foreign[0]
    asked[SESSION] = own[1]
    asked[READ_TOKEN] = own[1]
    said = {who.replace("_", " "): status for who, status in more.items()}
    return {**dict.fromkeys(NOBODY, 401), OTHER_SITE: 403, **asked, **said}


EVERYBODY: Final = row((200, 200, 200, 200), (200, 200, 200, 200))
LOOK: Final = row((200, 200, 200, 200), (404, 404, 404, 404))
DEED: Final = row((200, 200, 403, 403), (404, 404, 403, 403), read_token=403)
WHERE: Final = row((200, 200, 403, 403), (404, 404, 404, 404), read_token=403)


def keep(status: int, foreign: int = 404, **more: int) -> Row:
    """Webhooks are kept by supervisors and admins."""
    return row((403, status, status, 403), (403, foreign, foreign, 403), **more)


NO_CONTACT: Final = row((409, 409, 409, 409), (409, 409, 409, 409), read_token=403)
NOTHING_TO_UNDO: Final = row((409, 409, 403, 403), (404, 404, 403, 403), read_token=403)
SIGN_IN: Final = {**dict.fromkeys(EVERYBODY, 200), OTHER_SITE: 403}
"""Asks for a password and nothing else, whatever comes with it."""
SIGN_OUT: Final = {**dict.fromkeys(EVERYBODY, 401), OTHER_SITE: 403, SESSION: 204, "over": 204}
"""Ends a session: a token has none, and one that is over is over."""

MATRIX: Final[Mapping[str, Row]] = {
    "POST /session": SIGN_IN,
    "GET /session": EVERYBODY,
    "DELETE /session": SIGN_OUT,
    "GET /alerts": LOOK,
    "GET /alerts/stream": LOOK,
    "GET /alerts/{alert_id}": LOOK,
    "GET /alerts/{alert_id}/events": LOOK,
    "GET /alerts/{alert_id}/location": WHERE,
    "POST /alerts/{alert_id}/acknowledge": DEED,
    "POST /alerts/{alert_id}/visit": DEED,
    "POST /alerts/{alert_id}/outcome": DEED,
    "POST /alerts/{alert_id}/note": DEED,
    "POST /alerts/{alert_id}/assign": DEED,
    "POST /alerts/{alert_id}/undo": NOTHING_TO_UNDO,
    "GET /episodes": LOOK,
    "GET /episodes/{episode_id}": LOOK,
    "GET /episodes/{episode_id}/readings": LOOK,
    "GET /rejections": LOOK,
    "GET /gaps": LOOK,
    "GET /signals": EVERYBODY,
    "GET /audit": row((403, 200, 200, 200), (403, 200, 200, 200)),
    "GET /rules/accuracy": LOOK,
    "GET /reports/daily": LOOK,
    "GET /webhooks": keep(200, foreign=200),
    "POST /webhooks": keep(201, read_token=403),
    "GET /webhooks/{webhook_id}": keep(200),
    "PATCH /webhooks/{webhook_id}": keep(200, read_token=403),
    "DELETE /webhooks/{webhook_id}": keep(204, read_token=403),
    "POST /webhooks/{webhook_id}/test": keep(200, read_token=403),
    "POST /webhooks/{webhook_id}/rotate": keep(200, read_token=403),
    "GET /webhooks/{webhook_id}/deliveries": keep(200),
    "POST /webhooks/{webhook_id}/deliveries/{event_id}/resend": keep(202, read_token=403),
    "POST /staff/me/notifications/test": NO_CONTACT,
}
"""By operation, what everybody is answered. Where it can be narrowed, by grid-1 or its device."""

PLACES: Final = {"alert_id": "alert-1", "episode_id": "e-1", "webhook_id": "wh-1", "event_id": "1"}
NARROWED: Final = {"grid": "grid-1", "device": "w-1"}
BODIES: Final = {
    "POST /session": {"staff": "dr-1", "password": PASSWORD},
    "POST /alerts/{alert_id}/outcome": {"outcome": "well"},
    "POST /alerts/{alert_id}/note": {"note": "seen"},
    "POST /webhooks": {"url": "https://doorstep.example.org/", "grids": ["grid-1"]},
    "PATCH /webhooks/{webhook_id}": {"name": "desk"},
}
OF_GRID_1: Final = ("alert-1", "e-1", "p-1", "w-1", "wh-1", "grid-1")
"""What nobody from elsewhere may be told of."""


@cache
def described() -> Mapping[str, list[str]]:
    """Each operation of the description, and what may be asked of it in the query."""
    nothing = cast("Any", None)
    given: dict[str, Any] = {"console": Path("nowhere"), "unavailable": ()}
    ports = Ports(**{each.name: given.get(each.name, nothing) for each in fields(Ports)})
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": [
            each["name"] for each in operation.get("parameters", []) if each["in"] == "query"
        ]
        for path, methods in create_app(ports, "0").app.openapi()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1/")
    }


def writes(operation: str) -> bool:
    return not operation.startswith("GET ")


CELLS: Final = [
    (operation, who)
    for operation, asked in MATRIX.items()
    for who in asked
    if who != OTHER_SITE or writes(operation)
]
LISTS: Final = [each for each in MATRIX if not writes(each) and "{" not in each]


@dataclass(frozen=True)
class Place:
    """The server and everybody's headers."""

    world: World
    url: str
    headers: Mapping[str, Mapping[str, str]]

    def ask(self, operation: str, who: str, *, narrowed: bool = True) -> tuple[int, str]:
        """Status and text; of what streams, no text."""
        method, _, path = operation.partition(" ")
        asked = {name: NARROWED[name] for name in described()[operation] if name in NARROWED}
        with (
            httpx.Client(base_url=self.url, timeout=20, headers=self.headers[who]) as client,
            client.stream(
                method,
                f"/api/v1{path.format_map(PLACES)}",
                params=asked if narrowed else {},
                json=BODIES.get(operation),
            ) as answer,
        ):
            streams = answer.headers.get("content-type", "").startswith("text/event-stream")
            return answer.status_code, "" if streams else answer.read().decode()


@pytest.fixture(scope="module")
def served(database_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    url = database_server.fresh_database()
    world = World(url)
    with psycopg.connect(url) as connection:
        for id_, (role, community) in MORE_STAFF.items():
            connection.execute(
                "WITH made AS (INSERT INTO staff (id, name, role) VALUES (%s, %s, %s)"
                " RETURNING staff_no) INSERT INTO staff_community SELECT staff_no, community_no"
                " FROM made, community WHERE community.id = %s",
                [id_, id_, role, community],
            )
    world.raise_alert(1)
    world.gap(1, 3, 4)
    with serving(world, tmp_path_factory.mktemp("console")) as server:
        yield Place(world, server.url, everybody(world))
    database_server.drop(url)


@pytest.fixture
def place(served: Place) -> Place:
    """As at the start: nobody has acted on the alert, the webhook and the sessions are there."""
    with psycopg.connect(served.world.url) as connection:
        connection.execute(
            "UPDATE alert SET response = 'open', outcome = NULL, assignee = NULL, closed_at = NULL,"
            " closed_severity = NULL"
        )
        connection.execute("DELETE FROM alert_event WHERE actor IS NOT NULL")
        connection.execute("DELETE FROM subscriber")
        with connection.cursor() as cursor:
            wanted = Subscription("wh-1", "webhook", "", (1,), {"url": "https://127.0.0.1:1/"}, "")
            number = subscribers.add(cursor, wanted, served.world.now)
        connection.execute(
            "INSERT INTO subscriber_secret (subscriber_no, secret, made_at)"
            " VALUES (%s, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', now())",
            [number],
        )
        # Stopped, and everything sent: nothing is tried behind the tests' back.
        connection.execute(
            "UPDATE subscriber SET stopped_at = now(), stopped_why = 'person',"
            " cursor = (SELECT last_event_id FROM event_counter)"
        )
    for who in (SESSION, OTHER_SITE):
        open_session(served.world, served.headers[who]["Cookie"].partition("=")[2], DAY_US)
    return served


def everybody(world: World) -> dict[str, Mapping[str, str]]:
    """Headers by who asks."""
    expired, revoked = world.token("sup-1", valid_s=-60), world.token("sup-1")
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "UPDATE api_token SET revoked_at = now() WHERE token_sha256 = %s", [sha256(revoked)]
        )
    over, session = new_session(), new_session()
    open_session(world, over, -DAY_US)
    found: dict[str, Mapping[str, str]] = {
        "none": {},
        "garbage": bearer("dst_" + "x" * 43),
        "basic": {"Authorization": f"Basic {b64encode(f'sup-1:{PASSWORD}'.encode()).decode()}"},
        "expired": bearer(expired),
        "revoked": bearer(revoked),
        "over": {"Cookie": f"{COOKIE}={over}"},
        SESSION: {"Cookie": f"{COOKIE}={session}", "Sec-Fetch-Site": "same-origin"},
        OTHER_SITE: {"Cookie": f"{COOKIE}={session}", "Origin": "https://elsewhere.example"},
        READ_TOKEN: bearer(world.token("sup-1", scope=Scope.READ)),
    }
    return found | {
        who: bearer(world.token(staff)) for who, staff in (*OWN.items(), *FOREIGN.items())
    }


def bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def open_session(world: World, word: str, lasts_us: int) -> None:
    now = SystemClock().now()
    with psycopg.connect(world.url) as connection:
        access.close_session(connection, sha256(word))
        access.open_session(connection, "sup-1", sha256(word), (now, now + lasts_us))


def test_every_operation_has_its_row_and_there_are_hundreds_of_cells() -> None:
    assert {*MATRIX} == {*described()}
    assert len(CELLS) > 300


@pytest.mark.parametrize(("operation", "who"), CELLS, ids=[f"{op}, {who}" for op, who in CELLS])
def test_who_may(place: Place, operation: str, who: str) -> None:
    status, text = place.ask(operation, who)
    assert status == MATRIX[operation][who], text
    if who not in {*OWN, SESSION, READ_TOKEN} and operation != "POST /session":
        assert not [word for word in OF_GRID_1 if f'"{word}"' in text]


@pytest.mark.parametrize("operation", [each for each in MATRIX if writes(each)])
def test_a_token_for_looking_is_told_so(place: Place, operation: str) -> None:
    """By the method alone, whatever the role may; what has a door of its own asks no token."""
    status, text = place.ask(operation, READ_TOKEN)
    if operation.endswith(" /session"):
        assert "read-token" not in text
        return
    assert (status, json.loads(text)["type"]) == (403, "urn:doorstep:problem:read-token")


@pytest.mark.parametrize("who", FOREIGN)
@pytest.mark.parametrize("operation", LISTS)
def test_a_list_that_is_not_narrowed_has_nothing_of_another_grid(
    place: Place, operation: str, who: str
) -> None:
    status, text = place.ask(operation, who, narrowed=False)
    assert status == (403 if MATRIX[operation][who] == 403 else 200), text
    assert not [word for word in OF_GRID_1 if f'"{word}"' in text]


@pytest.mark.parametrize("role", ROLES)
def test_whose_grid_it_is_finds_it_in_the_lists(place: Place, role: str) -> None:
    for operation in ("GET /alerts", "GET /episodes", "GET /gaps"):
        _, text = place.ask(operation, role)
        assert [word for word in OF_GRID_1 if f'"{word}"' in text], operation
