"""Ogg: damage anywhere is refused, chained recordings are read to the last."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speech import audio, ogg
from speech.errors import AudioError

RATE = 16000
ENCODINGS = {"ogg": {"subtype": "VORBIS"}, "opus": {"format": "OGG", "subtype": "OPUS"}}


def save(path: Path, seed: int = 0, rate: int = RATE, num_channels: int = 1) -> Path:
    """Three seconds of noise."""
    noise = np.random.default_rng(seed).uniform(-0.3, 0.3, (3 * rate, num_channels))
    sf.write(path, noise, rate, **ENCODINGS[path.suffix[1:]])
    return path


@pytest.fixture(params=ENCODINGS)
def recording(tmp_path, request) -> Path:
    return save(tmp_path / f"a.{request.param}")


def pages(content: bytes) -> list[int]:
    """Where pages begin."""
    return [at for at in range(len(content)) if content.startswith(b"OggS\0", at)]


def refused(path: Path, content: bytes) -> None:
    bad = path.with_name("bad_" + path.name)
    bad.write_bytes(content)
    for call in (audio.read, audio.info):
        with pytest.raises(AudioError, match=rf"^\S*bad_{path.name}: is damaged .*; get a complete copy$"):
            call(bad)


def test_a_hole_is_noticed(recording):
    content = recording.read_bytes()
    middle = len(content) // 2
    refused(recording, content[:middle] + content[middle + 3000 :])
    refused(recording, content[:middle] + bytes(200) + content[middle + 200 :])


def test_a_flipped_bit_is_noticed_in_every_page(recording):
    content = recording.read_bytes()
    starts = pages(content)
    assert len(starts) > 4
    for start, stop in zip(starts, [*starts[1:], len(content)], strict=True):
        altered = bytearray(content)
        altered[(start + stop) // 2] ^= 4
        refused(recording, bytes(altered))


def test_lost_pages_are_noticed(recording):
    content = recording.read_bytes()
    starts = pages(content)
    for start, stop in zip(starts, [*starts[1:], len(content)], strict=True):
        refused(recording, content[:start] + content[stop:])


def test_what_stands_behind_or_between_whole_pages_is_no_damage(recording):
    content = recording.read_bytes()
    middle = pages(content)[3]
    padded = recording.with_name("padded" + recording.suffix)
    padded.write_bytes(content[:middle] + b"OggS\0 is no page" + content[middle:] + b"TAG" + bytes(125))
    np.testing.assert_array_equal(audio.read(padded)[0], audio.read(recording)[0])


def test_pages_across_windows(recording, monkeypatch):
    content = recording.read_bytes() * 2
    monkeypatch.setattr("speech.ogg._WINDOW_BYTES", 1000)
    expected = [(0, len(content) // 2), (len(content) // 2, len(content))]
    assert ogg.recordings(io.BytesIO(content), "a") == expected


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_chained_recordings_are_read_to_the_last(tmp_path, suffix):
    parts = [save(tmp_path / f"{seed}.{suffix}", seed) for seed in range(3)]
    chain = tmp_path / f"chain.{suffix}"
    chain.write_bytes(b"".join(part.read_bytes() for part in [*parts, parts[0]]))
    expected = np.concatenate([audio.read(part)[0] for part in [*parts, parts[0]]])
    assert audio.info(chain) == audio.AudioInfo(len(expected) / RATE, RATE, 1)
    np.testing.assert_array_equal(audio.read(chain)[0], expected)
    np.testing.assert_array_equal(audio.read(io.BytesIO(chain.read_bytes()))[0], expected)
    streamed = np.concatenate(list(audio.stream(chain, sample_rate_hz=RATE, block_s=0.7)))
    np.testing.assert_array_equal(streamed, expected)
    part, _ = audio.read(chain, offset_s=2.0, duration_s=5.0)
    assert len(part) == 5 * RATE
    np.testing.assert_allclose(part, expected[2 * RATE : 7 * RATE], atol=0.05)  # opus starts anew in other states
    refused(chain, chain.read_bytes()[:-100])
    refused(chain, chain.read_bytes()[: 2 * parts[0].stat().st_size])


@pytest.mark.parametrize(
    ("kind", "words"), [({"rate": 8000}, "8000 Hz with 1 channel"), ({"num_channels": 2}, "16000 Hz with 2 channels")]
)
def test_chained_recordings_of_two_kinds_are_refused(tmp_path, kind, words):
    first, second = save(tmp_path / "a.ogg"), save(tmp_path / "b.ogg", **kind)
    chain = tmp_path / "chain.ogg"
    chain.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(AudioError, match=rf"chain\.ogg: .* change from 16000 Hz with 1 channel to {words}"):
        audio.read(chain)
