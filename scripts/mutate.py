#!/usr/bin/env python3
"""Changes the rules in small ways, one at a time, and asks whether a test notices.

    make mutate                           every module of rules/, up to 25 mutants of each
    make mutate MUTATE='run pulse'        these
    make mutate MUTATE=alerts/priority    one that is not of rules/
    make mutate MUTATE='--most 1000'      all of them; it takes hours
    make mutate MUTATE='--seed 2'         others
    make mutate MUTATE=--glance           quicker, and names some that CI would notice

Each mutant is a copy of the tree with one comparison, operator, condition, number or flag changed;
its tests are those that mirror the module, and the tables of its rule. What survives is listed;
survivors that are argued in docs/mutation.md, by change, module and function, are named as such.
"""

import argparse
import ast
import copy
import importlib
import itertools
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ARGUED = ROOT / "docs" / "mutation.md"
MODULES = tuple(sorted(path.stem for path in (ROOT / "rules").glob("[!_]*.py")))
GOLDEN = {
    **dict.fromkeys(("run", "runs", "hold", "baseline"), "fever"),
    "marks": "pulse",
    "nights": "watch",
    "news2": "pulse",
    "spells": "silent",
    **dict.fromkeys(("frozen", "band_faults"), "device_fault"),
}
"""Whose tables speak of a module that has none by its own name."""
ALSO = {
    **dict.fromkeys(("run", "runs", "hold"), ("engine_equal", "engine")),
    "fever": ("baseline",),
    "changes": ("left_home_datum", "pulse", "engine"),
    "marks": ("pulse", "oxygen", "not_worn", "left_home"),
    "engine": ("device_fault",),
    "nights": ("watch",),
    "stretches": ("baseline", "watch"),
    "own_limits": ("fever", "engine_equal"),
    # Muting is told of where it comes from.
    **dict.fromkeys(("oxygen", "pulse"), ("not_worn",)),
    "not_worn": ("engine_equal",),
    "columns": ("baseline", "watch", "state"),
    "heard": ("device_fault", "engine", "engine_equal"),
    "finding": ("silent", "baseline", "left_home_datum", "changes", "engine", "revision"),
}
"""Whose tests are about a module as well."""
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
WORDS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
"""Conditions that nothing else changes: they are turned round."""
CPU_S = {"glance": 40, "ci": 240}
"""A mutant that has not ended then will not end; of a machine that is busy nothing follows."""
SECONDS = itertools.count(1)
PLUGINS = (
    "pytest_asyncio.plugin",
    "pytest_timeout",
    "_hypothesis_pytestplugin",
    "no:cacheprovider",
)
"""What the tests need of what is installed; to load the rest takes longer than most tests."""
LOADED_ONCE = (
    *("numpy", "shapely", "prcoords", "psycopg", "psutil", "asyncio"),
    *("hypothesis.strategies", "hypothesis.internal.conjecture.engine"),
)


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    module: str
    """As `rules/run`."""
    scope: str
    """The innermost function or class it is in; empty if none."""
    line: int
    change: str
    source: str

    @property
    def place(self) -> str:
        """Where it is, and what is changed."""
        return f"{self.module}.py:{self.line}: {self.scope}: {self.change}"

    def is_argued_in(self, line: str) -> bool:
        """Whether a line of the document is about this change of this function."""
        told = (f"`{self.change}`", f"`{self.module}.py`", f"`{self.scope}`")
        return all(word in line for word in (told if self.scope else told[:2]))


def mutants(module: str) -> Iterator[Mutant]:
    """Every small change of a module, in order."""
    tree = ast.parse((ROOT / f"{module}.py").read_text(encoding="utf-8"))
    scopes, assurances = _scopes(tree), _assurances(tree)
    for index, node in enumerate(ast.walk(tree)):
        if node in assurances:
            continue
        for field, now, then in _changes(node):
            other = copy.deepcopy(tree)
            twin = next(each for n, each in enumerate(ast.walk(other)) if n == index)
            setattr(twin, field, then)
            line = getattr(node, "lineno", 0)
            told = twin.test if isinstance(twin, ast.If | ast.IfExp) else twin
            change = f"{now} -> {ast.unparse(told)}"
            source = ast.unparse(ast.fix_missing_locations(other))
            yield Mutant(module, scopes.get(node, ""), line, change, source)


def _scopes(tree: ast.AST) -> dict[ast.AST, str]:
    found: dict[ast.AST, str] = {}
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found |= dict.fromkeys(ast.walk(outer), outer.name)
    return found


def _assurances(tree: ast.AST) -> set[ast.AST]:
    """What says something and does nothing: types, and what makes a class or a `zip` stricter."""
    said: list[ast.AST | None] = []
    for each in ast.walk(tree):
        match each:
            case ast.keyword(arg="frozen" | "slots" | "eq" | "strict", value=value):
                said.append(value)
            case ast.arg(annotation=kind) | ast.AnnAssign(annotation=kind):
                said.append(kind)
            case ast.FunctionDef(returns=kind) | ast.AsyncFunctionDef(returns=kind):
                said.append(kind)
            case _:
                pass
    return {inner for outer in said if outer is not None for inner in ast.walk(outer)}


