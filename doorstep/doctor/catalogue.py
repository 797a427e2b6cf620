"""Every check of `doorstep doctor` by name: why it matters, and what to do when it is not ok.

docs/operations.md lists the same names, and a test holds the two together. Pure data.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """A check's meaning."""

    why: str
    remedy: str


CATALOGUE: Final = {
    "broker.reachable": Entry(
        "Without a broker no reading arrives, and nobody is watched.",
        "Start the broker, or correct DOORSTEP_MQTT_URL and the login.",
    ),
    "broker.protocol": Entry(
        "MQTT 3.1.1 has no receive window of our own, and the broker does not tell its limits.",
        "Use a broker with MQTT 5, and leave DOORSTEP_MQTT__PROTOCOL at auto or 5.",
    ),
    "broker.transport": Entry(
        "Without TLS anyone on the way reads where people are and how they feel, and the password.",
        "Use mqtts://, or keep the connection on a network that nobody else is on.",
    ),
    "broker.anonymous": Entry(
        "Who comes in without a password can send readings in anybody's name and take our session.",
        "Mosquitto: allow_anonymous false, password_file and acl_file, as in deploy/mosquitto.",
    ),
    "broker.version": Entry(
        "Mosquitto before 2.1 confirms messages that are not on disk: a kill of it loses them.",
        "Use Mosquitto 2.1 with persist-sqlite, flush_period 0, sync full: deploy/mosquitto.",
    ),
    "broker.qos": Entry(
        "With QoS 0 alone nothing is confirmed, and no reading is safe.",
        "Allow QoS 1. Mosquitto: max_qos 1 or more on the listener.",
    ),
    "broker.receive_maximum": Entry(
        "Common clients have 20 messages under way; a broker that takes fewer disconnects them.",
        "Mosquitto: max_inflight_messages 20 or more.",
    ),
    "broker.retain": Entry(
        "A device's status is retained, so that it is known also after a restart of ours.",
        "Allow retained messages. Mosquitto: retain_available true.",
    ),
    "broker.wildcards": Entry(
        "Ingestion hears all devices through one subscription with a wildcard.",
        "Allow wildcard subscriptions.",
    ),
    "broker.packet_size": Entry(
        "A message may have 64 KiB; the broker drops the connection of a device that sends more.",
        "Allow packets of 128 KiB or more. Mosquitto: max_packet_size.",
    ),
    "broker.session_expiry": Entry(
        "After it the broker throws away what waits for us: it must outlast the longest outage.",
        "Allow DOORSTEP_MQTT__SESSION_EXPIRY_S. Mosquitto: persistent_client_expiration above it.",
    ),
    "broker.window": Entry(
        "The broker sends so many messages ahead of our confirmation; few of them cap the rate.",
        "Let DOORSTEP_MQTT__RECEIVE_MAXIMUM be in flight. Mosquitto: max_inflight_messages.",
    ),
    "broker.offline_queue": Entry(
        "What the broker confirms to devices while we are away must be there when we come back.",
        "Mosquitto: max_queued_messages 0, and max_queued_bytes as rate x longest outage x size. "
        "The probe needs to write and read doorstep/v1/doctor/#.",
    ),
    "broker.dropped": Entry(
        "Messages the broker dropped since it started are lost, though it confirmed them.",
        "Mosquitto: max_queued_messages 0, and read access to $SYS/#. Elsewhere watch the broker's "
        "own counter.",
    ),
    "database.reachable": Entry(
        "Without a database nothing is stored, confirmed or judged.",
        "Start the database, or correct DOORSTEP_DATABASE_URL.",
    ),
    "database.version": Entry(
        "Doorstep is made for PostgreSQL 15 to 18.",
        "Move to a supported version of PostgreSQL.",
    ),
    "database.schema": Entry(
        "Ingestion and serving refuse a schema that is not theirs.",
        "Run `doorstep migrate`; for a newer schema, install the newer Doorstep.",
    ),
    "database.tier": Entry(
        "TimescaleDB before 2.26 could drop rows of a batch in compressed chunks without a word.",
        "Update TimescaleDB to 2.26 or newer.",
    ),
    "database.synchronous_commit": Entry(
        "Switched off, a commit that was answered can be gone after a crash.",
        "Set synchronous_commit = on for the server, the database and the role.",
    ),
    "database.fsync": Entry(
        "Switched off, a power cut can destroy the whole database.",
        "Set fsync = on.",
    ),
    "database.full_page_writes": Entry(
        "Switched off, a power cut can leave half-written pages that nothing repairs.",
        "Set full_page_writes = on.",
    ),
    "database.partitions": Entry(
        "A day without a partition makes ingestion stop and create it at a bad moment.",
        "Run `doorstep migrate`, which makes them ahead, and see that ingestion runs.",
    ),
    "database.role": Entry(
        "A superuser's password, once lost, is the whole server and its operating system account.",
        "Connect as a role of Doorstep's own that owns its database and nothing else.",
    ),
    "database.isolation": Entry(
        "Staff ask as a role that sees their grids alone; without it nobody is served.",
        "Run `doorstep migrate`; what it says has to be done as a superuser.",
    ),
    "database.transport": Entry(
        "Without TLS anyone on the way reads names, addresses and readings.",
        "Add sslmode=verify-full, or keep the connection on a network that nobody else is on.",
    ),
    "database.password": Entry(
        "A server that asks for no password lets in everybody who reaches its port.",
        "Use scram-sha-256 in pg_hba.conf, or connect through the local socket.",
    ),
    "database.clock": Entry(
        "Deadlines, logs and backups of the two machines are compared; they should agree.",
        "Run NTP on this machine and on the database's.",
    ),
    "canaries.seen": Entry(
        "A canary each minute is what proves that readings become alerts and reach the feeds.",
        "See that `serve` runs and may write the canaries' topics, and what GET /signals says; "
        "DOORSTEP_CANARY__ON. With nobody under care there are none.",
    ),
    "canaries.contacts": Entry(
        "When the way is cut, supervisors and admins are told by contacts; nothing else rings.",
        "Give a supervisor of each grid, or an admin, `contacts` in the roster.",
    ),
    "machine.clock": Entry(
        "Receipt times, silence and deadlines come from this machine's clock.",
        "Set the clock and run NTP. If the journal is ahead because the database is an accelerated "
        "demonstration's, use another database.",
    ),
    "machine.disk": Entry(
        "On a full disk the database stops, and a broker may confirm what it cannot write.",
        "Free or add space, for the broker's store as well; where it cannot be seen from here, "
        "watch it there.",
    ),
    "secrets.files": Entry(
        "Whoever can read a password's file can speak for every device, or read everything.",
        "chmod 600 the file, or close its folder to others.",
    ),
    "secrets.environment": Entry(
        "An environment is seen by child processes, crash reports and whoever inspects containers.",
        "Give the secret as a file: the same name with _FILE.",
    ),
    "secrets.passwords": Entry(
        "Passwords that are empty, the user's name or in every list are no passwords.",
        "Choose long random ones: openssl rand -hex 24.",
    ),
}

REACHABLE: Final = ("broker.reachable", "database.reachable")
"""When one of these fails, the exit code says so."""
