"""The constants of the inactivity detector: one setting for all homes, fixed beforehand.

An array, so that a search can try others on the same kernels (scripts/fit_homes.py). These were
picked by hand near what such searches found on the open homes, on the same homes with their days in
other orders, and on simulated homes (scripts/robust_homes.py): fewer false alarms in the latter two
were preferred to shorter delays in the first. They have seen every open home. Hours, unless named.
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
    NEAR_HOME,
    NEAR_BED,
    NEAR_LEFT,
    NEAR_ARRIVED,
    REACH_DAYS,
    SPREAD_PRIOR,
    SPREAD_WEIGHT,
    SPREAD_MOST,
    SPREAD_LEFT,
    MARGIN,
    MARGIN_ARRIVED,
    MARGIN_LEFT,
    RATIO_LEAST,
    NOVEL_MOST,
    WAKE_MARGIN,
    WAKE_LATER,
    MISSED_MOST,
    FLOOR,
    CEILING_HOME,
    CEILING_ARRIVED,
    SCALE_DOORLESS,
    GONE_TOD,
    GONE_RATIO,
    GONE_MARGIN,
    AMPLE,
    STAYED_MOST,
    MEMORY_WEEKS,
) = range(34)

CHOSEN: Final = MappingProxyType(
    {
        # What a silence may last while nothing is known of the home.
        PRIOR_HOME: 10.0,
        PRIOR_ARRIVED: 5.4,
        PRIOR_LEFT: 16.8,
        # Days, or events, after which what was seen weighs as much as the prior.
        DAYS_ALL: 4.85,
        DAYS_TOD: 0.5,
        DAYS_TOD_ARRIVED: 1.0,
        EVENTS_SENSOR: 3.0,
        # How near a time of day must be to count fully (to count at all: twice that).
        NEAR_HOME: 1.15,
        NEAR_BED: 0.96,
        NEAR_LEFT: 3.0,
        NEAR_ARRIVED: 1.0,
        # The tail of the silences: for how many days it must reach, and its exponent's prior.
        REACH_DAYS: 250.0,
        SPREAD_PRIOR: 0.22,
        SPREAD_WEIGHT: 8.0,
        SPREAD_MOST: 0.4,
        SPREAD_LEFT: 0.05,
        # What is always added, and the least factor.
        MARGIN: 0.6,
        MARGIN_ARRIVED: 2.0,
        MARGIN_LEFT: 1.75,
        RATIO_LEAST: 1.32,
        # Share of long silences after a sensor that was never last before, at most (a count).
        NOVEL_MOST: 0.23,
        # After the second latest getting up; a night may still begin so much later.
        WAKE_MARGIN: 1.6,
        WAKE_LATER: 5.0,
        # Where absences have ended without a door event: how long one is allowed at most.
        MISSED_MOST: 8.5,
        # Never less, and never more.
        FLOOR: 4.6,
        CEILING_HOME: 12.0,
        CEILING_ARRIVED: 12.0,
        # While a front door's sensor is dead: everything, and what may be an absence.
        SCALE_DOORLESS: 1.2,
        GONE_TOD: 2.0,
        GONE_RATIO: 1.1,
        GONE_MARGIN: 2.5,
        # What an absence, or something that has begun, may always last.
        AMPLE: 9.25,
        # After the door: as at home while leaving is less probable than this.
        STAYED_MOST: 0.03,
        # For how many weeks what happened on the same day of the week is remembered.
        MEMORY_WEEKS: 12.0,
    }
)


def limits() -> npt.NDArray[np.float64]:
    """Return the constants as the kernels take them."""
    return np.array([CHOSEN[i] for i in range(len(CHOSEN))])
