"""Reading of YAML text and `--set` into a validated configuration, without aliases, tags or implicit conversions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from lstmcast.config.job import JOB_TYPES, NO_JOBS, AnyJob, Job, JobConfig
from lstmcast.config.schema import CONFIG_TYPES, AnyConfig, Config, ValueConfig
from lstmcast.errors import ConfigError, Fault, FaultCode, FileError

MAX_BYTES = 1 << 20  # bytes

ConfigType = TypeVar("ConfigType", bound=Config)
Tree = dict[str, Any]


def load_config(source: str | Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a configuration.

    Args:
        source: name of a bundled config, or a path; None: the defaults.
        overrides: dotted key to value, which wins over the file: `{"train.epochs": 50}`. Text is parsed as YAML.

    Returns:
        The validated configuration of its task.

    Raises:
        ConfigError: all faults of file and overrides, each with its dotted key.
        FileError: the file cannot be read.
    """
    tree, name = ({}, "--set") if source is None else (_parse(_read(_find(source)), str(source), Config), str(source))
    _put_all(tree, overrides or {})
    return _checked(_config_type(tree), tree, name, overrides or {})


def load_job(path: str | Path) -> AnyJob:
    """Read a job of any task with jobs.

    Returns:
        The validated job, with paths relative to the working directory.

    Raises:
        ConfigError: all faults of the file, each with its dotted key.
        FileError: the file cannot be read.
    """
    tree = _parse(_read(Path(path)), str(path), Job)
    job: AnyJob = _checked(JOB_TYPES.get(_task(tree), Job), tree, str(path), {})
    return job.resolve_paths(Path(path).parent)


def bundled_configs() -> dict[str, Path]:
    """Return the paths of the bundled configs by name."""
    package = Path(__file__).resolve().parents[1]
    folder = next((f for f in (package / "configs", package.parent / "configs") if f.is_dir()), package)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def schema(config_type: type[Config] = Config) -> dict[str, Any]:
    """Return the JSON schema of a `Config`, or of a `JobConfig`, of any task, or of one type, for editors."""
    unions: dict[type[Config], Any] = {Config: AnyConfig, JobConfig: AnyJob}
    adapter = TypeAdapter[Any](unions.get(config_type, config_type))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **adapter.json_schema(),
        "title": "lstmcast",
    }


def _config_type(tree: Tree) -> type[AnyConfig]:
    """Return the configuration of the task that a tree names, which is `value` where it names none or another."""
    return CONFIG_TYPES.get(_task(tree), ValueConfig)


def _task(tree: Tree) -> str:
    """Return the task that a tree names; empty for none."""
    model = tree.get("model")
    task = model.get("task") if isinstance(model, dict) else None
    return task if isinstance(task, str) else ""


def _checked(config_type: type[ConfigType], tree: Tree, name: str, overrides: Mapping[str, Any]) -> ConfigType:
    """Validate a tree, and raise all faults together."""
    try:
        return config_type.model_validate(tree)
    except ValidationError as err:
        faults = _faults(err, config_type)
        raise ConfigError([fault.within("--set" if key in overrides else name) for key, fault in faults]) from err


def _find(source: str | Path) -> Path:
    text = str(source)
    names = bundled_configs()
    if text in names:
        return names[text]
    with suppress(OSError):  # a name too long for a file
        if Path(text).suffix or "/" in text or Path(text).exists():
            return Path(text)
    close = difflib.get_close_matches(text, names, 1)
    hint = f"did you mean {close[0]}? " if close else ""
    shown = f"--config {text}: {hint}bundled configs: {', '.join(names)}; or the path of a file (my.yaml)"
    raise ConfigError(Fault(shown, FaultCode.UNKNOWN_CONFIG, column=close[0] if close else ""))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # bounded, for devices
    except (OSError, ValueError) as err:  # ValueError: NUL in the name
        text = f"{path}: cannot be read: {getattr(err, 'strerror', err)}"
        raise FileError(Fault(text, FaultCode.FILE_SYSTEM)) from err
    if len(content) > MAX_BYTES:
        text = f"{path}: larger than 1 MB ({MAX_BYTES:,} bytes), the limit of a config"
        raise ConfigError(Fault(text, FaultCode.TOO_LARGE))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise ConfigError(Fault(f"{path}: must be UTF-8 (byte {err.start} is not)", FaultCode.NOT_UTF8)) from err


