"""Estimation against the formulas worked out with dictionaries."""

import os

import numpy as np
import pytest

from ctc.ngram import score_word
from speech.errors import ConfigError, CorpusError
from speech.lm import EstimationConfig, estimate, load, read_arpa, save, write_arpa
from speech.lm.counting import SPACE
from tests.speech.lm import naive


def random_text(seed, num_sentences=120, num_words=14):
    """Sentences whose words follow Zipf's law and one another."""
    random = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, num_words + 1)
    follow = random.dirichlet(weights, size=num_words)
    sentences = []
    for _ in range(num_sentences):
        words = [int(random.integers(num_words))]
        while random.random() < 0.8 and len(words) < 12:
            words.append(int(random.choice(num_words, p=follow[words[-1]])))
        sentences.append([f"w{word}" for word in words])
    return sentences


CASES = [(1, (0,)), (2, (0,)), (3, (0,)), (4, (0, 0, 1)), (3, (2, 2, 3)), (6, (0, 1, 1, 1, 2))]


@pytest.mark.parametrize(("order", "prune"), CASES)
@pytest.mark.parametrize("memory_rows", [1 << 20, 1024])
def test_probabilities_are_those_of_the_formulas(order, prune, memory_rows, monkeypatch):
    monkeypatch.setattr("speech.lm.kneser_ney._BYTES_PER_ROW", (1 << 20) // memory_rows)
    sentences = random_text(order, num_sentences=400)
    config = EstimationConfig(order=order, prune=prune, discount_fallback=True, memory_mib=1)
    model = estimate((" ".join(words) for words in sentences), config)
    probs, gammas, vocabulary = naive.estimate(sentences, order, config.thresholds)
    assert set(model.vocabulary) == {*vocabulary, "<s>"}
    sizes = [sum(len(g) == n for g in probs) for n in range(1, order + 1)]
    assert list(model.level_sizes) == [sizes[0] + 1, *sizes[1:]]  # and <s>
    for words in sentences[:30] + [["w1", "oov", "w1"]]:
        known = [word if word in vocabulary else "<unk>" for word in words]
        history = ["<s>"]
        expected = []
        for word in [*known, "</s>"]:
            context = tuple(history[-(order - 1) :]) if order > 1 else ()
            expected.append(naive.query(probs, gammas, context, word))
            history.append(word)
        np.testing.assert_allclose(model.word_scores(words), expected, atol=2e-6)


@pytest.mark.parametrize(("order", "prune"), CASES)
def test_each_context_sums_to_one(order, prune):
    sentences = random_text(7)
    config = EstimationConfig(order=order, prune=prune, discount_fallback=True)
    model = estimate((" ".join(words) for words in sentences), config)
    num_inner = len(model.arrays.links)
    for state in range(0 if order == 1 else num_inner):
        total = sum(
            10.0 ** score_word(model.arrays, state, np.uint32(word))[0]
            for word in range(len(model.vocabulary))
            if word != 1
        )
        assert total == pytest.approx(1.0, abs=2e-6)


def test_a_discount_of_zero_gives_weights_that_files_hold(tmp_path):
    # 2, 2, 4 and 2 bigrams with counts of 1 to 4: y is 1/3, and D of 2 is 2 - 3 * 1/3 * 4 / 2
    sentences = [word for word, count in zip("abcde", (1, 2, 3, 3, 4), strict=True) for _ in range(count)]
    model = estimate(sentences, EstimationConfig(order=2, discount_fallback=True))
    assert np.isfinite(model.arrays.backoffs).all()
    for name, write, read in (("m.arpa", write_arpa, read_arpa), ("m.lm", save, load)):
        write(tmp_path / name, model)
        assert read(tmp_path / name).score(["b", "a"]) == pytest.approx(model.score(["b", "a"]))
    assert model.score(["b", "a"]) < -99


def test_max_words_keeps_the_most_frequent():
    sentences = [["a"] * 5 + ["b"] * 3 + ["c"]] * 4 + [["d", "b", "a"]] * 3
    config = EstimationConfig(order=2, max_words=2, discount_fallback=True)
    model = estimate((" ".join(words) for words in sentences), config)
    assert model.vocabulary == ("<unk>", "<s>", "</s>", "a", "b")


def test_characters():
    config = EstimationConfig(order=3, unit="character", discount_fallback=True)
    model = estimate(["ab ba", "  abba  "], config)
    assert set(model.vocabulary) == {"<unk>", "<s>", "</s>", "a", "b", "<space>"}


@pytest.mark.parametrize("settings", [{}, {"prune": (1,)}, {"max_words": 1}])
def test_models_of_characters_have_the_space_though_the_text_has_none(settings):
    model = estimate(["今日は", "明日は雨"], EstimationConfig(order=2, unit="character", **settings))
    assert SPACE in model.ids
    scores = [score_word(model.arrays, 0, np.uint32(word))[0] for word in range(len(model.vocabulary)) if word != 1]
    assert sum(10.0**score for score in scores) == pytest.approx(1.0, abs=1e-6)


def test_characters_need_no_wish_for_fixed_discounts(caplog):
    lines = ["the cat sat on the mat", "a dog and a cat", "the dog sat, too"]
    model = estimate(lines, EstimationConfig(order=2, unit="character"))
    told = [record.getMessage() for record in caplog.records]
    assert told == ["the counts of characters allow no estimate of the discounts of order 2; 0.5, 1 and 1.5 are taken"]
    caplog.clear()
    wished = estimate(lines, EstimationConfig(order=2, unit="character", discount_fallback=True))
    assert not caplog.records
    np.testing.assert_array_equal(model.arrays.log_probs, wished.arrays.log_probs)
    with pytest.raises(CorpusError, match="discounts of order 1 .*--discount-fallback"):
        estimate(lines, EstimationConfig(order=2))


@pytest.mark.parametrize("marker", ["<s>", "</s>", "<unk>", "<UNK>"])
def test_markers_in_the_text_are_refused(marker):
    with pytest.raises(CorpusError, match=f"line 3 of the text holds {marker} as a word"):
        estimate(["a b", "", f"a {marker} b", "a"], EstimationConfig(order=2))


def test_words_like_markers_are_read_back(tmp_path):
    config = EstimationConfig(order=2, discount_fallback=True)
    model = estimate(["a <S> <Unk> </S> \\data\\ \\end\\ \\2-grams: # ngram 1=5 -1"], config)
    write_arpa(tmp_path / "m.arpa", model)
    assert read_arpa(tmp_path / "m.arpa").vocabulary == model.vocabulary


def test_too_little_text():
    with pytest.raises(CorpusError, match="too small"):
        estimate(["a b"], EstimationConfig(order=2))
    with pytest.raises(CorpusError, match="no words"):
        estimate([" ", ""], EstimationConfig(order=2))


@pytest.mark.parametrize("change", [{"order": 7}, {"prune": (1, 0)}, {"prune": ()}, {"unit": "phone"}])
def test_bad_settings(change):
    with pytest.raises(ConfigError):
        EstimationConfig(**change)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="full disks are noticed late here")
@pytest.mark.parametrize("call", ["os.posix_fallocate", "numpy.memmap"])
def test_a_full_disk_is_told_in_a_sentence(tmp_path, monkeypatch, call):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("speech.lm.kneser_ney._BYTES_PER_ROW", 1024)
    monkeypatch.setattr(call, full)
    lines = (" ".join(words) for words in random_text(3, num_sentences=400))
    config = EstimationConfig(discount_fallback=True, memory_mib=1)
    with pytest.raises(ConfigError, match="temporary files cannot be written.*No space left.*TMPDIR"):
        estimate(lines, config, folder=tmp_path)
    assert not list(tmp_path.iterdir())
