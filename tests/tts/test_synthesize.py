"""A voice: what it gives back, how it is controlled, and the command."""

import copy
import io
import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from speech.cli import main
from speech.errors import AudioError, CheckpointError
from tests.tts.acoustic_model import tiny_acoustic, tiny_voice
from tts.contract import AudioContract
from tts.controls import Controls, ProsodyError
from tts.griffin_lim import GriffinLim
from tts.measures_timing import compare_pauses
from tts.painting import EDGE_FRAMES, whole_frames
from tts.phonemes import NothingToSay
from tts.prosody import Prosody
from tts.ssml import parse_ssml
from tts.synthesize import load_voice
from tts.text import TextError
from tts.vocoder import Vocoder

TEXT = "Well, this is a test. Is it?"


@pytest.fixture(scope="module")
def voice():
    return tiny_voice()


@pytest.fixture(scope="module")
def kathleen():
    """The voice that is included."""
    return load_voice()


@pytest.fixture
def voice_folder(voice, tmp_path):
    """The voice in files."""
    voice.acoustic.save(tmp_path / "acoustic.safetensors")
    voice.vocoder.save(tmp_path / "vocoder.safetensors")
    return tmp_path


def pauses_of(prosody, seconds=0.2):
    """Make a pause after each word, so that there is one."""
    for word in prosody.words:
        word.pause_s = seconds
    return prosody


def pause_lengths(sound):
    return [phone.end_s - phone.start_s for phone in sound.phones if phone.phone == "SP"]


def spoken_lengths(sound):
    return np.array([phone.end_s - phone.start_s for phone in sound.phones if phone.phone not in ("SP", "SIL")])


def test_sound_and_times_agree(voice):
    sound = voice.say(TEXT)
    assert sound.samples.dtype == np.float32
    assert np.abs(sound.samples).max() <= 1.0
    assert [word.word for word in sound.words] == [word.text for word in sound.words]
    assert [word.text for word in sound.words] == ["well", "this", "is", "a", "test", "is", "it"]
    assert [TEXT[word.start : word.end] for word in sound.words][:2] == ["Well", "this"]
    assert len(sound.samples) == len(sound.mel) * 256 == len(sound.f0_hz) * 256
    assert sound.phones[-1].end_s == pytest.approx(sound.duration_s, abs=1e-6)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in zip(sound.phones, sound.phones[1:], strict=False))
    for phone in sound.phones:
        if phone.word >= 0:
            word = sound.words[phone.word]
            assert word.start_s - 1e-6 <= phone.start_s < phone.end_s <= word.end_s + 1e-6


def test_the_same_seed_gives_the_same_samples(voice):
    assert np.array_equal(voice.say(TEXT, seed=3).samples, voice.say(TEXT, seed=3).samples)
    assert not np.array_equal(voice.say(TEXT, seed=3).samples, voice.say(TEXT, seed=4).samples)


def test_streaming_gives_the_same_sound_in_pieces(voice):
    pieces = list(voice.stream(TEXT))
    assert len(pieces) > 3
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), voice.say(TEXT).samples)


def test_a_changed_pitch_does_not_delay_the_first_sound(voice):
    """The vocoder is asked for the level of the frames that are about to be heard, not of the whole sentence."""
    asked = []

    class Asked(Vocoder):
        def level(self, mel, f0_hz, start=0, stop=None):
            asked.append((len(mel), len(mel) if stop is None else stop))
            return super().level(mel, f0_hz, start, stop)

    other = type(voice)(voice.acoustic, Asked(voice.vocoder.net), voice.pronouncer.lexicon)
    pieces = other.stream("one two three four five six seven eight nine ten", pitch=3.0)
    next(piece for piece in pieces if len(piece.samples))
    assert asked
    assert all(stop <= 44 < count / 2 for count, stop in asked)


