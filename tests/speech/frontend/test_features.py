"""Filter banks, cepstra and vocoder mel against other implementations, and their invariants."""

from dataclasses import replace
from pathlib import Path

import kaldi_native_fbank
import librosa
import numpy as np
import pytest
import torch
from torchaudio.compliance import kaldi
from torchaudio.functional import compute_deltas

from speech import audio
from speech.frontend import Frontend, FrontendConfig, fbank, mel

KINDS = {
    "fbank": FrontendConfig(),
    "mirrored": FrontendConfig(snip_edges=False),
    "odd hop": FrontendConfig(snip_edges=False, hop_s=161 / 16_000),
    "gaps": FrontendConfig(snip_edges=False, window_s=0.025, hop_s=0.0301),
    "utterance": FrontendConfig(normalization="utterance"),
    "mfcc": FrontendConfig(kind="mfcc", num_mels=23, num_deltas=2),
    "vocoder": FrontendConfig.vocoder(),
}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def real_speech(shared_data: Path) -> torch.Tensor:
    """At most ten seconds of a recording."""
    folder = shared_data / "LibriSpeech/dev-clean"
    path = min(p for p in folder.rglob("*") if p.suffix in (".flac", ".mp3", ".opus"))
    waveform, _ = audio.read(path, sample_rate_hz=16_000)
    return torch.from_numpy(waveform[:160_000])


def torchaudio_fbank(waveform: torch.Tensor, **options) -> torch.Tensor:
    return kaldi.fbank(waveform[None] * 32768.0, num_mel_bins=80, dither=0.0, **options)


def native_fbank(waveform: torch.Tensor) -> torch.Tensor:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    online = kaldi_native_fbank.OnlineFbank(options)
    online.accept_waveform(16_000, waveform.numpy() * 32768.0)
    online.input_finished()
    return torch.from_numpy(np.stack([online.get_frame(i) for i in range(online.num_frames_ready)]))


def test_fbank_is_kaldis():
    waveform = noise(20_000)
    ours = fbank(waveform)
    assert (ours - torchaudio_fbank(waveform)).abs().max() < 1e-3
    assert (ours - native_fbank(waveform)).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"window": "hamming"}, {"window_type": "hamming"}),
        ({"window": "rectangular"}, {"window_type": "rectangular"}),
        ({"window": "blackman"}, {"window_type": "blackman"}),
        ({"window": "hann"}, {"window_type": "hanning"}),
        ({"snip_edges": False}, {"snip_edges": False}),
        ({"remove_dc": False}, {"remove_dc_offset": False}),
        ({"preemphasis": 0.0}, {"preemphasis_coefficient": 0.0}),
        ({"sample_rate_hz": 22_050}, {"sample_frequency": 22_050.0}),
        ({"low_hz": 60.0, "high_hz": -400.0}, {"low_freq": 60.0, "high_freq": -400.0}),
    ],
)
def test_fbank_options_are_kaldis(changes, options):
    waveform = noise(9000).double()
    reference = torchaudio_fbank(waveform, **options)
    assert (fbank(waveform, FrontendConfig(**changes)) - reference).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("rate_hz", "window_s", "hop_s"),
    [
        (44_100, 0.025, 0.010),  # 1102 and 441 samples
        (11_025, 0.020, 0.010),  # 220 and 110
        (11_025, 0.025, 0.011),  # 275 and 121
        (11_025, 0.020, 0.011),  # 220 and 121
        (8000, 0.004, 0.010125),  # 32 and 81: samples between frames are in none
    ],
)
@pytest.mark.parametrize("num_samples", [8000, 8061])
def test_frames_at_the_ends_are_kaldis(rate_hz, window_s, hop_s, num_samples):
    waveform = noise(num_samples).double()
    options = {"sample_frequency": float(rate_hz), "frame_length": 1000 * window_s, "frame_shift": 1000 * hop_s}
    config = FrontendConfig(
        sample_rate_hz=rate_hz, window_s=window_s, hop_s=hop_s, snip_edges=False, num_mels=8, low_hz=100.0
    )
    options |= {"snip_edges": False, "dither": 0.0, "low_freq": 100.0}
    reference = kaldi.fbank(waveform[None] * 32768.0, num_mel_bins=8, **options)
    ours = fbank(waveform, config)
    assert ours.shape == reference.shape == (config.num_frames(num_samples), 8)
    assert (ours - reference).abs().max() < 1e-3
    reference = kaldi.mfcc(waveform[None] * 32768.0, num_mel_bins=8, num_ceps=8, **options)
    assert (fbank(waveform, replace(config, kind="mfcc", num_ceps=8)) - reference).abs().max() < 1e-3


