"""Reading alerts over HTTP."""

import httpx
import psycopg
import pytest

from alerts.api.shapes import AlertShape, EventsShape
from alerts.api.shapes_truth import ListedAlertsShape
from domain.instant import format_rfc3339, to_datetime
from domain.reading import Site
from rules.finding import Rule, Severity
from store.rulebooks import take_up
from tests.integration.alerts.asking import post, problem
from tests.integration.alerts.readings import store_readings
from tests.integration.alerts.world import CANARIES, NOW, World, began, ended, leaks, minute, seen


class TestReading:
    def test_the_list_has_the_form_of_the_contract(
        self, client: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        answer = client.get("/api/v1/alerts")
        page = ListedAlertsShape.model_validate(answer.json())
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
        assert times == [format_rfc3339(minute(n)) for n in range(-50, 0)]
        assert said["evidence"]["readings"][0]["temperature_c"] == 35.5
        assert said["evidence"]["readings"][0]["site"] == "axillary"

    def test_its_readings_are_those_that_decide_and_the_ones_around_them(
        self, client: httpx.Client, world: World
    ) -> None:
        worst = {-100.0: 3940}
        rows = [(n / 4, worst.get(n / 4, 3840), 0.0) for n in range(-800, 0)]
        store_readings(world, 1, rows)
        world.record(began(world.finding(1, onset=-190, last_at=minute(-1), peak=3940)))
        readings = client.get("/api/v1/alerts/alert-1").json()["evidence"]["readings"]
        assert len(readings) == 50
        decides = {each["at"]: each["decides"] for each in readings if each["decides"]}
        assert decides == {
            format_rfc3339(minute(-190)): ["first"],
            format_rfc3339(minute(-100)): ["worst"],
            format_rfc3339(minute(-1)): ["newest"],
        }
        assert {each["quantity"] for each in readings} == {"temperature_c"}
        times = [each["at"] for each in readings]
        assert times == sorted(times)
        for n in (-190.25, -189.75, -100.25, -99.75, -1.25, -0.75):
            assert format_rfc3339(minute(n)) in times

    def test_of_a_fever_only_temperatures_of_its_sites_are_shown(
        self, client: httpx.Client, world: World
    ) -> None:
        store_readings(world, 1, [(n, 3840, 0.0) for n in range(-30, 0)])
        world.rows(
            "WITH cold AS (UPDATE reading SET site = %s WHERE measured_at = %s),"
            " bare AS (UPDATE reading SET temperature_cc = NULL WHERE measured_at = %s) SELECT 1",
            int(Site.WRIST),
            to_datetime(minute(-15)),
            to_datetime(minute(-14)),
        )
        world.record(began(world.finding(1)))
        readings = client.get("/api/v1/alerts/alert-1").json()["evidence"]["readings"]
        shown = {each["at"] for each in readings}
        assert len(shown) == 28
        assert not shown & {format_rfc3339(minute(-15)), format_rfc3339(minute(-14))}

    def test_the_farthest_fix_of_a_leaving_is_shown(
        self, client: httpx.Client, world: World
    ) -> None:
        metre = 1 / 110_895
        rows = [(-n, 3600, (900 if n == 100 else 200) * metre) for n in range(1, 200)]
        store_readings(world, 1, rows)
        found = world.finding(
            1, onset=-190, last_at=minute(-1), rule=Rule.LEFT_HOME, peak=9000, value=2000
        )
        world.record(began(found))
        readings = client.get("/api/v1/alerts/alert-1").json()["evidence"]["readings"]
        (worst,) = [each for each in readings if "worst" in each["decides"]]
        assert worst["at"] == format_rfc3339(minute(-100))
        assert worst["distance_m"] == pytest.approx(900, abs=1)
        assert worst["quantity"] == "distance_m"

    def test_a_reading_that_came_after_a_later_one_was_judged_is_late(
        self, client: httpx.Client, world: World
    ) -> None:
        store_readings(world, 1, [(n, 3840, 0.0) for n in (-20, -10, -8)], batch=5)
        store_readings(world, 1, [(n, 3840, 0.0) for n in (-18, -8.5, -7)], batch=6)
        world.record(began(world.finding(1)))
        readings = client.get("/api/v1/alerts/alert-1").json()["evidence"]["readings"]
        came_late = [each["at"] for each in readings if each["late"]]
        assert came_late == [format_rfc3339(minute(n)) for n in (-18, -8.5)]

    def test_a_silence_shows_what_was_heard_last(self, client: httpx.Client, world: World) -> None:
        store_readings(world, 1, [(n, 3600, 0.0) for n in (-90, -89, -88)])
        world.record(began(world.finding(1, onset=-88, last_at=minute(-70), rule=Rule.SILENT)))
        readings = client.get("/api/v1/alerts/alert-1").json()["evidence"]["readings"]
        assert [each["decides"] for each in readings] == [[], [], ["first", "newest"]]
        assert not any("quantity" in each for each in readings)

    def test_the_line_names_the_bound_of_the_rulebook_that_judged_it(
        self, client: httpx.Client, world: World
    ) -> None:
        with psycopg.connect(world.url) as connection:
            take_up(connection, {"version": "strict", "oxygen": {"very_low_pct": 90}}, NOW)
        low = world.finding(
            1, rule=Rule.OXYGEN, severity=Severity.CRITICAL, value=88, peak=88, limit=93
        )
        world.record(began(low))
        for said in (
            client.get("/api/v1/alerts").json()["items"][0],
            client.get("/api/v1/alerts/alert-1/events").json()["items"][0]["after"],
        ):
            assert said["summary"] == "oxygen 88 % for 12 min, limit 90"
            assert (said["evidence"]["threshold"], said["evidence"]["limit"]) == (93, 90)
            assert said["evidence"]["rulebook_version"] == "strict"

    def test_what_is_old_is_on_the_visit_list_only(
        self, client: httpx.Client, world: World
    ) -> None:
        world.record(began(world.finding(1)))
        world.record(began(world.finding(4, onset=-90, last_at=minute(-61))))
        new, old = (client.get(f"/api/v1/alerts/alert-{n}").json() for n in (1, 2))
        assert (new["notify"], old["notify"]) == (True, False)
        listed = {each["id"]: each for each in client.get("/api/v1/alerts").json()["items"]}
        assert (listed["alert-1"]["notify"], listed["alert-2"]["notify"]) == (True, False)
        taken = post(client, "alert-2", "acknowledge").json()
        assert taken["notify"] is False
        log = client.get("/api/v1/alerts/alert-2/events").json()["items"]
        assert [log[-1][side]["notify"] for side in ("before", "after")] == [False, False]

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
