"""`speech lm`: train, score and convert n-gram language models."""

import argparse
import contextlib
import logging
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from speech.commands.inputs import STDIN
from speech.commands.options import add_choice, comma_list, path_name, positive
from speech.commands.outputs import check_file
from speech.errors import SpeechError
from speech.files import is_replaceable

if TYPE_CHECKING:
    from ctc import NGram
    from speech.lm import EstimationConfig, TextLines

logger = logging.getLogger(__name__)
EPILOG = """\
examples:
  speech lm train novels.txt.xz letters.txt --order 4 --prune 0,0,1 -o books.lm
  speech lm train calls.txt --order 3 -o calls.arpa.gz
  speech lm score books.lm held-out.txt
  speech lm convert books.arpa.gz books.lm --quantise
  speech transcribe talk.mp3 --lm books.lm

Text is UTF-8, one sentence a line (.gz, .xz and .bz2 too), - for standard input. It is brought into the
form of transcripts first (lower case, no punctuation) unless --as-is is given. Files whose names end in
.arpa or .arpa.gz are ARPA, all others the binary form, which loads at once. Beside a model that was
trained stands MODEL.json, its card, which `speech info MODEL` shows; conversions get it too.
"""
LINE_S = 10.0  # between lines on how much of a text has been read
ARPA_SUFFIXES = (".arpa", ".arpa.gz")
OTHER_ARPA_SUFFIXES = (".arpa.xz", ".arpa.bz2", ".arpa.zst", ".arpa.zip")


