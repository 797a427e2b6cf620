import os
import stat
from pathlib import Path

import pytest

from doorstep.embedded.errors import CannotStart
from doorstep.embedded.folder import opened


def test_a_folder_is_made_and_keeps_its_secrets(tmp_path: Path) -> None:
    with opened(tmp_path / "a" / "data") as folder:
        secret = folder.secret("mqtt-password")
        assert len(secret) >= 20
        assert folder.secret("mqtt-password") == secret
        assert folder.secret("other") != secret
        folder.keep_secret("url", "x")
        file = folder.secret_file("mqtt-password")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with opened(tmp_path / "a" / "data") as folder:
        assert folder.secret("mqtt-password") == secret
        assert folder.secret("url") == "x"


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with opened(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_one_at_a_time(tmp_path: Path) -> None:
    with (
        opened(tmp_path),
        pytest.raises(CannotStart, match=rf"in use by another .* \(process {os.getpid()}\)"),
        opened(tmp_path),
    ):
        pass
    with opened(tmp_path):
        pass


def test_a_file_in_its_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for path in (tmp_path / "data", tmp_path / "data" / "deeper"):
        with pytest.raises(CannotStart, match=r"cannot write in the data folder .*data"):
            opened(path).__enter__()


def test_state_is_kept_and_damage_is_said(tmp_path: Path) -> None:
    with opened(tmp_path) as folder:
        assert folder.state() == {}
        folder.keep_state({"last_at": 3})
        assert folder.state() == {"last_at": 3}
        for damage in ("{", "[]"):
            (tmp_path / "state.json").write_text(damage)
            with pytest.raises(CannotStart, match="damaged"):
                folder.state()
