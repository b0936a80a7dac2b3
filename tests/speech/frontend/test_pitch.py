"""Pitch of signals whose pitch is known, and of real voices beside pyin."""

import librosa
import numpy as np
import pytest
import torch

from speech import audio
from speech.frontend import FrontendConfig
from speech.frontend.pitch import PitchConfig, PitchTracker

RATE_HZ = 16_000


def pulses(f0_hz: float, seconds: float = 0.6, rate_hz: int = RATE_HZ) -> torch.Tensor:
    """Voice-like tone: harmonics up to 4 kHz that fall by 6 dB an octave."""
    time_s = torch.arange(round(seconds * rate_hz), dtype=torch.float64) / rate_hz
    orders = range(1, int(4000 / f0_hz) + 1)
    tone = sum(torch.cos(2 * torch.pi * f0_hz * k * time_s) / k for k in orders)
    return (0.1 * tone).float()


@pytest.mark.parametrize("f0_hz", [75.0, 110.0, 180.0, 220.0, 333.0, 450.0])
def test_tones_within_one_percent(f0_hz):
    time_s = torch.arange(9600) / RATE_HZ
    for tone in (pulses(f0_hz), 0.1 * torch.sin(2 * torch.pi * f0_hz * time_s)):
        pitch = PitchTracker()(tone[None])
        inside = pitch.f0_hz[0, 5:-5]
        assert pitch.voiced[0, 5:-5].all()
        assert (inside / f0_hz - 1).abs().max() < 0.01


@pytest.mark.parametrize(
    "frontend",
    [
        FrontendConfig(sample_rate_hz=8000),
        FrontendConfig(sample_rate_hz=44_100, snip_edges=False),
        FrontendConfig.vocoder(),
        FrontendConfig.vocoder(sample_rate_hz=24_000),
    ],
)
def test_other_rates_and_frames(frontend):
    tone = pulses(140.0, rate_hz=frontend.sample_rate_hz)
    pitch = PitchTracker(frontend=frontend)(tone[None])
    assert pitch.f0_hz.shape == (1, frontend.num_frames(len(tone)))
    assert (pitch.f0_hz[0, 8:-8] / 140.0 - 1).abs().max() < 0.01


def test_rising_pitch_is_placed_in_time():
    """A glide by 100 Hz in a second: an offset of 10 ms would be an error of 1 Hz."""
    time_s = torch.arange(16_000, dtype=torch.float64) / RATE_HZ
    phase = 2 * torch.pi * (150.0 * time_s + 50.0 * time_s.square())
    tone = sum(torch.cos(k * phase) / k for k in range(1, 12)).float()[None]
    pitch = PitchTracker()(0.1 * tone)
    centres_s = (torch.arange(pitch.f0_hz.shape[1]) * 160 + 200) / RATE_HZ
    error_hz = (pitch.f0_hz[0] - (150.0 + 100.0 * centres_s))[8:-8]
    assert error_hz.abs().max() < 1.5
    assert error_hz.mean().abs() < 0.3


def test_silence_and_noise_are_unvoiced():
    generator = torch.Generator().manual_seed(0)
    white = 0.1 * torch.randn(1, 32_000, generator=generator)
    assert not PitchTracker()(torch.zeros(1, 16_000)).voiced.any()
    assert PitchTracker()(white).voiced.double().mean() < 0.05
    quiet = torch.cat([pulses(120.0, 1.0), 1e-3 * torch.randn(16_000, generator=generator)])
    voiced = PitchTracker()(quiet[None]).voiced[0]
    assert voiced[5:90].all()
    assert voiced[110:].double().mean() < 0.05


def test_padding_and_batch_change_nothing():
    tracker = PitchTracker()
    lengths = torch.tensor([9600, 6001, 300])
    waveforms = torch.stack([pulses(120.0), pulses(200.0), pulses(300.0)])
    pitch = tracker(waveforms, lengths)
    poisoned = waveforms.clone()
    poisoned[1, 6001:], poisoned[2, 300:] = float("nan"), float("inf")
    assert torch.equal(tracker(poisoned, lengths).f0_hz, pitch.f0_hz)
    assert pitch.lengths.tolist() == [58, 36, 0]
    for row, length in enumerate(lengths.tolist()):
        alone = tracker(waveforms[row : row + 1, :length])
        count = alone.f0_hz.shape[1]
        torch.testing.assert_close(pitch.f0_hz[row, :count], alone.f0_hz[0], rtol=1e-4, atol=0)
        assert not pitch.voiced[row, count:].any()


def test_bad_configuration_is_refused():
    with pytest.raises(ValueError, match="min_hz"):
        PitchConfig(min_hz=500.0, max_hz=100.0)
    with pytest.raises(ValueError, match="periods"):
        PitchConfig(window_s=0.02)
    with pytest.raises(ValueError, match="sample rate"):
        PitchTracker(frontend=FrontendConfig(sample_rate_hz=2000))


def test_agrees_with_pyin_on_clean_speech(shared_data):
    near, same = [], []
    for voice, index in (("slt", 7), ("bdl", 7), ("bdl", 20)):
        path = sorted((shared_data / f"cmu_us_{voice}_arctic/wav").glob("*.opus"))[index]
        waveform, _ = audio.read(path, sample_rate_hz=RATE_HZ)
        ours = PitchTracker()(torch.from_numpy(waveform)[None]).f0_hz[0].numpy()
        reference, _, _ = librosa.pyin(
            np.pad(waveform, (512 - 200, 1024)),
            fmin=65,
            fmax=500,
            sr=RATE_HZ,
            frame_length=1024,
            hop_length=160,
            center=False,
        )
        reference = np.nan_to_num(reference[: len(ours)])
        both = (ours > 0) & (reference > 0)
        near.append(np.abs(ours[both] / reference[both] - 1) < 0.03)
        same.append((ours > 0) == (reference > 0))
    assert np.concatenate(near).mean() >= 0.95
    assert np.concatenate(same).mean() > 0.8


@pytest.mark.gpu
def test_cuda_agrees_with_cpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    waveforms = torch.stack([pulses(120.0), pulses(200.0)])
    expected = PitchTracker()(waveforms).f0_hz
    result = PitchTracker().cuda()(waveforms.cuda()).f0_hz
    torch.testing.assert_close(result.cpu(), expected, rtol=1e-3, atol=0)
