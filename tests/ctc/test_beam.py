"""Beam search against listing every path, with and without models, lexicons and hot-words."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest

from ctc.beam import BeamDecoder
from ctc.ngram import Level, NGram, unigrams

LN10 = math.log(10.0)
LETTERS = ["<blank>", " ", "a", "b"]


def random_scores(seed, num_frames, num_units, scale=2.0):
    return scale * np.random.default_rng(seed).standard_normal((num_frames, num_units))


def log_softmax(scores):
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def labelings(scores, blank=0):
    """Log probability of every labeling, summed over its paths."""
    log_probs = log_softmax(scores)
    sums = defaultdict(float)
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        labels = tuple(unit for unit, _ in itertools.groupby(path) if unit != blank)
        sums[labels] += math.exp(sum(log_probs[t, unit] for t, unit in enumerate(path)))
    return {labels: math.log(total) for labels, total in sums.items()}


def word_model():
    """A bigram model of three words; "ba" is unknown."""
    words = ("<unk>", "<s>", "</s>", "a", "ab", "b")
    single = unigrams([-2.0, -99.0, -0.7, -0.6, -1.1, -0.9], [0.0, -0.2, 0.0, -0.3, -0.1, -0.4])
    pairs = np.array([[1, 3], [1, 5], [3, 2], [3, 4], [5, 3]], np.uint32)
    return NGram.from_levels(words, [single, Level(pairs, np.array([-0.3, -0.8, -0.4, -0.5, -0.2]), np.zeros(5))])


def check_all(hypotheses, expected):
    """The list of hypotheses holds what is expected, best first: {labels: (total, acoustic, lm, bonus)}."""
    found = {tuple(token.label for token in h.tokens): h for h in hypotheses}
    assert len(found) == len(hypotheses)
    assert set(found) == set(expected)
    for labels, parts in expected.items():
        h = found[labels]
        np.testing.assert_allclose((h.score, h.acoustic_score, h.lm_score, h.bonus), parts, atol=1e-9)
    scores = [h.score for h in hypotheses]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("num_frames", [1, 2, 4, 5])
def test_equals_listing(num_frames, blank):
    scores = random_scores(num_frames, num_frames, 3)
    tokens = ["x", "y", "z"]
    hypotheses = BeamDecoder(tokens, beam_size=500, beam_threshold=math.inf, blank=blank).decode(scores, n_best=500)
    check_all(hypotheses, {k: (v, v, 0.0, 0.0) for k, v in labelings(scores, blank).items()})


def spoken(labels):
    """Words of letter labels."""
    return "".join(LETTERS[label] for label in labels).split()


def best_of_words(expected):
    """Of the ways to write the same words, with more boundaries or fewer, the likeliest."""
    best = {}
    for labels, parts in sorted(expected.items(), key=lambda one: one[1][0]):
        best[tuple(spoken(labels))] = labels, parts
    return dict(best.values())


@pytest.mark.parametrize("look_ahead", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_word_model_equals_listing(seed, look_ahead):
    scores, model = random_scores(seed, 4, 4), word_model()
    decoder = BeamDecoder(
        LETTERS,
        model,
        beam_size=500,
        beam_threshold=math.inf,
        lm_weight=0.7,
        word_bonus=1.3,
        unknown_score=-1.0,
        look_ahead=look_ahead,
    )
    expected = {}
    for labels, acoustic in labelings(scores).items():
        words = spoken(labels)
        lm_score = model.score(words) - sum(word not in model.ids for word in words)
        bonus = 1.3 * len(words)
        expected[labels] = acoustic + 0.7 * LN10 * lm_score + bonus, acoustic, lm_score, bonus
    check_all(decoder.decode(scores, n_best=500), best_of_words(expected))


def test_token_model_equals_listing():
    scores = random_scores(3, 4, 4)
    model = NGram.from_levels(("<unk>", "<s>", "</s>", "a", "<space>", "b"), word_model_levels())
    decoder = BeamDecoder(
        LETTERS, model, beam_size=500, beam_threshold=math.inf, lm_weight=0.7, word_bonus=-0.4, lm_unit="token"
    )
    expected = {}
    for labels, acoustic in labelings(scores).items():
        lm_score = model.score(["<space>" if LETTERS[label] == " " else LETTERS[label] for label in labels])
        bonus = -0.4 * len(labels)
        expected[labels] = acoustic + 0.7 * LN10 * lm_score + bonus, acoustic, lm_score, bonus
    check_all(decoder.decode(scores, n_best=500), best_of_words(expected))


def word_model_levels():
    return word_model().levels()


@pytest.mark.parametrize("model", [None, word_model()])
def test_hot_words_count_whole_words_only(model):
    scores = random_scores(5, 5, 4)
    boosts = {"ab": 3.0, "a b": 2.0, "b": 1.0, "ab a": -1.0}
    decoder = BeamDecoder(
        LETTERS, model, beam_size=2000, beam_threshold=math.inf, hotwords=boosts, lm_weight=1.0, unknown_score=0.0
    )
    expected = {}
    for labels, acoustic in labelings(scores).items():
        # Boundaries as said: two in a row part a phrase.
        text = " " + "".join(LETTERS[label] for label in labels)
        text = text if text.endswith(" ") else text + " "
        bonus = sum(
            boost for phrase, boost in boosts.items() for k in range(len(text)) if text[k:].startswith(f" {phrase} ")
        )
        lm_score = model.score(spoken(labels)) if model else 0.0
        expected[labels] = acoustic + LN10 * lm_score + bonus, acoustic, lm_score, bonus
    check_all(decoder.decode(scores, n_best=2000), best_of_words(expected))


@pytest.mark.parametrize("n_best", [1, 2, 5])
def test_the_best_texts_differ(n_best):
    """However few are asked for, no text takes the place of another."""
    tokens = ["<blank>", "▁a", "▁", "a", "b", "ab"]
    scores = random_scores(8, 4, len(tokens))
    best = {}
    for labels, score in sorted(labelings(scores).items(), key=lambda one: one[1]):
        best[" ".join("".join(tokens[label] for label in labels).replace("▁", " ").split())] = score
    hypotheses = BeamDecoder(tokens, beam_size=2000, beam_threshold=math.inf).decode(scores, n_best=n_best)
    expected = sorted(best.items(), key=lambda one: -one[1])[:n_best]
    assert [h.text for h in hypotheses] == [text for text, _ in expected]
    np.testing.assert_allclose([h.score for h in hypotheses], [score for _, score in expected], atol=1e-9)


def test_tokens_that_are_no_words_may_read_alike():
    scores = random_scores(9, 3, 4)
    hypotheses = BeamDecoder(["<blank>", "T", "H", "TH"], beam_size=100, beam_threshold=math.inf).decode(
        scores, n_best=100
    )
    assert {tuple(t.label for t in h.tokens) for h in hypotheses} == set(labelings(scores))


LEXICON = {"a": ["AH", "EY"], "ah": ["AH"], "be": ["B IY", "B"], "bee": ["B IY"], "baby": {"B EY B IY": 0.5}}
PHONES = ["<blank>", "AH", "EY", "B", "IY"]


def word_sequences(max_phones):
    """Every sequence of pronounced words: (words, phones, log probability of the pronunciations)."""
    entries = []
    for word, pronunciations in LEXICON.items():
        probs = pronunciations if isinstance(pronunciations, dict) else dict.fromkeys(pronunciations, 1.0)
        entries += [(word, tuple(PHONES.index(p) for p in spelt.split()), math.log(x)) for spelt, x in probs.items()]
    waiting = [((), (), 0.0)]
    while waiting:
        words, phones, cost = waiting.pop()
        yield words, phones, cost
        waiting += [
            ((*words, word), phones + spelt, cost + more)
            for word, spelt, more in entries
            if len(phones) + len(spelt) <= max_phones
        ]


def lexicon_model():
    words = ("<unk>", "<s>", "</s>", "a", "be", "bee", "baby")
    single = unigrams([-2.0, -99.0, -0.7, -0.6, -1.1, -0.9, -1.5], [0.0, -0.2, 0.0, -0.3, -0.1, -0.4, 0.0])
    pairs = np.array([[1, 3], [1, 5], [3, 2], [3, 4], [5, 3]], np.uint32)
    return NGram.from_levels(words, [single, Level(pairs, np.array([-0.3, -0.8, -0.4, -0.5, -0.2]), np.zeros(5))])


@pytest.mark.parametrize("look_ahead", [False, True])
@pytest.mark.parametrize("model", [None, lexicon_model()])
def test_lexicon_equals_listing(model, look_ahead):
    scores = random_scores(11, 4, 5)
    decoder = BeamDecoder(
        PHONES,
        model,
        LEXICON,
        beam_size=3000,
        beam_threshold=math.inf,
        lm_weight=0.6,
        word_bonus=0.9,
        unknown_score=-1.0,
        look_ahead=look_ahead,
        hotwords={"be a": 1.5, "bee": 0.5},
    )
    paths = labelings(scores)
    totals = defaultdict(list)
    for words, phones, cost in word_sequences(4):
        if phones in paths:
            lm_score = model.score(words) - sum(word not in model.ids for word in words) if model else 0.0
            hot = 0.5 * words.count("bee") + 1.5 * sum(pair == ("be", "a") for pair in itertools.pairwise(words))
            totals[words].append(paths[phones] + 0.6 * LN10 * lm_score + 0.9 * len(words) + cost + hot)
    hypotheses = decoder.decode(scores, n_best=3000)
    found = {tuple(word.text for word in h.words): h.score for h in hypotheses}
    assert set(found) == set(totals)
    for words, parts in totals.items():
        assert found[words] == pytest.approx(np.logaddexp.reduce(parts), abs=1e-9)


def test_framewise_with_silence_equals_listing():
    scores, prior = random_scores(12, 4, 5), np.log([0.4, 0.2, 0.2, 0.1, 0.1])
    model = lexicon_model()
    decoder = BeamDecoder(
        ["sil", *PHONES[1:]],
        model,
        LEXICON,
        beam_size=3000,
        beam_threshold=math.inf,
        lm_weight=0.6,
        unknown_score=-1.0,
        framewise=True,
        silence="sil",
        log_prior=prior,
    )
    emitted = log_softmax(scores) - prior
    best = {}
    for words, path in aligned_sequences(4):
        lm_score = model.score(words) - sum(word not in model.ids for word in words)
        cost = math.log(0.5) * words.count("baby")
        value = sum(emitted[t, unit] for t, unit in enumerate(path)) + 0.6 * LN10 * lm_score + cost
        best[words] = max(best.get(words, -math.inf), value)
    hypotheses = decoder.decode(scores, n_best=3000)
    found = {tuple(word.text for word in h.words): h.score for h in hypotheses}
    assert set(found) == set(best)
    for words, value in best.items():
        assert found[words] == pytest.approx(value, abs=1e-9)


def aligned_sequences(num_frames):
    """Every way to say words, each phone for one frame or more, with silence between words or none."""
    for words, phones, _ in word_sequences(num_frames):
        for pronounced in {
            words_phones for words_phones in pronunciations_of(words) if sum(map(len, words_phones)) == len(phones)
        }:
            for pauses in itertools.product(range(num_frames + 1), repeat=len(words) + 1):
                rest = num_frames - sum(pauses)
                if rest < len(phones) or (not phones and rest):
                    continue
                for lengths in itertools.product(range(1, num_frames + 1), repeat=len(phones)):
                    if sum(lengths) != rest:
                        continue
                    path, at = [0] * pauses[0], 0
                    for spelt, pause in zip(pronounced, pauses[1:], strict=True):
                        for phone in spelt:
                            path += [phone] * lengths[at]
                            at += 1
                        path += [0] * pause
                    yield words, path


def pronunciations_of(words):
    options = [[tuple(PHONES.index(p) for p in spelt.split()) for spelt in LEXICON[word]] for word in words]
    return itertools.product(*options)


def test_lexicon_of_letters_parts_words_by_the_boundary():
    scores = random_scores(13, 5, 4)
    decoder = BeamDecoder(LETTERS, None, {"ab": "ab", "b": "b"}, beam_size=2000, beam_threshold=math.inf)
    totals = defaultdict(list)
    for labels, acoustic in labelings(scores).items():
        if all(word in ("ab", "b") for word in spoken(labels)):
            totals[tuple(spoken(labels))].append(acoustic)
    found = {tuple(word.text for word in h.words): h.score for h in decoder.decode(scores, n_best=2000)}
    assert set(found) == set(totals)
    for words, parts in totals.items():
        assert found[words] == pytest.approx(np.logaddexp.reduce(parts), abs=1e-9)
