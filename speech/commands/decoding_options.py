"""Options of the search that `speech transcribe` and `speech evaluate` share."""

import argparse
import os
from typing import Any

from speech.commands.options import path_name, positive
from speech.errors import SpeechError


def add_decoding_options(parser: argparse.ArgumentParser) -> None:
    """--lm, --no-lm, --hotwords, --beam."""
    group = parser.add_argument_group("language model")
    group.add_argument(
        "--lm",
        type=path_name,
        metavar="FILE",
        help="n-gram of your own, binary or ARPA (`speech lm train` writes both); it replaces both included language "
        "models, the n-gram and the recurrent one that goes with it; default: the included ones, with the included "
        "model, those trained from it and those tuned by `speech tune`",
    )
    group.add_argument("--no-lm", action="store_true", help="no language model: what the model hears, letter by letter")
    group.add_argument(
        "--hotwords",
        type=path_name,
        metavar="FILE",
        help="words and phrases to be favoured, one a line, each with a boost after a tab if 8 nats are not right; "
        "lines that begin with # are remarks",
    )
    group.add_argument(
        "--beam",
        type=positive,
        metavar="N",
        help="hypotheses that are followed; more is slower, below 30 much is missed (default: the model's)",
    )


def check_decoding_files(arguments: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is loaded.

    Raises
    ------
    SpeechError
        --lm and --no-lm together, or a file that is not there.
    """
    if arguments.lm and arguments.no_lm:
        raise SpeechError("--lm and --no-lm exclude each other; give one of them")
    for option in ("model", "lm", "hotwords"):
        path = getattr(arguments, option)
        if path is not None and not os.path.exists(path):
            raise SpeechError(f"--{option} {path}: there is no such file")
        if path is not None and os.path.isdir(path):
            raise SpeechError(f"--{option} {path}: is a folder; name a file")


def load_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the options mean to `speech.loading.load_model`.

    Raises
    ------
    SpeechError
        As `check_decoding_files`, or a list of hot-words that cannot be read.
    """
    check_decoding_files(arguments)
    options: dict[str, Any] = {"device": arguments.device}
    if arguments.lm or arguments.no_lm:
        options["lm"] = arguments.lm or False
    if arguments.hotwords:
        from speech.hotwords import read_hotwords

        options["hotwords"] = read_hotwords(arguments.hotwords)
    if arguments.beam:
        options["beam"] = arguments.beam
    return options
