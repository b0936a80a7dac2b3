"""Transcription: seams, batches, times, silence, sources, errors."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from speech import audio
from speech.cards import describe
from speech.checkpoint import build, save_model
from speech.chunks import ChunkConfig, Stitcher, find_seam, steady_samples, windows
from speech.errors import AudioError, CheckpointError, ConfigError
from speech.frontend import FrontendConfig
from speech.loading import load_model
from speech.models import HeadConfig, ModelConfig
from speech.sources import Clip
from speech.transcribe import Transcriber
from speech.units import build_units
from speech.words import TokenStream, frame_times
from tests.speech.tone_model import GAP_S, LETTER_S, RATE_HZ, say, tone_transcriber


def random_text(num_words: int, seed: int) -> str:
    rng = np.random.default_rng(seed)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    return " ".join("".join(rng.choice(letters, rng.integers(1, 9))) for _ in range(num_words))


@pytest.fixture(scope="module")
def tones() -> Transcriber:
    return tone_transcriber()


@pytest.fixture(scope="module")
def short_windows() -> Transcriber:
    return tone_transcriber(window_s=8.0, overlap_s=3.0, margin_s=0.6)


@pytest.fixture(scope="module")
def random_model() -> Transcriber:
    torch.manual_seed(3)
    config = ModelConfig(conv_channels=16, num_layers=2, width=24, output_frames=2)
    units = {"character": build_units("character")}
    loaded = build(FrontendConfig(), config, {"character": HeadConfig()}, units)
    return Transcriber(loaded, name="random", chunks=ChunkConfig(window_s=6, overlap_s=2, margin_s=0.5))


def restless(duration_s: float, seed: int) -> np.ndarray:
    """Noise whose level changes all the time, as speech does."""
    rng = np.random.default_rng(seed)
    num_samples = round(duration_s * RATE_HZ)
    level = np.repeat(10 ** rng.uniform(-3, -0.5, num_samples // 1600 + 1), 1600)[:num_samples]
    return (level * rng.standard_normal(num_samples) * 0.3).astype(np.float32)


# --- seams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_no_word_is_lost_or_doubled_in_a_long_recording(short_windows, seed):
    text = random_text(150, seed)
    transcript = short_windows.transcribe(say(text), sample_rate=RATE_HZ)
    assert transcript.duration_s > 60
    assert transcript.text == text


def test_shipped_window_lengths_keep_every_word(tones):
    text = random_text(300, seed=9)
    assert tones.transcribe(say(text), sample_rate=RATE_HZ).text == text


@given(
    num_samples=st.integers(0, 5000),
    block_samples=st.integers(1, 700),
    step_samples=st.integers(1, 40),
    window_steps=st.integers(3, 30),
    overlap_steps=st.integers(1, 29),
)
@settings(deadline=None, max_examples=60)
def test_windows_cover_the_stream_and_overlap(num_samples, block_samples, step_samples, window_steps, overlap_steps):
    overlap_steps = min(overlap_steps, window_steps - 1)
    stream = np.arange(num_samples, dtype=np.float32)
    blocks = [stream[at : at + block_samples] for at in range(0, num_samples, block_samples)]
    cut = list(
        windows(
            blocks,
            step_samples=step_samples,
            window_steps=window_steps,
            overlap_steps=overlap_steps,
        )
    )
    reached = 0
    for index, window in enumerate(cut):
        start = window.first_step * step_samples
        np.testing.assert_array_equal(window.waveform, stream[start : start + len(window.waveform)])
        assert len(window.waveform) <= window_steps * step_samples
        if index:
            assert reached - start == overlap_steps * step_samples
            assert len(window.waveform) > overlap_steps * step_samples
        reached = start + len(window.waveform)
    assert reached == num_samples


def test_stitching_identical_outputs_gives_them_back():
    rng = np.random.default_rng(0)
    whole = np.log(rng.dirichlet(np.ones(5), size=200)).astype(np.float32)
    stitcher = Stitcher(blank=0, margin_frames=4)
    pieces = [stitcher.push(at, whole[at : at + 50]) for at in range(0, 160, 30)]
    pieces.append(stitcher.finish())
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_seam_prefers_the_pause_that_both_sides_hear():
    left = np.full((60, 3), np.log([0.1, 0.8, 0.1]))
    right = left.copy()
    left[10:40] = np.log([0.98, 0.01, 0.01])
    right[25:55] = np.log([0.98, 0.01, 0.01])
    cut = find_seam(left, right, blank=0, margin_frames=5)
    assert 28 <= cut <= 37


def test_seam_keeps_away_from_the_edges_and_is_central_in_silence():
    silent = np.full((41, 3), np.log([0.98, 0.01, 0.01]))
    assert find_seam(silent, silent, blank=0, margin_frames=5) == 20
    speech = np.full((41, 3), np.log([0.02, 0.97, 0.01]))
    speech[:3] = speech[-3:] = silent[0]
    assert 5 <= find_seam(speech, speech, blank=0, margin_frames=5) < 36
    assert find_seam(silent[:0], silent[:0], blank=0, margin_frames=5) == 0


def test_a_unit_across_a_piece_boundary_stays_one():
    frames = np.log(np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.9, 0.1]], np.float32))
    whole, pieces = TokenStream(blank=0), TokenStream(blank=0)
    whole.push(frames)
    for frame in frames:
        pieces.push(frame[None])
    assert len(whole.tokens) == 1
    assert whole.tokens == pieces.tokens


# --- times and confidences ---------------------------------------------------------------------


def test_word_times_are_where_the_words_are(tones):
    text = "one two three"
    words = tones.transcribe(say(text), sample_rate=RATE_HZ).words
    place = 0
    for word, expected in zip(words, text.split(), strict=True):
        start_s = 1.0 + place * (LETTER_S + GAP_S)
        end_s = start_s + len(expected) * (LETTER_S + GAP_S) - GAP_S
        assert word.text == expected
        assert word.start_s == pytest.approx(start_s, abs=0.06)
        assert word.end_s == pytest.approx(end_s, abs=0.06)
        assert 0.9 < word.confidence <= 1
        place += len(expected) + 1


@given(
    num_frames=st.integers(0, 400),
    excess_s=st.floats(-0.2, 0.3),
    step_s=st.sampled_from([0.02, 0.03, 0.04]),
)
def test_frame_times_increase_and_stay_inside(num_frames, excess_s, step_s):
    duration_s = max(num_frames * step_s - excess_s, 0.001)
    times_s = frame_times(num_frames, step_s, 0.0075, duration_s)
    assert len(times_s) == num_frames + 1
    assert (np.diff(times_s) > 0).all()
    assert times_s[-1] <= duration_s
    assert times_s[0] >= 0 or duration_s < 0.0075


@pytest.mark.parametrize("duration_s", [0.03, 0.1, 0.5, 3.0, 7.3, 21.21])
def test_random_output_gives_valid_transcripts(random_model, duration_s):
    # Transcript checks order and range by itself
    waveform = restless(duration_s, seed=1)
    transcript = random_model.transcribe(waveform, sample_rate=RATE_HZ)
    assert transcript.duration_s == pytest.approx(duration_s, abs=1e-3)
    assert transcript.model == "random"


# --- batches -----------------------------------------------------------------------------------


def test_a_result_does_not_depend_on_its_company(random_model):
    waveforms = [restless(duration_s, seed) for seed, duration_s in enumerate([0.4, 13, 2, 2.5, 7, 1])]
    alone = [random_model.transcribe(waveform, sample_rate=RATE_HZ) for waveform in waveforms]
    for batch in (1, 3, 16):
        outcomes = random_model.transcribe_many(waveforms, sample_rate=RATE_HZ, batch=batch)
        for expected, outcome in zip(alone, outcomes, strict=True):
            assert outcome.error is None
            assert outcome.transcript.text == expected.text
            for word, other in zip(outcome.transcript.words, expected.words, strict=True):
                assert (word.start_s, word.end_s) == (other.start_s, other.end_s)
                assert word.confidence == pytest.approx(other.confidence, abs=1e-5)


def test_many_keeps_the_order_and_goes_on_after_a_bad_one(tones, tmp_path):
    texts = ["first one", "second", "third and last"]
    paths = []
    for text in texts:
        paths.append(tmp_path / f"{len(paths)}.wav")
        audio.write(paths[-1], say(text), RATE_HZ)
    bad = tmp_path / "notes.wav"
    bad.write_text("this is no audio")
    sources = [paths[0], tmp_path / "missing.wav", paths[1], bad, paths[2]]
    outcomes = list(tones.transcribe_many(sources))
    assert [outcome.source for outcome in outcomes] == sources
    heard = [outcome.transcript and outcome.transcript.text for outcome in outcomes]
    assert heard == [texts[0], None, texts[1], None, texts[2]]
    assert "missing.wav" in str(outcomes[1].error)
    assert "notes.wav" in str(outcomes[3].error)


def test_progress_is_told(short_windows):
    told = []
    waveform = say(random_text(60, seed=2))
    list(
        short_windows.transcribe_many(
            [waveform], sample_rate=RATE_HZ, batch=1, progress=lambda *what: told.append(what)
        )
    )
    seconds = [second for _, second in told]
    assert seconds == sorted(seconds)
    assert 0.5 * len(waveform) / RATE_HZ < seconds[-1] <= len(waveform) / RATE_HZ


# --- silence, noise, tones ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "hum", "one bit"])
def test_what_does_not_change_holds_no_words(random_model, kind):
    time_s = np.arange(10 * RATE_HZ) / RATE_HZ
    rng = np.random.default_rng(0)
    waveform = {
        "silence": np.zeros_like(time_s),
        "noise": 0.1 * rng.standard_normal(len(time_s)),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time_s),
        "hum": 0.2 * np.sin(2 * np.pi * 50 * time_s) + 0.01,
        "one bit": rng.integers(-1, 2, len(time_s)) / 32768,
    }[kind]
    assert random_model.transcribe(waveform, sample_rate=RATE_HZ).text == ""


def test_speech_is_never_steady():
    waveform = say(random_text(12, seed=1), padding_s=2.0)
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(len(waveform)) / RATE_HZ)
    for offset in (0.0, 0.4, hum.astype(np.float32)):
        stretches = steady_samples(waveform + np.float32(offset), RATE_HZ, ChunkConfig())
        assert len(stretches) == 2
        assert stretches[0][0] == 0
        assert stretches[1][1] == len(waveform)
        for first, end in stretches:
            assert end - first == pytest.approx(2.0 * RATE_HZ, abs=0.2 * RATE_HZ)


def test_noise_as_loud_as_the_words_does_not_hide_them():
    waveform = say(random_text(30, seed=1), padding_s=0.0)
    noise = np.random.default_rng(0).standard_normal(len(waveform)) * np.sqrt((waveform**2).mean())
    assert steady_samples(waveform + noise, RATE_HZ, ChunkConfig()) == []
    assert steady_samples(noise, RATE_HZ, ChunkConfig()) == [(0, len(noise))]


# --- sources -----------------------------------------------------------------------------------


def test_all_kinds_of_source_say_the_same(tones, tmp_path):
    text = "same words"
    waveform = say(text)
    path = tmp_path / "same.wav"
    audio.write(path, waveform, RATE_HZ)
    with open(path, "rb") as file:
        heard = [
            tones.transcribe(path),
            tones.transcribe(str(path)),
            tones.transcribe(file),
            tones.transcribe(io.BytesIO(path.read_bytes())),
            tones.transcribe(Clip(path=path)),
            tones.transcribe(waveform, sample_rate=RATE_HZ),
            tones.transcribe(waveform.astype(np.float64), sample_rate=RATE_HZ),
            tones.transcribe(torch.from_numpy(waveform), sample_rate=RATE_HZ),
            tones.transcribe((waveform * 32767).astype(np.int16), sample_rate=RATE_HZ),
            tones.transcribe(audio.resample(waveform, RATE_HZ, 44100), sample_rate=44100),
            tones.transcribe(np.stack([waveform, waveform], axis=1), sample_rate=RATE_HZ),
        ]
    assert [transcript.text for transcript in heard] == [text] * len(heard)
    assert heard[0].source == str(path)
    assert heard[5].source == ""


def test_channel_and_clip_choose_a_part(tones, tmp_path):
    left, right = say("left"), say("right")
    length = max(len(left), len(right))
    stereo = np.stack([np.pad(side, (0, length - len(side))) for side in (left, right)], axis=1)
    for channel, text in enumerate(["left", "right"]):
        heard = tones.transcribe(stereo, sample_rate=RATE_HZ, channel=channel)
        assert heard.text == text
    with pytest.raises(AudioError, match="no channel 2"):
        tones.transcribe(stereo, sample_rate=RATE_HZ, channel=2)
    path = tmp_path / "two.wav"
    audio.write(path, np.concatenate([left, right]), RATE_HZ)
    clip = Clip(path=path, offset_s=len(left) / RATE_HZ, duration_s=len(right) / RATE_HZ)
    assert tones.transcribe(clip).text == "right"


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros(100, np.float32), ValueError, "sample rate"),
        (np.zeros((2, 2, 2)), ValueError, "must be float"),
        (np.zeros(5, bool), ValueError, "must be float"),
        (np.zeros(0), AudioError, "no audio"),
        (np.full(10, np.nan), AudioError, "NaN"),
        (np.zeros((1, 100_000)), ValueError, "transpose it"),
    ],
)
def test_arrays_that_are_no_audio_are_refused(tones, array, error, message):
    rate_hz = None if message == "sample rate" else RATE_HZ
    with pytest.raises(error, match=message):
        tones.transcribe(array, sample_rate=rate_hz)


def test_an_array_of_one_channel_has_no_other(tones):
    with pytest.raises(AudioError, match="the array has no channel 7; it has channel 0 only"):
        tones.transcribe(say("a"), RATE_HZ, channel=7)
    assert tones.transcribe(say("a"), RATE_HZ, channel=0).text == "a"


@pytest.mark.parametrize(
    ("scaled", "message"),
    [
        (lambda wave: (32_767 * wave).astype(np.int32), "of int32, whose full scale is 2147483648"),
        (lambda wave: (32_767 * wave).astype(np.int64), r"give array\.astype\(np\.int16\)"),
        (lambda wave: (8_388_607 * wave).astype(np.int32), r"if they are of 24 bits, give array / 2\.0\*\*23$"),
        (lambda wave: (32_767 * wave).astype(np.int32) << 8, r"if they are of 24 bits, give array / 2\.0\*\*23$"),
        (lambda wave: (8_388_607.0 * wave).astype(np.int64), r"if they are of 24 bits, give array / 2\.0\*\*23$"),
        (lambda wave: (2_147_483_000.0 * wave).astype(np.int64), r"if they are of 32 bits, give array / 2\.0\*\*31$"),
        (lambda wave: 32_768 * wave, "full scale is 1; rescale it"),
    ],
)
def test_arrays_of_another_scale_are_refused(tones, scaled, message):
    with pytest.raises(AudioError, match=message):
        tones.transcribe(scaled(say("alpha")), sample_rate=RATE_HZ)


@pytest.mark.parametrize("width", [16, 32, 64])
def test_integers_that_fill_their_type_are_heard(tones, width):
    wave = (0.1 * 2.0 ** (width - 1) * say("alpha").astype(np.float64)).astype(f"int{width}")
    assert tones.transcribe(10 * wave, sample_rate=RATE_HZ).text == "alpha"
    assert tones.transcribe(np.zeros(RATE_HZ, f"int{width}"), sample_rate=RATE_HZ).text == ""


@pytest.mark.parametrize("rate", [16.0, "16000", float("nan"), 1e9])
def test_rates_are_samples_a_second(tones, rate):
    with pytest.raises(ValueError, match="sample_rate: expected samples a second, such as 16000"):
        tones.transcribe(say("alpha"), sample_rate=rate)


def test_tensors_of_any_kind_are_heard(tones):
    wave = torch.from_numpy(say("alpha"))
    for tensor in (wave.bfloat16(), wave.clone().requires_grad_()):
        assert tones.transcribe(tensor, sample_rate=RATE_HZ).text == "alpha"


@pytest.mark.parametrize("source", [[0.1, 0.2], 7, None])
def test_what_is_no_source_is_refused(tones, source):
    with pytest.raises(TypeError, match=f"a {type(source).__name__} cannot be transcribed: give a path"):
        tones.transcribe(source, sample_rate=RATE_HZ)


# --- models ------------------------------------------------------------------------------------


def test_load_model_reads_a_file_and_names_it(random_model, tmp_path):
    torch.manual_seed(0)
    units = {"character": build_units("character")}
    config = ModelConfig(conv_channels=8, num_layers=1, width=8)
    loaded = build(FrontendConfig(), config, {"character": HeadConfig()}, units)
    save_model(tmp_path / "tiny.safetensors", loaded)
    transcriber = load_model(tmp_path / "tiny.safetensors")
    assert transcriber.name == "tiny"
    transcriber.transcribe(restless(1.0, seed=0), sample_rate=RATE_HZ)
    described = describe(tmp_path / "tiny.safetensors")
    assert described["units"] == {"character": 29}
    assert described["frames_per_second"] == 25


def test_models_and_devices_that_do_not_exist(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere"):
        load_model(tmp_path / "nowhere.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match="broken"):
        load_model(broken)
    with pytest.raises(ConfigError, match="cuda:99"):
        tone_transcriber().__class__(_loaded(), device="cuda:99")
    with pytest.raises(ConfigError, match="abacus"):
        Transcriber(_loaded(), device="abacus")


def _loaded():
    units = {"character": build_units("character")}
    config = ModelConfig(conv_channels=8, num_layers=1, width=8)
    return build(FrontendConfig(), config, {"character": HeadConfig()}, units)


def test_settings_are_checked(tones):
    with pytest.raises(ValueError, match="overlap_s"):
        ChunkConfig(window_s=2.0)
    with pytest.raises(ValueError, match="half of window_s"):
        ChunkConfig(window_s=10.0, overlap_s=8.0)
    with pytest.raises(ValueError, match="batch"):
        next(tones.transcribe_many([], batch=0))
