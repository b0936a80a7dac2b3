"""`speech align`: when each word and phone of a text is said."""

import argparse
import contextlib
import functools
import os
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.alignments import AlignmentOutput
from speech.commands.done import left_alone
from speech.commands.options import add_output_options, chosen_formats, comma_list, natural, path_name
from speech.commands.outputs import check_file, hint, is_final
from speech.commands.pairs import Pair, find_pairs
from speech.commands.progress import Progress
from speech.errors import SpeechError
from speech.files import no_empty_folder

if TYPE_CHECKING:
    from speech.aligner import Aligner, Alignment
    from speech.long_alignment import Mismatch
    from speech.sources import Clip
    from speech.transcribe import Transcriber

ROUNDING_S = 0.1  # a manifest's duration may pass the end by this; by 1 % too, of a row that is a whole file
LONG_S = 120.0  # recordings from here on are first aligned by a CTC model, in windows, then by phones piece by piece
UNLIKELY_SCORE = 0.01  # a word below was probably not said: so are 97 of 100 that were put in by mistake
SHOWN_CHARACTERS = 200  # of a stretch that messages cite
SUSPICIOUS_SHARE = 0.5  # of unlikely words, from which a text is said not to match its audio

DESCRIPTION = """\
Find when each word and each phone of a text is said.

AUDIO is a recording and TEXT a file with what is said in it; one of them may be - for standard input.
Or give a manifest (JSON lines with audio_filepath, duration, text), of which every row is aligned;
times count from the row's offset. Punctuation is ignored, but kept in txt, srt and vtt, and in txt the
lines of the text; numbers have to be written in words.
"""

EPILOG = """\
examples:
  speech align talk.wav talk.txt                            # TextGrid on the screen
  speech align talk.wav talk.txt -o talk.srt --level word
  speech align train.jsonl --format textgrid,ctm --output-dir aligned/
  speech align names.wav names.txt --lexicon names.tsv      # rows of a word, a tab, its phones

Each word has a score from 0 to 1: a word that is not what was said mostly shows a low one. Where more
than half of a text's words score below 0.01 it is not what is said: the files are written all the same,
a message names the recording, and the exit code is 3. In recordings of over two minutes, stretches whose
text is not what is heard are named too; by themselves they do not change the exit code.

With --output-dir a run that was interrupted goes on where it stopped: what was made from the same
recording, text, channel, level, model and lexicon is left alone (.speech-align.jsonl in that folder
tells), and so are files that this command did not write or that were changed since. --overwrite does
all again. Rows whose recordings share a name get the number of the row behind it (a_1, a_7); what has a
name there keeps it.

exit codes:
  0 all done; 1 some failed, the others are done; 2 wrong usage, or nothing could be done;
  3 all done, but a text is not what is said; 130 interrupted; 143 terminated
  A text that cannot be said in the time of its recording fails. Where several hold, 130 and 143 go
  before 2, 2 before 1, and 1 before 3: a doubted text is then named only.
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "align",
        help="when each word and phone of a text is said",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("audio", type=path_name, metavar="AUDIO", help="recording, or a manifest (.jsonl)")
    parser.add_argument(
        "text", nargs="?", type=path_name, metavar="TEXT", help="file with what is said; none with a manifest"
    )
    parser.add_argument("--level", default="phone,word", metavar="LEVELS", help="phone, word, or phone,word (default)")
    add_output_options(parser, "textgrid")
    parser.add_argument("--overwrite", action="store_true", help="do finished recordings again")
    parser.add_argument(
        "--channel", type=natural, metavar="N", help="listen to this channel only (default: mean of all)"
    )
    parser.add_argument(
        "--model", type=path_name, metavar="FILE", help="model with a framewise head (default: the included aligner)"
    )
    parser.add_argument(
        "--lexicon", type=path_name, metavar="FILE", help="pronunciations that replace those of the dictionary"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Align; returns the exit code."""
    with no_empty_folder(arguments.output_dir):
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
    """Align into a folder that goes again if nothing is written into it."""
    formats, levels = _choices(arguments)
    pairs, problems = find_pairs(arguments.audio, arguments.text)
    output_dir = Path(arguments.output_dir) if arguments.output_dir else None
    if output_dir is None and (len(pairs) + len(problems) > 1 or len(formats) > 1):
        count = len(pairs) + len(problems)
        what = f"{count} recordings" if count > 1 else f"{len(formats)} formats"
        raise SpeechError(f"{what} do not fit into one output; use --output-dir DIR")
    if arguments.output:
        read = [arguments.model, arguments.lexicon, *(path for pair in pairs for path in pair.inputs)]
        check_file(Path(arguments.output), f"--output {arguments.output}", read)
    output = AlignmentOutput(arguments, formats, levels, output_dir)
    waiting, doubts = [], []
    for pair in output.named(pairs):
        entry = output.done(pair)
        if entry is None:
            waiting.append(pair)
        elif entry["note"]:
            doubts.append(entry["note"])
    progress = Progress(total=len(waiting) + len(problems))
    for name, problem in problems:
        progress.failed(name, problem)
    for doubt in doubts:
        progress.note(doubt)
    try:
        if waiting:
            with progress.noting():
                doubts += _align(waiting, arguments, output, progress)
    except KeyboardInterrupt as interrupt:
        if output_dir is None:
            raise
        raise KeyboardInterrupt("what is done is kept; run it again to go on") from interrupt
    finally:
        if output.strange:
            progress.note(left_alone(output.strange))
        for path in output.read:
            progress.note(f"{path}: is read by the same command, so left as it is; name another --output-dir")
        progress.summary(num_skipped=len(pairs) - len(waiting), verb="aligned", skip_note="--overwrite redoes them")
    if progress.failures:
        return 1 if progress.num_done or len(waiting) < len(pairs) else 2
    return 3 if doubts else 0


