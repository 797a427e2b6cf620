"""When the page is built anew, and with which Node."""

from pathlib import Path

import pytest

import hatch_build


@pytest.fixture
def console(tmp_path: Path) -> Path:
    """A console folder with the sources that count, and a page built from them."""
    for name in hatch_build.SOURCES:
        (tmp_path / name).write_text(name)
    (tmp_path / "src" / "lib").mkdir(parents=True)
    (tmp_path / "src" / "lib" / "words.ts").write_text("export {}")
    (tmp_path / "static").mkdir()
    stamp = tmp_path / "static" / hatch_build.STAMP
    stamp.write_text(hatch_build.fingerprint(tmp_path) + "\n")
    assert hatch_build.is_fresh(tmp_path)
    return tmp_path


def test_a_fresh_page_is_left_alone(console: Path) -> None:
    assert not hatch_build.build(console)


@pytest.mark.parametrize("name", ["src/lib/words.ts", "package-lock.json", "src/lib/new.ts"])
def test_a_changed_or_new_source_makes_the_page_stale(console: Path, name: str) -> None:
    (console / name).write_text("other")
    assert not hatch_build.is_fresh(console)


def test_a_moved_source_makes_the_page_stale(console: Path) -> None:
    (console / "src" / "lib" / "words.ts").rename(console / "src" / "words.ts")
    assert not hatch_build.is_fresh(console)


def test_tests_and_time_stamps_do_not(console: Path) -> None:
    (console / "tests").mkdir()
    (console / "tests" / "words.test.ts").write_text("test")
    (console / "index.html").touch()
    assert hatch_build.is_fresh(console)


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v20.18.3", False),
        ("v20.19.0\n", True),
        ("v21.7.1", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0-nightly", True),
        ("", False),
        ("not found", False),
    ],
)
def test_vite_decides_which_node_is_new_enough(version: str, enough: bool) -> None:
    assert hatch_build.new_enough(version) is enough


def test_a_build_that_fails_says_why_and_leaves_the_old_page(console: Path) -> None:
    (console / "package.json").write_text("not json")
    node = hatch_build.node_on_path() or hatch_build.node_of_wheel()
    assert node is not None
    with pytest.raises(hatch_build.PageNotBuilt, match="npm"):
        hatch_build.build(console)
    assert (console / "static" / hatch_build.STAMP).exists()
