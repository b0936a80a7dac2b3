"""Phones instead of words: by way of words, or the best path of a phone head, or the best one under a phone n-gram.

Legend: T output frames, K units.
"""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ctc import SpokenWord, Token, crf_decode, greedy_decode
from ctc.compilation import jit_cached
from speech.aligner import SHIPPED_MODEL as ALIGNER
from speech.best_path import BestPath, BestPathConfig, best_path_config
from speech.checkpoint import LoadedModel
from speech.decoding import SearchStream, decoding_config, searched_head
from speech.errors import ConfigError
from speech.hotwords import Hotwords, as_transcribed
from speech.loading import choose_search, load_to_listen, model_path
from speech.phone_consensus import LM_SHARE, PhoneConsensus
from speech.transcribe import Transcriber

if TYPE_CHECKING:
    from ctc import NGram

PHONES = ("phone", "stressed_phone")
NGRAM_WEIGHT = 1.0
PRIOR_SCALE = 0.5
#: Step of frames beside which a bigram counts in full. Scores of frames add up as if each were heard alone: the fewer
#: there are to a phone the less it counts: half at 10 ms, 0.19 at 27 ms, about the best of six weights at each.
BIGRAM_STEP_S = 0.005


class PhoneSearch:
    """The phones in the outputs of a phone head: what `speech.decoding.Decoding` is for words.

    Parameters
    ----------
    loaded, head, ngram_weight : as `PhoneRecognizer`

    Attributes
    ----------
    heads : name of the head
    num_views : one: the recording as it is
    frame_step_s : seconds between two frames
    """

    unit: ClassVar[Literal["word", "phone"]] = "phone"
    num_views: ClassVar[int] = 1

    def __init__(self, loaded: LoadedModel, head: str, ngram_weight: float):
        self.heads = (head,)
        self.frame_step_s = loaded.frame_step_s
        self.loss = loaded.heads[head].loss if ngram_weight else "ctc"  # without an n-gram all read the best path
        self._symbols = loaded.units[head].symbols
        if loaded.heads[head].framewise:
            self._log_prior = loaded.model.log_prior(head).cpu().numpy()
        if self.loss == "cross_entropy":
            weight = ngram_weight * BIGRAM_STEP_S / self.frame_step_s
            self._ngram = loaded.model.log_bigram(head).cpu().numpy() * weight
        elif self.loss == "ctc_crf":
            self._ngram = loaded.model.log_trigram(head).cpu().numpy() * ngram_weight

    def stream(self) -> SearchStream:
        """Begin a recording."""
        return SearchStream(self)

    def best(self, scores: NDArray[np.float32]) -> list[SpokenWord]:
        """Phones of a segment whose log probabilities are `scores` [T, K], silences left out."""
        match self.loss:
            case "cross_entropy":
                spans = self._search(scores)
            case "ctc_crf":
                spans = [_span(token) for token in crf_decode(scores, self._ngram)]
            case _:
                spans = [_span(token) for token in greedy_decode(torch.from_numpy(scores)[None])[0]]
        return [SpokenWord(self._symbols[label], first, end, min(1.0, sure)) for label, first, end, sure in spans]

    def _search(self, log_posteriors: NDArray[np.float32]) -> list[tuple[int, int, int, float]]:
        """Label, first frame, end and confidence of each phone on the best path under the bigram."""
        scores = log_posteriors - PRIOR_SCALE * self._log_prior
        path = best_path(scores.astype(np.float64), self._ngram.astype(np.float64))
        edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
        return [
            (int(path[first]), first, end, float(np.exp(log_posteriors[first:end, path[first]].max())))
            for first, end in zip(edges[:-1], edges[1:], strict=True)
            if path[first] != 0
        ]


def _span(token: Token) -> tuple[int, int, int, float]:
    return token.label, token.start_frame, token.end_frame, token.confidence


