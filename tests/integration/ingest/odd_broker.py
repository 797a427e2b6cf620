"""A broker made of a script, for what no real one does on request."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Self

from tests.integration.ingest.harness import TOPIC, eventually

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class OddBroker:
    """Plays one talk for each connection, the last of them for all that follow."""

    def __init__(self, *talks: Talk) -> None:
        self._talks = talks
        self._talking = 0
        self._server: asyncio.Server | None = None
        self.connects: list[bytes] = []
        """The CONNECT of each connection."""

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await eventually(lambda: self._talking == 0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talking += 1
        talk = self._talks[min(len(self.connects), len(self._talks) - 1)]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.connects.append(await packet(reader))
            await talk(reader, writer)
        writer.close()
        self._talking -= 1


async def packet(reader: asyncio.StreamReader) -> bytes:
    """The next whole packet."""
    head = await reader.readexactly(2)
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
    length = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(head[1:]))
    return head + await reader.readexactly(length)


def answers(*replies: bytes) -> Talk:
    """Sends these at once and then listens until the other side has had enough."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(replies))
        while await reader.read(4096):
            continue

    return talk


def welcome(version: str, *then: bytes) -> Talk:
    """Lets the source connect and subscribe, and then sends these."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connack(version))
        subscribe = await packet(reader)
        writer.write(suback(version, subscribe))
        await answers(*then)(reader, writer)

    return talk


def connack(version: str, code: int = 0) -> bytes:
    return bytes((0x20, 3, 0, code, 0)) if version == "5" else bytes((0x20, 2, 0, code))


def suback(version: str, subscribe: bytes, code: int = 1) -> bytes:
    properties = b"\x00" if version == "5" else b""
    body = subscribe[2:4] + properties + bytes((code,))
    return bytes((0x90, len(body))) + body


def publish(
    version: str, payload: bytes, packet_id: int, *, topic: bytes = TOPIC.encode(), flags: int = 2
) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic
    if flags & 6:
        body += packet_id.to_bytes(2, "big")
    body += (b"\x00" if version == "5" else b"") + payload
    assert len(body) < 128, "the length is written in one byte"
    return bytes((0x30 | flags, len(body))) + body
