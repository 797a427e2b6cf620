"""The server of the two long-running processes, and what it leaves behind when it stops."""

import asyncio
import contextlib

import uvicorn
from fastapi import FastAPI

from doorstep.process import Server, listen
from tests.integration.ingest.harness import eventually


async def test_no_connection_outlives_the_server() -> None:
    app, begun = FastAPI(), asyncio.Event()

    @app.get("/")
    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    listener = listen("http.port", "127.0.0.1", 0)
    server = Server(
        uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=0)
    )
    serving = asyncio.create_task(server.serve([listener]))
    await eventually(lambda: server.started)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await begun.wait()
    server.should_exit = True
    await serving
    await eventually(lambda: not server.server_state.connections)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
