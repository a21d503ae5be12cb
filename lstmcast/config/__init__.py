"""The YAML as typed models: unknown keys refused, every fault reported at once."""

from lstmcast.config.job import Job
from lstmcast.config.loading import load_config, load_job, schema, shipped
from lstmcast.config.models import Config

__all__ = ["Config", "Job", "load_config", "load_job", "schema", "shipped"]
