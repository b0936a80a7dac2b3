"""Every format parsed back: words, times, order, the end of the audio."""

import json
import os
import re
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from speech.cues import MAX_CUE_MS, MAX_LINE_CHARACTERS, cues, lay_out
from speech.formats import (
    SUFFIXES,
    WRITERS,
    check_formats,
    confidence_digits,
    to_ctm,
    to_json,
    to_json_line,
    to_srt,
    to_textgrid,
    to_tsv,
    to_txt,
    to_vtt,
)
from speech.transcript import Span, Transcript, Word, milliseconds

INLINE_TIME = r"<(\d\d:\d\d:\d\d\.\d{3})>"
SENTENCE = "the birch canoe slid on the smooth planks glue the sheet to the dark blue background"


def transcript_of(text: str, *, start_s=0.5, word_s=0.3, gap_s=0.1, source="talks/day one.wav"):
    words = []
    for index, word in enumerate(text.split()):
        begin_s = start_s + index * (word_s + gap_s)
        words.append(Word(text=word, start_s=begin_s, end_s=begin_s + word_s, confidence=0.8765))
    duration_s = start_s + len(words) * (word_s + gap_s) + 0.1234567
    return Transcript(words=tuple(words), duration_s=duration_s, source=source, model="tiny")


@st.composite
def transcripts(draw):
    """Words anywhere, also at the very end, shorter than a millisecond, long, with odd characters."""
    steps = draw(
        st.lists(
            st.tuples(
                st.text("abcz'&<>\"é-", min_size=1, max_size=draw(st.sampled_from([6, 120]))),
                st.floats(0, 4),
                st.floats(1e-5, 9),
                st.floats(0, 1),
            ),
            max_size=40,
        )
    )
    time_s, words = 0.0, []
    for text, gap_s, length_s, confidence in steps:
        start_s = time_s + gap_s
        time_s = start_s + length_s
        words.append(Word(text=text, start_s=start_s, end_s=time_s, confidence=confidence))
    duration_s = time_s + draw(st.sampled_from([0.0, 1e-4, 3.0])) + (0.05 if not words else 0)
    return Transcript(words=tuple(words), duration_s=duration_s, source="a b/c d.wav", model="m")


def parse_clock(text: str) -> int:
    hours, minutes, seconds = text.replace(",", ".").split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def parse_cues(blocks: list[str]) -> list[tuple[int, int, list[str]]]:
    parsed = []
    for block in blocks:
        times, *lines = block.split("\n")
        start, end = times.split(" --> ")
        parsed.append((parse_clock(start), parse_clock(end), lines))
    return parsed


def parse_srt(text: str):
    blocks = [block for block in text.split("\n\n") if block]
    numbers = [int(block.split("\n", 1)[0]) for block in blocks]
    assert numbers == list(range(1, len(blocks) + 1))
    return parse_cues([block.split("\n", 1)[1] for block in blocks])


def parse_vtt(text: str):
    head, *blocks = [block for block in text.split("\n\n") if block]
    assert head == "WEBVTT"
    found = parse_cues(blocks)
    replacements = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    for start_ms, end_ms, lines in found:
        times = [parse_clock(time) for line in lines for time in re.findall(INLINE_TIME, line)]
        assert [start_ms, *times, end_ms] == sorted({start_ms, *times, end_ms}) or not times
        for index, line in enumerate(lines):
            line = re.sub(INLINE_TIME, "", line)
            for escaped, plain in replacements:
                line = line.replace(escaped, plain)
            lines[index] = line
    return found


def parse_textgrid(text: str):
    """(end of the audio, tiers of [(start, end, text)]) in milliseconds."""
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    number = r"(\d+\.\d{3})"
    end_ms = round(1000 * float(re.search(rf"\nxmax = {number}\n", text)[1]))
    head, *items = re.split(r"\n    item \[\d\]:\n", text)
    assert f"size = {len(items)}\n" in head
    tiers = {}
    for item in items:
        rows = re.findall(rf'xmin = {number}\s+xmax = {number}\s+text = "(.*)"\n', item + "\n")
        assert f"intervals: size = {len(rows)}\n" in item
        tiers[re.search('name = "(.*)"', item)[1]] = [
            (round(1000 * float(a)), round(1000 * float(b)), label.replace('""', '"')) for a, b, label in rows
        ]
    return end_ms, tiers


