"""The value task: numbers with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lstmcast.data.load import read
from lstmcast.data.panel import Panel
from lstmcast.data.schema import ReadOptions
from lstmcast.evaluation.backtest_result import BacktestResult
from lstmcast.forecasting import codec
from lstmcast.forecasting.forecaster import Forecaster
from lstmcast.forecasting.new_data import data_warnings, training_read_options
from lstmcast.tasks.base import BacktestOptions, Task
from lstmcast.types import TensorFiles

if TYPE_CHECKING:
    from lstmcast.config import ValueConfig
    from lstmcast.forecasting.model_comparison import Comparison
    from lstmcast.tasks.value.backtest import ValueBacktest
    from lstmcast.tasks.value.train import ValueTraining


class ValueTask(Task["ValueConfig", Panel, Forecaster, BacktestResult]):
    """The calls of commands and jobs for values; see `Task`."""

    name: ClassVar[str] = "value"
    backtest_flags: ClassVar[tuple[str, ...]] = ("n_origins", "step_size", "refit", "classical")

    def read(self, data: Any, config: ValueConfig) -> Panel:
        """Read a panel."""
        return read(data, ReadOptions.of(config.data.model_dump(), config.covariates.model_dump()))

    def training(self, dataset: Panel, config: ValueConfig) -> ValueTraining:
        """Plan a training run."""
        from lstmcast.tasks.value.train import ValueTraining

        return ValueTraining.of(dataset, config)

    def warm_training(self, dataset: Panel, config: ValueConfig, start: Forecaster) -> ValueTraining:
        """Plan a training run that starts from the weights of a forecaster."""
        from lstmcast.tasks.value.train import ValueTraining

        return ValueTraining.of(dataset, config, start)

    def compare(self, challenger: Forecaster, incumbent: Forecaster, panel: Panel) -> Comparison:
        """Compare the ensembles before their refit on the newest steps."""
        from lstmcast.forecasting.model_comparison import compare

        return compare(challenger, incumbent, panel)

    def to_artifact(self, model: Forecaster) -> tuple[dict[str, Any], TensorFiles]:
        """Return the manifest and the tensor files of a version."""
        return codec.to_artifact(model)

    def from_artifact(self, manifest: Mapping[str, Any], tensors: TensorFiles) -> Forecaster:
        """Build a forecaster; see `Task`."""
        return codec.from_artifact(manifest, tensors)

    def read_new_data(
        self, model: Forecaster, data: str, given: Mapping[str, Any] | None = None
    ) -> tuple[Panel, tuple[str, ...]]:
        """Read the columns and formats of training."""
        panel = read(data, training_read_options(model, given))
        return panel, tuple(data_warnings(model.context, panel))

    def read_for_job(self, model: Forecaster, data: str, future: str | None = None) -> tuple[Panel, tuple[str, ...]]:
        """Read the newest data with the values ahead of a file, if the model has covariates."""
        given = None if model.context.covariates is None else {"covariates": {"future": future}}
        return self.read_new_data(model, data, given)

    def backtest_plan(self, dataset: Panel, config: ValueConfig, options: BacktestOptions) -> ValueBacktest:
        """Plan a backtest from rolling origins, with one training or with one for each."""
        from lstmcast.tasks.value.backtest import ValueBacktest

        return ValueBacktest.of(dataset, config, options)
