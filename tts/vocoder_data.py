"""Recordings of one voice as the vocoder is trained on them: samples, mel and pitch, computed once.

A folder of files that are mapped into memory: `samples.i16` [sum of T * hop], `mel.f16` [sum of T, M] and `f0_hz.f32`
[sum of T], and `voice.json`: the contract, the frames of each recording, and what it was computed from.
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from speech import audio
from speech.checkpoint import write_atomically
from speech.config import from_dict, to_dict
from speech.corpus import Utterance
from speech.errors import CorpusError
from speech.files import stamp
from tts.contract import AudioContract, FrameAnalyzer

_SHORTEST_FRAMES = 16
_FILES = {"samples": "samples.i16", "mel": "mel.f16", "f0_hz": "f0_hz.f32"}


@dataclass(frozen=True)
class VoiceData:
    """Recordings of a voice with their frames.

    Attributes
    ----------
    samples : int16 [sum of T * hop]
    mel : float16 [sum of T, M]
    f0_hz : float32 [sum of T], 0 where unvoiced
    lengths : int64 [utterances], frames of each
    names : of the recordings
    contract : AudioContract of the frames
    """

    samples: np.ndarray
    mel: np.ndarray
    f0_hz: np.ndarray
    lengths: np.ndarray
    names: tuple[str, ...]
    contract: AudioContract

    @property
    def starts(self) -> np.ndarray:
        """First frame of each utterance, int64 [utterances]."""
        return np.cumsum(self.lengths) - self.lengths

    def crop(
        self, crop_frames: int, batch: int, random: np.random.Generator
    ) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
        """Stretches that `random` draws: mel [B, T, M], f0_hz [B, T], waveforms [B, T * hop].

        Each utterance is drawn in proportion to its length; a shorter one is followed by what comes next in the file.

        Raises
        ------
        CorpusError
            All recordings together are shorter than one stretch.
        """
        hop, last = self.contract.hop_samples, int(self.lengths.sum()) - crop_frames
        if last < 0:
            raise CorpusError(f"the recordings have {last + crop_frames} frames together, a crop needs {crop_frames}")
        starts = random.integers(0, last + 1, batch)
        mel = np.stack([self.mel[at : at + crop_frames] for at in starts]).astype(np.float32)
        f0_hz = np.stack([self.f0_hz[at : at + crop_frames] for at in starts])
        samples = np.stack([self.samples[at * hop : (at + crop_frames) * hop] for at in starts])
        return torch.from_numpy(mel), f0_hz, torch.from_numpy(samples.astype(np.float32) / 32_768.0)


def prepare_voice_data(utterances: Sequence[Utterance], contract: AudioContract, folder: Path) -> VoiceData:
    """Compute the frames of `utterances` and keep them in `folder`; nothing is done when they are there.

    Raises
    ------
    CorpusError
        `folder` holds other recordings, which size and time of change tell too, or another contract.
    AudioError
        A recording cannot be read (names it).
    """
    recordings = [[u.audio_filepath.name, *stamp(u.audio_filepath), u.offset, u.duration] for u in utterances]
    described = {"contract": to_dict(contract), "recordings": recordings}
    if (folder / "voice.json").exists():
        difference = _difference(json.loads((folder / "voice.json").read_text()), described)
        if difference:
            raise CorpusError(f"{folder}: holds frames of {difference}; remove the folder")
        return load_voice_data(folder)
    analyzer = FrameAnalyzer(contract)
    lengths = []
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context(open(folder / file, "wb")) for name, file in _FILES.items()}
        for utterance in tqdm(utterances, desc="frames of the voice", unit="utt", mininterval=1.0):
            waveform, _ = audio.read(
                utterance.audio_filepath,
                sample_rate_hz=contract.sample_rate_hz,
                offset_s=utterance.offset,
                duration_s=utterance.duration,
            )
            frames = analyzer(torch.from_numpy(np.ascontiguousarray(waveform))[None])
            count = int(frames.lengths[0])
            if count < _SHORTEST_FRAMES:
                raise CorpusError(f"{utterance.audio_filepath}: only {count} frames long; leave it out of the manifest")
            lengths.append(count)
            used = np.clip(np.rint(waveform[: count * contract.hop_samples] * 32_768.0), -32_768, 32_767)
            files["samples"].write(used.astype(np.int16).tobytes())
            files["mel"].write(frames.mel[0].half().numpy().tobytes())
            files["f0_hz"].write(frames.f0_hz[0].numpy().tobytes())
    described["lengths"] = lengths
    write_atomically(folder / "voice.json", lambda file: file.write(json.dumps(described).encode()))
    return load_voice_data(folder)


def _difference(kept: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What frames that are kept are of, if they are not those that are wanted; else empty."""
    if kept.get("contract") != wanted["contract"]:
        return "another contract"
    ours, theirs = wanted["recordings"], kept.get("recordings", [])
    if len(ours) != len(theirs):
        return f"{len(theirs)} recordings and not of {len(ours)}"
    changed = [own[0] for own, other in zip(ours, theirs, strict=True) if own != other]
    return f"other recordings, the first that differs is {changed[0]}" if changed else ""


def load_voice_data(folder: Path) -> VoiceData:
    """Open what `prepare_voice_data` kept.

    Raises
    ------
    CorpusError
        There is nothing in `folder`.
    """
    if not (folder / "voice.json").exists():
        raise CorpusError(f"{folder}: no prepared voice; run the step `prepare` first")
    described = json.loads((folder / "voice.json").read_text())
    contract = from_dict(AudioContract, described["contract"], "contract.", str(folder / "voice.json"))
    lengths = np.array(described["lengths"], np.int64)
    total = int(lengths.sum())
    return VoiceData(
        samples=np.memmap(folder / _FILES["samples"], np.int16, "r", shape=(total * contract.hop_samples,)),
        mel=np.memmap(folder / _FILES["mel"], np.float16, "r", shape=(total, contract.num_mels)),
        f0_hz=np.memmap(folder / _FILES["f0_hz"], np.float32, "r", shape=(total,)),
        lengths=lengths,
        names=tuple(name for name, *_ in described["recordings"]),
        contract=contract,
    )
