"""What those down the chain are told, and that who has answered is left alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from alerts.escalation import DEFAULT
from rules.finding import Severity
from store import deadlines
from store.roster_import import import_document
from tests.integration.alerts.asking import post
from tests.integration.alerts.receiving import Receiver, receiving
from tests.integration.alerts.world import NOW, Server, World, leaks, minute, serving

TEAM = ("dr-1", "dr-9", "sup-1")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def ringing(world: World, receiver: Receiver, tmp_path: Path) -> Iterator[Server]:
    """A service that rings two doctors of grid-1 and its supervisor."""
    staff = [
        {"id": each, "contacts": [f"json://127.0.0.1:{receiver.port}/{each}"]} for each in TEAM
    ]
    staff[0]["name"] = "Ann Lee"
    staff[1] |= {"role": "doctor", "grids": ["grid-1"], "name": "陈医生"}
    with psycopg.connect(world.url) as connection:
        import_document(connection, json.loads(json.dumps({"staff": staff})), NOW)
    with serving(world, tmp_path) as server:
        yield server


def fire(world: World, now: int) -> None:
    with psycopg.connect(world.url, autocommit=True) as connection:
        assert deadlines.fire(connection, now, DEFAULT) == 1


def calls(receiver: Receiver) -> list[str]:
    return [each.path.removeprefix("/") for each in list(receiver.had)]


def last(receiver: Receiver, staff: str, number: int = 1) -> str:
    """What somebody's newest message says of the case, when they have had so many."""
    text = receiver.wait_for(f"/{staff}", number)[-1].body["message"]
    assert not leaks(text)
    return str(text.partition("\n")[0]).rpartition(", ")[2]


def as_staff(server: Server, world: World, staff: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {world.token(staff)}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=10)


def test_each_hears_of_whom_there_was_no_answer_and_for_how_long(
    ringing: Server, world: World, receiver: Receiver
) -> None:
    world.raise_alert(1, severity=Severity.CRITICAL)
    receiver.wait_for("/dr-1", 1)
    fire(world, minute(5))
    assert last(receiver, "dr-9") == "no answer from A.L. for 5 min"
    fire(world, minute(10))
    assert last(receiver, "sup-1") == "no answer from 陈* for 5 min"
    assert calls(receiver) == ["dr-1", "dr-9", "sup-1"]


def test_who_has_answered_is_not_rung_again(
    ringing: Server, world: World, receiver: Receiver
) -> None:
    world.raise_alert(1, severity=Severity.CRITICAL)
    receiver.wait_for("/dr-1", 1)
    ringing.now = minute(4)
    with as_staff(ringing, world, "dr-1") as client:
        post(client, "alert-1", "acknowledge")
    fire(world, minute(34))
    assert last(receiver, "dr-9") == "no visit by A.L. for 30 min"
    fire(world, minute(64))
    assert last(receiver, "sup-1").startswith("no visit by ")
    assert calls(receiver) == ["dr-1", "dr-9", "sup-1"]


def test_who_answers_for_another_is_asked_for_the_visit(
    ringing: Server, world: World, receiver: Receiver
) -> None:
    world.raise_alert(1, severity=Severity.CRITICAL)
    receiver.wait_for("/dr-1", 1)
    ringing.now = minute(2)
    with as_staff(ringing, world, "dr-9") as client:
        post(client, "alert-1", "visit")
    fire(world, minute(62))
    assert last(receiver, "dr-1", 2) == "no word from 陈* from the door for 60 min"
    assert calls(receiver) == ["dr-1", "dr-1"]


def test_a_door_that_nobody_opened_is_said_to_be_one(
    ringing: Server, world: World, receiver: Receiver
) -> None:
    world.raise_alert(1)
    receiver.wait_for("/dr-1", 1)
    with as_staff(ringing, world, "dr-1") as client:
        post(client, "alert-1", "outcome", {"outcome": "no_answer"})
    assert last(receiver, "sup-1") == "nobody was met at the door"
