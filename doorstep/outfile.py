"""A file that is whole or not there: written beside its place, and moved there when it is done."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_SUFFIX: Final = ".part"


@contextmanager
def written(path: Path) -> Iterator[Callable[[str], object]]:
    """Gives a function that writes text. Raises `OSError`, and then leaves what was there before.

    The file can be read by its owner alone, as what is exported should.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
