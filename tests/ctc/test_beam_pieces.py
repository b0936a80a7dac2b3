"""Hypotheses taken apart into words and put together have the scores that the search gave them."""

import numpy as np
import pytest

from ctc.beam import BeamDecoder
from ctc.beam_pieces import can_be_parted, labels_of, pieces_of, put_together
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
        made = put_together(stream.search, pieces_of(stream.search, one), one.acoustic_score)
        assert (made.text, made.labels, made.ends) == (one.text, one.labels, one.ends)
        assert made.lm_score == pytest.approx(one.lm_score, abs=1e-9)
        assert made.bonus == pytest.approx(one.bonus, abs=1e-9)
        weighed = stream.search.options.lm_weight * made.lm_score
        assert made.score == pytest.approx(made.acoustic_score + weighed + made.bonus)


def mixed(stream, first, others):
    """The first word of one hypothesis and the further ones of another."""
    own = pieces_of(stream.search, first)
    other = next(found for one in others if len(found := pieces_of(stream.search, one)) == len(own))
    pieces = (*own[:1], *other[1:])
    return put_together(stream.search, pieces, float(stream.heard([labels_of(stream.search, pieces)])[0]))


def spelt(**settings):
    """A search of letters with a model of words, of which it knows some."""
    decoder = BeamDecoder(
        ["<blank>", " ", "a", "b", "e"],
        lexicon_model(),
        beam_size=200,
        word_bonus=0.5,
        lm_weight=0.8,
        unknown_score=-1.5,
        **settings,
    )
    stream = decoder.stream()
    stream.push(3.0 * np.random.default_rng(0).standard_normal((14, 5)))
    return stream


def test_letters_have_the_scores_of_the_search():
    stream = spelt()
    candidates = [one for one in stream.candidates(60) if one.text]
    assert {"a", "be", "aba"} <= {word for one in candidates for word in one.text.split()}  # the last one is unknown
    for one in candidates:
        made = put_together(stream.search, pieces_of(stream.search, one), one.acoustic_score)
        assert made.text == one.text == stream.search.join_tokens(made.labels)
        assert made.lm_score == pytest.approx(one.lm_score, abs=1e-9)
        assert made.bonus == pytest.approx(one.bonus, abs=1e-9)


def test_a_mixture_of_letters_is_timed_like_any_other():
    stream = spelt()
    candidates = [one for one in stream.candidates(60) if " " in one.text]
    made = mixed(stream, candidates[0], candidates[1:])
    assert stream.heard([made.labels])[0] == pytest.approx(made.acoustic_score)
    assert [word.text for word in stream.timed(made).words] == made.text.split()


def test_a_mixture_is_timed_like_any_other():
    stream = searched(said(2, peak=4.0), beam_size=200)
    first, *others = stream.candidates(20)
    made = mixed(stream, first, others)
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
    assert can_be_parted(spelt().search)
    assert not can_be_parted(spelt(hotwords=["ab"]).search)
    assert not can_be_parted(BeamDecoder(PHONES).search)
    assert not can_be_parted(BeamDecoder(PHONES, lexicon_model(), LEXICON, framewise=True, **SETTINGS).search)
