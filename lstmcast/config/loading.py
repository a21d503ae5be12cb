"""From YAML text and `--set` to a checked Config. Nothing is executed, no alias is followed, no type is guessed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lstmcast.config.models import Config
from lstmcast.errors import ConfigError, FileError

LARGEST = 1 << 20  # bytes: a config is written by hand


def load_config(source: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a configuration.

    Args:
        source: a shipped config's name, or a path; None: the defaults.
        overrides: dotted key to value, stronger than the file: `{"train.epochs": 50}`. Text is read as YAML.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: every fault of file and overrides, each with its dotted key.
        FileError: the file cannot be read.
    """
    tree: dict[str, Any] = {}
    name = "--set"
    if source is not None:
        path = _find(source)
        name = str(source)
        tree = _parse(_read(path), name)
    for key, value in (overrides or {}).items():
        _put(tree, key, _scalar(key, value) if isinstance(value, str) else value)
    try:
        return Config.model_validate(tree)
    except ValidationError as err:
        raise ConfigError(
            [f"{'--set' if key in (overrides or {}) else name}: {fault}" for key, fault in _faults(err)]
        ) from err


def shipped() -> dict[str, Path]:
    """The configs that come with lstmcast, by name."""
    package = Path(__file__).resolve().parents[1]
    folder = next((f for f in (package / "configs", package.parent / "configs") if f.is_dir()), package)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def schema() -> dict[str, Any]:
    """The JSON schema of a config, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
        "title": "lstmcast",
    }


def _find(source: str | Path) -> Path:
    text = str(source)
    names = shipped()
    if text in names:
        return names[text]
    with suppress(OSError):  # a name too long to be a file's
        if Path(text).suffix or "/" in text or Path(text).exists():
            return Path(text)
    near = difflib.get_close_matches(text, names, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ConfigError(f"--config {text}: {hint}shipped configs: {', '.join(names)}; or name a file (my.yaml)")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)  # a device may never end
    except (OSError, ValueError) as err:  # ValueError: a NUL in the name
        raise FileError(f"{path}: cannot be read: {getattr(err, 'strerror', err)}") from err
    if len(content) > LARGEST:
        raise ConfigError(f"{path}: a config is at most 1 MB ({LARGEST:,} bytes); this is more")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path}: must be UTF-8 (byte {err.start} is not)") from err


class PlainLoader(yaml.SafeLoader):
    """YAML 1.2's plain scalars (only true and false are booleans, 1e-3 is a number), without aliases and tags."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.doubled: list[str] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node, unless it is an alias or has a tag."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # untyped in types-PyYAML
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(None, None, "tags (!name) are not allowed", mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False", "tfTF"),
    ("null", r"null|Null|NULL|~|", "nN~"),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
):
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first, ""])


def _mapping(loader: PlainLoader, node: yaml.MappingNode) -> dict[str, Any]:
    """A mapping whose keys are text, each once; doubled ones are kept aside to be reported together."""
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
        name = key.value
        if name in found:
            loader.doubled.append(f"line {key.start_mark.line + 1}: the key {name!r} stands twice")
        found[name] = loader.construct_object(value, deep=True)
    return found


PlainLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
PlainLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(re.sub(r"\.(inf|nan)", r"\1", node.value)))


def _load(text: str) -> Any:
    loader = PlainLoader(text)
    tree = loader.get_single_data()
    if loader.doubled:
        raise ConfigError(loader.doubled)
    return tree


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        tree = _load(text)
    except ConfigError as err:
        raise ConfigError([f"{name}: {fault}" for fault in err.faults]) from err
    except yaml.MarkedYAMLError as err:
        line = f":{err.problem_mark.line + 1}" if err.problem_mark else ""
        raise ConfigError(f"{name}{line}: {err.problem or 'is not YAML'}") from err
    except (yaml.YAMLError, RecursionError, ValueError) as err:
        raise ConfigError(f"{name}: is not YAML: {' '.join(str(err).split())[:200]}") from err
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{name}: must hold sections ({', '.join(Config.model_fields)}); got {type(tree).__name__}")
    return {key: {} if value is None and key in Config.model_fields else value for key, value in tree.items()}


def _scalar(key: str, text: str) -> Any:
    try:
        return _load(text)
    except ConfigError as err:
        raise ConfigError([f"--set {key}: {fault}" for fault in err.faults]) from err
    except (yaml.YAMLError, RecursionError, ValueError):
        return text  # such as %d/%m/%Y: plain text that YAML would want in quotes


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    if not section or not name:
        raise ConfigError(f"--set {key}: must be section.key=value, such as train.epochs=50")
    inner = tree.setdefault(section, {})
    if isinstance(inner, dict):
        inner[name] = value


def _faults(err: ValidationError) -> Iterator[tuple[str, str]]:
    """Dotted key and one line for each fault: key, rule, what was received.

    Types that pydantic tried are no part of a key.
    """
    seen: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for detail in err.errors(include_url=False):
        path = tuple(str(p) for depth, p in enumerate(detail["loc"]) if depth < 2 or isinstance(p, int))
        seen.setdefault(path, []).append(detail)
    for path, details in seen.items():
        key = ".".join(path)
        if details[0]["type"] == "extra_forbidden":
            yield key, _unknown(path)
        else:
            rules = " or ".join(dict.fromkeys(_rule(detail) for detail in details))
            received = "" if details[0]["type"] == "value_error" else f" (got {_shown(details[0]['input'])})"
            yield ".".join(path[:2]), f"{key}: {rules}{received}" if key else rules  # (no key: the whole is at fault)


def _unknown(path: tuple[str, ...]) -> str:
    """What to say of a key that a section, or the whole, does not have."""
    model: type[BaseModel] = type(getattr(Config(), path[0])) if len(path) > 1 else Config
    near = difflib.get_close_matches(path[-1], model.model_fields, 1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{'.'.join(path)}: unknown key; {hint}valid here: {', '.join(model.model_fields)}"


_RULES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a section of keys",
    "model_attributes_type": "must be a section of keys",
    "none_required": "must be null",
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be ≥ {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be ≤ {le}",
    "literal_error": "must be {expected}",
    "too_short": "needs at least {min_length}",
    "too_long": "takes at most {max_length}",
    "string_too_short": "must be a single character",
    "string_too_long": "must be a single character",
}


def _rule(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    rule = _RULES.get(detail["type"], detail["msg"])
    return rule.format(**detail.get("ctx", {}))


def _shown(value: object) -> str:
    """A value as YAML writes it, cut where it is long; text is said to be text."""
    if isinstance(value, str):
        text = f"the text {value!r}"
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
