"""Normalisation of transcripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.text import ENGLISH_ALPHABET, normalize_text, unexpressible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HELLO, World!", "hello world"),
        ("  don't \t stop\n", "don't stop"),
        ("Don’t ‘quote’ it", "don't quote it"),
        ("the dogs' 'tis rock 'n' roll", "the dogs tis rock n roll"),
        ("''twice'' 'don't'", "twice don't"),
        ("café naïve Zoë Ångström", "cafe naive zoe angstrom"),
        ("Łódź, Æsop, straße, Øre", "lodz aesop strasse ore"),
        ("mother-in-law — and—then – wait…what", "mother in law and then wait what"),
        ("Salt & Pepper, R&B", "salt and pepper r and b"),
        ("the U.S. army, e.g. U.S.A.", "the us army eg usa"),
        ("end.Next one.", "end next one"),
        ("J.R.R. Tolkien", "jrr tolkien"),
        ('(either/or) [this]: "that"; «those»', "either or this that those"),
        ("room 101, $5 or 50 %", "room 101 $5 or 50 %"),
        ("ﬁrst ½", "first 1 2"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("", ""),
        ("?!...", ""),
    ],
)
def test_known_cases(text, expected):
    assert normalize_text(text) == expected


@given(st.text())
def test_applying_it_twice_changes_nothing(text):
    once = normalize_text(text)
    assert normalize_text(once) == once
    assert once == " ".join(once.split())


@given(st.text(alphabet="abcXYZ ',.-!?;:&é’", max_size=40))
def test_plain_english_becomes_expressible(text):
    assert unexpressible(normalize_text(text)) == ""


def test_what_is_left_is_shown_once_and_in_order():
    assert unexpressible(normalize_text("Room 101 at 50 % für Мир")) == "105%мир"
    assert unexpressible("hello", ENGLISH_ALPHABET) == ""
    assert unexpressible("hello", "helo") == ""


def test_other_languages_are_refused():
    with pytest.raises(ValueError, match='no rules for language "de"'):
        normalize_text("Tag", lang="de")
