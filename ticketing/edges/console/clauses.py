"""Which tests carry which clause: read from the marks ``@pytest.mark.clause("3.4.2")`` in tests/."""

import ast
from collections.abc import Iterator
from pathlib import Path

from ticketing.procedure.clauses import CLAUSES
from ticketing.settings import ROOT


def marked_tests(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Clause number -> names of the tests marked with it, as ``file::test``."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in _numbers(node):
                    found.setdefault(number, []).append(f"{path.name}::{node.name}")
    return found


def _numbers(function: ast.FunctionDef) -> Iterator[str]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.clause":
            for argument in mark.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def table() -> Iterator[str]:
    """One line a clause: number, who, duty, how it is carried; then the tests that carry it."""
    tests = marked_tests()
    carried = 0
    for clause in CLAUSES.values():
        names = tests.get(clause.number, [])
        carried += bool(names)
        state = f"{len(names)} 个测试" if names else "尚未实现"
        yield f"{clause.number:<9} {clause.manner.value:<8} {state:<8} {clause.who}：{clause.duty}"
        for name in names:
            yield f"{'':<9}   {name}"
    yield f"共 {len(CLAUSES)} 条，{carried} 条有测试承载。"
