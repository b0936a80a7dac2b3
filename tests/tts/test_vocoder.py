"""The vocoder: the asked pitch, chunks equal to the whole, files, training."""

import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from speech.corpus import Utterance
from speech.errors import CheckpointError, ConfigError, CorpusError, SpeechError
from speech.frontend.pitch import PitchTracker
from tts import vocoder_training
from tts.contract import AudioContract, FrameAnalyzer
from tts.vocoder import Vocoder
from tts.vocoder_data import VoiceData, load_voice_data, prepare_voice_data
from tts.vocoder_loss import SpectralDistance
from tts.vocoder_model import VocoderConfig, VocoderNet
from tts.vocoder_source import LEAD, PitchState, pulse_train
from tts.vocoder_training import VocoderTrainingConfig, fit_vocoder, step_loss

CONTRACT = AudioContract()


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    torch.manual_seed(1)
    net = VocoderNet(VocoderConfig(channels=16, blocks=2), CONTRACT)
    torch.nn.init.normal_(net.leave.weight, std=0.02)
    return Vocoder(net.requires_grad_(False).eval(), {"name": "test"})


def some_frames(num_frames: int = 120) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    mel = -6 + torch.randn(num_frames, 80, generator=generator)
    f0_hz = 200 + 50 * torch.sin(torch.arange(num_frames) / 9)
    return mel, torch.where(torch.arange(num_frames) % 50 < 35, f0_hz, 0.0)


@pytest.mark.parametrize("f0_hz", [62.5, 153.7, 480.0])
def test_pulses_have_the_asked_pitch_and_power_1(f0_hz):
    pulses, phase = pulse_train(np.full(200, f0_hz), CONTRACT)
    assert abs(np.square(pulses).mean() - 1) < 0.05
    seconds = 200 * CONTRACT.hop_s
    assert abs((np.diff(phase) < 0).sum() - seconds * f0_hz) <= 1
    spectrum = np.abs(np.fft.rfft(pulses * np.hanning(len(pulses))))
    peak_hz = np.argmax(spectrum[: round(1.5 * f0_hz * len(pulses) / 24_000)][20:]) + 20
    assert abs(peak_hz * 24_000 / len(pulses) - f0_hz) < 0.5


def test_unvoiced_frames_have_no_pulses():
    pulses, phase = pulse_train(np.array([200.0] * 5 + [0.0] * 5), CONTRACT)
    assert not pulses[LEAD + 5 * 256 + 20 :].any()
    assert (np.diff(phase[5 * 256 :]) == 0).all()


def test_pulse_train_goes_on_over_chunks():
    f0_hz = some_frames()[1].numpy()
    whole, _ = pulse_train(f0_hz, CONTRACT)
    state, joined = PitchState(), np.zeros_like(whole)
    for start in range(0, len(f0_hz), 7):
        part = f0_hz[start : start + 7]
        after = f0_hz[start + 7] if start + 7 < len(f0_hz) else 0.0
        pulses, _ = pulse_train(part, CONTRACT, state, after)
        joined[start * 256 : start * 256 + len(pulses)] += pulses
    np.testing.assert_allclose(joined, whole, atol=0.05)  # a pulse's place is one of 256 between two samples


@pytest.mark.parametrize("size", [1, 13, 119])
def test_chunks_equal_the_whole(vocoder, size):
    mel, f0_hz = some_frames()
    whole = vocoder(mel[None], f0_hz[None])[0]
    chunks = [(mel[at : at + size], f0_hz[at : at + size]) for at in range(0, len(mel), size)]
    parts = list(vocoder.stream(chunks))
    assert len(whole) == len(mel) * 256
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-5)


def test_sound_comes_before_the_last_chunk(vocoder):
    mel, f0_hz = some_frames()
    first = next(samples for samples in vocoder.stream(zip(mel[:, None], f0_hz[:, None], strict=True)) if len(samples))
    assert first.abs().max() > 0


@pytest.mark.parametrize("num_frames", [0, 1, 2])
def test_short_inputs(vocoder, num_frames):
    mel, f0_hz = some_frames()
    assert vocoder(mel[None, :num_frames], f0_hz[None, :num_frames]).shape == (1, num_frames * 256)


def test_rows_do_not_depend_on_each_other_and_inputs_stay(vocoder):
    mel, f0_hz = some_frames()
    batch = torch.stack([mel, mel.flip(0)]), torch.stack([f0_hz, f0_hz.flip(0)])
    kept = [tensor.clone() for tensor in batch]
    both = vocoder(*batch)
    torch.testing.assert_close(both[1], vocoder(batch[0][1:], batch[1][1:])[0])
    assert all(torch.equal(now, then) for now, then in zip(batch, kept, strict=True))


