"""Training of the vocoder: random stretches of one voice, rendered twice, compared with the recording.

Every random number of a step comes from a generator seeded by (seed, step), so an interrupted run goes on exactly.
"""

import copy
import hashlib
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from speech.errors import SpeechError
from speech.run_state import resume_run, save_run
from tts.vocoder_data import VoiceData
from tts.vocoder_loss import SpectralDistance
from tts.vocoder_model import EARLY_SAMPLES, VocoderConfig, VocoderNet, render
from tts.vocoder_source import LEAD, PitchState, pulse_train

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class VocoderTrainingConfig:
    """How the vocoder is trained.

    Attributes
    ----------
    steps : updates
    batch : stretches an update
    crop_frames : frames of a stretch
    learning_rate : peak of Adam's; rises over 2 % of the steps, then falls to a hundredth along a cosine
    gain_db : a stretch is made louder or quieter by up to this much
    max_gradient_norm : longer gradients are shortened to it
    averaging : share that the averaged weights, which are the ones kept, retain of themselves at each step
    save_every_s : seconds between two saved states
    seed : of weights, stretches and noise
    """

    steps: int = 6000
    batch: int = 4
    crop_frames: int = 48
    learning_rate: float = 1.5e-3
    gain_db: float = 6.0
    max_gradient_norm: float = 5.0
    averaging: float = 0.99
    save_every_s: float = 30.0
    seed: int = 1

    def __post_init__(self):
        for name, value in {"steps": 1, "batch": 1, "crop_frames": 24, "seed": 0}.items():
            if getattr(self, name) < value:
                raise ValueError(f"{name} must be {value} or more, got {getattr(self, name)}")
        for name in ("learning_rate", "max_gradient_norm"):
            if not 0 < getattr(self, name) < math.inf:  # so NaN is refused too
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")
        for name in ("gain_db", "save_every_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more and finite, got {getattr(self, name)}")
        if not 0 <= self.averaging < 1:
            raise ValueError(f"averaging must be at least 0 and less than 1, got {self.averaging}")


def fit_vocoder(
    data: VoiceData, model_config: VocoderConfig, config: VocoderTrainingConfig, state_path: Path
) -> VocoderNet:
    """Train a vocoder; an interrupted run goes on from `state_path`.

    Returns
    -------
    VocoderNet : with averaged weights, in evaluation mode

    Raises
    ------
    CheckpointError
        The state belongs to another network, contract or seed or to other recordings, or cannot be read.
    SpeechError
        The loss is not finite; what was saved before stays.
    """
    torch.manual_seed(config.seed)
    net = VocoderNet(model_config, data.contract)
    average = copy.deepcopy(net).requires_grad_(False)
    both, optimizer = nn.ModuleDict({"net": net, "average": average}), _optimizer(net)
    run = {
        "[model] settings": str(model_config),
        "[contract] settings": str(data.contract),
        "recordings": hashlib.sha256(str((data.names, data.lengths.tolist())).encode()).hexdigest(),
        "values of training.seed": str(config.seed),
    }
    step = resume_run(state_path, both, optimizer, run)
    distance = SpectralDistance(data.contract)
    saved, losses = time.monotonic(), []
    while step < config.steps:
        random = np.random.default_rng([config.seed, step])
        for group in optimizer.param_groups:
            group["lr"] = group["factor"] * config.learning_rate * _schedule(step / config.steps)
        loss = step_loss(net, distance, data.crop(config.crop_frames, config.batch, random), random, config.gain_db)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), config.max_gradient_norm)
        losses.append(loss.item())
        if not math.isfinite(losses[-1] + norm.item()):
            raise SpeechError(f"step {step}: the loss is not finite; lower vocoder.training.learning_rate")
        optimizer.step()
        step += 1
        keep = min(config.averaging, step / (step + 10))
        for kept, value in zip(average.parameters(), net.parameters(), strict=True):
            kept.lerp_(value.detach(), 1 - keep)
        if step % 20 == 0:
            log.info("step %d: loss %.4f, CPU %.0f s", step, np.mean(losses[-20:]), time.process_time())
        if time.monotonic() - saved > config.save_every_s or step == config.steps:
            save_run(state_path, both, optimizer, step, run)
            saved = time.monotonic()
    return average.eval()


def step_loss(
    net: VocoderNet,
    distance: SpectralDistance,
    crop: tuple[Tensor, np.ndarray, Tensor],
    random: np.random.Generator,
    gain_db: float,
) -> Tensor:
    """Loss of a batch of stretches (mel [B, T, M], f0_hz [B, T], waveforms [B, T * hop])."""
    mel, f0_hz, waveforms = crop
    hop = net.contract.hop_samples
    gain = torch.from_numpy(random.uniform(-gain_db, gain_db, (len(mel), 1)) * math.log(10) / 20).float()
    filters = net(mel + gain[:, :, None], torch.from_numpy(f0_hz))
    trains = [pulse_train(row, net.contract, PitchState(phase=random.random())) for row in f0_hz]
    pulses = torch.from_numpy(np.stack([train[LEAD:-LEAD] for train, _ in trains]))
    phase = torch.from_numpy(np.stack([phase for _, phase in trains]))
    sides = (hop // 2, hop // 2)
    pulses, phase = (torch.nn.functional.pad(signal, sides) for signal in (pulses, phase))
    renderings = []
    for _ in range(2):
        noise = torch.from_numpy(random.standard_normal(phase.shape, np.float32))
        sound = render(filters, pulses, noise, phase, net.contract)
        renderings.append(_middle(sound[:, EARLY_SAMPLES + hop // 2 :][:, : waveforms.shape[1]], hop))
    return distance(*renderings, _middle(waveforms * gain.exp(), hop))


def _optimizer(net: VocoderNet) -> torch.optim.Optimizer:
    """Adam; what is the same for all frames (balance of pulses and noise by frequency) learns five times as fast."""
    shared = [net.voiced_noise, net.voiced_pulses, net.leave.bias]
    others = [value for value in net.parameters() if all(value is not one for one in shared)]
    groups = [{"params": others, "factor": 1.0}, {"params": shared, "factor": 5.0}]
    return torch.optim.Adam(groups, lr=0.0, betas=(0.9, 0.99))


def _middle(waveforms: Tensor, hop: int) -> Tensor:
    """Without the first two hops and the last, where windows of the neighbouring frames are missing."""
    return waveforms[:, 2 * hop : -hop]


def _schedule(progress: float) -> float:
    """Factor of the learning rate."""
    return min(progress / 0.02 + 1e-2, 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))
