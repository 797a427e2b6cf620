"""One crash run: traffic and faults at the same time, then healing, then the checks."""

import gc
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from domain.instant import MINUTE_US
from doorstep.clock import SystemClock
from tests.acceptance import stored
from tests.crash.checks import CHECKS, Run
from tests.crash.deployment import READY_WITHIN_S, Deployment, deployed
from tests.crash.nemesis import Nemesis
from tests.crash.plans import FORGETFUL, Plan
from tests.crash.publisher import Publisher
from tests.crash.traffic import Traffic, traffic

HEALED_WITHIN_S = 120.0
HEALED_PER_S = 1_000
"""And longer where more than so many messages a second would have to be gone through."""
SHOWN = 10
"""Lines of each kind of trouble."""

Tell = Callable[[str], None]
Subject = TypeVar("Subject")


def crash(plan: Plan, tell: Tell) -> bool:
    """Whether everything held. Tells the seed, each fault as it happens, and a table at the end."""
    now = SystemClock().now() - MINUTE_US
    count = round(plan.seconds * plan.per_s)
    sent = traffic(random.Random(f"{plan.seed} traffic"), now, count)
    expected = {device: sent.findings(device) for device in sent.readings}
    tell(
        f"crash: seed {plan.seed}, {plan.broker}, {plan.seconds:.0f} s,"
        f" {len(sent.messages)} messages of {len(sent.readings)} wearers at {plan.per_s:.0f}/s,"
        f" {sum(map(len, expected.values()))} findings to come"
    )
    # Millions of objects that stay: looking through them again and again would stop the devices.
    gc.freeze()
    if os.geteuid() != 0:
        tell("crash: not as root, so that no disk can be filled: without fill_disk")
    folder = Path(tempfile.mkdtemp(prefix="doorstep-crash-"))
    with deployed(plan.broker, folder, sent.roster, plan.disk_mb) as deployment:
        publisher = Publisher(deployment.broker.port, sent.messages, plan.per_s)
        devices = threading.Thread(target=publisher.run, daemon=True)
        devices.start()
        nemesis = Nemesis(deployment, publisher, plan.faults, tell)
        try:
            nemesis.run(plan.nemesis_s)
            publisher.hurry()
            forgets = plan.broker in FORGETFUL and "kill_broker" in nemesis.done
            healed_s = heal(deployment, publisher, sent, forgets=forgets)
        finally:
            publisher.giving_up.set()
            devices.join()
        tell(f"  healed in {healed_s:.1f} s; {_spent(deployment, publisher, nemesis)}")
        run = Run(deployment, sent, publisher, expected, forgets)
        if forgets:
            tell(f"  {run.lost_poison()} messages without a number lost by the broker")
        good = verdict(run, CHECKS, tell)
    gc.unfreeze()
    if good:
        shutil.rmtree(folder)
    tell(f"crash: seed {plan.seed}, {plan.broker}: {'held' if good else f'see {folder}'}")
    return good


def heal(deployment: Deployment, publisher: Publisher, sent: Traffic, *, forgets: bool) -> float:
    """Waits until everything there is to do is done, or as long as that may take; says how long."""
    begun_at = time.monotonic()
    within_s = HEALED_WITHIN_S + len(sent.messages) / HEALED_PER_S
    for kept in (deployment.ingest, deployment.serve):
        kept.wait_ready(READY_WITHIN_S)
    total = sum(map(len, sent.readings.values()))
    # Where some may be lost, whatever is there came before the last reading.
    poison = 0 if forgets else sum(1 for message in sent.messages if message.reason)

    def done() -> bool:
        return (
            publisher.done
            and stored.one(deployment.database, "SELECT count(*) FROM reading") >= total
            and stored.one(deployment.database, "SELECT count(*) FROM rejected_message") >= poison
            and stored.one(deployment.database, "SELECT count(*) FROM late_work") == 0
        )

    for over in (done, lambda: told(deployment)):
        until(over, begun_at + within_s)
    return time.monotonic() - begun_at


def told(deployment: Deployment) -> bool:
    """Whether every subscriber of the stream has had the last event of its grids."""
    last = "SELECT coalesce(max(event_id), 0) FROM alert_event JOIN grid USING (grid_no)"
    return all(
        subscriber.last_id
        >= stored.one(
            deployment.database,
            f"{last} JOIN staff_grid USING (grid_no) JOIN staff USING (staff_no)"
            f" WHERE staff.id = '{subscriber.staff}'",
        )
        for subscriber in deployment.subscribers
    )


def until(over: Callable[[], bool], deadline: float) -> None:
    """Returns when it is so, or at the deadline; the checks say what is not."""
    pause = threading.Event()
    while not over() and time.monotonic() < deadline:
        pause.wait(0.3)


def _spent(deployment: Deployment, publisher: Publisher, nemesis: Nemesis) -> str:
    """What the run went through, in one line."""
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(nemesis.done.items()))
    batches, again = stored.rows(
        deployment.database, "SELECT count(*), sum(duplicates) FROM journal"
    )[0]
    exits = sorted({said.strip().splitlines()[-1] for _, said in deployment.ingest.exits if said})
    return (
        f"{sum(nemesis.done.values())} faults ({faults}), {nemesis.idle} after the last message;"
        f" {deployment.ingest.starts} starts of ingest, it ended by itself"
        f" {len(deployment.ingest.exits)} times {exits};"
        f" {publisher.receipts} receipts, messages sent again by devices"
        f" {publisher.sent_again}, {batches} steps, {again} readings seen again;"
        f" streams connected {[each.connections for each in deployment.subscribers]}"
        f" and heard {[len(each.heard) for each in deployment.subscribers]}"
    )


def verdict(
    run: Subject, checks: Mapping[str, Callable[[Subject], Iterator[str]]], tell: Tell
) -> bool:
    """Whether all of it holds; tells what does not."""
    good = True
    for name, check in checks.items():
        wrong = list(check(run))
        good = good and not wrong
        tell(f"  {name:<30}{len(wrong):>8}")
        for line in wrong[:SHOWN]:
            tell(f"      {line}")
    return good