def _choices(arguments: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Formats and levels, checked."""
    from speech.alignment_formats import LEVELS, PHONE_FORMATS

    levels = tuple(dict.fromkeys(comma_list(arguments.level.lower())))
    if not levels or set(levels) - set(LEVELS):
        raise SpeechError(f"--level {arguments.level}: known levels are {', '.join(LEVELS)}")
    formats = chosen_formats(arguments, "textgrid")
    if "ctm" in formats and len(levels) > 1 and not arguments.output_dir:
        raise SpeechError("--format ctm of words and phones are two lists: name one --level, or use --output-dir DIR")
    wordless = [name for name in formats if name not in PHONE_FORMATS]
    if wordless and levels == ("phone",):
        raise SpeechError(f"--format {wordless[0]} holds words only; use --level word, or {', '.join(PHONE_FORMATS)}")
    return formats, levels


def _align(pairs: list[Pair], arguments: argparse.Namespace, output: AlignmentOutput, progress: Progress) -> list[str]:
    """Align each pair and put its files where they belong as soon as they are there; texts that are doubted."""
    from speech.aligner import Aligner
    from speech.lexicon import PronunciationError
    from speech.loading import load_model

    aligner = Aligner.load(arguments.model, arguments.lexicon)
    listener = functools.cache(lambda: load_model(lm=False))
    doubts = []
    for pair in pairs:
        taken = output.taken(pair)
        if taken:
            progress.failed(pair.label, taken)
            continue
        progress.working(pair.path, 0.0)
        key = output.key(pair)  # before it is read: a recording that is replaced meanwhile is not done
        try:
            with _clip(pair, progress) as (clip, length_s):
                if length_s > LONG_S:
                    alignment = _align_long(aligner, listener, pair, clip, arguments.channel, progress)
                else:
                    alignment = aligner.align(clip, pair.text, channel=arguments.channel)
        except PronunciationError as error:
            progress.failed(pair.label, pair.told_of_text(str(error)))
            continue
        except SpeechError as error:
            progress.failed(pair.label, pair.told(str(error)))
            continue
        progress.clear()
        doubt = _doubt(pair, alignment)
        if doubt:
            doubts.append(doubt)
            progress.note(doubt)
        try:
            output.put(pair, key, alignment, doubt)
        except OSError as error:
            if output.is_screen:
                raise
            reason = error.strerror or error
            progress.failed(pair.label, pair.told(f"its alignment cannot be written ({reason}){hint(error)}"))
            if is_final(error):
                break
            continue
        progress.done(pair.path, alignment.duration_s)
    return doubts


def _doubt(pair: Pair, alignment: "Alignment") -> str:
    """A sentence if most words do not sound like the text."""
    unlikely = [word for word in alignment.words if word.score < UNLIKELY_SCORE]
    if len(unlikely) <= SUSPICIOUS_SHARE * len(alignment.words):
        return ""
    return pair.told(
        f"{len(unlikely)} of {len(alignment.words)} words do not sound like the text, the first"
        f' "{unlikely[0].word}" at {unlikely[0].start_s:.2f} s; is it the right one?'
    )


@contextlib.contextmanager
def _clip(pair: Pair, progress: Progress) -> Iterator[tuple["Clip", float]]:
    """The part of the recording to align, which can be read more than once, and its length in seconds.

    A row that starts with its file and says to be a little longer is the whole file.
    """
    from speech.audio import info
    from speech.sources import Clip
    from speech.streams import seekable

    with seekable(pair.path) as handle:
        clip = Clip(path=pair.path if os.path.isfile(pair.path) else handle, offset_s=pair.offset_s)
        if pair.duration_s is None:
            yield clip, info(clip.path).duration_s
            return
        over_s = 0.0 if pair.offset_s else pair.duration_s - info(clip.path).duration_s
        if 0 < over_s <= max(ROUNDING_S, 0.01 * pair.duration_s):
            if over_s > ROUNDING_S:
                progress.note(
                    pair.told(f"the file ends {over_s:.2f} s before the row's duration; all of it is aligned")
                )
            yield clip, pair.duration_s - over_s
            return
        yield replace(clip, duration_s=pair.duration_s), pair.duration_s


def _align_long(
    aligner: "Aligner",
    listener: Callable[[], "Transcriber"],
    pair: Pair,
    clip: "Clip",
    channel: int | None,
    progress: Progress,
) -> "Alignment":
    """Align a recording of hours; stretches whose text is not what is heard are told."""
    from speech.long_alignment import align_long
    from speech.phones import pronounce_transcript
    from speech.piecewise import align_pieces

    def tell(what: str, seconds: float) -> None:
        progress.working(f"{pair.path}, {what}", seconds)

    pronounce_transcript(pair.text, aligner.lexicon)  # a word without a pronunciation is found before the long work
    found = align_long(clip, pair.text, listener(), channel=channel, progress=lambda _, seconds: tell("heard", seconds))
    for stretch in found.mismatches:
        progress.note(f"{pair.label}, {_told(stretch)}")
    return align_pieces(aligner, found, clip, channel=channel, progress=lambda seconds: tell("aligned", seconds))


def _told(stretch: "Mismatch") -> str:
    """Where a text is not what is heard; of a stretch in which much more is said, no share of the text differs."""
    text, heard = (
        textwrap.shorten(words, SHOWN_CHARACTERS, placeholder=" ...") for words in (stretch.text, stretch.heard)
    )
    rate = stretch.error_rate
    differs = f"{rate:.0%} of it differs" if rate <= 1 else "more is said than the text has"
    return (
        f'{stretch.start_s:.1f} to {stretch.end_s:.1f} s: the text "{text}" is not what is heard there ("{heard}",'
        f" {differs})"
    )
