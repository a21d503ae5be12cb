"""The YAML as typed models: unknown keys refused, every fault reported at once."""

from lstmcast.config.loading import load_config, schema, shipped
from lstmcast.config.models import Config

__all__ = ["Config", "load_config", "schema", "shipped"]
