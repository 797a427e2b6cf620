import csv
from pathlib import Path

from bench.history import COLUMNS, Machine, append
from bench.table import Row

MACHINE = Machine("a cpu, of some kind", 2, "6.1")


def test_rows_are_added_below_those_of_earlier_runs(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    append(
        [Row("first", 1234567.0, "readings/s", "null", 2469134.0)], "t1", MACHINE, "3 rounds", file
    )
    append([Row("second", 0.125, "s")], "t2", MACHINE, "--quick", file)
    with file.open(newline="") as opened:
        first, second = csv.DictReader(opened)
    assert set(first) == set(COLUMNS)
    assert (first["at"], first["cpu"], first["cores"]) == ("t1", "a cpu, of some kind", "2")
    assert (first["how"], second["how"]) == ("3 rounds", "--quick")
    assert (first["row"], first["figure"], first["ratio"]) == ("first", "1234567", "0.5")
    assert (second["at"], second["row"], second["figure"]) == ("t2", "second", "0.125")
    assert (second["baseline"], second["ratio"]) == ("", "")


def test_the_machine_says_what_it_is() -> None:
    machine = Machine.this()
    assert machine.cpu
    assert machine.cores > 0
    assert machine.kernel
