"""Masks, speed, noise, rooms: properties that must hold whatever is drawn."""

import numpy as np
import pytest
import torch

from speech import audio
from speech.errors import CorpusError
from speech.frontend import augment
from speech.frontend.augment import SpecAugmentConfig, spec_augment
from speech.frontend.augmenter import WaveformAugmentConfig, WaveformAugmenter


def noise(num_samples: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(num_samples).astype(np.float32)


def masked(seed: int, config: SpecAugmentConfig, lengths: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return spec_augment(torch.ones(len(lengths), 200, 40), lengths, config, generator) == -7.0


def test_masks_are_seeded_bounded_and_inside():
    lengths = torch.tensor([200, 80, 5, 0])
    times = SpecAugmentConfig(num_time_masks=1, max_time_frames=30, num_frequency_masks=0, mask_value=-7.0)
    bands = SpecAugmentConfig(num_time_masks=0, num_frequency_masks=1, max_frequency_bins=12, mask_value=-7.0)
    widest_time = widest_band = 0
    for seed in range(200):
        covered = masked(seed, times, lengths)
        assert torch.equal(covered, masked(seed, times, lengths))
        widths = covered.all(2).sum(1)
        assert torch.equal(covered.any(2).sum(1), widths)
        assert (widths <= torch.tensor([20, 8, 0, 0])).all()
        assert not any(covered[row, length:].any() for row, length in enumerate(lengths))
        widest_time = max(widest_time, int(widths[0]))
        bins = masked(seed, bands, lengths)[0].all(0)
        assert bins.sum() <= 12
        widest_band = max(widest_band, int(bins.sum()))
    assert (widest_time, widest_band) == (20, 12)


def test_masking_leaves_its_input_and_passes_gradients():
    features = torch.randn(2, 50, 8, requires_grad=True)
    before = features.detach().clone()
    result = spec_augment(features, torch.tensor([50, 30]), SpecAugmentConfig(), torch.Generator().manual_seed(3))
    (gradient,) = torch.autograd.grad(result.sum(), features)
    assert torch.equal(features.detach(), before)
    assert torch.equal(gradient == 0, (result == 0) & (before != 0))


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_speed_moves_pitch_and_length(factor):
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    result = augment.speed_perturb(tone, factor)
    assert abs(len(result) - 16_000 / factor) <= 1
    peak_hz = np.argmax(np.abs(np.fft.rfft(result))) * 16_000 / len(result)
    assert peak_hz == pytest.approx(1000 * factor, rel=1e-3)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
@pytest.mark.parametrize("noise_samples", [1000, 50_000])
def test_noise_has_the_ratio_asked_for(snr_db, noise_samples):
    speech = noise(16_000)
    result = augment.add_noise(speech, noise(noise_samples, 1), snr_db, np.random.default_rng(0))
    added = result - speech
    assert result.dtype == np.float32
    measured = 10 * np.log10(np.mean(speech**2) / np.mean(added**2))
    assert measured == pytest.approx(snr_db, abs=0.01)


def test_silence_stays_silent():
    silence, rng = np.zeros(100, np.float32), np.random.default_rng(0)
    assert not augment.add_noise(silence, noise(50), 0.0, rng).any()
    assert not augment.reverberate(silence, noise(50)).any()
    speech = noise(100)
    assert np.array_equal(augment.add_noise(speech, np.zeros(10, np.float32), 0.0, rng), speech)


def test_room_keeps_times_and_level():
    rir = np.zeros(4000, np.float32)
    rir[300] = -0.8
    rir[301:] = 0.1 * noise(3699) * np.exp(-np.arange(3699) / 800)
    clicks = np.zeros(16_000, np.float32)
    clicks[[2000, 9000]] = 1.0
    wet = augment.reverberate(clicks, rir)
    assert wet.shape == clicks.shape
    assert set(np.argsort(-np.abs(wet))[:2]) == {2000, 9000}
    assert np.mean(wet**2) == pytest.approx(np.mean(clicks**2), rel=1e-4)
    expected = np.convolve(clicks, rir)[300:16_300]
    assert np.corrcoef(wet, expected)[0, 1] > 0.9999


def make_folder(path, *, t60_s: dict[str, float]):
    for name in ("noise", "rirs"):
        (path / name).mkdir()
    audio.write(path / "noise/a.wav", noise(8000, 1), 16_000)
    for name in t60_s:
        audio.write(path / "rirs" / name, noise(400, 2), 8000)
    rows = [f"{name}\t{time}" for name, time in t60_s.items()]
    (path / "rir_stats.tsv").write_text("\n".join(["file\tt60_est", *rows]) + "\n")


def test_augmenter_is_seeded_and_bounds_rooms(tmp_path):
    make_folder(tmp_path, t60_s={"short.wav": 0.4, "hall.wav": 6.0})
    config = WaveformAugmentConfig(reverberation_probability=1.0, noise_probability=1.0)
    augmenter = WaveformAugmenter.from_folder(config, tmp_path)
    assert [path.name for path in augmenter.rir_paths] == ["short.wav"]
    speech = noise(12_000)
    first, again, other = (augmenter(speech, 16_000, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.dtype == np.float32
    assert first.shape != other.shape or not np.array_equal(first, other)
    assert np.array_equal(speech, noise(12_000))


def test_augmenter_without_files_or_chances_changes_nothing():
    config = WaveformAugmentConfig(speed_factors=(1.0,), gain_db=0.0)
    speech = noise(1000)
    result = WaveformAugmenter(config)(speech, 16_000, np.random.default_rng(0))
    assert np.array_equal(result, speech)


def test_bad_folder_and_settings_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="neither noise/ nor rirs/"):
        WaveformAugmenter.from_folder(WaveformAugmentConfig(), tmp_path)
    make_folder(tmp_path, t60_s={"a.wav": 0.4})
    (tmp_path / "rir_stats.tsv").write_text("file\tt60\na.wav\t1\n")
    with pytest.raises(CorpusError, match="t60_est"):
        WaveformAugmenter.from_folder(WaveformAugmentConfig(), tmp_path)
    with pytest.raises(ValueError, match="noise_probability"):
        WaveformAugmentConfig(noise_probability=2.0)
    (tmp_path / "rir_stats.tsv").write_text("file\tt60_est\na.wav\t\n")
    with pytest.raises(CorpusError, match="row 2: t60_est is no number, got ''"):
        WaveformAugmenter.from_folder(WaveformAugmentConfig(), tmp_path)
    for factor in (0.05, 20.0, float("nan")):
        with pytest.raises(ValueError, match="speed_factors must lie between"):
            WaveformAugmentConfig(speed_factors=(factor,))
    with pytest.raises(ValueError, match="speed factor"):
        augment.speed_perturb(noise(10), 0.0)
    with pytest.raises(ValueError, match="max_time_fraction"):
        SpecAugmentConfig(max_time_fraction=1.5)


def test_an_augmenter_is_described_with_the_state_of_its_files(tmp_path):
    make_folder(tmp_path, t60_s={"short.wav": 0.4, "other.wav": 0.5})

    def described():
        return repr(WaveformAugmenter.from_folder(WaveformAugmentConfig(), tmp_path))

    first = described()
    assert described() == first
    audio.write(tmp_path / "noise/a.wav", noise(9000, 7), 16_000)
    second = described()
    assert second != first
    (tmp_path / "rir_stats.tsv").write_text("file\tt60_est\nshort.wav\t0.4\nother.wav\t1.1\n")
    assert described() != second
