"""Webhooks: alert events by HTTP to an address that a supervisor gave, signed by Standard Webhooks.

One POST for each event, with a connection of its own: to an address that was looked up and judged a
moment ago, while the certificate is held against the name. Redirects are not followed, proxies of
the environment not used, and of the answer nothing is read but status and `Retry-After`.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import base64
import json
import secrets
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

from alerts.delivery import Answer, Consumer, Failed, Gone, Message, Sent
from alerts.targets import is_public, refusal
from domain.instant import SECOND_US, from_datetime, to_datetime

CONNECT_S: Final = 5.0
TOTAL_S: Final = 15.0
"""Standard Webhooks advises 15 to 30 s."""
_RESOLVERS: Final = 32
"""Names that may be looked up at a time: a resolver that is away blocks a thread for long."""
_ADDRESSES: Final = 3
"""Of one name, how many addresses are tried."""
_SECRET_BYTES: Final = 32
_GONE: Final = 410
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Doorstep-Webhook"}

Resolve = Callable[[str, int], list[str]]
"""The IP addresses of a host. Raises `OSError`."""


def new_secret() -> str:
    """A secret that nobody has had, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def new_id() -> str:
    """An id of a webhook that no other has."""
    return f"wh_{secrets.token_hex(12)}"


def new_trial_id() -> str:
    """A `webhook-id` of a test message."""
    return f"test_{secrets.token_hex(8)}"


def document(message: Message) -> dict[str, Any]:
    """What a webhook carries of an event: type, before and after, and what they are about."""
    return {
        "id": message.id,
        "event": message.event_id,
        "type": message.type,
        "kind": message.kind,
        "alert": message.alert_id,
        "grid": message.grid,
        "before": message.before,
        "after": message.after,
    }


def addresses(host: str, port: int) -> list[str]:
    """What the machine's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class WebhookSender:
    """A `Sender`. Belongs to one event loop."""

    together = 1

    def __init__(
        self,
        now: Callable[[], int],
        *,
        private: bool = False,
        resolve: Resolve = addresses,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.private = private
        """Whether plain http and private addresses are allowed."""
        self._now = now
        self._resolve = resolve
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, "resolver")
        self._client = httpx.AsyncClient(
            verify=tls or _trusting(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(TOTAL_S, connect=CONNECT_S),
            # Two names may share an address: a connection kept would have the other's certificate.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def send(self, consumer: Consumer, messages: Sequence[Message]) -> Answer:
        """Posts one event."""
        (message,) = messages
        return await self.post(consumer, message.id, document(message))

    async def post(self, consumer: Consumer, message_id: str, body: Mapping[str, Any]) -> Answer:
        """Posts anything, signed with every secret that is valid."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers = {**_HEADERS, **signed(consumer.secrets, message_id, self._now(), text)}
        try:
            async with asyncio.timeout(TOTAL_S):
                return await self._post(str(consumer.config["url"]), headers, text.encode())
        except TimeoutError:
            return Failed("timeout")

    async def _post(self, text: str, headers: Mapping[str, str], body: bytes) -> Answer:
        target = await self._target(text)
        if isinstance(target, Failed):
            return target
        url, found = target
        answer: Answer = Failed("the name leads nowhere")
        for address in found[:_ADDRESSES]:
            try:
                return await self._post_to(address, url, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                answer = Failed(_trouble(error))
            except httpx.TransportError as error:
                return Failed(_trouble(error))
        return answer

    async def _target(self, text: str) -> tuple[httpx.URL, list[str]] | Failed:
        """The addresses behind a URL, if all of them may be called."""
        why = refusal(text, private=self.private)
        if why is not None:
            return Failed(f"the address {why}")
        try:
            url = httpx.URL(text)
            found = await self._looked_up(url)
        except (OSError, UnicodeError, httpx.InvalidURL):
            return Failed("the name leads nowhere")
        if not self.private and not all(is_public(address) for address in found):
            return Failed("the name leads to a private address")
        return url, found

    async def _looked_up(self, url: httpx.URL) -> list[str]:
        port = url.port or (443 if url.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._resolvers, self._resolve, url.host, port)

    async def _post_to(
        self, address: str, url: httpx.URL, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        name = url.raw_host.decode("ascii")
        request = self._client.build_request(
            "POST",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            content=body,
            extensions={"sni_hostname": name} if url.scheme == "https" else {},
        )
        response = await self._client.send(request, stream=True)
        try:
            return self._said(response)
        finally:
            await response.aclose()

    def _said(self, response: httpx.Response) -> Answer:
        status = response.status_code
        if response.is_success:
            return Sent(str(status))
        if status == _GONE:
            return Gone(str(status))
        if response.is_redirect:
            return Failed(f"{status}: redirects are not followed")
        return Failed(str(status), retry_after_s(response.headers.get("retry-after"), self._now()))


def signed(valid: Sequence[str], message_id: str, now: int, text: str) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature for each secret that is valid."""
    moment = to_datetime(now)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now // SECOND_US),
        "webhook-signature": " ".join(
            Webhook(secret).sign(message_id, moment, text) for secret in valid
        ),
    }


def retry_after_s(header: str | None, now: int) -> float | None:
    """What `Retry-After` asks for (RFC 9110, section 10.2.3); None for what says nothing."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:10])
    try:
        return max(0.0, (from_datetime(parsedate_to_datetime(header)) - now) / SECOND_US)
    except (ValueError, OverflowError):
        return None


def _trusting() -> ssl.SSLContext:
    """Trusts the public authorities, and those that this machine trusts besides."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _trouble(error: httpx.TransportError) -> str:
    """A word for the delivery log: never an address, never what the other side wrote."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "the certificate is not valid for the name"
        cause = cause.__cause__ or cause.__context__
    match error:
        case httpx.TimeoutException():
            return "timeout"
        case httpx.ConnectError():
            return "cannot connect"
        case _:
            return "the connection broke, or does not speak HTTP"
