"""`serve` killed twenty times while alerts flow: no event is lost at any sink, no deed done twice.

The real processes and the wearers of `traffic.py`, with more fevers. Doctors answer meanwhile, too
slowly for all, so that `serve` passes alerts on by itself. Each kill comes at an instant that
follows from the seed: when it is ready, while it is coming up, or when a deed is done of which its
doctor has not heard. Messages are held back so that each kill finds alerts on their way. Sinks:
event streams, a session on the broker, a webhook, and a contact of each member of staff.
"""

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from domain.instant import HOUR_US, MINUTE_US, to_datetime
from doorstep.clock import SystemClock
from tests.acceptance import stored
from tests.crash.checks import CHECKS, Run
from tests.crash.deployment import READY_WITHIN_S, Deployment, deployed
from tests.crash.doctors import Doctor
from tests.crash.publisher import Publisher
from tests.crash.runner import Tell, heal, told, until, verdict
from tests.crash.sink_checks import SINK_CHECKS
from tests.crash.sink_table import table
from tests.crash.sinks import (
    SLOW_S,
    MqttSink,
    Served,
    Sink,
    all_settled,
    handed,
    logged,
    notified,
    posted,
    streamed,
)
from tests.crash.traffic import GRIDS, STAFF, Traffic, traffic
from tests.integration.alerts.receiving import Receiver, receiving

