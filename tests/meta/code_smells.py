"""The checks of test_tidy that read syntax trees. Each yields (line, what is wrong)."""

import ast
from collections.abc import Iterator
from itertools import pairwise

Smell = tuple[int, str]
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
_SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
_IN_ORDER = {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "next"}


def long_bodies(tree: ast.AST, limit: int) -> Iterator[Smell]:
    """Functions whose body, without its docstring, is longer than `limit` lines."""
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body:
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
                if lines > limit:
                    yield node.lineno, f"{node.name} has {lines} lines of body"


def clock_reads(tree: ast.AST) -> Iterator[Smell]:
    """Calls that ask what time it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value
            name = owner.id if isinstance(owner, ast.Name) else owner
            if isinstance(name, str) and node.attr in _CLOCKS.get(name, ()):
                yield node.lineno, f"reads a clock: {name}.{node.attr}"


def chance(tree: ast.AST) -> Iterator[Smell]:
    """What differs from one run to the next: hash seeds, addresses, random ids."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id="hash" | "id" | "uuid4" | "uuid1" as name):
                yield node.lineno, f"depends on the run: {name}()"
            case ast.Attribute(value=ast.Name(id="random" | "uuid" | "secrets" as name)):
                yield node.lineno, f"depends on the run: {name}.{node.func.attr}()"
            case _:
                pass


def prints(tree: ast.AST) -> Iterator[Smell]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print" | "breakpoint" as name)):
                yield node.lineno, f"{name}()"
            case _:
                pass


def broad_excepts(tree: ast.AST) -> Iterator[Smell]:
    """`except:`, `except Exception:` and the same in a tuple."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            names = (
                [sub.id for sub in ast.walk(node.type) if isinstance(sub, ast.Name)]
                if (node.type)
                else ["everything"]
            )
            if {"Exception", "BaseException", "everything"} & {*names}:
                yield node.lineno, "broad except"


def set_iteration(tree: ast.Module) -> Iterator[Smell]:
    """Places where the order of a set decides something. `sorted(...)` first makes it none."""
    scopes = [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    seen: set[tuple[int, int]] = set()
    for scope in [*reversed(scopes), tree]:
        names = _set_names(scope)
        for node, iterated in _iterations(scope):
            place = (iterated.lineno, iterated.col_offset)
            if place not in seen and _is_set(iterated, names):
                seen.add(place)
                yield node, "the order of a set decides here"


def _set_names(scope: ast.AST) -> set[str]:
    """Names that hold a set in this function: by annotation or by what they are given."""
    names: set[str] = set()
    for node in ast.walk(scope):
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as annotation) if _says_set(annotation):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if _says_set(kind):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_set(value, names):
                names.add(name)
            case _:
                pass
    return names


def _says_set(annotation: ast.expr) -> bool:
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    kinds = {"set", "frozenset", "Set", "AbstractSet", "MutableSet"}
    return isinstance(head, ast.Name) and head.id in kinds


def _is_set(node: ast.expr, names: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name(id=name):
            return name in names
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(value=owner, attr=method)) if method in _SET_METHODS:
            return _is_set(owner, names)
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(left, names) or _is_set(node.right, names)
        case _:
            return False


def _iterations(scope: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    for node in ast.walk(scope):
        match node:
            case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated):
                yield iterated.lineno, iterated
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
                for generator in node.generators:
                    yield generator.iter.lineno, generator.iter
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in _IN_ORDER:
                for argument in arguments:
                    yield argument.lineno, argument
            case ast.Call(func=ast.Attribute(attr="join"), args=[argument]):
                yield argument.lineno, argument
            case ast.Starred(value=value):
                yield value.lineno, value
            case _:
                pass


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module name an import statement may mean, wherever it stands."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield alias.name
            case ast.ImportFrom(module=str() as module, names=names):
                yield module
                for alias in names:
                    yield f"{module}.{alias.name}"
            case _:
                pass


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text in the code that is not a docstring."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, *_FUNCTIONS))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for body in (getattr(node, "body", None) for node in ast.walk(tree)):
        # A text after an attribute is that attribute's docstring.
        if isinstance(body, list):
            for before, after in pairwise(body):
                if isinstance(before, (ast.Assign, ast.AnnAssign)) and isinstance(after, ast.Expr):
                    said.add(id(after.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value
