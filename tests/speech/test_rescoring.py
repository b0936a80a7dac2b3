"""Words of other hypotheses in the place of the best one's."""

from dataclasses import replace

import numpy as np
import pytest

from ctc.beam import BeamDecoder
from speech.decoding import DecodingConfig, build_decoding
from speech.lexicon import Lexicon
from speech.lm import EstimationConfig, estimate
from speech.phone_consensus import PhoneConsensus
from speech.pronunciations import DecodingLexicon
from speech.rescoring import total_scores, with_recombined
from speech.units import build_units
from tests.speech.test_decoding import heard, phone_model, phone_scores, text_of, tone_model

SENTENCES = ["the cat sat on the mat", "the dog sat on the cat", "a cat and a dog", "the mat and the dog"] * 3
PHONES = build_units("phone")


@pytest.fixture(scope="module")
def lm():
    return estimate(SENTENCES, EstimationConfig(order=2, discount_fallback=True))


@pytest.fixture(scope="module")
def decoding(lm):
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    return build_decoding(
        phone_model(framewise=False),
        DecodingConfig(head="phone", alternatives=0, beam_threshold=40.0),
        lm,
        lexicon=lexicon,
    )


class Taste:
    """An opinion on words alone, which counts what it is asked."""

    def __init__(self, **words: float):
        self.words, self.asked = words, 0

    def for_utterance(self) -> "Taste":
        return self

    def gains(self, hypotheses, _) -> np.ndarray:
        self.asked += len(hypotheses)
        return np.array([sum(self.words.get(word, 0.0) for word in one.text.split()) for one in hypotheses])


def found(decoding, opinions, texts=None, spoken="DH AH K AE T S AE T AA N DH AH M AE T", most=10):
    """Candidates of a segment in which K and M sound alike, some of them or all, and what recombining makes of them."""
    stream = decoding.decoder.stream()
    scores = phone_scores(spoken, PHONES, framewise=False)
    unlike, like = (scores[:, PHONES.ids[phone]] for phone in "KM")
    alike = np.maximum(unlike, like)
    scores[:, PHONES.ids["K"]], scores[:, PHONES.ids["M"]] = (
        alike - 0.1 * (like > unlike),
        alike - 0.1 * (unlike > like),
    )
    stream.push(scores)
    candidates = stream.candidates(1000)
    if texts is not None:
        candidates = [one for one in candidates if one.text in texts]
        assert len(candidates) == len(texts)
    totals = total_scores(candidates, opinions, np.zeros((0, 0)))
    return candidates, totals, with_recombined(candidates, totals, [stream], opinions, np.zeros((0, 0)), most)


def test_words_from_two_hypotheses_are_joined(decoding):
    class Wish(Taste):
        """Likes what either of two hypotheses has instead of the best one's words."""

        def gains(self, hypotheses, _):
            return np.array(
                [9.0 * one.text.startswith("the mat") + 9.0 * one.text.endswith("cat") for one in hypotheses]
            )

    texts = ["the cat sat on the mat", "the mat sat on the mat", "the cat sat on the cat"]
    candidates, totals, (more, new) = found(decoding, [Wish()], texts)
    assert more[:-1] == candidates
    assert more[-1].text == "the mat sat on the cat"
    assert new.tolist()[:-1] == totals.tolist()
    assert new[-1] > totals.max()


def test_nothing_changes_where_nothing_helps(decoding):
    candidates, totals, (more, new) = found(decoding, [], most=200)
    assert (more, new.tolist()) == (candidates, totals.tolist())
    candidates, totals, (more, new) = found(decoding, [], most=1)
    assert (more, new.tolist()) == (candidates, totals.tolist())


def test_few_are_asked(decoding):
    taste = Taste()
    candidates, _, _ = found(decoding, [taste], most=30)
    assert taste.asked <= len(candidates) + 1 + 16 + 1


def test_the_whole_search_takes_it(decoding, lm):
    scores = phone_scores("DH AH K AE T S AE T AA N DH AH M AE T", PHONES, framewise=False)
    recombining = replace(decoding, config=replace(decoding.config, recombined=20), opinions=(Taste(),))
    assert text_of(recombining, scores) == text_of(decoding, scores) == "the cat sat on the mat"
    phones = PhoneConsensus(recombining, PHONES.symbols)
    assert " ".join(word.text for word in phones.best(scores)).startswith("DH AH K AE T")
    silence = np.log(np.full((3, len(PHONES)), 1e-3, np.float32))
    silence[:, 0] = 0.0
    assert list(recombining.best(silence)) == []


def test_searches_of_characters_with_hot_words_are_left_alone(lm):
    plain = build_decoding(tone_model(), DecodingConfig(recombined=0), lm, hotwords=["cat"])
    recombining = replace(plain, config=replace(plain.config, recombined=20))
    scores = heard("the cot sat", strength=3.0)
    assert recombining.hypothesis(scores) == plain.hypothesis(scores)


class Wish:
    """An opinion on one text."""

    def __init__(self, text: str, nats: float):
        self.text, self.nats = text, nats

    def for_utterance(self) -> "Wish":
        return self

    def gains(self, hypotheses, _) -> np.ndarray:
        return np.array([self.nats * (one.text == self.text) for one in hypotheses])


@pytest.mark.parametrize(("nats", "chosen"), [(6.0, False), (30.0, True)])
def test_what_mixtures_of_letters_lack_counts(nats, chosen):
    """Between the words there are two boundaries, where mixtures have one."""
    lm = estimate(["a b a", "e b e", "a b e"] * 3, EstimationConfig(order=2, discount_fallback=True))
    stream = BeamDecoder(["<blank>", " ", "a", "b", "e"], lm, beam_size=100, beam_threshold=60.0).stream()
    scores = np.zeros((9, 5))
    for frame, unit in enumerate([2, 1, 0, 1, 3, 1, 0, 1, 2]):
        scores[frame, unit] = 9.0
    scores[[0, 8], 4] = 8.0
    stream.push(scores)
    candidates = [one for one in stream.candidates(200) if one.text in ("a b a", "e b e")]
    opinions = [Wish("e b a", nats)]
    totals = total_scores(candidates, opinions, np.zeros((0, 0)))
    best = totals.max()
    made, totals = with_recombined(candidates, totals, [stream], opinions, np.zeros((0, 0)), 10)
    assert (len(made) == 3) == chosen
    if chosen:
        own = float(stream.heard([made[-1].labels])[0]) - made[-1].acoustic_score
        assert own == pytest.approx(0.0, abs=1e-9)
        assert best < totals[-1] <= made[-1].score + nats + 1e-9
