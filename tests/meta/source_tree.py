"""What the meta tests look at: the project's files, parsed once."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "rules", "alerts", "ingest", "store", "simulator", "console", "doorstep")
_NOT_OURS = ("node_modules", "static", "__pycache__")


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def where(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def name(self) -> str:
        """The name it is imported by."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def files(folder: str, pattern: str) -> Iterator[Path]:
    """Our own files under a folder, in order."""
    for path in sorted((ROOT / folder).rglob(pattern)):
        if path.is_file() and not any(part in _NOT_OURS for part in path.parts):
            yield path


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """The Python files under the folders."""
    found = []
    for folder in folders:
        for path in files(folder, "*.py"):
            text = path.read_text(encoding="utf-8")
            found.append(Module(path, text, ast.parse(text, str(path))))
    return tuple(found)


def sources() -> tuple[Module, ...]:
    return modules(*PACKAGES)


def tests() -> tuple[Module, ...]:
    return modules("tests")


@cache
def pure() -> tuple[Module, ...]:
    """The modules of the purity contract; a package stands for all that is in it."""
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["id"] == "purity")
    names = contract["source_modules"]
    return tuple(
        module
        for module in sources()
        if any(module.name == name or module.name.startswith(f"{name}.") for name in names)
    )
