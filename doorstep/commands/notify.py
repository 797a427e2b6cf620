"""`doorstep notify test`."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def notify() -> None:
    """Notifications to staff. Their contacts are said in the roster file.

    \b
    Examples:
      doorstep notify test --staff dr-03
      doorstep notify test --staff dr-03 --json

    Environment: DOORSTEP_DATABASE_URL
    """


@app.command("test")
def try_contacts(
    staff: Annotated[str, typer.Option(metavar="ID", help="A member of staff of the roster.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Sends a test message to each contact of somebody; exit code 1 unless all of them took it.

    \b
    Examples:
      doorstep notify test --staff dr-03
      doorstep notify test --staff dr-03 --json | jq '.items[] | select(.taken | not)'

    Environment: DOORSTEP_DATABASE_URL
    """
    import asyncio
    import json

    from alerts.audit import What
    from doorstep.feeds import notifier
    from doorstep.settings import load_settings
    from store import audit
    from store.pool import Pool

    settings = load_settings()
    pool = Pool(settings.database_url)
    pool.open()
    try:
        tried = asyncio.run(notifier(settings, pool).test(staff))
        if tried:
            with pool.of_service() as connection:
                audit.record_of_member(connection, What.TESTED_CONTACTS, staff)
    finally:
        pool.close()
    if tried is None:
        typer.echo(f"doorstep: no member of staff is called {staff}", err=True)
        raise typer.Exit(1)
    if as_json:
        items = [{"scheme": each.scheme, "taken": each.taken} for each in tried]
        typer.echo(json.dumps({"items": items, "next": None}))
    else:
        for number, each in enumerate(tried, 1):
            typer.echo(f"{number} {each.scheme}: {'taken' if each.taken else 'not taken'}")
    if not tried:
        typer.echo(f"doorstep: the roster has no contact of {staff}", err=True)
    if not tried or not all(each.taken for each in tried):
        raise typer.Exit(1)
