"""Import rules: packages import from lower floors only, without cycles; one package writes files."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstmcast

# The floor of a package or module right below lstmcast/; a longer path wins. A module imports from lower floors, and
# from its own package up to its own floor.
FLOORS = {
    "errors": 0,
    "types": 0,
    "arrays": 1,
    "text": 0,
    "plain": 0,
    "clock": 1,
    "parallel": 1,
    "config": 1,
    "data": 2,
    "results": 4,
    "forecasts": 4,
    "preprocessing": 3,
    "calibration": 3,
    "evaluation": 3,
    "statistical": 3,
    "persistence": 3,
    "pretrained": 3,
    "nn": 4,
    "forecasting": 5,
    "explain": 6,
    "tasks": 6,
    "report": 7,
    "app": 8,
    "api": 9,
    "jobs": 9,
    "cli": 10,
    "__init__": 11,
    "__main__": 11,
}
# Libraries that only these modules, or modules of these folders, import.
OWNERS = {
    "keras": ("nn/heads.py", "nn/keras_backend.py"),
    "tensorflow": ("nn/keras_backend.py",),
    "matplotlib": ("report/figures/panels.py", "report/figures/style.py", "report/figures/categories.py"),
    "rich": ("report/console.py",),
    "click": ("cli/",),
    "joblib": ("parallel.py",),
    "concurrent": ("parallel.py",),
    "multiprocessing": ("parallel.py",),
    "pydantic": ("config/",),
    "pydantic_core": ("config/",),
}
WRITER = "persistence/"
WRITES = {"write_text", "write_bytes", "savefig", "to_csv", "to_json", "to_parquet", "to_pickle", "tofile", "savetxt"}
WRITES |= {"save_file", "savez", "savez_compressed", "mkdir", "makedirs", "mkstemp", "mkdtemp", "touch", "unlink"}
WRITES |= {"NamedTemporaryFile", "TemporaryDirectory", "rename", "rmdir", "rmtree", "symlink_to", "fdopen"}
WRITE_MODE = re.compile(r"[rbt]*[wax+][wax+bt]*")
WRITE_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}


def imports(tree: ast.Module, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a module imports, wherever in the module, also by importlib.

    Args:
        tree: the parsed module.
        package: the parts of the package the module lies in, for relative imports.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                start = package[: len(package) - level + 1] if level else []
                base = ".".join([*start, *([module] if module else [])])
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                if node.args and isinstance(node.args[0], ast.Constant):
                    yield node.lineno, str(node.args[0].value)


def floor_of(parts: list[str]) -> tuple[str, int] | None:
    """Package right below lstmcast/ and floor of a module, or of a name in it; None without a floor.

    Args:
        parts: of the path below lstmcast/, for example `data panel Panel`.
    """
    floors = [FLOORS[path] for k in range(len(parts), 0, -1) if (path := "/".join(parts[:k])) in FLOORS]
    return (parts[0], floors[0]) if floors else None


def import_faults(path: Path, tree: ast.Module, root: Path) -> Iterator[str]:
    """Imports of one module that its floor, or the owner of a library, forbids."""
    where = path.relative_to(root).as_posix()
    own = floor_of(where.removesuffix(".py").split("/"))
    if own is None:
        yield f"{where}: the package {where.split('/')[0].removesuffix('.py')!r} has no floor"
        return
    package, floor = own
    for line, name in imports(tree, [root.name, *path.relative_to(root).parts[:-1]]):
        top = name.split(".")[0]
        if top == root.name:
            other, other_floor = floor_of(name.split(".")[1:]) or ("__init__", FLOORS["__init__"])
            if other_floor >= floor and (other != package or other_floor > floor):
                yield f"{where}:{line}: {package} (floor {floor}) imports {name} (floor {other_floor})"
        elif top in OWNERS and not any(where == owner or where.startswith(owner) for owner in OWNERS[top]):
            yield f"{where}:{line}: {top} is imported by {', '.join(OWNERS[top])} only"


def imported_at_start(tree: ast.Module) -> Iterator[str]:
    """Absolute names that a module imports when it is loaded: not inside functions, not for type checkers alone."""
    loaded = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    yield from (name for _, name in imports(loaded, []))


def cycle_faults(trees: dict[str, ast.Module]) -> Iterator[str]:
    """Import cycles between modules at load time, one line for each module that closes one.

    Args:
        trees: dotted name of a module to its parsed text.
    """
    edges = {
        module: sorted({name if name in trees else name.rpartition(".")[0] for name in imported_at_start(tree)})
        for module, tree in trees.items()
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> Iterator[str]:
        if module in path:
            yield f"import cycle: {' -> '.join([*path[path.index(module) :], module])}"
        elif module not in done:
            for other in edges.get(module, ()):
                yield from visit(other, (*path, module))
            done.add(module)

    for module in sorted(edges):
        yield from visit(module, ())


def writes(call: ast.Call, buffers: set[str]) -> str | None:
    """The name of the writing function when `call` writes to the file system, else None."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    values = [*call.args[:2], *(word.value for word in call.keywords if word.arg == "mode")]
    if name == "open" and any(isinstance(v, ast.Constant) and WRITE_MODE.fullmatch(str(v.value)) for v in values):
        return name
    to_memory = not call.args or (isinstance(call.args[0], ast.Name) and call.args[0].id in buffers)
    text_or_memory = name in {"savefig", "to_csv", "to_json", "to_parquet"} and to_memory
    return name if name in WRITES and not text_or_memory else None


