"""The README and CONTRIBUTING: short, with links and names that exist."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import lstmcast
from lstmcast.config import Job
from lstmcast.errors import LstmcastError

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_the_readme_is_one_screen_after_the_other() -> None:
    """At most 150 lines and 1,200 words, outputs included."""
    assert len(README.splitlines()) <= 150
    assert len(README.split()) <= 1200


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "data" / "README.md", *PAGES], ids=lambda p: p.stem)
def test_links_and_images_exist(path: Path) -> None:
    """Each relative link and image of a page is a file."""
    for target in LINK.findall(path.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).is_file(), target


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=lambda p: p.stem)
def test_paragraphs_are_short(path: Path) -> None:
    """No paragraph of prose has more than 80 words."""
    prose = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-*|\d])", prose):
        assert len(paragraph.split()) <= 80 or paragraph.lstrip().startswith("|"), paragraph


def test_every_page_is_in_the_navigation() -> None:
    """The navigation of mkdocs.yml names every page once."""
    text = re.sub(r"!!python/\S+", "''", (ROOT / "mkdocs.yml").read_text("utf-8"))
    named = re.findall(r"[\w/-]+\.md", yaml.dump(yaml.safe_load(text)["nav"]))
    assert sorted(named) == sorted(str(page.relative_to(ROOT / "docs")) for page in PAGES)


def test_every_exit_code_is_documented() -> None:
    """The table of exit codes has a row for each class of error."""
    table = (ROOT / "docs" / "reference" / "exit-codes.md").read_text("utf-8")
    for error in LstmcastError.__subclasses__():
        assert f"\n| {error.exit_code} |" in table, error.__name__


def test_the_generated_reference_has_every_key() -> None:
    """Each key of each section of a job has a row, with its default as YAML reads it."""
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    assert spec
    assert spec.loader
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    rows = hooks.on_page_markdown("<!-- generated: config_reference -->\n\n<!-- generated: job_reference -->")
    shown = dict(re.findall(r"^\| `([\w.]+)` \|.*? \| `([^`]*)` \| \S.* \|$", rows, re.MULTILINE))
    job = Job(input="data.csv").model_dump(mode="json")
    for name, value in job.items():
        keys = value if isinstance(value, dict) else {name: value}
        for key, default in keys.items():
            row = f"{name}.{key}" if isinstance(value, dict) else key
            assert shown[row] == "required" if key == "input" else yaml.safe_load(shown[row]) == default, row


def test_every_public_name_is_in_the_reference() -> None:
    """The page of the Python API shows what the package exports, and nothing else."""
    page = (ROOT / "docs" / "reference" / "python.md").read_text("utf-8")
    assert sorted(re.findall(r"^::: lstmcast\.(\w+)$", page, re.MULTILINE)) == sorted(lstmcast.__all__)


def test_contributing_names_files_and_markers_that_exist() -> None:
    """Paths below tests/, docs/ and benchmarks/ exist, and each marker of pytest is explained."""
    for name in re.findall(r"`((?:tests|docs|benchmarks)/[\w/.]*)`", CONTRIBUTING):
        assert (ROOT / name).exists(), name
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    for marker in options["markers"]:
        assert f"`{marker.partition(':')[0]}`" in CONTRIBUTING


def test_every_event_is_documented() -> None:
    """The table of events has a row for each event of a job in the source code, and no other."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "lstmcast" / "jobs").glob("*.py"))
    page = (ROOT / "docs" / "reference" / "events.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(re.findall(r'LogEvent\(\s*"(\w+)"', source))


def test_every_package_is_in_the_architecture() -> None:
    """The table of packages names every package and module right below lstmcast/, and nothing else."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \|", page.partition("## Packages")[2].partition("\n## ")[0], re.MULTILINE
    )
    parts = {path.stem for path in (ROOT / "lstmcast").iterdir() if path.suffix in {"", ".py"} and path.stem[0] != "_"}
    assert set(re.findall(r"\w+", " ".join(rows))) == parts


def test_the_package_is_typed() -> None:
    """The marker of PEP 561 is in the package."""
    assert (ROOT / "lstmcast" / "py.typed").is_file()
