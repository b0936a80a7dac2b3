"""Training of the acoustic model: one readable loop, safe to interrupt, resumed where it was.

Every random number of a step comes from a generator seeded by (seed, step), the order of batches from (seed, epoch).
"""

import copy
import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from speech.checkpoint import write_atomically
from speech.config import load_config, to_dict
from speech.corpus import Utterance, numbered_rows
from speech.errors import CheckpointError, ConfigError, SpeechError
from speech.files import unique_names
from speech.precision import autocast
from speech.run_state import first_other
from speech.training_log import InterruptGuard, put_aside
from tts.acoustic import Acoustic
from tts.contract import AudioContract
from tts.losses import Batch, LossWeights, compute_losses, forward
from tts.models import AcousticConfig, AcousticModel
from tts.training_data import Recordings, alignment_names, open_recordings
from tts.training_watch import evaluate, measure_detail

logger = logging.getLogger(__name__)
STATE_FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class AcousticDataConfig:
    """Where the recordings are.

    Attributes
    ----------
    train : manifests
    alignments : folder of alignments in JSON, one a recording; of several manifests it holds a folder each, named alike
    frames_dir : where mel and pitch of the recordings are kept once computed
    held_out : one of this many prompts is kept to watch the training
    """

    train: tuple[Path, ...]
    alignments: Path
    frames_dir: Path
    held_out: int = 25

    def __post_init__(self):
        if self.held_out < 2:
            raise ValueError(f"held_out must be 2 or more, got {self.held_out}")
        if not self.train:
            raise ValueError("train must name a manifest or more")


