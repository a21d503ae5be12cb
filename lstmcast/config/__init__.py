"""Configurations and jobs: YAML as validated, frozen models."""

from lstmcast.config.job import JOB_TYPES, NO_JOBS, AnyJob, CategoryJob, EventJob, Job, ScoredJob
from lstmcast.config.loader import bundled_configs, load_config, load_job, schema
from lstmcast.config.schema import (
    CONFIG_TYPES,
    CategoryConfig,
    Config,
    EventConfig,
    LabelConfig,
    StepsConfig,
    ValueConfig,
)

__all__ = [
    "CONFIG_TYPES",
    "JOB_TYPES",
    "NO_JOBS",
    "AnyJob",
    "CategoryConfig",
    "CategoryJob",
    "Config",
    "EventConfig",
    "EventJob",
    "Job",
    "LabelConfig",
    "ScoredJob",
    "StepsConfig",
    "ValueConfig",
    "bundled_configs",
    "load_config",
    "load_job",
    "schema",
]