def _changes(node: ast.AST) -> Iterator[tuple[str, str, object]]:
    if isinstance(node, ast.Compare):
        for n, each in enumerate(node.ops):
            if type(each) in SWAPS:
                ops = [*node.ops[:n], SWAPS[type(each)](), *node.ops[n + 1 :]]
                yield "ops", ast.unparse(node), ops
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield "op", ast.unparse(node), SWAPS[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        yield "operand", ast.unparse(node), ast.UnaryOp(node.op, node.operand)
    elif isinstance(node, ast.If | ast.IfExp) and isinstance(node.test, WORDS):
        yield "test", ast.unparse(node.test), ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "value", str(node.value), not node.value
    elif isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 1_000:
        yield "value", str(node.value), node.value + 1


def killed(mutant: Mutant, tree: Path, *, glance: bool) -> bool:
    """Whether a test notices: at a glance, or when it looks as long as in CI."""
    return any(_noticed(mutant, tree, profile) for profile in ("glance", "ci")[: 2 - glance])


def _noticed(mutant: Mutant, tree: Path, profile: str) -> bool:
    """`tree` is a copy that is put right again afterwards."""
    path = tree / f"{mutant.module}.py"
    right = path.read_text(encoding="utf-8")
    _write(path, mutant.source)
    process = multiprocessing.get_context("fork").Process(
        target=_ask, args=(tree, profile, _tests(mutant.module))
    )
    try:
        process.start()
        process.join()
        return process.exitcode != 0
    finally:
        process.kill()
        process.join()
        _write(path, right)


def _write(path: Path, source: str) -> None:
    """Python knows its compiled files by second and size, and mutants follow in less than one."""
    path.write_text(source, encoding="utf-8")
    second = next(SECONDS)
    os.utime(path, (second, second))


def _ask(tree: Path, profile: str, arguments: Sequence[str]) -> None:
    """Ends this process, a copy of one that has loaded what takes long, with what pytest says."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S[profile], CPU_S[profile]))
    os.environ.update(HYPOTHESIS_PROFILE=profile, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    os.chdir(tree)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for each in (sys.stdout, sys.stderr):
        os.dup2(nowhere, each.fileno())
    os._exit(int(pytest.main([*arguments])))


def _tests(module: str) -> list[str]:
    """The mirror first, which is the likeliest to notice; then the tables, then whose else."""
    package, _, name = module.rpartition("/")
    rules = package == "rules"
    folder = f"tests/unit/{package}"
    mirror, also = (
        sorted({str(path.relative_to(ROOT)) for n in names for path in ROOT.glob(f"{folder}/{n}")})
        for names in (
            [f"test_{name}*.py"],
            [f"test_{n}.py" for n in ALSO.get(name, ()) if rules],
        )
    )
    word = GOLDEN.get(name, name)
    tables = ["tests/golden/rules/test_tables.py"]
    if not rules or not (ROOT / "tests" / "golden" / "rules" / f"{word}.toml").exists():
        tables = []
    files = list(dict.fromkeys((*mirror, *tables, *also)))
    assert files, f"nothing tests {module}"
    chosen = f"not test_tables or {word}" if tables else "test"
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    return ["-x", "-q", "-o", "timeout=0", *plugins, "-k", chosen, *files]


def main(arguments: Sequence[str]) -> int:
    """Runs; 1 if a survivor is not argued."""
    for name in LOADED_ONCE:
        importlib.import_module(name)
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--most", type=int, default=25, help="mutants of a module")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--glance", action="store_true", help="ask no survivor twice: quicker")
    options = parser.parse_args(arguments)
    argued = ARGUED.read_text(encoding="utf-8").replace("\\|", "|").splitlines()
    ran = unargued = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        skip = shutil.ignore_patterns(".*", "node_modules", "static", "bench")
        shutil.copytree(ROOT, tree, ignore=skip)
        for named in options.modules:
            module = named.removesuffix(".py") if "/" in named else f"rules/{named}"
            every = list(mutants(module))
            plain = (tree / f"{module}.py").read_text(encoding="utf-8")
            if _noticed(Mutant(module, "", 0, "none", plain), tree, "glance"):
                print(f"{module}: its tests fail as it is", file=sys.stderr)
                return 2
            some = every
            if len(every) > options.most:
                some = random.Random(options.seed).sample(every, options.most)  # noqa: S311 - no secret
            known, unknown = _survivors(some, tree, argued, glance=options.glance)
            ran += len(some)
            unargued += unknown
            noticed = len(some) - known - unknown
            print(
                f"{module}: {len(some)} of {len(every)}, {noticed} killed, {known} argued",
                flush=True,
            )
    print(f"{ran} mutants, {unargued} survivors not argued")
    return int(unargued > 0)


def _survivors(
    some: Sequence[Mutant], tree: Path, argued: Sequence[str], *, glance: bool
) -> tuple[int, int]:
    """How many are argued, and how many not; each is named at once."""
    known = unknown = 0
    for each in some:
        if not killed(each, tree, glance=glance):
            told = any(each.is_argued_in(line) for line in argued)
            known, unknown = known + told, unknown + (not told)
            print(f"  {each.place}{'  (argued)' if told else ''}", flush=True)
    return known, unknown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
