"""Trained forecaster of symbols, its networks, its report, and its form in a saved version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from lstmcast.data.panel import Panel
from lstmcast.forecasting.forecaster import check_same_calendar
from lstmcast.forecasting.saved_parts import context_arrays, context_of, to_arrays, to_facts
from lstmcast.forecasting.split_data import tail
from lstmcast.forecasts import StepForecast
from lstmcast.nn.beam_search import BEAM_WIDTH, AutoregressiveEnsemble, Path, beam_search, sample
from lstmcast.nn.multistep import CHUNK_SIZE
from lstmcast.preprocessing.sequences import SymbolDataset
from lstmcast.results import Evaluation, Holdout, TrainingReport
from lstmcast.tasks.model import NetworkModel, NetworkPipeline, Parts, networks_of
from lstmcast.types import Array, Floats, Ints, TensorFiles

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SymbolScores(Evaluation):
    """Scores of one-step predictions: bits, accuracy, top_3; and path, the accuracy along paths of H steps.

    Attributes:
        n_paths: number of paths.
    """

    unit: ClassVar[str] = "symbol"
    error: ClassVar[str] = "bits per symbol"

    n_paths: int


@dataclass(frozen=True, kw_only=True)
class CategoryReport(TrainingReport):
    """The result of a training on symbols.

    Attributes:
        temperature: of the softmax.
        holdout: the held-out steps.
    """

    evaluation: SymbolScores
    temperature: float
    holdout: Holdout


TEXT = ".txt"


@dataclass(frozen=True)
class SymbolPipeline(NetworkPipeline):
    """Networks that map the past of a series to the next symbol.

    Attributes:
        context: L, the length of the windows that they were trained on.
    """

    context: int

    @property
    def ensemble(self) -> AutoregressiveEnsemble:
        """The networks with their mean probabilities."""
        return AutoregressiveEnsemble(self.networks, self.temperature)

    @property
    def required_history(self) -> int:
        """Past symbols that a forecast depends on: two windows."""
        return 2 * self.context

    def bind(self, panel: Panel) -> SymbolDataset:
        """Return the codes of a panel, ready to be cut into windows."""
        return SymbolDataset(panel.values.astype(np.int64), panel.offsets, len(panel.symbols), self.context)

    def window_log_probs(self, dataset: SymbolDataset, series: Ints, firsts: Ints) -> Floats:
        """Return one-step-ahead log-probabilities [B, L, V] after each of L consecutive steps.

        Args:
            dataset: a bound panel.
            series: [B] indices of its series.
            firsts: [B] the first of the L steps, −1 for the step before the series. Each prediction uses one to two
                windows of the past.
        """
        x = dataset.inputs(series, firsts + self.context - 1, self.required_history)
        size = max(1, CHUNK_SIZE // max(1, int(np.prod(x.shape[1:]))))
        parts = [self.ensemble.step_log_probs(x[k : k + size], self.context) for k in range(0, len(x), size)]
        return np.concatenate(parts)

    def paths(self, dataset: SymbolDataset, series: Ints, origins: Ints, search: Callable[[Array], Path]) -> Path:
        """Return the symbols after [B] origins of [B] series, found by `search` from inputs [B, L, V]."""
        size = max(1, CHUNK_SIZE // (self.required_history * dataset.vocab_size * BEAM_WIDTH))
        chunks = [slice(k, k + size) for k in range(0, len(series), size)]
        parts = [search(dataset.inputs(series[c], origins[c], self.required_history)) for c in chunks]
        return Path(np.concatenate([p.symbols for p in parts]), np.concatenate([p.probabilities for p in parts]))


@dataclass(frozen=True)
class SymbolForecast(StepForecast):
    """The next H symbols of S series; the other attributes are those of `StepForecast`.

    Attributes:
        codes: [S, H] predicted symbols as codes.
        symbols: [V] the symbols of the codes.
        probabilities: [S, H] of each predicted symbol, given those before it.
        separator: between two symbols of a text file.
        model_names: [S] the model of each series; empty: not reported.
    """

    levels: ClassVar[tuple[float, ...]] = ()  # symbols have no intervals

    codes: Ints
    symbols: tuple[str, ...]
    probabilities: Floats
    separator: str = "\n"
    model_names: tuple[str, ...] = ()

    @property
    def horizon(self) -> int:
        """H."""
        return int(self.codes.shape[1])

    @property
    def values(self) -> Floats:
        """[S, H] the codes."""
        return self.codes.astype(np.float64)

    @property
    def lower(self) -> Floats:
        """[0, S, H]: no bounds."""
        return np.empty((0, *self.codes.shape))

    @property
    def upper(self) -> Floats:
        """[0, S, H]: no bounds."""
        return self.lower

    @property
    def predicted_symbols(self) -> npt.NDArray[np.object_]:
        """[S, H] the symbols."""
        return np.array(self.symbols, dtype=object)[self.codes]

    def to_frame(self) -> pd.DataFrame:
        """One row a series and step, in the input's own columns and times, with `forecast`, `probability`, `model`."""
        import pandas as pd

        symbols, probabilities = self.predicted_symbols.ravel(), self.probabilities.ravel().round(6)
        columns = {**self.index_columns(), "forecast": symbols, "probability": probabilities}
        if self.model_names:
            columns["model"] = np.repeat(np.array(self.model_names, dtype=object), self.horizon)
        return self.written(pd.DataFrame(columns))

    def render(self, suffix: str) -> bytes:
        """The table as a file; as `.txt` the joined symbols, one series after the other."""
        if suffix != TEXT:
            return super().render(suffix)
        lines = [self.separator.join(row) for row in self.predicted_symbols.tolist()]
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True)
class SymbolForecaster(NetworkModel):
    """A trained model of symbols, with all that `predict` needs where the training file is gone.

    Attributes:
        pipeline: the final networks.
        holdout_pipeline: the networks fitted without the hold-out, which the scores belong to.
        context: the last steps of every training series.
        horizon: H of training, the default of `predict`.
        report: of the training.
    """

    pipeline: SymbolPipeline
    holdout_pipeline: SymbolPipeline
    context: Panel
    horizon: int
    report: CategoryReport

    @property
    def context_length(self) -> int:
        """L, the steps that the networks read."""
        return self.pipeline.context

    @property
    def is_text(self) -> bool:
        """True if each step is a character of a plain text."""
        return self.report.config.read_options.format == "text"

    def context_probabilities(self, codes: Ints, steps: int) -> Floats:
        """Return one-step-ahead probabilities [steps, V] at the last `steps` of [T] codes."""
        series = np.zeros(1, dtype=np.int64)
        dataset = SymbolDataset(codes, np.array([0, len(codes)]), len(self.context.symbols), self.pipeline.context)
        x = dataset.inputs(series, series + len(codes) - 2, steps + self.pipeline.required_history - 1)
        return np.asarray(np.exp(self.pipeline.ensemble.step_log_probs(x, steps)[0]), dtype=np.float64)

    def predict(
        self,
        panel: Panel | None = None,
        horizon: int | None = None,
        *,
        temperature: float | None = None,
        seed: int = 0,
    ) -> SymbolForecast:
        """Forecast from the end of every series.

        Args:
            panel: the newest data; symbols that training did not see are unknown. None: the stored context.
            horizon: steps ahead; None: that of training.
            temperature: sample each symbol from the softmax at this temperature; None: search the most likely path.
            seed: of the samples.

        Raises:
            DataError: columns or frequency differ from training.
        """
        panel = self.context if panel is None else panel.recode(self.context.symbols)
        check_same_calendar(self.context, panel)
        recent = tail(panel, self.pipeline.required_history)
        steps, ensemble = self.horizon if horizon is None else horizon, self.pipeline.ensemble
        rng = np.random.default_rng(seed)

        def search(x: Array) -> Path:
            if temperature is None:
                return beam_search(ensemble, x, steps)
            return sample(ensemble, x, steps, temperature=temperature, rng=rng)

        series = np.arange(recent.n_series)
        path = self.pipeline.paths(self.pipeline.bind(recent), series, recent.lengths - 1, search)
        return SymbolForecast(
            **SymbolForecast.index_of(panel),
            codes=path.symbols,
            symbols=panel.symbols,
            probabilities=path.probabilities,
            separator="" if self.is_text else "\n",
        )

    def to_parts(self) -> Parts:
        """Return context, symbols and the networks of the hold-out."""
        context = self.context
        manifest = {
            **to_facts(context),
            "horizon": self.horizon,
            "symbols": list(context.symbols),
            "window": self.pipeline.context,
        }
        return manifest, {
            "holdout_weights": to_arrays(self.holdout_pipeline.networks),
            "context": context_arrays(context),
        }

    @classmethod
    def of_parts(cls, manifest: Mapping[str, Any], tensors: TensorFiles) -> SymbolForecaster:
        """Build a model; see `NetworkModel`."""
        symbols = tuple(manifest["symbols"])
        context = replace(context_of(manifest, tensors["context"]), symbols=symbols)
        codes, n_symbols = context.values, len(symbols)
        if not ((codes == codes.round()).all() and codes.min() >= -1 and codes.max() < n_symbols):
            raise ValueError("the codes of the context are not those of the symbols")
        pipeline, holdout_pipeline = (
            SymbolPipeline(
                int(manifest["window"]), **networks_of(manifest, tensors[name], features=n_symbols, outputs=n_symbols)
            )
            for name in ("weights", "holdout_weights")
        )
        report = CategoryReport.from_dict(manifest["report"])
        return cls(pipeline, holdout_pipeline, context, int(manifest["horizon"]), report)
