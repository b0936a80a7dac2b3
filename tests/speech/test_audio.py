"""Audio: every encoding reads alike, damage is reported, streams equal whole reads."""

import importlib.util
import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speech import audio, mp3
from speech.errors import AudioError

DATA = Path(__file__).parents[2] / "../shared/data"
RATE = 16000
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings (../shared/data) are not here")
needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV (extra [media]) is not installed")


@pytest.fixture(scope="module")
def tone() -> np.ndarray:
    """Two seconds of a tone with noise, 16 kHz."""
    noise = np.random.default_rng(0).standard_normal(2 * RATE)
    return (0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(2 * RATE)) + 0.03 * noise).astype(np.float32)


def save(path: Path, samples: np.ndarray, rate: int = RATE, **options) -> Path:
    sf.write(path, samples, rate, **options)
    return path


def cut(path: Path, share: float = 0.5) -> Path:
    """Copy the first part of a file."""
    shorter = path.with_name("cut_" + path.name)
    content = path.read_bytes()
    shorter.write_bytes(content[: int(share * len(content))])
    return shorter


def join(blocks) -> np.ndarray:
    return np.concatenate(list(blocks))


# Encodings, rates, channels


@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [
        ("wav", {"subtype": "PCM_16"}, 2**-15),
        ("wav", {"subtype": "PCM_U8"}, 2**-7),
        ("wav", {"subtype": "PCM_24"}, 2**-23),
        ("wav", {"subtype": "PCM_32"}, 1e-7),
        ("wav", {"subtype": "FLOAT"}, 0),
        ("wav", {"subtype": "DOUBLE"}, 0),
        ("wav", {"subtype": "ULAW"}, 0.02),
        ("wav", {"subtype": "MS_ADPCM"}, 0.2),
        ("flac", {"subtype": "PCM_16"}, 2**-15),
        ("flac", {"subtype": "PCM_24"}, 2**-23),
        ("aiff", {}, 2**-15),
        ("au", {}, 2**-15),
        ("caf", {}, 2**-15),
        ("w64", {}, 2**-15),
        ("rf64", {"format": "RF64"}, 2**-15),
        ("sph", {"format": "NIST"}, 2**-15),
        ("sph", {"format": "NIST", "subtype": "ALAW"}, 0.02),
        ("mp3", {}, 0.2),
        ("ogg", {"subtype": "VORBIS"}, 0.2),
        ("opus", {"format": "OGG", "subtype": "OPUS"}, 0.2),
    ],
)
def test_every_encoding_gives_the_samples(tmp_path, tone, suffix, options, tolerance):
    path = save(tmp_path / f"a.{suffix}", tone, **options)
    waveform, rate = audio.read(path)
    assert rate == RATE
    assert waveform.dtype == np.float32
    if suffix == "wav" and options["subtype"] == "MS_ADPCM":  # fills its last block
        waveform = waveform[: len(tone)]
    assert waveform.shape == tone.shape
    np.testing.assert_allclose(waveform, tone, atol=tolerance + 1e-9)
    assert audio.info(path).duration_s == pytest.approx(2.0, abs=0.03)


def test_a_rate_too_low_for_speech_is_told_once(tmp_path, caplog):
    for rate_hz in (4000, 8000):
        sf.write(tmp_path / f"{rate_hz}.wav", np.zeros(rate_hz), rate_hz)
        for _ in range(2):
            list(audio.stream(tmp_path / f"{rate_hz}.wav", sample_rate_hz=16_000))
    list(audio.stream(tmp_path / "4000.wav", sample_rate_hz=4000))  # for a model of such recordings
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(f"{tmp_path / '4000.wav'}: has 4000 samples a second, too few")


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 16000, 44100, 192000])
def test_any_rate_is_resampled(tmp_path, rate):
    frequency_hz = 100.0
    samples = 0.5 * np.sin(2 * np.pi * frequency_hz / rate * np.arange(rate))
    waveform, got_rate = audio.read(save(tmp_path / "a.wav", samples, rate, subtype="FLOAT"), sample_rate_hz=RATE)
    assert got_rate == RATE
    assert len(waveform) == RATE
    expected = 0.5 * np.sin(2 * np.pi * frequency_hz / RATE * np.arange(RATE))
    np.testing.assert_allclose(waveform[2000:-2000], expected[2000:-2000], atol=2e-4)  # edges ring


