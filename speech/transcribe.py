"""Recordings of any length to words with times and confidences.

A recording is read as a stream, cut into windows that overlap, and run through the model in batches
that mix windows of many files; `speech.chunks` joins the outputs. Only windows and words are kept, so
memory does not grow with the recording's audio.
Times and confidences are defined in `speech.words`.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speech.best_path import BestPath
from speech.checkpoint import LoadedModel, load
from speech.chunks import ChunkConfig, Stitcher, Window, steady_samples, windows
from speech.decoding import (
    Decoding,
    DecodingConfig,
    Reader,
    WordStream,
    build_decoding,
    decoding_config,
    default_head,
    included_neural_lm,
    read_language_model,
    with_beam,
)
from speech.errors import CheckpointError, ConfigError, SpeechError
from speech.hotwords import Hotwords, as_transcribed
from speech.precision import has_bfloat16_lstm
from speech.sources import Source, open_source, source_name
from speech.tempo import Pace, Tempo
from speech.threads import in_threads
from speech.transcript import Transcript
from speech.views import rested, shifted, shifts_of
from speech.words import frame_times

if TYPE_CHECKING:
    from ctc import NGram

DEFAULT_MODEL = Path(__file__).parent / "weights" / "english.safetensors"
BLANK = 0
# A unit may be emitted a little before or after its sound: so near to a sound nothing counts as steady.
STEADY_GUARD_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one recording: a transcript or the error that prevented it."""

    source: Source
    transcript: Transcript | None = None
    error: SpeechError | None = None


@dataclass
class _Recording:
    """A recording under way: its words so far and the end of its last window."""

    source: Source
    stitcher: Stitcher
    words: WordStream
    pace: Pace
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


def load_model(
    path: str | Path | None = None,
    device: str = "cpu",
    *,
    lm: "bool | str | Path | NGram | None" = None,
    hotwords: Hotwords | None = None,
    beam: int | None = None,
) -> "Transcriber":
    """Load a recogniser.

    Parameters
    ----------
    path : path, optional
        A model file; by default the English model that ships with this package.
    device : str
        "cpu", "cuda" or "cuda:1".
    lm : bool, path or NGram, optional
        Language model: an n-gram of your own, as a file (binary or ARPA) or loaded, which replaces both included ones,
        since the recurrent one is used beside the included n-gram only; True for those two; False for none, which
        reads the best path. By default the included ones with models whose card says how to search (`decoding`), none
        with others; it must be given if the search was tuned with another one.
    hotwords : mapping of str to float, or sequence of str, optional
        Words or phrases to be favoured, and their boost in nats (8 by default).
    beam : int, optional
        Hypotheses that the search keeps; by default as the model's card says.

    Returns
    -------
    Transcriber

    Raises
    ------
    CheckpointError
        A file is missing, damaged or of another kind.
    ConfigError
        There is no such device; the language model or the hot-words do not fit the model.

    Examples
    --------
    >>> load_model().transcribe("talk.flac").text  # doctest: +SKIP
    'the birch canoe slid on the smooth planks'
    """
    path = model_path(path)
    loaded = load_to_listen(path, device)
    decoding = choose_search(loaded, path, lm, as_transcribed(hotwords), beam)
    return Transcriber(loaded, name=str(loaded.card.get("name", path.stem)), device=device, decoding=decoding)


def load_to_listen(path: str | Path, device: str) -> LoadedModel:
    """A model that is not to be trained: on processors that do so much faster its LSTMs compute in bfloat16.

    Raises
    ------
    CheckpointError
        As `speech.checkpoint.load`.
    ConfigError
        There is no such device.
    """
    loaded = load(path)
    if _device(device).type == "cpu" and has_bfloat16_lstm():
        loaded.model.recur_in_bfloat16()
    return loaded


