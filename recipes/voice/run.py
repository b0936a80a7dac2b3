"""A voice from a folder of recordings in LJSpeech layout: manifests, alignments, vocoder, acoustic model.

    python recipes/voice/run.py --data kathleen [--steps prepare vocoder] [--set vocoder.training.steps=4000]

The folder holds `metadata.csv` (id|text) and `wavs/`. What a step has done is kept: an interrupted run goes on where
it was, with `--restart` training begins anew. Recordings of the CMU ARCTIC prompts b0440 to b0539 are held out and
serve to measure the voice:

    speech evaluate-tts manifests/voice/test.jsonl --voice runs/voice --vocoder runs/voice/vocoder.safetensors

`runs/voice` is then a voice: speech say --voice runs/voice "Hello!". Another voice of which there are only minutes
starts from the one that is shipped:

    python recipes/voice/run.py --data anna --steps prepare align acoustic --set acoustic.training.epochs=30
        acoustic.training.init_from=MODEL

where MODEL is `tts/weights/acoustic_kathleen.safetensors`; `--minutes 10` shows what ten minutes of a larger corpus
give, and keeps its rest to measure the voice:

    speech evaluate-tts manifests/voice/test.jsonl --voice runs/voice/acoustic.safetensors --limit 50
"""

import argparse
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from speech.cli import EXIT_NOTHING_DONE, guarded, nested
from speech.config import load_config, to_dict
from speech.corpus import Utterance, read_manifest, write_manifest
from speech.errors import ConfigError, SpeechError
from speech.files import set_aside
from speech.prepare import prepare
from tts.contract import AudioContract
from tts.target_plots import draw_targets
from tts.training import VoiceConfig, alignment_folders, open_run, train
from tts.vocoder import Vocoder
from tts.vocoder_data import prepare_voice_data
from tts.vocoder_model import VocoderConfig
from tts.vocoder_training import VocoderTrainingConfig, fit_vocoder

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class VocoderDataConfig:
    """Where the recordings are.

    Attributes
    ----------
    train : manifest, which the step `prepare` writes, with `test.jsonl` beside it; to be named in `acoustic.data.train`
        as well
    frames_dir : where mel and pitch of the recordings are kept once computed
    output : the vocoder
    """

    train: Path
    frames_dir: Path
    output: Path = Path("runs/voice/vocoder.safetensors")


@dataclass(frozen=True, kw_only=True)
class VocoderRecipe:
    """Tables of `vocoder.toml`."""

    data: VocoderDataConfig
    contract: AudioContract = field(default_factory=AudioContract)
    model: VocoderConfig = field(default_factory=VocoderConfig)
    training: VocoderTrainingConfig = field(default_factory=VocoderTrainingConfig)


def main() -> int:
    """Run the steps that were asked for, in order."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the voice")
    parser.add_argument("--steps", nargs="+", choices=list(STEPS), default=list(STEPS), help="(default: all)")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="vocoder.KEY of vocoder.toml, acoustic.KEY of acoustic.toml",
    )
    parser.add_argument("--minutes", type=float, help="train on so many minutes, measure on the rest (default: all)")
    parser.add_argument("--restart", action="store_true", help="train anew, not from where a run ended")
    parser.add_argument("--licence", default="not stated", help="of the recordings, for the models' cards")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for override in arguments.set:
        if not override.startswith(("vocoder.", "acoustic.")):
            raise ConfigError(f"--set {override}: begin with vocoder. or acoustic., whose settings can be changed")
    if arguments.minutes is not None and "prepare" not in arguments.steps:
        raise ConfigError(f"--minutes {arguments.minutes:g}: is for the step prepare; ask for it too")
    for name, step in STEPS.items():
        if name in arguments.steps:
            step(arguments)
    return 0


def prepare_manifests(arguments: argparse.Namespace) -> None:
    """List the recordings: train and, where there are ARCTIC prompts, test."""
    target = vocoder_recipe(arguments).data.train
    with tempfile.TemporaryDirectory() as drafts:
        rows = {split: read_manifest(path) for split, path in prepare("ljspeech", arguments.data, drafts).items()}
    if arguments.minutes is not None:
        rows["train"], rest = split_minutes(rows["train"], arguments.minutes)
        rows["test"] = rows.get("test", []) + rest
    earlier = target.with_name("test.jsonl")
    if earlier.exists() and "test" not in rows:
        print(f"{earlier}: of other recordings, now {set_aside(earlier).name}")
    for split, found in rows.items():
        path = target if split == "train" else target.with_name(f"{split}.jsonl")
        write_manifest(path, found)
        print(f"{split}: {path}")


def split_minutes(rows: list[Utterance], minutes: float) -> tuple[list[Utterance], list[Utterance]]:
    """Recordings of at most `minutes` in all, drawn by a hash of their names, and the others; each in its old order."""
    drawn: set[Path] = set()
    left_s = 60 * minutes
    for row in sorted(rows, key=lambda row: hashlib.sha256(row.audio_filepath.stem.encode()).digest()):
        if row.duration > left_s:
            break
        drawn.add(row.audio_filepath)
        left_s -= row.duration
    if not drawn or len(drawn) == len(rows):
        total = sum(row.duration for row in rows) / 60
        raise ConfigError(f"--minutes {minutes}: the recordings are {total:.1f} minutes; some must be left over")
    train = [row for row in rows if row.audio_filepath in drawn]
    return train, [row for row in rows if row.audio_filepath not in drawn]


def train_vocoder(arguments: argparse.Namespace) -> None:
    """Train the vocoder on the recordings' own frames and export it in float16."""
    recipe = vocoder_recipe(arguments)
    rows = read_manifest(recipe.data.train)
    check_origin(arguments.data, rows, recipe.data.train)
    data = prepare_voice_data(rows, recipe.contract, recipe.data.frames_dir)
    output = recipe.data.output
    state = output.with_suffix(".state.pt")
    if arguments.restart:
        state.unlink(missing_ok=True)
    net = fit_vocoder(data, recipe.model, recipe.training, state)
    card = about("vocoder", arguments, data.lengths * data.contract.hop_s) | {"training": to_dict(recipe.training)}
    Vocoder(net, card).save(output, "float16")
    print(f"vocoder: {output}, {output.stat().st_size / 2**20:.2f} MiB")