@given(transcripts())
@settings(deadline=None, max_examples=50)
@example(Transcript(words=(), duration_s=0.01))
def test_word_formats_parse_back_and_stay_inside(transcript):
    spans = milliseconds(transcript)
    limit_ms = int(transcript.duration_s * 1000)
    reached = 0
    for span in spans:
        assert reached <= span.start_ms <= span.end_ms <= limit_ms
        reached = span.end_ms
    expected = [(span.start_ms, span.end_ms, span.text) for span in spans]

    loaded = json.loads(to_json(transcript))
    assert loaded == json.loads(to_json_line(transcript))
    assert loaded["text"] == transcript.text
    assert [(round(w["start_s"] * 1000), round(w["end_s"] * 1000), w["word"]) for w in loaded["words"]] == expected
    assert all(word["end_s"] <= loaded["duration_s"] for word in loaded["words"])

    header, *rows = to_tsv(transcript).splitlines()
    assert header.split("\t") == ["start_s", "end_s", "word", "confidence"]
    cells = [row.split("\t") for row in rows]
    assert [(round(float(a) * 1000), round(float(b) * 1000), w) for a, b, w, _ in cells] == expected

    found = []
    for row in to_ctm(transcript).splitlines():
        name, channel, start, length, word, confidence = row.split(" ")
        assert (name, channel) == ("c_d" if transcript.source else "audio", "1")
        assert 0 <= float(confidence) <= 1
        start_ms = round(float(start) * 1000)
        found.append((start_ms, start_ms + round(float(length) * 1000), word))
    assert found == expected

    end_ms, tiers = parse_textgrid(to_textgrid(transcript))
    assert list(tiers) == ["words", "confidence"]
    intervals = tiers["words"]
    assert end_ms == limit_ms
    assert [interval[0] for interval in intervals] == [0] + [i[1] for i in intervals[:-1]]
    assert intervals[-1][1] == end_ms
    kept = [row for row in expected if row[1] > row[0]]
    assert [interval for interval in intervals if interval[2]] == kept
    assert [row[:2] for row in tiers["confidence"]] == [row[:2] for row in intervals]
    shown = [confidence_digits(span.confidence) for span in spans if span.end_ms > span.start_ms]
    assert [label for _, _, label in tiers["confidence"] if label] == shown

    assert to_txt(transcript).split() == transcript.text.split()


@given(transcripts())
@settings(deadline=None, max_examples=50)
def test_cues_are_readable_and_lose_nothing(transcript):
    assume("-->" not in transcript.text)  # SubRip cannot hold it
    parsed = parse_srt(to_srt(transcript))
    assert parsed == parse_vtt(to_vtt(transcript))
    reached = 0
    for start_ms, end_ms, lines in parsed:
        assert reached <= start_ms <= end_ms <= transcript.duration_s * 1000
        assert end_ms - start_ms <= MAX_CUE_MS
        assert 1 <= len(lines) <= 2
        assert all(0 < len(line) <= MAX_LINE_CHARACTERS for line in lines)
        reached = end_ms
    shown = "".join("".join(lines) for _, _, lines in parsed).replace(" ", "")
    assert shown == transcript.text.replace(" ", "")


def test_cues_end_at_pauses():
    text = (SENTENCE + " and go on").split()  # one line too long for a cue
    words, time_s = [], 0.0
    for index, word in enumerate(text):
        time_s += 0.6 if index == 8 else 0.05  # before "glue"
        words.append(Word(text=word, start_s=time_s, end_s=time_s + 0.25, confidence=1.0))
        time_s += 0.25
    transcript = Transcript(words=tuple(words), duration_s=10.0)
    texts = [" ".join(lines) for _, _, lines in parse_srt(to_srt(transcript))]
    assert texts == [" ".join(text[:8]), " ".join(text[8:])]


def test_cues_end_with_sentences():
    text = ("The birch canoe slid on the smooth planks. " + "Glue the sheet to the dark blue background now").split()
    words = [Word(text=word, start_s=i / 4, end_s=(i + 1) / 4, confidence=1.0) for i, word in enumerate(text)]
    transcript = Transcript(words=tuple(words), duration_s=10.0)
    texts = [" ".join(lines) for _, _, lines in parse_srt(to_srt(transcript))]
    assert texts == [" ".join(text[:8]), " ".join(text[8:])]


def test_cues_fill_lines_evenly_and_stay_long_enough_to_read():
    assert lay_out("short text") == ("short text",)
    first, second = lay_out("the birch canoe slid on the smooth planks glue the sheet")
    assert abs(len(first) - len(second)) <= 6
    short = cues([Span(text="yes", start_ms=100, end_ms=300, confidence=1.0)], duration_s=5.0)
    assert (short[0].start_ms, short[0].end_ms) == (100, 1100)


def test_vtt_times_words_inside_a_cue():
    _, cue = to_vtt(transcript_of("one <two> three")).rstrip().split("\n\n")
    assert cue == "00:00:00.500 --> 00:00:01.600\none <00:00:00.900>&lt;two&gt; <00:00:01.300>three"


def test_ten_thousand_words_take_no_time():
    transcript = transcript_of(" ".join([SENTENCE] * 600), gap_s=0.05)
    parsed = parse_srt(to_srt(transcript))
    assert 300 < len(parsed) < 3000
    texts = [len(" ".join(lines)) for _, _, lines in parsed]
    assert sum(texts) / len(texts) > 50  # well filled


