"""The hand that carries out a plan's faults, one after the other.

Before most of them ingestion is well again, before some it is not, so that recovery is hit as well.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.crash.deployment import READY_WITHIN_S, Deployment
from tests.crash.plans import Fault
from tests.crash.publisher import Publisher
from tests.services.postgres import SmallDiskPostgres

INGEST_ID = "doorstep-ingest"

NOTICED_WITHIN_S = 15.0


class Nemesis:
    """Carries out faults on a deployment until its time or the faults are over."""

    def __init__(
        self,
        deployment: Deployment,
        publisher: Publisher,
        faults: Iterator[Fault],
        tell: Callable[[str], None],
    ) -> None:
        self._deployment = deployment
        self._publisher = publisher
        self._faults = faults
        self._tell = tell
        self.done: dict[str, int] = {}
        self.idle = 0
        """Faults that came when the devices had nothing more to send."""

    def run(self, seconds: float) -> None:
        """Returns after the last fault that begins within so many seconds."""
        begun_at = time.monotonic()
        over = threading.Event()
        for fault in self._faults:
            over.wait(fault.after_s)
            if fault.waits:
                self._deployment.ingest.wait_ready(READY_WITHIN_S)
            elapsed = time.monotonic() - begun_at
            if elapsed > seconds:
                return
            self._tell(f"  {elapsed:7.1f}s  {fault}")
            self.idle += self._publisher.idle
            getattr(self, f"_{fault.kind}")(fault.lasts_s)
            self.done[fault.kind] = self.done.get(fault.kind, 0) + 1

    def _kill_ingest(self, lasts_s: float) -> None:
        self._deployment.ingest.kill(lasts_s / 3)

    def _freeze_ingest(self, lasts_s: float) -> None:
        ingest = self._deployment.ingest
        ingest.signal(signal.SIGSTOP)
        time.sleep(lasts_s)
        ingest.signal(signal.SIGCONT)

    def _kill_database(self, lasts_s: float) -> None:
        self._deployment.postgres.kill()
        time.sleep(lasts_s)
        self._deployment.postgres.start()

    def _stop_database(self, lasts_s: float) -> None:
        postgres = self._deployment.postgres
        assert postgres.process is not None
        postgres.process.send_signal(signal.SIGQUIT)
        postgres.process.wait(20)
        time.sleep(lasts_s)
        postgres.start()

    _outage = _kill_database

    def _fill_disk(self, lasts_s: float) -> None:
        """Until it is noticed, and a while longer. PostgreSQL may die of it, as on any disk."""
        postgres, ingest = self._deployment.postgres, self._deployment.ingest
        assert isinstance(postgres, SmallDiskPostgres)
        with postgres.full():
            noticed = _until(lambda: not (postgres.running and ingest.ready()), NOTICED_WITHIN_S)
            assert noticed, "the database's disk is full, and ingestion is well"
            time.sleep(lasts_s)
        if not postgres.running:
            postgres.start()

    def _cut_database(self, lasts_s: float) -> None:
        """Both cables; and where it lasts, no new connection meanwhile."""
        cables = (self._deployment.cable, self._deployment.serve_cable)
        for cable in cables:
            cable.refuse()
        time.sleep(lasts_s)
        for cable in cables:
            cable.accept()

    def _stall_database(self, lasts_s: float) -> None:
        self._deployment.cable.stall()
        time.sleep(lasts_s)
        self._deployment.cable.flow()

    def _cut_before_commit(self, lasts_s: float) -> None:
        self._cut_in_commit("before", lasts_s=lasts_s)

    def _cut_after_commit(self, lasts_s: float) -> None:
        self._cut_in_commit("after", lasts_s=lasts_s)

    def _cut_settling(self, lasts_s: float) -> None:
        """After the COMMIT, and again when it is to be found out what became of it."""
        self._cut_in_commit("after", "settling", lasts_s=lasts_s)

    def _cut_in_commit(self, *places: str, lasts_s: float) -> None:
        cable = self._deployment.cable
        cable.arm(*places)
        cable.sprung.wait(READY_WITHIN_S)
        cable.disarm()
        time.sleep(lasts_s)

    def _cut_broker(self, lasts_s: float) -> None:
        cable = self._deployment.broker_cable
        cable.refuse()
        time.sleep(lasts_s)
        cable.accept()

    def _kill_broker(self, lasts_s: float) -> None:
        self._deployment.broker.server.kill()
        time.sleep(lasts_s)
        self._deployment.broker.server.start()

    def _kill_calm_broker(self, lasts_s: float) -> None:
        """When the devices wait for nothing, and it has answered something since.

        Mosquitto writes what it has confirmed in one turn of its loop before the next turn begins.
        So nothing of the devices' is lost; what ingestion confirms meanwhile may well be.
        """
        with self._publisher.silent():
            self._deployment.broker.ask()
            self._kill_broker(lasts_s)

    def _kill_serve(self, lasts_s: float) -> None:
        self._deployment.serve.kill(lasts_s)

    def _steal_session(self, lasts_s: float) -> None:
        """A stranger with our client id takes messages and confirms none."""
        five = self._deployment.broker.protocol == "5"
        thief = Client(
            CallbackAPIVersion.VERSION2,
            client_id=INGEST_ID,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        where = ("127.0.0.1", self._deployment.broker.port, 10)
        try:
            if five:
                stays = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                stays.SessionExpiryInterval = 86_400
                thief.connect(*where, clean_start=False, properties=stays)
            else:
                thief.connect(*where)
        except OSError:
            return
        deadline = time.monotonic() + lasts_s
        while time.monotonic() < deadline and thief.loop(0.05) == 0:
            pass
        thief.disconnect()

    def _second_ingest(self, lasts_s: float) -> None:
        """Another one waits for the shard, has it while the first is dead, and dies in its turn."""
        second = self._deployment.another_ingest()
        second.start()
        self._deployment.ingest.kill(lasts_s)
        time.sleep(lasts_s)
        second.kill()

    def _fence_ingest(self, lasts_s: float) -> None:
        """The first is frozen and its session with the database is gone; the second takes over."""
        ingest = self._deployment.ingest
        ingest.signal(signal.SIGSTOP)
        self._deployment.cable.cut()
        second = self._deployment.another_ingest()
        second.start()
        _until(lambda: second.process is None or second.process.poll() is not None, lasts_s + 2)
        ingest.signal(signal.SIGCONT)
        time.sleep(lasts_s)
        second.kill()


def _until(true: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False
