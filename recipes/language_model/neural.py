"""The recurrent language model that ships beside the n-gram and scores the best hypotheses of a search once more.

    python -m recipes.language_model.neural --text ../shared/data/text --dev MANIFEST... --output FILE

It is trained on the same texts; the transcripts of the development manifests only measure it. Its state is kept in
`--state`, so that an interrupted run continues.
"""

import argparse
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, a script sees its own folder alone

from recipes.language_model.run import CARD as NGRAM_CARD
from recipes.language_model.run import file_hash, normalized
from speech.cli import guarded
from speech.config import load_config, to_dict
from speech.corpus import read_manifest
from speech.lm.neural import NeuralLMConfig, load_neural_lm, save_neural_lm
from speech.lm.neural_training import NeuralTrainingConfig, fit_neural_lm, word_perplexity
from speech.lm.pieces import WordPieces, count_words, learn_pieces
from speech.text import NORMALIZATION_VERSION, normalize_text

HERE = Path(__file__).parent
#: texts and how often an epoch takes their sentences; five times of the second one was too often
COPIES = {"english.txt.xz": 1, "common_voice.txt.xz": 3}
CARD = {
    "name": "english-pieces-lstm",
    "description": "English word pieces, unidirectional LSTM",
    **{key: NGRAM_CARD[key] for key in ("language", "licence", "data")},
    "recipe": "python -m recipes.language_model.neural --text TEXT --dev MANIFEST...",
    "intended_use": "choosing among hypotheses of English speech; not for generating or judging text",
}


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """Tables of the TOML file."""

    model: NeuralLMConfig = field(default_factory=NeuralLMConfig)
    training: NeuralTrainingConfig = field(default_factory=NeuralTrainingConfig)


def main() -> None:
    """Train, store, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, required=True, help=f"folder of {' and '.join(COPIES)}")
    parser.add_argument("--dev", type=Path, nargs="+", required=True, help="manifests to measure it with")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--state", type=Path, default=Path("runs/neural_lm/state.pt"))
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="of the configuration"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    config = load_config(HERE / "neural.toml", RecipeConfig, arguments.set)
    dev = {path.stem: [normalize_text(row.text) for row in read_manifest(path)] for path in arguments.dev}
    logging.info("reading %s", ", ".join(str(arguments.text / name) for name in COPIES))
    lines = [
        line for name, copies in COPIES.items() for line in list(normalized(arguments.text / name)) * copies if line
    ]
    logging.info("%d sentences: finding %d pieces of their words", len(lines), config.model.pieces)
    pieces = WordPieces(learn_pieces(count_words(lines), config.model.pieces))
    logging.info("training on %d pieces", len(pieces))
    model = fit_neural_lm(pieces, lines, config.model, config.training, arguments.state, dev)
    exact = perplexities(model, dev)
    save_neural_lm(arguments.output, model, config.training.stored_as)
    model.card = CARD | {
        "config": to_dict(config),
        "copies": COPIES,
        "text_normalization": NORMALIZATION_VERSION,
        "texts_sha256": {name: file_hash(arguments.text / name) for name in COPIES},
        "perplexity": perplexities(load_neural_lm(arguments.output), dev),
        "perplexity_before_storing": exact,
    }
    save_neural_lm(arguments.output, model, config.training.stored_as)
    size_mib = arguments.output.stat().st_size / 2**20
    print(f"{arguments.output}: {size_mib:.2f} MiB; perplexity of words {model.card['perplexity']}, before {exact}")


def perplexities(model, dev: dict[str, list[str]]) -> dict[str, float]:
    """Perplexity of each set, all words counted."""
    return {name: round(word_perplexity(model, lines), 1) for name, lines in dev.items()}


if __name__ == "__main__":
    sys.exit(guarded(main, "neural_language_model"))
