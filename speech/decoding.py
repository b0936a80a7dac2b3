"""How a model's log probabilities become words by beam search with a language model; `speech.best_path` needs none.

A recording is searched in segments that end in pauses, so that memory is bounded and the language model sees
sentences rather than hours. A pause may be the shorter, the longer the segment already is.
"""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np
import torch

from speech.checkpoint import LoadedModel
from speech.config import from_dict
from speech.decoding_config import DecodingConfig
from speech.errors import CheckpointError, ConfigError
from speech.files import unreadable
from speech.hotwords import Hotwords, boosts
from speech.kinds import ARPA, NGRAM, TEXT, kind_of
from speech.precision import has_bfloat16
from speech.threads import threads
from speech.transcript import Word
from speech.units import Units
from speech.views import candidates_of_all

if TYPE_CHECKING:  # Numba takes half a second that decoding by best path need not wait for
    from ctc import BeamDecoder, BeamStream, Candidate, Hypothesis, NGram, SpokenWord
    from speech.lm.neural import NeuralLM
    from speech.pronunciations import DecodingLexicon
    from speech.rescoring import Opinion

logger = logging.getLogger(__name__)
SHIPPED_LM = Path(__file__).parent / "weights" / "english.lm"
SHIPPED_NEURAL_LM = SHIPPED_LM.with_suffix(".neural.safetensors")
FLOOR = -30.0
"""Log probabilities are raised to this, so that a stretch blanked out for its steady level is unlikely but possible."""
SURE = 0.9
"""Probability of the blank or the silence in the frames of a pause."""
PAUSES_S = ((15.0, 0.5), (30.0, 0.25), (120.0, 0.1))
"""A segment at least so long ends in a pause of so many seconds."""
LEAST_BEAM = 30
"""With a lexicon fewer hypotheses are all in the midst of unlikely words."""
MOST_WAITING = 16
"""Segments of a recording that wait to be searched, before more are taken."""


def decoding_config(loaded: LoadedModel, source: str) -> DecodingConfig | None:
    """Settings on the model's card; None if it has none.

    Raises
    ------
    ConfigError
        The card's settings are unknown, or name a head that the model lacks.
    """
    if "decoding" not in loaded.card:
        return None
    config = from_dict(DecodingConfig, loaded.card["decoding"], "decoding.", source)
    for name in (config.head, config.second_head):
        if name and name not in loaded.units:
            raise ConfigError(f"{source}: decoding names the head {name!r}; the model has {', '.join(loaded.units)}")
    return config


def default_head(loaded: LoadedModel) -> str:
    """Head that is read by best path: characters if there are any, else the first."""
    return "character" if "character" in loaded.units else next(iter(loaded.units))


def searched_head(loaded: LoadedModel, config: DecodingConfig) -> str:
    """Head that a search with these settings reads first."""
    return config.head or default_head(loaded)


def read_heads(loaded: LoadedModel, config: DecodingConfig) -> tuple[str, ...]:
    """All heads that a search with these settings reads."""
    return tuple(filter(None, (searched_head(loaded, config), config.second_head)))


def read_language_model(path: str | Path | None = None) -> "NGram":
    """A model in the binary or the ARPA form; the English one that is included by default.

    Raises
    ------
    CheckpointError
        There is no such file, or it is damaged or of another kind.
    """
    from speech.lm import load, read_arpa

    path = Path(path or SHIPPED_LM)
    if os.path.isdir(path):
        raise CheckpointError(f"{path}: is a folder; name a file that `speech lm train` wrote or ARPA")
    if not os.path.isfile(path):
        raise CheckpointError(f"{path}: no such language model; name a file that `speech lm train` wrote or ARPA")
    try:
        kind = kind_of(path)
    except OSError as error:
        raise CheckpointError(f"{path}: {unreadable(error)}") from error
    if kind == NGRAM:
        return load(path)
    if kind not in (None, ARPA, TEXT):
        raise CheckpointError(f"{path}: is {kind.what}; name an n-gram that `speech lm train` wrote, or ARPA")
    return read_arpa(path)


def included_neural_lm(config: DecodingConfig) -> "NeuralLM | None":
    """The recurrent language model beside the included n-gram, if the settings use it, in bfloat16 if that is fast."""
    if not config.neural_share:
        return None
    from speech.lm.neural import load_neural_lm

    model = load_neural_lm(SHIPPED_NEURAL_LM)
    if has_bfloat16("cpu"):
        model.network.bfloat16()
    return model


class WordStream(Protocol):
    """A recording whose log probabilities become words."""

    num_frames: int
    """Frames taken so far."""

    def push(self, log_probs: np.ndarray) -> None:
        """Take the next frames, the outputs side by side [n, V K1 + V K2]."""

    def end(self) -> None:
        """No frames follow."""

    def words(self, frame_times_s: np.ndarray) -> tuple[Word, ...]:
        """Words of the recording, placed by the times when frames begin, float [num_frames + 1]."""


