"""`doorstep token create`."""

import re
from typing import Annotated, Final

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_S: Final = 366 * 86_400


@app.callback()
def token() -> None:
    """Tokens for programs that speak with the API as a member of staff.

    \b
    Examples:
      doorstep token create --staff dr-03
      doorstep token create --staff dr-03 --ttl 30d --json

    Environment: DOORSTEP_DATABASE_URL
    """


@app.command()
def create(
    staff: Annotated[str, typer.Option(help="For which member of staff of the roster.")],
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 30m, 8h, 7d.")] = "8h",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prints an API token, once: only its hash is kept.

    \b
    Examples:
      TOKEN=$(doorstep token create --staff dr-03 --ttl 30d)
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/alerts

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    import psycopg

    from alerts.passwords import new_token, sha256
    from domain.instant import SECOND_US, format_rfc3339
    from doorstep.clock import SystemClock
    from doorstep.settings import load_settings
    from store.access import add_token
    from store.errors import translated

    valid_s = _seconds(ttl)
    settings = load_settings()
    # Tokens expire in real time, also where a demonstration's clock runs faster.
    now = SystemClock().now()
    word, expires_at = new_token(), now + valid_s * SECOND_US
    with (
        translated(),
        psycopg.connect(settings.database_url, connect_timeout=10, autocommit=True) as connection,
    ):
        known = add_token(connection, staff, word, sha256(word), (now, expires_at))
    if not known:
        typer.echo(f"doorstep: no member of staff is called {staff}", err=True)
        raise typer.Exit(1)
    said = {"token": word, "staff": staff, "expires_at": format_rfc3339(expires_at)}
    typer.echo(json.dumps(said) if as_json else word)


def _seconds(ttl: str) -> int:
    hit = re.fullmatch(r"([0-9]{1,9})([smhd])", ttl)
    length_s = int(hit[1]) * _UNITS_S[hit[2]] if hit else 0
    if not 0 < length_s <= _LONGEST_S:
        raise typer.BadParameter(
            "must be like 90s, 30m, 8h or 7d, at most 366d", param_hint="--ttl"
        )
    return length_s
