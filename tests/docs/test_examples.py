"""Every command and Python block of the README and docs is run, and its shown output is that of the run.

`python tests/docs/test_examples.py [PAGE ...]` (or `make docs-update`) runs the blocks and rewrites the shown outputs
and figures. The blocks of a page run in order, in a folder that holds a copy of `data/`:

    ```console      lines that begin with `$ ` are commands, the lines below each are its output (stdout and stderr)
    ```bash         commands whose output is not shown
    ```python       one namespace a page; a ```text block that follows at once is the printed output
    ```yaml title="job.yaml"        any language with a title: a file that is written before the next block runs

    <!-- setup: COMMAND -->          a command that readers do not see
    <!-- example: head=3 tail=2 exit=8 from="REGEX" to="REGEX" figure=forecast.png -->    options of the next block

`head`, `tail`, `from` and `to` select the lines to show, `exit` is the expected exit code of the last command, `figure`
names a file that update mode copies to `docs/assets/`, and `unstable` marks an output that depends on the last bits of
a network's weights (a random path): it is not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "docs" / "assets"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

SKIPPED = ("pip install", "make ", "systemctl ", "python benchmarks/", "eval ")
"""Commands that no test runs: they change the machine or take hours. Each occurs in some page."""

_FENCE = re.compile(r"^( *)```(\w+)?(.*)$")
_COMMENT = re.compile(r"^ *<!-- (setup|example): (.*?) -->$")
_TITLE = re.compile(r'title="([^"]+)"')
_OPTION = re.compile(r'(\w+)=("[^"]*"|\S+)')
_RUN = ("console", "bash", "python")
_NUMBER = re.compile(r"(?<![\w.])[-−+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")
_VOLATILE = (
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}"), "VERSION"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b(after|in) [\d.]+ s\b"), r"\1 SECONDS"),
    (re.compile(r"\b\d+ (\d+ \* \* \*)"), r"MINUTE \1"),  # a job's own minute
    (re.compile(r'"seconds": [\d.]+'), '"seconds": SECONDS'),
    (re.compile(r"_seconds\{.*"), "SECONDS"),
    (re.compile(r"\b20[2-9]\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?"), "NOW"),
)


@dataclass
class Block:
    """A fenced block of a page.

    Attributes:
        language: `console`, `bash`, `python`, … or `setup` for a hidden command.
        lines: its content.
        start: index of its first line in the page; `lines` end before the closing fence.
        options: of the comment above it.
        title: the file to write; empty: none.
    """

    language: str
    lines: list[str]
    start: int
    options: dict[str, str] = field(default_factory=dict)
    title: str = ""

    @property
    def end(self) -> int:
        """Index of the line after its content."""
        return self.start + len(self.lines)


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks and hidden commands of a page, in order."""
    found: list[Block] = []
    lines = text.split("\n")
    options: dict[str, str] = {}
    at = 0
    while at < len(lines):
        if comment := _COMMENT.match(lines[at]):
            if comment[1] == "setup":
                found.append(Block("setup", [comment[2]], at))
            else:
                options = {key: value.strip('"') for key, value in _OPTION.findall(comment[2])}
        elif fence := _FENCE.match(lines[at]):
            indent, language, info = fence[1], fence[2] or "", fence[3]
            end = next(k for k in range(at + 1, len(lines)) if lines[k].strip() == "```")
            title = _TITLE.search(info)
            content = [line.removeprefix(indent) for line in lines[at + 1 : end]]
            found.append(Block(language, content, at + 1, options, title[1] if title else ""))
            options, at = {}, end
        at += 1
    return found


