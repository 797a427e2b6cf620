"""Corrections of the roster and new rulebooks, as they reach ingestion from outside."""

from pathlib import Path

from domain.instant import HOUR_US, MINUTE_US, format_rfc3339
from doorstep.clock import SystemClock
from tests.acceptance import publishing, stored
from tests.services import doorstep
from tests.services.brokers import Broker

_ACTIVE = "SELECT count(*) FROM finding WHERE withdrawn_at IS NULL"
_ALERT = "SELECT coalesce(max(condition), '') FROM alert"


def _warm(now: int, minutes: range) -> list[tuple[str, bytes]]:
    return [
        publishing.encoded(
            "w-0000", [publishing.reading(now - (30 - m) * MINUTE_US, temperature_c=37.8)]
        )
        for m in minutes
    ]


async def test_a_threshold_that_should_have_held_takes_its_alert_back(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    """Entered while ingestion runs and nothing else arrives."""
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, 1))
    with doorstep.ingest(database, broker.url, tmp_path, MQTT__PROTOCOL=broker.protocol):
        await publishing.publish(broker.port, _warm(now, range(15)))
        stored.wait_for(database, _ALERT, "active")
        own = {"axillary": {"value_c": 38.3, "origin": "dr-01"}}
        doorstep.import_roster(
            database,
            {
                "effective_at": format_rfc3339(now - HOUR_US),
                "episodes": [{"id": "e-0000", "thresholds": {"fever_c": own}}],
            },
        )
        stored.wait_for(database, _ACTIVE, 0, 10)
        stored.wait_for(database, _ALERT, "cleared", 10)
        assert stored.one(database, "SELECT count(*) FROM late_work") == 0


async def test_a_version_of_the_rulebook_has_one_meaning(
    database: str, broker: Broker, tmp_path: Path
) -> None:
    book = tmp_path / "rules.toml"
    settings = {"MQTT__PROTOCOL": broker.protocol, "RULEBOOK": str(book)}
    doorstep.import_roster(database, publishing.roster(SystemClock().now(), 1))
    for figures in ("hold_s = 900", "hold_s = 900\nreadings = 3"):
        book.write_text(f"version = 'ours-2'\n[fever]\n{figures}\n")
        with doorstep.ingest(database, broker.url, tmp_path, **settings) as service:
            service.wait_ready()
    assert stored.one(database, "SELECT count(*) FROM rulebook") == 1
    book.write_text("version = 'ours-2'\n[fever]\nhold_s = 300\n")
    refused = doorstep.run(
        ["ingest"],
        {
            "DOORSTEP_DATABASE_URL": database,
            "DOORSTEP_MQTT_URL": broker.url,
            "DOORSTEP_RULEBOOK": str(book),
            "DOORSTEP_INGEST__HTTP_PORT": "0",
        },
    )
    assert refused.returncode == 3
    assert "ours-2 was in force with other figures" in refused.stderr.splitlines()[-1]
