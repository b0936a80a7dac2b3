"""Binary files: exact or quantised, and refused when cut, changed or of another version."""

import numpy as np
import pytest

from speech.errors import CheckpointError
from speech.lm import EstimationConfig, estimate, load, perplexity, save
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
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "absent")
