"""Filter banks and pitch beside their peers, in one run on one thread.

    python -m recipes.benchmarks.frontend [--hours 1] [--data ../shared/data] [--pyin-seconds 20]

Times are CPU seconds of this process, the least of `--repeats` rounds through all tools, so that
other work on the machine disturbs them little. Every tool gets the same pieces of 30 s, and all
profit from what `speech.frontend.frames.keep_freed_memory` does to the process (torchaudio takes
about twice as long without it).
Needs recordings, and the extra `bench` for parselmouth and kaldi-native-fbank, which are left out without it.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

# Before numpy and torch are imported: one thread for everybody.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import librosa  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torchaudio.compliance import kaldi  # noqa: E402

from speech import audio  # noqa: E402
from speech.cli import guarded  # noqa: E402
from speech.errors import SpeechError  # noqa: E402
from speech.frontend import Frontend, FrontendConfig  # noqa: E402
from speech.frontend.pitch import PitchConfig, PitchTracker  # noqa: E402

RATE_HZ = 16_000
PIECE_S = 30
CLEAN = {
    "LibriSpeech 1988 (F)": "LibriSpeech/dev-clean/1988",
    "LibriSpeech 251 (M)": "LibriSpeech/dev-clean/251",
    "ARCTIC slt (F)": "cmu_us_slt_arctic/wav",
    "ARCTIC bdl (M)": "cmu_us_bdl_arctic/wav",
    "kathleen (F)": "kathleen/wavs",
}
MIXED = ("LibriSpeech", "cv-corpus", "cmu_us_slt_arctic", "cmu_us_bdl_arctic", "kathleen")
# pyin is told to look where we look; 65 Hz is what two periods in 512 samples allow.
MIN_HZ, MAX_HZ = 65.0, 500.0


def _import(name: str) -> ModuleType | None:
    """The module, if it is installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


kaldi_native_fbank, parselmouth = _import("kaldi_native_fbank"), _import("parselmouth")


def main() -> None:
    """Run all comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0, help="speech to time (default 1)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pyin-seconds", type=float, default=20.0, help="speech of each clean voice for pyin")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for module, package in ((kaldi_native_fbank, "kaldi-native-fbank"), (parselmouth, "praat-parselmouth")):
        if module is None:
            print(f"{package} is not installed and left out: pip install 'speech-toolkit[bench]'")
    roots = [arguments.data / name for name in MIXED]
    speech = load_speech(roots, arguments.hours * 3600)
    pieces = [speech[i : i + PIECE_S * RATE_HZ] for i in range(0, len(speech), PIECE_S * RATE_HZ)]
    pieces = [piece for piece in pieces if len(piece) >= RATE_HZ]
    hours = sum(map(len, pieces)) / RATE_HZ / 3600
    print(f"{hours:.3f} h of speech at {RATE_HZ} Hz in pieces of {PIECE_S} s; one thread\n")
    compare_times("filter bank", filter_bank_tools(), pieces, hours, arguments.repeats)
    compare_values(pieces)
    compare_times("pitch", pitch_tools(), pieces, hours, arguments.repeats)
    compare_pitch(arguments.data, arguments.pyin_seconds)


def load_speech(roots: list[Path], seconds: float) -> np.ndarray:
    """About so many seconds, the same share from each folder's recordings in a fixed shuffle."""
    parts, rng = [], np.random.default_rng(0)
    for root in roots:
        paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in audio.SNDFILE_SUFFIXES)
        wanted = seconds / len(roots) * RATE_HZ
        for index in rng.permutation(len(paths)):
            if wanted <= 0:
                break
            parts.append(audio.read(paths[index], sample_rate_hz=RATE_HZ)[0])
            wanted -= len(parts[-1])
    if not parts:
        raise SpeechError(f"no recordings under {roots[0].parent}: name their folder with --data")
    return np.concatenate(parts)


def compare_times(title: str, tools: dict[str, Callable], pieces: list, hours: float, repeats: int) -> None:
    """Print each tool's seconds for an hour, and how many times ours that is."""
    best = dict.fromkeys(tools, float("inf"))
    for tool in tools.values():
        tool(pieces[0])
    for _ in range(repeats):
        for name, tool in tools.items():
            start = time.process_time()
            for piece in pieces:
                tool(piece)
            best[name] = min(best[name], (time.process_time() - start) / hours)
    ours = next(iter(best.values()))
    print(f"{title:44} s per hour   times ours")
    for name, seconds in best.items():
        print(f"  {name:42} {seconds:10.2f}   {seconds / ours:10.2f}")
    print()


def filter_bank_tools() -> dict[str, Callable]:
    """Name -> function of a waveform; ours first."""
    frontend = Frontend(FrontendConfig())

    def ours(waveform):
        with torch.inference_mode():
            return frontend(torch.from_numpy(waveform)[None])[0][0]

    def librosa_mel(waveform):
        power = librosa.feature.melspectrogram(
            y=waveform, sr=RATE_HZ, n_fft=512, win_length=400, hop_length=160, n_mels=80
        )
        return librosa.power_to_db(power)

    native = {"kaldi-native-fbank": native_fbank} if kaldi_native_fbank else {}
    return {
        "ours": ours,
        "torchaudio.compliance.kaldi.fbank": torchaudio_fbank,
        **native,
        "librosa.feature.melspectrogram + dB": librosa_mel,
    }