class PlainLoader(yaml.SafeLoader):
    """YAML 1.2's plain scalars (only true and false are booleans, 1e-3 is a number), without aliases and tags."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[Fault] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose the next node; refuse aliases and tags."""
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
    """Construct a mapping with text keys; collect duplicate keys, to report them together."""
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
        name = key.value
        if name in found:
            line = key.start_mark.line + 1
            loader.duplicates.append(Fault(f"line {line}: duplicate key {name!r}", FaultCode.REPEATED_KEY, line, name))
        found[name] = loader.construct_object(value, deep=True)
    return found


PlainLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
PlainLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(re.sub(r"\.(inf|nan)", r"\1", node.value)))


def _load(text: str) -> Any:
    loader = PlainLoader(text)
    tree = loader.get_single_data()
    if loader.duplicates:
        raise ConfigError(loader.duplicates)
    return tree


def _parse(text: str, name: str, config_type: type[Config]) -> dict[str, Any]:
    """Parse YAML; a section without a value is left out unless null is valid for it."""
    try:
        tree = _load(text)
    except ConfigError as err:
        raise ConfigError([fault.within(name) for fault in err.faults]) from err
    except yaml.MarkedYAMLError as err:
        line = err.problem_mark.line + 1 if err.problem_mark else 0
        where = f"{name}:{line}" if line else name
        raise ConfigError(Fault(f"{where}: {err.problem or 'is not YAML'}", FaultCode.NOT_YAML, line)) from err
    except (yaml.YAMLError, RecursionError, ValueError) as err:
        text = f"{name}: is not YAML: {' '.join(str(err).split())[:200]}"
        raise ConfigError(Fault(text, FaultCode.NOT_YAML)) from err
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        text = f"{name}: must contain sections ({', '.join(config_type.model_fields)}); got {type(tree).__name__}"
        raise ConfigError(Fault(text, FaultCode.NO_SECTIONS))
    needed = {key for key, field in config_type.model_fields.items() if field.default is not None}
    return {key: value for key, value in tree.items() if value is not None or key not in needed}


def _scalar(key: str, text: str) -> Any:
    try:
        return _load(text)
    except ConfigError as err:
        raise ConfigError([fault.within(f"--set {key}") for fault in err.faults]) from err
    except (yaml.YAMLError, RecursionError, ValueError):
        return text  # such as %d/%m/%Y, which YAML requires in quotes


def _put_all(tree: Tree, overrides: Mapping[str, Any]) -> None:
    for key, value in overrides.items():
        _put(tree, key, _scalar(key, value) if isinstance(value, str) else value)