@pytest.mark.parametrize(("semitones", "rate"), [(0.0, 1.0), (-5.0, 1.0), (0.0, 0.5), (3.0, 2.0)])
def test_frames_are_finished_in_pieces_as_at_once(voice, semitones, rate):
    painter = voice._painter
    sentence = voice.plan(TEXT).sentences[0]
    sentence.words[1].rate = rate
    painted = painter.paint(sentence, Controls(pitch=semitones, energy=3.0))
    count = len(painted.mel)
    edges = [0, 1, 12, 40, count]
    pieces = [painter.finish(painted, *edge) for edge in zip(edges, edges[1:], strict=False)]
    torch.testing.assert_close(torch.cat(pieces), painter.finish(painted, 0, count), rtol=0.0, atol=1e-5)


def test_rate_moves_phones_alone(voice):
    prosody = pauses_of(voice.plan(TEXT))
    plain, fast = voice.say(prosody), voice.say(prosody, rate=1.6)
    assert spoken_lengths(plain).sum() / spoken_lengths(fast).sum() == pytest.approx(1.6, rel=0.05)
    assert pause_lengths(fast) == pytest.approx(pause_lengths(plain), abs=0.011)


def test_pause_moves_pauses_alone(voice):
    prosody = pauses_of(voice.plan(TEXT))
    plain, longer = voice.say(prosody), voice.say(prosody, pause=2.0)
    assert sum(pause_lengths(longer)) == pytest.approx(2 * sum(pause_lengths(plain)), rel=0.05)
    assert spoken_lengths(longer) == pytest.approx(spoken_lengths(plain), abs=0.011)


def test_pitch_moves_the_pitch_alone(voice):
    plain, higher = voice.say(TEXT), voice.say(TEXT, pitch=3.0)
    voiced = plain.f0_hz > 0
    assert voiced.any()
    assert np.array_equal(voiced, higher.f0_hz > 0)
    semitones = 12 * np.log2(higher.f0_hz[voiced] / plain.f0_hz[voiced])
    assert semitones == pytest.approx(np.full(voiced.sum(), 3.0), abs=0.01)
    assert higher.phones == plain.phones


@pytest.mark.parametrize("semitones", [-24.0, -8.0, 8.0, 24.0])
def test_pitch_leaves_the_level(kathleen, semitones):
    """A high voice has so few harmonics that they may miss what is loud."""
    levels = [20 * np.log10(np.sqrt(np.square(kathleen.say(TEXT, pitch=p).samples).mean())) for p in (0.0, semitones)]
    assert abs(levels[1] - levels[0]) < 1.5


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_a_phone_s_rate_leaves_its_level(kathleen, rate):
    def levels(prosody):
        sound = kathleen.say(prosody)
        spoken = [phone for phone in sound.phones if phone.word >= 0]
        spans = [[round(edge * sound.sample_rate) for edge in (phone.start_s, phone.end_s)] for phone in spoken]
        return [10 * math.log10(np.square(sound.samples[start:end]).mean()) for start, end in spans]

    text = "A cup of coffee would be very nice now."
    plain = levels(kathleen.plan(text))
    changes = []
    for number, level in enumerate(plain):
        prosody = kathleen.plan(text)
        [phone for word in prosody.words for phone in word.phones][number].rate = rate
        changes.append(abs(levels(prosody)[number] - level))
    assert np.mean(changes) < 1.0


def test_a_phone_s_pitch_and_level_are_its_own(voice):
    prosody = voice.plan("one two three")
    plain = voice.say(prosody)
    prosody.words[1].phones[1].pitch = 4.0
    prosody.words[1].phones[1].energy = -8.0
    changed = voice.say(prosody)
    shift = np.where(plain.f0_hz > 0, 12 * np.log2(np.maximum(changed.f0_hz, 1) / np.maximum(plain.f0_hz, 1)), np.nan)
    assert changed.phones == plain.phones
    spoken = [phone for phone in plain.phones if phone.word >= 0]
    number = len(prosody.words[0].phones) + 1
    for place, phone in enumerate(spoken):
        heard = shift[round(phone.start_s / plain.hop_s) : round(phone.end_s / plain.hop_s)]
        if place != number:
            assert not np.nan_to_num(heard).any()
        elif not np.isnan(heard).any():
            assert heard.mean() == pytest.approx(4.0, abs=0.3)


