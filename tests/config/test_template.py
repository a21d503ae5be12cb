"""The commented YAML that `init` writes: read back, it is the config it was written from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lstmcast.config import Config, Job, ValueConfig, load_config, load_job
from lstmcast.config.schema import SeasonalDataConfig, ValueForecastConfig, ValueModelConfig, ValueTrainConfig
from lstmcast.config.template import commented, commented_job

CONFIGS = [
    ValueConfig(),
    ValueConfig(data=SeasonalDataConfig(time="\xa0", target=" a ", id_columns=["", "\x85"])),
    ValueConfig(
        data=SeasonalDataConfig(
            time="no",
            target=["1e3", "*", "a: b"],
            id_columns=["ä,", "#x"],
            delimiter="\t",
            thousands="'",
            season_length=7,
        ),
        model=ValueModelConfig(
            units=[3, 4], context=5, dropout=0.25, transform="sqrt", strategy="direct", skip_connection=True
        ),
        train=ValueTrainConfig(
            learning_rate=1e-5, clip_norm=None, patience=None, loss="pinball", refit_on_all_data=False, seed=2**32 - 1
        ),
        forecast=ValueForecastConfig(levels=[], output="null"),
    ),
]


def load(text: str, path: Path) -> Config:
    """The config that this text is."""
    path.write_text(text, encoding="utf-8")
    return load_config(path)


@pytest.mark.parametrize("config", CONFIGS)
def test_what_is_written_loads_back_equal(config: Config, tmp_path: Path) -> None:
    """Written and loaded, a config is equal to what it was, also where names look like something else."""
    assert load(commented(config, {}, {}, "data.csv"), tmp_path / "my.yaml") == config


@given(name=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_any_column_name_loads_back(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever a column is called, the written config names it again."""
    config = ValueConfig(data=SeasonalDataConfig(time=name))
    assert load(commented(config, {}, {}, "x.csv"), tmp_path_factory.getbasetemp() / "name.yaml") == config


def test_what_was_found_is_filled_in_with_its_reason(tmp_path: Path) -> None:
    """Found values win over the config, and their reason stands above them; without a value there is no reason."""
    found = {"data.time": "month", "data.season_length": 12, "data.id_columns": []}
    reasons = {"data.time": "the only column", "data.season_length": "monthly data", "data.id_columns": "none repeats"}
    text = commented(ValueConfig(), found, reasons, "air.csv")
    config = load(text, tmp_path / "my.yaml")
    assert (config.data.time, config.data.season_length) == ("month", 12)
    lines = text.splitlines()
    assert lines[lines.index("  time: month") - 1] == "  # Here: the only column."
    assert lines[lines.index("  season_length: 12") - 1] == "  # Here: monthly data."
    assert "none repeats" not in text


def test_every_key_stands_below_its_meaning() -> None:
    """All keys are written, in order, each under its description; another YAML reader sees the same keys."""
    lines = commented(ValueConfig(), {}, {}, "air.csv").splitlines()
    for section, field in ValueConfig.model_fields.items():
        assert f"{section}:" in lines
        for key, meaning in field.annotation.model_fields.items():
            (at,) = [
                k for k, line in enumerate(lines) if line.startswith(f"  {key}:") and k > lines.index(f"{section}:")
            ][:1]
            assert lines[at - 1] == f"  # {meaning.description}"
    tree = yaml.safe_load("\n".join(lines))
    assert {s: list(keys) for s, keys in tree.items()} == {
        s: list(f.annotation.model_fields) for s, f in ValueConfig.model_fields.items()
    }


def test_the_first_line_shows_the_usage() -> None:
    """The file begins with the command that uses it."""
    assert commented(ValueConfig(), {}, {}, "my data.csv").startswith("# lstmcast train my data.csv --config ")


def test_a_job_loads_back_equal(tmp_path: Path) -> None:
    """Written with every key, rules and alerts included, a job is the job it was."""
    job = Job.model_validate(
        {
            "input": "a: b.csv",
            "freshness": {"max_data_age": "2h", "max_flatline": {"limit": "1d", "action": "fallback"}},
            "retrain": {"every": None, "init": "fresh"},
            "alerts": [{"name": "no", "when": "value > 5 with 20% within 7d", "series": "#1"}],
            "on_alert": {"command": ["notify", "-x", "null"]},
            "fail_if": ["mase > 1"],
            "train": {"seed": 3},
        }
    )
    (tmp_path / "job.yaml").write_text(commented_job(job, {}, {}, "job.yaml"), encoding="utf-8")
    assert load_job(tmp_path / "job.yaml") == job.resolve_paths(tmp_path)


def test_what_is_special_to_a_job_stands_first() -> None:
    """The input before all others, then the rules; what training knows comes last."""
    text = commented_job(
        Job(input="a.csv"), {"freshness.max_flatline": "1h"}, {"freshness.max_flatline": "so"}, "job.yaml"
    )
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert lines[:3] == ["input: a.csv", "plot: null", "fail_if: []"]
    assert [line.rstrip(":") for line in lines if line.endswith(":")] == [
        "freshness", "retrain", "ledger", "metrics", "data", "model", "train", "forecast", "store",
        "covariates",
    ]  # fmt: skip
    assert "  # Here: so.\n  max_flatline: 1h\n" in text
