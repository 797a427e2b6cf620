"""Webhooks from the request that makes one to the event that arrives, with a real receiver."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from alerts.api import webhook_shapes as told
from alerts.delivery import WIDTH
from domain.instant import DAY_US, parse_rfc3339, to_datetime
from doorstep.clock import SystemClock
from store.webhooks import MOST
from tests.integration.alerts.asking import problem
from tests.integration.alerts.receiving import Receiver, receiving
from tests.integration.alerts.world import Server, World, leaks

WEBHOOKS = "/api/v1/webhooks"
WITHIN_S = 20.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def supervisor(server: Server, world: World) -> Iterator[httpx.Client]:
    """sup-1, of grids 1 and 2."""
    with httpx.Client(base_url=server.url, headers=as_(world, "sup-1"), timeout=20) as client:
        yield client


def as_(world: World, staff: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.token(staff)}"}


def make(client: httpx.Client, url: str, *grids: str, **given: Any) -> dict[str, Any]:
    body = {"url": url, "grids": grids or ("grid-1",), **given}
    answer = client.post(WEBHOOKS, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def look(client: httpx.Client, webhook: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"{WEBHOOKS}/{webhook['id']}")
    assert answer.status_code == 200, answer.text
    seen: dict[str, Any] = answer.json()
    return seen


def log(client: httpx.Client, webhook: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries", params=asked)
    assert answer.status_code == 200, answer.text
    told.DeliveriesShape.model_validate(answer.json())
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


class TestKeeping:
    def test_the_secret_is_shown_once(self, supervisor: httpx.Client, receiver: Receiver) -> None:
        made = make(supervisor, receiver.url(), "grid-1", "grid-2", name="desk")
        told.NewWebhookShape.model_validate(made)
        assert made["secret"].startswith("whsec_")
        assert (made["grids"], made["enabled"], made["created_by"]) == (
            ["grid-1", "grid-2"],
            True,
            "sup-1",
        )
        seen = look(supervisor, made)
        assert seen == {name: value for name, value in made.items() if name != "secret"}
        listed = supervisor.get(WEBHOOKS).json()
        told.WebhooksShape.model_validate(listed)
        assert listed == {"items": [seen], "next": None}

    @pytest.mark.parametrize("staff", ["dr-1", "audit-2", "nobody"])
    def test_doctors_and_auditors_keep_none(
        self, supervisor: httpx.Client, receiver: Receiver, world: World, staff: str
    ) -> None:
        own = f"{WEBHOOKS}/{make(supervisor, receiver.url())['id']}"
        headers = as_(world, staff)
        hook = {"url": receiver.url(), "grids": ["grid-1"]}
        calls: list[tuple[str, str, dict[str, Any] | None]] = [
            ("GET", WEBHOOKS, None),
            ("POST", WEBHOOKS, hook),
            ("GET", own, None),
            ("PATCH", own, {"name": "x"}),
            ("DELETE", own, None),
            ("POST", f"{own}/test", None),
            ("POST", f"{own}/rotate", None),
            ("GET", f"{own}/deliveries", None),
            ("POST", f"{own}/deliveries/1/resend", None),
        ]
        for method, path, body in calls:
            problem(supervisor.request(method, path, headers=headers, json=body), 403)
        assert receiver.had == []

    def test_of_other_grids_there_are_none(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        """One that is of another's grid too is not shown: it would tell of that grid."""
        foreign = make(supervisor, receiver.url(), "grid-1", "grid-2")
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "UPDATE subscriber SET grid_nos = grid_nos"
                " || (SELECT grid_no FROM grid WHERE id = 'grid-3')"
            )
        assert supervisor.get(WEBHOOKS).json()["items"] == []
        own = f"{WEBHOOKS}/{foreign['id']}"
        for method, path in (
            ("GET", own),
            ("DELETE", own),
            ("POST", f"{own}/test"),
            ("POST", f"{own}/rotate"),
            ("GET", f"{own}/deliveries"),
            ("POST", f"{own}/deliveries/1/resend"),
        ):
            assert supervisor.request(method, path).status_code == 404, (method, path)
        assert supervisor.patch(own, json={"name": "x"}).status_code == 404
        assert receiver.had == []

    def test_nobody_subscribes_to_anothers_grid(
        self, supervisor: httpx.Client, receiver: Receiver
    ) -> None:
        body = {"url": receiver.url(), "grids": ["grid-1", "grid-3"]}
        assert supervisor.post(WEBHOOKS, json=body).status_code == 404
        made = make(supervisor, receiver.url())
        changed = supervisor.patch(f"{WEBHOOKS}/{made['id']}", json={"grids": ["grid-3"]})
        assert changed.status_code == 404
        assert look(supervisor, made)["grids"] == ["grid-1"]

    def test_the_address_is_judged(self, supervisor: httpx.Client, server: Server) -> None:
        for url in ("ftp://example.org/", "https://me:sesame@example.org/", "example.org"):
            answer = supervisor.post(WEBHOOKS, json={"url": url, "grids": ["grid-1"]})
            assert answer.status_code == 422, url
            assert "sesame" not in answer.text
        server.sender.private = False
        for url in ("https://169.254.169.254/latest", "http://example.org/"):
            answer = supervisor.post(WEBHOOKS, json={"url": url, "grids": ["grid-1"]})
            assert answer.status_code == 422, url

    def test_there_are_only_so_many(self, supervisor: httpx.Client, world: World) -> None:
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "INSERT INTO subscriber (id, kind, grid_nos, config, created_at, cursor)"
                " SELECT n, 'webhook', '{}', '{}', to_timestamp(0), 0"
                " FROM generate_series(1, %s) n",
                [MOST],
            )
        answer = supervisor.post(WEBHOOKS, json={"url": "https://a.example/", "grids": ["grid-1"]})
        assert answer.status_code == 409

    def test_one_is_changed_and_taken_away(
        self, supervisor: httpx.Client, receiver: Receiver
    ) -> None:
        made = make(supervisor, receiver.url())
        own = f"{WEBHOOKS}/{made['id']}"
        changed = supervisor.patch(own, json={"url": receiver.url("/b"), "grids": ["grid-2"]})
        assert (changed.json()["url"], changed.json()["grids"]) == (receiver.url("/b"), ["grid-2"])
        assert supervisor.patch(own, json={"name": "c"}).json()["url"] == receiver.url("/b")
        assert supervisor.delete(own).status_code == 204
        assert supervisor.delete(own).status_code == 404
        assert supervisor.get(own).status_code == 404


