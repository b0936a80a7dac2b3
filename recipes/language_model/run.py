"""The English word n-gram that ships: estimated from two texts, mixed, pruned to a size, measured.

    python recipes/language_model/run.py --text ../shared/data/text --dev MANIFEST... --output speech/weights/english.lm

One model is estimated from each text (modified Kneser-Ney). Their weights are those that predict the transcripts of the
development manifests best, each manifest counting alike; the mixture keeps its most frequent words, loses the n-grams
that matter least (entropy pruning) until its quantised file is of the size asked for. Beside it stand a card and the
pronunciations of its words, for decoding phones. Test sets are never looked at.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from speech.cli import guarded
from speech.corpus import read_manifest
from speech.errors import SpeechError
from speech.files import replacing
from speech.lexicon import Lexicon
from speech.lm import EstimationConfig, NGram, estimate, load, perplexity, read_lines, save
from speech.lm.shaping import limit_vocabulary, mix, prune
from speech.pronunciations import DecodingLexicon
from speech.text import NORMALIZATION_VERSION, normalize_text

#: texts and, for each order, the highest count that is dropped: entropy pruning would drop nearly all of these
TEXTS = {"english.txt.xz": (0, 0, 1, 1), "common_voice.txt.xz": (0, 0, 0, 1)}
PLAIN = re.compile(r"[a-z]+(?:[ '][a-z]+)*")
CARD = {
    "name": "english-words-4gram",
    "description": "English word n-gram, modified Kneser-Ney, two texts interpolated, entropy-pruned, 8-bit values",
    "language": "en",
    "licence": "Apache-2.0 for the model; the texts are public domain and CC0",
    "data": [
        "10.2 million words of prose, mostly novels: public domain (Project Gutenberg and alike)",
        "0.5 million words of present-day sentences: Common Voice prompts, CC0",
    ],
    "recipe": "python recipes/language_model/run.py --text TEXT --dev MANIFEST...",
    "intended_use": "decoding of English speech with speech.load_model(); not for generating or judging text",
}


def main() -> None:
    """Estimate, mix, prune, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, required=True, help=f"folder of {' and '.join(TEXTS)}")
    parser.add_argument("--dev", type=Path, nargs="+", required=True, help="manifests to choose the mixture by")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--order", type=int, default=4)
    parser.add_argument("--words", type=int, default=60000, help="size of the vocabulary")
    parser.add_argument("--size-mib", type=float, default=10.8, help="largest size of the file")
    arguments = parser.parse_args()
    dev = {path.stem: [normalize_text(row.text) for row in read_manifest(path)] for path in arguments.dev}
    start = time.monotonic()

    def say(message: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {message}", flush=True)

    models = []
    for name, dropped in TEXTS.items():
        config = EstimationConfig(order=arguments.order, prune=dropped[: arguments.order])
        models.append(estimate(normalized(arguments.text / name), config))
        say(f"{name}: n-grams {models[-1].level_sizes}; perplexity {perplexities(models[-1], dev)}")
    weight = best_weight(models, list(dev.values()))
    mixed = limit_vocabulary(mix(models, [weight, 1 - weight]), arguments.words)
    say(
        f"weights {weight:.3f} and {1 - weight:.3f}; n-grams {mixed.level_sizes}; perplexity {perplexities(mixed, dev)}"
    )
    output = arguments.output
    with (
        replacing(output) as model_path,
        replacing(output.with_name(f"{output.name}.json")) as card_path,
        replacing(output.with_suffix(".lexicon.safetensors")) as lexicon_path,
    ):
        threshold = fitting_threshold(mixed, model_path, arguments.size_mib, say)
        model = load(model_path)
        card = {
            **CARD,
            "mixture": dict(zip(TEXTS, (round(weight, 4), round(1 - weight, 4)), strict=True)),
            "pruning_threshold": threshold,
            "ngrams": list(model.level_sizes),
            "text_normalization": NORMALIZATION_VERSION,
            "perplexity": perplexities(model, dev),
            "out_of_vocabulary_percent": {name: unknown_percent(model, lines) for name, lines in dev.items()},
            "size_mib": round(model_path.stat().st_size / 2**20, 2),
            "sha256": file_hash(model_path),
            "texts_sha256": {name: file_hash(arguments.text / name) for name in TEXTS},
        }
        card_path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        DecodingLexicon.of_words(model.vocabulary[3:], Lexicon.load()).save(lexicon_path)
    say(f"{output}: {card['size_mib']} MiB, n-grams {card['ngrams']}; perplexity {card['perplexity']}")


def normalized(path: Path) -> Iterator[str]:
    """Lines of a text as transcripts are written."""
    for line in read_lines(path):
        plain = line.lower().strip()
        # nearly all lines are letters, single spaces and apostrophes between letters, which normalisation keeps
        yield plain if PLAIN.fullmatch(plain) else normalize_text(line)


def perplexities(model: NGram, dev: dict[str, list[str]]) -> dict[str, float]:
    """Perplexity of each set, words outside the vocabulary left out."""
    return {name: round(perplexity(model, lines).without_unknown, 1) for name, lines in dev.items()}


def unknown_percent(model: NGram, lines: list[str]) -> float:
    """Words of a set that the vocabulary lacks, in per cent."""
    found = perplexity(model, lines)
    return round(100 * found.num_unknown / found.num_words, 2)


def best_weight(models: Sequence[NGram], sets: Sequence[list[str]], rounds: int = 50) -> float:
    """Weight of the first of two models by which the sets are most probable (expectation maximisation).

    Words that either model lacks are left out; each set counts alike.
    """
    first, second = (
        [np.concatenate([known_scores(model, line) for line in lines]) for lines in sets] for model in models
    )
    weight = 0.5
    for _ in range(rounds):
        shares = []
        for one, other in zip(first, second, strict=True):
            kept = np.isfinite(one) & np.isfinite(other)
            own = weight * 10.0 ** one[kept]
            shares.append(float(np.mean(own / (own + (1 - weight) * 10.0 ** other[kept]))))
        weight = sum(shares) / len(shares)
    return weight


def known_scores(model: NGram, line: str) -> np.ndarray:
    """log10 of each word and of the end; NaN for words outside the vocabulary."""
    words = line.split()
    scores = model.word_scores(words)
    scores[:-1][model.encode(words) == 0] = np.nan
    return scores


def fitting_threshold(model: NGram, path: Path, size_mib: float, say) -> float:
    """Write the model pruned to the size at `path`, after trials that are written there too; return the threshold.

    Raises
    ------
    SpeechError
        No threshold makes it as small.
    """
    low, high = -10.0, -6.0  # log10: too large a file, small enough
    best = None
    for _ in range(7):
        middle = (low + high) / 2
        pruned = prune(model, 10.0**middle)
        save(path, pruned, quantise=True)
        size = path.stat().st_size / 2**20
        say(f"threshold {10.0**middle:.3g}: {size:.2f} MiB")
        if size <= size_mib:
            high, best = middle, pruned
        else:
            low = middle
    if best is None:
        raise SpeechError(
            f"no threshold up to {10.0**high:.3g} makes the file {size_mib} MiB or smaller; lower --words"
        )
    save(path, best, quantise=True)
    return float(f"{10.0**high:.6g}")


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(guarded(main, "language_model"))