def test_praat_reads_the_textgrid(tmp_path):
    parselmouth = pytest.importorskip("parselmouth", reason="parselmouth is not installed")
    from parselmouth.praat import call

    transcript = transcript_of(SENTENCE)
    path = tmp_path / "x.TextGrid"
    path.write_text(to_textgrid(transcript), encoding="utf-8")
    grid = parselmouth.read(str(path))
    assert call(grid, "Get number of tiers") == 2
    assert call(grid, "Get tier name", 2) == "confidence"
    assert call(grid, "Get label of interval", 2, 2) == "0.876"
    num_intervals = call(grid, "Get number of intervals", 1)
    labels = [call(grid, "Get label of interval", 1, n + 1) for n in range(num_intervals)]
    assert " ".join(filter(None, labels)) == SENTENCE
    assert call(grid, "Get end time") == pytest.approx(transcript.duration_s, abs=0.001)


def test_text_breaks_at_long_pauses_only():
    words = [
        Word(text=text, start_s=start_s, end_s=start_s + 0.5, confidence=1.0)
        for text, start_s in [("one", 0.0), ("two", 1.0), ("three", 3.5)]
    ]
    assert to_txt(Transcript(words=tuple(words), duration_s=5.0)) == "one two\nthree\n"
    assert to_txt(Transcript(words=(), duration_s=5.0)) == "\n"


def test_long_lines_of_text_end_at_shorter_pauses():
    steady = transcript_of(" ".join([SENTENCE] * 20))
    assert to_txt(steady).count("\n") == 1  # without a pause there is no place to break it
    words, late_s, length = [], 0.0, len(SENTENCE.split())
    for index, word in enumerate(steady.words):
        late_s += 0.3 * (index % length == 0) + 0.7 * (index % (2 * length) == 0)  # over a second after every other one
        words.append(replace(word, start_s=word.start_s + late_s, end_s=word.end_s + late_s))
    lines = to_txt(Transcript(words=tuple(words), duration_s=steady.duration_s + late_s)).splitlines()
    assert " ".join(lines) == steady.text
    assert {len(line) for line in lines} == {4 * len(SENTENCE) + 3}  # of two sentences it would be too short
    assert to_txt(Transcript(words=tuple(words[: 2 * length]), duration_s=40.0)).count("\n") == 1


def test_every_format_has_a_suffix_and_unknown_ones_are_refused():
    assert set(SUFFIXES) == set(WRITERS)
    assert check_formats(["srt", "json", "srt"]) == ("srt", "json")
    with pytest.raises(ValueError, match="docx.*known.*textgrid"):
        check_formats(["docx"])


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "two words"},
        {"start_s": -0.1},
        {"end_s": 0.1},
        {"start_s": float("nan")},
        {"confidence": 1.1},
    ],
)
def test_words_are_checked(fields):
    good = {"text": "word", "start_s": 0.1, "end_s": 0.2, "confidence": 0.5}
    Word(**good)
    with pytest.raises(ValueError, match="word"):
        Word(**good | fields)


def test_transcripts_are_checked():
    first = Word(text="a", start_s=0.0, end_s=1.0, confidence=1.0)
    second = Word(text="b", start_s=0.9, end_s=1.5, confidence=1.0)
    with pytest.raises(ValueError, match="word 1 'b'"):
        Transcript(words=(first, second), duration_s=2.0)
    with pytest.raises(ValueError, match="word 0 'a'"):
        Transcript(words=(first,), duration_s=0.9)


def test_phones_are_called_so():
    phone = Word(text="AA1", start_s=0.2, end_s=0.5, confidence=0.9)
    phones = Transcript(words=(phone,), duration_s=1.0, unit="phone")
    found = json.loads(to_json(phones))
    assert "words" not in found
    assert [one["phone"] for one in found["phones"]] == ["AA1"]
    assert to_tsv(phones).splitlines()[0].split("\t") == ["start_s", "end_s", "phone", "confidence"]
    assert 'name = "phones"' in to_textgrid(phones)
    words = replace(phones, unit="word")
    for writer in (to_txt, to_srt, to_vtt, to_ctm):  # have no names
        assert writer(phones) == writer(words)


def test_json_is_utf_8_whatever_a_file_is_called():
    transcript = Transcript(words=(), duration_s=1.0, source=os.fsdecode(b"caf\xe9.wav"), model="m")
    for write in (WRITERS["json"], to_json_line):
        assert json.loads(write(transcript).encode())["source"] == transcript.source


def test_arrows_in_a_text_are_no_times():
    words = (Word(text="-->", start_s=0.1, end_s=0.5, confidence=1.0),)
    transcript = Transcript(words=words, duration_s=1.0)
    assert to_srt(transcript).count("-->") == to_vtt(transcript).count("-->") == 1
