"""Recordings of any length to words with times and confidences.

A recording is read as a stream, cut into windows that overlap, and run through the model in batches
that mix windows of many files; `speech.chunks` joins the outputs. Only windows and words are kept, so
memory does not grow with the recording's audio.
Times and confidences are defined in `speech.words`; `speech.edges` moves the edges of words.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from speech.best_path import BestPath
from speech.checkpoint import LoadedModel
from speech.chunks import ChunkConfig, Stitcher, Window, steady_samples, windows
from speech.decoding import Reader, WordStream
from speech.edges import EdgesConfig, edges_of, with_edges
from speech.errors import SpeechError
from speech.listening import Listener, listening_device
from speech.loudness import amplified, loudness_db, loudness_of
from speech.sources import Source, open_source, source_name
from speech.tempo import Pace
from speech.transcript import Transcript
from speech.units import BLANK_ID
from speech.words import frame_times

#: Windows, this one included, of which the loudest tells how loud one is heard: what is quiet behind speech stays so.
LOUD_WINDOWS = 3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one recording: a transcript or the error that prevented it."""

    source: Source
    transcript: Transcript | None = None
    error: SpeechError | None = None


@dataclass
class _Recording:
    """A recording under way: its words so far, how loud its last windows were and the end of the last one."""

    source: Source
    stitcher: Stitcher
    words: WordStream
    pace: Pace
    loudness_db: deque[float] = field(default_factory=lambda: deque(maxlen=LOUD_WINDOWS))
    num_samples: int = 0

    def end(self) -> None:
        """No window is left: what remains of the log probabilities goes to the words."""
        rest = self.stitcher.finish()
        if rest is not None:
            self.words.push(rest)
        self.words.end()


@dataclass
class _Part:
    """A window of a recording, and its log probabilities once they are known."""

    recording: _Recording
    window: Window
    log_probs: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))


@dataclass
class _End:
    """A recording has no further windows, or breaks off with an error."""

    recording: _Recording
    error: SpeechError | None = None