def test_channels_are_averaged_or_chosen(tmp_path, tone):
    path = save(tmp_path / "a.wav", np.stack([tone, np.zeros_like(tone)], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(audio.read(path)[0], tone / 2, atol=1e-7)
    np.testing.assert_array_equal(audio.read(path, channel=0)[0], tone)
    np.testing.assert_array_equal(audio.read(path, channel=1)[0], np.zeros_like(tone))
    assert audio.info(path) == audio.AudioInfo(2.0, RATE, 2)
    with pytest.raises(AudioError, match=r"a\.wav: has channels 0 to 1, not channel 2"):
        audio.read(path, channel=2)


def test_a_part_is_read(tmp_path, tone):
    path = save(tmp_path / "a.flac", tone, subtype="PCM_24")
    part, _ = audio.read(path, offset_s=0.5, duration_s=0.25)
    np.testing.assert_allclose(part, tone[8000:12000], atol=1e-6)
    assert len(audio.read(path, offset_s=1.5, duration_s=0.55)[0]) == 8000  # a rounded duration
    with pytest.raises(AudioError, match="is 2 s long, the part asked for ends at 3 s"):
        audio.read(path, offset_s=1.0, duration_s=2.0)
    with pytest.raises(AudioError, match="offset 2 s is after the end"):
        audio.read(path, offset_s=2.0)
    with pytest.raises(AudioError, match="offset_s >= 0"):
        audio.read(path, offset_s=-1.0)
    with pytest.raises(AudioError, match="duration_s > 0"):
        audio.read(path, duration_s=float("nan"))


@pytest.mark.parametrize("suffix", ["au", "snd", "vox", "gsm", "raw", "pcm"])
def test_endings_do_not_make_noise_of_text(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("no audio " * 1000)
    with pytest.raises(AudioError, match=rf"a\.{suffix}: has no header"):
        audio.read(path)


def test_raw_in_name_only(tmp_path, tone):
    save(tmp_path / "a.wav", tone).rename(tmp_path / "a.raw")
    assert audio.info(tmp_path / "a.raw").duration_s == 2.0


@pytest.mark.parametrize("name", ["zero\0byte.wav", "x" * 300 + ".wav"])
def test_impossible_names(name):
    with pytest.raises(AudioError, match="cannot be read"):
        audio.read(name)


def test_parts_stream_as_they_read(tmp_path, tone):
    path = save(tmp_path / "a.flac", tone)
    blocks = list(audio.stream(path, sample_rate_hz=8000, block_s=0.1, offset_s=0.5, duration_s=0.75))
    part, _ = audio.read(path, sample_rate_hz=8000, offset_s=0.5, duration_s=0.75)
    np.testing.assert_allclose(np.concatenate(blocks), part, atol=1e-6)
    with pytest.raises(AudioError, match="is 2 s long, the part asked for ends at 3 s"):
        list(audio.stream(path, sample_rate_hz=8000, offset_s=1.0, duration_s=2.0))


def test_a_pipe_that_does_not_fit_on_the_disk(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("speech.streams.Spool.write", full)
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(b"RIFF")
    with os.fdopen(reader, "rb") as pipe, pytest.raises(AudioError, match="No space left.*TMPDIR"):
        audio.read(pipe)


# Bad files


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(AudioError, match=r"none\.wav: there is no such file"):
        audio.read(tmp_path / "none.wav")
    with pytest.raises(AudioError, match="is a folder"):
        audio.info(tmp_path)


def test_empty_files(tmp_path):
    empty = tmp_path / "empty.wav"
    empty.touch()
    header_only = save(tmp_path / "header.wav", np.zeros(0))
    (tmp_path / "one.mp3").write_bytes(b"\xff")
    with pytest.raises(AudioError, match=r"one\.mp3"):
        audio.read(tmp_path / "one.mp3")
    with pytest.raises(AudioError, match=r"empty\.wav: is empty \(0 bytes\)"):
        audio.read(empty)
    for call in (audio.read, audio.info, lambda path: list(audio.stream(path, sample_rate_hz=8000))):
        with pytest.raises(AudioError, match=r"header\.wav: contains no audio \(0 samples\)"):
            call(header_only)


@pytest.mark.parametrize(
    "content", [b"Dear diary, today nothing was recorded.\n" * 50, b"\0" * 5000, b"RIFF\x00\x00", b"ID3", b"\xff\xfb"]
)
def test_text_renamed_to_wav(tmp_path, content):
    path = tmp_path / "diary.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"diary\.wav: is not audio that can be read \([^()]+\)$"):
        audio.read(path)


@pytest.mark.parametrize("share", [0.5, 0.98])
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("flac", {}),
        ("wav", {}),
        ("aiff", {}),
        ("au", {}),
        ("w64", {}),
        ("rf64", {"format": "RF64"}),
        ("sph", {"format": "NIST"}),
        ("sph", {"format": "NIST", "subtype": "ULAW"}),
        ("sph", {"format": "NIST", "subtype": "ALAW"}),
        ("sph", {"format": "NIST", "subtype": "PCM_24"}),
        ("mp3", {}),
        ("ogg", {"subtype": "VORBIS"}),
        ("opus", {"format": "OGG", "subtype": "OPUS"}),
    ],
)
def test_truncated_files_are_noticed(tmp_path, tone, suffix, options, share):
    path = cut(save(tmp_path / f"a.{suffix}", tone, **options), share)
    with pytest.raises(AudioError, match=rf"cut_a\.{suffix}: is .*cut short.*; get a complete copy$"):
        audio.read(path)
    with pytest.raises(AudioError, match="cut short"):
        list(audio.stream(path, sample_rate_hz=8000, block_s=0.5))


def test_truncated_mp3_without_a_count_is_noticed(tmp_path, tone):
    path = without_count(save(tmp_path / "a.mp3", tone))
    with pytest.raises(AudioError, match="whole mp3 frames"):
        audio.read(cut(path))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite_samples(tmp_path, tone, bad):
    samples = tone.copy()
    samples[12345] = bad
    path = save(tmp_path / "a.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: has NaN or infinite samples$"):
        audio.read(path)


@pytest.mark.parametrize("rate", [1, 20_000_000])
def test_senseless_rate(tmp_path, tone, rate):
    with pytest.raises(AudioError, match=rf"a\.wav: states a sampling rate of {rate} Hz"):
        audio.read(save(tmp_path / "a.wav", tone, rate), sample_rate_hz=RATE)


def test_integers_in_a_float_file(tmp_path, tone):
    path = save(tmp_path / "a.wav", tone * 32768, subtype="FLOAT")
    with pytest.raises(AudioError, match="full scale is 1"):
        audio.read(path)


# Lengths that headers get wrong


def without_count(path: Path) -> Path:
    """Drop an mp3's first frame, which carries the number of frames."""
    content = path.read_bytes()
    start = content.index(b"\xff\xf3")
    bare = path.with_name("bare_" + path.name)
    bare.write_bytes(content[content.index(b"\xff\xf3", start + 4) :])
    return bare


def test_mp3_without_a_count_is_read_to_its_end(tmp_path, tone):
    whole = save(tmp_path / "a.mp3", tone)
    bare = without_count(whole)
    assert audio.info(bare).duration_s == pytest.approx(2.0, abs=0.1)
    expected, waveform = audio.read(whole)[0], audio.read(bare)[0]
    lag = int(np.argmax(np.correlate(waveform[:6000], expected[:3000], mode="valid")))
    length = len(expected) - 2000
    np.testing.assert_allclose(waveform[lag + 2000 :][:length], expected[2000:], atol=1e-3)


def test_joined_mp3_files_are_read_to_their_end(tmp_path, tone):
    whole = save(tmp_path / "a.mp3", tone)
    joined = tmp_path / "joined.mp3"
    cover = b"ID3\x04\x00\x00\x00\x0f\x7f\x7f" + b"\xff\xfb\x90\x44" * ((1 << 18) // 4)
    joined.write_bytes(whole.read_bytes() + cover[: 10 + (0x0F << 14 | 0x7F << 7 | 0x7F)] + whole.read_bytes())
    assert audio.info(joined).duration_s == pytest.approx(4.0, abs=0.2)
    assert len(audio.read(joined)[0]) / RATE == pytest.approx(4.0, abs=0.2)


def test_mp3_tags_behind_the_audio_do_not_count(tmp_path, tone):
    whole = save(tmp_path / "a.mp3", tone)
    tagged = tmp_path / "tagged.mp3"
    tagged.write_bytes(whole.read_bytes() + b"TAG" + b"\xff\xfb" * 62 + b"\0")
    np.testing.assert_array_equal(audio.read(tagged)[0], audio.read(whole)[0])


def test_what_is_an_mp3_by_name_only_is_told_by_us_alone(tmp_path, capfd):
    (tmp_path / "text.mp3").write_text("This is no audio.\n" * 500)
    with pytest.raises(AudioError, match=r"text\.mp3: is not audio that can be read"):
        audio.read(tmp_path / "text.mp3")
    assert capfd.readouterr() == ("", "")  # the mp3 library prints


@pytest.mark.parametrize("suffix", ["flac", "wav", "ogg", "m4a"])
def test_other_audio_named_mp3_is_read(tmp_path, tone, suffix):
    if suffix == "m4a":
        pytest.importorskip("av")
        save_media(tmp_path / "a.m4a", tone, "aac", RATE)
    else:
        save(tmp_path / f"a.{suffix}", tone)
    (tmp_path / f"a.{suffix}").rename(tmp_path / "a.mp3")
    waveform, _ = audio.read(tmp_path / "a.mp3")
    assert abs(len(waveform) - len(tone)) < 0.2 * RATE  # aac is padded


def test_what_is_no_mp3_has_no_frames():
    assert mp3.count_frames(io.BytesIO(b"\xff" * 1000)) is None
    assert mp3.count_frames(io.BytesIO(b"ID3")) is None


def test_wav_written_to_a_pipe_has_no_length(tmp_path, tone):
    content = save(tmp_path / "a.wav", tone).read_bytes()
    path = tmp_path / "pipe.wav"
    unknown = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content[:4] + unknown + content[8:40] + unknown + content[44:])
    np.testing.assert_array_equal(audio.read(path)[0], audio.read(tmp_path / "a.wav")[0])


@pytest.mark.parametrize("riff_bytes", [0, 36])
@pytest.mark.parametrize("chunk", [b"", b"LIST\3\0\0\0abc\0"])
def test_wav_of_a_recorder_that_was_interrupted(tmp_path, tone, riff_bytes, chunk):
    content = save(tmp_path / "a.wav", tone).read_bytes()
    path = tmp_path / "interrupted.wav"
    head = content[:4] + struct.pack("<I", riff_bytes) + content[8:36] + chunk
    path.write_bytes(head + b"data" + bytes(4) + content[44:])
    for source in (path, io.BytesIO(path.read_bytes())):
        np.testing.assert_array_equal(audio.read(source)[0], audio.read(tmp_path / "a.wav")[0])


def test_wav_without_samples_before_another_chunk(tmp_path):
    content = save(tmp_path / "a.wav", np.zeros(0)).read_bytes()
    path = tmp_path / "empty.wav"
    path.write_bytes(content[:4] + struct.pack("<I", 48) + content[8:] + b"LIST\4\0\0\0abcd")
    with pytest.raises(AudioError, match=r"contains no audio \(0 samples\)"):
        audio.read(path)


def test_flac_written_to_a_pipe_has_no_length(tmp_path, tone):
    samples = np.tile(tone, 10)  # more than one block
    content = bytearray(save(tmp_path / "a.flac", samples).read_bytes())
    content[21] &= 0xF0  # STREAMINFO's 36 bits of total samples
    content[22:26] = bytes(4)
    path = tmp_path / "pipe.flac"
    path.write_bytes(content)
    assert audio.info(path).duration_s == 20.0
    np.testing.assert_array_equal(audio.read(path)[0], audio.read(tmp_path / "a.flac")[0])


# Streams, pipes, raw samples


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16000, 16000), (44100, 16000), (8000, 16000), (16000, 22050)])
@pytest.mark.parametrize("block_s", [0.1, 1.7, 60.0])
def test_stream_equals_read(tmp_path, from_hz, to_hz, block_s):
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (5 * from_hz, 2))
    path = save(tmp_path / "a.wav", samples, from_hz, subtype="FLOAT")
    blocks = list(audio.stream(path, sample_rate_hz=to_hz, block_s=block_s))
    whole, _ = audio.read(path, sample_rate_hz=to_hz)
    assert all(len(block) == round(block_s * to_hz) for block in blocks[:-1])
    assert len(blocks[-1]) > 0
    np.testing.assert_allclose(join(blocks), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac"])
def test_stream_equals_read_of_compressed_files(tmp_path, tone, suffix):
    path = save(tmp_path / f"a.{suffix}", np.tile(tone, 6))
    blocks = audio.stream(path, sample_rate_hz=8000, block_s=1.0)
    np.testing.assert_allclose(join(blocks), audio.read(path, sample_rate_hz=8000)[0], atol=1e-6, rtol=0)


def test_minutes_of_vorbis_are_written(tmp_path):  # given all at once, the encoder overruns the stack
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 3_000_000)
    audio.write(tmp_path / "long.ogg", noise, 24_000)
    assert audio.info(tmp_path / "long.ogg").duration_s == pytest.approx(125.0, abs=0.01)