class TestDelivering:
    def test_an_event_arrives_signed_and_without_a_name_or_place(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url())
        alert_id = world.raise_alert(1)
        (had,) = receiver.wait_for("/", 1)
        assert had.verified_by(made["secret"])
        assert (had.id, had.body["type"], had.body["alert"]) == ("evt_1", "new", alert_id)
        assert (had.body["before"], had.body["after"]["person"]) == (None, "p-1")
        text = had.raw.decode()
        assert not leaks(text)
        assert "32.06" not in text
        assert '"lat"' not in text
        until(lambda: look(supervisor, made)["delivered_at"] is not None)
        (entry,) = log(supervisor, made)
        assert (entry["id"], entry["state"], entry["attempts"], entry["status"]) == (
            "evt_1",
            "delivered",
            1,
            "204",
        )

    def test_events_of_its_own_grids_only(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        make(supervisor, receiver.url("/one"), "grid-1")
        make(supervisor, receiver.url("/two"), "grid-2")
        for n in (1, 2, 3):
            world.raise_alert(n)
        assert [had.body["grid"] for had in receiver.wait_for("/one", 1)] == ["grid-1"]
        assert [had.body["grid"] for had in receiver.wait_for("/two", 1)] == ["grid-2"]

    def test_a_black_hole_holds_up_nobody_else(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        receiver.hanging = {f"/hole-{n}" for n in range(20)}
        for path in sorted(receiver.hanging):
            make(supervisor, receiver.url(path))
        make(supervisor, receiver.url("/well"))
        began_at = time.monotonic()
        for n in (1, 4):
            world.raise_alert(n)
        receiver.wait_for("/well", 2)
        assert time.monotonic() - began_at < WITHIN_S / 2
        for path in sorted(receiver.hanging):
            assert len(receiver.wait_for(path, 1)) <= WIDTH

    def test_a_failure_is_tried_again_with_the_same_id(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        receiver.answers["/"] = (503, {"Retry-After": "1"})
        made = make(supervisor, receiver.url())
        world.raise_alert(1)
        receiver.wait_for("/", 1)
        until(lambda: look(supervisor, made)["failures"] == 1)
        receiver.answers.clear()
        assert {had.id for had in receiver.wait_for("/", 2)} == {"evt_1"}
        until(lambda: look(supervisor, made)["failures"] == 0)
        assert [entry["attempts"] for entry in log(supervisor, made)] == [2]

    def test_gone_stops_it_until_a_person_starts_it_again(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        receiver.answers["/"] = (410, {})
        made = make(supervisor, receiver.url())
        own = f"{WEBHOOKS}/{made['id']}"
        world.raise_alert(1)
        until(lambda: look(supervisor, made)["stopped_why"] == "gone")
        world.raise_alert(4)
        receiver.answers.clear()
        started = supervisor.patch(own, json={"enabled": True}).json()
        assert (started["enabled"], started["stopped_why"]) == (True, None)
        had = receiver.wait_for("/", 3)
        # Two alerts: after the start their events go out side by side.
        first, *others = [each.id for each in had]
        assert (first, sorted(others)) == ("evt_1", ["evt_1", "evt_2"])

    def test_a_person_stops_it_and_starts_it_again(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url())
        own = f"{WEBHOOKS}/{made['id']}"
        stopped = supervisor.patch(own, json={"enabled": False}).json()
        assert (stopped["enabled"], stopped["stopped_why"]) == (False, "person")
        make(supervisor, receiver.url("/other"))
        world.raise_alert(1)
        receiver.wait_for("/other", 1)
        assert log(supervisor, made) == []
        supervisor.patch(own, json={"enabled": True})
        receiver.wait_for("/", 1)


class TestSecrets:
    def test_both_count_while_one_is_rotated(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url())
        own = f"{WEBHOOKS}/{made['id']}"
        answer = supervisor.post(f"{own}/rotate", json={"overlap_s": 3_600})
        told.SecretShape.model_validate(answer.json())
        new = answer.json()["secret"]
        assert look(supervisor, made)["old_secret_until"] == answer.json()["old_secret_until"]
        world.raise_alert(1)
        (had,) = receiver.wait_for("/", 1)
        assert had.verified_by(new)
        assert had.verified_by(made["secret"])
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "UPDATE subscriber_secret SET until = %s WHERE until IS NOT NULL",
                [to_datetime(SystemClock().now() - DAY_US)],
            )
        world.raise_alert(4)
        later = receiver.wait_for("/", 2)[1]
        assert later.verified_by(new)
        assert not later.verified_by(made["secret"])

    def test_a_day_if_nothing_is_said_and_never_three_at_a_time(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url())
        own = f"{WEBHOOKS}/{made['id']}"
        second, third = (supervisor.post(f"{own}/rotate").json() for _ in range(2))
        rest = parse_rfc3339(third["old_secret_until"]) - SystemClock().now()
        assert 0.99 * DAY_US < rest <= DAY_US
        world.raise_alert(1)
        (had,) = receiver.wait_for("/", 1)
        assert [
            had.verified_by(secret)
            for secret in (third["secret"], second["secret"], made["secret"])
        ] == [True, True, False]


class TestTrying:
    def test_a_test_message_arrives_and_says_how_it_went(
        self, supervisor: httpx.Client, receiver: Receiver
    ) -> None:
        made = make(supervisor, receiver.url())
        answer = supervisor.post(f"{WEBHOOKS}/{made['id']}/test")
        told.TestShape.model_validate(answer.json())
        assert (answer.json()["delivered"], answer.json()["status"]) == (True, "204")
        (had,) = receiver.had
        assert had.verified_by(made["secret"])
        assert (had.id, had.body["type"]) == (answer.json()["id"], "test")

    def test_one_that_fails_says_why_and_not_where(
        self, supervisor: httpx.Client, receiver: Receiver
    ) -> None:
        receiver.answers["/"] = (418, {})
        made = make(supervisor, receiver.url())
        answer = supervisor.post(f"{WEBHOOKS}/{made['id']}/test")
        assert answer.json() == {"id": receiver.had[0].id, "delivered": False, "status": "418"}
        assert log(supervisor, made) == []

    def test_what_was_delivered_is_sent_again_when_a_person_asks(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url())
        world.raise_alert(1)
        until(lambda: look(supervisor, made)["delivered_at"] is not None)
        answer = supervisor.post(f"{WEBHOOKS}/{made['id']}/deliveries/1/resend")
        assert (answer.status_code, answer.content) == (202, b"")
        assert [had.id for had in receiver.wait_for("/", 2)] == ["evt_1", "evt_1"]

    def test_nobody_has_anothers_event_sent(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url())
        world.raise_alert(3)
        until(lambda: world.rows("SELECT FROM subscriber WHERE cursor = 1") != [])
        for event in (1, 2):
            again = f"{WEBHOOKS}/{made['id']}/deliveries/{event}/resend"
            assert supervisor.post(again).status_code == 404

    def test_the_log_has_pages(
        self, supervisor: httpx.Client, receiver: Receiver, world: World
    ) -> None:
        made = make(supervisor, receiver.url(), "grid-1", "grid-2")
        for n in (1, 2, 4):
            world.raise_alert(n)
        receiver.wait_for("/", 3)
        until(lambda: len(log(supervisor, made, state="delivered")) == 3)
        page = supervisor.get(f"{WEBHOOKS}/{made['id']}/deliveries", params={"limit": 2}).json()
        assert [entry["event"] for entry in page["items"]] == [3, 2]
        assert [entry["event"] for entry in log(supervisor, made, cursor=page["next"])] == [1]
        assert log(supervisor, made, state="undeliverable") == []
        bad = supervisor.get(f"{WEBHOOKS}/{made['id']}/deliveries", params={"cursor": "x"})
        assert bad.status_code == 422


def test_a_database_that_comes_back_loses_nothing(
    supervisor: httpx.Client, receiver: Receiver, world: World
) -> None:
    make(supervisor, receiver.url())
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    world.raise_alert(1)
    receiver.wait_for("/", 1)
