"""`doorstep staff password`."""

import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def staff() -> None:
    """Sign-ins of staff. Who is staff is said in the roster file.

    \b
    Examples:
      doorstep staff password dr-03
      doorstep roster export | jq '.staff'

    Environment: DOORSTEP_DATABASE_URL
    """


@app.command()
def password(
    staff_id: Annotated[str, typer.Argument(metavar="ID", help="A member of staff of the roster.")],
    from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read it from standard input; else it asks.")
    ] = False,
) -> None:
    """Sets the password somebody signs in with, and ends the sessions they have.

    \b
    Examples:
      doorstep staff password dr-03
      cat password.txt | doorstep staff password dr-03 --password-stdin

    Environment: DOORSTEP_DATABASE_URL
    """
    from alerts.passwords import LONGEST, SHORTEST, hashed
    from doorstep.settings import load_settings
    from store.access import set_password
    from store.writing import writing

    settings = load_settings()
    word = sys.stdin.readline().rstrip("\r\n") if from_stdin else _asked()
    if not SHORTEST <= len(word) <= LONGEST:
        typer.echo(f"doorstep: a password has {SHORTEST} to {LONGEST} characters", err=True)
        raise typer.Exit(1)
    with writing(settings.database_url) as connection:
        known = set_password(connection, staff_id, hashed(word))
    if not known:
        typer.echo(f"doorstep: no member of staff is called {staff_id}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{staff_id} can sign in", err=True)


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