@dataclass(frozen=True, kw_only=True)
class AcousticTraining:
    """How the weights are found.

    Attributes
    ----------
    output_dir : of the state, the log and the model
    init_from : model to start from, for another voice or more recordings
    epochs : at most
    minutes : of training, at most; the learning rate reaches zero at whichever limit comes first
    batch : recordings a step
    learning_rate, warmup_steps, weight_decay, clip_norm : of AdamW; the rate falls to zero along a cosine
    average : decay of the running mean of the weights, which is what is kept
    evaluate_every : epochs
    save_every_s : seconds between states on disk
    autocast : bfloat16 where it is safe and the processor has it
    """

    output_dir: Path
    init_from: Path | None = None
    epochs: float = 60.0
    minutes: float | None = None
    batch: int = 16
    learning_rate: float = 1.5e-3
    warmup_steps: int = 100
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    average: float = 0.995
    evaluate_every: float = 5.0
    save_every_s: float = 120.0
    autocast: bool = True
    seed: int = 1

    def __post_init__(self):
        for name in ("epochs", "minutes", "batch", "learning_rate", "clip_norm", "evaluate_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:  # so NaN is refused too
                raise ValueError(f"{name} must be positive and finite, got {value}")
        for name in ("warmup_steps", "weight_decay", "save_every_s", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more and finite, got {getattr(self, name)}")
        if self.seed >= 2**43:  # the draws of a step begin from a million times the seed, in 64 bits
            raise ValueError(f"seed must be below 2**43, got {self.seed}")
        if not 0 <= self.average < 1:
            raise ValueError(f"average must be at least 0 and less than 1, got {self.average}")


@dataclass(frozen=True, kw_only=True)
class VoiceConfig:
    """Everything that the recipe's TOML file may say of the acoustic model."""

    data: AcousticDataConfig
    training: AcousticTraining
    contract: AudioContract = field(default_factory=AudioContract)
    model: AcousticConfig = field(default_factory=AcousticConfig)
    losses: LossWeights = field(default_factory=LossWeights)


@dataclass
class Progress:
    """How far a run is: updates, epochs with the part of the current one, seconds of training."""

    step: int = 0
    epoch: float = 0.0
    elapsed_s: float = 0.0

    def position(self, training: AcousticTraining) -> float:
        """Part of the run that is done, 0 to 1."""
        by_time = self.elapsed_s / (60.0 * training.minutes) if training.minutes else 0.0
        return min(1.0, max(self.epoch / training.epochs, by_time))


def train(
    config_path: str | Path,
    overrides: Sequence[str] = (),
    *,
    restart: bool = False,
    about: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Train the acoustic model that a TOML file describes.

    Parameters
    ----------
    config_path : TOML file of `VoiceConfig`
    overrides : strings `key.key=value`
    restart : begin anew even if the output folder holds a state to resume
    about : what the model's card says beside its training: name, data, licence

    Returns
    -------
    Path : the model, `OUTPUT_DIR/acoustic.safetensors`

    Raises
    ------
    ConfigError, CorpusError, CheckpointError
        As the message says; nothing already trained is lost.
    """
    config = load_config(config_path, VoiceConfig, overrides)
    recordings = open_run(config)
    if len(recordings.speakers) > config.model.num_speakers:
        raise ConfigError(
            f"model.num_speakers={config.model.num_speakers}: the manifests have {len(recordings.speakers)} speakers"
        )
    torch.manual_seed(config.training.seed)
    model = AcousticModel(config.model, config.contract.num_mels)
    if config.training.init_from is not None:
        _initialize_from(model, config.training.init_from)
    recordings.measure_statistics(model)
    card = {**about, "training": to_dict(config.training)}
    acoustic = Acoustic(model, config.contract, recordings.speakers, recordings.habits(), card=card)
    return fit(config, acoustic, recordings, restart=restart)


def open_run(config: VoiceConfig) -> Recordings:
    """Recordings that a configuration names, with their frames and targets."""
    folders = alignment_folders(config.data)
    utterances: list[Utterance] = []
    alignments: list[Path] = []
    for manifest, folder in zip(config.data.train, folders, strict=True):
        rows = numbered_rows(manifest)
        utterances += [utterance for _, utterance in rows]
        alignments += [folder / f"{name}.json" for name in alignment_names(rows)]
    return open_recordings(utterances, alignments, config.data.frames_dir, config.contract)


def alignment_folders(data: AcousticDataConfig) -> list[Path]:
    """Where the alignments of each manifest are: in one folder, or, as files of several may share a name, one each.

    Examples
    --------
    >>> data = AcousticDataConfig(train=("a/train.jsonl", "b.jsonl"), alignments=Path("found"), frames_dir=Path("f"))
    >>> [folder.as_posix() for folder in alignment_folders(data)]
    ['found/train', 'found/b']
    """
    if len(data.train) == 1:
        return [data.alignments]
    stems = [Path(manifest).stem for manifest in data.train]
    return [data.alignments / name for name in unique_names(stems, range(1, len(stems) + 1))]


def _initialize_from(model: AcousticModel, path: Path) -> None:
    """Start from another voice's weights; its statistics are measured anew."""
    other = Acoustic.load(path).model
    try:
        model.load_state_dict(other.state_dict())
    except RuntimeError as error:
        raise ConfigError(f"training.init_from={path}: another shape of model; take its [model] settings") from error


def fit(config: VoiceConfig, acoustic: Acoustic, recordings: Recordings, *, restart: bool = False) -> Path:
    """Update the weights until epochs or minutes are over, saving on the way; returns the model's path."""
    training, model = config.training, acoustic.model
    training.output_dir.mkdir(parents=True, exist_ok=True)
    train_set, dev_set = recordings.split(config.data.held_out)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=training.learning_rate, betas=(0.9, 0.98), weight_decay=training.weight_decay
    )
    average = copy.deepcopy(model).requires_grad_(False).eval()
    state_path = training.output_dir / "state.pt"
    run = _belongs_to(config, recordings)
    progress = Progress()
    if restart:
        state_path.unlink(missing_ok=True)
    if state_path.exists():
        progress = _resume(state_path, run, model, optimizer, average)
    log = training.output_dir / "log.jsonl"
    if not progress.step and log.exists():
        put_aside(log)
    next_evaluation = progress.epoch + training.evaluate_every
    with InterruptGuard() as interrupt:
        clock = saved_at = time.monotonic()
        smooth: dict[str, float] = {}
        while progress.position(training) < 1.0:
            for batch_indices, epoch in _epoch(train_set, recordings, training, progress.epoch):
                rate = _learning_rate(progress, training)
                values = _update(model, optimizer, recordings.batch(batch_indices, model), rate, config, progress.step)
                _average(average, model, min(training.average, progress.step / (progress.step + 10)))
                progress.step, progress.epoch = progress.step + 1, epoch
                clock, before = time.monotonic(), clock
                progress.elapsed_s += clock - before
                smooth = {name: 0.95 * smooth.get(name, value) + 0.05 * value for name, value in values.items()}
                if interrupt.requested or clock - saved_at > training.save_every_s:
                    _save(state_path, run, model, optimizer, average, progress)
                    _write_log(log, "train", progress, smooth)
                    saved_at = clock
                if interrupt.requested:
                    raise KeyboardInterrupt
                if progress.position(training) >= 1.0:
                    break
            if progress.epoch >= next_evaluation and progress.position(training) < 1.0:
                next_evaluation = progress.epoch + training.evaluate_every
                _write_log(log, "dev", progress, evaluate(average, recordings, dev_set, training.batch))
        _save(state_path, run, model, optimizer, average, progress)
    results = evaluate(average, recordings, dev_set, training.batch)  # of a run that was finished before, too
    _write_log(log, "dev", progress, results)
    acoustic.pause_threshold = results["pause_threshold"]
    acoustic.detail = measure_detail(average, recordings, train_set)
    return export(acoustic, average, training.output_dir / "acoustic.safetensors", progress)


def export(acoustic: Acoustic, average: AcousticModel, path: Path, progress: Progress) -> Path:
    """Write the averaged weights as a model."""
    card = acoustic.card | {"steps": progress.step, "epochs": round(progress.epoch, 2)}
    replace(acoustic, model=average, card=card).save(path)
    return path


def _learning_rate(progress: Progress, training: AcousticTraining) -> float:
    warm = min(1.0, (progress.step + 1) / max(1, training.warmup_steps))
    return training.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * progress.position(training)))


