"""Text to phones, and the rows that the acoustic model reads."""

import pytest

from speech.lexicon import Lexicon
from tts.inline import parse_inline
from tts.linguistic import FEATURE_SIZES, rows_of
from tts.phonemes import Pronouncer
from tts.text import TextError


@pytest.fixture(scope="module")
def pronouncer() -> Pronouncer:
    return Pronouncer(Lexicon())


def words_of(pronouncer, text, **options):
    return [word for sentence in pronouncer.sentences(text, **options) for word in sentence.words]


def test_marks_follow_words_and_the_strongest_counts(pronouncer):
    words = words_of(pronouncer, 'He said: "yes", (well) then?!')
    assert [(word.text, word.mark) for word in words] == [
        ("he", ""), ("said", ";"), ("yes", ","), ("well", "("), ("then", "?"),
    ]  # fmt: skip


def test_characters_of_words(pronouncer):
    text = "Pay $5 {now|N AW1}, please."
    plain = parse_inline(text).text
    words = words_of(pronouncer, text)
    assert [plain[word.start : word.end] for word in words] == ["Pay", "$5", "$5", "now", "please"]
    assert words[3].phones == ("N", "AW1")
    assert words[3].mark == ","


def test_paragraphs_and_wordless_stretches(pronouncer):
    found = list(pronouncer.sentences("One. Two.\n\n... Three"))
    assert [sentence.ends_paragraph for sentence in found] == [False, True, False]
    assert list(pronouncer.sentences(",,, ...")) == []


def test_user_lexicon_goes_before_habits():
    habits = {"tomato": ("T",), "data": ("D", "AA1")}
    lexicon = Lexicon({"tomato": [("T", "OW2")]})
    assert [word.phones for word in words_of(Pronouncer(lexicon, habits), "tomato data")] == [
        ("T", "OW2"),
        ("D", "AA1"),
    ]


def test_the_before_a_vowel(pronouncer):
    assert [word.phones[-1] for word in words_of(pronouncer, "the end the dog")][::2] == ["IY0", "AH0"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a {b|QQ}", 'unknown phone "QQ"'),
        ("a {b|}", "has no phones"),
        ("{|AA1}", "with a word"),
        ("say {a|AH0", r'"{a\|AH0" at character 5: .* written {word\|PHONES}'),
        ("{a|AH0} and {b|AH0 now", r'"{b\|AH0 now" at character 13'),
        ("{a|AH0|B}", "take the bar away"),
        ("say a|AH0} now", r'"\|AH0}" at character 6'),
        ("say {T AH0 M}", r'"{T AH0 M}" at character 5: has phones but no word'),
        ("so 😀", "GRINNING FACE"),
        ("你好", "CJK"),
    ],
)
def test_refusals_are_one_sentence(pronouncer, text, message):
    with pytest.raises(TextError, match=message):
        words_of(pronouncer, text)


@pytest.mark.parametrize("text", ["say {tomato} now", "{tomato}", "a | b", "{ one\n | two", "if {x} or | {y}"])
def test_braces_without_a_bar_are_punctuation(pronouncer, text):
    spoken = [word.text for word in words_of(pronouncer, text)]
    assert spoken == [word.text for word in words_of(pronouncer, text.replace("{", "(").replace("}", ")"))]


def test_rows_have_a_pause_between_words_and_known_numbers(pronouncer):
    words = words_of(pronouncer, "Well, the quick brown fox jumps over the lazy dog and runs, A B!")
    rows = rows_of(words)
    assert rows.phones.count("SP") == len(words) - 1
    assert rows.phones[0] == rows.phones[-1] == "SIL"
    assert len(rows.phones) == len(rows.word_index) == len(rows.features)
    for column, size in enumerate(FEATURE_SIZES.values()):
        assert 0 <= rows.features[:, column].min() <= rows.features[:, column].max() < size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{Nguyen|W IH1 N}'s cat", [("nguyen's", "W IH1 N Z"), ("cat", "K AE1 T")]),
        ("{you|Y UW1}’ll", [("you'll", "Y UW1 L")]),
        ("{cat|K AA1 T}s", [("cat's", "K AA1 T S")]),
        ("{Henry|R IY1} VIII", [("henry", "R IY1"), ("the", "DH IY0"), ("eighth", "EY1 T TH")]),
        ("5 {lb|L IY1 B}", [("five", "F AY1 V"), ("L B", "L IY1 B")]),
        ("5{lb|L IY1 B}", [("five", "F AY1 V"), ("L B", "L IY1 B")]),
        ("${5|F IY1 V}", [("five", "F IY1 V"), ("dollars", "D AA1 L ER0 Z")]),
        ("un{known|N OW1 N}", [("un", "AH1 N"), ("known", "N OW1 N")]),
        ("{New York|N UW1 K} end", [("new york", "N UW1 K"), ("end", "EH1 N D")]),
        ("{你好|N IY1 HH AW1} dog", [("你好", "N IY1 HH AW1"), ("dog", "D AO1 G")]),
        ("{the|DH IY1} dog", [("the", "DH IY1"), ("dog", "D AO1 G")]),
    ],
)
def test_a_given_pronunciation_is_of_its_word_alone(text, expected):
    words = words_of(Pronouncer(Lexicon()), text)
    assert [(word.text, " ".join(word.phones)) for word in words] == expected


def test_what_is_read_as_one_with_its_neighbours_is_refused(pronouncer):
    with pytest.raises(TextError, match=r'"zoz" at character 1.*put a space'):
        words_of(pronouncer, "{zoz|Z AA1}@mail.com")


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("buffet", "B AH0 F EY1"),
        ("houses", "HH AW1 Z AH0 Z"),
        ("segue", "S EH1 G W EY2"),
        ("Kyiv", "K IY1 IH0 V"),
        ("Goethe", "G ER1 T AH0"),
        ("Saoirse", "S ER1 SH AH0"),
        ("GitHub", "G IH1 T HH AH2 B"),
        ("readme", "R IY1 D M IY2"),
        ("Siobhan", "SH AH0 V AO1 N"),
        ("Xiaomi", "SH AW1 M IY0"),
        ("Kubernetes", "K UW2 B ER0 N EH1 T IY0 Z"),
        ("iOS", "AY1 OW2 EH2 S"),
        ("étouffée", "EY2 T UW0 F EY1"),
        ("quesadillas", "K EY2 S AH0 D IY1 AH0 Z"),
        ("Ubuntu", "UH0 B UH1 N T UW0"),
        ("SpaceX", "S P EY2 S EH1 K S"),
        ("kth", "K EY1 TH"),
        ("i-th", "AY1 TH"),
        ("house", "HH AW1 S"),
    ],
)
def test_words_that_spelling_misleads(pronouncer, word, phones):
    [said] = words_of(pronouncer, word)
    assert " ".join(said.phones) == phones


def test_the_ending_of_a_text_file_is_said(pronouncer):
    assert " ".join(words_of(pronouncer, "Open notes.txt.")[-1].phones) == "T EH1 K S T"
