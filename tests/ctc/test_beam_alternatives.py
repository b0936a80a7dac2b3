"""Few of the prefixes that go on alike: the best hypothesis stays, and a narrow beam finds it."""

import itertools

import numpy as np
import pytest

from ctc.beam import BeamDecoder
from tests.ctc.test_beam import PHONES, lexicon_model, random_scores

LEXICON = {"a": "AH", "be": "EY B", "bee": "B IY", "baby": "IY EY AH"}  # one way to say each: sums over ways stay
SETTINGS = {"lm_weight": 0.6, "word_bonus": 0.9, "unknown_score": -1.0}


def said(seed, peak):
    """Scores of twelve words, each phone for a frame and a blank after it, so much above the noise."""
    random = np.random.default_rng(seed)
    phones = " ".join(LEXICON[word] for word in random.choice(list(LEXICON), 12)).split()
    scores = random_scores(seed, 2 * len(phones), len(PHONES), scale=2.0)
    for number, phone in enumerate(phones):
        scores[2 * number, PHONES.index(phone)] += peak
        scores[2 * number + 1, 0] += peak
    return scores


def decode(scores, **settings):
    return BeamDecoder(PHONES, lexicon_model(), LEXICON, **SETTINGS, **settings).decode(scores, n_best=1000)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("alternatives", [1, 2])
def test_what_was_said_clearly_is_found(seed, alternatives):
    scores = said(seed, peak=9.0)
    wide = decode(scores, beam_size=3000)[0]
    narrow = decode(scores, beam_size=30, alternatives=alternatives)[0]
    assert narrow.text == wide.text
    assert narrow.score == pytest.approx(wide.score, abs=0.02)


def test_a_narrow_beam_finds_better_hypotheses_in_noise():
    all_of_them, two = 0.0, 0.0
    for seed in range(15):
        scores = said(seed, peak=4.0)
        all_of_them += decode(scores, beam_size=20)[0].score
        two += decode(scores, beam_size=20, alternatives=2)[0].score
    assert two > all_of_them


def test_no_more_than_asked_share_a_future():
    scores = random_scores(3, 30, 5, scale=1.0)
    texts = [h.text.split() for h in decode(scores, beam_size=400, alternatives=2)]
    # The model is a bigram: of all that end in the same word and token, two are left.
    for _, group in itertools.groupby(sorted(texts, key=lambda words: words[-1:]), key=lambda words: words[-1:]):
        assert len(list(group)) <= 2 * len(PHONES)
    assert len(decode(scores, beam_size=400)) > len(texts)


def test_in_pieces_as_at_once():
    scores = random_scores(5, 30, 5)
    decoder = BeamDecoder(PHONES, lexicon_model(), LEXICON, beam_size=50, alternatives=2, **SETTINGS)
    stream = decoder.stream()
    for start in range(0, 30, 7):
        stream.push(scores[start : start + 7])
    assert [h.score for h in stream.finish(5)] == [h.score for h in decoder.decode(scores, n_best=5)]


def test_none_at_all_are_refused():
    with pytest.raises(ValueError, match="alternatives must be 1 or more"):
        BeamDecoder(PHONES, lexicon_model(), LEXICON, alternatives=0)
