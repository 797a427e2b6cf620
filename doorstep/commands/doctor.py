"""`doorstep doctor`."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Checks broker, database, clock, disk and secrets, and says what to do.

    Changes nothing. The broker's queue is tried with 1,100 messages on a topic of its own; that
    takes some seconds. Exit code 1 when something would break a promise.

    \b
    Examples:
      doorstep doctor
      doorstep doctor --json | jq '.items[] | select(.verdict != "ok")'

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_MQTT_URL, DOORSTEP_MQTT__PROTOCOL,
    DOORSTEP_MQTT__USERNAME, DOORSTEP_MQTT__PASSWORD, DOORSTEP_MQTT__CA_FILE,
    DOORSTEP_MQTT__RECEIVE_MAXIMUM, DOORSTEP_MQTT__SESSION_EXPIRY_S
    """
    import json

    from doorstep.doctor.check import Verdict, overall
    from doorstep.doctor.examination import examine
    from doorstep.doctor.report import as_document, as_text
    from doorstep.settings import load_settings

    checks = examine(load_settings())
    typer.echo(json.dumps(as_document(checks), indent=1) if as_json else as_text(checks))
    away = [check for check in checks if check.unreachable]
    for check in away:
        typer.echo(f"doorstep: {check.name}: {check.seen}", err=True)
    if away:
        raise typer.Exit(4)
    if overall(checks) is Verdict.FAIL:
        raise typer.Exit(1)