def choose_search(
    loaded: LoadedModel, path: Path, lm, hotwords: Hotwords | None, beam: int | None, *, lm_share: float = 1.0
) -> Decoding | None:
    """The search that `load_model` is asked for, its language models weighed by `lm_share`; None for the best path."""
    config = decoding_config(loaded, str(path))
    if lm is None and "decoding_lm" in loaded.card:
        raise ConfigError(
            f"{path}: its search was tuned with the language model {loaded.card['decoding_lm']}; name that file or "
            "another one with --lm (lm=), or --no-lm (lm=False) for none"
        )
    if lm is None:
        lm = config is not None or path == DEFAULT_MODEL
    if lm is False and not hotwords and beam is None:
        return None
    chosen = with_beam(config or DecodingConfig(), beam)
    chosen = replace(chosen, lm_weight=lm_share * chosen.lm_weight)
    model, source, neural = None, "the language model", None
    if lm is True:
        model, source, neural = read_language_model(), "the included language model", included_neural_lm(chosen)
    elif isinstance(lm, (str, Path)):
        model, source = read_language_model(lm), str(lm)
    elif lm is not False:
        model = lm
    if model is None:  # only an open vocabulary can be searched without one
        chosen = replace(chosen, head=default_head(loaded), second_head="", word_bonus=0.0)
    return build_decoding(loaded, chosen, model, hotwords=hotwords, lm_source=source, neural=neural)


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
        self.device = _device(device)
        self.model = loaded.model.to(self.device).eval()
        self.decoding = decoding
        self.search = decoding or BestPath.of_model(loaded, name or "the model")
        self.unit = self.search.unit  #: what it writes
        self.heads = self.search.heads
        self.units = loaded.units[self.heads[0]]
        #: columns of the blank or silence in the outputs side by side: all views of the first head, then of the next
        num_views = self.search.num_views
        ends = np.cumsum([0, *(len(loaded.units[head]) for head in self.heads for _ in range(num_views))])
        self._rests, self._num_outputs = ends[:-1], int(ends[-1])
        self._shifts = shifts_of(num_views, loaded.model.config.subsampling_factor)
        self.chunks = chunks or ChunkConfig()
        self.sample_rate_hz = loaded.frontend.config.sample_rate_hz
        self._tempo = Tempo(loaded, name or "the model")
        for pace in (self._tempo.own, *self._tempo.paces):
            pace.frontend.to(self.device).eval()
        self._listening_head = default_head(loaded)
        self._frames_per_step = loaded.model.config.output_frames

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
                    yield _Part(recording, window)
                yield _End(recording)
            except SpeechError as error:
                yield _End(recording or self._begin(source, self._tempo.own), error)

    def _begin(self, source: Source, pace: Pace) -> _Recording:
        stitcher = Stitcher(BLANK, self._steps(self.chunks.margin_s, pace) * self._frames_per_step)
        return _Recording(source, stitcher, self.search.stream(), pace)

    def _steps(self, seconds: float, pace: Pace) -> int:
        """Steps of the model in so much time, at least one."""
        return max(1, round(seconds * self.sample_rate_hz / pace.step_samples))

    def _pace(self, blocks: Iterator[np.ndarray]) -> tuple[Pace, Iterator[np.ndarray]]:
        """In which steps a recording is heard, found out if it is one window; and its blocks from the beginning.

        In longer ones others may speak later, and the last pace errs least for those that are not known.
        """
        if len(self._tempo.paces) == 1:
            return self._tempo.paces[0], blocks
        first, num_samples, most_samples = [], 0, round(self.chunks.window_s * self.sample_rate_hz)
        for block in blocks:
            first.append(block)
            num_samples += len(block)
            if num_samples > most_samples:
                return self._tempo.paces[-1], itertools.chain(first, blocks)
        waveform = np.concatenate([np.zeros(0, np.float32), *first])
        rewound = iter(first)
        if not self._tempo.own.frontend.num_frames(len(waveform)):
            return self._tempo.own, rewound
        with torch.inference_mode():
            features, frames = self._features([waveform], [self._tempo.own])
            logits, lengths = self.model(features, frames)
            log_probs = logits[self._listening_head][0, : int(lengths[0])].float().log_softmax(dim=1).cpu().numpy()
        return self._tempo.pace(log_probs), rewound

    def _run(self, parts: Sequence[_Part], budget: int) -> None:
        """Fill in the log probabilities of `parts`, at most `budget` padded samples at a time."""
        waiting = []
        for part in parts:
            num_samples = len(part.window.waveform)
            part.log_probs = self._silence(num_samples, part.recording.pace)
            steady = steady_samples(part.window.waveform, self.sample_rate_hz, self.chunks)
            if len(part.log_probs) and steady != [(0, num_samples)]:
                waiting.append((part, steady))
        waiting.sort(key=lambda item: len(item[0].window.waveform), reverse=True)
        while waiting:
            longest = len(waiting[0][0].window.waveform)
            # rows much shorter than the longest would be mostly padding
            fitting = sum(len(part.window.waveform) > 0.7 * longest for part, _ in waiting[: max(1, budget // longest)])
            chosen, waiting = waiting[:fitting], waiting[fitting:]
            outputs = self._log_probs(
                [part.window.waveform for part, _ in chosen], [part.recording.pace for part, _ in chosen]
            )
            for (part, steady), log_probs in zip(chosen, outputs, strict=True):
                self._blank_out(log_probs, steady, len(part.window.waveform), part.recording.pace)
                part.log_probs = log_probs

    def _log_probs(self, waveforms: Sequence[np.ndarray], paces: Sequence[Pace]) -> list[np.ndarray]:
        """Log probabilities of each waveform, side by side as a `Reader` takes them, float32 [V, K]."""
        with torch.inference_mode():
            features, frames = self._features(waveforms, paces)
            counts = self.model.output_lengths(frames).tolist()
            views = [shifted(features, frames, shift) for shift in self._shifts]
            logits, lengths = self._heard(*(torch.cat(parts) for parts in zip(*views, strict=True)))
            outputs = [
                rested(view.float().log_softmax(dim=2), view_lengths, max(counts))
                for head in self.heads
                for view, view_lengths in zip(
                    logits[head].split(len(waveforms)), lengths.split(len(waveforms)), strict=True
                )
            ]
            log_probs = torch.cat(outputs, dim=2).cpu().numpy()
        return [log_probs[row, :count].copy() for row, count in enumerate(counts)]

    def _heard(self, features: Tensor, frames: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Logits of rows by head, and their lengths, as the model gives them; on a CPU each thread hears some rows."""
        shares = torch.get_num_threads() if self.device.type == "cpu" else 1

        def hear(rows: tuple[Tensor, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
            with torch.inference_mode():
                return self.model(*rows)

        parts = in_threads(hear, list(zip(features.chunk(shares), frames.chunk(shares), strict=True)))
        heads = {head: torch.cat([logits[head] for logits, _ in parts]) for head in self.heads}
        return heads, torch.cat([lengths for _, lengths in parts])

    def _features(self, waveforms: Sequence[np.ndarray], paces: Sequence[Pace]) -> tuple[Tensor, Tensor]:
        """Features of each waveform in its pace, float32 [B, T, F], and their lengths, int64 [B]."""
        found: dict[int, Tensor] = {}
        for pace in dict.fromkeys(paces):
            rows = [row for row, own in enumerate(paces) if own is pace]
            lengths = torch.tensor([len(waveforms[row]) for row in rows])
            padded = torch.zeros(len(rows), int(lengths.max()))
            for place, row in enumerate(rows):
                padded[place, : lengths[place]] = torch.from_numpy(np.ascontiguousarray(waveforms[row]))
            features, frames = pace.frontend(padded.to(self.device), lengths.to(self.device))
            found |= {row: features[place, : frames[place]] for place, row in enumerate(rows)}
        ordered = [found[row] for row in range(len(waveforms))]
        return pad_sequence(ordered, batch_first=True), torch.tensor([len(row) for row in ordered], device=self.device)

    def _silence(self, num_samples: int, pace: Pace) -> np.ndarray:
        """Log probabilities of a window in which nothing is said, [V, K]."""
        frames = torch.tensor([pace.frontend.num_frames(num_samples)])
        num_frames = int(self.model.output_lengths(frames)) if frames > 0 else 0
        log_probs = np.full((num_frames, self._num_outputs), -np.inf, np.float32)
        log_probs[:, self._rests] = 0.0
        return log_probs

    def _blank_out(self, log_probs: np.ndarray, steady, num_samples: int, pace: Pace) -> None:
        """Make frames [V, K] inside steady stretches surely blank, in place."""
        step = pace.frame_step_s * self.sample_rate_hz
        guard = STEADY_GUARD_S * self.sample_rate_hz
        for first, end in steady:
            start_frame = 0 if first == 0 else int(np.ceil((first + guard) / step))
            end_frame = len(log_probs) if end == num_samples else int((end - guard) / step)
            log_probs[start_frame:end_frame] = -np.inf
            log_probs[start_frame:end_frame, self._rests] = 0.0

    def _finish(self, recording: _Recording) -> Transcript:
        duration_s = recording.num_samples / self.sample_rate_hz
        config = recording.pace.frontend.config
        offset_s = (config.window_s - config.hop_s) / 2 if config.snip_edges else 0.0
        times_s = frame_times(recording.words.num_frames, recording.pace.frame_step_s, offset_s, duration_s)
        return Transcript(
            words=recording.words.words(times_s),
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


def model_path(path: str | Path | None) -> Path:
    """`path`, or the model that ships with this package; CheckpointError if that is missing."""
    if path is None and not DEFAULT_MODEL.is_file():
        raise CheckpointError(f"{DEFAULT_MODEL}: the included model is missing; name a model file or install again")
    return Path(path or DEFAULT_MODEL)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is unknown; use cpu, cuda or cuda:0") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is not supported; use cpu, cuda or cuda:0")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r}: there are {torch.cuda.device_count()} CUDA devices here; use cpu")
    return device
