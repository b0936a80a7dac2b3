"""The schema of a training configuration; `speech train CONFIG.toml` reads a file of exactly these keys."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from speech.frontend import FrontendConfig
from speech.frontend.augment import SpecAugmentConfig, WarpConfig
from speech.frontend.augmenter import WaveformAugmentConfig
from speech.models import HeadConfig, ModelConfig
from speech.packing import Precision


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is learned from.

    Attributes
    ----------
    train, dev : manifests; errors on `dev` choose the best model and stop the training
    cache_dir : where features are kept
    min_confidence : rows below it, 0 to 1, are left out; rows without a confidence stay
    min_duration_s, max_duration_s : rows outside are left out
    dev_utterances : at most so many of each dev manifest, evenly spaced; 0 takes all
    num_workers : processes that compute features, 0 for one a core
    """

    train: tuple[Path, ...]
    dev: tuple[Path, ...]
    cache_dir: Path
    min_confidence: float = 0.0
    min_duration_s: float = 0.1
    max_duration_s: float = 24.0
    dev_utterances: int = 0
    num_workers: int = 0

    def __post_init__(self):
        for name in ("train", "dev"):
            if not getattr(self, name):
                raise ValueError(f"{name} must name a manifest or more")
        for name in ("dev_utterances", "num_workers"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"min_confidence must be from 0 to 1, got {self.min_confidence}")
        if not 0 <= self.min_duration_s < self.max_duration_s:
            raise ValueError(f"min_duration_s must be at least 0 and below max_duration_s, got {self.min_duration_s}")


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """What is done to the training data so that the model sees more than was recorded.

    Attributes
    ----------
    copies : feature copies of the corpus, used in turn, one an epoch; the first is the recordings themselves, the
        further ones are changed as `waveform` says
    folder : background noise and room responses, `noise/*` and `rirs/*`; none for changes of speed and level only
    gain_db : level of an utterance, drawn anew each time evenly within plus or minus this; log-mel features only
    filter_db : colour of the sound, a gain over the bands drawn anew each time within plus or minus this; as gain_db
    warp : changes of speaking rate and of vocal tract length, drawn anew each time
    masks : SpecAugment, drawn anew each time
    masks_warmup_epochs : masks grow linearly from nothing to full over these epochs
    """

    copies: int = 1
    folder: Path | None = None
    gain_db: float = 0.0
    filter_db: float = 0.0
    masks_warmup_epochs: float = 0.0
    waveform: WaveformAugmentConfig = field(default_factory=WaveformAugmentConfig)
    warp: WarpConfig = field(default_factory=WarpConfig)
    masks: SpecAugmentConfig = field(default_factory=SpecAugmentConfig)

    def __post_init__(self):
        if self.copies < 1:
            raise ValueError(f"copies must be 1 or more, got {self.copies}")
        for name in ("gain_db", "filter_db", "masks_warmup_epochs"):
            if not 0 <= getattr(self, name) < math.inf:  # so NaN is refused too
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class AlignmentConfig:
    """Where framewise heads have the phone of each frame from.

    Attributes
    ----------
    file : alignments made before; none for a flat start on the training data, kept in `data.cache_dir`
    flat_start_hours : speech that the mixtures of the flat start are fitted to
    realign_at : epochs at which the first framewise head aligns the training data anew
    prior_scale : of the log prior taken off the head's log posterior when it aligns
    lexicon : pronunciations of the user, before all others
    """

    file: Path | None = None
    flat_start_hours: float = 1.0
    realign_at: tuple[float, ...] = ()
    prior_scale: float = 0.5
    lexicon: Path | None = None

    def __post_init__(self):
        if not self.flat_start_hours > 0:
            raise ValueError(f"flat_start_hours must be positive, got {self.flat_start_hours}")
        if not 0 <= self.prior_scale <= 1:
            raise ValueError(f"prior_scale must be in [0, 1], got {self.prior_scale}")
        if list(self.realign_at) != sorted(set(self.realign_at)) or min(self.realign_at, default=1) <= 0:
            raise ValueError(f"realign_at must be epochs above 0 in rising order, got {self.realign_at}")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the weights are found.

    Attributes
    ----------
    output_dir : checkpoints, log and the exported model
    seed : of everything that is drawn; begun from another model (`init_from`), choose another than it had
    epochs : passes over the data
    batch_frames : most feature frames a batch holds, padding included
    accumulate : batches whose gradients are added before a step
    sorted_epochs : first epochs that go from short to long utterances
    learning_rate, weight_decay, warmup_steps : AdamW; the rate rises linearly, stays, and falls linearly to zero over
        the last `decay_fraction` of the epochs
    clip_norm : gradients are scaled down to this norm
    autocast : bfloat16 arithmetic in the model, on devices that have it
    evaluate_every : epochs between evaluations, a fraction is fine
    early_stopping : evaluations without improvement after which training stops, 0 for never
    average_last : exported weights are the mean of so many last evaluations' weights
    save_every_s : seconds between saved states
    precision : of the exported model
    stored_as : precision that the model will be shipped in; the gradients are taken at weights of it (for the last
        epochs, see `speech.packing`)
    """

    output_dir: Path
    seed: int = 1
    device: str = "cpu"
    epochs: float = 20.0
    batch_frames: int = 16_000
    accumulate: int = 1
    sorted_epochs: int = 1
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 500
    decay_fraction: float = 0.25
    clip_norm: float = 1.0
    autocast: bool = True
    evaluate_every: float = 1.0
    early_stopping: int = 0
    average_last: int = 1
    save_every_s: float = 300.0
    max_skipped: int = 50
    tensorboard: bool = False
    precision: Precision = "float16"
    stored_as: Precision = "float32"
    init_from: Path | None = None

    def __post_init__(self):
        positive = ("epochs", "batch_frames", "accumulate", "learning_rate", "clip_norm", "evaluate_every")
        for name in (*positive, "average_last", "save_every_s"):
            if not 0 < getattr(self, name) < math.inf:  # so NaN is refused too
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")
        for name in ("seed", "sorted_epochs", "weight_decay", "warmup_steps", "early_stopping", "max_skipped"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if self.seed >= 2**43:  # the draws of a step begin from a million times the seed, in 64 bits
            raise ValueError(f"seed must be below 2**43, got {self.seed}")
        if not 0 <= self.decay_fraction <= 1:
            raise ValueError(f"decay_fraction must be in [0, 1], got {self.decay_fraction}")


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """A whole training run. The first of `heads` is the one that is evaluated."""

    data: DataConfig
    training: TrainingConfig
    frontend: FrontendConfig = field(default_factory=lambda: FrontendConfig(normalization="global"))
    model: ModelConfig = field(default_factory=ModelConfig)
    heads: tuple[HeadConfig, ...] = (HeadConfig(),)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    alignment: AlignmentConfig = field(default_factory=AlignmentConfig)

    def __post_init__(self):
        for name in ("gain_db", "filter_db"):
            plain = (self.frontend.kind, self.frontend.normalization) == ("fbank", "global")
            if getattr(self.augment, name) and not plain:
                raise ValueError(f"augment.{name} needs filter banks with global normalization; set it to 0")
        for number, head in enumerate(self.heads):
            if not 0 <= head.layer <= self.model.num_layers:
                raise ValueError(f"heads.{number}.layer must be 0..{self.model.num_layers}, got {head.layer}")
        self._check_mels()
        self._check_framewise()
        names = [head.name for head in self.heads]
        if not names or len(set(names)) != len(names):
            raise ValueError("heads must be one or more, each of other units or another loss")

    def _check_mels(self) -> None:
        """A band between two frequencies of the transform is the same in every recording."""
        frontend = self.frontend
        num_empty = int((~frontend.mel_filters().any(0)).sum())
        if num_empty:
            raise ValueError(
                f"frontend.num_mels={frontend.num_mels} is too many: {num_empty} bands lie between the frequencies of"
                f" the transform, {frontend.sample_rate_hz / frontend.fft_samples:g} Hz apart; take fewer"
            )

    def _check_framewise(self) -> None:
        """Alignments are of use to framewise heads, and of copies that are as long as the recordings."""
        framewise = any(head.framewise for head in self.heads)
        if not framewise and self.alignment != AlignmentConfig():
            raise ValueError('alignment is for heads with loss = "cross_entropy", and there is none; leave it out')
        if framewise and self.augment.copies > 1 and set(self.augment.waveform.speed_factors) != {1.0}:
            raise ValueError("augment.waveform.speed_factors must be [1.0] with framewise heads; use augment.warp")
