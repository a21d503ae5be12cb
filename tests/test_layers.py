"""The floors of the house: who may import whom, and who may write files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstmcast

# The floor of every room (a file or folder right below lstmcast/). A room imports from lower floors, and from itself.
FLOORS = {
    "errors": -1,  # the ground: floor 0 raises them too
    "clock": 0,
    "config": 0,
    "workers": 0,
    "seasonality": 0,
    "data": 1,
    "model": 2,
    "evaluation": 2,
    "store": 2,
    "forecast": 2,
    "forecaster": 3,
    "classifier": 4,
    "backtesting": 5,
    "show": 5,
    "kinds": 6,
    "jobs": 7,
    "cli": 8,
    "__init__": 9,
    "__main__": 9,
}
# Libraries that only these modules, or modules of these folders, import.
OWNERS = {
    "keras": ("model/graph.py", "model/heads.py", "model/network.py"),
    "tensorflow": ("model/graph.py", "model/network.py"),
    "matplotlib": ("show/plot.py", "show/axes.py", "show/symbol_plot.py"),
    "rich": ("show/console.py",),
    "click": ("cli/",),
    "pydantic": ("config/",),
    "pydantic_core": ("config/",),
}
WRITER = "store/"
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


def room_of(name: str) -> str:
    """`lstmcast.data.panel.Panel` → `data`; a name that the package itself offers → `__init__`."""
    part = name.split(".")[1] if "." in name else ""
    return part if part in FLOORS else "__init__"


def import_faults(path: Path, tree: ast.Module, root: Path) -> Iterator[str]:
    """Imports of one module that its floor, or the owner of a library, forbids."""
    where = path.relative_to(root).as_posix()
    room = where.split("/")[0].removesuffix(".py")
    if room not in FLOORS:
        yield f"{where}: the room {room!r} has no floor"
        return
    for line, name in imports(tree, [root.name, *path.relative_to(root).parts[:-1]]):
        top = name.split(".")[0]
        if top == root.name:
            other = room_of(name)
            if other != room and FLOORS[other] >= FLOORS[room]:
                yield f"{where}:{line}: {room} (floor {FLOORS[room]}) imports {name} (floor {FLOORS[other]})"
        elif top in OWNERS and not any(where == owner or where.startswith(owner) for owner in OWNERS[top]):
            yield f"{where}:{line}: {top} is imported by {', '.join(OWNERS[top])} only"


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
    """Calls that write files, in a module outside the room that may."""
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
    return [
        fault
        for path, tree in trees.items()
        for check in (import_faults, write_faults)
        for fault in check(path, tree, root)
    ]


def test_the_package_keeps_to_its_floors() -> None:
    """No module of lstmcast imports upwards or sideways, borrows a library, or writes a file it should not."""
    root = Path(lstmcast.__file__).parent
    assert len(list(root.rglob("*.py"))) > 10
    assert faults(root) == []


@pytest.mark.parametrize(
    ("where", "code", "fault"),
    [
        ("new.py", "", "new.py: the room 'new' has no floor"),
        ("new/thing.py", "import os", "new/thing.py: the room 'new' has no floor"),
        (
            "data/a.py",
            "from lstmcast.model import lstm",
            "data/a.py:1: data (floor 1) imports lstmcast.model.lstm (floor 2)",
        ),
        (
            "model/a.py",
            "import lstmcast.store.files",
            "model/a.py:1: model (floor 2) imports lstmcast.store.files (floor 2)",
        ),
        (
            "errors.py",
            "from .config import Config",
            "errors.py:1: errors (floor -1) imports lstmcast.config.Config (floor 0)",
        ),
        ("cli/a.py", "from .. import train", "cli/a.py:1: cli (floor 8) imports lstmcast.train (floor 9)"),
        ("cli/a.py", "import lstmcast", "cli/a.py:1: cli (floor 8) imports lstmcast (floor 9)"),
        (
            "data/b/a.py",
            "from ...show import plot",
            "data/b/a.py:1: data (floor 1) imports lstmcast.show.plot (floor 5)",
        ),
        ("forecaster.py", "def f():\n  import keras.layers", "forecaster.py:2: keras is imported by"),
        ("store/a.py", "importlib.import_module('tensorflow')", "store/a.py:1: tensorflow is imported by"),
        ("model/lstm.py", "from keras import Model", "model/lstm.py:1: keras is imported by"),
        ("show/table.py", "from rich.table import Table", "show/table.py:1: rich is imported by show/console.py only"),
        ("config/a.py", "import click", "config/a.py:1: click is imported by cli/ only"),
        ("cli/a.py", "open('x', 'w')", "cli/a.py:1: open writes a file outside store/"),
        ("cli/a.py", "path.open(mode='ab')", "cli/a.py:1: open writes a file outside store/"),
        ("cli/a.py", "gzip.open(path, 'wt')", "cli/a.py:1: open writes a file outside store/"),
        ("cli/a.py", "os.open(path, os.O_CREAT)", "cli/a.py:1: O_CREAT opens a file"),
        ("show/plot.py", "figure.savefig(path)", "show/plot.py:1: savefig writes a file outside store/"),
        ("data/a.py", "frame.to_csv(path)", "data/a.py:1: to_csv writes a file outside store/"),
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
        ("forecaster.py", "from lstmcast.model.lstm import forward\nfrom lstmcast.errors import DataError"),
        ("data/read.py", "from .reader import read_table\nfrom lstmcast.data import panel"),
        ("__main__.py", "from lstmcast.cli import main"),
        ("model/network.py", "import keras"),
        ("cli/train.py", "import click\nfrom lstmcast.show import console"),
        ("show/plot.py", "import matplotlib.pyplot\nbuffer = BytesIO()\nfigure.savefig(buffer, format='png')"),
        (
            "cli/a.py",
            "with io.StringIO() as text:\n  frame.to_csv(text)\nframe.to_csv()\nopen('name')\npath.open('rb')",
        ),
        (
            "data/reader.py",
            "os.open(path, os.O_RDONLY | os.O_NONBLOCK)\ngzip.open(path, 'rt')\narchive.open(name, 'r')",
        ),
        ("store/files.py", "path.write_bytes(b'')"),
    ],
)
def test_what_is_allowed_passes(tmp_path: Path, where: str, code: str) -> None:
    """Imports downwards, libraries at their owners, reading and files in memory are no faults."""
    path = tmp_path / "lstmcast" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    assert faults(tmp_path / "lstmcast") == []
