"""Transcripts as text for people, subtitle players and speech tools: one function a format.

Every structured format counts in the whole milliseconds of `transcript.milliseconds`, so what was
monotone and inside the audio stays so, and all formats of one transcript agree.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from speech.cues import Cue, cues
from speech.transcript import Span, Transcript, milliseconds

#: txt begins a new line at a pause of so many seconds, behind a line of at least so many characters.
LINE_PAUSES_S = ((0, 2.0), (200, 1.0), (400, 0.3))


def to_txt(transcript: Transcript) -> str:
    """Plain text; a new line after each pause of two seconds, and after shorter ones the longer the line is."""
    lines = [""]
    previous_end_s = 0.0
    for word in transcript.words:
        pause_s = word.start_s - previous_end_s
        if lines[-1] and any(len(lines[-1]) >= length and pause_s >= enough_s for length, enough_s in LINE_PAUSES_S):
            lines.append("")
        lines[-1] += f" {word.text}" if lines[-1] else word.text
        previous_end_s = word.end_s
    return "".join(f"{line}\n" for line in lines)


def to_json(transcript: Transcript) -> str:
    """One JSON object: text, duration_s, source, model, and words (or phones) with their times."""
    return _whole(json.dumps(as_dict(transcript), ensure_ascii=False, indent=1)) + "\n"


def to_json_line(transcript: Transcript) -> str:
    """The object of `to_json` on one line, for several transcripts in one stream."""
    return _whole(json.dumps(as_dict(transcript), ensure_ascii=False)) + "\n"


def _whole(text: str) -> str:
    """JSON in which bytes of file names that are no text are escaped, so that all of it is UTF-8."""
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def as_dict(transcript: Transcript) -> dict:
    """The fields of `to_json`; seconds rounded to 1 ms, confidences as `confidence_digits` says."""
    return {
        "text": transcript.text,
        "duration_s": int(transcript.duration_s * 1000) / 1000,
        "source": transcript.source,
        "model": transcript.model,
        f"{transcript.unit}s": [
            {
                transcript.unit: span.text,
                "start_s": span.start_ms / 1000,
                "end_s": span.end_ms / 1000,
                "confidence": float(confidence_digits(span.confidence)),
            }
            for span in milliseconds(transcript)
        ],
    }


def confidence_digits(confidence: float) -> str:
    """A confidence to 3 places, or 3 digits if it is small: the least of several shall be seen.

    >>> confidence_digits(0.98765), confidence_digits(0.000123456), confidence_digits(0.0)
    ('0.988', '0.000123', '0.000')
    """
    places = 3 if confidence >= 0.1 or confidence == 0 else min(12, 2 - math.floor(math.log10(confidence)))
    return f"{confidence:.{places}f}"


def to_tsv(transcript: Transcript) -> str:
    """Tab-separated words under a header line: start_s, end_s, word (or phone), confidence."""
    rows = [f"start_s\tend_s\t{transcript.unit}\tconfidence\n"]
    rows += [
        f"{_seconds(span.start_ms)}\t{_seconds(span.end_ms)}\t{span.text}\t{confidence_digits(span.confidence)}\n"
        for span in milliseconds(transcript)
    ]
    return "".join(rows)


def to_ctm(transcript: Transcript) -> str:
    """NIST CTM: recording, channel, start, duration, word, confidence; for sclite and Kaldi.

    The recording is the file's name without its ending; white space in it becomes ``_``.
    """
    name = transcript.source.replace("\\", "/").rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] or name
    recording = "_".join(stem.split()) or "audio"
    return "".join(
        f"{recording} 1 {_seconds(span.start_ms)} {_seconds(span.end_ms - span.start_ms)} "
        f"{span.text} {confidence_digits(span.confidence)}\n"
        for span in milliseconds(transcript)
    )


def to_textgrid(transcript: Transcript) -> str:
    """Praat's long TextGrid with two interval tiers, ``words`` (or ``phones``) and ``confidence``; pauses are empty.

    Both tiers have the same intervals, which tile the time from 0 to the (millisecond) end of the audio
    without gaps, as Praat demands.
    """
    spans = milliseconds(transcript)
    confidences = [replace(span, text=confidence_digits(span.confidence)) for span in spans]
    return textgrid({f"{transcript.unit}s": spans, "confidence": confidences}, transcript.duration_s)


def textgrid(tiers: dict[str, list[Span]], duration_s: float) -> str:
    """Praat's long TextGrid of interval tiers by name, each tiling the time from 0 to the (millisecond) end."""
    end_ms = int(duration_s * 1000)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_seconds(end_ms)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, spans) in enumerate(tiers.items(), start=1):
        lines += _tier(number, name, _intervals(spans, end_ms))
    return "\n".join(lines) + "\n"


