"""Phones instead of words: the best path of a phone head, or the best one under an n-gram of phones.

Legend: T output frames, K units.
"""

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from ctc import crf_decode, greedy_decode
from speech.checkpoint import LoadedModel
from speech.errors import ConfigError
from speech.sources import Source, read_source, source_name
from speech.transcript import Transcript, Word

NGRAM_WEIGHT = 1.0
PRIOR_SCALE = 0.5
SILENT_PEAK = 1e-4  # a recording quieter than this (-80 dB) holds no speech


class PhoneRecognizer:
    """Writes down the phones of recordings.

    Parameters
    ----------
    loaded : model with a head of phones
    head : its name; a framewise head if there is one, by default
    ngram_weight : of the n-gram of the training transcripts: a bigram over the framewise posteriors with priors
        divided out, a trigram over the outputs of a CTC-CRF head, which were trained beside it; 0 for the best path
        of the outputs alone, which is all that a CTC head offers

    Raises
    ------
    ConfigError
        The model has no such head.
    """

    def __init__(self, loaded: LoadedModel, head: str | None = None, *, ngram_weight: float | None = None):
        heads = [name for name, units in loaded.units.items() if units.kind in ("phone", "stressed_phone")]
        heads.sort(key=lambda name: not loaded.heads[name].framewise)
        if not heads or (head is not None and head not in heads):
            raise ConfigError(f"the model has no phone head {head or ''}, only {', '.join(loaded.heads)}")
        self.loaded, self.head = loaded, head or heads[0]
        self.units = loaded.units[self.head]
        self.loss = loaded.heads[self.head].loss
        self.ngram_weight = NGRAM_WEIGHT if ngram_weight is None else ngram_weight

    def transcribe(
        self, recording: Source, *, sample_rate: int | None = None, channel: int | None = None
    ) -> Transcript:
        """Phones of a recording with times and confidences, as the words of a transcript; silences left out.

        Parameters
        ----------
        recording : path, `speech.sources.Clip` of a part of a file, or array [N] with its `sample_rate` in Hz
        channel : listen to this channel; the mean of all by default
        """
        rate = self.loaded.frontend.config.sample_rate_hz
        waveform = read_source(recording, sample_rate_hz=rate, array_rate_hz=sample_rate, channel=channel)
        duration_s = len(waveform) / rate
        words: tuple[Word, ...] = ()
        if np.abs(waveform).max(initial=0.0) > SILENT_PEAK:
            words = tuple(self._phones(waveform, duration_s))
        model = self.loaded.card.get("name", "")
        return Transcript(words=words, duration_s=duration_s, source=source_name(recording), model=model)

    @torch.inference_mode()
    def _phones(self, waveform: NDArray, duration_s: float) -> list[Word]:
        samples = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))[None]
        features, lengths = self.loaded.frontend(samples, torch.tensor([samples.shape[1]]))
        if not int(lengths[0]):
            return []
        logits, lengths = self.loaded.model(features, lengths)
        scores = logits[self.head].float().log_softmax(dim=-1)
        if self.ngram_weight and self.loss == "cross_entropy":
            spans = self._search(scores[0].numpy())
        else:
            if self.ngram_weight and self.loss == "ctc_crf":
                weights = self.ngram_weight * self.loaded.model.log_trigram(self.head)
                tokens = crf_decode(scores[0, : int(lengths[0])], weights)
            else:
                tokens = greedy_decode(scores, lengths)[0]
            spans = [(t.label, t.start_frame, t.end_frame, t.confidence) for t in tokens]
        step = self.loaded.frame_step_s
        return [
            Word(
                text=self.units.symbols[label],
                start_s=min(first * step, duration_s - 1e-6),
                end_s=min(end * step, duration_s),
                confidence=min(1.0, confidence),
            )
            for label, first, end, confidence in spans
            if first * step < duration_s
        ]

    def _search(self, log_posteriors: NDArray[np.float32]) -> list[tuple[int, int, int, float]]:
        """Label, first frame, end and confidence of each phone on the best path under the bigram."""
        model = self.loaded.model
        scores = log_posteriors - PRIOR_SCALE * model.log_prior(self.head).numpy()
        bigram = model.log_bigram(self.head).numpy() * self.ngram_weight
        path = best_path(scores.astype(np.float64), bigram.astype(np.float64))
        edges = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
        return [
            (int(path[first]), first, end, float(np.exp(log_posteriors[first:end, path[first]].max())))
            for first, end in zip(edges[:-1], edges[1:], strict=True)
            if path[first] != 0
        ]


@numba.njit(nogil=True, cache=True)
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
