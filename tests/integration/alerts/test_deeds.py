"""What people do with alerts over HTTP, and how it is refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from domain.instant import format_rfc3339
from rules.finding import Rule
from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.world import (
    CANARIES,
    Server,
    World,
    began,
    leaks,
    minute,
)


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


def test_other_errors_are_problems_too(client: httpx.Client) -> None:
    problem(client.get("/api/v1/nothing"), 404)
    problem(client.get("/nothing"), 404)
    said = client.put("/api/v1/alerts")
    problem(said, 405)
    assert said.headers["allow"] == "GET"
    problem(client.get("/api/v1/alerts/a%00b"), 400, "invalid")
    problem(client.get("/api/v1/alerts?person=%00"), 400, "invalid")
