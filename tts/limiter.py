"""Samples within full scale: peaks that come near it are rounded instead of cut off, and that is told."""

import logging
import math

import numpy as np

_SOFT_FROM = 0.9  # of full scale
logger = logging.getLogger(__name__)


class Limiter:
    """Rounds the peaks of a voice, piece by piece, and keeps count of them.

    >>> limiter = Limiter()
    >>> [round(value, 3) for value in limiter(np.array([0.5, -0.75, 1.8, -1.0], np.float32)).tolist()]
    [0.5, -0.75, 1.0, -0.976]
    """

    def __init__(self):
        self.seen = self.rounded = 0
        self.peak = 0.0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Round peaks, float32 [N] -> [N] in [-1, 1]; samples up to 0.9 are unchanged."""
        size = np.abs(samples)
        loud = size > _SOFT_FROM
        self.seen += len(samples)
        if not loud.any():
            return samples
        self.rounded += int(loud.sum())
        self.peak = max(self.peak, float(size.max()))
        room = 1.0 - _SOFT_FROM
        rounded = _SOFT_FROM + room * np.tanh((size - _SOFT_FROM) / room)
        return np.where(loud, np.sign(samples) * rounded, samples).astype(np.float32)

    def report(self) -> None:
        """Warn if peaks were rounded."""
        if self.rounded:
            logger.warning(
                "too loud: %.2g %% of the samples came near full scale and were rounded; %.1f dB less energy would keep"
                " them as they are",
                100 * self.rounded / self.seen,
                math.ceil(200 * math.log10(self.peak / _SOFT_FROM)) / 10,
            )