def test_pitch_is_followed_whatever_the_mel_says(vocoder):
    mel = torch.full((1, 150, 80), -5.0)
    f0_hz = torch.linspace(120, 240, 150)[None]
    tracker = PitchTracker(CONTRACT.pitch, CONTRACT.frontend)
    found = tracker(vocoder(mel, f0_hz)).f0_hz[0, 10:-10]
    voiced = found > 0
    assert voiced.float().mean() > 0.9
    semitones = 12 * torch.log2(found[voiced] / f0_hz[0, 10:-10][voiced])
    assert semitones.abs().median() < 0.1


def test_the_level_is_known_beforehand(vocoder):
    mel, changing = torch.full((200, 80), -5.0), -5.0 + torch.randn(80, generator=torch.Generator().manual_seed(0))
    levels = []
    for frames in (mel, mel + 1.0, changing.expand(200, 80)):
        for f0_hz in (0.0, 90.0, 210.0, 700.0):
            pitch = torch.full((200,), f0_hz)
            heard = vocoder(frames[None], pitch[None])[0, 5_000:-5_000].square().mean().sqrt().log()
            levels.append(float(vocoder.level(frames, pitch)[50:-50].mean() - heard))
    assert levels == pytest.approx([0.0] * len(levels), abs=0.12)  # 1 dB


def test_bad_input_is_named(vocoder):
    mel, f0_hz = some_frames()
    with pytest.raises(ValueError, match="f0_hz"):
        vocoder(mel[None], f0_hz[None, 1:])
    with pytest.raises(ValueError, match=r"mel \[t, 80\]"):
        vocoder(mel[None, :, :40], f0_hz[None])
    with pytest.raises(ValueError, match="finite"):
        vocoder(mel[None] * torch.inf, f0_hz[None])


