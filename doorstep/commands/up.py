"""`doorstep up`: the embedded stack in one process tree."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def up(  # noqa: PLR0913, PLR0917 - the flags of contract section 2, and two more
    demo: Annotated[
        bool, typer.Option("--demo", help="With a simulated community of 60 wearers.")
    ] = False,
    data: Annotated[Path, typer.Option(help="The folder for everything it keeps.")] = Path(
        "doorstep-data"
    ),
    http_port: Annotated[
        int,
        typer.Option(
            help="Console and API; 0 is any free port.",
            min=0,
            max=65_535,
            envvar="DOORSTEP_HTTP__PORT",
        ),
    ] = 8080,
    mqtt_port: Annotated[
        int, typer.Option(help="The broker; 0 is any free port.", min=0, max=65_535)
    ] = 1883,
    accelerate: Annotated[
        float | None,
        typer.Option(
            help="So many times as fast as real time (only with --demo). Default: 60.",
            min=1.0,
            max=100_000.0,
        ),
    ] = None,
    run_as: Annotated[
        str | None, typer.Option(help="Only as root: whom PostgreSQL runs as. Default: nobody.")
    ] = None,
    postgres_bin: Annotated[
        Path | None, typer.Option(help="Use the PostgreSQL programs (15 or newer) in this folder.")
    ] = None,
) -> None:
    """Database, broker, ingestion and service in one process tree, until Ctrl-C or SIGTERM.

    Needs no root and no Docker; listens on this machine only. When all is ready it prints one line
    of JSON on standard output: where console, broker and database are, and the broker's login.

    \b
    Examples:
      doorstep up --demo
      doorstep up --data /srv/doorstep --http-port 8090 --mqtt-port 1884

    Environment: DOORSTEP_HTTP__PORT, DOORSTEP_RULEBOOK
    """
    from doorstep.embedded import stack
    from doorstep.embedded.demo import FACTOR
    from doorstep.embedded.errors import StackError
    from doorstep.embedded.stopping import StopRequested

    if accelerate is not None and not demo:
        raise typer.BadParameter("--accelerate goes with --demo: real wearers live in real time")
    options = stack.Options(
        data=data,
        http_port=http_port,
        mqtt_port=mqtt_port,
        demo=demo,
        factor=accelerate or (FACTOR if demo else 1.0),
        run_as=run_as,
        postgres_bin=postgres_bin,
    )
    try:
        stack.run(options, _say, typer.echo)
    except StopRequested:
        _say("stopped")
    except StackError as error:
        _say(" ".join(str(error).split()))
        raise typer.Exit(error.code) from error
    except OSError as error:
        # A full disk, say; the stack has been stopped by now.
        _say(f"stopped: {error}")
        raise typer.Exit(1) from error


def _say(line: str) -> None:
    typer.echo(f"doorstep: {line}", err=True)
