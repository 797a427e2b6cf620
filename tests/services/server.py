"""What the servers of the tests have in common: a folder, a port, a log, a life."""

import os
import shutil
import signal
import socket
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pytest

from doorstep.embedded.child import Program, ended, start, stop, tail, wait_until
from tests.services.debian import Host
from tests.services.doorstep import free_port

if TYPE_CHECKING:
    import subprocess

READY_WITHIN_S = 30.0
STOPPED_WITHIN_S = 10.0
PORTS_TRIED = 3


class Server(ABC):
    """One server on a free loopback port. `with` starts and removes it; or `start` and `close`."""

    name: str
    stops_on = signal.SIGTERM
    dies_on = signal.SIGKILL

    def __init__(self, host: Host) -> None:
        self.host = host
        self.port = free_port()
        self.folder = host.folder(self.name)
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Writes what the server needs in its folder; called before each start."""

    @abstractmethod
    def argv(self) -> list[str]:
        """How it is started, in the words of its own file system."""

    def answers(self) -> bool:
        """Whether it serves; by default, whether somebody listens on its port."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and not ended(self.process)

    def start(self) -> Self:
        """Starts it and waits until it serves; the first start may move to another port."""
        assert not self.running, f"{self.name} is running"
        first = self.process is None
        for _ in range(PORTS_TRIED):
            self.prepare()
            self.process = start(self._program())
            if wait_until(lambda: not self.running or self.answers(), READY_WITHIN_S):
                if self.running:
                    return self
                if first and "in use" in tail(self.log):
                    self.port = free_port()
                    continue
            break
        said = tail(self.log, 40)
        self.kill()
        pytest.fail(f"{self.name} did not start; {self.log} ends:\n{said}", pytrace=False)

    def stop(self) -> None:
        """Ends it in order."""
        if self.process is not None:
            stop(self.process, self._program(), STOPPED_WITHIN_S)

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        if self.process is not None and self.running:
            self.process.send_signal(signal.SIGKILL)
            assert wait_until(lambda: not self.running, STOPPED_WITHIN_S)

    def freeze(self) -> None:
        """Keeps its process from running, with its connections open."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stops and starts it on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops it and removes all it had."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self) -> str:
        """The end of its log."""
        return tail(self.log, 40)

    def own(self, *names: str) -> None:
        """Gives files in its folder to the account it runs as."""
        account = self.host.account
        if account is not None:
            for name in names:
                os.chown(self.folder / name, account.uid, account.gid)

    def _program(self) -> Program:
        return Program(
            argv=self.argv(),
            log=self.log,
            account=self.host.account,
            stops_on=self.stops_on,
            dies_on=self.dies_on,
            cwd=self.folder if self.host.account is None else None,
        )

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()
