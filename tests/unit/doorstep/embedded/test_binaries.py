import os
from pathlib import Path

import pytest
from typing_extensions import override

from doorstep.embedded import binaries
from doorstep.embedded.account import Account
from doorstep.embedded.errors import CannotStart


def test_the_wheels_are_found() -> None:
    assert os.access(binaries.nats_server(), os.X_OK)
    found = binaries.postgres(None)
    assert found.major >= 18
    for program in ("initdb", "postgres"):
        assert os.access(found / program, os.X_OK)


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no PostgreSQL in"):
        binaries.postgres(tmp_path)


@pytest.mark.parametrize("said", ["postgres (PostgreSQL) 14.9", "nonsense"])
def test_an_old_one_is_refused(tmp_path: Path, said: str) -> None:
    program = tmp_path / "postgres"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    with pytest.raises(CannotStart, match="15 or newer is needed"):
        binaries.postgres(tmp_path)


def test_debians_own_is_welcome(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.12 (Debian 17.12-0+deb13u1)'\n")
    program.chmod(0o755)
    assert binaries.postgres(tmp_path).major == 17


class _Picky(Account):
    """Can run nothing where pip put it."""

    @override
    def can_run(self, argv: list[str]) -> bool:
        return "site-packages" not in argv[0]


def test_who_cannot_run_it_gets_a_copy_once(tmp_path: Path) -> None:
    picky = _Picky("somebody", os.getuid(), os.getgid())
    old_umask = os.umask(0o077)
    try:
        found = binaries.postgres(None, picky, tmp_path)
    finally:
        os.umask(old_umask)
    assert found.folder.is_relative_to(tmp_path)
    program = Path(found / "postgres")
    assert program.stat().st_mode & 0o555 == 0o555
    made_at = program.stat().st_mtime_ns
    assert binaries.postgres(None, picky, tmp_path) == found
    assert program.stat().st_mtime_ns == made_at
    assert [path.suffix for path in tmp_path.iterdir()] != [".new"]
