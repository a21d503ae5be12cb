"""The loading of YAML into a validated Config: all faults are reported together, with their keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.config import CONFIG_TYPES, Config, ValueConfig, bundled_configs, load_config, schema
from lstmcast.errors import ConfigError, Fault, FaultCode, FileError

Load = Callable[[str | bytes], Config]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Writes `my.yaml` and loads it by that name."""
    monkeypatch.chdir(tmp_path)

    def from_text(text: str | bytes) -> Config:
        Path("my.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config("my.yaml")

    return from_text


def faults(load: Load, text: str | bytes) -> tuple[Fault, ...]:
    """The faults of a file."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    return caught.value.faults


def refused(source: str | Path | None, overrides: dict[str, Any] | None = None) -> Fault:
    """The only fault of a config and its overrides."""
    with pytest.raises(ConfigError) as caught:
        load_config(source, overrides)
    (fault,) = caught.value.faults
    return fault


@pytest.mark.parametrize(
    "text", ["", "\n# nothing\n", "train:\n", "data: {}\nmodel:\nforecast: null\n", "\ufefftrain: {}"]
)
def test_empty_files_and_sections_are_the_defaults(load: Load, text: str) -> None:
    """An empty file, an empty section and a byte order mark change nothing."""
    assert load(text) == ValueConfig() == load_config()


def test_values_arrive_as_their_type(load: Load) -> None:
    """Numbers, lists, booleans, null and quoted text are parsed according to YAML 1.2."""
    config = load(
        "data: {target: [a, 'b c'], id_columns: shop, season_length: 7, delimiter: ';', time: '12'}\n"
        "model: {units: [50, 25], context: auto, lags: 3}\n"
        "train: {learning_rate: 1e-3, clip_norm: null, refit_on_all_data: false, seed: 4294967295}\n"
        "forecast: {levels: [95, 50.5]}\n"
    )
    assert (config.data.target, config.data.id_columns, config.data.season_length) == (["a", "b c"], ["shop"], 7)
    assert (config.data.delimiter, config.data.time) == (";", "12")
    assert (config.model.units, config.model.context, config.model.lags) == ([50, 25], "auto", 3)
    assert (config.train.learning_rate, config.train.clip_norm, config.train.refit_on_all_data) == (0.001, None, False)
    assert config.train.seed == 4294967295
    assert config.forecast.levels == [50.5, 95]


def test_quantiles_need_all_steps_at_once(load: Load) -> None:
    """The pinball loss requires the direct strategy; the direct strategy allows other losses."""
    both = load("model: {strategy: direct, skip_connection: true}\ntrain: {loss: pinball}\n")
    assert (both.model.strategy, both.model.skip_connection, both.train.loss) == ("direct", True, "pinball")
    assert load("model: {strategy: direct}").train.loss == "mse"
    assert load_config("my.yaml", {"train.loss": "pinball"}).train.loss == "pinball"
    fault = refused("accurate", {"model.strategy": "recursive"})
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, "train.loss")


@pytest.mark.parametrize(("text", "patience"), [("null", None), ("", None), ("auto", "auto"), ("3", 3)])
def test_patience_may_be_endless(load: Load, text: str, patience: object) -> None:
    """Null, as text of an override and in a file, is to run all epochs; unset it is decided from the data."""
    assert load(f"train: {{patience: {text}}}").train.patience == patience
    assert load_config(None, {"train.patience": text}).train.patience == patience
    assert ValueConfig().train.patience == "auto"


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "12:30", "2020-01-01", "010", "0x1F", "1e", "N", "0o7"])
def test_words_stay_text(load: Load, word: str) -> None:
    """Booleans, times, dates and other bases of YAML 1.1 stay text."""
    assert load(f"data: {{time: {word}}}").data.time == word
    (fault,) = faults(load, f"train: {{epochs: {word}}}")
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, "train.epochs")
    assert repr(word) in fault.text


@pytest.mark.parametrize(
    ("text", "key", "received"),
    [
        ("train: {refit_on_all_data: no}", "train.refit_on_all_data", "the text 'no'"),
        ("train: {epochs: 1e-3}", "train.epochs", "0.001"),
        ("train: {epochs: 5.0}", "train.epochs", "5.0"),
        ("train: {epochs: true}", "train.epochs", "true"),
        ("train: {epochs: null}", "train.epochs", "null"),
        ("train: {epochs: 0}", "train.epochs", "0"),
        ("model: {dropout: 010}", "model.dropout", "the text '010'"),
        ("model: {dropout: -1}", "model.dropout", "-1"),
        ("train: {clip_norm: .inf}", "train.clip_norm", "inf"),
        ("train: {clip_norm: 1e400}", "train.clip_norm", "inf"),
        ("train: {ensemble_size: 101}", "train.ensemble_size", "101"),
        ("train: {seed: 4294967296}", "train.seed", "4294967296"),
        ("train: [1]", "train", "[1]"),
        ("data: {time: 5}", "data.time", "5"),
        ("data: {delimiter: ';;'}", "data.delimiter", "the text ';;'"),
        ("model: {units: []}", "model.units", "[]"),
        ("model: {units: [5, 0]}", "model.units.1", "0"),
        ("model: {transform: exp}", "model.transform", "the text 'exp'"),
        ("model: {context: 0}", "model.context", "0"),
        ("forecast: {horizon: 2.5}", "forecast.horizon", "2.5"),
        ("forecast: {levels: [100]}", "forecast.levels.0", "100"),
        ("forecast: {levels: [80, 80.0]}", "forecast.levels", "[80.0, 80.0]"),
        ("data: {delimiter: ',', decimal: ','}", "data", "','"),
        ("data: {thousands: '.', decimal: '.'}", "data", "'.'"),
        ("data: {time: a, target: [b, a]}", "data", "'a'"),
        ("data: {id_columns: b, target: b}", "data", "'b'"),
        ("train: {patience: 0}", "train.patience", "0"),
        ("train: {patience: never}", "train.patience", "the text 'never'"),
        ("model: {skip_connection: 1}", "model.skip_connection", "1"),
        ("model: {strategy: both}", "model.strategy", "the text 'both'"),
    ],
)
def test_wrong_values(load: Load, text: str, key: str, received: str) -> None:
    """One fault with the dotted key, the file, and what was received."""
    (fault,) = faults(load, text)
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, key)
    assert fault.text.startswith(f"my.yaml: {key}: ")
    assert fault.text.removesuffix(")").endswith(f" {received}")


def test_levels_that_name_one_column_are_one(load: Load) -> None:
    """Levels whose `lower_…` columns would have equal names are refused, even if they differ in the ninth digit."""
    (fault,) = faults(load, "forecast: {levels: [80, 80.00000001]}")
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, "forecast.levels")


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("trian: {}", "trian", "train"),
        ("train: {epoch: 3}", "train.epoch", "epochs"),
        ("train: {lernrate: 3}", "train.lernrate", "learning_rate"),
        ("train.epochs: 5", "train.epochs", "train"),
    ],
)
def test_unknown_keys_name_the_nearest(load: Load, text: str, key: str, near: str) -> None:
    """A misspelt key is answered with the nearest one, and with all that are valid there."""
    (fault,) = faults(load, text)
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_KEY, key)
    assert f" {near}?" in fault.text


@pytest.mark.parametrize("text", ["foo.bar: 1", "1: {}", "'': 1", "null: 1", "<<: {train: {}}"])
def test_odd_keys_are_unknown_keys(load: Load, text: str) -> None:
    """A key with a dot, a number, an empty or a merging one is as unknown as any."""
    (fault,) = faults(load, text)
    assert fault.code == FaultCode.UNKNOWN_KEY
    assert fault.text.endswith(", ".join(ValueConfig.model_fields))


def test_every_fault_at_once(load: Load) -> None:
    """All faults of a file are reported together, each with its key."""
    faults_found = faults(load, "model: {units: [0, x], dropout: 2}\ntrain: {epochs: -1, loss: mape, foo: 1}\nzoo: 1\n")
    keys = {fault.column for fault in faults_found}
    assert keys == {"model.units.0", "model.units.1", "model.dropout", "train.epochs", "train.loss", "train.foo", "zoo"}


def test_all_doubled_keys_with_their_lines(load: Load) -> None:
    """Every duplicate key is reported with the line of the second one, at any depth."""
    faults_found = faults(load, "train: {seed: 1, seed: 2}\nmodel:\n  lags: 1\n  lags: 1\ntrain:\n  epochs: 1\n")
    assert [(fault.line, fault.column) for fault in faults_found] == [(1, "seed"), (4, "lags"), (5, "train")]
    assert {fault.code for fault in faults_found} == {FaultCode.REPEATED_KEY}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "code", "line", "named"),
    [
        (BOMB, FaultCode.NOT_YAML, 2, "aliases"),
        ("train: !!python/object/apply:os.system [ls]", FaultCode.NOT_YAML, 1, "tags"),
        ("train:\n  epochs: !!bool x", FaultCode.NOT_YAML, 2, "tags"),
        ("a: !!timestamp x", FaultCode.NOT_YAML, 1, "tags"),
        ("? [a, b]\n: 1", FaultCode.NOT_YAML, 1, "key"),
        ("- a\n- b", FaultCode.NO_SECTIONS, 0, "list"),
        ("just text", FaultCode.NO_SECTIONS, 0, "str"),
        ("a: 1\n---\nb: 2", FaultCode.NOT_YAML, 2, "document"),
        (b"train: {}\n\xff", FaultCode.NOT_UTF8, 0, "byte 10"),
    ],
)
def test_what_is_no_config(load: Load, text: str | bytes, code: FaultCode, line: int, named: str) -> None:
    """Aliases, tags, other documents and other encodings are refused, with the place."""
    (fault,) = faults(load, text)
    assert (fault.code, fault.line) == (code, line)
    assert fault.text.startswith(f"my.yaml:{line}: " if line else "my.yaml: ")
    assert named in fault.text


@pytest.mark.parametrize(
    "text", ["{" * 3000, "a: \x01", "a: [1", "%YAML 9.9\n---\na: 1", "a: 1: 2", f"a: {'9' * 5000}"]
)
def test_what_is_no_yaml(load: Load, text: str) -> None:
    """Text that is not YAML is one line, whatever the parser thinks of it."""
    (fault,) = faults(load, text)
    assert fault.code == FaultCode.NOT_YAML
    assert fault.text.startswith("my.yaml")
    assert "\n" not in fault.text
    assert len(fault.text) < 300


def test_a_megabyte_is_too_much(load: Load) -> None:
    """A config is written by hand: one byte above 1 MB is refused, 1 MB is read."""
    assert load("#" * (1 << 20)) == ValueConfig()
    assert [fault.code for fault in faults(load, "#" * ((1 << 20) + 1))] == [FaultCode.TOO_LARGE]


def test_an_endless_device_is_too_much() -> None:
    """An endless file is not read to its end."""
    assert refused("/dev/zero").code == FaultCode.TOO_LARGE


@pytest.mark.parametrize("path", ["nowhere/my.yaml", "my.yaml", "."])
def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A missing file and a folder are the file system's fault."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError) as caught:
        load_config(path)
    (fault,) = caught.value.faults
    assert fault.code == FaultCode.FILE_SYSTEM
    assert fault.text.startswith(f"{path}: ")


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    """A misspelt shipped config is answered with the nearest and with all."""
    fault = refused("clasic")
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_CONFIG, "classic")
    assert ", ".join(bundled_configs()) in fault.text


def test_a_name_longer_than_a_file_can_have() -> None:
    """A name no file can have is an unknown name, not a failure of the system."""
    fault = refused("x" * 300)
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_CONFIG, "")


@pytest.mark.parametrize("name", list(bundled_configs()))
def test_every_shipped_config_loads(name: str) -> None:
    """Shipped configs load by name and begin with a comment on their purpose."""
    assert isinstance(load_config(name), Config)
    assert bundled_configs()[name].read_text(encoding="utf-8").startswith("# ")


def test_the_default_is_the_default() -> None:
    """`auto` spells out what no config means, `lstm` one network by itself."""
    assert load_config("auto") == ValueConfig()
    assert load_config("lstm") == load_config(None, {"train.init": "scratch"})


def test_set_wins_over_the_file(load: Load, tmp_path: Path) -> None:
    """Overrides replace values of the file; text is parsed as YAML, other types are used unchanged."""
    load("train: {epochs: 7, seed: 3}\nmodel: {units: [9]}\n")
    overrides = {
        "train.epochs": "50",
        "model.units": "[5, 6]",
        "store.keep_versions": 2,
        "data.time": "no",
        "train.clip_norm": "",
    }
    config = load_config(tmp_path / "my.yaml", overrides)
    assert (config.train.epochs, config.train.seed, config.model.units, config.store.keep_versions) == (
        50,
        3,
        [5, 6],
        2,
    )
    assert (config.data.time, config.train.clip_norm) == ("no", None)


@pytest.mark.parametrize(
    ("key", "text", "code", "column"),
    [
        ("epochs", "5", FaultCode.NO_SECTIONS, "epochs"),
        ("train.", "5", FaultCode.NO_SECTIONS, "train."),
        (".epochs", "5", FaultCode.NO_SECTIONS, ".epochs"),
        ("train.epochs", "[1", FaultCode.BAD_VALUE, "train.epochs"),
        ("train.epochs", "*x", FaultCode.BAD_VALUE, "train.epochs"),
        ("train.epochs", "{a: 1, a: 2}", FaultCode.REPEATED_KEY, "a"),
        ("train.epochs", "many", FaultCode.BAD_VALUE, "train.epochs"),
        ("x.y", "1", FaultCode.UNKNOWN_KEY, "x"),
    ],
)
def test_wrong_overrides(key: str, text: str, code: FaultCode, column: str) -> None:
    """An override of an invalid form or type is reported with its key and, where it is wrong, its text."""
    fault = refused(None, {key: text})
    assert (fault.code, fault.column) == (code, column)
    assert fault.text.startswith("--set")
    assert code != FaultCode.BAD_VALUE or repr(text) in fault.text


def test_an_override_deeper_than_the_tree() -> None:
    """A key below a key is unknown, and answered with the nearest."""
    fault = refused(None, {"train.epochs.x": "5"})
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_KEY, "train.epochs.x")
    assert " epochs?" in fault.text


def test_faults_say_whether_file_or_override_is_wrong(load: Load) -> None:
    """Faults of the file name the file, those of an override name `--set`."""
    faults(load, "train: {epochs: 0}")
    with pytest.raises(ConfigError) as caught:
        load_config("my.yaml", {"train.seed": "-1"})
    assert {(fault.text.split(":")[0], fault.column) for fault in caught.value.faults} == {
        ("my.yaml", "train.epochs"),
        ("--set", "train.seed"),
    }


YAMLISH = st.text(st.sampled_from(list("{}[]:,-?!&*|>'\"#%@ \n\tabe.x0159~<=+\x01é")), max_size=40)


def outcome(source: Path | None, overrides: dict[str, str]) -> tuple[Config | None, tuple[str, ...]]:
    """The config, or its faults; other exceptions propagate."""
    try:
        return load_config(source, overrides), ()
    except ConfigError as err:
        return None, tuple(map(str, err.faults))


@given(text=YAMLISH)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_config_or_an_expected_failure(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text makes the loader fail in a way that it does not expect."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    for source, overrides in ((path, {}), (None, {"train.epochs": text}), (None, {f"train.{text}": "1"})):
        config, faults_found = outcome(source, overrides)
        assert isinstance(config, Config) or all(faults_found)


def sections(task: str) -> dict[str, dict[str, Any]]:
    """The sections in the schema of the configuration of a task."""
    parts = schema()["$defs"]
    config = parts[CONFIG_TYPES[task].__name__]
    return {name: parts[part["$ref"].rpartition("/")[2]] for name, part in config["properties"].items()}


def test_the_schema_is_one_of_the_configs() -> None:
    """One configuration for each task."""
    tree = schema()
    assert tree["$schema"].startswith("https://json-schema.org/")
    assert [part["$ref"] for part in tree["anyOf"]] == [f"#/$defs/{each.__name__}" for each in CONFIG_TYPES.values()]


@pytest.mark.parametrize("task", CONFIG_TYPES)
def test_the_schema_has_the_keys_of_the_loader(task: str) -> None:
    """Every section and key of a task is in the schema with its meaning, and no other key is allowed."""
    config_type = CONFIG_TYPES[task]
    assert schema()["$defs"][config_type.__name__]["additionalProperties"] is False
    assert set(sections(task)) == set(config_type.model_fields)
    for name, part in sections(task).items():
        assert part["additionalProperties"] is False
        assert set(part["properties"]) == set(config_type.model_fields[name].annotation.model_fields)
        assert all(entry["description"] for entry in part["properties"].values())


def test_the_schema_has_the_types_of_the_loader() -> None:
    """For an editor: patience is a number from 1, auto or null; a flag is true or false; the strategy one of two."""
    parts = sections("value")
    patience = parts["train"]["properties"]["patience"]
    assert {(kind["type"], kind.get("minimum"), kind.get("const")) for kind in patience["anyOf"]} == {
        ("integer", 1, None),
        ("string", None, "auto"),
        ("null", None, None),
    }
    assert patience["default"] == "auto"
    assert parts["model"]["properties"]["skip_connection"]["type"] == "boolean"
    assert parts["model"]["properties"]["strategy"]["enum"] == ["recursive", "direct"]
    assert "pinball" in parts["train"]["properties"]["loss"]["enum"]


@pytest.mark.parametrize("task", CONFIG_TYPES)
def test_one_task_a_schema(task: str) -> None:
    """Only the task `value` may be left out, so that a file fits exactly one part of the schema."""
    model = sections(task)["model"]
    assert model["properties"]["task"]["const"] == task
    assert ("task" in model.get("required", [])) == (task != "value")


@pytest.mark.parametrize("name", list(bundled_configs()))
def test_the_schema_knows_the_shipped_configs(name: str) -> None:
    """Each key of a shipped config, as another YAML reader sees it, is one that the schema describes."""
    tree = yaml.safe_load(bundled_configs()[name].read_text(encoding="utf-8"))
    known = sections(tree.get("model", {}).get("task", "value"))
    for section, keys in tree.items():
        assert set(keys) <= set(known[section]["properties"])


KEYS_OF_OTHER_TASKS = [
    ("value", "model.event", "event"),
    ("event", "model.strategy", "value"),
    ("category", "model.lags", "value or event"),
    ("category", "forecast.levels", "value"),
    ("label", "forecast.horizon", "value or event or category"),
    ("label", "data.season_length", "value or event or category"),
    ("event", "data.features", "label"),
]


@pytest.mark.parametrize(("task", "key", "owners"), KEYS_OF_OTHER_TASKS)
def test_a_key_of_another_task_names_its_tasks(task: str, key: str, owners: str) -> None:
    """With the tasks that have it, and the one of the file."""
    fault = refused(None, {"model.task": task, key: 1})
    assert (fault.code, fault.column) == (FaultCode.OTHER_TASKS_KEY, key)
    assert f" {owners}, not of {task}; " in fault.text


def test_a_key_near_to_one_of_another_task() -> None:
    """The nearest key of the file's own task, else of another, with that task."""
    fault = refused(None, {"model.dense_unit": [3]})
    assert (fault.code, fault.column) == (FaultCode.UNKNOWN_KEY, "model.dense_unit")
    assert " dense_units (model.task: label)?" in fault.text


def test_an_unknown_task_lists_the_known_ones() -> None:
    """Together with the faults of other keys."""
    with pytest.raises(ConfigError) as caught:
        load_config(None, {"model.task": "values", "train.epochs": 0})
    assert [(fault.code, fault.column) for fault in caught.value.faults] == [
        (FaultCode.BAD_VALUE, "model.task"),
        (FaultCode.BAD_VALUE, "train.epochs"),
    ]
    assert all(f"'{task}'" in caught.value.faults[0].text for task in CONFIG_TYPES)


def test_an_ensemble_needs_validation() -> None:
    """Its members are weighted by the errors on the origins that early stopping uses."""
    fault = refused(None, {"train.init": "ensemble", "train.patience": None})
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, "train.init")
    assert load_config(None, {"train.init": "ensemble"}).train.patience == "auto"


def test_text_that_yaml_would_want_in_quotes_is_taken_as_it_stands() -> None:
    """A format and a sign, as the messages of the reader advise them."""
    data = load_config(None, {"data.time_format": "%d/%m/%Y", "data.decimal": ","}).data
    assert (data.time_format, data.decimal) == ("%d/%m/%Y", ",")


def test_pretrained_networks_are_what_they_are() -> None:
    """Settings that fine-tuning cannot change are refused together; training settings are allowed."""
    requested = {"train.init": "fine_tune", "model.units": [100], "train.loss": "mae", "train.learning_rate": 0.001}
    fault = refused(None, requested)
    assert (fault.code, fault.column) == (FaultCode.BAD_VALUE, "model.units, train.loss")
    assert load_config(None, {"train.init": "fine_tune", "train.epochs": 3}).train.epochs == 3
