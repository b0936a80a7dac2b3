"""Connectionist temporal classification: loss, decoding and alignment.

Importing this package compiles nothing and needs no GPU.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ctc.align import WordSpan, forced_align, merge_tokens, word_spans
from ctc.decode import Token, greedy_decode
from ctc.labels import Infeasible, infeasible
from ctc.loss import ctc_loss, sequence_log_probs

if TYPE_CHECKING:
    from ctc.beam import BeamDecoder, BeamStream, Candidate, Hypothesis, SpokenWord
    from ctc.crf import crf_loss, smoothed_trigram
    from ctc.crf_path import crf_decode
    from ctc.ngram import NGram

__all__ = [
    "BeamDecoder",
    "BeamStream",
    "Candidate",
    "Hypothesis",
    "Infeasible",
    "NGram",
    "SpokenWord",
    "Token",
    "WordSpan",
    "crf_decode",
    "crf_loss",
    "ctc_loss",
    "forced_align",
    "greedy_decode",
    "infeasible",
    "merge_tokens",
    "sequence_log_probs",
    "smoothed_trigram",
    "word_spans",
]
#: Imported when first used: they need Numba, which takes half a second that other uses should not wait for.
_LATER = {
    "BeamDecoder": "ctc.beam",
    "BeamStream": "ctc.beam",
    "Candidate": "ctc.beam",
    "Hypothesis": "ctc.beam",
    "SpokenWord": "ctc.beam",
    "NGram": "ctc.ngram",
    "crf_decode": "ctc.crf_path",
    "crf_loss": "ctc.crf",
    "smoothed_trigram": "ctc.crf",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'ctc' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