def commands_of(block: Block) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the output that is shown."""
    if block.language in {"bash", "setup"}:
        joined = "\n".join(block.lines).replace("\\\n", " ")
        return [(line, []) for line in joined.split("\n") if line.strip() and not line.startswith("#")]
    commands: list[tuple[str, list[str]]] = []
    continued = False
    for line in block.lines:
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif continued:
            commands[-1] = (commands[-1][0] + "\n" + line, [])
        elif commands:
            commands[-1][1].append(line)
        continued = bool(commands) and not commands[-1][1] and commands[-1][0].endswith("\\")
    return commands


def is_skipped(command: str) -> bool:
    """Return True if a command is in the list of commands that are not run."""
    return command.startswith(SKIPPED)


class Workplace:
    """A folder in which the blocks of a page run; trainings of equal command and files are run once a session."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "work"
        self.bin = root / "bin"
        self._trainings: dict[str, tuple[str, int, Path]] = {}
        self._root = root
        self._namespace: dict[str, object] = {}
        self.bin.mkdir(parents=True)
        script = "import sys\nfrom lstmcast.cli import main\nsys.argv[0] = 'lstmcast'\nsys.exit(main())\n"
        (self.bin / "lstmcast").write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
        (self.bin / "lstmcast").chmod(0o755)

    def clear(self) -> None:
        """An empty folder with the data, and an empty namespace."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        shutil.copytree(ROOT / "data", self.folder / "data")
        self._namespace = {"__name__": "example"}

    def write(self, block: Block) -> None:
        """Write a block with a title as the file of that name."""
        path = self.folder / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(block.lines) + "\n", encoding="utf-8")

    def run(self, command: str) -> tuple[str, int]:
        """Output and exit code of a command."""
        if command.startswith("lstmcast train") and not (self.folder / "models").exists():
            return self._train(command)
        output, code = self._in_process(command) if self._is_plain(command) else self._in_shell(command)
        return self._shown(output), code

    def execute(self, code: str, name: str) -> str:
        """The output of a Python block."""
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(code, name, "exec"), self._namespace)  # noqa: S102  # our own documents
        return self._shown(output.getvalue())

    def _train(self, command: str) -> tuple[str, int]:
        files = [path for path in sorted(self.folder.rglob("*")) if path.suffix in {".csv", ".txt", ".yaml"}]
        key = sha256(b"\0".join([command.encode(), *(path.read_bytes() for path in files)])).hexdigest()
        kept = self._root / key
        if key not in self._trainings:
            output, code = self._in_process(command) if self._is_plain(command) else self._in_shell(command)
            shutil.copytree(self.folder / "models", kept)
            self._trainings[key] = (self._shown(output), code, kept)
        else:
            shutil.copytree(kept, self.folder / "models")
        return self._trainings[key][:2]

    def _is_plain(self, command: str) -> bool:
        words = list(shlex.shlex(command, posix=True, punctuation_chars=True))
        if words[:2] == ["lstmcast", "--version"]:  # Click prints the name of the process
            return False
        return words[0] == "lstmcast" and not any(set(word) <= set("|<>;&()") for word in words) and "$" not in command

    def _in_process(self, command: str) -> tuple[str, int]:
        from lstmcast.cli import main

        content = io.BytesIO()
        output = io.TextIOWrapper(content, encoding="utf-8", write_through=True)  # text and bytes
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
        ):
            try:
                code = main(shlex.split(command, comments=True)[1:])
            except SystemExit as end:
                code = int(end.code or 0)
        return content.getvalue().decode(), code

    def _in_shell(self, command: str) -> tuple[str, int]:
        path = f"{self.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(self._root)}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout, done.returncode

    def _shown(self, output: str) -> str:
        """Output with the paths of this machine replaced by those that readers see."""
        for path, name in (
            (self.folder, "/srv/forecasts"),
            (self.bin, "/opt/lstmcast/bin"),
            (Path(sysconfig.get_path("scripts")), "/opt/lstmcast/bin"),
        ):
            output = output.replace(str(path), name)
        return "\n".join(line.rstrip() for line in output.rstrip("\n").split("\n"))


def selected(output: str, options: dict[str, str]) -> list[str]:
    """The lines of an output that a block shows; `…` in the place of what is left out.

    With `from`, `head` counts lines before the first match; without, lines at the beginning.
    """
    lines = output.split("\n") if output else []
    head, tail = int(options.get("head", 0)), int(options.get("tail", 0))
    if "from" in options:
        first = next((k for k, line in enumerate(lines) if re.search(options["from"], line)), 0)
        lines = [*lines[:head], "…", *lines[first:]] if first > head > 0 else lines[first:]
        head = 0
    if "to" in options:
        last = next((k for k, line in enumerate(lines) if re.search(options["to"], line)), len(lines) - 1)
        lines = lines[: last + 1]
    if head + tail and len(lines) > head + tail:
        lines = [*lines[:head], "…", *(lines[-tail:] if tail else [])]
    return lines


def differs(shown: Sequence[str], actual: Sequence[str]) -> bool:
    """Return True if two outputs differ by more than paths, times and the last digits of numbers."""
    return not _same("\n".join(shown), "\n".join(actual))


def _same(shown: str, actual: str) -> bool:
    for pattern, name in _VOLATILE:
        shown, actual = pattern.sub(name, shown), pattern.sub(name, actual)
    if shown == actual:
        return True
    words = [" ".join(_NUMBER.sub("#", text).split()) for text in (shown, actual)]
    numbers = [[_value(number) for number in _NUMBER.findall(text)] for text in (shown, actual)]
    return words[0] == words[1] and all(
        abs(a - b) <= 0.03 * max(abs(a), abs(b)) + unit for (a, unit), (b, _) in zip(*numbers, strict=True)
    )


def _value(number: str) -> tuple[float, float]:
    """A number, and twice the unit of its last digit."""
    plain = number.replace(",", "").replace("−", "-").rstrip(".")
    decimals = len(plain.partition("e")[0].partition(".")[2])
    return float(plain), 2 * 10.0**-decimals if decimals else 2.0


def run_page(
    path: Path, workplace: Workplace, *, copy: bool = False
) -> Iterator[tuple[int, int, list[str], list[str]]]:
    """Run the blocks of a page; with `copy`, put its figures into the assets.

    Yields:
        First and last line (exclusive) of a block that shows an output, its lines, and those of the run.
    """
    workplace.clear()
    blocks = blocks_of(path.read_text(encoding="utf-8"))
    for number, block in enumerate(blocks):
        where = f"{path.relative_to(ROOT)}:{block.start + 1}"
        if block.title:
            workplace.write(block)
        elif block.language == "python":
            output = selected(workplace.execute("\n" * block.start + "\n".join(block.lines), str(path)), block.options)
            follows = blocks[number + 1] if number + 1 < len(blocks) else None
            if follows and follows.language == "text" and follows.start <= block.end + 3:
                yield follows.start, follows.end, follows.lines, output
            else:
                assert not any(output), f"{where}: prints, but no text block follows"
        elif block.language in {"console", "bash", "setup"}:
            expected = int(block.options.get("exit", 0))
            lines: list[str] = []
            commands = commands_of(block)
            for k, (command, _) in enumerate(commands):
                lines += [f"$ {line}" if not j else line for j, line in enumerate(command.split("\n"))]
                if not is_skipped(command):
                    output, code = workplace.run(command.replace("\\\n", " "))
                    assert code == (expected if k == len(commands) - 1 else 0), f"{where}: {command}: {code}\n{output}"
                    lines += selected(output, block.options)
            if block.language == "console" and (copy or "unstable" not in block.options):
                yield block.start, block.end, block.lines, lines
        if figure := block.options.get("figure"):
            asset = ASSETS / block.options.get("as", figure)
            if copy:
                asset.parent.mkdir(exist_ok=True)
                shutil.copyfile(workplace.folder / figure, asset)
            assert (workplace.folder / figure).stat().st_size > 1000, f"{where}: {figure} is empty"
            assert asset.is_file(), f"{where}: run `make docs-update` to add {asset.name}"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The folder in which the pages run, one after the other."""
    return Workplace(tmp_path_factory.mktemp("docs"))


