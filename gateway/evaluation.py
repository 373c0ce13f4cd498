"""Detectors as the scorers of recorded sets want them: the very ones that the daemon runs."""

from gateway.core.detectors.fall import FallDetector
from gateway.core.detectors.fall_score import Model
from gateway.core.model import Int16Array, Int64Array, Stage
from gateway.evaluation_inactivity import new_inactivity_detector


class ScoredFallDetector:
    """A fall detector of which the scorer sees the `suspected` decisions."""

    def __init__(
        self,
        sample_rate_hz: float,
        range_g: float,
        operating_point: str = "balanced",
        model: Model | None = None,
    ) -> None:
        """Stand for one band in one trial; `model` is for measuring on people left out."""
        self._detector = FallDetector(
            "trial",
            sample_rate_hz=sample_rate_hz,
            range_g=range_g,
            operating_point=operating_point,
            model=model,
            keep=None,
        )
        self._feed = self._detector.feed_block

    def feed(self, t_ms: Int64Array, acc_mg: Int16Array) -> list[tuple[int, float]]:
        """Take one notification; return (time, score) of each suspected fall."""
        decisions = self._feed(t_ms, acc_mg)
        if not decisions:
            return []
        return [(d.t_ms, d.score) for d in decisions if d.stage is Stage.SUSPECTED]

    def candidates(self) -> list[tuple[int, float]]:
        """Return every (time, score) decided so far, below the threshold too."""
        return self._detector.candidates()


def new_fall_detector(sample_rate_hz: float, range_g: float) -> ScoredFallDetector:
    """Return a fall detector at its default operating point, fresh for one trial."""
    return ScoredFallDetector(sample_rate_hz, range_g)


__all__ = ["ScoredFallDetector", "new_fall_detector", "new_inactivity_detector"]
