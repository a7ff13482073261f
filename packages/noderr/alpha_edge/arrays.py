"""The arrays of the statistics: floats, never prices that somebody is to pay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Places = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]
