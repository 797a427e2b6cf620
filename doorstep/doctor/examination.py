"""One visit: probes first, then judgement: broker, database, canaries, machine, secrets.

A broker or database that cannot be reached leaves the others' checks standing.
"""

import os
import secrets

from domain.instant import SECOND_US
from doorstep.doctor import (
    broker,
    broker_checks,
    canary_checks,
    database,
    database_checks,
    machine,
    machine_checks,
)
from doorstep.doctor.broker_checks import Asked
from doorstep.doctor.canary_checks import Flight
from doorstep.doctor.check import Check
from doorstep.settings import Settings
from ingest.sources.address import SourceSettings
from store.durability import Durability


def examine(settings: Settings) -> list[Check]:
    """All checks. Takes up to a minute, most of it the broker's queue.

    Raises `ConfigurationError`.
    """
    mqtt = settings.source_settings()
    found = database.look(settings.database_url)
    here = found if isinstance(found, Durability) else None
    now = settings.make_clock().now()
    body = machine.look(settings, mqtt, here, os.environ)
    return [
        *broker_checks.judge(_asked(mqtt), broker.look(mqtt, _name())),
        *database_checks.judge(found, now),
        *([] if here is None else canary_checks.judge(here, _flight(settings), now)),
        *machine_checks.judge(body, now, None if here is None else here.journal_at),
    ]


def _name() -> str:
    """A client id that nobody has: ingestion's own holds the queue, and is never touched."""
    return f"doorstep-doctor-{secrets.token_hex(6)}"


def _flight(settings: Settings) -> Flight:
    late_s = settings.canary.every_s + settings.canary.overdue_s
    return Flight(settings.canaries_fly, int(late_s * max(1.0, settings.clock_factor) * SECOND_US))


def _asked(mqtt: SourceSettings) -> Asked:
    address = mqtt.address()
    return Asked(address.host, address.tls, mqtt.session_expiry_s, mqtt.receive_maximum)
