"""The YAML as typed models: unknown keys refused, every fault reported at once."""

from lstmcast.config.job import Job
from lstmcast.config.loader import bundled_configs, load_config, load_job, schema
from lstmcast.config.schema import Config

__all__ = ["Config", "Job", "bundled_configs", "load_config", "load_job", "schema"]
