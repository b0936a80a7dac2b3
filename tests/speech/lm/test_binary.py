"""Binary files: exact or quantised, and refused when cut, changed or of another version."""

import numpy as np
import pytest

from ctc import ngram
from ctc.ngram import NGram, fill_links
from speech.errors import CheckpointError
from speech.lm import EstimationConfig, binary, estimate, load, perplexity, save
from speech.lm.binary import quantise_values
from tests.speech.lm.test_kneser_ney import random_text

SENTENCES = [" ".join(words) for words in random_text(3, num_sentences=300)]


@pytest.fixture(scope="module")
def model():
    return estimate(SENTENCES, EstimationConfig(order=4, discount_fallback=True))


def test_plain_is_exact(model, tmp_path):
    save(tmp_path / "lm", model)
    again = load(tmp_path / "lm")
    assert again.vocabulary == model.vocabulary
    for ours, theirs in zip(again.arrays, model.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("linked", [True, False])
def test_links_are_read_or_filled_in(model, tmp_path, monkeypatch, linked):
    with monkeypatch.context() as patch:
        if not linked:
            patch.setattr(binary, "_LINKED", 0)  # as files were before they held links
        save(tmp_path / "lm", model)
    filled = []
    monkeypatch.setattr(ngram, "fill_links", lambda *arrays: (filled.append(1), fill_links(*arrays)))
    again = load(tmp_path / "lm")
    assert len(filled) == (not linked)
    np.testing.assert_array_equal(again.arrays.links, model.arrays.links)
    assert model.arrays.links.max() > len(model.vocabulary)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_every_order(tmp_path, order):
    model = estimate(SENTENCES, EstimationConfig(order=order, discount_fallback=True))
    save(tmp_path / "lm", model)
    for ours, theirs in zip(load(tmp_path / "lm").arrays, model.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_quantised_is_small_and_near(model, tmp_path):
    save(tmp_path / "lm", model)
    save(tmp_path / "small", model, quantise=True)
    again = load(tmp_path / "small")
    assert (tmp_path / "small").stat().st_size < 0.6 * (tmp_path / "lm").stat().st_size + 5 * 1024  # tables
    ours, theirs = (perplexity(m, SENTENCES).with_unknown for m in (again, model))
    assert ours == pytest.approx(theirs, rel=0.01)


def test_quantised_values():
    values = np.append(np.random.default_rng(0).normal(-2, 1, 5000), [0.0, 0.0, -100.0]).astype(np.float32)
    table, codes = quantise_values(values)
    assert table.shape == (256,)
    assert (table[codes[values == 0.0]] == 0.0).all()
    assert np.abs(table[codes] - values)[:5000].mean() < 0.02


def test_damage_is_refused(model, tmp_path):
    path = tmp_path / "lm"
    save(path, model)
    good = path.read_bytes()
    version = bytearray(good)
    version[8] = 9
    other = bytearray(good)
    other[-9] ^= 1
    header = bytearray(good)
    header[40] ^= 1
    cases = [
        (good[:-8], "bytes; get a complete copy"),
        (good[:50], "is not a language model"),
        (bytes(version), "has version 9, this program reads version 1"),
        (bytes(other), "checksums differ"),
        (bytes(header), "its header"),
        (b"x" * 500, "is not a language model"),
    ]
    for content, message in cases:
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            load(path)
    with pytest.raises(CheckpointError, match="there is no such file"):
        load(tmp_path / "absent")


def damaged(name, change):
    """What makes a model's array another one."""

    def apply(model):
        values = getattr(model.arrays, name).copy()
        change(values, model)
        return NGram(model.vocabulary, model.level_sizes, model.arrays._replace(**{name: values}))

    return apply


def fall(begins, model):
    """One node ends before it begins; its neighbour has the more."""
    node = 1 + len(model.vocabulary) + int(np.flatnonzero(np.diff(begins[1 + len(model.vocabulary) :]) > 0)[3])
    begins[node] = begins[node + 1] + 1


def swap_words(words, model):
    """Two children of one node are not in order."""
    node = int(np.argmax(np.diff(model.arrays.begins)[1:])) + 1
    first = model.arrays.begins[node]
    words[[first, first + 1]] = words[[first + 1, first]]


def put(where, value):
    def change(values, model):
        values[where(model) if callable(where) else where] = value(model) if callable(value) else value

    return change


UNSOUND = {
    "word beyond the vocabulary": damaged("words", put(-1, 0xFFFF)),
    "single words are not all there": damaged("words", put(5, 3)),
    "words out of order": damaged("words", swap_words),
    "children before the first": damaged("begins", put(0, 0)),
    "children after the last": damaged("begins", put(-1, 1 << 40)),
    "falling": damaged("begins", fall),
    "children in their own order": damaged("begins", put(lambda m: slice(2, 3 + len(m.vocabulary)), 99)),
    "no number": damaged("log_probs", put(7, np.nan)),
    "endless": damaged("backoffs", put(7, -np.inf)),
    "a single word has a link": damaged("links", put(4, 1)),
    "a link to the root": damaged("links", put(-1, 0)),
    "a link below the root": damaged("links", put(-1, -5)),
    "a link to its own order": damaged("links", put(-1, lambda m: len(m.arrays.links) - 1)),
    "a link to another word": damaged(
        "links", put(-1, lambda m: 1 + (m.arrays.words[len(m.arrays.links) - 1] + 1) % 3)
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
@pytest.mark.parametrize("block", [1, 7, 1 << 18])
def test_what_no_checksum_finds_is_refused(model, tmp_path, monkeypatch, name, block):
    monkeypatch.setattr("speech.lm.soundness._BLOCK", block)
    save(tmp_path / "lm", model)
    load(tmp_path / "lm")
    save(tmp_path / "lm", UNSOUND[name](model))
    with pytest.raises(CheckpointError, match="is damaged .its n-grams.; get a complete copy"):
        load(tmp_path / "lm")


@pytest.mark.parametrize("name", ["word beyond the vocabulary", "words out of order", "falling", "no number"])
def test_quantised_too(model, tmp_path, name):
    save(tmp_path / "lm", UNSOUND[name](model), quantise=True)
    with pytest.raises(CheckpointError, match="is damaged .*; get a complete copy"):
        load(tmp_path / "lm")


def test_a_vocabulary_that_is_no_text_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr("speech.lm.binary._checksum", lambda _: 0)
    save(tmp_path / "lm", model)
    good = (tmp_path / "lm").read_bytes()
    (tmp_path / "lm").write_bytes(good.replace(b"w1\n", b"w\xff\n", 1))
    with pytest.raises(CheckpointError, match="its vocabulary"):
        load(tmp_path / "lm")
