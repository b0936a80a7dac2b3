"""SSML: what is understood, and that everything else is refused with its place."""

import pytest

from tts.script import Change
from tts.ssml import SsmlError, parse_ssml


def test_text_and_places():
    script = parse_ssml(
        '<speak version="1.1" xml:lang="en-US">a <prosody rate="80%">b\n <sub alias="see">c</sub></prosody></speak>'
    )
    assert script.inline.text == "a b see"
    [change] = script.changes
    assert script.inline.text[change.start : change.end] == "b see"
    assert change.rate == pytest.approx(0.8)


def test_nested_prosody_adds_up_on_words():
    script = parse_ssml(
        '<speak><prosody pitch="+2st">x <prosody volume="-6dB" pitch="-1st">y</prosody></prosody></speak>'
    )
    assert [(change.pitch, change.energy) for change in script.changes] == [(-1.0, -6.0), (2.0, 0.0)]
    assert script.changes[1].start == 0 and script.changes[1].end == 3  # noqa: PT018


def test_prosody_beside_another_or_at_the_limit_is_no_more():
    parse_ssml("<speak><prosody rate='4'>a</prosody> <prosody rate='2'>b</prosody></speak>")
    parse_ssml(
        "<speak><prosody rate='110%'><prosody rate='90%'><prosody rate='4'>a</prosody></prosody></prosody></speak>"
    )
    at_limit = "<speak><prosody rate='1.6'><prosody rate='2.5'>a</prosody></prosody></speak>"
    assert Change.sum(parse_ssml(at_limit).changes).rate == 4.0  # exactly, be the factors rounded as they are


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [("", 0.35), ('time="250ms"', 0.25), ('time="1.5s"', 1.5), ('strength="none"', 0.0), ('strength="strong"', 0.6)],
)
def test_breaks(attributes, seconds):
    assert parse_ssml(f"<speak>a <break {attributes}/> b</speak>").breaks[0].seconds == seconds


def test_numbers_are_written_as_in_the_standard():
    [change] = parse_ssml('<speak><prosody rate=".8" pitch="+.5st" volume="-1.dB">a</prosody></speak>').changes
    assert (change.rate, change.pitch, change.energy) == (0.8, 0.5, -1.0)


def test_spelling_numbers_and_phones():
    script = parse_ssml(
        '<speak><say-as interpret-as="characters">aB1</say-as><say-as interpret-as="ordinal">22</say-as> '
        '<say-as interpret-as="digits">305</say-as> <phoneme alphabet="arpabet" ph="Y UW1">you</phoneme></speak>'
    )
    assert script.inline.text == "A B one twenty second three zero five you"
    assert [phones for *_, phones in script.inline.spans] == [("EY1",), ("B", "IY1"), ("Y", "UW1")]