def _intervals(spans: Sequence[Span], end_ms: int) -> list[tuple[int, int, str]]:
    """Intervals (start_ms, end_ms, label) of spans and, empty, of the pauses between them."""
    intervals: list[tuple[int, int, str]] = []
    reached_ms = 0
    for span in spans:
        if span.start_ms > reached_ms:
            intervals.append((reached_ms, span.start_ms, ""))
        if span.end_ms > span.start_ms:
            intervals.append((span.start_ms, span.end_ms, span.text))
        reached_ms = span.end_ms
    if reached_ms < end_ms or not intervals:
        intervals.append((reached_ms, end_ms, ""))
    return intervals


def _tier(number: int, name: str, intervals: Sequence[tuple[int, int, str]]) -> list[str]:
    """Lines of one tier of a TextGrid; intervals are (start_ms, end_ms, label)."""
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {_seconds(intervals[-1][1])}",
        f"        intervals: size = {len(intervals)}",
    ]
    for index, (start, end, text) in enumerate(intervals, start=1):
        quoted = text.replace('"', '""')
        lines += [
            f"        intervals [{index}]:",
            f"            xmin = {_seconds(start)}",
            f"            xmax = {_seconds(end)}",
            f'            text = "{quoted}"',
        ]
    return lines


def to_srt(transcript: Transcript) -> str:
    """SubRip subtitles in cues of readable length (see `speech.cues`)."""
    return "".join(
        f"{number}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n"
        + "\n".join(cue.lines).replace("-->", "->")  # an arrow is what players know times by
        + "\n\n"
        for number, cue in enumerate(cues(milliseconds(transcript), transcript.duration_s), start=1)
    )


def to_vtt(transcript: Transcript) -> str:
    """WebVTT subtitles, the cues of `to_srt`, each word after the time when it begins.

    ``&``, ``<`` and ``>`` are escaped. A word that begins with its cue, or no later than the word before
    it, has no time of its own: WebVTT wants such times inside the cue and growing.
    """
    parts = ["WEBVTT\n\n"]
    for cue in cues(milliseconds(transcript), transcript.duration_s):
        parts.append(f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{_timed_lines(cue)}\n\n")
    return "".join(parts)


def _timed_lines(cue: Cue) -> str:
    """Lines of a WebVTT cue with the words' times between them."""
    words = iter(cue.words)
    reached_ms = cue.start_ms
    lines = []
    for line in cue.lines:
        timed = []
        for _ in line.split(" "):
            word = next(words)
            text = word.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            if reached_ms < word.start_ms < cue.end_ms:
                reached_ms = word.start_ms
                text = f"<{_clock(reached_ms, '.')}>{text}"
            timed.append(text)
        lines.append(" ".join(timed))
    return "\n".join(lines)


def _seconds(time_ms: int) -> str:
    return f"{time_ms // 1000}.{time_ms % 1000:03d}"


def _clock(time_ms: int, point: str) -> str:
    """hh:mm:ss,mmm, as subtitles write it."""
    minutes, rest = divmod(time_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"


WRITERS: dict[str, Callable[[Transcript], str]] = {
    "txt": to_txt,
    "json": to_json,
    "srt": to_srt,
    "vtt": to_vtt,
    "tsv": to_tsv,
    "ctm": to_ctm,
    "textgrid": to_textgrid,
}
SUFFIXES = {name: f".{name}" for name in WRITERS} | {"textgrid": ".TextGrid"}


def check_formats(names: Sequence[str]) -> tuple[str, ...]:
    """`names` without repeats; ValueError names one that is unknown."""
    for name in names:
        if name not in WRITERS:
            raise ValueError(f"format {name!r} is unknown; known: {', '.join(WRITERS)}")
    return tuple(dict.fromkeys(names))
