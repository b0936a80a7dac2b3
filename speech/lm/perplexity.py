"""How well a model predicts a text."""

from collections.abc import Iterable
from dataclasses import dataclass

from ctc.ngram import UNKNOWN_ID, NGram
from speech.errors import CorpusError
from speech.lm.counting import Unit, tokens_of


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
        return 10.0 ** (-self.log10_prob / (self.num_words + self.num_sentences))

    @property
    def without_unknown(self) -> float:
        """Perplexity of words and sentence ends, unknown words left out."""
        known = self.num_words + self.num_sentences - self.num_unknown
        return 10.0 ** (-(self.log10_prob - self.log10_prob_unknown) / known)


def perplexity(model: NGram, lines: Iterable[str], unit: Unit = "word") -> Perplexity:
    """Score a text, one sentence a line; empty lines are left out.

    Raises
    ------
    CorpusError
        No words.
    """
    sentences, words, unknown, total, unknown_total = 0, 0, 0, 0.0, 0.0
    for line in lines:
        tokens = tokens_of(line, unit)
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
        raise CorpusError("the text holds no words to score.")
    return Perplexity(
        num_sentences=sentences,
        num_words=words,
        num_unknown=unknown,
        log10_prob=total,
        log10_prob_unknown=unknown_total,
    )
