"""What posts webhooks, against a real receiver: answers, targets, certificates, signatures."""

import asyncio
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.delivery import Answer, Consumer, Failed, Gone, Sent
from alerts.feeds import webhook as module
from alerts.feeds.webhook import WebhookSender, new_secret
from domain.instant import SECOND_US
from doorstep.clock import SystemClock
from tests.integration.alerts.receiving import Receiver, receiving
from tests.services.doorstep import free_port
from tests.unit.alerts.outboxes import message

SECRET = new_secret()
NAME = "hooks.example.org"
ON_THIS_MACHINE = ["127.0.0.1"]


def consumer(url: str, *secrets: str) -> Consumer:
    return Consumer(1, "wh_1", "webhook", ("grid-1",), {"url": url}, secrets or (SECRET,))


def sender(**given: Any) -> WebhookSender:
    return WebhookSender(SystemClock().now, **{"private": True, **given})


async def sent(url: str, *secrets: str, **given: Any) -> Answer:
    return await sender(**given).send(consumer(url, *secrets), [message(7, "alert-1")])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


async def test_an_event_arrives_signed_with_its_id(receiver: Receiver) -> None:
    assert await sent(receiver.url("/a?b=c")) == Sent("204")
    (had,) = receiver.had
    assert had.verified_by(SECRET)
    assert not had.verified_by(new_secret())
    assert (had.path, had.id, had.body["event"]) == ("/a?b=c", "evt_7", 7)
    assert had.headers["content-type"] == "application/json"
    assert had.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert abs(int(had.headers["webhook-timestamp"]) - SystemClock().now() // SECOND_US) < 60


async def test_while_a_secret_is_rotated_either_verifies(receiver: Receiver) -> None:
    old = new_secret()
    await sent(receiver.url(), SECRET, old)
    (had,) = receiver.had
    assert had.verified_by(SECRET)
    assert had.verified_by(old)


@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (200, {}, Sent("200")),
        (202, {}, Sent("202")),
        (410, {}, Gone("410")),
        (400, {}, Failed("400")),
        (404, {}, Failed("404")),
        (500, {}, Failed("500")),
        (429, {"Retry-After": "90"}, Failed("429", 90.0)),
        (503, {"Retry-After": "7"}, Failed("503", 7.0)),
        (503, {"Retry-After": "when it is over"}, Failed("503")),
    ],
)
async def test_what_an_answer_means(
    receiver: Receiver, status: int, headers: dict[str, str], answer: Answer
) -> None:
    receiver.answers["/"] = (status, headers)
    assert await sent(receiver.url()) == answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers["/"] = (status, {"Location": receiver.url("/elsewhere")})
    assert await sent(receiver.url()) == Failed(f"{status}: redirects are not followed")
    assert receiver.at("/elsewhere") == []


async def test_an_answer_without_an_end_is_not_read(receiver: Receiver) -> None:
    receiver.answers["/"] = (200, {"Transfer-Encoding": "chunked"})
    assert await sent(receiver.url()) == Sent("200")


async def test_one_that_never_answers_has_failed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOTAL_S", 0.3)
    receiver.hanging = {"/"}
    assert await sent(receiver.url()) == Failed("timeout")


async def test_what_is_not_there_or_speaks_something_else_has_failed() -> None:
    assert await sent(f"http://127.0.0.1:{free_port()}/") == Failed("cannot connect")

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await sent(f"http://127.0.0.1:{port}/")
    assert answer == Failed("the connection broke, or does not speak HTTP")


def nowhere(host: str, port: int) -> list[str]:
    raise OSError(f"{host}:{port} is not known")


async def test_a_name_that_leads_nowhere_has_failed() -> None:
    assert await sent(f"https://{NAME}/", resolve=nowhere) == Failed("the name leads nowhere")
    assert await sent(f"https://{NAME}/", resolve=lambda *_: []) == Failed("the name leads nowhere")


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"]],
)
async def test_a_name_that_leads_to_a_private_address_is_not_called(found: list[str]) -> None:
    answer = await sent(f"https://{NAME}/", private=False, resolve=lambda *_: found)
    assert answer == Failed("the name leads to a private address")


async def test_a_private_address_itself_is_not_called_either(receiver: Receiver) -> None:
    url = receiver.url(scheme="https")
    answer = await sent(url, private=False)
    assert answer == Failed("the address leads to a private address")
    assert await sent(receiver.url(), private=False) == Failed(
        "the address must begin with https://"
    )
    assert receiver.had == []


async def test_what_is_called_is_the_address_that_was_judged(receiver: Receiver) -> None:
    """The name is looked up once: what it leads to a moment later does not matter."""
    looked_up: list[str] = []

    def once(host: str, port: int) -> list[str]:
        looked_up.append(f"{host}:{port}")
        return ON_THIS_MACHINE if len(looked_up) == 1 else ["203.0.113.1"]

    assert await sent(f"http://{NAME}:{receiver.port}/x", resolve=once) == Sent("204")
    assert looked_up == [f"{NAME}:{receiver.port}"]
    assert receiver.had[0].headers["host"] == f"{NAME}:{receiver.port}"


async def test_of_several_addresses_one_that_answers_is_enough(receiver: Receiver) -> None:
    found = ["127.0.0.2", "127.0.0.1"]
    url = f"http://{NAME}:{receiver.port}/"
    assert await sent(url, resolve=lambda *_: found) == Sent("204")


async def test_the_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert await sent(receiver.url()) == Sent("204")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], ssl.SSLContext]:
    """A server's context with a certificate for `NAME`, which nobody has signed but itself."""
    folder = tmp_path_factory.mktemp("tls")
    request = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={NAME}"
    names = f"-addext subjectAltName=DNS:{NAME} -keyout key.pem -out cert.pem"
    subprocess.run(
        ["openssl", *request.split(), *names.split()], cwd=folder, check=True, capture_output=True
    )

    def made() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        return context

    made.__doc__ = str(folder / "cert.pem")
    return made


def trusting(certified: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(Path(str(certified.__doc__))))


async def test_over_tls_the_certificate_is_held_against_the_name(
    certified: Callable[[], ssl.SSLContext],
) -> None:
    with receiving(certified()) as receiver:
        here: dict[str, Any] = {"resolve": lambda *_: ON_THIS_MACHINE, "tls": trusting(certified)}
        assert await sent(f"https://{NAME}:{receiver.port}/", **here) == Sent("204")
        other = await sent(f"https://other.example.org:{receiver.port}/", **here)
    assert other == Failed("the certificate is not valid for the name")
    assert len(receiver.had) == 1


async def test_a_certificate_that_nobody_trusts_is_refused(
    certified: Callable[[], ssl.SSLContext],
) -> None:
    with receiving(certified()) as receiver:
        url = f"https://{NAME}:{receiver.port}/"
        answer = await sent(url, resolve=lambda *_: ON_THIS_MACHINE)
    assert answer == Failed("the certificate is not valid for the name")


async def test_many_at_a_time_are_not_in_each_others_way(receiver: Receiver) -> None:
    receiver.hanging = {"/hangs"}
    posting = sender()
    async with asyncio.TaskGroup() as tasks:
        hanging = [
            tasks.create_task(posting.send(consumer(receiver.url("/hangs")), [message(n, "a")]))
            for n in range(60)
        ]
        await asyncio.to_thread(receiver.wait_for, "/hangs", 60)
        assert await posting.send(consumer(receiver.url()), [message(99, "b")]) == Sent("204")
        for task in hanging:
            task.cancel()