class PhoneRecognizer(Transcriber):
    """Writes down the phones of recordings of any length, as a `Transcriber` does words.

    Parameters
    ----------
    loaded : LoadedModel with a phone head; a framewise one is preferred
    head : name of the head
    ngram_weight : of the n-gram of the training transcripts: a bigram over the framewise posteriors with priors
        divided out (1 is what `BIGRAM_STEP_S` says), a trigram over the outputs of a CTC-CRF head, which were trained
        beside it; 0 for the best path of the outputs alone, which is all that a CTC head offers
    views : of a recording that a CTC head is read in (see `speech.best_path`); what the model's card says by default
    device : "cpu", "cuda" or "cuda:1"

    Raises
    ------
    ConfigError
        The model has no such head, or there is no such device; views of a head that is not of CTC.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        head: str | None = None,
        *,
        ngram_weight: float | None = None,
        views: int | None = None,
        device: str = "cpu",
    ):
        heads = [name for name, units in loaded.units.items() if units.kind in PHONES]
        heads.sort(key=lambda name: not loaded.heads[name].framewise)
        if not heads or (head is not None and head not in heads):
            raise ConfigError(
                f"the model has no phone head{f' {head}' if head else ''}, only {', '.join(loaded.heads)}"
            )
        search = _reader(loaded, head or heads[0], NGRAM_WEIGHT if ngram_weight is None else ngram_weight, views)
        super().__init__(loaded, name=str(loaded.card.get("name", "")), device=device, decoding=search)


def _reader(loaded: LoadedModel, head: str, ngram_weight: float, views: int | None) -> PhoneSearch | BestPath:
    """What reads a head: its best path, in several views if asked, or a search."""
    if loaded.heads[head].loss == "ctc":
        config = best_path_config(loaded) if views is None else BestPathConfig(views=views)
        return BestPath(head, loaded.units[head], loaded.frame_step_s, config.views)
    if views is not None:
        raise ConfigError(f"views: the head {head!r} is not trained by CTC and is read in one view; leave it out")
    return PhoneSearch(loaded, head, ngram_weight)


def load_phone_model(
    path: str | Path | None = None,
    device: str = "cpu",
    *,
    lm: "bool | str | Path | NGram | None" = None,
    hotwords: Hotwords | None = None,
    beam: int | None = None,
) -> Transcriber:
    """Load what writes down phones: in its transcripts they stand where others have words.

    Models whose card says how words are searched in their phones find those by way of words; see
    `speech.phone_consensus`. Others read them with the n-gram of phones that was trained beside them.

    Parameters
    ----------
    path : path, optional
        A model file; by default the English model that ships with this package.
    device : str
        "cpu", "cuda" or "cuda:1".
    lm : bool, path or NGram, optional
        Language model of words, as for `speech.load_model`. False: the best path of what is heard, without words and
        without n-gram; if no `path` is given, that of the included aligner.
    hotwords, beam
        Of the search for words, as for `speech.load_model`.

    Raises
    ------
    CheckpointError
        As `speech.load_model`.
    ConfigError
        As `speech.load_model`; or the model has no phones; or it finds them without a search for words, of which
        there are options.

    Examples
    --------
    >>> load_phone_model().transcribe("talk.flac").text  # doctest: +SKIP
    'DH AH B ER CH K AH N UW S L IH D'
    """
    path = ALIGNER if path is None and lm is False else model_path(path)
    loaded = load_to_listen(path, device)
    config = decoding_config(loaded, str(path))
    head = searched_head(loaded, config) if config is not None else ""
    if lm is not False and head and loaded.units[head].kind in PHONES and not loaded.heads[head].framewise:
        search = choose_search(loaded, path, lm, as_transcribed(hotwords), beam, lm_share=LM_SHARE)
        assert search is not None  # as a language model is used
        phones = PhoneConsensus(search, loaded.units[head].symbols)
        return Transcriber(loaded, name=str(loaded.card.get("name", path.stem)), device=device, decoding=phones)
    for option, value in (("lm", lm or None), ("hotwords", hotwords), ("beam", beam)):
        if value is not None:
            raise ConfigError(f"{path}: finds phones without a search for words; leave out {option}, which is for that")
    return PhoneRecognizer(loaded, ngram_weight=0.0 if lm is False else None, device=device)


@jit_cached
def best_path(scores, log_bigram):
    """Unit of each frame, int64 [T], of the path of highest score.

    Parameters
    ----------
    scores : float64 [T, K]; of each unit in each frame
    log_bigram : float64 [K, K]; of a unit (column) after another (row); staying costs nothing. Silence, unit 0, is
        what a path begins after and what it ends before.
    """
    num_frames, num_units = scores.shape
    came_from = np.empty((num_frames, num_units), dtype=np.int64)
    best = np.empty(num_units)
    for k in range(num_units):
        best[k] = scores[0, k] + (0.0 if k == 0 else log_bigram[0, k])
    new = np.empty(num_units)
    for t in range(1, num_frames):
        for k in range(num_units):
            value, source = best[k], k
            for j in range(num_units):
                if j != k and best[j] + log_bigram[j, k] > value:
                    value, source = best[j] + log_bigram[j, k], j
            new[k], came_from[t, k] = value + scores[t, k], source
        best[:] = new
    for k in range(1, num_units):
        best[k] += log_bigram[k, 0]
    path = np.empty(num_frames, dtype=np.int64)
    last = np.argmax(best)
    for t in range(num_frames - 1, -1, -1):
        path[t] = last
        last = came_from[t, last]
    return path