@pytest.mark.slow
@pytest.mark.parametrize("path", [page for page in PAGES if "```" in page.read_text("utf-8")], ids=lambda p: p.stem)
def test_blocks_run_and_print_what_is_shown(path: Path, workplace: Workplace) -> None:
    """Each block ends with its exit code, and its output is the one on the page."""
    for start, _, shown, actual in run_page(path, workplace):
        where = f"{path.relative_to(ROOT)}:{start + 1}"
        assert not differs(shown, actual), f"{where}: run `make docs-update`; the run printed:\n" + "\n".join(actual)


def test_every_skipped_command_is_in_a_page() -> None:
    """The list of commands that are not run holds no entry that no page needs."""
    commands = [c for page in PAGES for b in blocks_of(page.read_text("utf-8")) for c, _ in _commands(b)]
    for start in SKIPPED:
        assert any(command.startswith(start) for command in commands), start


def test_no_command_hides_in_a_block_that_is_not_run() -> None:
    """Commands stand in blocks that are run: no other block has a line that begins with the program's name."""
    for page in PAGES:
        for block in blocks_of(page.read_text("utf-8")):
            if block.language not in {*_RUN, "setup"}:
                assert not [line for line in block.lines if line.startswith(("lstmcast ", "$ "))], (
                    f"{page}:{block.start}"
                )