def _epoch(
    indices: list[int], recordings: Recordings, training: AcousticTraining, position: float
) -> Iterator[tuple[list[int], float]]:
    """What is left of the current epoch: batches of recordings of like length, and the epochs done after each.

    At least one batch, also where `position` was reached with batches of another size.
    """
    number = int(position + 1e-6)
    random = torch.Generator().manual_seed(training.seed * 1_000_003 + number)
    order = [indices[place] for place in torch.randperm(len(indices), generator=random).tolist()]
    pool = 16 * training.batch
    batches = []
    for start in range(0, len(order), pool):
        near = sorted(order[start : start + pool], key=recordings.num_frames)
        batches += [near[at : at + training.batch] for at in range(0, len(near), training.batch)]
    shuffled = [batches[place] for place in torch.randperm(len(batches), generator=random).tolist()]
    first = int((position - number) * len(shuffled) + 1e-6)
    for done, batch in enumerate(shuffled[first:], start=first + 1):
        yield batch, number + done / len(shuffled)


def _update(
    model: AcousticModel, optimizer: torch.optim.Optimizer, batch: Batch, rate: float, config: VoiceConfig, step: int
) -> dict[str, float]:
    """One step; returns the losses."""
    torch.manual_seed(config.training.seed * 1_000_003 + step)
    model.train()
    optimizer.zero_grad(set_to_none=True)
    with autocast("cpu", config.training.autocast):
        outputs = forward(model, batch)
    losses = compute_losses(outputs, batch)
    total = losses.total(config.losses)
    if not math.isfinite(float(total.detach())):
        raise SpeechError(f"step {step}: the loss is not finite; lower training.learning_rate")
    total.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), config.training.clip_norm)
    if not math.isfinite(float(norm)):  # scaled by it, the weights would be NaN
        raise SpeechError(f"step {step}: the gradient is not finite; lower training.learning_rate")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return {item.name: float(getattr(losses, item.name).detach()) for item in fields(losses)}


@torch.no_grad()
def _average(average: AcousticModel, model: AcousticModel, decay: float) -> None:
    """Move the running mean towards the weights."""
    for kept, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        kept.lerp_(value, 1.0 - decay)


def _belongs_to(config: VoiceConfig, recordings: Recordings) -> dict[str, str]:
    """What a run may not change, and its value in words."""
    lengths = [recordings.num_frames(index) for index in range(len(recordings.rows))]
    names = [recordings.voice.names[row] for row in recordings.rows]
    contents = (names, recordings.texts, recordings.speakers, recordings.speaker_ids, lengths)
    return {
        "[model]": str(config.model),
        "[contract]": str(config.contract),
        "recordings": hashlib.sha256(str(contents).encode()).hexdigest(),
        "training.seed": str(config.training.seed),
        "training.init_from": str(config.training.init_from),
    }


def _save(
    path: Path, run: Mapping[str, str], model: nn.Module, optimizer, average: nn.Module, progress: Progress
) -> None:
    state = {
        "format": STATE_FORMAT,
        "belongs_to": dict(run),
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": vars(progress),
    }
    write_atomically(path, lambda file: torch.save(state, file))


def _resume(path: Path, run: Mapping[str, str], model: nn.Module, optimizer, average: nn.Module) -> Progress:
    """Put a saved state where it belongs."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types for a damaged file; all mean the same here
        raise CheckpointError(f"{path}: damaged ({str(error).splitlines()[0]}); remove it or restart") from error
    if saved.get("format") != STATE_FORMAT:
        raise CheckpointError(f"{path}: is of another version; remove it or choose another output_dir")
    if other := first_other(saved["belongs_to"], run):
        raise ConfigError(f"{path}: is of a run with other {other}; choose another output_dir or restart")
    model.load_state_dict(saved["model"])
    average.load_state_dict(saved["average"])
    optimizer.load_state_dict(saved["optimizer"])
    logger.info("%s: resumes at step %d", path, saved["progress"]["step"])
    return Progress(**saved["progress"])


def _write_log(path: Path, kind: str, progress: Progress, values: dict[str, Any]) -> None:
    """Append a line, and show it."""
    line = {"kind": kind, "step": progress.step, "epoch": round(progress.epoch, 3), "s": round(progress.elapsed_s)}
    rounded = {name: round(value, 4) for name, value in values.items()}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line | rounded) + "\n")
    shown = " ".join(f"{name} {value:.3f}" for name, value in rounded.items())
    logger.info("%s, epoch %.2f step %d: %s", kind, progress.epoch, progress.step, shown)