def test_a_block_must_hold_a_sample(tmp_path, tone):
    with pytest.raises(ValueError, match="at least one sample"):
        next(audio.stream(save(tmp_path / "a.wav", tone), sample_rate_hz=8000, block_s=1e-5))


def test_an_hour_streams_in_little_memory(tmp_path):
    path = tmp_path / "hour.wav"
    with sf.SoundFile(path, "w", 8000, 1, subtype="PCM_U8") as file:
        for _ in range(60):
            file.write(np.zeros(60 * 8000, np.int16))
    code = (
        "import resource, sys; from speech import audio\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "total = sum(map(len, audio.stream(sys.argv[1], sample_rate_hz=16000)))\n"
        "print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    answer = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    total, grown_kib = map(int, answer.stdout.split())
    assert total == 3600 * 16000
    assert grown_kib < 40_000  # all of it would be 225 MiB


def run_with_stdin(code: str, stdin) -> str:
    program = f"from speech import audio\nfrom speech.errors import AudioError\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program], stdin=stdin, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(("suffix", "pipe"), [("flac", True), ("mp3", True), ("wav", False)])
def test_standard_input(tmp_path, tone, suffix, pipe):
    path = save(tmp_path / f"a.{suffix}", tone)
    code = "w, r = audio.read('-'); print(len(w), r, float(abs(w).sum()))"
    with open(path, "rb") as file:
        if pipe:
            with subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
                answer = run_with_stdin(code, cat.stdout)
        else:
            answer = run_with_stdin(code, file)
    length, rate, total = answer.split()
    assert (int(length), int(rate)) == (2 * RATE, RATE)
    assert float(total) == pytest.approx(float(np.abs(audio.read(path)[0]).sum()), rel=1e-5)


def test_bad_standard_input_is_named():
    code = "try:\n    audio.read('-')\nexcept AudioError as error:\n    print(error)"
    assert run_with_stdin(code, subprocess.DEVNULL).startswith("standard input: is empty")


class Pipe(io.RawIOBase):
    """Bytes that cannot be sought."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._file.readinto(buffer)


def test_file_objects(tmp_path, tone):
    path = save(tmp_path / "a.flac", tone)
    expected = audio.read(path)[0]
    buffer = io.BytesIO(path.read_bytes())
    buffer.seek(10)
    np.testing.assert_array_equal(audio.read(buffer)[0], expected)
    assert not buffer.closed
    np.testing.assert_array_equal(join(audio.stream(Pipe(path.read_bytes()), sample_rate_hz=RATE)), expected)
    with pytest.raises(AudioError, match="^audio stream: is not audio"):
        audio.read(io.BytesIO(b"no audio at all"))


def test_raw_samples(tone):
    integers = (tone * 32767).astype("<i2")
    raw = audio.RawFormat(sample_rate_hz=RATE)
    waveform, rate = audio.read(io.BytesIO(integers.tobytes()), raw=raw)
    assert rate == RATE
    np.testing.assert_array_equal(waveform, integers.astype(np.float32) / 32768)
    stereo = audio.RawFormat(sample_rate_hz=8000, num_channels=2, encoding="FLOAT")
    waveform, rate = audio.read(io.BytesIO(np.stack([tone, tone], 1).astype("<f4").tobytes()), raw=stereo)
    assert rate == 8000
    np.testing.assert_allclose(waveform, tone, atol=1e-7)
    with pytest.raises(AudioError, match='no encoding "PCM_17"; known: PCM_S8'):
        audio.RawFormat(encoding="PCM_17")
    with pytest.raises(AudioError, match="above 0"):
        audio.RawFormat(sample_rate_hz=0)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aiff", "au", "caf", "w64", "rf64", "nist"])
def test_files_with_a_header_are_not_raw(tmp_path, tone, suffix):
    data = save(tmp_path / f"a.{suffix}", tone).read_bytes()
    (tmp_path / "a.raw").write_bytes(data)
    with pytest.raises(AudioError, match=r"a\.raw: has a header \(.*so it is not raw; read it without --raw"):
        audio.read(tmp_path / "a.raw", raw=audio.RawFormat())


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x20ftypM4A ", "mp4"),
        (b"\x1aE\xdf\xa3", "Matroska"),
        (b"ID3\4\0\0\0\0\0\0", "ID3"),
        (b"#!AMR\n", "AMR"),
    ],
)
def test_containers_are_not_raw(head, kind):
    with pytest.raises(AudioError, match=rf"has a header \({kind}\)"):
        audio.read(io.BytesIO(head + bytes(1000)), raw=audio.RawFormat())


def test_raw_samples_may_begin_as_an_mp3_does():
    data = np.array([-1025, 100, *range(2000)], "<i2")  # the first is ff fb, a frame's mark
    assert data.tobytes()[:2] == b"\xff\xfb"
    waveform, _ = audio.read(io.BytesIO(data.tobytes()), raw=audio.RawFormat())
    np.testing.assert_array_equal(waveform, data.astype(np.float32) / 32768)


# Writing


@pytest.mark.parametrize(("suffix", "tolerance"), [("wav", 2**-15), ("flac", 2**-15), ("opus", 0.2)])
def test_write_reads_back(tmp_path, tone, suffix, tolerance):
    audio.write(tmp_path / f"a.{suffix}", tone, RATE)
    waveform, rate = audio.read(tmp_path / f"a.{suffix}")
    assert rate == RATE
    np.testing.assert_allclose(waveform, tone, atol=tolerance)


def test_write_clips_and_leaves_its_input_alone(tmp_path):
    samples = np.array([0.0, 2.0, -2.0], np.float32)
    audio.write(tmp_path / "a.wav", samples, 8000)
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav")[0], [0, 1, -1], atol=1e-4)
    assert samples[1] == 2.0


def test_write_refuses(tmp_path):
    with pytest.raises(AudioError, match=r"shape \[2, 3\]"):
        audio.write(tmp_path / "a.wav", np.zeros((2, 3)), 8000)
    with pytest.raises(AudioError, match="NaN"):
        audio.write(tmp_path / "a.wav", [np.nan], 8000)
    with pytest.raises(AudioError, match=r"a\.txt: the suffix must name a format of sound"):
        audio.write(tmp_path / "a.txt", [0.0], 8000)
    with pytest.raises(AudioError, match="there is no folder"):
        audio.write(tmp_path / "none/a.wav", [0.0], 8000)


def test_resample_checks_its_rates():
    with pytest.raises(ValueError, match="must be positive"):
        audio.resample(np.zeros(10), 0, 8000)
    assert len(audio.resample(np.zeros(100), 1000, 16000)) == 1600


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_names_that_are_no_text(tmp_path, tone):
    path = save(tmp_path / "a.flac", tone)
    waveform, _ = audio.read(path)
    odd = path.rename(tmp_path / "caf\udce9.flac")
    assert audio.info(odd).duration_s == pytest.approx(len(tone) / RATE)
    np.testing.assert_array_equal(audio.read(odd)[0], waveform)


# Containers through PyAV


def test_media_without_pyav_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    with pytest.raises(AudioError, match=r"a\.m4a: .* pip install 'speech-toolkit\[media\]'$"):
        audio.read(path)


def save_media(path: Path, samples: np.ndarray, codec: str, rate: int) -> Path:
    import av

    with av.open(path, "w") as container:
        track = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        convert = av.AudioResampler(track.format.name, "mono", rate, track.codec_context.frame_size or None)
        for converted in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(track.encode(converted))
        container.mux(track.encode(None))
    return path


@needs_av
@pytest.mark.parametrize(("suffix", "codec", "rate"), [("m4a", "aac", 16000), ("webm", "libopus", 48000)])
def test_media(tmp_path, tone, suffix, codec, rate):
    path = save_media(tmp_path / f"a.{suffix}", tone, codec, rate)
    waveform, got_rate = audio.read(path)
    assert got_rate == rate
    assert len(waveform) / rate == pytest.approx(2.0, abs=0.15)
    assert audio.info(path).duration_s == pytest.approx(len(waveform) / rate)
    part, _ = audio.read(path, offset_s=0.5, duration_s=0.5)
    np.testing.assert_array_equal(part, waveform[rate // 2 : rate])
    np.testing.assert_array_equal(audio.read(io.BytesIO(path.read_bytes()))[0], waveform)
    np.testing.assert_array_equal(join(audio.stream(path, sample_rate_hz=rate, block_s=0.3)), waveform)
    with pytest.raises(AudioError, match=r"is 2[.\d]* s long, the part asked for ends at 4 s"):
        audio.read(path, offset_s=1.0, duration_s=3.0)
    with pytest.raises(AudioError, match="offset 3 s is after the end"):
        audio.read(path, offset_s=3.0, duration_s=1.0)
    with pytest.raises(AudioError, match="cut short"):
        audio.read(cut(path))


@needs_av
@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_sound_that_ends_before_the_picture_is_whole(tmp_path, tone, suffix):
    import av

    path = tmp_path / f"a.{suffix}"
    with av.open(path, "w") as container:
        picture = container.add_stream("libvpx", rate=5, options={"deadline": "realtime"})
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        track = container.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        convert = av.AudioResampler(track.format.name, "mono", 48_000, 960)
        for converted in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(track.encode(converted))
        container.mux(track.encode(None))
        for _ in range(20):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((48, 32), np.uint8), format="yuv420p")))
        container.mux(picture.encode(None))
    waveform, rate = audio.read(path)
    assert len(waveform) / rate == pytest.approx(2.0, abs=0.15)
    with pytest.raises(AudioError, match="cut short"):
        audio.read(cut(path, 0.3))


@needs_av
def test_media_from_a_pipe(tmp_path, tone):
    path = save_media(tmp_path / "a.m4a", tone, "aac", RATE)
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(path.read_bytes())
    with os.fdopen(reader, "rb") as pipe:
        np.testing.assert_array_equal(audio.read(pipe)[0], audio.read(path)[0])


def adts(rate: int, num_channels: int) -> bytes:
    """A second of bare AAC, which has no header that the whole file must keep to."""
    import av

    stream = io.BytesIO()
    layout = ["mono", "stereo"][num_channels - 1]
    with av.open(stream, "w", format="adts") as container:
        track = container.add_stream("aac", rate=rate, layout=layout)
        for start in range(0, rate // 1024 * 1024, 1024):
            silence = np.zeros((num_channels, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return stream.getvalue()


@needs_av
@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([(44_100, 2), (22_050, 2)], "44100 Hz with 2 channels to 22050 Hz with 2 channels after 1.0"),
        ([(44_100, 2), (44_100, 1)], "44100 Hz with 2 channels to 44100 Hz with 1 channel after 1.0"),
        ([(44_100, 1), (44_100, 2)], "44100 Hz with 1 channel to 44100 Hz with 2 channels after 1.0"),
    ],
)
@pytest.mark.parametrize("channel", [None, 0])
def test_a_recording_that_changes_within_is_refused(tmp_path, parts, message, channel):
    path = tmp_path / "a.aac"
    path.write_bytes(b"".join(adts(*part) for part in parts))
    with pytest.raises(AudioError, match=rf"a\.aac: changes from {message}"):
        audio.read(path, channel=channel)


# Real recordings


@needs_data
@pytest.mark.parametrize(
    "pattern", ["LibriSpeech/dev-clean/1988/*/*.mp3", "cv-corpus/en/clips/*9.opus", "timit_sample/*/sa1.flac"]
)
def test_real_recordings_stream_as_they_read(pattern):
    for path in sorted(DATA.glob(pattern))[:5]:
        waveform, rate = audio.read(path)
        assert audio.info(path).duration_s == pytest.approx(len(waveform) / rate)
        whole = audio.read(path, sample_rate_hz=22050)[0]
        streamed = join(audio.stream(path, sample_rate_hz=22050, block_s=1.0))
        np.testing.assert_allclose(streamed, whole, atol=1e-6, rtol=0)
        part = audio.read(path, offset_s=1.0)[0]
        error = np.sqrt(np.mean((part - waveform[rate:]) ** 2) / np.mean(waveform[rate:] ** 2))
        assert error < 0.02  # opus restarts with other filter states; the others are exact


def test_unreadable_file(tmp_path, tone):
    path = save(tmp_path / "a.wav", tone)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("permissions do not bind this user")
    with pytest.raises(AudioError, match="cannot be read"):
        audio.read(path)