@pytest.mark.parametrize(
    ("ssml", "message"),
    [
        ("<speak>a<audio/></speak>", "column 9: element <audio>"),
        ("<speak>\n<break size='1'/></speak>", "line 2, column 1: attribute size of <break>"),
        ("<speak><break time='soon'/></speak>", 'time="soon"'),
        ("<speak><break time='61s'/></speak>", 'time="61s"'),
        ("<speak><break time='1s' strength='huge'/></speak>", 'strength="huge"'),
        ("<speak><prosody rate='٣'>a</prosody></speak>", 'rate="٣"'),
        ("<speak><prosody>a</prosody></speak>", "needs rate, pitch or volume"),
        ("<speak><prosody rate='ten'>a</prosody></speak>", 'rate="ten"'),
        ("<speak><prosody rate='900%'>a</prosody></speak>", "rate must be from"),
        (
            "<speak><prosody rate='3'>a\n<prosody rate='2'>b</prosody></prosody></speak>",
            "line 2, column 1: <prosody> together with those around it: rate must be from 0.25 to 4, got 6",
        ),
        (
            "<speak><prosody pitch='+20st'>a <prosody pitch='+5st'>b</prosody></prosody></speak>",
            "together .* pitch must be from -24 to 24, got 25",
        ),
        ("<speak><prosody pitch='+20Hz'>a</prosody></speak>", 'pitch="\\+20Hz"'),
        ("<speak><phoneme ph='QQ'>a</phoneme></speak>", 'unknown phone "QQ"'),
        ("<speak><phoneme alphabet='ipa' ph='a'>a</phoneme></speak>", 'alphabet="ipa"'),
        ("<speak><phoneme>a</phoneme></speak>", "needs the attribute ph"),
        ("<speak><say-as interpret-as='date'>1</say-as></speak>", 'interpret-as="date"'),
        ("<speak><say-as interpret-as='cardinal'>x</say-as></speak>", "no whole number"),
        ("<speak><sub alias='a'><p>b</p></sub></speak>", "<p> cannot stand within <sub>"),
        ("<speak><speak>a</speak></speak>", "outermost"),
        ("<speak><s><p>a</p></s></speak>", "<p> cannot stand within <s>"),
        ("<speak><p><prosody rate='slow'><p>a</p></prosody></p></speak>", "<p> cannot stand within <p>"),
        ("<speak><s>a <s>b</s></s></speak>", "<s> cannot stand within <s>"),
        ("<speak xmlns='http://www.w3.org/1999/xhtml'>a</speak>", "xmlns=.*SSML is http"),
        ("<p>a</p>", "outermost"),
        ("<speak xml:lang='de'>a</speak>", 'xml:lang="de"'),
        ("<speak xml:lang='enx'>a</speak>", 'xml:lang="enx"'),
        ("<speak version='9'>a</speak>", 'version="9"'),
        ("<speak><say-as interpret-as='characters'>--</say-as></speak>", '"--" has no letter and no digit'),
        ("<speak>a", "not well-formed"),
        ("hello", "not well-formed"),
        ("<speak>a {b|AH0} c</speak>", r"line 1, .*{b\|AH0} is not understood in SSML; write <phoneme"),
        ("<!DOCTYPE x><speak>a</speak>", "document type"),
        ("<speak><?x y?></speak>", "processing instruction"),
    ],
)  # fmt: skip
def test_refusals_name_what_and_where(ssml, message):
    with pytest.raises(SsmlError, match=message) as caught:
        parse_ssml(ssml)
    assert str(caught.value).startswith("SSML, line ")


@pytest.mark.parametrize(
    ("ssml", "text"),
    [
        ("one<break/>two", "one two"),
        ("a<say-as interpret-as='digits'>12</say-as>b", "a one two b"),
        ("a<sub alias='see'>c</sub>d", "a see d"),
        ("<sub alias='World Wide'>WW</sub>'s, no<sub alias='x'>y</sub>.", "World Wide's, no x."),
        ("a<phoneme ph='K AE1 T'>cat</phoneme>b", "a cat b"),
        ("to<prosody rate='fast'>day</prosody>", "today"),
    ],
)
def test_elements_part_the_words_around_them(ssml, text):
    assert parse_ssml(f"<speak>{ssml}</speak>").inline.text == text


@pytest.mark.parametrize(
    ("ssml", "seconds"),
    [
        ("<s>a</s><s>b</s>", [0.45]),
        ("<s>a</s>", []),  # at the end of all there is no sentence to part from
        ("<p><s>a</s></p><p><s>b</s></p>", []),  # a paragraph's own pause
        ("<p>a</p><s>b</s><s>c</s>", [0.45]),
        ("<s>a</s><break time='1s'/><s>b</s>", [1.0]),
        ("<s>a<break time='1s'/></s><s>b</s>", [1.0]),
        ("a<break time='1s'/><break time='2s'/>b", [1.0, 2.0]),
    ],
)
def test_pauses_of_sentences_give_way(ssml, seconds):
    assert [one.seconds for one in parse_ssml(f"<speak>{ssml}</speak>").breaks] == seconds


def test_long_numbers():
    def said(kind, number):
        return parse_ssml(f"<speak><say-as interpret-as='{kind}'>{number}</say-as></speak>").inline.text

    assert said("cardinal", "9" * 5000).split() == ["nine"] * 5000
    assert said("cardinal", "0" * 5000 + "7") == "seven"
    with pytest.raises(SsmlError, match="ordinal of 5000 digits"):
        said("ordinal", "9" * 5000)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(SsmlError, match="character 10: is half of a surrogate pair"):
        parse_ssml("<speak>a \ud800</speak>")
