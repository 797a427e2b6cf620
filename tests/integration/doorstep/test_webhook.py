"""`doorstep webhook`, from the command line to what arrives, with a real receiver."""

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from alerts.api import webhook_shapes as told
from domain.instant import SECOND_US, parse_rfc3339
from doorstep.clock import SystemClock
from tests.acceptance import stored
from tests.integration.alerts.receiving import Receiver, receiving
from tests.integration.alerts.world import World, serving
from tests.services import doorstep


@pytest.fixture
def world(database: str) -> World:
    return World(database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def run(world: World, *words: str, private: bool = True) -> CompletedProcess[str]:
    allowed = {"DOORSTEP_FEEDS__ALLOW_PRIVATE": "true"} if private else {}
    return doorstep.run(["webhook", *words], {"DOORSTEP_DATABASE_URL": world.url, **allowed})


def done(world: World, *words: str) -> Any:
    """The JSON that a command prints when it has done what it was told."""
    said = run(world, *words, "--json")
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def refused(world: World, *words: str, private: bool = True) -> str:
    """The one line that says why not."""
    said = run(world, *words, private=private)
    assert (said.returncode, said.stdout) == (1, ""), said
    assert said.stderr.count("\n") == 1
    return said.stderr.strip()


def audited(world: World) -> list[tuple[str | None, str, str, list[int]]]:
    rows = world.rows("SELECT staff, what, object, grid_nos FROM audit_log ORDER BY audit_no")
    return [(row["staff"], row["what"], row["object"], row["grid_nos"]) for row in rows]


def number(world: World, grid: str) -> int:
    (row,) = world.rows("SELECT grid_no FROM grid WHERE id = %s", grid)
    return int(row["grid_no"])


def test_one_is_made_tried_given_a_new_secret_and_taken_away(
    world: World, receiver: Receiver
) -> None:
    grids = [number(world, "grid-1"), number(world, "grid-3")]
    made = done(
        world, "add", receiver.url(), "--grid", "grid-1", "--grid", "grid-3", "--name", "desk"
    )
    told.NewWebhookShape.model_validate(made)
    assert (made["name"], made["grids"], made["created_by"]) == ("desk", ["grid-1", "grid-3"], None)
    seen = {name: value for name, value in made.items() if name != "secret"}
    assert done(world, "ls") == {"items": [seen], "next": None}
    assert made["secret"] not in run(world, "ls").stdout

    tried = done(world, "test", made["id"])
    told.TestShape.model_validate(tried)
    assert (tried["delivered"], tried["status"]) == (True, "204")
    rotated = done(world, "rotate", made["id"], "--overlap-s", "3600")
    rest = parse_rfc3339(rotated["old_secret_until"]) - SystemClock().now()
    assert 3_500 * SECOND_US < rest <= 3_600 * SECOND_US
    assert run(world, "test", made["id"]).stdout == "delivered: 204\n"
    first, second = receiver.had
    assert (first.id, first.body["type"]) == (tried["id"], "test")
    both = (made["secret"], rotated["secret"])
    assert [first.verified_by(each) for each in both] == [True, False]
    assert [second.verified_by(each) for each in both] == [True, True]

    assert run(world, "rm", made["id"]).returncode == 0
    assert run(world, "ls").stdout == ""
    assert audited(world) == [
        (None, "made_webhook", made["id"], grids),
        (None, "tested_webhook", made["id"], grids),
        (None, "rotated_webhook", made["id"], grids),
        (None, "tested_webhook", made["id"], grids),
        (None, "removed_webhook", made["id"], grids),
    ]


def test_a_secret_is_all_there_is_on_standard_output(world: World, receiver: Receiver) -> None:
    made = run(world, "add", receiver.url(), "--grid", "grid-1")
    (item,) = done(world, "ls")["items"]
    assert made.stdout.startswith("whsec_")
    assert made.stdout.count("\n") == 1
    assert item["id"] in made.stderr
    rotated = run(world, "rotate", item["id"], "--overlap-s", "0").stdout
    assert rotated.startswith("whsec_")
    assert rotated != made.stdout
    (shown,) = run(world, "ls").stdout.splitlines()
    assert shown == f"{item['id']} on, grid-1: {receiver.url()}, 0 waiting, 0 undeliverable"


def test_who_signs_in_sees_it_and_its_events_and_has_them_again(
    world: World, receiver: Receiver, tmp_path: Path
) -> None:
    with serving(world, tmp_path):
        made = done(world, "add", receiver.url(), "--grid", "grid-1")
        world.raise_alert(1)
        (had,) = receiver.wait_for("/", 1)
        assert (had.id, had.verified_by(made["secret"])) == ("evt_1", True)
        stored.wait_for(world.url, "SELECT state FROM delivery", "delivered")
        assert run(world, "resend", made["id"], "1").returncode == 0
        assert [each.id for each in receiver.wait_for("/", 2)] == ["evt_1", "evt_1"]
    assert audited(world)[-1] == (
        None,
        "resent_event",
        f"{made['id']} evt_1",
        [number(world, "grid-1")],
    )


def test_an_address_is_judged_as_it_is_over_http(world: World) -> None:
    for url in ("https://169.254.169.254/latest", "http://example.org/", "https://127.0.0.1/"):
        assert "the address" in refused(world, "add", url, "--grid", "grid-1", private=False)
    said = refused(world, "add", "https://me:sesame@example.org/", "--grid", "grid-1")
    assert "sesame" not in said
    assert world.rows("SELECT id FROM subscriber WHERE kind = 'webhook'") == []


def test_one_that_does_not_take_a_test_message_is_said_to_fail(
    world: World, receiver: Receiver
) -> None:
    receiver.answers["/"] = (418, {})
    made = done(world, "add", receiver.url(), "--grid", "grid-1")
    said = run(world, "test", made["id"])
    assert (said.returncode, said.stdout) == (1, "not delivered: 418\n")
    # The guard looks at each sending, whatever was allowed when it was made.
    said = run(world, "test", made["id"], private=False)
    assert (said.returncode, len(receiver.had)) == (1, 1)


def test_what_is_not_there_is_said_and_nothing_is_done(world: World, receiver: Receiver) -> None:
    assert "grid-9" in refused(world, "add", receiver.url(), "--grid", "grid-9")
    for words in (["rm", "wh_9"], ["rotate", "wh_9"], ["test", "wh_9"], ["resend", "wh_9", "1"]):
        assert "wh_9" in refused(world, *words)
    made = done(world, "add", receiver.url(), "--grid", "grid-1")
    assert "event 7" in refused(world, "resend", made["id"], "7")
    assert run(world, "rotate", made["id"], "--overlap-s", "604801").returncode == 2
    assert [what for _, what, *_ in audited(world)] == ["made_webhook"]
