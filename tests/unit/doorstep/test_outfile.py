"""A file is whole, or as it was."""

from pathlib import Path

import pytest

from doorstep.outfile import written


def test_it_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "alerts.csv"
    with written(path) as write:
        write("第一\r\n")
        assert not path.exists()
    assert path.read_bytes() == "第一\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["alerts.csv"]


def test_what_was_there_stays_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "alerts.csv"
    path.write_text("before")

    def half() -> None:
        with written(path) as write:
            write("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        half()
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["alerts.csv"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), written(tmp_path / "nowhere" / "alerts.csv"):
        pass
