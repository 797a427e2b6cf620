"""The wheel holds what the service reads at run time, and nothing else of ours."""

import subprocess
import sys
import zipfile

import pytest

from tests.meta.source_tree import PACKAGES, ROOT, files


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [sys.executable, *command, "--wheel-dir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_it_has_every_module_and_every_file_that_is_read(names: set[str]) -> None:
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for pattern in ("*.py", "*.sql", "*.toml")
        for path in files(package, pattern)
    }
    assert wanted <= names


def test_it_has_the_page(names: set[str]) -> None:
    assert "console/static/index.html" in names
    assert any(name.startswith("console/static/assets/") for name in names)


def test_it_has_no_source_of_the_page_and_no_tests(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    page = {name for name in names if name.startswith("console/")} - {"console/__init__.py"}
    assert all(name.startswith("console/static/") for name in page)