class Transcriber:
    """A loaded model that writes down what it hears.

    Parameters
    ----------
    loaded : LoadedModel
    name : str
        What transcripts call the model.
    device : str
    chunks : ChunkConfig
        How long recordings are cut.
    decoding : Reader, such as Decoding, optional
        How words are searched; by default the best path is read as the model's card says.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        *,
        name: str = "",
        device: str = "cpu",
        chunks: ChunkConfig | None = None,
        decoding: Reader | None = None,
    ):
        self.name = name
        self._loaded = loaded
        self.card = loaded.card
        self.device = listening_device(device)
        self.decoding = decoding
        self.search = decoding or BestPath.of_model(loaded, name or "the model")
        self.unit = self.search.unit  #: what it writes
        self.heads = self.search.heads
        self.edges = edges_of(loaded, self.heads[0], name or "the model") if self.unit == "word" else EdgesConfig()
        self.units = loaded.units[self.heads[0]]
        self.listener = Listener(loaded, self.heads, self.search.num_views, self.device, name or "the model")
        self.chunks = chunks or ChunkConfig()
        self.sample_rate_hz = self.listener.sample_rate_hz
        self.loudness = loudness_of(loaded, name or "the model")
        self._frames_per_step = self.listener.frames_per_step

    def with_search(self, search: Reader) -> "Transcriber":
        """The same model, whose outputs something else makes words of."""
        return Transcriber(self._loaded, name=self.name, device=str(self.device), chunks=self.chunks, decoding=search)

    def transcribe(self, source: Source, sample_rate: int | None = None, channel: int | None = None) -> Transcript:
        """Transcribe one recording.

        Parameters
        ----------
        source : path, "-" (standard input), binary file, `speech.sources.Clip` or array
            An array is float in [-1, 1] or integer PCM, [N] or [N, channels].
        sample_rate : int
            Of an array, in Hz; files know theirs.
        channel : int, optional
            Take this channel, from 0; by default all are averaged.

        Returns
        -------
        Transcript

        Raises
        ------
        AudioError
            The recording cannot be read; names the file.
        ValueError
            An array without a sample rate, or of another shape.
        TypeError
            `source` is of no such kind, a list of samples for example.
        """
        outcome = next(self.transcribe_many([source], sample_rate=sample_rate, channel=channel))
        if outcome.transcript is None:
            raise outcome.error or SpeechError("no transcript")
        return outcome.transcript

    def transcribe_many(
        self,
        sources: Iterable[Source],
        *,
        sample_rate: int | None = None,
        channel: int | None = None,
        batch: int = 8,
        progress: Callable[[Source, float], None] | None = None,
    ) -> Iterator[Outcome]:
        """Transcribe recordings one after the other, in the order given.

        Parameters
        ----------
        sources : as `source` of `transcribe`
        sample_rate, channel : as in `transcribe`
        batch : int
            Windows of 30 s (or as much audio in shorter recordings) that the model takes at once, in all views.
            More is faster and takes more memory; the text does not depend on it.
        progress : callable, optional
            Told now and then which source is under way and how many seconds of it are done.

        Yields
        ------
        Outcome
            For a recording that cannot be read its error; the others go on.
        """
        if batch < 1:
            raise ValueError(f"batch must be 1 or more, got {batch}")
        budget = round(batch * self.chunks.window_s * self.sample_rate_hz)
        for group in _groups(self._jobs(sources, sample_rate, channel), 2 * budget):
            self._run([job for job in group if isinstance(job, _Part)], budget)
            ended = []
            for job in group:
                if isinstance(job, _Part):
                    first_frame = job.window.first_step * self._frames_per_step
                    final = job.recording.stitcher.push(first_frame, job.log_probs)
                    job.recording.words.push(final)
                    if progress is not None:
                        progress(job.recording.source, job.recording.words.num_frames * job.recording.pace.frame_step_s)
                else:
                    ended.append(job)
                    if job.error is None:
                        job.recording.end()
            for job in ended:  # all are being searched now
                if job.error is not None:
                    yield Outcome(source=job.recording.source, error=job.error)
                else:
                    yield Outcome(source=job.recording.source, transcript=self._finish(job.recording))

    def _jobs(self, sources, sample_rate, channel) -> Iterator[_Part | _End]:
        """Windows of all recordings, each followed by its end or its error."""
        for source in sources:
            recording = None
            try:
                blocks = open_source(
                    source,
                    sample_rate_hz=self.sample_rate_hz,
                    array_rate_hz=sample_rate,
                    channel=channel,
                )
                pace, blocks = self._pace(blocks)
                recording = self._begin(source, pace)
                window_steps, overlap_steps = (
                    self._steps(seconds, pace) for seconds in (self.chunks.window_s, self.chunks.overlap_s)
                )
                for window in windows(
                    blocks,
                    step_samples=pace.step_samples,
                    window_steps=window_steps,
                    overlap_steps=overlap_steps,
                ):
                    end = window.first_step * pace.step_samples + len(window.waveform)
                    recording.num_samples = end
                    recording.loudness_db.append(loudness_db(window.waveform, self.sample_rate_hz))
                    louder = amplified(window.waveform, self.loudness.gain(max(recording.loudness_db)))
                    yield _Part(recording, Window(window.first_step, louder))
                yield _End(recording)
            except SpeechError as error:
                yield _End(recording or self._begin(source, self.listener.tempo.own), error)

    def _begin(self, source: Source, pace: Pace) -> _Recording:
        stitcher = Stitcher(BLANK_ID, self._steps(self.chunks.margin_s, pace) * self._frames_per_step)
        return _Recording(source, stitcher, self.search.stream(), pace)

    def _steps(self, seconds: float, pace: Pace) -> int:
        """Steps of the model in so much time, at least one."""
        return max(1, round(seconds * self.sample_rate_hz / pace.step_samples))

    def _pace(self, blocks: Iterator[np.ndarray]) -> tuple[Pace, Iterator[np.ndarray]]:
        """In which steps a recording is heard, found out if it is one window; and its blocks from the beginning.

        In longer ones others may speak later, and the last pace errs least for those that are not known.
        """
        paces = self.listener.tempo.paces
        if len(paces) == 1:
            return paces[0], blocks
        first, num_samples, most_samples = [], 0, round(self.chunks.window_s * self.sample_rate_hz)
        for block in blocks:
            first.append(block)
            num_samples += len(block)
            if num_samples > most_samples:
                return paces[-1], itertools.chain(first, blocks)
        whole = np.concatenate([np.zeros(0, np.float32), *first])
        return self.listener.pace(self.loudness.applied(whole, self.sample_rate_hz)), iter(first)

    def _run(self, parts: Sequence[_Part], budget: int) -> None:
        """Fill in the log probabilities of `parts`, at most `budget` padded samples at a time."""
        waiting = []
        for part in parts:
            num_samples = len(part.window.waveform)
            part.log_probs = self.listener.silence(num_samples, part.recording.pace)
            steady = steady_samples(part.window.waveform, self.sample_rate_hz, self.chunks)
            if len(part.log_probs) and steady != [(0, num_samples)]:
                waiting.append((part, steady))
        waiting.sort(key=lambda item: len(item[0].window.waveform), reverse=True)
        while waiting:
            longest = len(waiting[0][0].window.waveform)
            # rows much shorter than the longest would be mostly padding
            fitting = sum(len(part.window.waveform) > 0.7 * longest for part, _ in waiting[: max(1, budget // longest)])
            chosen, waiting = waiting[:fitting], waiting[fitting:]
            outputs = self.listener.log_probs(
                [part.window.waveform for part, _ in chosen], [part.recording.pace for part, _ in chosen]
            )
            for (part, steady), log_probs in zip(chosen, outputs, strict=True):
                self.listener.blank_out(log_probs, steady, len(part.window.waveform), part.recording.pace)
                part.log_probs = log_probs

    def _finish(self, recording: _Recording) -> Transcript:
        duration_s = recording.num_samples / self.sample_rate_hz
        pace = recording.pace
        offset_s = pace.frontend.config.offset_s
        times_s = frame_times(recording.words.num_frames, pace.frame_step_s, offset_s, duration_s)
        return Transcript(
            words=with_edges(recording.words.words(times_s), self.edges, duration_s),
            duration_s=duration_s,
            source=source_name(recording.source),
            model=self.name,
            unit=self.unit,
        )


def _groups(jobs: Iterator[_Part | _End], max_samples: int) -> Iterator[list[_Part | _End]]:
    """Consecutive jobs holding at most `max_samples` of audio, or one job."""
    group: list[_Part | _End] = []
    num_samples = 0
    for job in jobs:
        length = len(job.window.waveform) if isinstance(job, _Part) else 0
        if group and num_samples + length > max_samples:
            yield group
            group, num_samples = [], 0
        group.append(job)
        num_samples += length
    if group:
        yield group
