r"""Make a trained model one to ship: measure it, write its card, store it in few bits.

    python recipes/english/release.py --model runs/english/model.safetensors --manifests manifests/english \
        --output speech/weights/english.safetensors

The errors on the card are those of the stored weights, measured by this script on every `dev_*` and `test_*` manifest,
beside the relative change that storing makes on the development sets. The models that hear are those that users load
(`speech.load_model`), in the arithmetic of this processor. A model that is stored so already is measured anew with
other settings.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open

from speech import checkpoint
from speech.cli import guarded
from speech.corpus import read_manifest
from speech.errors import CorpusError
from speech.evaluate import evaluate
from speech.files import replacing
from speech.loading import load_model
from speech.text import NORMALIZATION_VERSION
from speech.transcribe import Transcriber

CARD = {
    "name": "english",
    "description": "English: characters by CTC, phones by CTC-CRF, one bidirectional LSTM; searched with a lexicon,"
    " an n-gram and a recurrent language model",
    "language": "en",
    "licence": "Apache-2.0 for the weights; licences of the data below",
    "data": [
        "LibriSpeech: train-clean-100 and dev-clean speakers, CC BY 4.0 (Panayotov et al. 2015), www.openslr.org/12",
        "Common Voice English: validated clips, and clips with machine transcripts (whisper tiny.en), CC0",
        "speechocean762: free for commercial and non-commercial use (Zhang et al. 2021), www.openslr.org/101",
        "CMU ARCTIC slt and bdl: free (Kominek & Black 2004)",
        "kathleen: CC0",
        "LJSpeech, 142 utterances: public domain",
        "noise and room responses for augmentation: CC0, CC BY 3.0, CC BY 4.0, Apache-2.0",
        "CMU Pronouncing Dictionary: BSD-2-Clause",
    ],
    "recipe": "python recipes/english/run.py --data DATA",
    "intended_use": "read English; children and strong accents err more; not for decisions about people",
}

#: Found on the development sets: phones with the lexicon, the best hypotheses scored by the characters too, and by the
#: recurrent language model.
DECODING = {
    "head": "phone",
    "second_head": "character",
    "lm_weight": 1.0,
    "word_bonus": -1.2,
    "second_weight": 0.12,
    "neural_share": 0.65,
    "beam": 1000,
    "beam_threshold": 11.5,
    "candidates": 30,
    "recombined": 30,
    "alternatives": 1,
    "merge_threshold": 6.0,
    "views": 2,
}
BEST_PATH = {"views": 3}
#: Trained with a feature frame every 10 ms; on the development sets fewer words are wrong with frames closer together
#: (`recipes.english.compare --hop-s`), but for those who speak slowly.
TEMPO = {"hops_s": [0.010, 0.0085], "rates": [14.0]}


def main() -> int:
    """Measure, describe, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--manifests", type=Path, required=True, help="folder of dev_*.jsonl and test_*.jsonl")
    parser.add_argument("--output", type=Path, required=True, help="where card and weights go; may be MODEL itself")
    parser.add_argument(
        "--precision", choices=["int8", "deflated", "coarse"], default="coarse", help="see speech/packing.py"
    )
    parser.add_argument("--decoding", default=json.dumps(DECODING), help="settings of the search, JSON, for the card")
    parser.add_argument("--note", help="a sentence on how it was trained, for the card")
    arguments = parser.parse_args()
    with replacing(arguments.output) as partial:  # the model in use stays until the new one is measured
        release(arguments, partial)
    return 0


def release(arguments: argparse.Namespace, output: Path) -> None:
    """Write the measured model to `output`."""
    dev = sorted(arguments.manifests.glob("dev_*.jsonl"))
    if not dev:
        raise CorpusError(f"--manifests {arguments.manifests}: has no dev_*.jsonl; recipes/english/run.py writes them")
    full = store(arguments, dev, output)
    best_path, with_search = load_model(output, lm=False), load_model(output)
    results, best_paths = {}, {}
    for path in sorted(arguments.manifests.glob("test_*.jsonl")) + dev:
        best_paths[path.stem] = measured(best_path, path)
        results[path.stem] = measured(with_search, path)
        print(f"{path.stem:40s} {results[path.stem]['text']}", flush=True)
        print(f"{'  best path of characters':40s} {best_paths[path.stem]['text']}", flush=True)
    card = best_path.card | CARD | ({"training": arguments.note} if arguments.note else {})
    card |= {
        "results": {name: result["text"] for name, result in results.items()},
        "results_best_path": {name: result["text"] for name, result in best_paths.items()},
        "text_normalization": NORMALIZATION_VERSION,
        "weights_sha256": weights_hash(checkpoint.load(output).model),
    }
    if full:
        stored = sum(best_paths[path.stem]["word_errors"] for path in dev)
        change = f"{100 * (stored / full - 1):+.2f} % word errors by best path on the development sets"
        print(f"stored as {arguments.precision}: {change}")
        card["precision"] = f"{arguments.precision}: {change}"
    checkpoint.replace_card(output, lambda _: card)


def store(arguments: argparse.Namespace, dev: list[Path], output: Path) -> int:
    """Write the model in few bits to `output`; return the exact weights' word errors by best path, 0 if there are none.

    Of a model that is in few bits already only the settings of the search change.
    """
    trained = checkpoint.load(arguments.model)
    listening = {"decoding": json.loads(arguments.decoding), "best_path": BEST_PATH, "tempo": TEMPO}
    with safe_open(arguments.model, framework="pt") as file:
        stored = any(name.endswith(".scale") for name in file.keys())  # noqa: SIM118
    if stored:
        checkpoint.replace_card(arguments.model, lambda card: card | listening, output)
        return 0
    trained.card = trained.card | listening
    checkpoint.save_model(output, trained)
    exact = load_model(output, lm=False)
    full = sum(measured(exact, path)["word_errors"] for path in dev)
    checkpoint.save_model(output, trained, arguments.precision)
    return full


def measured(transcriber: Transcriber, manifest: Path) -> dict:
    """Word and character errors on a manifest, as numbers and as a line.

    Raises
    ------
    CorpusError
        A row cannot be read.
    """
    evaluation = evaluate(transcriber, read_manifest(manifest))
    if evaluation.failures:
        raise CorpusError(f"{manifest}: {evaluation.failures[0]}")
    words, characters = evaluation.words(), evaluation.characters()
    return {
        "word_errors": words.counts.errors,
        "text": (
            f"WER {100 * words.counts.rate:.1f} % ({words.counts.errors} of {words.counts.total},"
            f" 95 % interval {100 * words.low:.1f} to {100 * words.high:.1f}),"
            f" CER {100 * characters.counts.rate:.1f} %"
        ),
    }


def weights_hash(model: torch.nn.Module) -> str:
    """SHA-256 over names and values of all weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(guarded(main, "release"))
