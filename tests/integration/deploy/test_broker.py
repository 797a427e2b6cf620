"""What deploy/mosquitto promises, tried on a broker: who may say what, what is never dropped."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from alerts.canary import DEVICE as CANARY
from alerts.feeds.mqtt import canary_topic, topic
from tests.integration.deploy.deployed_broker import PROFILES, DeployedBroker, Prepared
from tests.integration.ingest.harness import eventually, make, running

SESSION = "doorstep-ingest"
READINGS = "doorstep/v1/devices/+/readings"
SECONDS = 20.0


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    prepared = Prepared(tmp_path_factory.mktemp("deploy"))
    # The example of the access list, as an operator who follows it writes it.
    acl = prepared.folder / "mosquitto" / "acl"
    acl.write_text(acl.read_text().replace("#   ", ""))
    return prepared


@pytest.fixture(scope="module")
def passwords(prepared: Prepared) -> dict[str, str]:
    return {
        SESSION: prepared.secret("mqtt_ingest_password"),
        "doorstep-serve": prepared.secret("mqtt_serve_password"),
        "clinic-3": prepared.device("clinic-3"),
        "doorstep-simulate": prepared.secret("mqtt_simulate_password"),
        "w-000001": prepared.device("w-000001"),
        "w-000002": prepared.device("w-000002"),
    }


@pytest.fixture(scope="module", params=PROFILES)
def broker(
    request: pytest.FixtureRequest, prepared: Prepared, passwords: dict[str, str]
) -> Iterator[DeployedBroker]:
    """Each profile on the Mosquitto it is for."""
    assert passwords
    with DeployedBroker(prepared, request.param) as broker:
        yield broker


class Clients:
    """Connects as somebody, to the listener that is theirs."""

    def __init__(self, broker: DeployedBroker, prepared: Prepared, words: dict[str, str]) -> None:
        self._broker = broker
        self._words = words
        certificate = prepared.folder / "secrets" / "broker" / "server.crt"
        self._trust = ssl.create_default_context(cafile=certificate)

    def device(self, name: str, identifier: str | None = None) -> aiomqtt.Client:
        return aiomqtt.Client(
            "localhost",
            self._broker.device_port,
            username=name,
            password=self._words.get(name),
            identifier=identifier or name,
            tls_context=self._trust,
            protocol=aiomqtt.ProtocolVersion.V5,
        )

    def service(self, name: str, *, keep: bool = False) -> aiomqtt.Client:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600 if keep else 0
        properties.ReceiveMaximum = 2000
        return aiomqtt.Client(
            "127.0.0.1",
            self._broker.port,
            username=name,
            password=self._words.get(name),
            identifier=name,
            clean_start=not keep,
            properties=properties,
            protocol=aiomqtt.ProtocolVersion.V5,
        )

    @asynccontextmanager
    async def ingestion(self, *, keep: bool = False) -> AsyncIterator[aiomqtt.Client]:
        async with self.service(SESSION, keep=keep) as client:
            await client.subscribe(READINGS, qos=1)
            yield client


@pytest.fixture
def clients(broker: DeployedBroker, prepared: Prepared, passwords: dict[str, str]) -> Clients:
    return Clients(broker, prepared, passwords)


async def say(client: aiomqtt.Client, device: str, what: str, kind: str = "readings") -> None:
    await client.publish(f"doorstep/v1/devices/{device}/{kind}", what, qos=1)


async def heard(client: aiomqtt.Client, until: str) -> list[tuple[str, str]]:
    """(device, payload) of what arrives, up to and without the payload `until`."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(SECONDS):
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            if message.payload.decode() == until:
                return found
            found.append((message.topic.value.split("/")[3], message.payload.decode()))
    return found


async def test_a_device_speaks_for_itself_only(clients: Clients) -> None:
    async with clients.ingestion() as ingestion:
        await ingestion.subscribe("doorstep/v1/devices/+/status", qos=1)
        for device, kind in (
            ("w-000001", "readings"),
            ("w-000002", "readings"),
            ("w-000002", "status"),
        ):
            # The broker may refuse the message or hang up; either way it goes nowhere.
            with suppress(aiomqtt.MqttError):
                async with clients.device("w-000001") as client:
                    await say(client, device, f"as {device}", kind)
        async with clients.device("w-000001") as client:
            await say(client, "w-000001", "end")
        assert await heard(ingestion, "end") == [("w-000001", "as w-000001")]


