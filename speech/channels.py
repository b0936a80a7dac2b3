"""One channel of several: the one asked for, or the mean of all, with a warning where that is silent."""

import functools
import logging
from collections.abc import Iterator

import numpy as np

from speech.media import Samples
from speech.streams import STANDARD_INPUT, UNNAMED

_LOG = logging.getLogger(__name__)
_CANCELLED_DB = 20.0  # channels of unrelated noise lose 3 dB; a wire of two that is swapped leaves nothing


class Mixer:
    """The mean of channels, block by block.

    It remembers how loud the channels are and how loud their mean is: those of opposite phase, as a cable that is wired
    wrongly makes them, cancel each other.
    """

    def __init__(self) -> None:
        self._channels = self._mean = 0.0  # sums of squares

    def mix(self, block: Samples) -> Samples:
        """Mean of a block, [n, channels] -> [n]."""
        mean: Samples = block.mean(axis=1)
        self._channels += float(np.vdot(block, block)) / block.shape[1]
        self._mean += float(np.vdot(mean, mean))
        return mean

    @property
    def cancelled(self) -> bool:
        """Whether the mean of all that was mixed is 20 dB or more below the mean power of the channels."""
        return self._mean * 10 ** (_CANCELLED_DB / 10) < self._channels


def one_channel(blocks: Iterator[Samples], channel: int | None, name: str) -> Iterator[Samples]:
    """Blocks [n] of `channel`, or of the mean of all, of blocks [n, channels]."""
    mixer = Mixer()
    for block in blocks:
        if block.shape[1] == 1 or channel is not None:
            yield np.ascontiguousarray(block[:, channel or 0])
        else:
            yield mixer.mix(block)
    if mixer.cancelled:
        warn = _warn if name in (STANDARD_INPUT, UNNAMED) else _warn_once
        warn(f"{name}: its channels")


def mean_of(samples: Samples) -> Samples:
    """Mean of the channels of an array, [N, channels] -> [N]."""
    mixer = Mixer()
    mean = mixer.mix(samples)
    if mixer.cancelled:
        _warn("the channels of the array")
    return mean


def _warn(channels: str) -> None:
    _LOG.warning(
        "%s cancel each other, so that their mean is nearly silent; take one of them, such as channel 0 (--channel 0)",
        channels,
    )


_warn_once = functools.lru_cache(maxsize=1000)(_warn)  # of a file many parts may be read