def test_file_round_trip(vocoder, tmp_path):
    vocoder.save(tmp_path / "v.safetensors", "float32")
    again = Vocoder.load(tmp_path / "v.safetensors")
    mel, f0_hz = some_frames()
    torch.testing.assert_close(again(mel[None], f0_hz[None]), vocoder(mel[None], f0_hz[None]))
    assert again.card == {"name": "test"}
    assert again.contract == CONTRACT
    with pytest.raises(CheckpointError, match="no such vocoder"):
        Vocoder.load(tmp_path / "none")
    (tmp_path / "bad.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(CheckpointError, match="damaged"):
        Vocoder.load(tmp_path / "bad.safetensors")


def test_config_is_checked():
    for name, value in (("kernel", 4), ("fft_samples", 1025), ("filter_points", 1), ("voiced_noise_hz", np.nan)):
        with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
            VocoderConfig(**{name: value})
    for name, value in (
        ("steps", 0), ("batch", 0), ("crop_frames", 23), ("seed", -1), ("learning_rate", np.nan),
        ("max_gradient_norm", 0.0), ("gain_db", -1.0), ("save_every_s", np.inf), ("averaging", 1.5),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
            VocoderTrainingConfig(**{name: value})
    with pytest.raises(ConfigError, match="no room"):
        VocoderNet(VocoderConfig(fft_samples=512), CONTRACT)


@pytest.mark.parametrize("window_samples", [1024, 800])
def test_mels_count_whatever_their_window(window_samples):
    generator = torch.Generator().manual_seed(0)
    sounds = [0.1 * torch.randn(1, 4096, generator=generator) for _ in range(3)]
    contract = replace(CONTRACT, window_samples=window_samples)
    found = [SpectralDistance(contract, mel_weight=weight)(*sounds).item() for weight in (0.0, 1.0, 2.0)]
    assert abs(found[1] - found[0]) > 0.01
    assert found[2] - found[1] == pytest.approx(found[1] - found[0], rel=1e-3)


def test_energy_distance_prefers_noise_of_the_right_strength():
    generator = torch.Generator().manual_seed(0)
    noise = [torch.randn(4, 8192, generator=generator) for _ in range(3)]
    distance = SpectralDistance(CONTRACT)
    found = {gain: distance(gain * noise[0], gain * noise[1], noise[2]).item() for gain in (0.5, 0.8, 1.0, 1.25, 2.0)}
    assert min(found, key=found.get) == 1.0


SMALL = VocoderConfig(channels=16, blocks=1)
SETTINGS = {"batch": 2, "crop_frames": 24, "learning_rate": 1e-2, "averaging": 0.5}


@pytest.fixture(scope="module")
def buzz() -> VoiceData:
    """Four seconds of pulses and noise."""
    f0_hz = np.full(400, 160.0, np.float32)
    pulses, _ = pulse_train(f0_hz, CONTRACT)
    noise = np.random.default_rng(0).standard_normal(400 * 256)
    samples = (0.03 * pulses[LEAD:-LEAD] + 0.003 * noise) * 32768
    mel = FrameAnalyzer(CONTRACT)(torch.from_numpy(samples[None] / 32768).float()).mel[0].numpy()
    return VoiceData(samples.astype(np.int16), mel, f0_hz, np.array([400]), ("a",), CONTRACT)


def test_training_learns_and_resumes(buzz, tmp_path):
    mel, f0_hz = torch.from_numpy(buzz.mel)[None], torch.from_numpy(buzz.f0_hz)[None]
    recorded = torch.from_numpy(buzz.samples[None] / 32768).float()
    losses = []
    for steps in (3, 25):
        net = fit_vocoder(buzz, SMALL, VocoderTrainingConfig(steps=steps, **SETTINGS), tmp_path / "state.pt")
        rendered, again = (Vocoder(net)(mel, f0_hz, seed=seed) for seed in (0, 1))
        losses.append(SpectralDistance(CONTRACT)(rendered, again, recorded).item())
    assert losses[1] < 0.9 * losses[0]


def test_an_interrupted_training_goes_on_exactly(buzz, tmp_path, monkeypatch):
    config = VocoderTrainingConfig(steps=5, save_every_s=0.0, **SETTINGS)
    whole = fit_vocoder(buzz, SMALL, config, tmp_path / "whole.pt")
    steps = iter(range(3))

    def interrupted(*arguments):
        if next(steps) == 2:
            raise KeyboardInterrupt
        return step_loss(*arguments)

    monkeypatch.setattr(vocoder_training, "step_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_vocoder(buzz, SMALL, config, tmp_path / "parts.pt")
    monkeypatch.undo()
    resumed = fit_vocoder(buzz, SMALL, config, tmp_path / "parts.pt")
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_a_state_of_something_else_is_refused(buzz, tmp_path):
    config = VocoderTrainingConfig(steps=1, **SETTINGS)
    path = tmp_path / "state.pt"
    fit_vocoder(buzz, SMALL, config, path)
    other_contract = replace(buzz, contract=replace(CONTRACT, min_f0_hz=80.0))
    for what, arguments in {
        r"\[model\] settings": (buzz, replace(SMALL, channels=8), config),
        r"\[contract\] settings": (other_contract, SMALL, config),
        "recordings": (replace(buzz, names=("b",)), SMALL, config),
        r"values of training\.seed": (buzz, SMALL, replace(config, seed=2)),
    }.items():
        with pytest.raises(
            CheckpointError, match=rf"state\.pt: cannot continue .*belongs to other {what}\); delete it"
        ):
            fit_vocoder(*arguments, path)
    path.write_bytes(b"garbage")
    with pytest.raises(CheckpointError, match=r"state\.pt: cannot continue"):
        fit_vocoder(buzz, SMALL, config, path)


def test_training_that_diverges_is_told(buzz, tmp_path):
    config = VocoderTrainingConfig(steps=4, **SETTINGS | {"learning_rate": 1e30})
    with pytest.raises(SpeechError, match=r"the loss is not finite; lower vocoder\.training\.learning_rate"):
        fit_vocoder(buzz, SMALL, config, tmp_path / "state.pt")


def test_frames_of_other_recordings_are_refused(tmp_path):
    random, rows = np.random.default_rng(0), []
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", 0.1 * random.standard_normal(24_000), 24_000)
        rows.append(Utterance(tmp_path / f"{name}.wav", 1.0, name))
    kept = prepare_voice_data(rows, CONTRACT, tmp_path / "frames")
    assert (kept.names, kept.lengths.tolist()) == (("a.wav", "b.wav"), [93, 93])
    assert (kept.samples.shape, kept.mel.shape, kept.f0_hz.shape) == ((186 * 256,), (186, 80), (186,))
    assert np.array_equal(kept.mel, prepare_voice_data(rows, CONTRACT, tmp_path / "frames").mel)
    for changed, message in (
        ([rows[0], replace(rows[1], offset=0.1, duration=0.9)], r"the first that differs is b\.wav; remove"),
        (rows[:1], "2 recordings and not of 1; remove"),
    ):
        with pytest.raises(CorpusError, match=message):
            prepare_voice_data(changed, CONTRACT, tmp_path / "frames")
    with pytest.raises(CorpusError, match="another contract"):
        prepare_voice_data(rows, replace(CONTRACT, num_mels=40), tmp_path / "frames")
    soundfile.write(tmp_path / "a.wav", np.zeros(24_000), 24_000)
    os.utime(tmp_path / "a.wav", ns=(0, 0))
    with pytest.raises(CorpusError, match=r"the first that differs is a\.wav"):
        prepare_voice_data(rows, CONTRACT, tmp_path / "frames")


def test_missing_data_is_named(tmp_path):
    with pytest.raises(CorpusError, match="prepare"):
        load_voice_data(tmp_path)