class Reader(Protocol):
    """What a `Transcriber` needs to know of what makes words of its outputs."""

    @property
    def unit(self) -> Literal["word", "phone"]:
        """What it finds."""

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the model's outputs that it reads."""

    @property
    def num_views(self) -> int:
        """Views of a recording that it reads; see `speech.views`."""

    def stream(self) -> WordStream:
        """Begin a recording."""


class Search(Protocol):
    """What a `SearchStream` needs to know of what finds words in a segment."""

    @property
    def frame_step_s(self) -> float:
        """Seconds between two frames in the model's own pace (see `speech.tempo`); pauses are measured by it."""

    def best(self, scores: np.ndarray) -> "Sequence[SpokenWord]":
        """Words of a segment from `scores`, its outputs side by side: all views of the first head, then of the next."""


@dataclass(frozen=True, eq=False)
class Decoding:
    """Everything a search needs, ready for many recordings.

    Attributes
    ----------
    heads : names of the model's outputs that it reads; the first is searched
    decoder : BeamDecoder over the first head's units
    config : DecodingConfig
    frame_step_s : seconds between two frames
    num_units : units of the first head
    opinions : what scores the best hypotheses once more
    """

    unit: ClassVar[Literal["word", "phone"]] = "word"

    heads: tuple[str, ...]
    decoder: "BeamDecoder"
    config: DecodingConfig
    frame_step_s: float
    num_units: int
    opinions: "tuple[Opinion, ...]" = field(default=(), repr=False)

    def stream(self) -> "SearchStream":
        """Begin a recording."""
        return SearchStream(self)

    @property
    def num_views(self) -> int:
        """See `Reader`."""
        return self.config.views

    def best(self, scores: np.ndarray) -> "Sequence[SpokenWord]":
        """Words of a segment, whose outputs are `scores` [T, V K1 + V K2]; see `Search`."""
        return self.hypothesis(scores).words

    def hypothesis(self, scores: np.ndarray) -> "Hypothesis":
        """The best hypothesis of a segment; as `best`."""
        from ctc.beam_pieces import can_be_parted

        mixed = self.config.recombined and can_be_parted(self.decoder.search)
        most = self.config.candidates if self.opinions or self.num_views > 1 or mixed else 1
        candidates, totals, stream = self.ranked(scores, most)
        return stream.timed(candidates[int(np.argmax(totals))])

    def ranked(self, scores: np.ndarray, most: int) -> "tuple[list[Candidate], np.ndarray, BeamStream]":
        """Hypotheses of a segment, at most so many, their scores, nats [N], and the search in the first view.

        Parameters as `best`.
        """
        from speech.rescoring import total_scores, with_recombined

        own, others = np.split(scores, [self.num_views * self.num_units], axis=1)
        streams = []
        for view in np.split(own, self.num_views, axis=1):
            streams.append(self.decoder.stream())
            streams[-1].push(view)
        candidates = candidates_of_all(streams, most)
        opinions = [opinion.for_utterance() for opinion in self.opinions]
        totals = total_scores(candidates, opinions, others)
        if self.config.recombined:
            candidates, totals = with_recombined(candidates, totals, streams, opinions, others, self.config.recombined)
        return candidates, totals, streams[0]


class SearchStream:
    """Words of a recording whose log probabilities come in pieces.

    A segment is searched as soon as it has ended, while the model goes on with what follows; with one thread (see
    `torch.set_num_threads`) at once.

    Attributes
    ----------
    num_frames : int
        Frames taken so far.
    """

    def __init__(self, decoding: Search):
        self._decoding = decoding
        self.num_frames = 0
        self._found: list[tuple[int, Future[Sequence[SpokenWord]]]] = []  # first frame and words of each segment
        self._pieces: list[np.ndarray] = []
        self._first_frame = 0
        self._quiet = 0

    def push(self, log_probs: np.ndarray) -> None:
        """Take the next frames [n, V K1 + V K2], as a `Search` does."""
        done = 0
        for end in self._segment_ends(log_probs[:, 0] > np.log(SURE)):
            self._keep(log_probs[done:end])
            self.end()
            done = end
        self._keep(log_probs[done:])

    def end(self) -> None:
        """End a segment: let it be searched, and begin another one."""
        if self._pieces:
            scores = np.concatenate(self._pieces)
            num_threads = torch.get_num_threads()
            if num_threads == 1:
                searched: Future[Sequence[SpokenWord]] = Future()
                searched.set_result(self._decoding.best(scores))
            else:
                searched = threads("search", num_threads).submit(self._decoding.best, scores)
            self._found.append((self._first_frame, searched))
            if len(self._found) > MOST_WAITING:
                self._found[-MOST_WAITING][1].result()
        self._pieces = []
        self._first_frame, self._quiet = self.num_frames, 0

    def words(self, frame_times_s: np.ndarray) -> tuple[Word, ...]:
        """End the recording; its words, placed by the times when frames begin, float [num_frames + 1]."""
        self.end()
        return tuple(
            Word(
                text=word.text,
                start_s=float(frame_times_s[first + word.start_frame]),
                end_s=float(frame_times_s[first + word.end_frame]),
                confidence=word.confidence,
            )
            for first, searched in self._found
            for word in searched.result()
        )

    def _segment_ends(self, sure: np.ndarray) -> list[int]:
        """Frames of a piece [n] after which a segment ends, given those that are surely no speech."""
        ends, length = [], self.num_frames - self._first_frame
        for frame, quiet in enumerate(sure.tolist(), 1):
            length += 1
            self._quiet = self._quiet + 1 if quiet else 0
            length_s, quiet_s = length * self._decoding.frame_step_s, self._quiet * self._decoding.frame_step_s
            if quiet and any(length_s >= long_s and quiet_s >= pause_s for long_s, pause_s in PAUSES_S):
                ends.append(frame)
                length = self._quiet = 0
        return ends

    def _keep(self, log_probs: np.ndarray) -> None:
        """Keep further frames of the segment."""
        if len(log_probs):
            self._pieces.append(np.maximum(log_probs, FLOOR))
            self.num_frames += len(log_probs)


