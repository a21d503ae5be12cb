"""The numbers in the documents are what the code computes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lstmcast.explain.attribution import half_life
from lstmcast.nn import numpy_lstm
from lstmcast.nn.backprop import BackwardState, backward_step, trace
from lstmcast.nn.numpy_lstm import Layer, Network, State

PAGE = (Path(__file__).parents[2] / "docs" / "lstm.md").read_text(encoding="utf-8").replace("−", "-")
HALF = 0.5e-4  # of the last digit written


def rows(first: str) -> dict[str, list[str]]:
    """The table whose header begins with a word: first cell to the others."""
    table = re.search(rf"^\| {first} \|.*\n\|[- |]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table, f"no table {first}"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    return {row[0]: row[1:] for row in cells}


def last(row: list[str]) -> float:
    """The number at the end of a row."""
    return float(row[-1].split("=")[-1])


GIVEN, GATES, STEP, BACK = rows("given"), rows("gate"), rows("quantity"), rows("derivative")


def array(*numbers: float) -> np.ndarray:
    """One row of float32."""
    return np.array([numbers], np.float32)


@pytest.fixture
def network() -> Network:
    """The network of the page, its weights in the order i, f, c, o."""
    w, u, b = (array(*(float(GATES[gate][k]) for gate in ("i", "f", "c̃", "o"))) for k in range(3))
    return Network((Layer(w, u, b[0]),), array(last(GIVEN["V"])), array(last(GIVEN["d"]))[0])


@pytest.fixture
def before() -> State:
    """Its state before the step."""
    return State(h=[array(last(GIVEN["h_{t-1}"]))], c=[array(last(GIVEN["c_{t-1}"]))])


def test_the_step_is_what_the_network_does(network: Network, before: State) -> None:
    """Cell state, output and prediction agree with `lstm.step` in every digit."""
    predicted = numpy_lstm.step(network, array(last(GIVEN["x_t"])), before)
    for name, value in (("c_t", before.c[0]), ("h_t", before.h[0]), ("ŷ_t", predicted)):
        assert last(STEP[name]) == pytest.approx(float(value[0, 0]), abs=HALF), name


def test_the_gates_are_those_of_the_network(network: Network, before: State) -> None:
    """Sums and results of all gates, and what cell and output are made of, from the weights on the page."""
    layer, x = network.layers[0], array(last(GIVEN["x_t"]))
    sums = (x @ layer.W + before.h[0] @ layer.U + layer.b)[0]
    results = [numpy_lstm.sigmoid(sums[0]), numpy_lstm.sigmoid(sums[1]), np.tanh(sums[2]), numpy_lstm.sigmoid(sums[3])]
    for name, total, result in zip(("i", "f", "c̃", "o"), sums, results, strict=True):
        assert float(GATES[name][3]) == pytest.approx(float(total), abs=1e-6), name
        assert last(GATES[name]) == pytest.approx(float(result), abs=HALF), name
    kept, entering = results[1] * before.c[0][0, 0], results[0] * results[2]
    for name, value in (("kept", kept), ("entering", entering), ("squashed", np.tanh(kept + entering))):
        assert last(STEP[name]) == pytest.approx(float(value), abs=HALF), name
    (steps,) = re.findall(r"= (\d+\.\d+) steps", PAGE)
    assert float(steps) == pytest.approx(float(half_life(np.array([[results[1]]]))[0]), abs=0.005)


def test_the_derivatives_are_quotients_of_differences(network: Network) -> None:
    """Each given number moved a little moves the prediction by its derivative on the page."""
    given = {"x_t": last(GIVEN["x_t"]), "h_{t-1}": last(GIVEN["h_{t-1}"]), "c_{t-1}": last(GIVEN["c_{t-1}"])}

    def predicted(numbers: dict[str, float]) -> float:
        state = State(h=[array(numbers["h_{t-1}"])], c=[array(numbers["c_{t-1}"])])
        return float(numpy_lstm.step(network, array(numbers["x_t"]), state)[0, 0])

    for name, value in given.items():
        up, down = (predicted(given | {name: value + step}) for step in (2**-7, -(2**-7)))
        assert last(BACK[f"δ{name}"]) == pytest.approx((up - down) * 2**6, abs=2e-4), name


def test_the_derivatives_are_those_of_the_backward_pass(network: Network) -> None:
    """By `gradient.backward_step`: two steps, of which the first leaves the state that the page begins with."""
    layer = network.layers[0]
    first = trace(network, np.array([[[0.0], [last(GIVEN["x_t"])]]], np.float32))[0]
    first.h[0, 0], first.c[0, 0] = last(GIVEN["h_{t-1}"]), last(GIVEN["c_{t-1}"])
    x = array(last(GIVEN["x_t"]))
    state = State(h=[first.h[:, 0]], c=[first.c[:, 0]])
    sums = (x @ layer.W + state.h[0] @ layer.U + layer.b)[0]
    first.i[0, 1], first.f[0, 1], first.g[0, 1], first.o[0, 1] = (
        *numpy_lstm.sigmoid(sums[:2]),
        np.tanh(sums[2]),
        numpy_lstm.sigmoid(sums[3]),
    )
    first.c[0, 1] = first.f[0, 1] * first.c[0, 0] + first.i[0, 1] * first.g[0, 1]
    carried = BackwardState.zeros(network, 1, 1)
    found = {"δx_t": backward_step(network, (first,), 1, np.ones((1, 1, 1), np.float32), carried)}
    found |= {"δh_{t-1}": carried.h[0], "δc_{t-1}": carried.c[0]}
    for name, value in found.items():
        assert last(BACK[name]) == pytest.approx(float(value[0, 0, 0]), abs=HALF), name


def test_the_slopes_on_the_page_follow_from_its_gates(network: Network) -> None:
    """δ of the gates' sums, each from the results written above it, as a loop over numbers would."""
    i, f, g, o = (last(GATES[gate]) for gate in ("i", "f", "c̃", "o"))
    squashed, cell_before = last(STEP["squashed"]), last(GIVEN["c_{t-1}"])
    h = float(network.V[0, 0])
    c = h * o * (1 - squashed**2)
    expected = {"δh_t": h, "δc_t": c, "δa_i": c * g * i * (1 - i), "δa_f": c * cell_before * f * (1 - f)}
    expected |= {"δa_c": c * i * (1 - g**2), "δa_o": h * squashed * o * (1 - o)}
    for name, value in expected.items():
        assert last(BACK[name]) == pytest.approx(value, abs=3e-4), name


def test_the_count_of_weights() -> None:
    """4U(F + U + 1) as written, by counting the entries of arrays of those shapes."""
    (lags, units, count) = (int(number.replace(",", "")) for number in ("168", "50", "43,800"))
    assert f"4 · {units} · ({lags} + {units} + 1) = 43,800" in " ".join(PAGE.split())
    assert np.empty((lags, 4 * units)).size + np.empty((units, 4 * units)).size + 4 * units == count
