"""The array types of enrichment, beside those of the statistics."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Int32s: TypeAlias = NDArray[np.int32]
Int8s: TypeAlias = NDArray[np.int8]
Words: TypeAlias = NDArray[np.uint64]
