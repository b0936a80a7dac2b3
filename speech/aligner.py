"""Which word and which phone is said when: a framewise phone model, pronunciation graphs, exact Viterbi search.

Every utterance is aligned by itself, so what it is aligned with changes nothing. The score of a word says how well the
audio supports its phones against the best other phones (goodness of pronunciation, Witt & Young 2000): near 1 where
the word was said, near 0 where something else was.

Legend: T feature frames, K units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from speech import checkpoint
from speech.alignment import SILENCE, AlignmentGraph, align
from speech.boundaries import STATES_PER_PHONE, join_closures, phone_runs, share_transitions, sharpen_edges
from speech.checkpoint import LoadedModel
from speech.errors import ConfigError, CorpusError
from speech.flat_start import PhoneMixtures, cepstra, load_mixtures
from speech.frame_targets import between_frames, output_frames_of
from speech.frontend import Frontend
from speech.lexicon import Lexicon
from speech.loudness import loudness_of
from speech.phones import Transcript, plosive_phones, pronounce_transcript, vocalic_phones
from speech.sources import Source, read_source, source_name
from speech.threads import in_threads
from speech.transcript import Transcript as TimedText
from speech.transcript import Word
from speech.units import SILENCE_SYMBOL

SHIPPED_MODEL = Path(__file__).parent / "weights" / "aligner.safetensors"
PAUSE_SYMBOL = "SP"  #: a silence between words; at the ends it is `SILENCE_SYMBOL`
PRIOR_SCALE = 0.5  # of the log prior taken off: between none, which lengthens silences, and all of it, which is noisy
MIXTURE_WEIGHT = 1.0  # of the mixtures' log likelihoods beside the network's scores; less puts fewer boundaries right
CLOSURE_S = 0.12  # a pause no longer than this before a plosive is its closure: those of stops last 50 to 100 ms
REACH_S = 0.02  # boundaries move this far to where the sound changes most: what the path leaves open
WINDOW_S, CONTEXT_S = 30.0, 2.0  # a long recording passes the model in windows that overlap by the context
MOST_CELLS = 1_500_000_000  # frames times states that the search keeps a number of four bytes for


@dataclass(frozen=True, kw_only=True)
class AlignedPhone:
    """A phone, or a silence, in time.

    Attributes
    ----------
    phone : ARPAbet with stress; "SP" a pause between words, "SIL" the silence at either end
    start_s, end_s : seconds
    score : 0 to 1, how well the audio supports it
    """

    phone: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True, kw_only=True)
class AlignedWord:
    """A word in time.

    Attributes
    ----------
    word : as aligned: lower case, without punctuation
    start_s, end_s : seconds
    score : 0 to 1, the product of its phones' scores to the power of one over the square root of their number: chance
        makes sums of log scores differ by that root, so long and short words are equally likely to have a low one
    phones : tuple of AlignedPhone, of the pronunciation that fits best
    """

    word: str
    start_s: float
    end_s: float
    score: float
    phones: tuple[AlignedPhone, ...]

    @property
    def text(self) -> str:
        """The word, by the name that it has in transcripts and prosody."""
        return self.word


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """A text in time.

    Attributes
    ----------
    words : tuple of AlignedWord
    phones : tuple of AlignedPhone; silences included, from 0 to the end of the audio without gaps
    duration_s : seconds
    source, model : path of the recording, or ""; name of the model
    """

    words: tuple[AlignedWord, ...]
    phones: tuple[AlignedPhone, ...]
    duration_s: float
    source: str = ""
    model: str = ""

    def as_transcript(self) -> TimedText:
        """The words alone, with their scores as confidences, for the writers of `speech.formats`."""
        words = [Word(text=w.word, start_s=w.start_s, end_s=w.end_s, confidence=w.score) for w in self.words]
        return TimedText(words=tuple(words), duration_s=self.duration_s, source=self.source, model=self.model)


class Aligner:
    """Aligns texts with recordings.

    Parameters
    ----------
    loaded : model with a framewise head of phones
    lexicon : pronunciations
    head : its framewise head; the first by default
    mixtures : Gaussian mixtures of the same phones, whose scores sharpen boundaries; see `speech.flat_start`

    Raises
    ------
    ConfigError
        The model has no such head.

    Examples
    --------
    >>> aligner = Aligner.load()                                      # doctest: +SKIP
    >>> aligner.align("hello.wav", "Hello world").words[0].start_s    # doctest: +SKIP
    0.31
    """

    def __init__(
        self,
        loaded: LoadedModel,
        lexicon: Lexicon,
        head: str | None = None,
        mixtures: PhoneMixtures | None = None,
    ):
        framewise = [name for name, config in loaded.heads.items() if config.framewise]
        if not framewise or (head is not None and head not in framewise):
            raise ConfigError(
                f"the model has no framewise phone head{f' {head}' if head else ''}, only {', '.join(loaded.heads)};"
                " train one with loss = 'cross_entropy'"
            )
        self.loaded, self.lexicon, self.mixtures = loaded, lexicon, mixtures
        self.fine = None
        if mixtures is not None and mixtures.frames is not None:
            self.fine = Frontend(replace(mixtures.frames, sample_rate_hz=loaded.frontend.config.sample_rate_hz))
        self.head = head or framewise[0]
        self.units = loaded.units[self.head].symbols
        self.name = str(loaded.card.get("name", ""))
        #: frames that states are assigned to
        self.frames = self.fine.config if self.fine is not None else loaded.frontend.config
        self._loudness = loudness_of(loaded, self.name or "the model")

    @classmethod
    def load(cls, path: str | Path | None = None, user_lexicon: str | Path | None = None) -> "Aligner":
        """Aligner of a model file, by default the one that is included, and a user's pronunciations.

        Raises
        ------
        CheckpointError, ConfigError, CorpusError
            The model cannot be read or has no framewise head; the lexicon has a bad row.
        """
        path = Path(path or SHIPPED_MODEL)
        loaded, lexicon, mixtures = checkpoint.load(path), Lexicon.load(user_lexicon), load_mixtures(path)
        try:
            return cls(loaded, lexicon, mixtures=mixtures)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def align(
        self,
        recording: Source,
        text: str,
        *,
        sample_rate: int | None = None,
        channel: int | None = None,
    ) -> Alignment:
        """Align a text with what is said in a recording.

        Parameters
        ----------
        recording : path, `speech.sources.Clip` of a part of a file, or array [N] with its `sample_rate` in Hz
        text : what is said, in words; punctuation is ignored
        channel : listen to this channel; the mean of all by default

        Raises
        ------
        CorpusError
            The text is empty, needs more time than the audio lasts, or the recording is too long.
        PronunciationError
            A word has no pronunciation and cannot get one.
        AudioError
            The recording cannot be read.
        """
        rate = self.loaded.frontend.config.sample_rate_hz
        waveform = read_source(recording, sample_rate_hz=rate, array_rate_hz=sample_rate, channel=channel)
        waveform = self._loudness.applied(waveform, rate)
        transcript = pronounce_transcript(text, self.lexicon)
        if not transcript.words:
            raise CorpusError("the text has no words to align")
        posteriors, features = self._evidence(waveform)
        graph, parts = self._graph(transcript, len(posteriors))
        if graph.shortest > len(posteriors):
            count = len(transcript.words)
            words = f"{count} words are" if count > 1 else "word is"
            raise CorpusError(f"the text's {words} too long for {len(waveform) / rate:.2f} s; is it the right text?")
        if len(posteriors) * len(graph) > MOST_CELLS:
            raise CorpusError(
                f"{len(waveform) / rate / 60:.0f} minutes are too long to align at once with {len(transcript.words)}"
                " words; cut the recording and its text into parts"
            )
        states, supports = self._path(posteriors, features, graph, parts)
        return self._alignment(states, supports, graph, transcript, len(waveform) / rate, source_name(recording))

    def _path(
        self, posteriors: NDArray[np.float32], features: NDArray[np.float32], graph: AlignmentGraph, parts: int
    ) -> tuple[NDArray[np.int64], list[float]]:
        """States [T] through a graph of so many parts a phone, and the mean log score of each phone and silence."""
        prior = self.loaded.model.log_prior(self.head).numpy()
        scores = np.repeat(posteriors - PRIOR_SCALE * prior, parts, axis=1)
        whole = parts == STATES_PER_PHONE  # else there is hardly time for the phones, whose edges then stay as found
        mixtures = self.mixtures if whole else None
        if mixtures is not None:
            scores += MIXTURE_WEIGHT * mixtures.scores(cepstra(features))
        try:
            states = align(scores, graph).states
        except ValueError as error:
            raise CorpusError(f"the text does not fit the audio: {error}") from error
        plosives = plosive_phones(self.units)
        if mixtures is not None:
            states = share_transitions(states, scores, graph, vocalic_phones(self.units))
            states = join_closures(states, graph, plosives, round(CLOSURE_S / self.frames.hop_s))
        support = posteriors[np.arange(len(posteriors)), graph.labels[states] // parts] - posteriors.max(axis=1)
        supports = [float(support[first:end].mean()) for first, end in phone_runs(states, graph)]
        if whole:
            states = sharpen_edges(states, graph, features, plosives, round(REACH_S / self.frames.hop_s))
        return states, supports

    def _graph(self, transcript: Transcript, num_frames: int) -> tuple[AlignmentGraph, int]:
        """Graph whose phones last three frames or more, or as many as there is time for; and that number."""
        for parts in range(STATES_PER_PHONE, 0, -1):
            graph = transcript.graph(self.units, states_per_phone=parts, silence_states=parts)
            if graph.shortest <= num_frames:
                break
        return graph, parts

    def _evidence(self, waveform: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log posteriors [T, K] and features [T, F] at `self.frames`."""
        features, posteriors = self._log_posteriors(waveform)
        if self.fine is None:
            return posteriors, features
        [log_mels] = in_threads(self.fine.of_waveform, [waveform])
        return between_frames(posteriors, self.loaded.frontend.config, self.frames, len(log_mels)), log_mels.numpy()

    def _log_posteriors(self, waveform: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features [T, F] and log posteriors of the units [T, K]; in windows if the recording is long."""
        [features] = in_threads(self.loaded.frontend.of_waveform, [waveform])
        num_frames, step = len(features), self.loaded.frontend.config.hop_s
        if not num_frames:
            duration_s = len(waveform) / self.loaded.frontend.config.sample_rate_hz
            raise CorpusError(f"{duration_s:.3f} s are too short to hold a sound; leave it out or take a longer part")
        context, window = round(CONTEXT_S / step), round(WINDOW_S / step)

        @torch.inference_mode()
        def hear(start: int) -> NDArray[np.float32]:
            first, last = max(0, start - context), min(num_frames, start + window + context)
            logits, _ = self.loaded.model(features[None, first:last], torch.tensor([last - first]))
            scores = logits[self.head][0].float().log_softmax(dim=-1)
            frames = output_frames_of(last - first, self.loaded.model.config.output_step, len(scores))
            return scores[frames][start - first : min(num_frames, start + window) - first].numpy()

        return features.numpy(), np.concatenate(in_threads(hear, range(0, num_frames, window)))

    def _alignment(
        self,
        states: NDArray[np.int64],
        supports: Sequence[float],
        graph: AlignmentGraph,
        transcript: Transcript,
        duration_s: float,
        source: str,
    ) -> Alignment:
        """From a path to words and phones, of each of which the mean log score is known.

        A boundary lies midway between the centres of the frames on either side.
        """

        def time_s(frame: int) -> float:
            if frame == 0:
                return 0.0
            if frame == len(states):
                return duration_s
            return min(duration_s, self.frames.offset_s + frame * self.frames.step_s)

        phones: list[AlignedPhone] = []
        of_word: dict[int, list[AlignedPhone]] = {}
        for (first, last), support in zip(phone_runs(states, graph), supports, strict=True):
            state = int(states[first])
            word = int(graph.words[state])
            if word != SILENCE:
                label = transcript.pronunciations[word][graph.variants[state]][graph.phones[state]]
            else:
                label = PAUSE_SYMBOL if 0 < first and last < len(states) else SILENCE_SYMBOL
            score = float(np.exp(support))
            phone = AlignedPhone(phone=label, start_s=time_s(first), end_s=time_s(last), score=score)
            phones.append(phone)
            if word != SILENCE:
                of_word.setdefault(word, []).append(phone)
        words = [
            AlignedWord(
                word=transcript.words[number],
                start_s=own[0].start_s,
                end_s=own[-1].end_s,
                score=float(np.exp(sum(np.log(max(p.score, 1e-30)) for p in own) / np.sqrt(len(own)))),
                phones=tuple(own),
            )
            for number, own in sorted(of_word.items())
        ]
        return Alignment(
            words=tuple(words), phones=tuple(phones), duration_s=duration_s, source=source, model=self.name
        )
