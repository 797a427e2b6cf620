"""What everybody writes first, to be compared with: MQTT to a plain table, in two forms.

    python -m bench.plain paho|aiomqtt PORT DATABASE_URL

`paho`: in the callback, one INSERT and one COMMIT a message. `aiomqtt`: batches of 500 by
executemany, and what does not fill one is never written. Neither judges, rejects, recognises
duplicates or holds the puback back until the commit; the table has no key. Says `{"ready": true}`
when it hears; ends with standard input.
"""

import asyncio
import json
import sys
from typing import Any, Final

import aiomqtt
import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.load import TOPIC

FILTER: Final = TOPIC.format("+")
BATCH: Final = 500
COLUMNS: Final = (
    *("measured_at", "temperature_c", "site", "pulse_bpm", "spo2_pct", "steps"),
    *("lat", "lon", "accuracy_m", "battery_pct", "worn"),
)
TABLE: Final = (
    "CREATE TABLE plain (device text, measured_at timestamptz, temperature_c real, site text,"
    " pulse_bpm int, spo2_pct int, steps int, lat float8, lon float8, accuracy_m real,"
    " battery_pct int, worn boolean)"
)
INSERT: Final = "INSERT INTO plain VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def values(topic: str, payload: Any) -> tuple[object, ...]:
    """A row of the table."""
    reading = json.loads(payload)
    return (topic.split("/")[3], *(reading[name] for name in COLUMNS))


def paho(port: int, database: str) -> None:
    """Returns when standard input ends."""
    connection = psycopg.connect(database)
    client = Client(CallbackAPIVersion.VERSION2, client_id="bench-paho", clean_session=False)

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        connection.execute(INSERT, values(message.topic, message.payload))
        connection.commit()

    client.on_message = on_message
    client.on_subscribe = lambda *_: ready()
    client.connect("127.0.0.1", port)
    client.subscribe(FILTER, qos=1)
    client.loop_start()
    wait_for_the_end()
    client.loop_stop()


async def aio(port: int, database: str) -> None:
    """Returns when standard input ends."""
    async with (
        await psycopg.AsyncConnection.connect(database) as connection,
        aiomqtt.Client("127.0.0.1", port, identifier="bench-aiomqtt") as client,
        asyncio.TaskGroup() as tasks,
    ):
        await client.subscribe(FILTER, qos=1)
        ready()
        writing = tasks.create_task(write(client, connection))
        await asyncio.to_thread(wait_for_the_end)
        writing.cancel()


async def write(client: aiomqtt.Client, connection: psycopg.AsyncConnection) -> None:
    """Writes whenever a batch is full."""
    batch: list[tuple[object, ...]] = []
    async for message in client.messages:
        batch.append(values(str(message.topic), message.payload))
        if len(batch) == BATCH:
            async with connection.cursor() as cursor:
                await cursor.executemany(INSERT, batch)
            await connection.commit()
            batch = []


def ready() -> None:
    print(json.dumps({"ready": True}), flush=True)


def wait_for_the_end() -> None:
    sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1] == "paho":
        paho(int(sys.argv[2]), sys.argv[3])
    else:
        asyncio.run(aio(int(sys.argv[2]), sys.argv[3]))
