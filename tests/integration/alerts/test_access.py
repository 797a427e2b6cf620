"""Who may see and do what: tokens, sessions, roles, grids."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from alerts.api.throttle import PER_MEMBER
from alerts.metrics import METRICS
from domain.instant import format_rfc3339
from tests.integration.alerts.world import (
    NOW,
    PASSWORD,
    STAFF,
    Server,
    World,
    began,
    leaks,
    minute,
)

SESSION = "/api/v1/session"


@pytest.fixture
def anyone(server: Server) -> Iterator[httpx.Client]:
    """Without a token."""
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def bearer(word: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {word}"}


def sign_in(
    client: httpx.Client, staff: str = "dr-1", password: str = PASSWORD, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(SESSION, json={"staff": staff, "password": password}, headers=named)


def operations(server: Server) -> list[tuple[str, str]]:
    """Every operation that needs somebody, with ids of things that are grid-1's."""
    found = []
    for path, methods in server.app.app.openapi()["paths"].items():
        for method, operation in methods.items():
            if "security" in operation:
                whole = path.replace("{alert_id}", "alert-1").replace("{episode_id}", "e-1")
                found.append((method.upper(), whole))
    return found


class TestTokens:
    def test_a_token_is_somebody(self, anyone: httpx.Client, world: World) -> None:
        answer = anyone.get(SESSION, headers=bearer(world.token("dr-2")))
        assert answer.json()["staff"] == {
            "id": "dr-2",
            "name": "Name of dr-2",
            "role": "doctor",
            "grids": ["grid-2"],
        }

    def test_only_its_hash_is_kept(self, world: World) -> None:
        word = world.token()
        (row,) = world.rows("SELECT * FROM api_token")
        assert row["token_sha256"] == hashlib.sha256(word.encode()).digest()
        assert word not in str(row)

    def test_without_one_nothing_is_answered(
        self, server: Server, anyone: httpx.Client, world: World
    ) -> None:
        """Every operation x no, unknown, expired and revoked tokens: 401 and nothing else."""
        world.raise_alert(1)
        expired, revoked = world.token(valid_s=-1), world.token()
        with psycopg.connect(world.url) as connection:
            connection.execute(
                "UPDATE api_token SET revoked_at = created_at WHERE token_sha256 = %s",
                [hashlib.sha256(revoked.encode()).digest()],
            )
        words: list[dict[str, str]] = [
            {},
            bearer("unknown"),
            bearer(expired),
            bearer(revoked),
            bearer("two words"),
            bearer("x" * 10_000),
            {"Authorization": "Basic ZHItMTp4"},
            {"Cookie": "doorstep_session=unknown"},
        ]
        asked = operations(server)
        assert len(asked) >= 20
        for method, path in asked:
            for headers in words:
                answer = anyone.request(method, path, headers=headers)
                assert answer.status_code == 401, (method, path, headers)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["type"] == "urn:doorstep:problem:not-signed-in"
        assert world.kinds() == ["raised"]

    def test_a_bad_token_is_not_mended_by_a_good_cookie(self, anyone: httpx.Client) -> None:
        sign_in(anyone)
        assert anyone.get(SESSION).status_code == 200
        assert anyone.get(SESSION, headers=bearer("unknown")).status_code == 401


