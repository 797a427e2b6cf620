"""The process tree, with shell scripts in place of servers."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from doorstep.embedded.child import Program, wait_until
from doorstep.embedded.errors import GaveUp, Unreachable
from doorstep.embedded.stopping import Stop, StopRequested
from doorstep.embedded.tree import LOG_BYTES, Part, Tree

pytestmark = pytest.mark.integration

RUNS = "while :; do sleep 0.05; done"


@pytest.fixture
def stopping() -> Iterator[Stop]:
    with Stop() as stop:
        yield stop


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def tree(stopping: Stop, said: list[str]) -> Iterator[Tree]:
    with Tree(stopping, said.append) as made:
        yield made


def part(folder: Path, name: str, script: str, tries: int | None = None) -> Part:
    program = Program(["sh", "-c", script], log=folder / f"{name}.log", cwd=folder)
    return Part(name, program, ready=(folder / f"{name}.ready").exists, tries=tries)


def server(folder: Path, name: str) -> Part:
    """Ready at once; writes down when it starts and when it is told to stop."""
    script = f"trap 'echo -{name} >> story; exit 0' TERM; echo +{name} >> story; touch {name}.ready"
    return part(folder, name, f"{script}; {RUNS}")


def watch_for(tree: Tree, seconds: float) -> None:
    """Watches for so long."""
    until = time.monotonic() + seconds

    def often() -> None:
        if time.monotonic() > until:
            raise StopRequested

    with pytest.raises(StopRequested):
        tree.watch(0.05, often)


def test_parts_start_in_order_and_stop_in_reverse(tree: Tree, tmp_path: Path) -> None:
    for name in "abc":
        tree.start(server(tmp_path, name))
    pids = tree.pids()
    assert [os.getsid(pid) for pid in pids.values()] == list(pids.values())
    tree.close()
    assert (tmp_path / "story").read_text().split() == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert not any(psutil.pid_exists(pid) for pid in pids.values())


def test_a_part_that_falls_is_brought_back_and_that_is_said(
    tree: Tree, said: list[str], tmp_path: Path
) -> None:
    tree.start(server(tmp_path, "a"))
    before = tree.pids()["a"]
    os.kill(before, signal.SIGKILL)
    watch_for(tree, 1.5)
    assert tree.pids()["a"] != before
    assert len(said) == 1
    assert said[0].startswith("a ended with code -9")
    assert said[0].endswith("starting it again in 0.5 s")


def test_the_delay_grows(tree: Tree, said: list[str], tmp_path: Path) -> None:
    script = "touch a.ready; sleep 0.1; echo oops; exit 7"
    tree.start(part(tmp_path, "a", script))
    watch_for(tree, 2.5)
    assert [line.split(" in ")[1] for line in said] == ["0.5 s", "1 s", "2 s"][: len(said)]
    assert len(said) >= 2
    assert "a ended with code 7: oops;" in said[0]


def test_what_everything_needs_takes_everything_down_after_some_tries(
    tree: Tree, tmp_path: Path
) -> None:
    tree.start(server(tmp_path, "other"))
    tree.start(part(tmp_path, "a", "touch a.ready; sleep 0.1; echo oops; exit 7", tries=1))
    with pytest.raises(GaveUp, match=r"a keeps ending \(code 7\): oops") as caught:
        tree.watch(1, lambda: None)
    assert caught.value.code == 1


def test_a_part_that_may_finish_is_let_go(tree: Tree, said: list[str], tmp_path: Path) -> None:
    tree.start(replace(part(tmp_path, "a", "touch a.ready; sleep 0.1"), may_finish=True))
    watch_for(tree, 1.0)
    assert said == ["a has finished"]


def test_what_does_not_become_ready_is_an_error(tree: Tree, tmp_path: Path) -> None:
    for tries, kind in ((None, GaveUp), (3, Unreachable)):
        slow = replace(part(tmp_path, "a", RUNS, tries=tries), ready_within_s=0.2)
        with pytest.raises(kind, match=r"a is not ready after 0\.2 s"):
            tree.start(slow)


@pytest.mark.parametrize(("code", "ours"), [(1, 1), (3, 3), (4, 4), (2, 1), (7, 1)])
def test_what_dies_at_its_start_says_why(tree: Tree, tmp_path: Path, code: int, ours: int) -> None:
    with pytest.raises(GaveUp, match="a does not start: no such thing") as caught:
        tree.start(part(tmp_path, "a", f"echo no such thing; exit {code}"))
    assert caught.value.code == ours


def test_a_needed_part_is_tried_again_at_its_start(tree: Tree, tmp_path: Path) -> None:
    script = f"[ -e tried ] || {{ touch tried; exit 1; }}; touch a.ready; {RUNS}"
    tree.start(part(tmp_path, "a", script, tries=3))
    assert "a" in tree.pids()


def test_a_command_runs_to_its_end(tree: Tree, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word\n")
    with secret.open("rb") as stdin:
        program = Program(["sh", "-c", "read x; echo got $x"], log=tmp_path / "log")
        tree.run("reader", program, stdin=stdin.fileno())
    assert (tmp_path / "log").read_text() == "got word\n"
    with pytest.raises(GaveUp, match="fails failed: oh"):
        tree.run("fails", Program(["sh", "-c", "echo oh; exit 1"], log=tmp_path / "log"))
    with pytest.raises(GaveUp, match=r"sleeps takes longer than 0\.1 s"):
        tree.run("sleeps", Program(["sleep", "60"], log=tmp_path / "log2"), within_s=0.1)
    with pytest.raises(GaveUp, match="cannot start ghost"):
        tree.run("ghost", Program([str(tmp_path / "ghost")], log=tmp_path / "log3"))


def test_what_will_not_stop_is_killed_with_all_it_started(tree: Tree, tmp_path: Path) -> None:
    script = f"trap '' TERM; sleep 600 & echo $! > grandchild; touch a.ready; {RUNS}"
    tree.start(replace(part(tmp_path, "a", script), stops_within_s=0.3))
    pid, grandchild = tree.pids()["a"], int((tmp_path / "grandchild").read_text())
    tree.close()
    assert wait_until(lambda: not psutil.pid_exists(pid) and not _alive(grandchild), 5)


def test_a_signal_while_starting_stops_what_was_started(
    stopping: Stop, tree: Tree, tmp_path: Path
) -> None:
    tree.start(server(tmp_path, "a"))
    pid = tree.pids()["a"]
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopRequested):
        tree.start(part(tmp_path, "never", RUNS))
    tree.close()
    assert stopping.requests == 1
    assert not psutil.pid_exists(pid)


def test_a_large_log_is_put_aside_at_the_next_start(tree: Tree, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    os.truncate(log, LOG_BYTES + 1)
    tree.start(server(tmp_path, "a"))
    assert (tmp_path / "a.log.1").stat().st_size == LOG_BYTES + 1
    assert log.stat().st_size == 0


PARENT = """
    import json, signal, sys, time
    from pathlib import Path
    from doorstep.embedded import account, orphans, tree
    from doorstep.embedded.child import Program
    from doorstep.embedded.stopping import Stop

    if sys.argv[1] == "elsewhere":
        account._LIBC = None
        tree.Watch = lambda: orphans.Watch(needed=True)
    with Stop() as stopping, tree.Tree(stopping, print) as parts:
        for name in ("a", "b"):
            program = Program(["sh", "-c", "trap '' TERM INT; while :; do sleep 0.05; done"])
            parts.start(tree.Part(name, program))
        watcher = parts._watch.pid
        print(json.dumps({"pids": list(parts.pids().values()), "watcher": watcher}), flush=True)
        stopping.wait(60)
"""


@pytest.mark.parametrize("system", [sys.platform, "elsewhere"])
def test_nothing_outlives_a_killed_parent(tmp_path: Path, system: str) -> None:
    script = tmp_path / "parent.py"
    script.write_text(textwrap.dedent(PARENT))
    argv = [sys.executable, str(script), system]
    root = str(Path(__file__).resolve().parents[3])
    env = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        told = json.loads(parent.stdout.readline())
        assert len(told["pids"]) == 2
        assert all(map(_alive, told["pids"]))
        if system == "elsewhere":
            assert _alive(told["watcher"])
        parent.kill()
    assert wait_until(lambda: not any(map(_alive, told["pids"])), 5)
    if told["watcher"] is not None:
        assert wait_until(lambda: not _alive(told["watcher"]), 5)


def _alive(pid: int) -> bool:
    """A killed orphan may stay as a zombie where nobody collects it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
