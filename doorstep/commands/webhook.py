"""`doorstep webhook`: what the API does with webhooks, for whoever works on this machine."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from alerts.subscription import LONGEST_OVERLAP_S, OVERLAP_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from store.webhook_deeds import By

app = typer.Typer(add_completion=False, no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
WebhookId = Annotated[str, typer.Argument(metavar="ID", help="A webhook's id: wh_...")]
_LARGEST_ID = 2**63 - 1


@app.callback()
def webhook() -> None:
    """Webhooks, to which alert events are sent; of all grids, unlike over HTTP.

    What is done here is in the audit log as a deed of nobody who was signed in.

    \b
    Examples:
      doorstep webhook ls
      doorstep webhook add https://hooks.example.org/doorstep --grid grid-03

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_FEEDS__ALLOW_PRIVATE
    """


@app.command("ls")
def list_(as_json: AsJson = False) -> None:
    """Lists webhooks, without their secrets.

    \b
    Examples:
      doorstep webhook ls
      doorstep webhook ls --json | jq -r '.items[] | select(.undeliverable > 0) | .id'

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from store import webhooks

    with _database() as (connection, by, _):
        items = webhooks.listed(connection, by.grids, _real_now())
    if as_json:
        typer.echo(json.dumps({"items": items, "next": None}, ensure_ascii=False))
        return
    for each in items:
        state = "on" if each["enabled"] else f"stopped ({each['stopped_why']})"
        grids = ",".join(each["grids"])
        counts = f"{each['waiting']} waiting, {each['undeliverable']} undeliverable"
        typer.echo(f"{each['id']} {state}, {grids}: {each['url']}, {counts}")


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted: https, and public.")],
    grid: Annotated[list[str], typer.Option(help="Whose events; may be given several times.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Makes a webhook and prints its secret, this once. It begins with the next event.

    \b
    Examples:
      doorstep webhook add https://hooks.example.org/doorstep --grid grid-03
      doorstep webhook add https://hooks.example.org/a --grid grid-03 --grid grid-04 --json

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_FEEDS__ALLOW_PRIVATE
    """
    import json

    from alerts.feeds.webhook import new_id, new_secret
    from alerts.subscription import webhook_of
    from store import webhook_deeds, webhooks

    asked = _judged(url, grid, name)
    secret, now = new_secret(), _real_now()
    with _database() as (connection, by, numbers):
        for each in asked.grids:
            if each not in numbers:
                _fail(f"no grid is called {each}")
        grid_nos = tuple(numbers[each] for each in asked.grids)
        wanted = webhook_of(new_id(), asked.url, asked.name, grid_nos, None)
        if not webhook_deeds.add(connection, by, wanted, secret, now):
            _fail("there are as many webhooks as there may be")
        made = webhooks.one(connection, by.grids, wanted.id, now)
    assert made is not None
    typer.echo(json.dumps({**made, "secret": secret}, ensure_ascii=False) if as_json else secret)
    typer.echo(f"{wanted.id} is made", err=True)


@app.command()
def rotate(
    id_: WebhookId,
    overlap_s: Annotated[
        int,
        typer.Option(min=0, max=LONGEST_OVERLAP_S, help="How long the old secret counts beside."),
    ] = OVERLAP_S,
    as_json: AsJson = False,
) -> None:
    """Gives a webhook a new secret and prints it, this once.

    \b
    Examples:
      doorstep webhook rotate wh_4f1c
      doorstep webhook rotate wh_4f1c --overlap-s 0 --json

    Environment: DOORSTEP_DATABASE_URL
    """
    import json

    from alerts.feeds.webhook import new_secret
    from domain.instant import SECOND_US, format_rfc3339
    from store import webhook_deeds

    secret, now = new_secret(), _real_now()
    until = now + overlap_s * SECOND_US
    with _database() as (connection, by, _):
        if not webhook_deeds.rotate(connection, by, id_, secret, (now, until)):
            _unknown(id_)
    said = {"secret": secret, "old_secret_until": format_rfc3339(until)}
    typer.echo(json.dumps(said) if as_json else secret)


@app.command("rm")
def remove(id_: WebhookId) -> None:
    """Takes a webhook away, with its delivery log.

    \b
    Examples:
      doorstep webhook rm wh_4f1c
      doorstep webhook ls --json | jq -r '.items[].id' | xargs -n 1 doorstep webhook rm

    Environment: DOORSTEP_DATABASE_URL
    """
    from store import webhook_deeds

    with _database() as (connection, by, _):
        if not webhook_deeds.remove(connection, by, id_):
            _unknown(id_)
    typer.echo(f"{id_} is gone", err=True)


@app.command()
def resend(
    id_: WebhookId,
    event: Annotated[int, typer.Argument(min=1, max=_LARGEST_ID, help="The event's number.")],
) -> None:
    """Has an event sent again, whatever became of it; `doorstep serve` does so within seconds.

    \b
    Examples:
      doorstep webhook resend wh_4f1c 4711
      seq 4711 4720 | xargs -n 1 doorstep webhook resend wh_4f1c

    Environment: DOORSTEP_DATABASE_URL
    """
    from store import webhook_deeds

    with _database() as (connection, by, _):
        sent = webhook_deeds.resend(connection, by, id_, event, _real_now())
        if sent is None:
            _fail(f"there is no webhook {id_}, or no event {event} of its grids")
        if not sent:
            _fail(f"too much waits for {id_} already")
    typer.echo(f"event {event} will be sent again", err=True)


@app.command("test")
def try_it(id_: WebhookId, as_json: AsJson = False) -> None:
    """Sends a test message, now and once; exit code 1 unless it was taken.

    \b
    Examples:
      doorstep webhook test wh_4f1c
      doorstep webhook test wh_4f1c --json | jq -r .status

    Environment: DOORSTEP_DATABASE_URL, DOORSTEP_FEEDS__ALLOW_PRIVATE
    """
    import asyncio
    import json

    from alerts.delivery import Later, Sent
    from alerts.feeds.webhook import new_trial_id
    from alerts.subscription import trial
    from doorstep.feeds import webhook_sender
    from doorstep.settings import load_settings
    from store import webhook_deeds, webhooks

    settings = load_settings()
    with _database() as (connection, by, _):
        webhook_deeds.tested(connection, by, id_)
        consumer = webhooks.consumer(connection, by.grids, id_, _real_now())
    if consumer is None:
        _unknown(id_)
    body = trial(new_trial_id(), consumer.id, settings.make_clock().now())
    answer = asyncio.run(webhook_sender(settings).post(consumer, body["id"], body))
    assert not isinstance(answer, Later), "a webhook is sent or not"
    taken = isinstance(answer, Sent)
    said = {"id": body["id"], "delivered": taken, "status": answer.status}
    word = "delivered" if taken else "not delivered"
    typer.echo(json.dumps(said) if as_json else f"{word}: {answer.status}")
    if not taken:
        raise typer.Exit(1)


def _judged(url: str, grids: list[str], name: str) -> Any:
    """The same as the API takes it; ends the command where the API would refuse it."""
    from pydantic import ValidationError

    from alerts.api.webhook_shapes import NewWebhook
    from alerts.targets import refusal
    from doorstep.settings import load_settings

    try:
        asked = NewWebhook(url=url, grids=grids, name=name)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        _fail(f"{first['loc'][0]}: {first['msg']}")
    why = refusal(asked.url, private=load_settings().feeds.allow_private)
    if why is not None:
        _fail(f"the address {why}")
    return asked


@contextmanager
def _database() -> "Iterator[tuple[psycopg.Connection, By, dict[str, int]]]":
    """One transaction, as the command line with the grids there are, by id."""
    import psycopg

    from doorstep.settings import load_settings
    from store.errors import translated
    from store.webhook_deeds import By, all_grids

    url = load_settings().database_url
    with (
        translated(),
        psycopg.connect(url, connect_timeout=10, options="-c timezone=UTC") as connection,
    ):
        numbers = all_grids(connection)
        yield connection, By(None, tuple(numbers.values())), numbers


def _real_now() -> int:
    """Secrets expire and retries happen in real time, also where a demo's clock runs faster."""
    from doorstep.clock import SystemClock

    return SystemClock().now()


def _unknown(id_: str) -> NoReturn:
    _fail(f"no webhook is called {id_}")


def _fail(reason: str) -> NoReturn:
    typer.echo(f"doorstep: {reason}", err=True)
    raise typer.Exit(1)
