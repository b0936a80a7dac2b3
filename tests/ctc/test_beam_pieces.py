"""Hypotheses taken apart into words and put together have the scores that the search gave them."""

import pytest

from ctc.beam import BeamDecoder
from ctc.beam_pieces import can_be_parted, pieces_of, put_together
from tests.ctc.test_beam import PHONES, lexicon_model
from tests.ctc.test_beam_alternatives import LEXICON, SETTINGS, said

#: pronunciations that cost something, beside those that do not
WEIGHED = {word: dict.fromkeys([entry] if isinstance(entry, str) else entry, 0.5) for word, entry in LEXICON.items()}


def searched(scores, **settings):
    stream = BeamDecoder(PHONES, lexicon_model(), **{"lexicon": LEXICON, **SETTINGS, **settings}).stream()
    stream.push(scores)
    return stream


@pytest.mark.parametrize("settings", [
    {},
    {"lexicon": WEIGHED},
    {"unknown_score": -3.0},
    {"hotwords": {word: 1.5 + n for n, word in enumerate(list(LEXICON)[:3])}},
    {"hotwords": {" ".join(list(LEXICON)[:2]): 2.0, " ".join(list(LEXICON)[1:3]): 1.0}},
])  # fmt: skip
def test_scores_are_those_of_the_search(settings):
    stream = searched(said(1, peak=3.0), beam_size=200, **settings)
    candidates = stream.candidates(40)
    assert len(candidates) > 10
    for one in candidates:
        made = put_together(stream.search, pieces_of(one), one.acoustic_score)
        assert (made.text, made.labels, made.ends) == (one.text, one.labels, one.ends)
        assert made.lm_score == pytest.approx(one.lm_score, abs=1e-9)
        assert made.bonus == pytest.approx(one.bonus, abs=1e-9)
        weighed = stream.search.options.lm_weight * made.lm_score
        assert made.score == pytest.approx(made.acoustic_score + weighed + made.bonus)


def test_a_mixture_is_timed_like_any_other():
    stream = searched(said(2, peak=4.0), beam_size=200)
    first, *others = stream.candidates(20)
    other = next(one for one in others if len(pieces_of(one)) == len(pieces_of(first)))
    pieces = (*pieces_of(first)[:1], *pieces_of(other)[1:])
    labels = [label for piece in pieces for label in piece.labels]
    made = put_together(stream.search, pieces, float(stream.heard([labels])[0]))
    timed = stream.timed(made)
    assert [word.text for word in timed.words] == made.text.split()
    assert all(token.start_frame < token.end_frame for token in timed.tokens)


def test_no_words_at_all():
    stream = searched(said(2, peak=4.0))
    made = put_together(stream.search, (), -3.0)
    assert (made.text, made.labels, made.bonus) == ("", (), 0.0)
    assert made.score == pytest.approx(-3.0 + stream.search.options.lm_weight * made.lm_score)


def test_only_words_side_by_side_can_be_parted():
    assert can_be_parted(searched(said(0, peak=4.0)).search)
    assert not can_be_parted(BeamDecoder(PHONES).search)
    assert not can_be_parted(BeamDecoder(PHONES, lexicon_model(), LEXICON, framewise=True, **SETTINGS).search)
