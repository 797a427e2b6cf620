import os
import subprocess
from pathlib import Path

import pytest

from doorstep.embedded.account import CAP_DAC_READ_SEARCH, choose
from doorstep.embedded.errors import CannotStart

AS_ROOT = os.geteuid() == 0


def test_root_becomes_nobody_and_everybody_else_stays_who_they_are() -> None:
    account = choose(None, Path("/"))
    if AS_ROOT:
        assert account is not None
        assert (account.name, account.passes_folders) == ("nobody", None)
        done = subprocess.run(
            ["id", "-u"], capture_output=True, text=True, preexec_fn=account.become, check=True
        )
        assert int(done.stdout) == account.uid != 0
    else:
        assert account is None


def test_only_root_may_choose_and_not_root_nor_a_stranger() -> None:
    for wanted in ("root", "no-such-account"):
        with pytest.raises(CannotStart, match=r"--run-as|refuses|no account"):
            choose(wanted, Path("/"))


def test_a_closed_folder_is_reached_without_opening_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    inside = closed / "data"
    inside.mkdir()
    account = choose(None, inside)
    if AS_ROOT:
        assert account is not None
        assert account.passes_folders is not None
        assert account.reaches(inside)
        # What initdb asks before it runs a program beside it.
        assert account.can_run(["test", "-x", str(inside)])
        if account.passes_folders == CAP_DAC_READ_SEARCH:
            # To pass is not to write.
            assert not account.can_run(["touch", str(inside / "mine")])
        assert closed.stat().st_mode & 0o777 == 0o700
    else:
        assert account is None
