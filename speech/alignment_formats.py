"""Alignments as files: words and phones for Praat, for scoring tools and as JSON; words alone as subtitles."""

import json
from collections.abc import Sequence
from dataclasses import replace

from speech.aligner import PAUSE_SYMBOL, AlignedPhone, Alignment
from speech.formats import SUFFIXES, WRITERS, confidence_digits, textgrid
from speech.phones import spoken_words
from speech.transcript import Span, Word, milliseconds
from speech.transcript import Transcript as TimedText
from speech.units import SILENCE_SYMBOL

LEVELS = ("word", "phone")
#: Formats that hold phones; the others know words only.
PHONE_FORMATS = ("json", "textgrid", "ctm")
#: Formats that people read: they keep the capitals and the punctuation of the text, txt its lines too.
READ_FORMATS = ("txt", "srt", "vtt")


def write_alignment(
    alignment: Alignment, format_name: str, levels: Sequence[str], written: str | None = None
) -> dict[str, str]:
    """Text of each file of a format, by the ending of its name.

    Parameters
    ----------
    alignment : Alignment
    format_name : one of `speech.formats.WRITERS`
    levels : "word", "phone" or both
    written : the text that was aligned, as which `READ_FORMATS` show the words; None shows them as aligned

    Returns
    -------
    dict : one file, but with two levels two CTM files, `.ctm` of the words and `.phones.ctm`

    Examples
    --------
    >>> empty = Alignment(words=(), phones=(), duration_s=1.0)
    >>> sorted(write_alignment(empty, "ctm", ["word", "phone"]))
    ['.ctm', '.phones.ctm']
    """
    words, suffix = alignment.as_transcript(), SUFFIXES[format_name]
    if written is not None and format_name == "txt":
        return {suffix: "".join(" ".join(line.split()) + "\n" for line in written.strip().splitlines())}
    if written is not None and format_name in READ_FORMATS:
        return {suffix: WRITERS[format_name](as_written(words, written))}
    if format_name == "json":
        return {suffix: json.dumps(as_dict(alignment, levels), ensure_ascii=False, indent=1) + "\n"}
    if format_name == "textgrid":
        tiers = {f"{level}s": milliseconds(words if level == "word" else _phones(alignment)) for level in levels}
        return {suffix: textgrid(tiers, alignment.duration_s)}
    if format_name == "ctm" and "phone" in levels:
        phones = WRITERS["ctm"](_phones(alignment))
        return {suffix: WRITERS["ctm"](words), ".phones.ctm": phones} if "word" in levels else {suffix: phones}
    return {suffix: WRITERS[format_name](words)}


def as_written(words: TimedText, written: str) -> TimedText:
    """The words with the capitals and the punctuation of the text that was aligned.

    What stands between two spaces there is one word here, so "well-known" is; its confidence is the least of its
    parts'. Marks that stand alone join the word before them.

    Examples
    --------
    >>> parts = [Word(text=t, start_s=i, end_s=i + 1, confidence=1) for i, t in enumerate(["oh", "well", "known"])]
    >>> as_written(TimedText(words=tuple(parts), duration_s=3.0), "Oh -- well-known!").text
    'Oh-- well-known!'
    """
    left = iter(words.words)
    found: list[Word] = []
    before = ""  # marks before the first word
    for piece in written.split():
        own = [next(left) for _ in spoken_words(piece)]
        if own:
            confidence = min(word.confidence for word in own)
            found.append(replace(own[0], text=before + piece, end_s=own[-1].end_s, confidence=confidence))
            before = ""
        elif found:
            found[-1] = replace(found[-1], text=found[-1].text + piece)
        else:
            before += piece
    return replace(words, words=tuple(found))


def as_dict(alignment: Alignment, levels: Sequence[str]) -> dict:
    """What the JSON file holds: text, times in seconds to 1 ms, scores as `confidence_digits` has them."""
    found: dict = {
        "text": " ".join(word.word for word in alignment.words),
        "duration_s": int(alignment.duration_s * 1000) / 1000,
        "source": alignment.source,
        "model": alignment.model,
    }
    if "word" in levels:
        found["words"] = [{"word": span.text, **_times(span)} for span in milliseconds(alignment.as_transcript())]
    if "phone" in levels:
        found["phones"] = [
            {"phone": span.text, **_times(span)} for span in milliseconds(_timed(alignment.phones, alignment))
        ]
    return found


def _times(span: Span) -> dict:
    return {
        "start_s": span.start_ms / 1000,
        "end_s": span.end_ms / 1000,
        "score": float(confidence_digits(span.confidence)),
    }


def _phones(alignment: Alignment) -> TimedText:
    """Phones without silences, which in these formats are what is left between."""
    return _timed([p for p in alignment.phones if p.phone not in (PAUSE_SYMBOL, SILENCE_SYMBOL)], alignment)


def _timed(phones: Sequence[AlignedPhone], alignment: Alignment) -> TimedText:
    marks = [Word(text=p.phone, start_s=p.start_s, end_s=p.end_s, confidence=p.score) for p in phones]
    return TimedText(words=tuple(marks), duration_s=alignment.duration_s, source=alignment.source)