def test_changes_of_some_leave_the_lengths_of_others(voice):
    prosody = voice.plan("one two three four")
    before = spoken_lengths(voice.say(pauses_of(prosody)))
    count = len(prosody.words[0].phones)
    prosody.words[0].rate = 0.7
    prosody.words[2].pause_s = 0.333
    after = spoken_lengths(voice.say(prosody))
    assert after[:count].sum() == pytest.approx(before[:count].sum() / 0.7, abs=0.011)
    assert after[count:] == pytest.approx(before[count:], abs=1e-6)


@pytest.mark.parametrize("pause_s", [0.0, 0.045, 0.1, 0.15, 0.3, 2.0])
def test_sentences_are_as_far_apart_as_asked(voice, pause_s):
    prosody = voice.plan("One two. Three four.")
    assert len(prosody.sentences) == 2
    prosody.words[1].pause_s = pause_s
    sound = voice.say(prosody)
    assert sound.words[2].start_s - sound.words[1].end_s == pytest.approx(max(pause_s, 0.0213), abs=0.011)
    edges = [(phone.start_s, phone.end_s) for phone in sound.phones]
    assert all(before[1] == pytest.approx(after[0]) for before, after in zip(edges, edges[1:], strict=False))
    assert (edges[0][0], edges[-1][1]) == (0.0, pytest.approx(sound.duration_s))


def test_energy_moves_the_level_alone(voice):
    plain, louder = voice.say(TEXT), voice.say(TEXT, energy=6.0)
    assert louder.phones == plain.phones
    assert np.array_equal(louder.f0_hz, plain.f0_hz)
    spoken = plain.mel.max(axis=1) > math.log(1e-5)
    decibels = (louder.mel - plain.mel)[spoken] * 20 / math.log(10)
    assert decibels == pytest.approx(np.full(decibels.shape, 6.0), abs=0.01)


def test_words_are_changed_by_themselves(voice):
    prosody = voice.plan("one two three")
    plain = voice.say(prosody)
    prosody.words[1].rate = 0.5
    prosody.words[2].phones[0].energy = -6.0
    changed = voice.say(prosody)
    lengths = [[word.end_s - word.start_s for word in sound.words] for sound in (plain, changed)]
    assert lengths[1][1] == pytest.approx(2 * lengths[0][1], abs=0.02)
    assert lengths[1][0] == pytest.approx(lengths[0][0], abs=0.02)
    prosody.words[0].pause_s = 0.4
    paused = voice.say(prosody)
    assert paused.words[1].start_s - paused.words[0].end_s == pytest.approx(0.4, abs=0.011)


def test_ssml_is_spoken_as_asked(voice):
    script = parse_ssml(
        '<speak><break time="300ms"/>one <break time="700ms"/><prosody rate="50%">two</prosody> '
        '<phoneme ph="Y UW1">x</phoneme></speak>'
    )
    sound = voice.say(script)
    assert sound.words[0].start_s > 0.3
    assert sound.words[1].start_s - sound.words[0].end_s == pytest.approx(0.7, abs=0.011)
    assert [phone.phone for phone in sound.phones if phone.word == 2] == ["Y", "UW1"]
    assert sound.prosody.words[1].rate == 0.5


