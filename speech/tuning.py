"""Finding the weights of a search on development sets: the acoustic model runs once, the search many times."""

import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count
from typing import ClassVar, Literal

import numpy as np

from speech.best_path import BestPath
from speech.checkpoint import LoadedModel
from speech.corpus import Utterance
from speech.decoding import Decoding, DecodingConfig
from speech.errors import CorpusError, SpeechError
from speech.evaluate import Counts, compare
from speech.sources import Clip
from speech.transcribe import Transcriber
from speech.transcript import Word


class Collector:
    """Stands where a search would, and keeps the model's outputs instead; see `model_outputs`."""

    unit: ClassVar[Literal["word", "phone"]] = "word"

    def __init__(self, heads: tuple[str, ...], num_views: int):
        self.heads, self.num_views = heads, num_views
        self.streams: list[_Kept] = []

    def stream(self) -> "_Kept":
        """Begin a recording."""
        self.streams.append(_Kept())
        return self.streams[-1]


class _Kept:
    """Outputs of a recording."""

    def __init__(self):
        self.pieces: list[np.ndarray] = []
        self.num_frames = 0

    def push(self, log_probs: np.ndarray) -> None:
        """Keep frames."""
        self.pieces.append(log_probs.copy())
        self.num_frames += len(log_probs)

    def end(self) -> None:
        """Nothing is searched."""

    def words(self, _: np.ndarray) -> tuple[Word, ...]:
        """No words."""
        return ()


def model_outputs(
    loaded: LoadedModel,
    utterances: Sequence[Utterance],
    heads: tuple[str, ...],
    *,
    num_views: int = 1,
    batch: int = 8,
    device: str = "cpu",
    failed: Callable[[Utterance, SpeechError], None] | None = None,
    done: Callable[[Utterance], None] | None = None,
) -> list[dict[str, np.ndarray]]:
    """Log probabilities of each utterance by some heads in each of V views, float32 [T, V, K] each.

    Parameters
    ----------
    loaded, utterances, heads
    num_views : see `speech.views`
    batch, device : as in `speech.transcribe`
    failed : told each utterance that cannot be read, which has no outputs then; without it the first error is raised
    done : told each utterance whose outputs are there

    Raises
    ------
    CorpusError
        An utterance cannot be read.
    ConfigError
        There is no such device.
    """
    collector = Collector(heads, num_views)
    transcriber = Transcriber(loaded, device=device, decoding=collector)
    clips = map(Clip.of, utterances)
    read = []
    for utterance, outcome in zip(utterances, transcriber.transcribe_many(clips, batch=batch), strict=True):
        read.append(outcome.error is None)
        if outcome.error is not None:
            if failed is None:
                raise CorpusError(str(outcome.error))
            failed(utterance, outcome.error)
        elif done is not None:
            done(utterance)
    ends = np.cumsum([0, *(num_views * len(loaded.units[head]) for head in heads)])
    found = []
    for stream in itertools.compress(collector.streams, read):
        scores = np.concatenate(stream.pieces) if stream.pieces else np.zeros((0, ends[-1]), np.float32)
        parts = np.split(scores, ends[1:-1], axis=1)
        views = (np.stack(np.split(part, num_views, axis=1), axis=1) for part in parts)
        found.append(dict(zip(heads, views, strict=True)))
    return found


def search_all(decoding: Decoding | BestPath, outputs: Sequence[dict[str, np.ndarray]]) -> list[str]:
    """Texts of utterances whose outputs are known, of as many views as are searched or more; two or more at a time."""

    def text(one: dict[str, np.ndarray]) -> str:
        stream = decoding.stream()
        stream.push(np.hstack([one[head][:, view] for head in decoding.heads for view in range(decoding.num_views)]))
        return " ".join(word.text for word in stream.words(np.arange(stream.num_frames + 1) * decoding.frame_step_s))

    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(text, outputs))


def word_error_rate(utterances: Sequence[Utterance], texts: Sequence[str]) -> float:
    """Word errors over the words of the references, after normalisation."""
    counts = (compare(utterance, text).words for utterance, text in zip(utterances, texts, strict=True))
    return sum(counts, Counts()).rate


@dataclass(frozen=True)
class Trial:
    """Settings and the mean of the sets' word error rates."""

    config: DecodingConfig
    rate: float


#: names of settings, first steps, least and greatest values
STEPS = {
    "lm_weight": (0.2, 0.0, math.inf),
    "word_bonus": (0.8, -10.0, math.inf),
    "prior_scale": (0.2, 0.0, math.inf),
    "second_weight": (0.2, 0.0, 1.0),
    "neural_share": (0.2, 0.0, 1.0),
}


def tune(
    build: Callable[[DecodingConfig], Decoding],
    start: DecodingConfig,
    sets: Sequence[tuple[Sequence[Utterance], Sequence[dict[str, np.ndarray]]]],
    *,
    names: Sequence[str] = ("lm_weight", "word_bonus"),
    rounds: int = 3,
    progress: Callable[[Trial], None] | None = None,
) -> Trial:
    """Search settings that make the fewest word errors, each set counting alike.

    One setting after the other goes up or down as long as that helps; then the steps are halved, `rounds` times in
    all (Hooke and Jeeves, 1961).

    Parameters
    ----------
    build : makes a search of settings
    start : where to begin
    sets : utterances and their `model_outputs`, one pair a set
    names : settings to search, of `STEPS`
    rounds : sizes of steps tried
    progress : told each trial

    Returns
    -------
    Trial
        The best.
    """
    known: dict[DecodingConfig, Trial] = {}

    def run(config: DecodingConfig) -> Trial:
        if config not in known:
            decoding = build(config)
            rates = [word_error_rate(utterances, search_all(decoding, outputs)) for utterances, outputs in sets]
            known[config] = Trial(config, sum(rates) / len(rates))
            if progress is not None:
                progress(known[config])
        return known[config]

    best = run(start)
    for halvings in range(rounds):
        improved = True
        while improved:
            improved = False
            for name in names:
                step, least, greatest = STEPS[name]
                for sign in (1, -1):
                    value = round(getattr(best.config, name) + sign * step / 2**halvings, 4)
                    if not least <= value <= greatest:
                        continue
                    trial = run(replace(best.config, **{name: value}))
                    if trial.rate < best.rate:
                        best, improved = trial, True
                        break
    return best
