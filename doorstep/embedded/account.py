"""As whom PostgreSQL runs when `doorstep up` is started by root, which PostgreSQL refuses to be.

A child takes on an existing unprivileged account (`nobody`, or the one asked for); none is added,
and no folder above ours is made more open. Where that account cannot enter the folders on the way
to the data (a checkout below /root, say), the child alone keeps one Linux capability, the right to
pass and read folders whatever their permissions, so that all data stay in the one folder that was
asked for. Everybody else runs children as themselves and meets none of this.
"""

import ctypes
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from doorstep.embedded.errors import CannotStart

_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

# linux/prctl.h, linux/securebits.h and linux/capability.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECUREBITS: Final = 28
_SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
_PR_CAPBSET_READ: Final = 23
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a child becomes."""

    name: str
    uid: int
    gid: int
    passes_folders: int | None = None
    """The capability it keeps to pass folders that are closed to it."""

    def become(self) -> None:
        """Turns this process into that account for good; for use between fork and exec."""
        if self.passes_folders is not None:
            # Without this bit access(2), which initdb asks, looks as if there were no capability.
            _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.passes_folders is not None:
            _keep_only(self.passes_folders)

    def reaches(self, folder: Path) -> bool:
        """Whether it may enter a folder by its full path."""
        return self.can_run(["/bin/sh", "-c", 'cd -- "$0"', str(folder)])

    def can_run(self, argv: list[str]) -> bool:
        """Whether it can run a short command that then succeeds."""
        try:
            done = subprocess.run(
                argv,
                cwd="/",
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=self.become,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def choose(wanted: str | None, folder: Path) -> Account | None:
    """The account to run PostgreSQL as, able to enter `folder`; None means as ourselves.

    Raises `CannotStart` for an account that is not there or is root, and where there is no
    way for it to reach the folder.
    """
    if os.geteuid() != 0:
        if wanted is not None:
            raise CannotStart("--run-as is for root: anybody else runs as themselves")
        return None
    account = _named(wanted or "nobody")
    if account.reaches(folder):
        return account
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        able = replace(account, passes_folders=capability)
        if _held(capability) and able.reaches(folder):
            return able
    raise CannotStart(
        f"as root PostgreSQL runs as {account.name!r}, who may not enter {folder}:"
        " choose a --data folder that others may pass to, such as /var/lib/doorstep"
    )


def die_with_parent(signal: int, parent: int) -> Callable[[], None]:
    """What a child calls before exec, after it became whom it is to be: changing that forgets it.

    Linux alone can do this; elsewhere `doorstep.embedded.orphans` watches instead.
    """

    def before_exec() -> None:
        if _LIBC is not None:
            _prctl(_PR_SET_PDEATHSIG, signal)
            if os.getppid() != parent:
                os._exit(1)

    return before_exec


def _named(name: str) -> Account:
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise CannotStart(f"there is no account called {name!r} to run as") from error
    if entry.pw_uid == 0:
        raise CannotStart("PostgreSQL refuses to run as root: name another account")
    return Account(name, entry.pw_uid, entry.pw_gid)


def _held(capability: int) -> bool:
    return _LIBC is not None and _LIBC.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1


def _prctl(option: int, *arguments: int) -> None:
    assert _LIBC is not None
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if _LIBC.prctl(option, *(ctypes.c_ulong(each) for each in padded)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def _keep_only(capability: int) -> None:
    """Gives up every capability but one, and lets that one pass through exec (capabilities(7))."""
    assert _LIBC is not None
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable: first for capabilities 0-31, then for 32-63.
    data = (ctypes.c_uint32 * 6)(*(1 << capability,) * 3, 0, 0, 0)
    if _LIBC.capset(header, data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)
