"""Sentence boundaries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.text.sentences import MAX_SENTENCE_CHARACTERS, split_sentences


def split(text):
    return [sentence for _, sentence in split_sentences(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["One.", "Two!", "Three?", "Four"],
        ["Dr. Smith met Mrs. Brown."],
        ["He left at 5 p.m. on Monday."],
        ["He left at 5 p.m.", "She stayed."],
        ["J. R. R. Tolkien wrote it.", "We read it."],
        ["The U.S. Army came.", "Then it went."],
        ["It costs 3.50 dollars.", "Pay."],
        ["See example.com.", "It is new."],
        ["Apples, pears, etc. are fruit."],
        ["Apples, etc.", "The end."],
        ['"Go!" he said.', '"Now?"', "Yes."],
        ["Wait... what?"],
        ["Wait...", "What?"],
        ["No. 5 is alive."],
        ["No.", "I will not."],
        ["Gen. Grant and Rep. Lee spoke."],
        ["The sun.", "Then rain."],
        ["He lives on Elm St.", "He is old."],
        ["Is it you?", "(Yes.)", "Good."],
        ["What?!", "Never."],
        ["I met him and I.", "He knew."],
    ],
)
def test_boundaries(parts):
    assert split(" ".join(parts)) == parts


def test_a_paragraph_ends_a_sentence():
    assert split("A heading\n\nThe text goes on\nhere.") == ["A heading", "The text goes on\nhere."]


def test_overlong_sentences_are_cut_at_a_space():
    pieces = split("word " * 1000)
    assert all(len(piece) <= MAX_SENTENCE_CHARACTERS for piece in pieces)
    assert " ".join(pieces).split() == ["word"] * 1000


@settings(deadline=None)
@given(st.text(alphabet="aB1.?! \n\"')", max_size=200), st.integers(1, 50))
def test_offsets_and_pieces(text, size):
    """Nothing but white space lies between sentences, and it does not matter how the text arrives."""
    found = list(split_sentences(text))
    end = 0
    for start, sentence in found:
        assert text[start : start + len(sentence)] == sentence
        assert not text[end:start].strip()
        end = start + len(sentence)
    assert not text[end:].strip()
    assert found == list(split_sentences(text[i : i + size] for i in range(0, len(text), size)))
