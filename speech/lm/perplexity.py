"""How well a model predicts a text."""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from ctc.ngram import BEGIN, END, UNKNOWN_ID, NGram
from speech.errors import CorpusError
from speech.lm.counting import Unit, check_markers, tokens_of

_ENDS = frozenset((BEGIN, END))


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """Scores of a text.

    Attributes
    ----------
    num_sentences, num_words, num_unknown : int
        Words include those outside the vocabulary; </s> is no word.
    log10_prob, log10_prob_unknown : float
        Of everything, and the part of it that falls on words outside the vocabulary.
    """

    num_sentences: int
    num_words: int
    num_unknown: int
    log10_prob: float
    log10_prob_unknown: float

    @property
    def with_unknown(self) -> float:
        """Perplexity of words and sentence ends, unknown words scored as <unk>."""
        return _power(-self.log10_prob / (self.num_words + self.num_sentences))

    @property
    def without_unknown(self) -> float:
        """Perplexity of words and sentence ends, unknown words left out."""
        known = self.num_words + self.num_sentences - self.num_unknown
        return _power(-(self.log10_prob - self.log10_prob_unknown) / known)


def _power(log10: float) -> float:
    """Number of this logarithm, infinity if it is too large for a float."""
    return 10.0**log10 if log10 < sys.float_info.max_10_exp else math.inf


def perplexity(model: NGram, lines: Iterable[str], unit: Unit = "word") -> Perplexity:
    """Score a text, one sentence a line; empty lines are left out.

    Raises
    ------
    CorpusError
        No words, or <s> or </s> as one, which are scored at each end by themselves.
    """
    sentences, words, unknown, total, unknown_total = 0, 0, 0, 0.0, 0.0
    for number, line in enumerate(lines, 1):
        tokens = tokens_of(line, unit)
        check_markers(tokens, _ENDS, number)
        if not tokens:
            continue
        scores = model.word_scores(tokens)
        outside = model.encode(tokens) == UNKNOWN_ID
        sentences += 1
        words += len(tokens)
        unknown += int(outside.sum())
        total += float(scores.sum())
        unknown_total += float(scores[:-1][outside].sum())
    if not sentences:
        raise CorpusError("the text holds no words to score")
    return Perplexity(
        num_sentences=sentences,
        num_words=words,
        num_unknown=unknown,
        log10_prob=total,
        log10_prob_unknown=unknown_total,
    )