def build_decoding(
    loaded: LoadedModel,
    config: DecodingConfig,
    lm: "NGram | None",
    *,
    hotwords: Hotwords | None = None,
    lexicon: "DecodingLexicon | None" = None,
    lm_source: str = "the language model",
    neural: "NeuralLM | None" = None,
) -> Decoding:
    """Make a search over a model's outputs.

    Parameters
    ----------
    loaded : LoadedModel
    config : DecodingConfig
    lm : NGram, optional
        Of words, or of characters, which it then scores one by one.
    hotwords : mapping of words or phrases to boosts in nats, or a sequence of them, optional
    lexicon : DecodingLexicon, optional
        For a head of phones; by default pronunciations of the language model's words.
    lm_source : str
        What errors call the language model.
    neural : NeuralLM, optional
        Scores the best hypotheses once more, beside a language model of words.

    Raises
    ------
    ConfigError
        The model, the language model and the hot-words do not fit together; says which and why.
    """
    from ctc import BeamDecoder
    from speech.lm.counting import SPACE
    from speech.priors import log_prior
    from speech.rescoring import SecondHead, SecondLanguageModel

    head = searched_head(loaded, config)
    units = loaded.units[head]
    framewise = units.framewise
    options: dict = {}
    if "phone" in units.kind:
        from speech.pronunciations import DecodingLexicon

        if lm is not None and SPACE in lm.ids:
            raise ConfigError(f"{lm_source} is of characters; the head {head!r} of phones needs one of words")
        if lexicon is None:
            if lm is None:
                raise ConfigError(f"the head {head!r} of phones needs a lexicon or a language model of words")
            lexicon = DecodingLexicon.of_vocabulary(lm.vocabulary[3:])
        lexicon = lexicon.with_words(part for phrase in hotwords or () for part in phrase.split())
        options["lexicon"] = lexicon.spelt(units)
        if config.beam < LEAST_BEAM:
            logger.warning("a beam of %d loses most words; take %d or more", config.beam, LEAST_BEAM)
    elif lm is not None and SPACE in lm.ids:
        options["lm_unit"] = "token"
    if framewise and config.views > 1:
        raise ConfigError(f"decoding.views: the head {head!r} labels every frame and can be heard in 1 view only")
    if framewise:
        options |= {"framewise": True, "silence": units.symbols[0]}
    if config.prior_scale and (prior := log_prior(loaded, head, lm)) is not None:
        options["log_prior"] = config.prior_scale * prior
    opinions: list[Opinion] = []
    if config.second_head:
        opinions.append(SecondHead(loaded.units[config.second_head], units, config.second_weight))
    if neural is not None and lm is not None and SPACE not in lm.ids and config.neural_share:
        weight = config.neural_share * config.lm_weight
        opinions.append(SecondLanguageModel(neural, weight, lm.ids, config.unknown_score))
    alternatives = config.alternatives if lm is not None and config.alternatives else None
    try:
        decoder = BeamDecoder(
            _tokens(units, framewise),
            lm,
            beam_size=config.beam,
            beam_threshold=config.beam_threshold,
            alternatives=alternatives,
            merge_threshold=config.merge_threshold if opinions and alternatives and not framewise else 0.0,
            lm_weight=config.lm_weight,
            word_bonus=config.word_bonus,
            unknown_score=config.unknown_score,
            hotwords=boosts(hotwords, lm, config),
            **options,
        )
    except ValueError as error:
        if str(error).startswith("hotwords: "):
            raise ConfigError(f"hot-words: {str(error).removeprefix('hotwords: ')}") from error
        raise ConfigError(f"{lm_source} does not fit the model: {error}") from error
    heads = (head, config.second_head) if config.second_head else (head,)
    return Decoding(heads, decoder, config, loaded.frame_step_s, len(units), tuple(opinions))


def _tokens(units: Units, framewise: bool) -> list[str]:
    """Names of units as the search takes them."""
    return list(units.symbols) if framewise else ["<blank>", *units.symbols[1:]]


def with_beam(config: DecodingConfig, beam: int | None) -> DecodingConfig:
    """The settings with another beam, if one is given.

    Raises
    ------
    ConfigError
        A beam below 1.
    """
    if beam is None:
        return config
    try:
        return replace(config, beam=beam)
    except ValueError as error:
        raise ConfigError(str(error)) from error
