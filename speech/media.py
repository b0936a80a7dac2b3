"""Containers that libsndfile does not read (m4a, mp4, webm, ...), through PyAV: the extra `media`."""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from speech.errors import AudioError

Samples = npt.NDArray[np.float32]

_SLACK_S = 0.25  # containers round their duration and count encoder padding


class MediaDecoder:
    """The first audio track of a container that PyAV reads."""

    def __init__(self, file: Any, name: str, stack: contextlib.ExitStack) -> None:
        try:
            import av
        except ModuleNotFoundError:
            raise AudioError(f"{name}: to read this format, run: pip install 'speech-toolkit[media]'") from None
        self._av, self._name = av, name
        try:
            self._container = stack.enter_context(av.open(file, mode="r"))  # a spool is open for writing too
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(f"{name}: is damaged, cut short or not audio") from error
        if not self._container.streams.audio:
            raise AudioError(f"{name}: has no audio track")
        self._track = self._container.streams.audio[0]
        if not self._track.rate:
            raise AudioError(f"{name}: the audio track has no sampling rate; it may be cut short")
        self.sample_rate_hz: int = self._track.rate
        self.num_channels: int = self._track.channels
        self.num_frames: int | None = None
        self._promised_s = self._header_duration_s()

    def _header_duration_s(self) -> float:
        """Duration that the header states of the track, 0 where it does not."""
        if self._track.duration is not None:
            return float(self._track.duration * self._track.time_base)
        stated = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d*)?)", self._track.metadata.get("DURATION", ""))
        if stated:  # Matroska's tag
            return int(stated[1]) * 3600 + int(stated[2]) * 60 + float(stated[3])
        if len(self._container.streams) > 1:  # the container lasts as long as its longest track
            return 0.0
        return (self._container.duration or 0) / 1e6  # AV_TIME_BASE: microseconds

    def blocks(self, start: int, count: int | None) -> Iterator[Samples]:
        """Decode blocks [n, channels], from the beginning so that `start` is exact."""
        stop = sys.maxsize if count is None else start + count
        at = 0
        try:
            for samples in self._decoded():
                first, last = max(start - at, 0), min(stop - at, len(samples))
                at += len(samples)
                if last > first:
                    yield samples[first:last]
                if at >= stop:
                    return
        except self._av.FFmpegError as error:
            raise AudioError(f"{self._name}: is damaged or cut short; get a complete copy") from error
        decoded_s = at / self.sample_rate_hz
        if self._promised_s - decoded_s > max(_SLACK_S, 0.01 * self._promised_s):
            raise AudioError(
                f"{self._name}: is cut short ({decoded_s:.2f} of {self._promised_s:.2f} s could be"
                " decoded); get a complete copy"
            )

    def _decoded(self) -> Iterator[Samples]:
        """Decode frames [n, channels] as float32, with the rate and channels that the header states."""
        convert = self._av.AudioResampler(format="fltp", layout=self._track.layout, rate=self.sample_rate_hz)
        first, decoded_s = None, 0.0
        for frame in self._container.decode(self._track):
            kind = (frame.sample_rate, len(frame.layout.channels))
            first = first or kind  # of HE-AAC it may be other than the header's
            if kind != first:
                raise AudioError(
                    f"{self._name}: changes from {kind_name(*first)} to {kind_name(*kind)} after {decoded_s:.2f} s;"
                    " convert it to wav with another program first"
                )
            decoded_s += frame.samples / frame.sample_rate
            for converted in convert.resample(frame):
                yield np.ascontiguousarray(converted.to_ndarray().T)
        for converted in convert.resample(None):
            yield np.ascontiguousarray(converted.to_ndarray().T)


def kind_name(rate_hz: int, num_channels: int) -> str:
    """What a part of a recording is.

    >>> kind_name(8000, 1)
    '8000 Hz with 1 channel'
    """
    return f"{rate_hz} Hz with {num_channels} channel{'s' * (num_channels > 1)}"