def test_fbank_of_real_speech(shared_data):
    """Within 1e-3 of Kaldi's definition in float64, and closer than its float32 programs are.

    These are up to 0.02 apart from each other where a quiet band stands beside a loud one.
    """
    waveform = real_speech(shared_data)
    ours = fbank(waveform)
    single, native = torchaudio_fbank(waveform), native_fbank(waveform)
    exact = torchaudio_fbank(waveform.double()).float()
    assert (ours - exact).abs().max() < 1e-3
    for reference in (single, native):
        assert (ours - reference).abs().max() < 0.1
        assert ((ours - reference).abs() > 1e-3).double().mean() < 0.05
        assert (ours - reference).abs().mean() < 1e-4


def test_mfcc_and_deltas():
    waveform = noise(8000)
    config = FrontendConfig(kind="mfcc", num_mels=23, num_deltas=1)
    ours = fbank(waveform, config)
    reference = kaldi.mfcc(waveform[None] * 32768.0, dither=0.0)
    assert (ours[:, :13] - reference).abs().max() < 1e-3
    deltas = compute_deltas(reference.T, win_length=5).T
    assert (ours[:, 13:] - deltas).abs().max() < 1e-3


@pytest.mark.parametrize("rate_hz", [22_050, 24_000])
def test_vocoder_mel_is_librosas(rate_hz):
    filters = mel.slaney_mel_filters(80, 1024, rate_hz, 0.0, 8000.0).numpy()
    reference = librosa.filters.mel(sr=rate_hz, n_fft=1024, n_mels=80, fmin=0, fmax=8000)
    np.testing.assert_allclose(filters.T, reference, atol=1e-7)
    waveform = noise(6000)
    padded = np.pad(waveform.numpy(), 384, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=1024, hop_length=256, center=False)
    expected = np.log(np.maximum(reference @ np.sqrt(np.abs(spectrum) ** 2 + 1e-9), 1e-5)).T
    ours = fbank(waveform, FrontendConfig.vocoder(sample_rate_hz=rate_hz))
    assert ours.shape == (6000 // 256, 80)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-4)


def test_frame_counts_around_a_boundary():
    frontend = Frontend(FrontendConfig())
    for length in [0, 1, 399, 400, 401, 559, 560, 561, 719, 720]:
        expected = 0 if length < 400 else 1 + (length - 400) // 160
        features, lengths = frontend(torch.zeros(1, length), torch.tensor([length]))
        assert features.shape == (1, expected, 80)
        assert lengths.tolist() == [expected] == [frontend.num_frames(length)]


@pytest.mark.parametrize("name", KINDS)
def test_padding_and_batch_change_nothing(name):
    frontend = Frontend(KINDS[name])
    waveforms, lengths = noise(3, 12_000), torch.tensor([12_000, 7001, 300])
    features, counts = frontend(waveforms, lengths)
    poisoned = waveforms.clone()
    poisoned[1, 7001:], poisoned[2, 300:] = float("nan"), float("inf")
    assert torch.equal(frontend(poisoned, lengths)[0], features)
    for row, length in enumerate(lengths.tolist()):
        alone, count = frontend(waveforms[row : row + 1, :length])
        assert count.item() == counts[row]
        torch.testing.assert_close(features[row, : count.item()], alone[0], rtol=1e-5, atol=1e-5)
        assert not features[row, count.item() :].any()


@pytest.mark.parametrize("name", ["fbank", "odd hop", "gaps"])
def test_blocks_leave_no_seams(name, monkeypatch):
    waveforms = noise(2, 16_000)
    whole = Frontend(KINDS[name])(waveforms)[0]
    monkeypatch.setattr("speech.frontend.features.CPU_BLOCK_FRAMES", 14)
    torch.testing.assert_close(Frontend(KINDS[name])(waveforms)[0], whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("frequency_hz", [150.0, 440.0, 1000.0, 3500.0, 7000.0])
def test_sine_lands_in_its_band(frequency_hz):
    sine = 0.1 * torch.sin(2 * torch.pi * frequency_hz * torch.arange(8000) / 16_000)
    edges = np.linspace(mel.mel_from_hz(20.0), mel.mel_from_hz(8000.0), 82)
    expected = int(np.argmin(np.abs(edges[1:-1] - mel.mel_from_hz(frequency_hz))))
    assert abs(int(fbank(sine)[20].argmax()) - expected) <= 1


@pytest.mark.parametrize("name", KINDS)
def test_gradient(name):
    config = replace(KINDS[name], num_mels=13, window_s=64 / 16_000, hop_s=32 / 16_000, low_hz=300.0)
    config = replace(config, sample_rate_hz=16_000)
    frontend = Frontend(config)
    waveforms = noise(1, 110).double().requires_grad_()
    lengths = torch.tensor([101])
    assert torch.autograd.gradcheck(lambda w: frontend(w, lengths)[0], waveforms, eps=1e-7, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["fbank", "odd hop"])
def test_exports_with_any_batch_and_length(name):
    frontend = Frontend(KINDS[name])
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("samples", min=800, max=1 << 24)}
    program = torch.export.export(
        frontend,
        (noise(3, 16_000), torch.tensor([16_000, 9000, 500])),
        dynamic_shapes=(sizes, {0: sizes[0]}),
    )
    waveforms, lengths = noise(2, 23_456), torch.tensor([23_456, 100])
    exported, counts = program.module()(waveforms, lengths)
    features, expected = frontend(waveforms, lengths)
    assert torch.equal(counts, expected)
    torch.testing.assert_close(exported, features, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_of_no_rows_has_no_features(name):
    frontend = Frontend(KINDS[name])
    expected = frontend(noise(2, 8000))[0].shape
    features, counts = frontend(torch.zeros(0, 8000), torch.zeros(0, dtype=torch.int64))
    assert features.shape == (0, *expected[1:])
    assert counts.shape == (0,)


def test_precision_survives_half_models_and_autocast():
    waveforms = noise(1, 4000)
    features = Frontend(FrontendConfig())(waveforms)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = Frontend(FrontendConfig()).bfloat16()(waveforms)[0]
    assert torch.equal(features, again)


@pytest.mark.parametrize(
    ("waveforms", "lengths", "words"),
    [
        (torch.zeros(5), None, "float .B, N."),
        (torch.zeros(1, 5, dtype=torch.int16), None, "float .B, N."),
        (torch.zeros(2, 5), torch.tensor([5]), "B = 2"),
        (torch.zeros(2, 5), torch.tensor([5, 6]), "between 0 and the 5 samples"),
    ],
)
def test_bad_input_is_refused(waveforms, lengths, words):
    with pytest.raises(ValueError, match=words):
        Frontend(FrontendConfig())(waveforms, lengths)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "mel"},
        {"normalization": "both"},
        {"window": "hanning"},
        {"hop_s": 0.0},
        {"high_hz": 9000.0},
        {"num_mels": 0},
    ],
)
def test_bad_configuration_is_refused(changes):
    with pytest.raises(ValueError):  # noqa: PT011
        FrontendConfig(**changes)


@pytest.mark.gpu
@pytest.mark.parametrize("name", KINDS)
def test_cuda_agrees_with_cpu(name):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    waveforms, lengths = noise(3, 12_000), torch.tensor([12_000, 7001, 300])
    expected, counts = Frontend(KINDS[name])(waveforms, lengths)
    features, cuda_counts = Frontend(KINDS[name]).cuda()(waveforms.cuda(), lengths)
    assert torch.equal(counts, cuda_counts)
    torch.testing.assert_close(features.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_features_of_one_waveform_are_those_of_a_batch():
    waveform = np.random.default_rng(0).normal(scale=0.1, size=8000)
    frontend = Frontend(FrontendConfig())
    single = frontend.of_waveform(waveform[::2])  # neither contiguous nor float32
    assert single.dtype == torch.float32
    assert not single.requires_grad
    batch, _ = frontend(torch.from_numpy(waveform[::2].astype(np.float32))[None])
    assert torch.equal(single, batch[0])