class TestGrids:
    def test_what_is_another_grids_is_not_there(
        self, server: Server, anyone: httpx.Client, world: World
    ) -> None:
        """Every operation on grid-1's things as somebody of elsewhere: 404, or not in the list."""
        world.raise_alert(1)
        before = world.rows("SELECT * FROM alert")
        bodies: dict[str, Any] = {"outcome": {"outcome": "well"}, "note": {"note": "x"}}
        for staff in ("dr-2", "dr-3", "audit-2", "nobody"):
            headers = bearer(world.token(staff))
            for method, path in operations(server):
                if "alert-1" not in path and "e-1" not in path:
                    continue
                body = bodies.get(path.rsplit("/", 1)[1], {}) if method == "POST" else None
                answer = anyone.request(method, path, headers=headers, json=body)
                wanted = {404, 501}
                if staff == "audit-2" and method == "POST":
                    wanted.add(403)
                assert answer.status_code in wanted, (staff, method, path, answer.text)
                assert not leaks(answer.text)
            for path in ("alerts", "episodes", "alerts/stream"):
                answer = anyone.get(f"/api/v1/{path}?grid=grid-1", headers=headers)
                assert answer.status_code == 404, (staff, path)
            for path in ("rejections", "gaps"):
                answer = anyone.get(f"/api/v1/{path}?device=w-1", headers=headers)
                assert answer.status_code == 404, (staff, path)
            for path in ("alerts", "alerts?person=p-1", "episodes"):
                items = anyone.get(f"/api/v1/{path}", headers=headers).json()["items"]
                assert not [item for item in items if item["grid"] == "grid-1"], (staff, path)
        assert world.rows("SELECT * FROM alert") == before

    def test_there_is_no_telling_what_is_not_there_from_what_is_foreign(
        self, anyone: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        headers = bearer(world.token("dr-2"))
        for path in ("alerts/{}", "alerts/{}/events"):
            foreign = anyone.get(f"/api/v1/{path.format('alert-1')}", headers=headers)
            nothing = anyone.get(f"/api/v1/{path.format('alert-x')}", headers=headers)
            assert foreign.json() == nothing.json()

    def test_a_community_is_all_its_grids(self, anyone: httpx.Client, world: World) -> None:
        world.record(*(began(world.finding(n)) for n in (1, 2, 3)))
        for staff, seen in (("sup-1", {"grid-1", "grid-2"}), ("audit-2", {"grid-3"})):
            headers = bearer(world.token(staff))
            items = anyone.get("/api/v1/alerts", headers=headers).json()["items"]
            assert {item["grid"] for item in items} == seen

    def test_a_grid_that_is_taken_away_is_gone_at_once(
        self, anyone: httpx.Client, world: World
    ) -> None:
        world.raise_alert(1)
        headers = bearer(world.token("dr-1"))
        assert anyone.get("/api/v1/alerts/alert-1", headers=headers).status_code == 200
        with psycopg.connect(world.url) as connection:
            connection.execute("DELETE FROM staff_grid")
        assert anyone.get("/api/v1/alerts/alert-1", headers=headers).status_code == 404


class TestRoles:
    @pytest.mark.parametrize("staff", ["admin-1", "audit-2"])
    def test_some_look_and_do_not_act(self, anyone: httpx.Client, world: World, staff: str) -> None:
        world.raise_alert(1 if staff == "admin-1" else 3)
        headers = bearer(world.token(staff))
        for deed, body in (("acknowledge", {}), ("visit", {}), ("outcome", {"outcome": "well"})):
            path = f"/api/v1/alerts/alert-1/{deed}"
            answer = anyone.post(path, headers=headers, json=body)
            assert answer.status_code == 403
            assert answer.json()["type"] == "urn:doorstep:problem:read-only"
        assert world.kinds() == ["raised"]

    def test_names_are_for_those_who_go_there(self, anyone: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        for staff in STAFF:
            headers = bearer(world.token(staff))
            for path in ("alerts/alert-1", "episodes/e-1"):
                answer = anyone.get(f"/api/v1/{path}", headers=headers)
                assert bool(leaks(answer.text)) == (staff in ("dr-1", "sup-1")), (staff, path)
            for path in ("alerts", "episodes", "alerts/alert-1/events"):
                assert not leaks(anyone.get(f"/api/v1/{path}", headers=headers).text), path


class TestSessions:
    def test_signing_in_gives_a_cookie_that_only_the_browser_sees(
        self, anyone: httpx.Client, server: Server
    ) -> None:
        answer = sign_in(anyone)
        assert answer.json() == {
            "staff": {
                "id": "dr-1",
                "name": "Name of dr-1",
                "role": "doctor",
                "grids": ["grid-1"],
            },
            "clock": {"now": format_rfc3339(NOW), "factor": 60.0},
        }
        cookie = answer.headers["set-cookie"].lower()
        for word in ("doorstep_session=", "httponly", "samesite=strict", "path=/", "max-age=86400"):
            assert word in cookie
        assert "domain" not in cookie
        server.now = minute(5)
        assert anyone.get(SESSION).json()["clock"]["now"] == format_rfc3339(minute(5))

    def test_over_tls_it_is_bound_to_this_host(self, server: Server) -> None:
        """uvicorn believes what a proxy on the same machine says of the scheme."""
        with httpx.Client(base_url=server.url) as client:
            answer = sign_in(client, X_Forwarded_Proto="https")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-doorstep_session=")
        assert "; secure" in cookie.lower()
        assert answer.headers["strict-transport-security"]

    def test_the_cookie_reads_and_writes(self, anyone: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        sign_in(anyone)
        assert anyone.get("/api/v1/alerts/alert-1").status_code == 200
        answer = anyone.post(
            "/api/v1/alerts/alert-1/acknowledge", headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.json()["assignee"] == "dr-1"

    def test_a_page_of_another_site_cannot_use_it(
        self, anyone: httpx.Client, server: Server, world: World
    ) -> None:
        world.raise_alert(1)
        sign_in(anyone)
        path = "/api/v1/alerts/alert-1/acknowledge"
        for headers in (
            {"Origin": "https://elsewhere.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": server.url},
        ):
            for method, where in (("POST", path), ("DELETE", SESSION)):
                answer = anyone.request(method, where, headers=headers)
                assert answer.status_code == 403, headers
                assert answer.json()["type"] == "urn:doorstep:problem:cross-origin"
            assert sign_in(anyone, **headers).status_code == 403, "nor sign anybody in"
        assert world.kinds() == ["raised"]
        assert anyone.post(path, headers={"Origin": server.url}).status_code == 200

    def test_a_token_needs_no_origin(self, anyone: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        headers = bearer(world.token()) | {"Origin": "https://dashboard.example"}
        path = "/api/v1/alerts/alert-1/acknowledge"
        assert anyone.post(path, headers=headers).status_code == 200

    def test_signing_out_ends_it(self, anyone: httpx.Client, world: World) -> None:
        sign_in(anyone)
        word = anyone.cookies["doorstep_session"]
        answer = anyone.delete(SESSION)
        assert (answer.status_code, answer.content) == (204, b"")
        assert anyone.get(SESSION).status_code == 401
        cookie = {"Cookie": f"doorstep_session={word}"}
        assert anyone.get(SESSION, headers=cookie).status_code == 401
        assert anyone.delete(SESSION).status_code == 401
        assert world.rows("SELECT * FROM console_session") == []
        entries = world.rows("SELECT staff, object FROM audit_log WHERE what = 'signed_out'")
        assert entries == [{"staff": "dr-1", "object": "dr-1"}], "once"

    def test_it_ends_with_the_shift(self, anyone: httpx.Client, world: World) -> None:
        sign_in(anyone)
        with psycopg.connect(world.url) as connection:
            connection.execute("UPDATE console_session SET expires_at = created_at")
        assert anyone.get(SESSION).status_code == 401

    def test_a_wrong_word_and_a_stranger_hear_the_same(self, anyone: httpx.Client) -> None:
        wrong = sign_in(anyone, password="wrong")
        stranger = sign_in(anyone, staff="dr-999")
        assert wrong.status_code == stranger.status_code == 401
        assert wrong.json() == stranger.json()
        assert "set-cookie" not in wrong.headers

    def test_who_has_no_password_cannot_sign_in(self, anyone: httpx.Client, world: World) -> None:
        with psycopg.connect(world.url) as connection:
            connection.execute("UPDATE staff SET password_hash = NULL")
        for password in ("", PASSWORD):
            assert sign_in(anyone, password=password).status_code in (401, 422)

    def test_guessing_is_slowed_down(self, anyone: httpx.Client) -> None:
        for _ in range(PER_MEMBER):
            assert sign_in(anyone, password="wrong").status_code == 401
        answer = sign_in(anyone)
        assert answer.status_code == 429, "also with the right one"
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert sign_in(anyone, staff="dr-2").status_code == 200, "others can"

    def test_bodies_of_another_form_are_refused(self, anyone: httpx.Client) -> None:
        bodies: list[Any] = [{}, {"staff": "dr-1"}, {"staff": "\x00", "password": "x"}, [], None]
        for body in bodies:
            answer = anyone.post(SESSION, json=body)
            assert answer.status_code == 422
            assert PASSWORD not in answer.text
        answer = anyone.post(SESSION, json={"staff": "dr-1", "password": ["hunter2"]})
        assert "hunter2" not in answer.text


class TestPages:
    def test_without_a_built_page_it_says_so(self, anyone: httpx.Client) -> None:
        answer = anyone.get("/")
        assert answer.status_code == 503
        assert "make setup" in answer.text

    def test_the_page_and_what_it_loads(self, anyone: httpx.Client, tmp_path: Path) -> None:
        assets = tmp_path / "console" / "assets"
        assets.mkdir(parents=True)
        (tmp_path / "console" / "index.html").write_text("<p>hello")
        (assets / "main-abc123.js").write_text("1")
        page = anyone.get("/")
        assert (page.text, page.headers["cache-control"]) == ("<p>hello", "no-cache")
        script = anyone.get("/assets/main-abc123.js")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert script.headers["content-type"].startswith("text/javascript")
        for path in ("/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/index.html"):
            answer = anyone.get(path)
            assert answer.status_code == 404, path

    def test_every_answer_has_the_headers(self, anyone: httpx.Client) -> None:
        for path in ("/", "/docs", "/api/v1/alerts", "/nothing", "/healthz", "/assets/x"):
            headers = anyone.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"

    def test_the_docs_load_nothing_from_elsewhere(self, anyone: httpx.Client) -> None:
        text = anyone.get("/docs").text
        assert "/api/v1/alerts/{alert_id}/outcome" in text
        assert "<script" not in text
        assert "://" not in text
        assert anyone.get("/docs/style.css").headers["content-type"].startswith("text/css")


class TestHealth:
    def test_it_is_alive_and_ready(self, anyone: httpx.Client) -> None:
        assert anyone.get("/healthz").json() == {"alive": True}
        assert anyone.get("/readyz").json() == {"ready": True, "reasons": []}

    def test_it_is_not_ready_without_its_schema(self, anyone: httpx.Client, world: World) -> None:
        with psycopg.connect(world.url) as connection:
            connection.execute("DELETE FROM schema_migration WHERE name LIKE '0003%'")
        answer = anyone.get("/readyz")
        assert answer.status_code == 503
        assert "0003" in answer.json()["reasons"][0]

    def test_the_metrics_are_those_of_the_list(self, anyone: httpx.Client, world: World) -> None:
        world.raise_alert(1)
        anyone.get("/api/v1/alerts/alert-1", headers=bearer(world.token()))
        sign_in(anyone, password="wrong")
        anyone.request("BREW", "/pot")
        text = anyone.get("/metrics").text
        shown = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
        assert {name for name in shown if not name.endswith("_created")} == {
            metric.name for metric in METRICS
        }
        for line in (
            'doorstep_alerts{condition="active",response="open",severity="urgent"} 1.0',
            'doorstep_sign_ins_total{result="refused"} 1.0',
            'total{method="GET",route="/api/v1/alerts/{alert_id}",status="2xx"} 1.0',
            'doorstep_http_requests_total{method="other",route="other",status="4xx"} 1.0',
            "doorstep_alert_log_up 1.0",
            'doorstep_signal{kind="blind"} 1.0',
            'doorstep_signal{kind="gap"} 0.0',
        ):
            assert line in text, line
        assert "dr-1" not in text
