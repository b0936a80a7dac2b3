"""Pronunciations of words."""

import pytest

from speech.errors import CorpusError
from speech.lexicon import Lexicon, PronunciationError, read_lexicon, without_stress
from speech.lexicon_supplement import SUPPLEMENT
from speech.units import ARPABET


@pytest.fixture(scope="module")
def lexicon():
    return Lexicon()


def spell(lexicon, word):
    return [" ".join(pronunciation) for pronunciation in lexicon.pronunciations(word)]


def test_several_pronunciations(lexicon):
    assert spell(lexicon, "read") == ["R EH1 D", "R IY1 D"]


def test_case_accents_and_apostrophes_do_not_matter(lexicon):
    assert spell(lexicon, "CAFÉ") == spell(lexicon, "cafe")
    assert spell(lexicon, "Don’t") == spell(lexicon, "don't")


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("tomatoes'", "T AH0 M EY1 T OW0 Z"),
        ("gibibytes", "G IH1 B IH0 B AY2 T S"),
        ("backticked", "B AE1 K T IH2 K T"),
        ("kibibyte's", "K IH1 B IH0 B AY2 T S"),
        ("zebra-like", "Z IY1 B R AH0 L AY1 K"),
        ("tomato'll", "T AH0 M EY1 T OW2 L"),
        ("'hello'", "HH AH0 L OW1"),
    ],
)
def test_inflected_words(lexicon, word, phones):
    entry = lexicon.lookup(word)
    assert " ".join(entry.pronunciations[0]) == phones
    assert entry.source == "derived"


def test_letters_are_said_by_their_names(lexicon):
    assert spell(lexicon, "B") == ["B IY1"]
    assert spell(lexicon, "X's") == ["EH1 K S IH0 Z"]
    assert lexicon.letter_name("A") == ("EY1",)
    assert spell(lexicon, "A")[0] == "AH0"
    assert spell(Lexicon({"b": [("B",)]}), "B") == ["B"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("😀", "GRINNING FACE"),
        ("中文", "CJK UNIFIED IDEOGRAPH-4E2D"),
        ("r2d2", "digits"),
        ("", "no letters"),
        ("''", "no letters"),
        ("xqzt", "no letter-to-sound model"),
        ("well-xqzt", "no letter-to-sound model"),
    ],
)
def test_words_without_pronunciation_say_why(lexicon, word, reason):
    with pytest.raises(PronunciationError, match=reason):
        lexicon.pronunciations(word)
    assert word not in lexicon


def test_results_can_be_changed_without_harm(lexicon):
    lexicon.pronunciations("dog").clear()
    assert lexicon.pronunciations("dog")


class OneSound:
    """Stands for a letter-to-sound model."""

    def pronounce(self, word):
        return ("K",) * len(word)


def test_unknown_words_go_to_the_model():
    lexicon = Lexicon(letter_to_sound=OneSound())
    assert lexicon.lookup("xqzt") == ([("K",) * 4], "letter_to_sound")
    assert lexicon.lookup("x" * 100) == ([("K",) * 100], "letter_to_sound")  # nothing is cut off
    with pytest.raises(PronunciationError, match="CJK"):
        lexicon.pronunciations("中")


def test_the_users_lexicon_overrides(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(
        "# mine\n\nTomato\tt ah0 m aa1 t ow0\nGIF\tG IH1 F\ngif\tJH IH1 F\n中\tJH OW1 NG\nO’Zoë\tOW1 Z\n",
        encoding="utf-8",
    )
    lexicon = Lexicon.load(path)
    assert spell(lexicon, "tomato") == ["T AH0 M AA1 T OW0"]
    assert spell(lexicon, "gif") == ["G IH1 F", "JH IH1 F"]
    assert spell(lexicon, "中") == ["JH OW1 NG"]
    assert spell(lexicon, "o'zoe") == ["OW1 Z"]
    assert spell(lexicon, "tomato's") == ["T AH0 M AA1 T OW0 Z"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("dog\tD XX G", 'row 2: unknown phone "XX"'),
        ("dog\tD1 AO1 G", 'row 2: unknown phone "D1"'),
        ("dog\tD AO11 G", 'row 2: unknown phone "AO11"'),
        ("dog D AO1 G", "row 2: expected a word, a tab"),
        ("dog\t ", "row 2: expected a word, a tab"),
        ("New York\tN UW1", "row 2: 'new york' is not one word"),
        ("long\t" + "AH0 " * 256, "row 2: 'long' has 256 phones; a word has at most 255"),
        ("e-mail\tIY1", "row 2: 'e-mail' is not one word as texts are read; got 'e mail'"),
    ],
)
def test_bad_rows_are_named(tmp_path, row, message):
    path = tmp_path / "mine.txt"
    path.write_text(f"cat\tK AE1 T\n{row}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"mine.txt, {message}"):
        read_lexicon(path)


def test_rows_are_counted_as_editors_count_them(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes(b"cat\tK AE1 T\r\n\x0cdog\tD AO1 G\r\nbad")
    with pytest.raises(CorpusError, match="row 3: expected a word, a tab and its phones, got 'bad'"):
        read_lexicon(path)


def test_missing_and_undecodable_files_are_named(tmp_path):
    with pytest.raises(CorpusError, match="none.txt"):
        read_lexicon(tmp_path / "none.txt")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(CorpusError, match="bad.txt"):
        read_lexicon(tmp_path / "bad.txt")


def test_vowels_without_stress_are_unstressed(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("dog\tD AO G\n", encoding="utf-8")
    assert read_lexicon(path) == {"dog": [("D", "AO0", "G")]}


def test_the_supplement_holds_known_phones():
    for word, phones in SUPPLEMENT.items():
        for phone in phones.split():
            assert phone.rstrip("012") in ARPABET, word
        assert sum(phone.endswith("1") for phone in phones.split()) == 1, word


def test_without_stress():
    assert without_stress(["AH0", "B", "IY1"]) == ("AH", "B", "IY")
