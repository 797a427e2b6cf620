"""Reading alerts over HTTP, and what people do with them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from alerts.api.shapes import AlertShape, AlertsShape, EventsShape
from domain.instant import format_rfc3339
from rules.finding import Rule, Severity
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import (
    CANARIES,
    Server,
    World,
    began,
    ended,
    leaks,
    minute,
    seen,
)


@pytest.fixture
def other(server: Server, world: World) -> Iterator[httpx.Client]:
    """As sup-1, who looks after grid-1 too."""
    headers = {"Authorization": f"Bearer {world.token('sup-1')}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=10) as client:
        yield client


def post(
    client: httpx.Client, alert: str, deed: str, body: Any = None, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None:
        return client.post(f"/api/v1/alerts/{alert}/{deed}", headers=named)
    # Not httpx's own JSON, which refuses to send what the service must refuse to take.
    named["Content-Type"] = "application/json"
    content = json.dumps(body)
    return client.post(f"/api/v1/alerts/{alert}/{deed}", content=content, headers=named)


def problem(answer: httpx.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert said["title"]
    assert said["detail"]
    assert said["type"] == (f"urn:doorstep:problem:{kind}" if kind else "about:blank")
    return said


class TestReading:
    def test_the_list_has_the_form_of_the_contract(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        answer = client.get("/api/v1/alerts")
        page = AlertsShape.model_validate(answer.json())
        assert [item.id for item in page.items] == ["alert-1"]
        assert page.next is None
        assert answer.headers["cache-control"] == "no-store"
        assert not leaks(answer.text)

    def test_the_most_urgent_comes_first(self, client: httpx.Client, world: World) -> None:
        urgent, critical, routine = Severity.URGENT, Severity.CRITICAL, Severity.ROUTINE
        world.record(began(world.finding(1, severity=routine, rule=Rule.SILENT)), now=minute(1))
        world.record(began(world.finding(1, severity=urgent)), now=minute(2))
        world.record(began(world.finding(4, severity=urgent)), now=minute(3))
        world.record(began(world.finding(4, severity=critical, rule=Rule.PULSE)), now=minute(4))
        world.record(began(world.finding(4, severity=urgent, rule=Rule.OXYGEN)), now=minute(5))
        assert post(client, "alert-2", "acknowledge").status_code == 200
        world.record(ended(world.finding(4, severity=urgent), 6), now=minute(7))
        order = [item["id"] for item in client.get("/api/v1/alerts").json()["items"]]
        assert order == ["alert-4", "alert-5", "alert-3", "alert-2", "alert-1"]
        post(client, "alert-4", "outcome", {"outcome": "well"})
        order = [item["id"] for item in client.get("/api/v1/alerts").json()["items"]]
        assert order == ["alert-5", "alert-3", "alert-2", "alert-1", "alert-4"]

    def test_pages_follow_each_other(self, client: httpx.Client, world: World) -> None:
        rules = [Rule.FEVER, Rule.PULSE, Rule.OXYGEN, Rule.LEFT_HOME, Rule.SILENT]
        for n, rule in enumerate(rules * 2):
            world.record(began(world.finding(1 if n < 5 else 4, rule=rule)))
        got: list[str] = []
        cursor: str | None = None
        while True:
            query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
            page = client.get("/api/v1/alerts", params=query).json()
            got += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert sorted(got) == sorted(f"alert-{n}" for n in range(1, 11))

    def test_filters_narrow(self, client: httpx.Client, world: World) -> None:
        world.record(began(world.finding(1)), began(world.finding(4, severity=Severity.CRITICAL)))
        world.record(began(world.finding(1, rule=Rule.SILENT, severity=Severity.ROUTINE)))
        post(client, "alert-1", "acknowledge")

        def ids(**query: str) -> set[str]:
            found = client.get("/api/v1/alerts", params=query).json()["items"]
            return {item["id"] for item in found}

        assert ids(response="acknowledged") == {"alert-1"}
        assert ids(response="open,acknowledged") == {"alert-1", "alert-2", "alert-3"}
        assert ids(response="closed") == set()
        assert ids(severity="critical,routine") == {"alert-2", "alert-3"}
        assert ids(rule="silent") == {"alert-3"}
        assert ids(person="p-4") == {"alert-2"}
        assert ids(grid="grid-1", person="p-1", rule="fever") == {"alert-1"}

    def test_what_cannot_be_asked(self, client: httpx.Client) -> None:
        for query in (
            {"response": "new"},
            {"severity": "high"},
            {"rule": "fewer"},
            {"limit": "0"},
            {"limit": "501"},
            {"limit": "x"},
            {"cursor": "not-ours"},
            {"cursor": "WzEsMl0"},
            {"cursor": "WzFlOTksIDEsICIiXQ"},
            {"cursor": "WzAsIDk5OTk5OTk5OTk5OTk5OTk5OTk5OTksICJhIl0"},
        ):
            problem(client.get("/api/v1/alerts", params=query), 422, "invalid")

    def test_one_has_its_readings_and_says_who(self, client: httpx.Client, world: World) -> None:
        store_readings(world, 1, [(n, 3600 + n, 0.001 * n) for n in range(-60, 0)])
        found = world.finding(1)
        world.record(began(found))
        answer = client.get("/api/v1/alerts/alert-1")
        assert answer.headers["etag"] == '"1"'
        said = answer.json()
        AlertShape.model_validate(said)
        assert said["who"] == {
            "person_name": CANARIES[0],
            "phone": CANARIES[1],
            "address": CANARIES[2],
            "birth_year": 1950,
            "flags": ["lives_alone"],
        }
        times = [reading["at"] for reading in said["evidence"]["readings"]]
        assert times == [format_rfc3339(minute(n)) for n in range(-30, -7)]
        assert said["evidence"]["readings"][0]["temperature_c"] == 35.7
        assert said["evidence"]["readings"][0]["site"] == "axillary"

    def test_no_more_than_fifty_readings_the_newest_among_them(
        self, client: httpx.Client, world: World
    ) -> None:
        store_readings(world, 1, [(n / 4, 3700, 0.0) for n in range(-800, 0)])
        world.record(began(world.finding(1, onset=-190, last_at=minute(-1))))
        readings = client.get("/api/v1/alerts/alert-1").json()["evidence"]["readings"]
        assert 40 <= len(readings) <= 50
        assert readings[-1]["at"] == format_rfc3339(minute(-1))

    def test_what_was_seen_since_is_shown_without_a_new_version(
        self, client: httpx.Client, world: World
    ) -> None:
        found = world.finding(1)
        world.record(began(found))
        world.record(seen(world.finding(1, last_at=minute(10), value=3890, peak=3890), found))
        said = client.get("/api/v1/alerts/alert-1").json()
        assert said["last_at"] == format_rfc3339(minute(10))
        assert said["summary"] == "38.9 °C at the armpit for 30 min, limit 37.3"
        assert said["version"] == 1
        listed = client.get("/api/v1/alerts").json()["items"][0]
        assert listed["summary"] == said["summary"]

    def test_a_closed_one_stays_as_it_was_closed(self, client: httpx.Client, world: World) -> None:
        found = world.finding(1)
        world.record(began(found))
        later = world.finding(1, last_at=minute(10), value=3890, peak=3890)
        world.record(seen(later, found))
        post(client, "alert-1", "outcome", {"outcome": "well"})
        world.record(seen(world.finding(1, last_at=minute(60), value=3810, peak=3890), later))
        said = client.get("/api/v1/alerts/alert-1").json()
        assert (said["last_at"], said["evidence"]["value"]) == (format_rfc3339(minute(10)), 38.9)

    def test_the_log_says_who_did_what(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "acknowledge", {"note": "on my way"})
        post(client, "alert-1", "visit")
        body = {"outcome": "no_answer", "note": "rang twice"}
        post(client, "alert-1", "outcome", body)
        answer = client.get("/api/v1/alerts/alert-1/events")
        log = EventsShape.model_validate(answer.json()).items
        assert [(each.kind.value, each.actor, each.note) for each in log] == [
            ("raised", None, ""),
            ("acknowledged", "dr-1", "on my way"),
            ("visited", "dr-1", ""),
            ("outcome", "dr-1", "rang twice"),
            ("escalated", None, "to sup-1"),
        ]
        assert log[0].before is None
        assert [each.after.version for each in log] == [1, 2, 3, 4, 4]
        assert not leaks(answer.text)


class TestDoing:
    def test_the_three_buttons(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        taken = post(client, "alert-1", "acknowledge", {}).json()
        assert (taken["response"], taken["assignee"], taken["version"]) == (
            "acknowledged",
            "dr-1",
            2,
        )
        there = post(client, "alert-1", "visit")
        assert (there.json()["response"], there.headers["etag"]) == ("visiting", '"3"')
        body = {
            "outcome": "confirmed_fever",
            "temperature_c": 38.1,
            "site": "axillary",
            "note": "tea",
        }
        done = post(client, "alert-1", "outcome", body).json()
        assert (done["response"], done["outcome"], done["version"]) == (
            "closed",
            "confirmed_fever",
            4,
        )
        last = client.get("/api/v1/alerts/alert-1/events").json()["items"][-1]
        assert last["detail"] == {
            "outcome": "confirmed_fever",
            "temperature_c": 38.1,
            "site": "axillary",
        }
        assert last["type"] == "end"

    @pytest.mark.parametrize("before", [[], ["acknowledge"], ["visit"], ["acknowledge", "visit"]])
    @pytest.mark.parametrize("outcome", ["well", "refused"])
    def test_an_outcome_is_taken_from_anywhere(
        self, client: httpx.Client, world: World, before: list[str], outcome: str
    ) -> None:
        world.raise_alert(1)
        for deed in before:
            assert post(client, "alert-1", deed).status_code == 200
        said = post(client, "alert-1", "outcome", {"outcome": outcome}).json()
        assert said["response"] == ("closed" if outcome == "well" else "open")
        assert said["outcome"] == outcome

    def test_who_comes_second_hears_who_was_first(
        self, client: httpx.Client, other: httpx.Client, server: Server, world: World
    ) -> None:
        world.raise_alert(1)
        server.now = minute(3)
        assert post(client, "alert-1", "acknowledge", If_Match='"1"').status_code == 200
        server.now = minute(4)
        said = problem(post(other, "alert-1", "acknowledge", If_Match='"1"'), 412, "overtaken")
        assert (said["by"], said["at"], said["version"]) == ("dr-1", format_rfc3339(minute(3)), 2)
        assert said["detail"] == f"dr-1 has acknowledged it, {format_rfc3339(minute(3))}"
        said = problem(post(other, "alert-1", "acknowledge"), 409, "refused-by-lifecycle")
        assert said["detail"] == "the alert is acknowledged already by dr-1"
        assert (said["by"], said["at"]) == ("dr-1", format_rfc3339(minute(3)))

    def test_another_version_than_the_one_there_is_refused(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        for tag in ('"2"', '"-1"', "abc", '"1", "2"', '"99999999999999999999"'):
            problem(post(client, "alert-1", "acknowledge", If_Match=tag), 412, "overtaken")

    def test_the_version_that_is_there_passes(self, client: httpx.Client, world: World) -> None:
        for n, tag in enumerate(('"1"', 'W/"1"', "1", "*")):
            rule = (Rule.FEVER, Rule.PULSE, Rule.OXYGEN, Rule.SILENT)[n]
            world.record(began(world.finding(1, rule=rule)))
            answer = post(client, f"alert-{n + 1}", "acknowledge", If_Match=tag)
            assert answer.status_code == 200, tag

    def test_of_many_at_once_one_gets_it(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        with ThreadPoolExecutor(8) as threads:
            answers = list(
                threads.map(lambda _: post(client, "alert-1", "acknowledge").status_code, range(8))
            )
        assert sorted(answers) == [200] + [409] * 7
        assert world.kinds() == ["raised", "acknowledged"]

    def test_an_intention_sent_again_is_done_once(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        headers = {"If_Match": '"1"', "Idempotency_Key": "k-1"}
        first = post(client, "alert-1", "acknowledge", {}, **headers)
        again = post(client, "alert-1", "acknowledge", {}, **headers)
        assert first.json() == again.json()
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.headers["etag"] == first.headers["etag"]
        assert world.kinds() == ["raised", "acknowledged"]

    def test_so_is_a_refusal(self, client: httpx.Client, other: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        post(other, "alert-1", "acknowledge")
        first = post(client, "alert-1", "acknowledge", Idempotency_Key="k-1")
        post(other, "alert-1", "outcome", {"outcome": "refused"})
        again = post(client, "alert-1", "acknowledge", Idempotency_Key="k-1")
        assert first.json() == again.json()
        assert (first.status_code, again.status_code) == (409, 409)

    def test_sent_many_times_at_once_too(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        with ThreadPoolExecutor(8) as threads:
            answers = list(
                threads.map(
                    lambda _: post(client, "alert-1", "visit", Idempotency_Key="k").text, range(8)
                )
            )
        assert len({*answers}) == 1
        assert world.kinds() == ["raised", "visited"]

    def test_a_key_belongs_to_one_request_and_one_person(
        self, client: httpx.Client, other: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        post(client, "alert-1", "outcome", {"outcome": "refused"}, Idempotency_Key="k")
        other_body = post(client, "alert-1", "outcome", {"outcome": "well"}, Idempotency_Key="k")
        problem(other_body, 422, "key-reused")
        problem(post(client, "alert-1", "visit", Idempotency_Key="k"), 422, "key-reused")
        assert post(other, "alert-1", "visit", Idempotency_Key="k").status_code == 200

    def test_an_outcome_of_another_form_is_refused(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        bodies: list[Any] = [
            None,
            {},
            {"outcome": "dead"},
            {"outcome": None},
            {"outcome": "well", "temperature": 38.1},
            {"outcome": "well", "temperature_c": 100},
            {"outcome": "well", "temperature_c": "hot"},
            {"outcome": "well", "site": "elbow"},
            {"outcome": "well", "note": "x" * 2_001},
            {"outcome": "well", "note": "\x00"},
            {"outcome": "well", "note": "\ud800"},
            [],
            "well",
        ]
        for body in bodies:
            said = problem(post(client, "alert-1", "outcome", body), 422, "invalid")
            assert said["errors"], body
        assert world.kinds() == ["raised"]

    def test_what_is_no_json_is_refused(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        for content in (b"{", b"\xff", b"[" * 60_000, b'{"outcome": NaN}'):
            answer = client.post("/api/v1/alerts/alert-1/outcome", content=content)
            assert answer.status_code in (400, 422), content[:10]
            assert answer.headers["content-type"] == "application/problem+json"

    def test_what_is_too_large_is_refused(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        path = "/api/v1/alerts/alert-1/outcome"
        problem(client.post(path, content=b"x" * 65_537), 413, "invalid")

        def chunks() -> Iterator[bytes]:
            for _ in range(10):
                yield b"x" * 10_000

        problem(client.post(path, content=chunks()), 413)

    def test_a_refusal_repeats_nothing_that_was_sent(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        answer = post(client, "alert-1", "outcome", {"outcome": CANARIES[0], "note": [CANARIES[1]]})
        assert answer.status_code == 422
        assert not leaks(answer.text)


class TestNotYet:
    def test_says_so(self, client: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        for method, path in (
            ("POST", "/alerts/alert-1/note"),
            ("POST", "/alerts/alert-1/assign"),
            ("POST", "/alerts/alert-1/undo"),
            ("GET", "/signals"),
            ("GET", "/rules/accuracy?by=rule"),
            ("GET", "/gaps?device=w-1"),
            ("GET", "/reports/daily?grid=grid-1&date=2026-02-03"),
        ):
            said = problem(client.request(method, f"/api/v1{path}"), 501, "not-yet")
            assert "not yet" in said["detail"]


def test_other_errors_are_problems_too(client: httpx.Client) -> None:
    problem(client.get("/api/v1/nothing"), 404)
    problem(client.get("/nothing"), 404)
    said = client.put("/api/v1/alerts")
    problem(said, 405)
    assert said.headers["allow"] == "GET"
    problem(client.get("/api/v1/alerts/a%00b"), 400, "invalid")
    problem(client.get("/api/v1/alerts?person=%00"), 400, "invalid")
