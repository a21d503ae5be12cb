"""What a run depends on, as digests: where nothing of it has changed, nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from lstmcast.config import Job

DIGEST_EXCLUDED: Mapping[str, bool | set[str]] = {
    "input": True,
    "plot": True,
    "metrics": True,
    "on_alert": True,
    "store": True,
    "forecast": {"output"},
}
"""What of a job says where things lie, or who is told: the forecast does not depend on it."""


def config_digest(job: Job) -> str:
    """sha256 of everything in a job that the forecast may depend on."""
    payload = job.model_dump(mode="json", exclude=DIGEST_EXCLUDED)
    return sha256(json.dumps(payload, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def run_key(data: str, config: str, version: str, sources: Sequence[str]) -> str:
    """Names a forecast before it is made.

    Args:
        data: the fingerprint of the panel.
        config: the digest of the job.
        version: the model's version; empty where there is none.
        sources: what forecasts each series: old data may turn to another.
    """
    return sha256(json.dumps([data, config, version, list(sources)]).encode()).hexdigest()
