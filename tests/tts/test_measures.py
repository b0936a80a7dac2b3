"""Measures of synthetic speech, from facts that can be worked out by hand."""

import json
import math
import re
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from speech.corpus import Utterance
from speech.errors import SpeechError
from tts.contract import AudioContract
from tts.measures import AcousticErrors, compare, mel_cepstra, mel_cepstral_distortion, pooled, warp
from tts.measures_run import evaluate_speech, first_readings, second_readings
from tts.measures_timing import TimingErrors, compare_durations, compare_pauses
from tts.vocoder import Vocoder

CONTRACT = AudioContract()


@dataclass(frozen=True)
class Phone:
    phone: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Word:
    word: str
    start_s: float
    end_s: float


def vowel(f0_hz: float, seconds: float = 0.6) -> np.ndarray:
    time_s = np.arange(round(seconds * 24_000)) / 24_000
    harmonics = np.arange(1, int(12_000 / f0_hz))[:, None]
    return 0.05 * (np.sin(2 * np.pi * f0_hz * harmonics * time_s) / harmonics).sum(0)


def test_same_sound_has_no_error():
    errors = compare(vowel(150), vowel(150), CONTRACT)
    assert errors.mcd_db < 1e-6
    assert errors.log_f0_rmse < 1e-6
    assert errors.voicing_error == 0
    assert errors.num_voiced > 40


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(24_000), "the synthetic is silent"),
        (np.zeros(0), "the synthetic is silent or shorter"),
        (np.full(24_000, np.nan), "must be finite samples"),
        (np.ones((2, 24_000)), r"must be finite samples \[N\], got shape \(2, 24000\)"),
    ],
)
def test_what_cannot_be_compared_is_said(waveform, message):
    with pytest.raises(ValueError, match=message):
        compare(vowel(150), waveform, CONTRACT)


def test_a_silent_recording_is_named(tmp_path):
    path = tmp_path / "silent.wav"
    soundfile.write(path, np.zeros(24_000), 24_000)
    with pytest.raises(SpeechError, match=r"silent\.wav: the reference is silent .* leave its row out"):
        evaluate_speech([Utterance(path, 1.0, "ah")], ["copy"], ["spectrum"], Vocoder.load())


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path, capsys):
    from speech.cli import main

    (tmp_path / "file").write_text("")
    assert main(["evaluate-tts", "none.jsonl", "--systems", "copy", "--keep", str(tmp_path / "file" / "x")]) == 2
    assert "x: files cannot be written there" in capsys.readouterr().err


def test_a_table_without_rows_is_refused(tmp_path, capsys):
    from speech.cli import main

    soundfile.write(tmp_path / "a.wav", vowel(150, 1.0), 24_000)
    (tmp_path / "a.jsonl").write_text('{"audio_filepath": "a.wav", "duration": 1, "text": "a"}')
    command = ["evaluate-tts", str(tmp_path / "a.jsonl"), "--systems", "natural", "--measures", "spectrum"]
    assert main(command) == 2
    assert "of natural alone there is nothing to measure by spectrum" in capsys.readouterr().err


def test_measures_whose_packages_are_missing_are_left_out_unless_they_are_asked_for(tmp_path, capsys, monkeypatch):
    from speech.cli import main

    for package in ("pocketsphinx", "speechmos", "speechmos.dnsmos"):
        monkeypatch.setitem(sys.modules, package, None)
    soundfile.write(tmp_path / "a.wav", vowel(150, 1.0), 24_000)
    (tmp_path / "a.jsonl").write_text('{"audio_filepath": "a.wav", "duration": 1, "text": "a"}')
    command = ["evaluate-tts", str(tmp_path / "a.jsonl"), "--systems", "copy"]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "mcd_db" in out
    assert re.search(
        r"speech: words and opinion cannot be measured \(.*\): pip install 'speech-toolkit\[measure\]'\n", err
    )
    assert main([*command, "--measures", "spectrum,words"]) == 2
    assert capsys.readouterr().err.startswith("speech: --measures: words cannot be measured (")


