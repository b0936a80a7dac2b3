"""Recordings of one voice as the vocoder is trained on them: samples, mel and pitch, computed once.

A folder of `.npy` files, mapped into memory: `samples` int16 [sum of T * hop], `mel` float16 [sum of T, M], `f0_hz`
float32 [sum of T] and `lengths` int64 [utterances], with the contract and the names of the recordings in `voice.json`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from speech import audio
from speech.checkpoint import write_atomically
from speech.config import from_dict, to_dict
from speech.corpus import Utterance
from speech.errors import CorpusError
from tts.contract import AudioContract, FrameAnalyzer

_SHORTEST_FRAMES = 16


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

    def crops(self, crop_frames: int, batch: int, seed: int) -> Iterator[tuple[torch.Tensor, np.ndarray, torch.Tensor]]:
        """Random stretches without end: mel [B, T, M], f0_hz [B, T], waveforms [B, T * hop]; seeded.

        Each utterance is drawn in proportion to its length; a shorter one is followed by what comes next in the file.
        """
        random = np.random.default_rng(seed)
        hop, last = self.contract.hop_samples, int(self.lengths.sum()) - crop_frames
        if last < 0:
            raise CorpusError(f"the recordings have {last + crop_frames} frames together, a crop needs {crop_frames}")
        while True:
            starts = random.integers(0, last + 1, batch)
            mel = np.stack([self.mel[at : at + crop_frames] for at in starts]).astype(np.float32)
            f0_hz = np.stack([self.f0_hz[at : at + crop_frames] for at in starts])
            samples = np.stack([self.samples[at * hop : (at + crop_frames) * hop] for at in starts])
            yield torch.from_numpy(mel), f0_hz, torch.from_numpy(samples.astype(np.float32) / 32_768.0)


def prepare_voice_data(utterances: Sequence[Utterance], contract: AudioContract, folder: Path) -> VoiceData:
    """Compute the frames of `utterances` and keep them in `folder`; nothing is done when they are there.

    Raises
    ------
    CorpusError
        `folder` holds other recordings or another contract.
    AudioError
        A recording cannot be read (names it).
    """
    described = {"contract": to_dict(contract), "names": [u.audio_filepath.name for u in utterances]}
    if (folder / "voice.json").exists():
        if json.loads((folder / "voice.json").read_text()) != described:
            raise CorpusError(f"{folder}: holds frames of other recordings or of another contract; remove the folder")
        return load_voice_data(folder)
    analyzer = FrameAnalyzer(contract)
    parts: dict[str, list[np.ndarray]] = {"samples": [], "mel": [], "f0_hz": []}
    lengths = []
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
        parts["samples"].append(used.astype(np.int16))
        parts["mel"].append(frames.mel[0].half().numpy())
        parts["f0_hz"].append(frames.f0_hz[0].numpy())
    folder.mkdir(parents=True, exist_ok=True)
    for name, arrays in parts.items():
        np.save(folder / f"{name}.npy", np.concatenate(arrays))
    np.save(folder / "lengths.npy", np.array(lengths, np.int64))
    write_atomically(folder / "voice.json", lambda file: file.write(json.dumps(described).encode()))
    return load_voice_data(folder)


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
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("samples", "mel", "f0_hz", "lengths")}
    contract = from_dict(AudioContract, described["contract"], "contract.", str(folder / "voice.json"))
    return VoiceData(**arrays, names=tuple(described["names"]), contract=contract)