async def test_a_device_hears_what_is_for_it_only(clients: Clients) -> None:
    async with (
        clients.device("w-000001") as device,
        clients.device("w-000002") as other,
        clients.service(SESSION) as ingestion,
    ):
        await device.subscribe("#", qos=1)
        await say(other, "w-000002", "secret")
        await say(ingestion, "w-000002", "secret", "receipt")
        await say(ingestion, "w-000001", "end", "receipt")
        assert await heard(device, "end") == []


async def test_the_simulator_hears_receipts_and_no_readings(clients: Clients) -> None:
    async with (
        clients.service("doorstep-simulate") as simulator,
        clients.device("w-000001") as device,
        clients.service(SESSION) as ingestion,
    ):
        await simulator.subscribe("doorstep/v1/devices/#", qos=1)
        await say(device, "w-000001", "a reading")
        await say(ingestion, "w-000001", "a receipt", "receipt")
        await say(ingestion, "w-000002", "an error", "errors")
        await say(ingestion, "w-000002", "end", "receipt")
        assert await heard(simulator, "end") == [
            ("w-000001", "a receipt"),
            ("w-000002", "an error"),
        ]


async def test_who_serves_tells_of_alerts_and_a_clinic_hears_its_own(clients: Clients) -> None:
    async with clients.service("clinic-3") as clinic, clients.service("doorstep-serve") as serve:
        await clinic.subscribe("doorstep/v1/grids/#", qos=1)
        for grid, alert in (("grid-2", "not theirs"), ("grid-03", "a-1"), ("grid-03", "end")):
            await serve.publish(topic(grid, "a-1"), alert, qos=1)
        with suppress(aiomqtt.MqttError):
            async with clients.device("w-000001") as device:
                await device.publish(topic("grid-03", "a-2"), "forged", qos=1)
        assert await heard(clinic, "end") == [("grid-03", "a-1")]


async def test_who_serves_sends_canaries_and_no_readings(clients: Clients) -> None:
    async with (
        clients.ingestion() as ingestion,
        clients.service("doorstep-serve") as serve,
        clients.service("clinic-3") as clinic,
    ):
        await clinic.subscribe("doorstep/v1/grids/grid-03/alerts/#", qos=1)
        with suppress(aiomqtt.MqttError):
            async with clients.device("w-000001") as device:
                await say(device, CANARY, "forged")
        await say(serve, CANARY, "a canary")
        await say(serve, CANARY, "end")
        assert await heard(ingestion, "end") == [(CANARY, "a canary")]
        await serve.publish(canary_topic("grid-03"), "a canary", qos=1)
        await serve.publish(topic("grid-03", "a-1"), "end", qos=1)
        assert await heard(clinic, "end") == []
        with suppress(aiomqtt.MqttError):
            await say(serve, "w-000001", "in the name of a device")
        async with clients.device("w-000001") as device:
            await say(device, "w-000001", "end")
        assert await heard(ingestion, "end") == []


async def test_a_device_cannot_take_the_session_of_ingestion(clients: Clients) -> None:
    async with clients.ingestion(keep=True):
        pass
    async with clients.device("w-000001") as device:
        for number in range(50):
            await say(device, "w-000001", str(number))
    # A clean start with ingestion's client id would erase the queue.
    async with clients.device("w-000002", identifier=SESSION) as thief:
        await say(thief, "w-000002", "stolen?")
    async with clients.ingestion(keep=True) as ingestion, clients.device("w-000001") as device:
        await say(device, "w-000001", "end")
        kept = await heard(ingestion, "end")
    assert kept == [("w-000001", str(n)) for n in range(50)] + [("w-000002", "stolen?")]
    async with clients.service(SESSION):
        pass  # a clean start, so that no queue is left for the next test