def torchaudio_fbank(waveform: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Filter bank of torchaudio, computed in `dtype`."""
    with torch.inference_mode():
        scaled = torch.from_numpy(waveform).to(dtype)[None] * 32768.0
        return kaldi.fbank(scaled, num_mel_bins=80, dither=0.0)


def native_fbank(waveform: np.ndarray) -> torch.Tensor:
    """kaldi-native-fbank's filter bank."""
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    online = kaldi_native_fbank.OnlineFbank(options)
    online.accept_waveform(RATE_HZ, waveform * 32768.0)
    online.input_finished()
    frames = [online.get_frame(i) for i in range(online.num_frames_ready)]
    return torch.from_numpy(np.stack(frames))


def compare_values(pieces: list) -> None:
    """Print how far the filter banks are from each other, in natural logarithm of energy."""
    ours = filter_bank_tools()["ours"]
    values: dict[str, list] = {}
    for piece in pieces[:: max(1, len(pieces) // 20)]:
        exact = torchaudio_fbank(piece, torch.float64).float()
        single, own = torchaudio_fbank(piece), ours(piece)
        pairs = [("ours - Kaldi's definition (torchaudio, float64)", own, exact), ("ours - torchaudio", own, single)]
        if kaldi_native_fbank:
            native = native_fbank(piece)
            pairs += [
                ("ours - kaldi-native-fbank", own, native),
                ("torchaudio - kaldi-native-fbank", single, native),
            ]
        for name, first, second in pairs:
            values.setdefault(name, []).append((first - second).abs().flatten())
    print(f"{'log-mel difference':50} largest   over 1e-3")
    for name, parts in values.items():
        difference = torch.cat(parts)
        share = (difference > 1e-3).double().mean().item()
        print(f"  {name:48} {difference.max().item():.5f}   {share:8.5%}")
    print()


def pitch_tools() -> dict[str, Callable]:
    """Name -> function of a waveform; ours first."""
    tracker = PitchTracker()

    def yin(waveform):
        return librosa.yin(waveform, fmin=MIN_HZ, fmax=MAX_HZ, sr=RATE_HZ, frame_length=1024, hop_length=160)

    return {
        "ours (10 ms hop)": lambda waveform: tracker(torch.from_numpy(waveform)[None]),
        **({"Praat, autocorrelation (10 ms hop)": praat} if parselmouth else {}),
        "librosa.yin (1024 samples, 10 ms hop)": yin,
    }


def praat(waveform: np.ndarray) -> "parselmouth.Pitch":
    """Praat's pitch with its default costs."""
    sound = parselmouth.Sound(waveform.astype(np.float64), RATE_HZ)
    return sound.to_pitch_ac(time_step=0.01, pitch_floor=MIN_HZ, pitch_ceiling=MAX_HZ)


def pyin(waveform: np.ndarray, frame_length: int) -> np.ndarray:
    """Pitch by librosa's pyin with frames centred where ours are; 0 where unvoiced."""
    padded = np.pad(waveform, (frame_length // 2 - 200, frame_length))
    f0_hz, _, _ = librosa.pyin(
        padded,
        fmin=MIN_HZ,
        fmax=MAX_HZ,
        sr=RATE_HZ,
        frame_length=frame_length,
        hop_length=160,
        center=False,
    )
    return np.nan_to_num(f0_hz[: FrontendConfig().num_frames(len(waveform))])


def compare_pitch(data: Path, seconds: float) -> None:
    """Print agreement with pyin on clean voices, Praat's beside ours, and pyin's time."""
    default, fine = PitchTracker(), PitchTracker(PitchConfig(window_s=0.055))
    rows: dict[tuple, list] = {}
    times, total_s = {512: 0.0, 1024: 0.0}, 0.0
    pyin(np.zeros(RATE_HZ, np.float32), 512)
    for voice, folder in CLEAN.items():
        waveform = load_speech([data / folder], seconds)
        total_s += len(waveform) / RATE_HZ
        tensor = torch.from_numpy(waveform)[None]
        num_frames = default.frontend.num_frames(len(waveform))
        centres_s = (np.arange(num_frames) * 160 + 200) / RATE_HZ
        others = {
            "ours, default": default(tensor).f0_hz[0].numpy(),
            "ours, window_s=0.055": fine(tensor).f0_hz[0].numpy(),
        }
        if parselmouth:
            pitch = praat(waveform)
            others["Praat"] = np.nan_to_num([pitch.get_value_at_time(s) for s in centres_s])
        for frame_length in times:
            start = time.process_time()
            reference = pyin(waveform, frame_length)
            times[frame_length] += time.process_time() - start
            for name, f0_hz in others.items():
                for place in (voice, "all voices"):
                    counts = agreement(f0_hz, reference)
                    rows.setdefault((frame_length, name, place), []).append(counts)
    for frame_length, spent_s in times.items():
        print(
            f"pyin, frame_length={frame_length} ({frame_length / 16:.0f} ms): "
            f"{spent_s / total_s * 3600:.0f} s per hour, from {total_s:.0f} s of clean speech"
        )
        print("  of frames both call voiced, within 3 % | off by over 20 % | same voicing, all frames")
        for (length, name, place), parts in rows.items():
            if length == frame_length:
                both, near, far, same, total = np.sum(parts, axis=0)
                print(f"    {name:22} {place:22} {near / both:7.2%} | {far / both:6.2%} | {same / total:6.1%}")


def agreement(f0_hz: np.ndarray, reference_hz: np.ndarray) -> np.ndarray:
    """Frames: both voiced, of them within 3 %, of them over 20 % off, same voicing, all."""
    both = (f0_hz > 0) & (reference_hz > 0)
    error = np.abs(f0_hz[both] / reference_hz[both] - 1.0)
    same = (f0_hz > 0) == (reference_hz > 0)
    return np.array([both.sum(), (error < 0.03).sum(), (error > 0.2).sum(), same.sum(), len(f0_hz)])


if __name__ == "__main__":
    sys.exit(guarded(main, "frontend"))
