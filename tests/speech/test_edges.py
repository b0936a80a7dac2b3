"""Words reach beyond the frames of their units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.edges import NO_GAP_S, EdgesConfig, with_edges
from speech.errors import ConfigError
from speech.transcribe import Transcriber
from speech.transcript import Transcript, Word
from tests.speech.test_decoding import tone_model
from tests.speech.tone_model import RATE_HZ, say


def words_at(*times_s: tuple[float, float]) -> list[Word]:
    return [Word(text="a", start_s=start_s, end_s=end_s, confidence=0.5) for start_s, end_s in times_s]


def times_of(words) -> list[tuple[float, float]]:
    return [(round(word.start_s, 3), round(word.end_s, 3)) for word in words]


def test_edges_move_outwards_as_far_as_there_is_room():
    words = words_at((0.5, 0.7), (1.0, 1.2), (1.25, 1.95))
    moved = with_edges(words, EdgesConfig(before_s=0.07, after_s=0.04), 1.97)
    assert times_of(moved) == [(0.43, 0.74), (0.93, 1.21), (1.21, 1.97)]
    assert times_of(with_edges(words, EdgesConfig(), 1.97)) == times_of(words)
    assert with_edges([], EdgesConfig(before_s=0.1), 0.0) == ()


@given(
    st.lists(st.tuples(st.floats(0.0, 0.3), st.floats(0.001, 0.5)), min_size=1, max_size=20),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
def test_words_stay_in_order_and_inside(gaps_and_lengths, before_s, after_s):
    at, times_s = 0.0, []
    for gap_s, length_s in gaps_and_lengths:
        times_s.append((at + gap_s, at + gap_s + length_s))
        at = times_s[-1][1]
    moved = with_edges(words_at(*times_s), EdgesConfig(before_s=before_s, after_s=after_s), at + 0.01)
    Transcript(words=moved, duration_s=at + 0.01)  # refuses what overlaps, is empty or lies outside
    gaps = [after.start_s - before.end_s for before, after in zip(moved, moved[1:], strict=False)]
    assert before_s == after_s == 0 or all(gap == 0 or gap >= NO_GAP_S for gap in gaps)


def test_the_card_says_how_far_for_each_head():
    loaded = tone_model()
    plain = Transcriber(loaded).transcribe(say("a cat"), RATE_HZ)
    loaded.card["edges"] = {"character": {"before_s": 0.05, "after_s": 0.0}, "phone": {"before_s": 0.2}}
    moved = Transcriber(loaded).transcribe(say("a cat"), RATE_HZ)
    starts = [[word.start_s for word in side.words] for side in (plain, moved)]
    assert np.subtract(*starts)[0] == pytest.approx(0.05)
    loaded.card["edges"] = {"character": {"begin_s": 0.05}}
    with pytest.raises(ConfigError, match=r"edges\.character\..*begin_s"):
        Transcriber(loaded)
    with pytest.raises(ValueError, match="before_s must be from 0 to 1, got -1"):
        EdgesConfig(before_s=-1)