async def test_the_queue_of_an_absent_ingestion_is_not_cut_at_a_thousand(clients: Clients) -> None:
    async with clients.ingestion(keep=True):
        pass
    async with clients.service("doorstep-simulate") as simulator:
        for number in range(1_500):
            await say(simulator, "w-000001", str(number))
        await say(simulator, "w-000001", "end")
    async with clients.ingestion(keep=True) as ingestion:
        assert await heard(ingestion, "end") == [("w-000001", str(n)) for n in range(1_500)]
    async with clients.service(SESSION):
        pass


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_ingestion_hears_itself(
    broker: DeployedBroker, passwords: dict[str, str], protocol: str
) -> None:
    login = {"username": SESSION, "password": passwords[SESSION]}
    source = make(f"mqtt://127.0.0.1:{broker.port}", protocol, echo_s=0.1, **login)
    async with running(source) as listener:
        await eventually(lambda: source.hearing.heard_at is not None)
        assert not listener.losses


@pytest.mark.parametrize(
    ("profile", "count", "at_once"),
    [("mosquitto.conf", 2_000, 20), ("mosquitto-2.0.conf", 300, 1)],
)
async def test_what_it_confirmed_is_there_after_a_kill(
    prepared: Prepared, passwords: dict[str, str], profile: str, count: int, at_once: int
) -> None:
    """2.0 writes everything anew for each message, so it is tried at a pace it can keep."""
    with DeployedBroker(prepared, profile) as broker:
        clients = Clients(broker, prepared, passwords)
        async with clients.ingestion(keep=True):
            pass
        async with clients.service("doorstep-simulate") as simulator:
            for begin in range(0, count, at_once):
                async with asyncio.TaskGroup() as tasks:
                    for number in range(begin, begin + at_once):
                        tasks.create_task(say(simulator, "w-000001", str(number)))
            # It writes what it confirmed before it answers anything else.
            await say(simulator, "w-000001", "", "status")
            broker.kill()
        broker.start()
        async with clients.ingestion(keep=True) as ingestion:
            async with clients.service("doorstep-simulate") as simulator:
                await say(simulator, "w-000001", "end")
            kept = await heard(ingestion, "end")
    assert sorted(int(payload) for _, payload in kept) == list(range(count))


@pytest.mark.parametrize("name", ["w-000009", "doorstep-ingest", ""])
async def test_nobody_comes_in_without_a_password(
    broker: DeployedBroker, prepared: Prepared, name: str
) -> None:
    strangers = Clients(broker, prepared, {})
    with pytest.raises(aiomqtt.MqttError):
        async with strangers.device(name, identifier="x"):
            pass
    with pytest.raises(aiomqtt.MqttError):
        async with strangers.service(name):
            pass


def test_prepare_keeps_what_is_there(prepared: Prepared, passwords: dict[str, str]) -> None:
    before = {name: prepared.secret(name) for name in ("database_url", "broker/passwords")}
    assert prepared.run("localhost").returncode == 0
    assert {name: prepared.secret(name) for name in before} == before
    assert all(word not in before["broker/passwords"] for word in passwords.values())


@pytest.mark.parametrize("name", ["doorstep-ingest", "a/b", "+", "", "a" * 65])
def test_prepare_refuses_what_is_no_device(prepared: Prepared, name: str) -> None:
    done = prepared.run("device", name)
    assert (done.returncode, done.stdout) == (2, "")


def test_prepare_gives_a_device_one_password(prepared: Prepared, passwords: dict[str, str]) -> None:
    assert passwords["w-000001"] != passwords["w-000002"]
    again = prepared.run("device", "w-000001")
    assert (again.returncode, again.stdout) == (1, "")


def test_secrets_are_closed_to_others(prepared: Prepared) -> None:
    """Containers read them as users of their own; the folder lets nobody else through."""
    assert prepared.modes()["."] == 0o700


def test_the_database_url_is_one_that_doorstep_takes(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from doorstep.settings import load_settings

    monkeypatch.chdir(tmp_path)
    file = prepared.folder / "secrets" / "database_url"
    monkeypatch.setenv("DOORSTEP_DATABASE_URL_FILE", str(file))
    url = load_settings().database_url
    assert (
        url
        == f"postgresql://doorstep:{prepared.secret('database_password')}@database:5432/doorstep"
    )