def add_parser(subparsers) -> None:
    """Describe the command and its subcommands."""
    parser = subparsers.add_parser(
        "lm",
        help="train, score and convert language models",
        description="N-gram language models: what words follow which.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = add_choice(parser, "actions", "ACTION")
    _add_train(actions)
    _add_score(actions)
    convert = actions.add_parser("convert", help="from ARPA to the binary form or back")
    convert.add_argument("model", type=path_name, metavar="MODEL", help="binary or ARPA")
    convert.add_argument(
        "output", type=path_name, metavar="OUTPUT", help="binary, or ARPA if it ends in .arpa or .arpa.gz"
    )
    convert.add_argument("--quantise", action="store_true", help="8-bit values: a fifth of the size")
    convert.set_defaults(run=run_convert)


def _add_train(actions) -> None:
    train = actions.add_parser(
        "train",
        help="estimate a model from text",
        description="Estimate an n-gram model with modified Kneser-Ney smoothing. Text may be larger than memory.",
    )
    train.add_argument("texts", nargs="+", type=path_name, metavar="TEXT", help="one sentence a line")
    train.add_argument("-o", "--output", required=True, type=path_name, metavar="MODEL", help="file to write")
    train.add_argument(
        "--order", type=positive, default=3, metavar="N", help="words that are looked at, 1 to 6 (default: 3)"
    )
    train.add_argument(
        "--prune",
        type=counts,
        default=(0,),
        metavar="COUNTS",
        help="for each order the highest count that is dropped, e.g. 0,0,1: three words seen once (default: 0)",
    )
    train.add_argument("--prune-by", type=threshold, metavar="X", help="drop n-grams that matter less, e.g. 1e-8")
    train.add_argument("--words", type=positive, metavar="N", help="keep the N most frequent words")
    train.add_argument("--unit", choices=("word", "character"), default="word", help="what is counted (default: word)")
    train.add_argument("--as-is", action="store_true", help="take lines as they are")
    train.add_argument(
        "--discount-fallback",
        action="store_true",
        help="go on where text is too little for estimates (characters always do)",
    )
    train.add_argument(
        "--memory", type=positive, default=1024, metavar="MIB", help="memory for counting (default: 1024)"
    )
    train.add_argument("--quantise", action="store_true", help="8-bit values: a fifth of the size")
    train.set_defaults(run=run_train)


def _add_score(actions) -> None:
    score = actions.add_parser(
        "score",
        help="perplexity of a text under a model",
        description="How well a model predicts text: the lower the perplexity the better.",
    )
    score.add_argument("model", type=path_name, metavar="MODEL", help="binary or ARPA")
    score.add_argument("texts", nargs="+", type=path_name, metavar="TEXT", help="one sentence a line")
    score.add_argument("--as-is", action="store_true", help="take lines as they are")
    score.add_argument("--sentences", action="store_true", help="print each line's log10 probability before it")
    score.set_defaults(run=run_score)


def threshold(text: str) -> float:
    """A number from 0 up."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up, such as 1e-8")
    return value


def counts(text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    try:
        return tuple(int(part) for part in comma_list(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of counts such as 0,0,1") from error


def run_train(arguments: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    check_file(Path(arguments.output), f"--output {arguments.output}", arguments.texts)
    check_form(arguments.output, quantise=arguments.quantise)
    check_texts(arguments.texts)
    has_card = is_replaceable(arguments.output)
    from speech.lm import EstimationConfig, estimate
    from speech.lm.card import check_card
    from speech.lm.shaping import prune

    if has_card:
        check_card(arguments.output)

    config = EstimationConfig(
        order=arguments.order,
        unit=arguments.unit,
        prune=arguments.prune,
        max_words=arguments.words or 0,
        discount_fallback=arguments.discount_fallback,
        memory_mib=arguments.memory,
    )
    model = estimate(sentences(arguments.texts, arguments.as_is), config)
    if arguments.prune_by is not None:
        model = prune(model, arguments.prune_by)
    write(arguments.output, model, quantise=arguments.quantise)
    if has_card:
        describe(arguments, model, config)
    sizes = ", ".join(f"{size} of {order}" for order, size in enumerate(model.level_sizes, 1))
    print(f"{arguments.output}: n-grams: {sizes} {arguments.unit}s; {Path(arguments.output).stat().st_size} bytes")
    return 0


def describe(arguments: argparse.Namespace, model: "NGram", config: "EstimationConfig") -> None:
    """Write the card of a model that was trained."""
    from speech.lm.card import write_card
    from speech.text import NORMALIZATION_VERSION

    with writing_card(arguments.output):
        write_card(
            arguments.output,
            model,
            config,
            texts=["standard input" if text == STDIN else Path(text).name for text in arguments.texts],
            normalization="none" if arguments.as_is else NORMALIZATION_VERSION,
            prune_by=arguments.prune_by or 0.0,
            quantised=arguments.quantise,
        )


@contextlib.contextmanager
def writing_card(output: str) -> Iterator[None]:
    """What fails within is told as a card that cannot be written."""
    from speech.lm.card import beside

    try:
        yield
    except OSError as error:
        raise SpeechError(f"{beside(output)}: cannot be written ({error.strerror})") from error


def run_score(arguments: argparse.Namespace) -> int:
    """Score; returns the exit code."""
    check_texts(arguments.texts)
    from speech.decoding import read_language_model
    from speech.lm import perplexity
    from speech.lm.counting import SPACE

    model = read_language_model(arguments.model)
    unit: Literal["character", "word"] = "character" if SPACE in model.ids else "word"
    lines = sentences(arguments.texts, arguments.as_is)
    if arguments.sentences:
        lines = _shown(model, lines, unit)
    found = perplexity(model, lines, unit)
    share = 100 * found.num_unknown / found.num_words
    print(f"{found.num_sentences} sentences, {found.num_words} {unit}s, {found.num_unknown} ({share:.2f} %) unknown")
    print(f"log10 probability {found.log10_prob:.4f}, of the unknown {unit}s {found.log10_prob_unknown:.4f}")
    print(f"perplexity {found.with_unknown:.2f}, without the unknown {unit}s {found.without_unknown:.2f}")
    return 0


def run_convert(arguments: argparse.Namespace) -> int:
    """Convert; returns the exit code."""
    check_file(Path(arguments.output), arguments.output)
    check_form(arguments.output, quantise=arguments.quantise)
    from speech.decoding import read_language_model
    from speech.lm.card import carry_card, check_card

    model = read_language_model(arguments.model)
    card = own_card(arguments.model) if is_replaceable(arguments.output) else {}
    if card:
        check_card(arguments.output, tuple(card))
    write(arguments.output, model, quantise=arguments.quantise)
    if card:
        with writing_card(arguments.output):
            carry_card(card, arguments.output, quantised=arguments.quantise)
    return 0


def own_card(model: str) -> dict[str, Any]:
    """The card beside a model; none, and a warning, if it is that of another file."""
    from speech.lm.card import beside, read_card

    card = read_card(Path(model))
    if card and "sha256" not in card:
        logger.warning("%s: is the card of another file (sha256 differs) and is not carried over", beside(model))
        return {}
    return card


def _shown(model: "NGram", lines: Iterator[str], unit: str) -> Iterator[str]:
    """The lines, each printed with its score on the way."""
    from speech.lm.counting import tokens_of

    for line in lines:
        tokens = tokens_of(line, unit)
        if tokens:
            print(f"{model.score(tokens):.4f}\t{line.strip()}")
        yield line


def sentences(texts: list[str], as_is: bool) -> Iterator[str]:
    """Lines of all texts, as transcripts are written unless they are taken as they are; some must have a word."""
    from speech.lm import TextLines
    from speech.text import normalize_text

    found = False
    for text in texts:
        for line in _counted(TextLines(text)):
            sentence = line if as_is else normalize_text(line)
            found = found or bool(sentence.strip())
            yield sentence
    if not found:
        names = ", ".join("standard input" if text == STDIN else text for text in texts)
        raise SpeechError(f"{names}: {'hold' if len(texts) > 1 else 'holds'} no words; name a text of sentences")


def _counted(lines: "TextLines") -> Iterator[str]:
    """The lines of a text; how many have been read, and how long the rest may take, is told every ten seconds.

    It is told at the end, too, if that took longer.
    """
    from tqdm import tqdm

    name = "standard input" if lines.path == STDIN else lines.path
    began = told = time.monotonic()
    number = 0
    for number, line in enumerate(lines, 1):
        yield line
        if time.monotonic() - told >= LINE_S:
            told = time.monotonic()
            share = lines.share_read()
            left = f", about {tqdm.format_interval((told - began) * (1 / share - 1))} left" if share else ""
            print(f"{name}: {number} lines read{left}", file=sys.stderr, flush=True)
    if told > began:
        print(f"{name}: all {number} lines read", file=sys.stderr, flush=True)


def check_texts(texts: list[str]) -> None:
    """Refuse texts that are not there before the first is counted, not when it is their turn."""
    if texts.count(STDIN) > 1:
        raise SpeechError("standard input can be read once; name - once")
    for text in texts:
        if text == STDIN and sys.stdin is None:
            raise SpeechError("standard input: is closed; name a file or send the text through a pipe")
        if text != STDIN and not os.path.exists(text):
            raise SpeechError(f"{text}: there is no such file")
        if os.path.isdir(text):
            raise SpeechError(f"{text}: is a folder; name a text file")


def check_form(output: str, *, quantise: bool) -> None:
    """Refuse what is not written, 8-bit values in ARPA and other compression of it, before the work."""
    if output.lower().endswith(OTHER_ARPA_SUFFIXES):
        raise SpeechError(f"{output}: ARPA is compressed by gzip only; choose a name that ends in .arpa.gz")
    if is_arpa(output) and quantise:
        raise SpeechError(f"{output}: ARPA holds numbers in full; leave --quantise out or choose another name")


def is_arpa(output: str) -> bool:
    """Whether a file of this name is written as ARPA."""
    return output.lower().endswith(ARPA_SUFFIXES)


def write(output: str, model: "NGram", *, quantise: bool) -> None:
    """Write a model in the form that its name tells.

    Raises
    ------
    SpeechError
        The file cannot be written.
    """
    from speech.lm import save, write_arpa

    try:
        if is_arpa(output):
            write_arpa(output, model)
        else:
            save(output, model, quantise=quantise)
    except OSError as error:
        raise SpeechError(f"{output}: cannot be written ({error.strerror})") from error