KILLS: Final = 20
BROKER: Final = "mosquitto-2.1"
PER_S: Final = 120.0
FEVERS: Final = (2.0, 2.0)
SUPERVISOR: Final = "sup-01"
HOOK: Final = "/hook"
ACKNOWLEDGE_S: Final = "10"
"""The shortest there may be: what nobody answers is passed on within the run."""
SETTLED_WITHIN_S: Final = 150.0
"""A contact takes 20 messages a minute at most, so that what waits may wait that long."""
KILL_TAKES_S: Final = 4.0
"""About, with the start after it."""
AIMS: Final = ("ready", "ready", "starting", "deed")
"""When a kill comes; drawn with equal chances."""
AHEAD: Final = 2
"""Kills' shares of the messages that are sent before the first: a fever takes ten minutes."""
EVENT_WITHIN_S: Final = 10.0
DEED_WITHIN_S: Final = 3.0
"""A deed that is refused is not done; then the next is waited for."""
COMMIT_S: Final = 0.05
"""What the database needs to get and do it."""
OF_CASES: Final = ("alerts missing", "alerts doubled")
"""Checks of runs in which nobody closes an alert."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One entry of the schedule."""

    after_s: float
    """Since `serve` was ready; of one `starting`, since it was started."""
    aim: str
    """Of `AIMS`."""
    down_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for."""

    seed: int
    broker: str = BROKER
    kills: tuple[Kill, ...] = field(default=())


def plan(seed: int, broker: str = BROKER, kills: int = KILLS) -> Plan:
    """All of it follows from the seed."""
    rng = random.Random(f"{seed} kills of serve")
    drawn = (
        Kill(
            after_s=rng.uniform(0.1, 2.5),
            aim=rng.choice(AIMS),
            down_s=rng.uniform(0.0, 1.0),
        )
        for _ in range(kills)
    )
    return Plan(seed, broker, tuple(drawn))


def crash_serve(plan: Plan, tell: Tell) -> bool:
    """Whether everything held. Tells the seed, each kill as it happens, and tables at the end."""
    now = SystemClock().now() - MINUTE_US
    seconds = sum(kill.after_s + kill.down_s + KILL_TAKES_S for kill in plan.kills)
    rng = random.Random(f"{plan.seed} traffic")
    sent = traffic(rng, now, round(seconds * PER_S), FEVERS)
    expected = {device: sent.findings(device) for device in sent.readings}
    tell(
        f"crash of serve: seed {plan.seed}, {plan.broker}, {len(plan.kills)} kills,"
        f" {len(sent.messages)} messages of {len(sent.readings)} wearers,"
        f" {sum(map(len, expected.values()))} findings to come"
    )
    folder = Path(tempfile.mkdtemp(prefix="doorstep-crash-"))
    with (
        receiving() as receiver,
        deployed(plan.broker, folder, roster(sent, receiver), 400, **_settings(now)) as deployment,
        _listening(deployment, receiver) as (mqtt, secret),
        _at_work(deployment, plan.seed) as doctors,
    ):
        publisher = Publisher(deployment.broker.port, sent.messages, PER_S)
        with _sending(publisher):
            idle = _kill_all(plan, deployment, (publisher, doctors), tell)
            healed_s = heal(deployment, publisher, sent, forgets=False)
            _finish(deployment, doctors)
        hook = Sink("webhook", GRIDS, posted(receiver.at(HOOK), secret))
        served = Served(
            log=logged(deployment.database),
            sinks=[*streamed(deployment, STAFF), Sink("mqtt", GRIDS, mqtt.got), hook],
            notifications=notified(receiver, STAFF),
            handed=handed(deployment.database),
            intentions=[each for doctor in doctors for each in doctor.intentions],
        )
        tell(f"  healed in {healed_s:.1f} s; {idle} kills without an event since the one before")
        table(served, tell)
        run = Run(deployment, sent, publisher, expected)
        checks = {name: each for name, each in CHECKS.items() if name not in OF_CASES}
        good = verdict(run, {**checks, "alerts unaccounted": unaccounted}, tell)
        good = verdict(served, SINK_CHECKS, tell) and good and idle == 0
    if good:
        shutil.rmtree(folder)
    tell(f"crash of serve: seed {plan.seed}: {'held' if good else f'see {folder}'}")
    return good


def roster(sent: Traffic, receiver: Receiver) -> dict[str, Any]:
    """The roster of the traffic, with somebody to pass alerts on to, and a contact for everybody.

    Each wearer lives in a building of their own, so that a notification tells whom it is about.
    """
    document = dict(sent.roster)
    document["staff"] = [
        {
            **each,
            "role": "supervisor" if each["id"] == SUPERVISOR else "doctor",
            "contacts": [f"json://127.0.0.1:{receiver.port}/{each['id']}"],
        }
        for each in document["staff"]
    ]
    document["grids"] = [{**each, "escalate_to": SUPERVISOR} for each in document["grids"]]
    document["episodes"] = [
        {**each, "building": f"{n}"} for n, each in enumerate(document["episodes"])
    ]
    receiver.slow_s = {HOOK: SLOW_S} | {f"/{each}": SLOW_S for each in STAFF}
    return document


def _settings(now: int) -> dict[str, str]:
    # Half a day from now, so that the round of what is routine does not begin meanwhile.
    round_at = to_datetime(now + 8 * HOUR_US + 12 * HOUR_US)
    return {
        "FEEDS__MQTT": "true",
        "FEEDS__ALLOW_PRIVATE": "true",
        "DUTY__ACKNOWLEDGE_CRITICAL_S": ACKNOWLEDGE_S,
        "DUTY__ACKNOWLEDGE_URGENT_S": ACKNOWLEDGE_S,
        "DUTY__ROUND_AT": f"{round_at:%H:%M}",
    }


@contextmanager
def _listening(deployment: Deployment, receiver: Receiver) -> Iterator[tuple[MqttSink, str]]:
    """The session on the broker, and the secret of the webhook."""
    answer = httpx.post(
        f"{deployment.serve.service.url}/api/v1/webhooks",
        json={"url": receiver.url(HOOK), "grids": GRIDS},
        headers={"Authorization": f"Bearer {deployment.token(SUPERVISOR)}"},
    )
    assert answer.status_code == 201, answer.text
    mqtt = MqttSink(deployment.broker.port)
    try:
        yield mqtt, str(answer.json()["secret"])
    finally:
        mqtt.close()


@contextmanager
def _at_work(deployment: Deployment, seed: int) -> Iterator[list[Doctor]]:
    url = deployment.serve.service.url
    doctors = [
        Doctor(url, staff, deployment.token(staff), random.Random(f"{seed} {staff}"))
        for staff in STAFF
    ]
    for doctor in doctors:
        doctor.start()
    try:
        yield doctors
    finally:
        for doctor in doctors:
            doctor.stop()


@contextmanager
def _sending(publisher: Publisher) -> Iterator[None]:
    devices = threading.Thread(target=publisher.run, daemon=True)
    devices.start()
    try:
        yield
    finally:
        publisher.giving_up.set()
        devices.join()


def _kill_all(
    plan: Plan, deployment: Deployment, load: tuple[Publisher, list[Doctor]], tell: Tell
) -> int:
    """Returns when the last is over; says before how many of them no event had come."""
    publisher, doctors = load
    begun_at, pause, serve = time.monotonic(), threading.Event(), deployment.serve
    count, idle, events = len(publisher.open), 0, 0
    for number, kill in enumerate(plan.kills, 1):
        publisher.upto = count * (number + AHEAD) // (len(plan.kills) + AHEAD)
        if kill.aim != "starting":
            serve.wait_ready(READY_WITHIN_S)
        pause.wait(kill.after_s)
        before, deadline = events, time.monotonic() + EVENT_WITHIN_S
        until(lambda: _events(deployment) > before, deadline)  # noqa: B023 - it is over at once
        aim = kill.aim
        if aim == "deed" and not _await_deed(deployment, doctors):
            aim = "deed, but none was done"
        elapsed_s = time.monotonic() - begun_at
        serve.kill(kill.down_s)
        deployment.serve_cable.disarm()
        events = _events(deployment)
        idle += events == before
        tell(f"  {elapsed_s:7.1f}s  kill {number}, {aim}; {events} events so far")
    publisher.hurry()
    return idle


def _events(deployment: Deployment) -> int:
    return int(stored.one(deployment.database, "SELECT last_event_id FROM event_counter"))


def _await_deed(deployment: Deployment, doctors: list[Doctor]) -> bool:
    """Returns when a deed is done of which its doctor cannot hear any more; whether one was."""
    cable = deployment.serve_cable
    for doctor in doctors * 2:
        cable.arm(doctor.next_key)
        if cable.sprung.wait(DEED_WITHIN_S):
            time.sleep(COMMIT_S)
            return True
    return False


def _finish(deployment: Deployment, doctors: list[Doctor]) -> None:
    """Has everything answered, and waits until every sink could have heard of it."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    for doctor in doctors:
        doctor.hurry()
    until(lambda: all(doctor.idle for doctor in doctors), deadline)
    for doctor in doctors:
        doctor.stop()
    for over in (lambda: all_settled(deployment.database), lambda: told(deployment)):
        until(over, deadline)


def unaccounted(run: Run) -> Iterator[str]:
    """Each case with a finding has an alert, and never two that are not closed."""
    known = set(run.rows("SELECT d.id, a.rule FROM alert a JOIN device d USING (device_no)"))
    for device, findings in run.expected.items():
        for rule in sorted({each.key.rule.value for each in findings}):
            if (device, rule) not in known:
                yield f"{device} {rule}: no alert"
    for row in run.rows(
        "SELECT episode_no, rule, count(*) FROM alert WHERE response <> 'closed'"
        " GROUP BY 1, 2 HAVING count(*) > 1"
    ):
        yield f"not closed: {row}"