def test_bad_rows_are_named_and_the_others_measured(tmp_path, capsys):
    from speech.cli import main

    soundfile.write(tmp_path / "a.wav", vowel(150, 1.0), 24_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(24_000), 24_000)
    names = {"silent.wav": "oh", "a.wav": "ah", "gone.wav": "uh"}
    rows = [json.dumps({"audio_filepath": name, "duration": 1, "text": text}) for name, text in names.items()]
    (tmp_path / "rows.jsonl").write_text("\n".join([*rows, '{"duration": 1}']))
    command = ["evaluate-tts", str(tmp_path / "rows.jsonl"), "--systems", "copy", "--measures", "spectrum"]
    assert main([*command, "--report", str(tmp_path / "report.json")]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"1 texts of .*rows\.jsonl\n3 rows are left out\n.*copy\n", out)
    for reason in ("1: .*silent.wav: the reference is silent", "3: .*gone.wav: ", '4: "audio_filepath" is missing'):
        assert re.search(f"rows.jsonl, row {reason}", err)
    assert [row["text"] for row in json.loads((tmp_path / "report.json").read_text())["utterances"]] == ["ah"]


def test_sounds_of_recordings_that_share_a_stem_are_all_kept(tmp_path):
    soundfile.write(tmp_path / "a.wav", vowel(150, 1.2), 24_000)
    rows = [Utterance(tmp_path / "a.wav", 0.6, text, offset=offset) for text, offset in (("ah", 0.0), ("oh", 0.6))]
    evaluate_speech(rows, ["natural"], [], Vocoder.load(), keep=tmp_path / "kept")
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["a_1.natural.wav", "a_2.natural.wav"]


def test_pitch_error_is_the_logarithm_of_the_ratio():
    assert abs(compare(vowel(150), vowel(180), CONTRACT).log_f0_rmse - math.log(1.2)) < 0.02


def test_level_and_speed_do_not_count():
    errors = compare(vowel(150), 0.25 * vowel(150, 0.9), CONTRACT)
    assert errors.mcd_db < 1
    assert errors.log_f0_rmse < 0.01


def test_distortion_is_the_rms_difference_in_db():
    random = np.random.default_rng(0)
    weights = random.normal(0, 0.3, 24)
    bands = np.arange(80) + 0.5
    difference = (weights[:, None] * np.cos(np.pi * np.arange(1, 25)[:, None] * bands / 80)).sum(0)
    mel = random.normal(-6, 1, (1, 80))
    found = mel_cepstral_distortion(mel_cepstra(mel), mel_cepstra(mel + difference))
    assert found[0] == pytest.approx(20 / math.log(10) * np.sqrt(np.square(difference).mean()))


def test_silence_is_refused():
    with pytest.raises(ValueError, match="synthetic is silent"):
        compare(vowel(150), np.zeros(24_000), CONTRACT)


def test_warp_finds_a_planted_path():
    random = np.random.default_rng(1)
    first = random.normal(0, 1, (30, 5))
    repeats = random.integers(1, 4, 30)
    rows, columns = warp(first, np.repeat(first, repeats, axis=0))
    assert rows.tolist() == np.repeat(np.arange(30), repeats).tolist()
    assert columns.tolist() == list(range(repeats.sum()))


def test_pooling_weights_by_pairs():
    rows = [AcousticErrors(4.0, 0.1, 0.0, 100, 50), AcousticErrors(7.0, math.nan, 0.3, 50, 0)]
    total = pooled(rows)
    assert (total.mcd_db, total.num_pairs, total.num_voiced) == (pytest.approx(5.0), 150, 50)
    assert total.log_f0_rmse == pytest.approx(0.1)
    assert total.voicing_error == pytest.approx(0.1)


def test_durations_compare_what_matches():
    real = [Phone("SIL", 0, 0.3), Phone("K", 0.3, 0.4), Phone("AE1", 0.4, 0.6), Phone("T", 0.6, 0.7)]
    said = [Phone("SIL", 0, 0.1), Phone("K", 0.1, 0.22), Phone("AE0", 0.22, 0.4), Phone("D", 0.4, 0.5)]
    errors = compare_durations(real, said)
    assert errors.num_phones == 2
    assert errors.duration_mae_s == pytest.approx(0.02)


