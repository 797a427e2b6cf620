"""`doorstep serve`: composes the desk, the dispatcher and the API, and runs them."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Alerts out: the event stream, the API and the console.

    SIGTERM ends the streams, finishes what is being answered and stops. Any number of processes may
    serve one database.

    \b
    Examples:
      doorstep serve
      doorstep serve --host 0.0.0.0 --port 8000

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_HTTP__HOST, DOORSTEP_HTTP__PORT
    """
    import uvloop

    from doorstep import logs
    from doorstep.serving import run
    from doorstep.settings import load_settings

    flags = {"host": host, "port": port}
    given = {name: value for name, value in flags.items() if value is not None}
    settings = load_settings({"http": given} if given else None)
    logs.configure()
    uvloop.run(run(settings))