def check_origin(data: Path, rows: Sequence[Utterance], manifest: Path) -> None:
    """Refuse recordings that are not in the folder `data`, by which cards name them."""
    folders = {Path(os.path.abspath(data)), data.resolve()}

    def is_inside(path: Path) -> bool:  # by its name, or where a link leads
        return not folders.isdisjoint(Path(os.path.abspath(path)).parents) or not folders.isdisjoint(
            path.resolve().parents
        )

    strange = next((row.audio_filepath for row in rows if not is_inside(row.audio_filepath)), None)
    if strange is not None:
        raise ConfigError(f"--data {data}: {manifest} names {strange}, which is not in it; run the step prepare first")


def about(what: str, arguments: argparse.Namespace, seconds: np.ndarray) -> dict[str, str]:
    """What a model's card says of its recordings, which are `seconds` long each."""
    return {
        "name": f"{what} of {arguments.data.resolve().name}",
        "data": f"{arguments.data.resolve().name}: {len(seconds)} recordings, {seconds.sum() / 60:.0f} minutes",
        "data_licence": arguments.licence,
        "recipe": "recipes/voice",
    }


def vocoder_recipe(arguments: argparse.Namespace) -> VocoderRecipe:
    """`vocoder.toml` with the overrides that begin with "vocoder."."""
    overrides = [text.removeprefix("vocoder.") for text in arguments.set if text.startswith("vocoder.")]
    return load_config(HERE / "vocoder.toml", VocoderRecipe, overrides)


def align_recordings(arguments: argparse.Namespace) -> None:
    """Find when each phone is said; recordings that have an alignment keep it."""
    recipe = load_config(HERE / "acoustic.toml", VoiceConfig, acoustic_overrides(arguments))
    for manifest, folder in zip(recipe.data.train, alignment_folders(recipe.data), strict=True):
        command = ["align", str(manifest), "--output-dir", str(folder), "--format", "json"]
        if nested(command) == EXIT_NOTHING_DONE:
            raise SpeechError(f"{manifest}: nothing could be aligned")


def train_acoustic(arguments: argparse.Namespace) -> None:
    """Draw the targets, train the acoustic model, and put it beside the vocoder."""
    overrides = acoustic_overrides(arguments)
    recipe = load_config(HERE / "acoustic.toml", VoiceConfig, overrides)
    output = recipe.training.output_dir.parent / "acoustic.safetensors"
    if len(recipe.data.train) == 1:  # several may be of several corpora
        check_origin(arguments.data, read_manifest(recipe.data.train[0]), recipe.data.train[0])
    recipe.training.output_dir.mkdir(parents=True, exist_ok=True)
    recordings = open_run(recipe)
    for number, picture in enumerate(draw_targets(recordings)):
        picture.save(recipe.training.output_dir / f"targets_{number}.svg")
    seconds = recordings.voice.lengths[list(recordings.rows)] * recipe.contract.hop_s
    card = about("acoustic model", arguments, seconds)
    model = train(HERE / "acoustic.toml", overrides, restart=arguments.restart, about=card)
    shutil.copyfile(model, output)
    print(f"acoustic model: {output}, {output.stat().st_size / 2**20:.2f} MiB")


def acoustic_overrides(arguments: argparse.Namespace) -> list[str]:
    """Overrides that begin with "acoustic."."""
    return [text.removeprefix("acoustic.") for text in arguments.set if text.startswith("acoustic.")]


STEPS: dict[str, Callable[[argparse.Namespace], None]] = {
    "prepare": prepare_manifests,
    "align": align_recordings,
    "vocoder": train_vocoder,
    "acoustic": train_acoustic,
}

if __name__ == "__main__":
    sys.exit(guarded(main, "voice"))