def buffers_of(tree: ast.Module) -> set[str]:
    """Names that a module binds to a file in memory."""
    bound: list[tuple[ast.expr, ast.expr | None]]
    bound = [(node.value, node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    bound += [(node.context_expr, node.optional_vars) for node in ast.walk(tree) if isinstance(node, ast.withitem)]
    return {
        target.id
        for value, target in bound
        if isinstance(target, ast.Name) and re.fullmatch(r"(io\.)?(Bytes|String)IO\(\)", ast.unparse(value))
    }


def flags_for_devnull(call: ast.Call) -> list[ast.expr]:
    """The flags with which a call opens os.devnull: nothing is written there."""
    return call.args[1:] if call.args and ast.unparse(call.args[0]) == "os.devnull" else []


def write_faults(path: Path, tree: ast.Module, root: Path) -> Iterator[str]:
    """Calls that write files, in a module outside the package that may."""
    where = path.relative_to(root).as_posix()
    if where.startswith(WRITER):
        return
    buffers = buffers_of(tree)
    nowhere = {flag for node in ast.walk(tree) if isinstance(node, ast.Call) for flag in flags_for_devnull(node)}
    for node in ast.walk(tree):
        if node in nowhere:
            continue
        if isinstance(node, ast.Call) and (name := writes(node, buffers)):
            yield f"{where}:{node.lineno}: {name} writes a file outside {WRITER}"
        elif isinstance(node, ast.Attribute) and node.attr in WRITE_FLAGS:
            yield f"{where}:{node.lineno}: {node.attr} opens a file for writing outside {WRITER}"


def faults(root: Path) -> list[str]:
    """Everything in the package at `root` that breaks the rules above."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.py"))}
    named = {
        ".".join([root.name, *path.relative_to(root).with_suffix("").parts]).removesuffix(".__init__"): tree
        for path, tree in trees.items()
    }
    return [
        *cycle_faults(named),
        *(
            fault
            for path, tree in trees.items()
            for check in (import_faults, write_faults)
            for fault in check(path, tree, root)
        ),
    ]


def test_the_package_keeps_to_its_floors() -> None:
    """No module of lstmcast imports upwards or sideways, borrows a library, or writes a file it should not."""
    root = Path(lstmcast.__file__).parent
    assert len(list(root.rglob("*.py"))) > 10
    assert faults(root) == []


@pytest.mark.parametrize("library", sorted(OWNERS.keys() - sys.stdlib_module_names))
def test_every_owner_of_a_library_imports_it(library: str) -> None:
    """The table allows no more than is needed."""
    root = Path(lstmcast.__file__).parent
    for owner in OWNERS[library]:
        paths = sorted((root / owner).rglob("*.py")) if owner.endswith("/") else [root / owner]
        trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
        assert any(name.split(".")[0] == library for tree in trees for _, name in imports(tree, [])), owner


def test_contributing_names_the_libraries_with_owners() -> None:
    """Its sentence on imports names each, but for parts of others and of the standard library."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"^- (.*) are imported only where the table allows it", text, re.MULTILINE)
    named = {name.lower() for name in re.findall(r"[A-Z]\w+", sentence)}
    assert named == OWNERS.keys() - {"tensorflow", "pydantic_core"} - sys.stdlib_module_names


@pytest.mark.parametrize(
    ("where", "code", "fault"),
    [
        ("new.py", "", "new.py: the package 'new' has no floor"),
        ("new/thing.py", "import os", "new/thing.py: the package 'new' has no floor"),
        (
            "data/a.py",
            "from lstmcast.nn import heads",
            "data/a.py:1: data (floor 2) imports lstmcast.nn.heads (floor 4)",
        ),
        (
            "evaluation/a.py",
            "import lstmcast.persistence.files",
            "evaluation/a.py:1: evaluation (floor 3) imports lstmcast.persistence.files (floor 3)",
        ),
        (
            "errors.py",
            "from .config import Config",
            "errors.py:1: errors (floor 0) imports lstmcast.config.Config (floor 1)",
        ),
        ("cli/a.py", "from .. import train", "cli/a.py:1: cli (floor 10) imports lstmcast.train (floor 11)"),
        ("cli/a.py", "import lstmcast", "cli/a.py:1: cli (floor 10) imports lstmcast (floor 11)"),
        (
            "data/b/a.py",
            "from ...report import console",
            "data/b/a.py:1: data (floor 2) imports lstmcast.report.console (floor 7)",
        ),
        ("results.py", "def f():\n  import keras.layers", "results.py:2: keras is imported by"),
        ("persistence/a.py", "importlib.import_module('tensorflow')", "persistence/a.py:1: tensorflow is imported by"),
        ("nn/numpy_lstm.py", "from keras import Model", "nn/numpy_lstm.py:1: keras is imported by"),
        ("report/a.py", "from rich.table import Table", "report/a.py:1: rich is imported by report/console.py only"),
        (
            "tasks/value/task.py",
            "from lstmcast.report import console",
            "tasks/value/task.py:1: tasks (floor 6) imports lstmcast.report.console (floor 7)",
        ),
        ("config/a.py", "import click", "config/a.py:1: click is imported by cli/ only"),
        ("cli/a.py", "open('x', 'w')", "cli/a.py:1: open writes a file outside persistence/"),
        ("cli/a.py", "path.open(mode='ab')", "cli/a.py:1: open writes a file outside persistence/"),
        ("cli/a.py", "gzip.open(path, 'wt')", "cli/a.py:1: open writes a file outside persistence/"),
        ("cli/a.py", "os.open(path, os.O_CREAT)", "cli/a.py:1: O_CREAT opens a file"),
        ("report/a.py", "figure.savefig(path)", "report/a.py:1: savefig writes a file outside persistence/"),
        ("data/a.py", "frame.to_csv(path)", "data/a.py:1: to_csv writes a file outside persistence/"),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, where: str, code: str, fault: str) -> None:
    """Each rule bites: one offending module in an otherwise empty package is reported, with its line."""
    path = tmp_path / "lstmcast" / where
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    (found,) = faults(tmp_path / "lstmcast")
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("forecasting/a.py", "from lstmcast.nn.heads import Head\nfrom lstmcast.errors import DataError"),
        ("data/load.py", "from .file.csv_reader import read_table\nfrom lstmcast.data import panel"),
        ("report/views.py", "from lstmcast.tasks.base import Task\nfrom lstmcast.report import console"),
        ("__main__.py", "from lstmcast.cli import main"),
        ("nn/keras_backend.py", "import keras"),
        ("cli/train.py", "import click\nfrom lstmcast.report import console"),
        (
            "report/figures/panels.py",
            "import matplotlib.pyplot\nbuffer = BytesIO()\nfigure.savefig(buffer, format='png')",
        ),
        (
            "cli/a.py",
            "with io.StringIO() as text:\n  frame.to_csv(text)\nframe.to_csv()\nopen('name')\npath.open('rb')",
        ),
        (
            "data/file/csv_reader.py",
            "os.open(path, os.O_RDONLY | os.O_NONBLOCK)\ngzip.open(path, 'rt')\narchive.open(name, 'r')",
        ),
        ("persistence/files.py", "path.write_bytes(b'')"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, where: str, code: str) -> None:
    """Imports downwards, libraries at their owners, reading and files in memory are no faults."""
    path = tmp_path / "lstmcast" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    assert faults(tmp_path / "lstmcast") == []


def test_a_cycle_is_found(tmp_path: Path) -> None:
    """Two modules that import each other at load time are reported; a lazy import closes no cycle."""
    folder = tmp_path / "lstmcast" / "data"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("from lstmcast.data.b import x", encoding="utf-8")
    (folder / "b.py").write_text("def x():\n  from lstmcast.data import a", encoding="utf-8")
    assert faults(tmp_path / "lstmcast") == []
    (folder / "b.py").write_text("from lstmcast.data import a", encoding="utf-8")
    assert faults(tmp_path / "lstmcast") == ["import cycle: lstmcast.data.a -> lstmcast.data.b -> lstmcast.data.a"]
