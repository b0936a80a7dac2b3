"""Text to speakable words."""

import re
import time
import tracemalloc
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.text import BREAK_MARKS, TextError, check, normalize, sentences

GOLDEN = [
    line.split("\t") for line in (Path(__file__).parent / "golden_text.tsv").read_text(encoding="utf-8").splitlines()
]


def say(text, **policy):
    return " ".join(token.text for token in normalize(text, **policy))


def test_there_are_enough_golden_cases():
    assert len(GOLDEN) >= 300
    assert len({source for source, _ in GOLDEN}) == len(GOLDEN)


@pytest.mark.parametrize(("source", "spoken"), GOLDEN, ids=[source[:40] for source, _ in GOLDEN])
def test_golden(source, spoken):
    assert say(source) == spoken


def test_tokens_know_the_characters_they_came_from():
    text = "Dr. Lee paid $49.95, twice."
    spans = {text[token.start : token.end]: [] for token in normalize(text)}
    for token in normalize(text):
        spans[text[token.start : token.end]].append(token.text)
    assert spans["Dr."] == ["doctor"]
    assert spans["$49.95"] == "forty nine dollars and ninety five cents".split()
    assert spans[","] == [","]
    assert spans["twice"] == ["twice"]


def test_kinds_of_tokens():
    tokens = normalize("An FBI man, yes.")
    assert [token.kind for token in tokens] == ["word", "letter", "letter", "letter", "word", "break", "word", "break"]


def test_emoji_is_refused_by_name_and_place():
    with pytest.raises(TextError, match=r'"😀" \(GRINNING FACE\) at character 7'):
        normalize("Hello 😀 there.")


def test_chinese_is_refused_by_name():
    with pytest.raises(TextError, match=r"CJK UNIFIED IDEOGRAPH-4E2D"):
        normalize("中文")


def test_unknown_characters_can_be_named_or_skipped():
    assert say("Hi 😀!", on_unknown="name") == "hi grinning face !"
    assert say("Hi 😀!", on_unknown="skip") == "hi !"
    assert say("中", on_unknown="name") == "C J K unified ideograph four E two D"


@pytest.mark.parametrize(
    "text", ["It is 5. A “café” — ½ cup of £5…", "One.\n\nThree 😀 four.", "a " * 900 + "中", "é\u0301 ñ ß"]
)
def test_a_check_refuses_what_would_be_refused(text):
    def refusal(read):
        try:
            read(text)
        except TextError as error:
            return str(error)
        return ""

    assert refusal(check) == refusal(normalize)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_all_of_ascii_has_a_reading(text):
    normalize(text)


def test_unknown_policy_is_checked():
    with pytest.raises(ValueError, match="on_unknown"):
        sentences("x", on_unknown="drop")


@pytest.mark.parametrize("text", ["", "   \n\t ", "\u200b"])
def test_nothing_to_say(text):
    assert normalize(text) == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_spoken_or_refused_in_one_sentence(text):
    try:
        tokens = normalize(text)
    except TextError:
        tokens = normalize(text, on_unknown="name")
    for token in tokens:
        assert 0 <= token.start < token.end <= len(text)
        assert token.text in BREAK_MARKS or re.fullmatch(r"[a-z']+|[A-Z]('s)?", token.text)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="a1B. ,-/:$%'x°=", max_size=30))
def test_every_visible_character_of_a_line_is_covered(text):
    """A character is in some token's span, or is a hyphen within a compound."""
    covered = set()
    for token in normalize(text):
        covered.update(range(token.start, token.end))
    assert all(i in covered or c.isspace() or c == "-" for i, c in enumerate(text))


PIECES = [*'a1B. ,:/$%x°=<>&;!–−()#@_~+*½"’', "10.30", " am", "Feb ", "13", "10/12/2026", "1/4", " st.", " II", " III"]
PIECES += [
    "John ",
    "Gen. ",
    "3:16",
    "n!",
    "<3",
    "NaCl",
    "macOS",
    "Jr.",
    "Ste. ",
    "/kWh",
    "$5",
    " million",
    " bill",
    " the ",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_every_visible_character_between_parts_of_rules_is_covered(text):
    covered = set()
    for token in normalize(text):
        covered.update(range(token.start, token.end))
    assert all(i in covered or c.isspace() for i, c in enumerate(text))


def test_a_long_text_is_quick():
    words = "The quick brown fox paid $5.50 on May 5th for 10 kg of St. John's honey, and left. ".split()
    text = " ".join(words[i % len(words)] for i in range(5000))
    normalize(text[:100])
    started = time.process_time()
    tokens = normalize(text)
    assert time.process_time() - started < 1
    assert len(tokens) > 5000


@pytest.mark.parametrize(
    "text",
    [
        "," * 10_000,
        "a" * 20_000,
        "1-" * 5_000,
        "A." * 5_000,
        '"' * 5_000,
        "x'" * 5_000,
        "5kg-" * 5_000,
        '5"' * 5_000,
        "1/" * 5_000,
        "5h " * 5_000,
        "W. A " * 5_000,
        "5!" * 5_000,
        "1/1-" * 5_000,
        "aB" * 5_000,
        "http://(" * 3_000,
        "7" * 100_000,
        "1.000." * 5_000,
        "1'000" * 5_000,
        "|x" * 5_000,
        "C:\\" * 5_000,
        "5' x " * 3_000,
        "Henry I and " * 3_000,
        "the new $5 to " * 3_000,
        "from 1/2 to " * 3_000,
    ],
)
def test_monotonous_text_is_no_trap(text):
    started = time.process_time()
    assert sum(len(sentence.tokens) for sentence in sentences(text)) > 0
    assert time.process_time() - started < 3


def test_memory_is_bounded_for_a_text_without_end():
    def pages():
        while True:
            yield "It was 5 p.m. on the 3rd, and Dr. Smith had gone home. " * 20

    source = sentences(pages())
    next(source)
    tracemalloc.start()
    for _ in range(300):
        next(source)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_accents_apart_from_their_letters_read_as_accents_on_them():
    for text in ("été", "Über uns", "Brontë’s résumé", "the mean x̄"):
        apart = unicodedata.normalize("NFD", text)
        assert [token.text for token in normalize(apart)] == [token.text for token in normalize(text)]