def test_refusals_are_one_sentence(voice):
    for text in ("", "   ", "," * 10_000):
        with pytest.raises(NothingToSay, match="nothing to say"):
            voice.say(text)
    with pytest.raises(NothingToSay, match="no sentence"):
        voice.say(Prosody())
    for seed in (1.5, None, "a"):
        with pytest.raises(ProsodyError, match="seed must be a whole number"):
            voice.say(TEXT, seed=seed)
    with pytest.raises(ProsodyError, match="rate must be from 0.25 to 4, got None"):
        voice.say(TEXT, rate=None)
    for text in ("I am \U0001f600", "你好"):
        with pytest.raises(TextError, match="no English reading"):
            voice.say(text)
    assert voice.say("I am \U0001f600", on_unknown="name").words[-1].word == "face"
    with pytest.raises(ProsodyError, match="rate must be from"):
        voice.say(TEXT, rate=0.0)
    with pytest.raises(ProsodyError, match="pitch"):
        Controls(pitch=math.nan)
    with pytest.raises(ProsodyError, match="seed must be a whole number"):
        voice.say(TEXT, seed=-1)
    with pytest.raises(TypeError, match="must be a string, a script or prosody, got bytes"):
        voice.say(TEXT.encode())
    with pytest.raises(CheckpointError, match="no speaker"):
        type(voice)(voice.acoustic, voice.vocoder, voice.pronouncer.lexicon, "two")


def test_contracts_must_agree(voice):
    other = tiny_acoustic()
    other.contract = AudioContract(hop_samples=240)
    with pytest.raises(CheckpointError, match="hop_samples"):
        type(voice)(other, voice.vocoder, voice.pronouncer.lexicon)


def test_whole_frames_keep_the_sum():
    random = torch.Generator().manual_seed(0)
    frames = torch.rand(50, generator=random) * 6 + 1
    counts = whole_frames(frames, torch.ones(50, dtype=torch.bool))
    assert abs(float(frames.sum()) - int(counts.sum())) <= 1
    assert int(counts.min()) >= 1


def test_a_pitch_that_is_held_is_told(kathleen, caplog):
    lowest = kathleen.say(TEXT, pitch=-12.0)
    assert not caplog.records
    held = kathleen.say(TEXT, pitch=-24.0)
    (told,) = caplog.messages
    share = (lowest.f0_hz[lowest.f0_hz > 0] < 80.0).mean()  # an octave lower they would be below 40 Hz
    assert 0.0 < share < 1.0
    assert told == f"too low or too high: in {100 * share:.2g} % of the voice the pitch is held at 40 or 1000 Hz"
    assert held.f0_hz[held.f0_hz > 0].min() == 40.0


def test_loud_peaks_are_rounded_and_told(kathleen, caplog):
    peak_db = 20 * math.log10(np.abs(kathleen.say(TEXT).samples).max())
    assert not caplog.records
    sound = kathleen.say(TEXT, energy=4.0 - peak_db)
    assert 0.9 < np.abs(sound.samples).max() <= 1.0
    (told,) = caplog.messages
    assert "of the samples came near full scale and were rounded" in told
    less_db = float(told.partition("; ")[2].split()[0])
    assert less_db == pytest.approx(4.0 - 20 * math.log10(0.9), abs=0.6)
    kathleen.say(TEXT, energy=3.0 - peak_db - less_db)
    assert len(caplog.records) == 1


def test_griffin_lim_of_a_tone():
    from tts.contract import FrameAnalyzer

    contract = AudioContract()
    tone = 0.3 * torch.sin(2 * torch.pi * 440.0 * torch.arange(256 * 60) / 24_000)
    mel = FrameAnalyzer(contract)(tone[None]).mel
    sound = GriffinLim(contract)(mel, torch.zeros(1, 60))
    assert sound.shape == (1, 256 * 60)
    spectrum = torch.fft.rfft(sound[0]).abs()
    assert abs(float(spectrum.argmax()) * 24_000 / len(sound[0]) - 440.0) < 20.0


