"""Symbols and ids."""

import pytest

from speech.errors import ConfigError
from speech.scoring import score
from speech.units import BLANK, Units, build_units


def test_characters_round_trip():
    units = build_units("character")
    ids = units.encode("Don’t  panic, café!")
    assert units.decode(ids) == "don't panic cafe"
    assert 0 not in ids
    assert len(units) == 29


def test_text_outside_the_units_is_none():
    assert build_units("character").encode("route 66") is None
    assert build_units("phone").encode("xqzt") is None


def test_phones_have_no_stress():
    units = build_units("phone")
    assert units.decode(units.encode("hello world")) == "HH AH L OW W ER L D"
    assert len(units) == 40


def test_words_are_those_of_the_texts():
    units = build_units("word", ["go left", "Go right!"])
    assert units.decode(units.encode("right go")) == "right go"
    assert units.encode("stop") is None
    with pytest.raises(ConfigError, match="use 'character'"):
        build_units("word", [])


def test_empty_text_is_no_labels():
    assert build_units("character").encode("") == []
    assert build_units("phone").encode("") == []


def test_the_blank_comes_first():
    with pytest.raises(ValueError, match=BLANK):
        Units("character", ("a", "b"))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("abcd", "bcde", 2), ("aaa", "aba", 1)],
)
def test_edit_distance(reference, hypothesis, errors):
    assert score(reference, hypothesis).errors == errors
