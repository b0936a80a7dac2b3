"""`speech tune`: the weights of a model's search, found on development sets and written to its card."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from speech.commands.decoding_options import add_decoding_options, load_options
from speech.commands.manifests import named_rows
from speech.commands.options import add_model_options, path_name, positive
from speech.commands.outputs import check_file
from speech.commands.progress import Progress
from speech.errors import CorpusError, SpeechError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from speech.checkpoint import LoadedModel
    from speech.corpus import Utterance
    from speech.decoding_config import DecodingConfig

FEW_WORDS = 300  # of a set: there, chance moves the rate of errors by more than most settings do
_OF_SEARCH = {"decoding_lm", "tuning", "results"}  # what a card says of a search, apart from its settings

EPILOG = """\
examples:
  speech tune dev.jsonl --model runs/english/model.safetensors
  speech tune dev-clean.jsonl dev-other.jsonl --model my.safetensors --lm books.lm
  speech tune calls.jsonl --output english-calls.safetensors

The best weights of the language models and bonus a word are written into the card of the model's file,
and --beam with them if it is given; from then on `speech transcribe --model FILE` searches so, and asks
for --lm if they were found with a language model of your own. With --output FILE the model stays as it
is and FILE is a copy with that card; the included model is tuned only so. Results that stand on the card
were measured with other settings and are taken off it.
Rows that are malformed or cannot be read are named and left out; the exit code is then 1.
Tune on development sets of 300 words or more, better thousands, never on those that you report.
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "tune",
        help="find the weights of the language model on a dev set",
        description="Find the weights with which a model and a language model together make the fewest errors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "manifests", nargs="+", type=path_name, metavar="MANIFEST", help="JSON-lines manifest of a development set"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N utterances of each manifest")
    parser.add_argument("--head", metavar="NAME", help="output of the model to search (default: the card's)")
    parser.add_argument(
        "-o", "--output", type=path_name, metavar="FILE", help="write a copy of the model with the weights found"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the best weights, write nothing")
    add_model_options(parser, short_ones="rows of the manifests")
    add_decoding_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Tune; returns the exit code."""
    from dataclasses import replace

    from speech.config import to_dict
    from speech.decoding import (
        DecodingConfig,
        build_decoding,
        decoding_config,
        included_neural_lm,
        read_language_model,
        searched_head,
        with_beam,
    )
    from speech.errors import ConfigError
    from speech.loading import DEFAULT_MODEL, load_to_listen
    from speech.priors import log_prior
    from speech.tuning import Trial, tune

    options = load_options(arguments)
    path = Path(arguments.model or DEFAULT_MODEL)
    if options.get("lm") is False:
        raise ConfigError("without a language model there is nothing to tune; leave --no-lm out")
    output = Path(arguments.output) if arguments.output else path
    if not arguments.dry_run:
        if output.resolve() == DEFAULT_MODEL.resolve():
            raise ConfigError("the included model stays as it is: name a copy with --output FILE, or use --dry-run")
        inputs = [*arguments.manifests, arguments.lm, arguments.hotwords]
        named = f"--output {output}" if arguments.output else f"--model {path}"
        check_file(output, named, inputs)
        if output.is_file():
            _check_model(output, named)
    manifests, problems = [], list[str]()
    for manifest in arguments.manifests:
        rows, bad = named_rows([manifest], arguments.limit)
        problems += [problem for _, problem in bad]
        if bad and not rows:
            raise CorpusError(bad[0][1])
        if not arguments.dry_run:
            check_file(output, named, [utterance.audio_filepath for _, utterance in rows])
        _check_words(manifest, [utterance for _, utterance in rows])
        manifests.append(rows)
    loaded = load_to_listen(path, arguments.device)
    config = with_beam(decoding_config(loaded, str(path)) or DecodingConfig(), arguments.beam)
    if arguments.head:
        if arguments.head not in loaded.units:
            raise ConfigError(f"--head {arguments.head}: the model has {', '.join(loaded.units)}")
        config = replace(config, head=arguments.head)
    if arguments.lm is None and "decoding_lm" in loaded.card:  # which took the place of both included ones
        config = replace(config, neural_share=DecodingConfig().neural_share)
    lm = read_language_model(options.get("lm"))
    neural = None if arguments.lm else included_neural_lm(config)
    sets = []
    progress = Progress(total=sum(map(len, manifests)), unit="utterances", interval_s=10.0)
    for manifest, rows in zip(arguments.manifests, manifests, strict=True):
        with progress.noting():
            left, outputs, unread = _hear(loaded, config, rows, arguments, progress)
        problems += unread
        if not _num_words(left):
            raise CorpusError(f"{problems[-1]}; {manifest} has no other row to tune on")
        sets.append((left, outputs))
    for problem in problems:
        print(f"speech: {problem} (left out)", file=sys.stderr)

    def build(candidate: DecodingConfig):
        source = str(arguments.lm or "the included language model")
        return build_decoding(loaded, candidate, lm, hotwords=options.get("hotwords"), lm_source=source, neural=neural)

    def tell(trial: Trial) -> None:
        shown = ", ".join(f"{name} {getattr(trial.config, name):g}" for name in names)
        print(f"{shown}: WER {100 * trial.rate:.2f} %", flush=True)

    names = ["lm_weight", "word_bonus"]
    divided = config.prior_scale and log_prior(loaded, searched_head(loaded, config), lm) is not None
    names += ["prior_scale"] * bool(divided) + ["second_weight"] * bool(config.second_head)
    names += ["neural_share"] * (neural is not None)
    best = tune(build, config, sets, names=names, progress=tell)
    print("best:", end=" ")
    tell(best)
    if not arguments.dry_run:
        found = best.config if arguments.lm is None else replace(best.config, neural_share=0.0)
        sizes = [
            f"{Path(name).name}: {_num_words(one)} words"
            for name, (one, _) in zip(arguments.manifests, sets, strict=True)
        ]
        tuning = {"sets": sizes, "word_error": f"{100 * best.rate:.2f} %, the mean of the sets"}
        write_decoding(path, to_dict(found), arguments.lm, output, tuning)
        print(f"written to the card of {output}")
    return 1 if problems else 0


def _check_model(path: Path, named: str) -> None:
    """Refuse to replace what is no model."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            is_model = "speech" in (file.metadata() or {})
    except (SafetensorError, OSError):
        is_model = False
    if not is_model:
        raise SpeechError(f"{named}: is there and is no model; name another file")


def _hear(
    loaded: "LoadedModel",
    config: "DecodingConfig",
    rows: "Sequence[tuple[str, Utterance]]",
    arguments: argparse.Namespace,
    progress: Progress,
) -> "tuple[list[Utterance], list[dict[str, np.ndarray]], list[str]]":
    """The utterances of a manifest that can be read, their model outputs, and what is wrong with the others."""
    from speech.decoding import read_heads
    from speech.tuning import model_outputs

    labels = {utterance: label for label, utterance in reversed(rows)}
    unread: dict[Utterance, str] = {}

    def failed(utterance: "Utterance", error: SpeechError) -> None:
        unread[utterance] = f"{labels[utterance]}: {error}"
        progress.failed(labels[utterance], unread[utterance])

    try:
        outputs = model_outputs(
            loaded,
            [utterance for _, utterance in rows],
            read_heads(loaded, config),
            num_views=config.views,
            batch=arguments.batch,
            device=arguments.device,
            failed=failed,
            done=lambda utterance: progress.done(labels[utterance], utterance.duration),
        )
    finally:
        progress.clear()
    return [utterance for _, utterance in rows if utterance not in unread], outputs, list(unread.values())


def _num_words(utterances: "list[Utterance]") -> int:
    """Words of a development set."""
    from speech.text import normalize_text

    return sum(len(normalize_text(utterance.text).split()) for utterance in utterances)


def _check_words(manifest: str, utterances: "list[Utterance]") -> None:
    """Refuse a development set without words; say that what is found on a few means little."""
    count = _num_words(utterances)
    if not count:
        raise CorpusError(f"{manifest}: its texts hold no words to tune on")
    if count < FEW_WORDS:
        few = f"{count} words" if count > 1 else "1 word"
        message = f"weights found on {few} are mostly chance; tune on {FEW_WORDS} or more"
        print(f"speech: {manifest}: {message}", file=sys.stderr)


def write_decoding(
    path: Path, settings: dict, lm: str | None = None, output: Path | None = None, tuning: dict | None = None
) -> None:
    """Put settings into the card of a model's file, or of a copy; its weights stay as they are, bit by bit.

    What the card says of results, and of the language models of the search, goes if it is of other settings.

    Parameters
    ----------
    path : the model
    settings : of its search
    lm : file of the language model that they were found with; the included one by default
    output : where the copy goes
    tuning : what they were found on, for the card
    """
    from speech.checkpoint import replace_card
    from speech.config import to_dict
    from speech.decoding_config import DecodingConfig

    lm_name = Path(lm).name if lm else None

    def changed(card: dict) -> dict:
        before = {**to_dict(DecodingConfig()), **card["decoding"]} if "decoding" in card else None
        stale = {"decoding_lm"} if before == settings and card.get("decoding_lm") == lm_name else _OF_SEARCH
        kept = {key: value for key, value in card.items() if key not in stale}
        if "description" in kept and lm_name != card.get("decoding_lm"):
            what, searched, _ = str(kept["description"]).partition("; searched with ")
            kept["description"] = f"{what}{searched}{lm_name or 'the included language models'}" if searched else what
        new = {"decoding": settings, "decoding_lm": lm_name, "tuning": tuning}
        return kept | {key: value for key, value in new.items() if value is not None}

    replace_card(path, changed, output)