def test_a_notebook_shows_it(voice, tmp_path):
    sound = voice.say("one & two")
    page = sound._repr_html_()
    assert "<audio" in page
    assert "<svg" in page
    sound.plot().save(tmp_path / "x.svg")
    with pytest.raises(AudioError, match=r"x\.png: pictures are written as SVG"):
        sound.plot().save(tmp_path / "x.png")
    assert ">one</text>" in (tmp_path / "x.svg").read_text()
    assert "one and two" in repr(sound)


def say(folder, *arguments):
    return main(["say", "--voice", str(folder), *map(str, arguments)])


@pytest.mark.parametrize("command", ["say", "evaluate-tts"])
def test_help_fits_a_terminal(command, capsys):
    assert main([command, "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 105


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_command_writes_files(voice_folder, tmp_path, suffix, capsys):
    path = tmp_path / f"out.{suffix}"
    assert say(voice_folder, TEXT, "-o", path, "--json", tmp_path / "out.json", "-v") == 0
    samples, rate = soundfile.read(path)
    found = json.loads((tmp_path / "out.json").read_text())
    assert rate == 24_000
    assert len(samples) / rate == pytest.approx(found["duration_s"], abs=0.1)
    assert [row["word"] for row in found["words"]][0] == "well"
    assert "real-time factor" in capsys.readouterr().err
    assert [one.name for one in tmp_path.glob(".*.part")] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("One two. Three “four” 😀 five.", "cannot speak"),
        ("One {two|T UW1}. Three 中.", "IDEOGRAPH"),
        ("One two. {zoz|Z AA1}@mail.com", "put a space"),
    ],
)
def test_nothing_is_said_of_a_text_that_cannot_be_said_to_its_end(voice_folder, capsysbinary, text, message):
    assert say(voice_folder, text, "-o", "-") == 2
    out, error = capsysbinary.readouterr()
    assert out == b""
    assert message.encode() in error


