"""Array types shared by all packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float32]
Tensors = Mapping[str, npt.NDArray[Any]]  # arrays by name
TensorFiles = Mapping[str, Tensors]  # by the name of the file
