"""Whether an arm moves: one numba kernel over a block of a band's acceleration."""

from typing import Final

import numpy as np

from gateway.core.jit import kernel
from gateway.core.model import Int16Array

# A band on a table spans under 20 mg, a sleeping arm under 50; a hand that lifts a cup 300.
MOVES_MG: Final = 80


@kernel
def moves(acc_mg: Int16Array) -> bool:
    """Return whether the arm moved within a block: any axis spans more than rest and breath do."""
    for axis in range(acc_mg.shape[1]):
        low = high = np.int64(acc_mg[0, axis])
        for i in range(1, acc_mg.shape[0]):
            value = np.int64(acc_mg[i, axis])
            low, high = min(low, value), max(high, value)
        if high - low > MOVES_MG:
            return True
    return False