def _put(tree: Tree, key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    if not section or not name:
        text = f"--set {key}: must be section.key=value, such as train.epochs=50"
        raise ConfigError(Fault(text, FaultCode.NO_SECTIONS, column=key))
    inner = tree.setdefault(section, {})
    if isinstance(inner, dict):
        inner[name] = value


def _faults(err: ValidationError, config_type: type[Config]) -> Iterator[tuple[str, Fault]]:
    """Yield the dotted key that an override has, and the fault: its full key, the rule and the received value."""
    seen: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for detail in err.errors(include_url=False):
        seen.setdefault(_path(config_type, detail["loc"]), []).append(detail)
    for path, details in seen.items():
        key = ".".join(path)
        if details[0]["type"] == "extra_forbidden":
            yield key, _unknown(path, config_type)
        elif key == "model.task":
            of_job = issubclass(config_type, JobConfig)
            received = details[0]["input"]
            names = f"{_listed(_types(config_type))}{' for a job' if of_job else ''}"
            reason = f": {NO_JOBS[received]}" if of_job and received in NO_JOBS else ""
            code = FaultCode.NO_JOBS if reason else FaultCode.BAD_VALUE
            yield key, Fault(f"{key}: must be {names} (got {_shown(received)}){reason}", code, column=key)
        else:
            rules = " or ".join(dict.fromkeys(_rule(detail) for detail in details))
            code = FaultCode.MISSING_KEY if details[0]["type"] == "missing" else FaultCode.BAD_VALUE
            names_value = details[0]["type"] in {"value_error", "missing"}
            received = "" if names_value else f" (got {_shown(details[0]['input'])})"
            names_key = not key or rules.startswith(key)  # no key: a fault of the whole file
            text = f"{rules if names_key else f'{key}: {rules}'}{received}"
            column = key or getattr(details[0].get("ctx", {}).get("error"), "key", "")
            yield ".".join(path[:2]), Fault(text, code, column=column)


def _path(config_type: type[Config], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the keys in the location of a fault, without the union members that pydantic adds."""
    path: tuple[str, ...] = ()
    for depth, part in enumerate(location):
        section = _section(config_type, path)
        known = section is not None and (part in section.model_fields or depth == len(location) - 1)
        if isinstance(part, int) or known:
            path += (str(part),)
    return path


def _section(config_type: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel] | None:
    """Return the type of the section at these keys; None for a plain value."""
    section: type[BaseModel] | None = config_type
    for key in path:
        if section is None or key.isdigit():
            continue
        section = _model_in(section.model_fields[key].annotation) if key in section.model_fields else None
    return section


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first section in a type annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _unknown(path: tuple[str, ...], config_type: type[Config]) -> Fault:
    """Describe a key that a section lacks: the tasks that have it, or the nearest key, and the valid ones."""
    section = _section(config_type, path[:-1])
    valid = section.model_fields if section else {}
    key, by_task = ".".join(path), _keys_by_task(path[:-1], _types(config_type))
    if owners := [task for task, keys in by_task.items() if path[-1] in keys]:
        task = next(name for name, known in CONFIG_TYPES.items() if issubclass(config_type, known))
        text = f"{key}: a key of model.task: {' or '.join(owners)}, not of {task}; valid here: {', '.join(valid)}"
        return Fault(text, FaultCode.OTHER_TASKS_KEY, column=key)
    of_other_tasks = {name: f"{name} (model.task: {task})" for task, keys in by_task.items() for name in keys}
    names = of_other_tasks | {name: name for name in valid}
    close = difflib.get_close_matches(path[-1], names, 1, cutoff=0.5)
    hint = f"did you mean {names[close[0]]}? " if close else ""
    return Fault(f"{key}: unknown key; {hint}valid here: {', '.join(valid)}", FaultCode.UNKNOWN_KEY, column=key)


def _types(config_type: type[Config]) -> Mapping[str, type[Config]]:
    """Return the schemas by task of jobs, or of configurations."""
    return JOB_TYPES if issubclass(config_type, JobConfig) else CONFIG_TYPES


def _keys_by_task(path: tuple[str, ...], types: Mapping[str, type[Config]]) -> dict[str, list[str]]:
    """Return the keys of a section of each task."""
    sections = {task: _section(config_type, path) for task, config_type in types.items()}
    return {task: list(section.model_fields) if section else [] for task, section in sections.items()}


def _listed(names: Iterable[str]) -> str:
    """Return names as pydantic lists the values of a literal."""
    *most, last = (f"'{name}'" for name in names)
    return f"{', '.join(most)} or {last}"


_RULES = {
    "missing": "must be given",
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
    """Format a received value as YAML, truncated to 80 characters; text is marked as text."""
    if isinstance(value, str):
        text = f"the text {value!r}"
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
