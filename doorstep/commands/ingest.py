"""`doorstep ingest`: composes the source, the ledger and the pipeline, and runs them."""

import typer

app = typer.Typer(add_completion=False)


@app.command()
def ingest() -> None:
    """MQTT in: every reading is stored and judged before the broker hears that it arrived.

    SIGTERM finishes what was accepted and stops. One process a shard: a second one is refused.

    \b
    Examples:
      doorstep ingest
      DOORSTEP_MQTT_URL=mqtts://broker:8883 DOORSTEP_MQTT__PASSWORD_FILE=/run/secrets/mqtt doorstep
      ingest

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_MQTT_URL, DOORSTEP_MQTT__PROTOCOL,
    DOORSTEP_MQTT__CLIENT_ID, DOORSTEP_MQTT__USERNAME, DOORSTEP_MQTT__PASSWORD,
    DOORSTEP_INGEST__HTTP_PORT, DOORSTEP_RULEBOOK
    """
    import uvloop

    from doorstep import logs
    from doorstep.ingestion import run
    from doorstep.settings import load_settings

    settings = load_settings()
    logs.configure()
    uvloop.run(run(settings))
