"""The rules of the house, checked: rooms, imports, sizes."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "geoid"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_FUNCTION, MAX_MODULE, MEDIAN_FUNCTION = 40, 300, 10
CLI_MAY_IMPORT = {"typer", "geoid.cli", "geoid.errors"}
CORE_MAY_IMPORT = {"numpy", "h3", "zstandard", "geoid.core", "geoid.errors"}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function's name and length in lines, its docstring left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield f"{path.name}:{node.name}", node.end_lineno - body[0].lineno + 1


def imports(path: Path, *, top_level: bool) -> set[str]:
    """The modules that a file imports: at module level, outside `if TYPE_CHECKING`, or anywhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def outside(modules: set[str], allowed: set[str]) -> set[str]:
    """The modules that are neither in the standard library nor allowed."""
    return {
        name
        for name in modules
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(name == room or name.startswith(f"{room}.") for room in allowed)
    }


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda path: path.name)
def test_a_command_module_imports_only_typer_and_its_neighbours_at_its_top(path) -> None:
    assert outside(imports(path, top_level=True), CLI_MAY_IMPORT) == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").glob("*.py")), ids=lambda path: path.name)
def test_core_knows_no_library_but_its_own(path) -> None:
    assert outside(imports(path, top_level=False), CORE_MAY_IMPORT) == set()


def test_functions_are_short() -> None:
    lengths = [(length, name) for path in MODULES for name, length in functions(path)]
    assert [entry for entry in lengths if entry[0] > MAX_FUNCTION] == []
    assert statistics.median(length for length, _ in lengths) <= MEDIAN_FUNCTION


def test_modules_are_short() -> None:
    sizes = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > MAX_MODULE} == {}


def test_text_files_are_opened_with_an_encoding() -> None:
    for path in MODULES:
        for line in path.read_text(encoding="utf-8").splitlines():
            if ".read_text(" in line or ".write_text(" in line:
                assert "encoding=" in line, f"{path.name}: {line.strip()}"
