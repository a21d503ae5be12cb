"""Training: seconds until the one-step forecast is as good, lstmcast's way against plain many-to-one `model.fit`.

Both fit LSTM(50) + Dense(1) with Adam, MSE and batches of 32 windows of L steps to the same hourly series, on
TensorFlow, in turn in one process. The plain way fits one target a window, on every window there is. The loss is the
mean squared error of one-step forecasts on the held-out end of the series, in units of its variance. The loss to
reach is the plain way's best, plus some slack, so that it is not charged for its last small gains. Imports and the
the evaluation cost no time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from common import arguments, hourly, progress, report, table

from lstmcast.config import load_config
from lstmcast.data.panel import Panel
from lstmcast.data.schema import Columns
from lstmcast.data.time.calendar import Calendar
from lstmcast.data.time.frequency import TimeGrid
from lstmcast.forecasting.ensemble.ensemble import Ensemble
from lstmcast.forecasting.ensemble.members import LstmMember
from lstmcast.forecasting.planning import make_plan
from lstmcast.nn import numpy_lstm
from lstmcast.nn.keras_backend import Architecture, load_keras, to_numpy
from lstmcast.nn.trainer import fit
from lstmcast.results import MemberName

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Forecast = Callable[[Floats, Ints], Floats]  # values [N] and origins [B] → the next value after each origin [B]

WANTED = 8
SEASON = 24


@dataclass(frozen=True)
class Task:
    """Values [N] of unit variance, L, the maximum number of batches, batches between evaluations, and the seed."""

    values: Floats
    context: int
    batches: int
    every: int
    seed: int


@dataclass(frozen=True)
class Look:
    """A network as it stood after some seconds of training, and how it forecasts."""

    seconds: float
    forecast: Forecast


def fit_lstmcast(task: Task) -> list[Look]:
    """Fits the way lstmcast does: a target at every step of a window, on what level and profile leave over."""
    begun = time.perf_counter()
    panel = _panel(task.values)
    pinned = {
        "model.context": task.context,
        "model.lags": task.context,
        "train.batch_size": 32,
        "train.seed": task.seed,
    }
    plan = make_plan(panel, load_config(None, pinned))
    variant = plan.variants[0]
    recipe = replace(plan.recipe, epochs=task.batches // task.every, batches=task.every, patience=task.batches)
    fitted = variant.fit(panel)
    looks: list[Look] = []

    def look(network: numpy_lstm.Network) -> float:
        lstm = LstmMember(MemberName.TRAINED, (network,), plan.head)
        ensemble = Ensemble.of_lstm(fitted.preprocessing, lstm, 0.0)
        looks.append(Look(time.perf_counter() - begun, lambda values, origins: _ours(ensemble, values, origins)))
        return -float(len(looks))  # ever better: it is not to stop early

    fit(fitted.windows, plan.architecture, recipe, validate=look)
    return looks


def _panel(values: Floats) -> Panel:
    """One hourly series."""
    calendar = Calendar(TimeGrid("fixed", step=3_600_000_000), season=SEASON)
    whole = np.array([0, len(values)])
    columns = Columns(time="time", target=("value",))
    return Panel(
        columns, calendar, ((),), values, np.ones(len(values), bool), whole, np.array([1]), (), (), "benchmark"
    )


def _ours(ensemble: Ensemble, values: Floats, origins: Ints) -> Floats:
    running, series = ensemble.bind(_panel(values)), np.zeros_like(origins)
    return running.inverse_transform(running.forecast(series, origins, 1).z, series)[:, 0]


def fit_plain(task: Task) -> list[Look]:
    """Fits as tutorials do: every window of L values, the value after it as its one target, `model.fit`."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(task.seed)
    architecture = Architecture(context=task.context, lags=1)
    looks: list[Look] = []
    begun = time.perf_counter()

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        """Keeps the weights every few batches."""

        def __init__(self) -> None:
            super().__init__()
            self.seen = 0

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            """Counts the batches of all epochs."""
            self.seen += 1
            if self.seen % task.every == 0:
                network = to_numpy(self.model, architecture)
                seconds = time.perf_counter() - begun
                looks.append(Look(seconds, lambda values, origins: _plain(network, task.context, values, origins)))

    pieces = np.lib.stride_tricks.sliding_window_view(task.values, task.context)[:-1, :, None].astype(np.float32)
    targets = task.values[task.context :].astype(np.float32)
    model = keras.Sequential([keras.Input((task.context, 1)), keras.layers.LSTM(50), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    epochs = -(-task.batches * 32 // len(pieces))
    model.fit(pieces, targets, batch_size=32, epochs=epochs, verbose=0, callbacks=[Watch()])
    return looks


def _plain(network: numpy_lstm.Network, context: int, values: Floats, origins: Ints) -> Floats:
    windows = values[origins[:, None] + np.arange(1 - context, 1)][..., None].astype(np.float32)  # [B, L, 1]
    output: Floats = numpy_lstm.forward(network, windows)[:, -1, 0].astype(np.float64)
    return output


def losses(looks: list[Look], values: Floats, origins: Ints) -> Floats:
    """Mean squared error of the forecasts of the value after each origin, for every look."""
    return np.array([np.mean((look.forecast(values, origins) - values[origins + 1]) ** 2) for look in looks])


def seconds_to(looks: list[Look], loss: Floats, target: float) -> float:
    """Training seconds at the first look whose loss is at most `target`; infinite where there is none."""
    return next((look.seconds for look, found in zip(looks, loss, strict=True) if found <= target), float("inf"))


def main() -> None:
    """Measures, and writes the result."""
    parser = arguments(__doc__, __file__)
    parser.add_argument("--rows", type=int, default=10_000, help="hourly rows, of which the last fifth is held out")
    parser.add_argument("--context", type=int, default=48, help="L, steps in a window")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of the plain way; lstmcast gets as many batches")
    parser.add_argument("--slack", type=float, default=0.05, help="how far above the plain way's best is good enough")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of fits, each with its own seed")
    args = parser.parse_args()
    load_keras()
    raw = np.array(hourly(args.rows))
    known = args.rows * 4 // 5
    values = (raw - raw[:known].mean()) / raw[:known].std()
    origins = np.arange(known - 1, args.rows - 1, 5)
    batches = args.epochs * (known - args.context) // 32
    every = 20
    fit_plain(Task(values[:known], args.context, every, every, 0))  # TensorFlow's first steps are slower
    rows, ratios = [], []
    for seed in range(args.pairs):
        task = Task(values[:known], args.context, batches, every, seed)
        ours, plain = fit_lstmcast(task), fit_plain(task)
        our_loss, plain_loss = losses(ours, values, origins), losses(plain, values, origins)
        target = float(plain_loss.min()) * (1 + args.slack)
        a, b = seconds_to(ours, our_loss, target), seconds_to(plain, plain_loss, target)
        ratios.append(b / a)
        rows.append([seed, f"{target:.5f}", f"{a:.2f}", f"{b:.2f}", f"{b / a:.1f}", f"{our_loss.min():.5f}"])
        progress(f"pair {seed}: {a:.2f} s and {b:.2f} s")
    header = ["seed", "loss to reach", "lstmcast, s", "plain fit, s", "plain / lstmcast", "lstmcast's best loss"]
    setting = f"{args.rows:,} hourly rows, L = {args.context}, batches of 32, looked at every {every} batches."
    result = f"Median ratio **{statistics.median(ratios):.1f}** (wanted: ≥ {WANTED})."
    report(args.output, "Training", [setting, "", *table(header, rows), "", result])


if __name__ == "__main__":
    main()
