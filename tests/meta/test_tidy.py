"""The house rules that no linter holds. docs/architecture.md and CONTRIBUTING.md say why."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from domain.faults import Point
from doorstep.cli import COMMANDS
from tests.meta import code_smells, source_tree
from tests.meta.code_smells import Smell
from tests.meta.source_tree import ROOT, Module

BODY_LINES = 60
FILE_LINES = 400
BROAD_EXCEPTS = 3
ENTRY_POINTS = (
    "doorstep.__main__",
    # The command line imports the command that is run, by name.
    *(f"doorstep.commands.{name}" for name in COMMANDS),
)
SHELLS = (
    "alerts.api",
    "alerts.dispatcher",
    "alerts.feeds",
    "alerts.metrics",
    "alerts.passwords",
    "console",
    "doorstep",
    "ingest.health",
    "ingest.metrics",
    "ingest.outgoing",
    "ingest.runner",
    "ingest.sources",
    "simulator.publisher",
    "store",
)
"""What may touch the world. Everything else is pure, and pyproject.toml lists it."""
# Spelt so that this file does not find itself.
LEFTOVERS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
SQL = re.compile(
    r"\s*(SELECT\s|INSERT INTO\s|UPDATE \w+ SET\s|DELETE FROM\s|CREATE TABLE\s"
    r"|WITH \w+ AS\s|COPY \w)"
)
SQL_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(CURRENT_TIMESTAMP|CURRENT_DATE|CURRENT_TIME|LOCALTIMESTAMP)\b",
    re.IGNORECASE,
)


def offences(modules: Iterable[Module], check: Callable[[ast.Module], Iterable[Smell]]) -> str:
    """All that a check finds, a line each; empty when all is well."""
    return "\n".join(
        f"{module.where}:{line}: {what}"
        for module in modules
        for line, what in sorted(check(module.tree))
    )


def everything() -> Iterator[Module]:
    yield from source_tree.sources()
    yield from source_tree.tests()
    yield from source_tree.modules("scripts", "bench")


def test_every_module_is_a_shell_or_pure() -> None:
    pure = {module.name for module in source_tree.pure()}
    neither = [
        module.where
        for module in source_tree.sources()
        if module.name not in pure
        and not any(f"{module.name}.".startswith(f"{shell}.") for shell in SHELLS)
        and module.path.stem != "__init__"
    ]
    assert not neither, "pure (pyproject.toml) or a shell (here)?\n" + "\n".join(neither)


def test_functions_fit_a_screen() -> None:
    found = offences(everything(), lambda tree: code_smells.long_bodies(tree, BODY_LINES))
    assert not found, f"over {BODY_LINES} lines of body:\n{found}"


def test_files_hold_one_thing() -> None:
    long = [f"{m.where}: {n}" for m in everything() if (n := m.text.count("\n")) > FILE_LINES]
    assert not long, f"over {FILE_LINES} lines; what two things is each?\n" + "\n".join(long)


def test_pure_modules_read_no_clock() -> None:
    assert not (found := offences(source_tree.pure(), code_smells.clock_reads)), found


def test_pure_modules_do_not_depend_on_the_order_of_a_set() -> None:
    assert not (found := offences(source_tree.pure(), code_smells.set_iteration)), found


def test_pure_modules_make_no_ids_and_roll_no_dice() -> None:
    assert not (found := offences(source_tree.pure(), code_smells.chance)), found


def test_pure_modules_catch_nothing_broadly() -> None:
    assert not (found := offences(source_tree.pure(), code_smells.broad_excepts)), found


def test_broad_excepts_are_few() -> None:
    found = offences(source_tree.sources(), code_smells.broad_excepts)
    assert len(found.splitlines()) <= BROAD_EXCEPTS, found


def test_every_fault_point_is_reached_in_shells_only() -> None:
    pure = {module.name for module in source_tree.pure()}
    users = {
        point: [m.name for m in source_tree.sources() if f"faults.Point.{point.name}" in m.text]
        for point in Point
    }
    assert all(users.values()), users
    assert not [name for names in users.values() for name in names if name in pure], users


def test_nothing_prints() -> None:
    assert not (found := offences(source_tree.sources(), code_smells.prints)), found


def test_nothing_is_left_over() -> None:
    texts = [
        path
        for folder in (*source_tree.PACKAGES, "tests", "scripts", "bench", "docs", "deploy")
        for pattern in ("*.py", "*.sql", "*.toml", "*.md", "*.ts", "*.svelte", "*.conf", "*.css")
        for path in source_tree.files(folder, pattern)
    ]
    texts += [path for path in sorted(ROOT.glob("*")) if path.suffix in {".md", ".toml", ".yml"}]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if LEFTOVERS.search(line)
    ]
    assert not found, "\n".join(found)


def test_sql_is_in_store_only() -> None:
    found = [
        f"{module.where}:{line}: {text.strip()[:60]}"
        for module in source_tree.sources()
        if not module.name.startswith("store")
        for line, text in code_smells.strings(module.tree)
        if SQL.match(text)
    ]
    assert not found, "\n".join(found)


def test_sql_never_asks_what_time_it_is() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()}"
        for path in source_tree.files("store", "*.sql")
        if (hit := SQL_CLOCK.search(re.sub(r"--.*", "", path.read_text(encoding="utf-8"))))
    ]
    found += [
        f"{module.where}:{line}: {hit.group()}"
        for module in source_tree.modules("store")
        for line, text in code_smells.strings(module.tree)
        if (hit := SQL_CLOCK.search(text))
    ]
    assert not found, "\n".join(found)


def test_every_unit_test_mirrors_a_source_file() -> None:
    """tests/unit/a/test_b.py is about a/b.py; test_b_more.py may say more of it."""
    unit = ROOT / "tests" / "unit"
    orphans = []
    for path in sorted(unit.rglob("test_*.py")):
        words = path.stem.removeprefix("test_").split("_")
        folder = ROOT / path.parent.relative_to(unit)
        stems = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
        stems += [f"_{stem}" for stem in stems]
        if not any((folder / f"{stem}.py").exists() or (folder / stem).is_dir() for stem in stems):
            orphans.append(path.relative_to(ROOT).as_posix())
    assert not orphans, "these mirror no source file:\n" + "\n".join(orphans)


def behaves(module: Module) -> bool:
    """Whether it has functions of its own: properties, and the methods of ports, are not."""
    ports = {
        id(method)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        for method in node.body
    }
    return any(
        isinstance(node, ast.FunctionDef) and not node.decorator_list and id(node) not in ports
        for node in ast.walk(module.tree)
    )


def test_every_pure_module_with_behaviour_is_what_some_unit_test_is_about() -> None:
    """By its mirror, or by a test of its package that imports it by name."""
    imported = {
        name
        for test in source_tree.modules("tests/unit")
        for name in code_smells.imported(test.tree)
    }
    missing = []
    for module in source_tree.pure():
        folder = ROOT / "tests" / "unit" / module.path.parent.relative_to(ROOT)
        mirror = any(folder.glob(f"test_{module.path.stem.lstrip('_')}*.py"))
        if behaves(module) and not mirror and module.name not in imported:
            missing.append(module.where)
    assert not missing, "no unit test is about these:\n" + "\n".join(missing)


def test_every_module_is_used() -> None:
    used = {
        name
        for module in source_tree.sources()
        for name in code_smells.imported(module.tree)
        if name != module.name
    }
    unused = [
        module.where
        for module in source_tree.sources()
        if module.path.stem != "__init__"
        and module.name not in used
        and module.name not in ENTRY_POINTS
    ]
    assert not unused, "imported by nobody:\n" + "\n".join(unused)


def test_tests_neither_skip_nor_mock() -> None:
    pattern = re.compile(
        r"pytest\.(skip|importorskip|xfail)\b|mark\.(skip|skipif|xfail)\b|unittest\.mock|mock\.patch"
    )
    found = [
        f"{module.where}:{number}: {line.strip()}"
        for module in source_tree.tests()
        if not module.where.startswith("tests/meta/")
        for number, line in enumerate(module.text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "code",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "y = [x for x in {a for a in b}]",
        "y = list({1, 2})",
        "y = ', '.join(frozenset(z))",
        "def f(a: set[int]):\n    for x in a: pass",
        "def f(b):\n    a = {1} | b\n    return tuple(a)",
        "y = [*{1, 2}]",
    ],
)
def test_the_set_check_sees(code: str) -> None:
    assert list(code_smells.set_iteration(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "for x in sorted({1, 2}): pass",
        "y = 3 in {1, 2}",
        "y = len({x for x in z})",
        "for x in {1: 2}: pass",
        "def f(a: list[int]):\n    for x in a: pass",
    ],
)
def test_the_set_check_lets_pass(code: str) -> None:
    assert not list(code_smells.set_iteration(ast.parse(code)))


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("import time\ntime.time()", code_smells.clock_reads),
        ("datetime.datetime.now(UTC)", code_smells.clock_reads),
        ("datetime.now(UTC)", code_smells.clock_reads),
        ("date.today()", code_smells.clock_reads),
        ("hash(x)", code_smells.chance),
        ("uuid.uuid4()", code_smells.chance),
        ("random.random()", code_smells.chance),
        ("try: f()\nexcept Exception: pass", code_smells.broad_excepts),
        ("try: f()\nexcept: pass", code_smells.broad_excepts),
        ("try: f()\nexcept (ValueError, BaseException): pass", code_smells.broad_excepts),
        ("print(1)", code_smells.prints),
    ],
)
def test_the_other_checks_see(code: str, check: Callable[[ast.AST], Iterable[Smell]]) -> None:
    assert list(check(ast.parse(code)))


def test_the_length_check_leaves_out_the_docstring() -> None:
    body = "".join(f"    x{n} = 1\n" for n in range(5))
    function = ast.parse(f'def f():\n    """One.\n\n    Two."""\n{body}')
    assert not list(code_smells.long_bodies(function, 5))
    assert list(code_smells.long_bodies(function, 4))