def test_pauses_are_counted_at_word_ends():
    real = [Word("One,", 0, 0.3), Word("two", 0.6, 0.9), Word("three", 0.92, 1.2), Word("four", 1.5, 1.8)]
    said = [Word("one", 0, 0.3), Word("two", 0.5, 0.8), Word("three", 1.0, 1.3), Word("four", 1.31, 1.5)]
    errors = compare_pauses(real, said)
    assert (errors.pauses_right, errors.pauses_missed, errors.pauses_extra) == (1, 1, 1)
    assert errors.pause_f1 == pytest.approx(0.5)
    assert (errors.long_right, errors.long_missed, errors.long_extra) == (1, 1, 1)
    assert errors.long_pause_f1 == pytest.approx(0.5)
    assert errors.pause_mae_s == pytest.approx(0.1)
    assert (errors + errors).pauses_right == 2
    assert TimingErrors().pause_f1 == 1
    with pytest.raises(ValueError, match="word 2 is 'two' in the reference and 'too'"):
        compare_pauses(real[:2], [said[0], Word("too", 0.5, 0.8)])


class LengthAligner:
    """One word and one phone as long as the recording."""

    def align(self, waveform, text, *, sample_rate):
        seconds = len(waveform) / sample_rate
        return SimpleNamespace(phones=[Phone("AA1", 0, seconds)], words=[Word(text, 0, seconds)])


def test_a_second_reading_is_the_measure_of_the_recordings(tmp_path):
    rows = []
    for number, (text, seconds) in enumerate([("ah", 0.5), ("oh", 0.4), ("ah", 0.6), ("ah", 0.9)]):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, vowel(120, seconds), 24_000)
        rows.append(Utterance(path, seconds, text, speaker="one"))
    firsts, again = first_readings(rows), second_readings(rows)
    assert (firsts, again) == (rows[:2], {"ah": rows[2]})
    scores = evaluate_speech(firsts, ["natural"], ["timing"], Vocoder.load(), aligner=LengthAligner(), again=again)
    summary = scores["natural"].summary()
    assert summary["duration_mae_s"] == pytest.approx(0.1)
    assert [timing.num_phones for timing in scores["natural"].timing] == [1, 0]
    assert second_readings([rows[0], replace(rows[2], speaker="two")]) == {}


def test_a_gap_of_just_the_shortest_pause_counts():
    """Differences of times in steps of 0.01 s lie now above 0.05, now below."""
    starts = [0.01 * step for step in range(1, 300)]
    for start in starts:
        words = [Word("a", start - 0.01, start), Word("b", start + 0.05, start + 0.1)]
        assert compare_pauses(words, words).pauses_right == 1
    assert (
        compare_pauses(
            [Word("a", 0, 0.1), Word("b", 0.14, 0.2)], [Word("a", 0, 0.1), Word("b", 0.14, 0.2)]
        ).pauses_right
        == 0
    )


def test_opinion_prefers_clean_sound():
    pytest.importorskip("speechmos", reason="needs the extra `measure`")
    from tts.measures_peers import opinion

    random = np.random.default_rng(0)
    noise = random.normal(0, 0.1, 24_000)
    clean, noisy = opinion(vowel(150), 24_000), opinion(vowel(150) + noise[: len(vowel(150))], 24_000)
    assert 1 <= noisy.overall < clean.overall <= 5


def test_recognizer_hears_words(shared_data):
    pytest.importorskip("pocketsphinx", reason="needs the extra `measure`")
    from speech import audio
    from tts.measures_peers import PeerRecognizer

    path = next((shared_data / "kathleen" / "wavs").glob("arctic_a0001_*"))
    waveform, rate = audio.read(path)
    heard = PeerRecognizer().transcribe(waveform, rate)
    assert "danger" in heard
    assert PeerRecognizer().transcribe(np.zeros(0, np.float32), rate) == ""
