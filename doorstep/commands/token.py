"""`doorstep token`: create, ls, revoke."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

if TYPE_CHECKING:
    from alerts.tokens import Token

app = typer.Typer(add_completion=False, no_args_is_help=True)

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_S: Final = 366 * 86_400
_COLUMNS: Final = ("prefix", "staff", "scope", "state", "created_at", "expires_at", "used_at")


@app.callback()
def token() -> None:
    """Tokens for programs that speak with the API as a member of staff.

    \b
    Examples:
      doorstep token create --staff dr-03 --ttl 30d --scope read
      doorstep token ls --staff dr-03
      doorstep token revoke dst_4Qx0Zr7b

    Environment: DOORSTEP_DATABASE_URL
    """


@app.command()
def create(
    staff: Annotated[str, typer.Option(help="For which member of staff of the roster.")],
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 30m, 8h, 7d.")] = "8h",
    scope: Annotated[
        str, typer.Option(help="act: all that they may do. read: looks, and not at positions.")
    ] = "act",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Prints an API token, once: only its hash and first letters are kept.

    \b
    Examples:
      TOKEN=$(doorstep token create --staff dr-03 --ttl 30d --scope read)
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/alerts

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from alerts.passwords import new_token, sha256
    from alerts.tokens import KEPT, Scope
    from domain.instant import SECOND_US, format_rfc3339
    from doorstep.clock import SystemClock
    from doorstep.settings import load_settings
    from store import tokens
    from store.writing import writing

    valid_s = _seconds(ttl)
    if scope not in [*Scope]:
        raise typer.BadParameter("must be read or act", param_hint="--scope")
    # Tokens expire in real time, also where a demonstration's clock runs faster.
    now = SystemClock().now()
    word, expires_at = new_token(), now + valid_s * SECOND_US
    with writing(load_settings().database_url) as connection:
        kept = (word, sha256(word))
        known = tokens.add(connection, staff, kept, Scope(scope), (now, expires_at))
    if not known:
        _fail(f"no member of staff is called {staff}")
    said = {
        "token": word,
        "prefix": word[:KEPT],
        "staff": staff,
        "scope": scope,
        "expires_at": format_rfc3339(expires_at),
    }
    typer.echo(json.dumps(said) if as_json else word)


@app.command()
def ls(
    staff: Annotated[str | None, typer.Option(help="Of one member of staff; else of all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """Lists tokens by their first letters, the newest first, also those that are over.

    Of what is over for 90 days, only the audit log knows.

    \b
    Examples:
      doorstep token ls --staff dr-03
      doorstep token ls --json | jq -r '.items[] | select(.state == "valid") | .prefix'

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from doorstep.clock import SystemClock
    from doorstep.settings import load_settings
    from store import access, tokens
    from store.writing import writing

    now = SystemClock().now()
    with writing(load_settings().database_url) as connection:
        found = tokens.listed(connection, staff)
        if staff is not None and not access.known(connection, staff):
            _fail(f"no member of staff is called {staff}")
    items = [_document(each, now) for each in found]
    if as_json:
        typer.echo(json.dumps({"items": items, "next": None}))
    else:
        for line in _table(items):
            typer.echo(line)


@app.command()
def revoke(
    prefix: Annotated[
        str, typer.Argument(metavar="PREFIX", help="Its first letters, eight at least.")
    ],
) -> None:
    """Takes a token back, at once; streams that are open with it end within a minute.

    \b
    Examples:
      doorstep token revoke dst_4Qx0Zr7b
      doorstep token ls --staff dr-03 --json | jq -r '.items[].prefix' \\
        | xargs -n 1 doorstep token revoke

    Environment: DOORSTEP_DATABASE_URL
    """
    from alerts.passwords import sha256
    from alerts.tokens import NotOneToken, named
    from doorstep.clock import SystemClock
    from doorstep.settings import load_settings
    from store import tokens
    from store.writing import writing

    with writing(load_settings().database_url) as connection:
        try:
            meant = named(tokens.listed(connection), prefix, sha256(prefix))
        except NotOneToken as error:
            _fail(str(error))
        revoked = tokens.revoke(connection, meant, SystemClock().now())
    said = "is revoked" if revoked else "had been revoked before"
    typer.echo(f"{meant.prefix} of {meant.staff} {said}", err=True)


def _document(token: "Token", now: int) -> dict[str, str | None]:
    from domain.instant import format_rfc3339

    def instant(at: int | None) -> str | None:
        return None if at is None else format_rfc3339(at)

    return {
        "prefix": token.prefix,
        "staff": token.staff,
        "scope": token.scope.value,
        "state": token.state(now).value,
        "created_at": instant(token.created_at),
        "expires_at": instant(token.expires_at),
        "used_at": instant(token.used_at),
        "revoked_at": instant(token.revoked_at),
    }


def _table(items: Sequence[dict[str, str | None]]) -> list[str]:
    """Columns that line up, under their names."""
    rows = [_COLUMNS, *(tuple(item[name] or "never" for name in _COLUMNS) for item in items)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _seconds(ttl: str) -> int:
    hit = re.fullmatch(r"([0-9]{1,9})([smhd])", ttl)
    length_s = int(hit[1]) * _UNITS_S[hit[2]] if hit else 0
    if not 0 < length_s <= _LONGEST_S:
        raise typer.BadParameter(
            "must be like 90s, 30m, 8h or 7d, at most 366d", param_hint="--ttl"
        )
    return length_s


def _fail(message: str) -> NoReturn:
    typer.echo(f"doorstep: {message}", err=True)
    raise typer.Exit(1)
