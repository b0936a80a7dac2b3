"""Texts of minutes against tones: every word at its place, and what does not match is reported there."""

import numpy as np
import pytest

from speech.errors import AudioError, CorpusError
from speech.formats import to_srt
from speech.long_alignment import align_long
from tests.speech.tone_model import GAP_S, LETTER_S, RATE_HZ, say, tone_transcriber

STEP_S = LETTER_S + GAP_S
WORDS = ("the birch canoe slid on a smooth plank while rice is often served in round bowls " * 8).split()


def test_every_word_at_its_place_over_many_seams():
    text = " ".join(WORDS)
    found = align_long(say(text), text, tone_transcriber(), sample_rate=RATE_HZ)
    assert [word.word for word in found.words] == WORDS
    starts = 1.0 + STEP_S * (np.cumsum([0, *(len(word) + 1 for word in WORDS[:-1])]))
    np.testing.assert_allclose([word.start_s for word in found.words], starts, atol=0.1)
    assert found.mismatches == ()
    assert all("".join(unit.unit for unit in word.units) == word.word for word in found.words)
    assert all(0 <= word.score <= 1 and word.start_s < word.end_s for word in found.words)
    assert to_srt(found.as_transcript()).startswith("1\n00:00:0")


def test_another_text_in_the_middle_is_reported():
    wrong = WORDS.copy()
    wrong[40:60] = ["quick", "zebra", "jumps", "vex", "jazz"] * 4
    found = align_long(say(" ".join(WORDS)), " ".join(wrong), tone_transcriber(), sample_rate=RATE_HZ)
    assert len(found.mismatches) == 1
    (mismatch,) = found.mismatches
    assert 30 <= mismatch.first_word <= 42
    assert 58 <= mismatch.end_word <= 70
    assert mismatch.error_rate > 0.65
    assert "zebra" in mismatch.text
    assert mismatch.start_s < mismatch.end_s <= found.duration_s


def test_bad_input_is_refused():
    waveform = say("abc")
    with pytest.raises(CorpusError, match="cannot write 1 of the text's words .'1984'"):
        align_long(waveform, "in 1984", tone_transcriber(), sample_rate=RATE_HZ)
    with pytest.raises(CorpusError, match="no words"):
        align_long(waveform, "...", tone_transcriber(), sample_rate=RATE_HZ)
    with pytest.raises(AudioError, match="too short"):
        align_long(waveform, " ".join(WORDS), tone_transcriber(), sample_rate=RATE_HZ)