def test_the_targets_of_make_exist() -> None:
    """Each `make TARGET` of the pages and of CONTRIBUTING is a target of the Makefile."""
    texts = [page.read_text("utf-8") for page in (*PAGES, ROOT / "CONTRIBUTING.md")]
    targets = {target for text in texts for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", text, re.MULTILINE)}
    known = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= targets <= set(known)


def _commands(block: Block) -> list[tuple[str, list[str]]]:
    return commands_of(block) if block.language in {"console", "bash"} else []


@pytest.mark.parametrize(
    ("shown", "actual", "expected"),
    [
        ("MAE 18.41", "MAE 18.42", False),
        ("MAE 18.41", "MAE  18.41", False),
        ("MAE 18.41", "MAE 21.41", True),
        ("MAE 18.41", "RMSE 18.41", True),
        ("a/20261201T120137Z-2f7c1a71 after 5 s", "a/20271201T120137Z-00000000 after 12 s", False),
    ],
)
def test_outputs_are_compared_by_words_and_numbers(shown: str, actual: str, *, expected: bool) -> None:
    """Versions, seconds and last digits may differ; words and numbers may not."""
    assert differs([shown], [actual]) is expected


def test_blocks_are_found_with_their_options() -> None:
    """Fences, hidden commands, options, titles and outputs of a page, as written here."""
    page = '<!-- setup: a b -->\n<!-- example: head=2 from="x y" -->\n```console\n$ one \\\n  two\nout\n$ three\n```\n'
    hidden, shown = blocks_of(page)
    assert commands_of(hidden) == [("a b", [])]
    assert shown.options == {"head": "2", "from": "x y"}
    assert commands_of(shown) == [("one \\\n  two", ["out"]), ("three", [])]
    assert selected("1\n2\nx y\n3\n4", {"from": "x y", "head": "1", "to": "3"}) == ["1", "…", "x y", "3"]
    assert selected("1\n2\n3\n4", {"head": "1", "tail": "1"}) == ["1", "…", "4"]


def update(path: Path, workplace: Workplace) -> int:
    """Rewrite the outputs of a page, and its figures; returns how many changed."""
    lines = path.read_text(encoding="utf-8").split("\n")
    changes = []
    for start, end, shown, actual in run_page(path, workplace, copy=True):
        if differs(shown, actual):
            indent = lines[start - 1][: len(lines[start - 1]) - len(lines[start - 1].lstrip())]
            changes.append((start, end, [indent + line if line else line for line in actual]))
    for start, end, actual in reversed(changes):
        lines[start:end] = actual
    path.write_text("\n".join(lines), encoding="utf-8")
    return len(changes)


def main(arguments: Sequence[str]) -> int:
    """Update the named pages, or all; 1 if a block of a page fails."""
    failed = 0
    with tempfile.TemporaryDirectory() as root:
        workplace = Workplace(Path(root))
        for path in [Path(argument).resolve() for argument in arguments] or PAGES:
            try:
                print(f"{path.relative_to(ROOT)}: {update(path, workplace)} outputs changed")
            except Exception as error:  # noqa: BLE001  # the other pages are updated all the same
                print(f"{path.relative_to(ROOT)}: not updated: {error!r}")
                failed = 1
    return failed


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
