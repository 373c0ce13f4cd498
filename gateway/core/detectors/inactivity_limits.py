"""The constants of the inactivity detector: one setting for all homes, fixed beforehand.

An array, so that a search can try others on the same kernels; these were chosen on open homes, each
home judged with constants chosen without it (scripts/evaluate_homes.py). Hours, unless named.
"""

from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

(
    PRIOR_HOME,
    PRIOR_ARRIVED,
    PRIOR_LEFT,
    DAYS_ALL,
    DAYS_TOD,
    DAYS_TOD_ARRIVED,
    EVENTS_SENSOR,
    SPREAD_TIMES,
    SPREAD_PRIOR,
    SPREAD_WEIGHT,
    SPREAD_MOST,
    MARGIN,
    MARGIN_ARRIVED,
    MARGIN_LEFT,
    RATIO_LEAST,
    RATIO_LEFT,
    CEILING_HOME,
    CEILING_ARRIVED,
    NOVEL_MOST,
    WAKE_MARGIN,
    WAKE_LATER,
    MISSED_MOST,
    FLOOR,
    SCALE,
    SCALE_LEFT,
    SCALE_DOORLESS,
) = range(26)

CHOSEN: Final = MappingProxyType(
    {
        # What a silence may last while nothing is known of the home.
        PRIOR_HOME: 12.0,
        PRIOR_ARRIVED: 4.0,
        PRIOR_LEFT: 30.0,
        # Days, or events, after which what was seen weighs as much as the prior.
        DAYS_ALL: 7.0,
        DAYS_TOD: 1.0,
        DAYS_TOD_ARRIVED: 3.0,
        EVENTS_SENSOR: 20.0,
        # The tail of the silences (Hill, the five longest), shrunk to a prior.
        SPREAD_TIMES: 3.0,
        SPREAD_PRIOR: 0.15,
        SPREAD_WEIGHT: 8.0,
        SPREAD_MOST: 0.4,
        MARGIN: 0.5,
        MARGIN_ARRIVED: 1.0,
        MARGIN_LEFT: 0.5,
        RATIO_LEAST: 1.1,
        RATIO_LEFT: 1.2,
        CEILING_HOME: 24.0,
        CEILING_ARRIVED: 12.0,
        NOVEL_MOST: 0.5,
        WAKE_MARGIN: 1.0,
        WAKE_LATER: 3.0,
        MISSED_MOST: 8.2,
        FLOOR: 3.75,
        # What homes that were not looked at need more.
        SCALE: 1.3,
        SCALE_LEFT: 1.1,
        SCALE_DOORLESS: 1.5,
    }
)


def limits() -> npt.NDArray[np.float64]:
    """Return the constants as the kernels take them."""
    return np.array([CHOSEN[i] for i in range(len(CHOSEN))])
