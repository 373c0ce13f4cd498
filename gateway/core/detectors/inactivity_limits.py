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
    REACH_DAYS,
    SPREAD_PRIOR,
    SPREAD_WEIGHT,
    SPREAD_MOST,
    MARGIN,
    MARGIN_ARRIVED,
    MARGIN_LEFT,
    RATIO_LEAST,
    SPREAD_LEFT,
    CEILING_HOME,
    CEILING_ARRIVED,
    NOVEL_MOST,
    WAKE_MARGIN,
    WAKE_LATER,
    MISSED_MOST,
    FLOOR,
    SCALE_DOORLESS,
    WAKE_LATEST,
    NEAR_HOME,
    NEAR_BED,
    NEAR_LEFT,
    NEAR_ARRIVED,
    RATIO_SENSOR,
    LATEST_LEFT,
) = range(31)

CHOSEN: Final = MappingProxyType(
    {
        # What a silence may last while nothing is known of the home.
        PRIOR_HOME: 8.0,
        PRIOR_ARRIVED: 5.4,
        PRIOR_LEFT: 16.8,
        # Days, or events, after which what was seen weighs as much as the prior.
        DAYS_ALL: 4.85,
        DAYS_TOD: 0.5,
        DAYS_TOD_ARRIVED: 1.0,
        EVENTS_SENSOR: 3.0,
        # The tail of the silences (Hill, the five longest), shrunk to a prior.
        REACH_DAYS: 213.0,
        SPREAD_PRIOR: 0.25,
        SPREAD_WEIGHT: 8.0,
        SPREAD_MOST: 0.4,
        MARGIN: 0.49,
        MARGIN_ARRIVED: 2.0,
        MARGIN_LEFT: 2.5,
        RATIO_LEAST: 1.32,
        SPREAD_LEFT: 0.05,
        CEILING_HOME: 24.0,
        CEILING_ARRIVED: 12.0,
        NOVEL_MOST: 0.23,
        WAKE_MARGIN: 1.5,
        WAKE_LATER: 5.0,
        MISSED_MOST: 8.5,
        FLOOR: 3.9,
        SCALE_DOORLESS: 1.5,
        WAKE_LATEST: 0.0,
        NEAR_HOME: 0.91,
        NEAR_BED: 0.96,
        NEAR_LEFT: 3.0,
        NEAR_ARRIVED: 1.0,
        RATIO_SENSOR: 1.0,
        LATEST_LEFT: 1.0,
    }
)


def limits() -> npt.NDArray[np.float64]:
    """Return the constants as the kernels take them."""
    return np.array([CHOSEN[i] for i in range(len(CHOSEN))])
