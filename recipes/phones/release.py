"""From a trained aligner to the included one: mixtures fitted and added, eight bits, a card with measured results.

python -m recipes.phones.release --model MODEL --manifest manifests/phones/train.jsonl --timit TIMIT
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from recipes.phones import evaluate
from speech import audio, checkpoint
from speech.aligner import SHIPPED_MODEL, Aligner
from speech.cli import guarded
from speech.corpus import read_manifest
from speech.flat_start import STATES_PER_PHONE, cepstra, pack_mixtures, train_mixtures
from speech.lexicon import Lexicon
from speech.phones import pronounce_transcript

CARD = {
    "name": "english-aligner",
    "description": "English phones every 10 ms: a bidirectional LSTM by cross-entropy, and Gaussian mixtures",
    "language": "en",
    "licence": "Apache-2.0 for the weights; licences of the data below",
    "data": [
        "LibriSpeech: train-clean-100 and dev-clean speakers, CC BY 4.0 (Panayotov et al. 2015), www.openslr.org/12",
        "CMU ARCTIC slt and bdl: free (Kominek & Black 2004)",
        "kathleen: CC0",
        "LJSpeech, 142 utterances: public domain",
        "CMU Pronouncing Dictionary: BSD-2-Clause",
    ],
    "recipe": "python -m recipes.phones.run --data DATA; python -m recipes.phones.release",
    "intended_use": "times of words and phones whose text is known; scores tell wrong words only roughly",
}


def main() -> int:
    """Fit, measure, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="float32 model with a framewise head of phones")
    parser.add_argument("--manifest", type=Path, required=True, help="speech that the mixtures are fitted to")
    parser.add_argument("--every", type=int, default=12, help="one of so many utterances is taken for the mixtures")
    parser.add_argument("--timit", type=Path, help="hand-labelled phones to measure with")
    parser.add_argument("--test", type=Path, action="append", default=[], help="manifests in which words are swapped")
    parser.add_argument("--output", type=Path, default=SHIPPED_MODEL)
    parser.add_argument("--note", default="", help="a sentence on how it was trained, for the card")
    arguments = parser.parse_args()
    loaded = checkpoint.load(arguments.model)
    mixtures = fit(loaded, arguments.manifest, arguments.every)
    store(loaded, mixtures, arguments.output, {**CARD, "training": arguments.note, **loaded.card})
    printed = io.StringIO()
    aligner = Aligner.load(arguments.output)
    with contextlib.redirect_stdout(printed):
        if arguments.timit:
            evaluate.boundaries(aligner, evaluate.timit_utterances(arguments.timit))
        if arguments.test:
            evaluate.swapped(aligner, arguments.test, count=200, seed=1)
    results = printed.getvalue().splitlines()
    print("\n".join(results))
    store(loaded, mixtures, arguments.output, {**CARD, "training": arguments.note, "results": results, **loaded.card})
    return 0


def fit(loaded: checkpoint.LoadedModel, manifest: Path, every: int):
    """Mixtures of the phones of the model's framewise head."""
    head = next(name for name, config in loaded.heads.items() if config.framewise)
    symbols, lexicon = loaded.units[head].symbols, Lexicon.load()
    features, graphs = [], []
    for row in read_manifest(manifest)[::every]:
        waveform, _ = audio.read(
            row.audio_filepath,
            sample_rate_hz=loaded.frontend.config.sample_rate_hz,
            offset_s=row.offset,
            duration_s=row.duration,
        )
        with torch.inference_mode():
            log_mels, _ = loaded.frontend(torch.from_numpy(waveform)[None], torch.tensor([len(waveform)]))
        features.append(cepstra(log_mels[0].numpy()))
        graphs.append(
            pronounce_transcript(row.text, lexicon).graph(
                symbols, states_per_phone=STATES_PER_PHONE, silence_states=STATES_PER_PHONE
            )
        )
    return train_mixtures(features, graphs, len(symbols))


def store(loaded: checkpoint.LoadedModel, mixtures, path: Path, card: dict) -> None:
    """The model in eight bits with its mixtures in one file."""
    loaded.card = card
    checkpoint.save_model(path, loaded, "int8")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors |= {name: torch.from_numpy(value) for name, value in pack_mixtures(mixtures).items()}
    data = save(tensors, metadata=metadata)
    checkpoint.write_atomically(path, lambda file: file.write(data))


if __name__ == "__main__":
    sys.exit(guarded(main))