def test_command_reads_files_and_pipes(voice_folder, tmp_path, monkeypatch, capsysbinary):
    (tmp_path / "a.txt").write_text("One two.")
    assert say(voice_folder, "--file", tmp_path / "a.txt", "-o", "-") == 0
    samples = np.frombuffer(capsysbinary.readouterr().out, "<i2")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<speak>One two.</speak>")))
    assert say(voice_folder, "-", "--ssml", "-o", tmp_path / "b.wav") == 0
    assert len(soundfile.read(tmp_path / "b.wav")[0]) == len(samples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the text"),
        (["x", "-o", "x.doc"], "suffix must be"),
        (["x", "--rate", "99", "-o", "x.wav"], "rate must be from"),
        (["", "-o", "x.wav"], "nothing to say"),
        (["\U0001f600", "-o", "x.wav"], "no English reading"),
        (["<speak><x/></speak>", "--ssml", "-o", "x.wav"], "element <x>"),
        ([" <speak>Hello.</speak>", "-o", "x.wav"], "looks like SSML; add --ssml"),
        (["a {b|AH0", "-o", "x.wav"], "write it so, or take the bar away"),
        (["--file", "none.txt", "-o", "x.wav"], "none.txt: there is no such file"),
        (["--file", ".", "-o", "x.wav"], ".: cannot be read (Is a directory)"),
        (["x", "-o", "none/x.wav"], "-o none/x.wav: files cannot be written there"),
        (["x", "-o", "x.wav", "--json", "none/x.json"], "--json none/x.json: files cannot be written there"),
        (["x", "-o", "x.wav", "--json", "./x.wav"], "-o and --json both name x.wav"),
        (["--file", "a.txt", "-o", "x.wav", "--json", "a.txt"], "is read by the same command and would be lost"),
        (["--file", "a.wav", "-o", "./a.wav"], "is read by the same command and would be lost"),
        (["x", "--lexicon", "a.wav", "-o", "a.wav"], "is read by the same command and would be lost"),
        (["x", "-o", "x.wav", "--seed", str(2**63)], "seed must be a whole number"),
    ],
)
def test_command_refuses_in_one_sentence(voice_folder, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "a.wav"):
        (tmp_path / name).write_text("x")
    assert say(voice_folder, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.wav").exists()


def test_a_control_beyond_its_range_is_refused_before_anything_is_loaded():
    code = "import sys; from speech.cli import main; print(main(['say', 'x', '--rate', '9']), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["2", "False"]
    assert done.stderr == "speech: rate must be from 0.25 to 4, got 9.0\n"


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_names_that_are_no_text(voice_folder, tmp_path):
    assert say(voice_folder, "x", "-o", tmp_path / "caf\udce9.wav", "--json", tmp_path / "caf\udce9.json") == 0
    assert soundfile.info(os.fsencode(tmp_path / "caf\udce9.wav")).duration > 0.1


def test_a_full_disk_is_told(voice_folder, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise soundfile.LibsndfileError(2, "Error opening '/tmp/.x.part': ")

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    assert say(voice_folder, "x", "-o", tmp_path / "x.wav") == 2
    assert capsys.readouterr().err.endswith("x.wav: cannot be written (the disk is full, or does not take it)\n")
    assert not list(tmp_path.glob("*x.*"))


@pytest.mark.parametrize("half", ["acoustic", "vocoder"])
def test_weights_that_are_no_numbers_are_refused(voice, voice_folder, half):
    damaged = copy.deepcopy({"acoustic": voice.acoustic, "vocoder": voice.vocoder}[half])
    next((damaged.model if half == "acoustic" else damaged.net).parameters()).data.fill_(math.nan)
    damaged.save(voice_folder / f"{half}.safetensors", "float32")
    with pytest.raises(CheckpointError, match=rf"{half}\.safetensors: the weights .* are not finite"):
        load_voice(voice_folder)


def test_unknown_voice():
    with pytest.raises(CheckpointError, match="no such voice"):
        load_voice("/no/such/folder")


def test_a_pause_that_is_made_counts_as_one():
    """Even the shortest that can be predicted, wherever rounding to frames puts its edges."""
    voice = tiny_voice()
    voice.acoustic.pause_threshold = 0.0
    with torch.no_grad():
        voice.acoustic.model.pause.leave.bias[1] = -9.0
    sound = voice.say(TEXT)
    found = compare_pauses(sound.words, sound.words)
    assert found.pauses_right == len(sound.words) - 1
    assert min(pause_lengths(sound)) < 0.06


LOADED = """
import sys
from speech import lexicon
from tts import load_voice
load_voice(sys.argv[1])
print(lexicon._dictionary.cache_info().currsize, "torch._dynamo" in sys.modules)
"""


def test_a_loaded_voice_is_ready(voice_folder):
    """Neither the dictionary nor torch's compiler is left for the first sentence, or ever imported."""
    done = subprocess.run([sys.executable, "-c", LOADED, voice_folder], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "False"]


def test_breaks_add_up_and_are_heard_at_either_end(voice):
    def plan(ssml):
        return voice.plan(parse_ssml(f"<speak>{ssml}</speak>"))

    between = plan("one <break time='500ms'/><break time='1s'/> two")
    assert between.words[0].pause_s == pytest.approx(1.5)
    ends = "<break time='1s'/>one two.<break time='1s'/> <break time='500ms'/>"
    sentence = plan(ends).sentences[0]
    assert (sentence.lead_s, sentence.tail_s) == (1.0, 1.5)
    plain, longer, none = (
        voice.say(plan(text), pause=pause) for text, pause in (("one two.", 2.0), (ends, 2.0), (ends, 0.0))
    )
    edge_s = EDGE_FRAMES * 256 / voice.sample_rate  # the voice's own silence is part of a pause
    assert longer.duration_s - plain.duration_s == pytest.approx(5.0 - edge_s, abs=0.02)
    assert none.words[0].start_s < 0.1
    assert len(longer.samples) == len(longer.mel) * 256 == len(longer.f0_hz) * 256
    assert np.abs(longer.samples[-20_000:]).max() == 0


def test_a_break_before_all_words_is_heard_once(voice):
    plan = voice.plan(parse_ssml("<speak><break time='2s'/>One. Two. Three.</speak>"))
    assert [sentence.lead_s for sentence in plan.sentences] == [2.0, 0.0, 0.0]


def test_words_that_are_read_together_are_changed_together(voice):
    plan = voice.plan(parse_ssml("<speak>In Room <prosody rate='slow'>101</prosody> now.</speak>"))
    assert {word.text: word.rate < 1 for word in plan.words} == {
        "in": False, "room": True, "one": True, "oh": True, "now": False,
    }  # fmt: skip
    plan = voice.plan(parse_ssml("<speak>Flight <break time='1s'/>747 is late.</speak>"))
    assert [word.text for word in plan.words if word.pause_s == 1.0] == ["seven"]


def test_changes_of_parts_of_a_number_are_not_cut_to_what_it_takes(voice):
    parts = "<speak><prosody rate='3'>19</prosody><prosody rate='3'>84</prosody></speak>"
    with pytest.raises(ProsodyError, match='rate of "nineteen" must be from 0.25 to 4, got 9'):
        voice.say(parse_ssml(parts))


def test_a_paragraph_s_pause_is_longer_than_a_sentence_s(voice):
    plan = voice.plan(parse_ssml("<speak><p><s>one.</s><s>two.</s></p><p><s>three.</s></p></speak>"))
    assert [sentence.words[-1].pause_s for sentence in plan.sentences[:2]] == [0.45, 0.8]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda s: s.words.clear(), "has no words"),
        (lambda s: s.words[1].phones.clear(), '"this" has no phones'),
        (lambda s: setattr(s, "lead_s", -1.0), "lead_s must be from 0"),
        (lambda s: setattr(s.words[0], "pause_s", None), 'pause_s of "well" must be from 0 to 600, got None'),
        (lambda s: setattr(s.words[0], "mark", "x"), 'mark of "well" must be one of'),
        (lambda s: setattr(s.words[0].phones[0], "phone", None), 'None in "well" is no ARPAbet phone'),
        (lambda s: s.words[0].phones.append("AH0"), "phones of \"well\" must be PhoneProsody, got 'AH0'"),
        (lambda s: s.words.append("hello"), "words must be WordProsody, got 'hello'"),
        (lambda s: setattr(s.words[0], "pause_s", math.nan), 'pause_s of "well" must be from 0 to 600, got nan'),
        (lambda s: setattr(s.words[0], "pause_s", 1e6), 'pause_s of "well" must be from 0 to 600'),
        (lambda s: setattr(s.words[0].phones[1], "rate", 0.0), 'rate of EH1 in "well" must be from 0.25'),
        (lambda s: setattr(s.words[0].phones[1], "pitch_hz", 0.0), 'pitch_hz of EH1 in "well"'),
        (lambda s: setattr(s.words[0].phones[1], "duration_s", math.inf), 'duration_s of EH1 in "well"'),
        (lambda s: setattr(s.words[0].phones[1], "phone", "EH"), "'EH' in \"well\" is no ARPAbet phone"),
    ],
)
def test_edits_that_cannot_be_said_are_named(voice, edit, message):
    prosody = voice.plan(TEXT)
    edit(prosody.sentences[0])
    with pytest.raises(ProsodyError, match=message):
        voice.say(prosody)


def test_a_word_without_phones_has_no_rate(voice):
    word = voice.plan(TEXT).words[0]
    word.phones.clear()
    with pytest.raises(ProsodyError, match='"well" has no phones, and so no rate'):
        _ = word.rate


def test_numbers_of_numpy_are_numbers(voice):
    prosody = voice.plan(TEXT)
    prosody.words[0].pitch = np.float64(2.0)
    assert np.array_equal(voice.say(prosody, rate=np.int64(2)).samples, voice.say(prosody, rate=2).samples)
