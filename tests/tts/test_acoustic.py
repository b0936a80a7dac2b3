"""Targets, length regulator, losses, training, and the model's file."""

import json
import math
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from speech.config import load_config
from speech.corpus import Utterance, read_manifest, write_manifest
from speech.errors import CheckpointError, ConfigError, CorpusError, SpeechError
from tests.tts.acoustic_model import tiny_acoustic, write_recordings
from tts.acoustic import Acoustic
from tts.contract import AudioContract
from tts.linguistic import rows_of
from tts.losses import Batch, compute_losses, drawn_through, forward
from tts.phonemes import SpokenWord
from tts.targets import measure_targets, read_alignment
from tts.training import AcousticTraining, VoiceConfig, _epoch, open_run, train
from tts.training_data import alignment_names
from tts.variance import regulate

TEXTS = ("One two, three.", "Four five.", "Six, seven eight.", "Nine ten.", "Two four, six.", "One nine.")
HOP_S = AudioContract().hop_s


def config_of(folder, manifest, alignments, **training) -> str:
    """A TOML file of a tiny run."""
    lines = {"output_dir": str(folder / "out"), "epochs": 2.0, "batch": 2, "evaluate_every": 1.0, "warmup_steps": 2}
    rows = "\n".join(f"{key} = {json.dumps(value)}" for key, value in (lines | training).items())
    path = folder / "acoustic.toml"
    path.write_text(
        f'[data]\ntrain = ["{manifest}"]\nalignments = "{alignments}"\n'
        f'frames_dir = "{folder / "frames"}"\nheld_out = 3\n'
        f"[model]\nchannels = 16\ndecoder_layers = 1\n[training]\n{rows}\n"
    )
    return str(path)


def test_regulator_fills_the_frames():
    durations = torch.tensor([[2, 0, 3], [1, 1, 0]])
    frames = regulate(durations, 6)
    assert frames.mask.sum(1).tolist() == [5, 2]
    assert frames.phone[0, :5].tolist() == [0, 0, 2, 2, 2]
    values = torch.arange(6.0).view(2, 3, 1)
    assert frames.spread(values)[1, :2, 0].tolist() == [3.0, 4.0]
    assert durations.tolist() == [[2, 0, 3], [1, 1, 0]]


def test_interpolation_stays_between_its_ends():
    durations = torch.randint(0, 6, (4, 20), generator=torch.Generator().manual_seed(0)) + torch.eye(4, 20).long()
    values = torch.rand(4, 20)
    line = regulate(durations).interpolate(values)
    assert torch.isfinite(line).all()
    assert values.min() <= line.min() <= line.max() <= values.max()


def test_targets_of_a_recording(tmp_path):
    write_recordings(tmp_path, TEXTS[:1])
    alignment = read_alignment(tmp_path / "alignments" / "r0.json", TEXTS[0])
    count = int(alignment["phones"][-1]["end_s"] / HOP_S)
    f0_hz = np.full(count, 200.0, np.float32)
    targets = measure_targets("r0", alignment, TEXTS[0], f0_hz, np.full(count * 256, 0.1, np.float32), AudioContract())
    assert int(targets.durations.sum()) == targets.last - targets.first
    pauses = targets.durations[targets.rows.is_pause].tolist()
    assert pauses[0] == 0
    assert abs(pauses[1] * HOP_S - 0.2) < HOP_S
    spoken = targets.durations[~(targets.rows.is_pause | targets.rows.is_silence)]
    assert (spoken * HOP_S - 0.08).abs().max() < HOP_S
    assert targets.pitch.exp().tolist() == pytest.approx([200.0] * len(targets.pitch), rel=1e-4)
    assert targets.rows.features[targets.rows.is_pause, 3].tolist() == [0, 1]


def test_short_gaps_are_no_pauses(tmp_path):
    alignment = {
        "words": [{"word": "go", "start_s": 0.1, "end_s": 0.3}, {"word": "to", "start_s": 0.33, "end_s": 0.5}],
        "phones": [
            {"phone": "SIL", "start_s": 0.0, "end_s": 0.1}, {"phone": "G", "start_s": 0.1, "end_s": 0.2},
            {"phone": "OW1", "start_s": 0.2, "end_s": 0.3}, {"phone": "SP", "start_s": 0.3, "end_s": 0.33},
            {"phone": "T", "start_s": 0.33, "end_s": 0.4}, {"phone": "UW1", "start_s": 0.4, "end_s": 0.5},
            {"phone": "SIL", "start_s": 0.5, "end_s": 0.6},
        ],
    }  # fmt: skip
    samples = np.zeros(56 * 256, np.float32)
    targets = measure_targets("x", alignment, "Go to", np.full(56, 100.0, np.float32), samples, AudioContract())
    assert targets.durations[targets.rows.is_pause].tolist() == [0]
    assert int(targets.durations.sum()) == 56
    with pytest.raises(CorpusError, match="x: no frame of a phone is voiced"):
        measure_targets("x", alignment, "Go to", np.zeros(56, np.float32), samples, AudioContract())


def test_unusable_alignments_are_named(tmp_path):
    (tmp_path / "a.json").write_text('{"words": []}')
    with pytest.raises(CorpusError, match=r"a\.json"):
        read_alignment(tmp_path / "a.json", "Go")
    with pytest.raises(CorpusError, match="no such alignment"):
        read_alignment(tmp_path / "b.json", "Go")
    write_recordings(tmp_path, TEXTS[:2])
    with pytest.raises(CorpusError, match=r"r0\.json: is of another text, which begins"):
        read_alignment(tmp_path / "alignments" / "r0.json", TEXTS[1])


def random_batch(count: int = 2) -> Batch:
    """A batch of random numbers, the second row shorter."""
    generator = torch.Generator().manual_seed(0)
    words = [SpokenWord("go", ("G", "OW1"), 0, 2, ","), SpokenWord("to", ("T", "UW1"), 3, 5)]
    rows = rows_of(words)
    length = len(rows.phones)
    durations = torch.tensor([[1, 2, 3, 2, 2, 3, 1], [1, 2, 2, 0, 2, 2, 1]])[:count]
    return Batch(
        features=rows.features.expand(count, -1, -1), phones=torch.ones(count, length, dtype=torch.bool),
        pauses=rows.is_pause.expand(count, -1), spoken=(~(rows.is_pause | rows.is_silence)).expand(count, -1),
        durations=durations, pitch=torch.randn(count, length, generator=generator),
        energy=torch.randn(count, length, generator=generator), pitch_weight=torch.ones(count, length),
        mel=torch.randn(count, 14, 80, generator=generator), f0=torch.randn(count, 14, generator=generator),
        voiced=torch.ones(count, 14), speaker=torch.zeros(count, dtype=torch.int64),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["conv", "bilstm"])
def test_padding_has_no_influence(kind):
    model = tiny_acoustic(encoder=kind, decoder=kind).model
    batch = random_batch()
    changed = replace(batch, mel=batch.mel.clone(), f0=batch.f0.clone())
    changed.mel[1, 10:], changed.f0[1, 10:] = 99.0, 9.0
    with torch.no_grad():
        ours, theirs = (compute_losses(forward(model, one), one) for one in (batch, changed))
    for name, value in vars(ours).items():
        assert float(value) == pytest.approx(float(vars(theirs)[name]), rel=1e-5), name


def test_drawn_through():
    assert drawn_through(torch.tensor([0.0, 100.0, 0.0, 400.0, 0.0])).exp().tolist() == pytest.approx(
        [100, 100, 200, 400, 400]
    )


def test_file_round_trip(tmp_path):
    acoustic = tiny_acoustic()
    acoustic.habits["data"] = ("D", "EY1", "T", "AH0")
    acoustic.save(tmp_path / "a.safetensors", "float32")
    drawn = torch.random.get_rng_state()
    loaded = Acoustic.load(tmp_path / "a.safetensors")
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert loaded.habits == acoustic.habits
    assert loaded.contract == acoustic.contract
    for name, value in acoustic.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value)
    replace(acoustic, detail=(1.0, 2.0)).save(tmp_path / "detail.safetensors", "float32")
    with pytest.raises(CheckpointError, match="detail has 2 values"):
        Acoustic.load(tmp_path / "detail.safetensors")
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        Acoustic.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pause_threshold": math.nan}, "pause_threshold must be from 0 to 1, got nan"),
        ({"pause_threshold": "0.5"}, "pause_threshold must be float, got '0.5'"),
        ({"detail": (1.0, math.nan) * 40}, r"detail\.1 must be positive and finite, got nan"),
        ({"detail": (-1.0,) * 80}, r"detail\.0 must be positive"),
        ({"detail": "1" * 80}, r"detail\.0 must be float, got '1'"),
        ({"speakers": ()}, "speakers must be names, each once and at least one"),
        ({"speakers": ("one", "two")}, "there are 2 speakers, for num_speakers=1"),
        ({"habits": {"data": ("D", "QQ")}}, r"habits\.data must be ARPAbet phones, .* got 'D QQ'"),
    ],
)
def test_settings_of_a_file_are_checked(tmp_path, settings, message):
    replace(tiny_acoustic(), **settings).save(tmp_path / "a.safetensors", "float32")
    with pytest.raises(CheckpointError, match=rf"a\.safetensors: .*{message}"):
        Acoustic.load(tmp_path / "a.safetensors")


def test_a_gradient_that_is_not_finite_loses_nothing(tmp_path, monkeypatch):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    path = config_of(tmp_path, manifest, alignments, save_every_s=0.0)
    train(path)
    state = (tmp_path / "out" / "state.pt").read_bytes()
    monkeypatch.setattr("tts.training.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(torch.inf))
    with pytest.raises(SpeechError, match="gradient is not finite"):
        train(path, ["training.epochs=4"])
    assert (tmp_path / "out" / "state.pt").read_bytes() == state


def test_training_learns_and_resumes(tmp_path):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    path = config_of(tmp_path, manifest, alignments, epochs=12.0, learning_rate=1e-2, save_every_s=0.0)
    model = train(path)
    rows = [json.loads(row) for row in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    for name in ("mel", "duration", "melody"):
        values = [row[name] for row in rows if row["kind"] == "train"]
        assert values[-1] < 0.9 * values[0], name
    state = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    assert len(Acoustic.load(model).detail) == 80
    written = model.read_bytes()
    assert train(path) == model  # nothing left to do
    assert model.read_bytes() == written
    with pytest.raises(ConfigError, match=r"state\.pt: is of a run with other \[contract\]; choose another output_dir"):
        train(path, ["contract.num_mels=60", f'data.frames_dir="{tmp_path / "frames60"}"'])
    with pytest.raises(ConfigError, match=r"state\.pt: is of a run with other training\.seed"):
        train(path, ["training.seed=2"])
    longer = train(path, ["training.epochs=14"])
    resumed = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    assert resumed["progress"]["step"] > state["progress"]["step"]
    tuned = train(
        path, [f'training.init_from="{longer}"', f'training.output_dir="{tmp_path / "tuned"}"', "training.epochs=1"]
    )
    assert Acoustic.load(tuned).speakers == ("one",)


def test_recordings_without_an_alignment_are_left_out(tmp_path, caplog):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    config = load_config(config_of(tmp_path, manifest, alignments), VoiceConfig)
    (alignments / "r1.json").unlink()
    assert [one.name for one in open_run(config).targets] == ["r0", "r2", "r3", "r4", "r5"]
    assert "left out" in caplog.text
    assert "r1.json: no such alignment" in caplog.text
    (alignments / "r2.json").unlink()
    with pytest.raises(CorpusError, match=r"only 4 of 6 recordings can be used; left out: .*r1\.json: no such"):
        open_run(config)
    nowhere = replace(config, data=replace(config.data, alignments=tmp_path / "nowhere"))
    with pytest.raises(CorpusError, match=r"nowhere: no such folder of alignments; run `speech align` first"):
        open_run(nowhere)


def test_recordings_of_one_name_have_alignments_of_their_own(tmp_path):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    (tmp_path / "more").mkdir()
    rows = read_manifest(manifest)
    rows[5] = replace(rows[5], audio_filepath=rows[5].audio_filepath.rename(tmp_path / "more" / "r0.wav"))
    write_manifest(manifest, rows)
    (alignments / "r0.json").rename(alignments / "r0_1.json")
    (alignments / "r5.json").rename(alignments / "r0_6.json")
    recordings = open_run(load_config(config_of(tmp_path, manifest, alignments), VoiceConfig))
    assert [one.name for one in recordings.targets] == ["r0_1", "r1", "r2", "r3", "r4", "r0_6"]


def test_another_voice_in_the_same_folder_is_refused(tmp_path):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    path = config_of(tmp_path, manifest, alignments, epochs=1.0)
    train(path)
    log = (tmp_path / "out" / "log.jsonl").read_text()
    write_manifest(manifest, read_manifest(manifest)[1:])
    frames = f'data.frames_dir="{tmp_path / "frames5"}"'
    with pytest.raises(ConfigError, match=r"state\.pt: is of a run with other recordings; choose another output_dir"):
        train(path, [frames])
    train(path, [frames], restart=True)
    assert (tmp_path / "out" / "log.1.jsonl").read_text() == log


def test_manifests_with_the_same_names_have_folders_of_alignments(tmp_path):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    rows = read_manifest(manifest)
    for name, half in (("one", rows[:3]), ("two", rows[3:])):
        write_manifest(tmp_path / f"{name}.jsonl", half)
        (alignments / name).mkdir()
        for row in half:
            stem = row.audio_filepath.stem
            (alignments / f"{stem}.json").rename(alignments / name / f"{stem}.json")
    config = load_config(config_of(tmp_path, manifest, alignments), VoiceConfig)
    train_set = (tmp_path / "one.jsonl", tmp_path / "two.jsonl")
    recordings = open_run(replace(config, data=replace(config.data, train=train_set)))
    assert [one.name for one in recordings.targets] == [f"r{number}" for number in range(6)]


def test_names_of_alignments_are_those_that_align_gives():
    rows = [(1, Utterance(Path("a/x.wav"), 1.0, "hello")), (3, Utterance(Path("b/x.wav"), 1.0, " "))]
    assert alignment_names(rows) == ["x", "x_3"]
    spoken = [*rows[:1], (3, replace(rows[1][1], text="hello"))]
    assert alignment_names(spoken) == ["x_1", "x_3"]


@pytest.mark.parametrize("batch", [1, 2, 4, 7, 20])
def test_an_epoch_goes_on_with_batches_of_any_size(batch):
    recordings = SimpleNamespace(num_frames=lambda index: index)
    settings = [AcousticTraining(output_dir=Path("."), batch=size) for size in (2, batch)]
    whole = list(_epoch(list(range(11)), recordings, settings[0], 5.0))
    for done, (_, position) in enumerate(whole[:-1], start=1):
        assert list(_epoch(list(range(11)), recordings, settings[0], position)) == whole[done:]
        rest = list(_epoch(list(range(11)), recordings, settings[1], position))
        assert [epoch for _, epoch in rest][-1:] == [6.0]
        assert all(epoch > position for _, epoch in rest)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.epochs=nan", "training.epochs must be positive and finite, got nan"),
        ("training.minutes=0.0", "training.minutes must be positive and finite, got 0.0"),
        ("training.learning_rate=-1.0", "training.learning_rate must be positive and finite, got -1.0"),
        ("training.weight_decay=-1.0", "training.weight_decay must be 0 or more and finite, got -1.0"),
        ("training.average=1.0", "training.average must be at least 0 and less than 1, got 1.0"),
        ("training.seed=-1", "training.seed must be 0 or more and finite, got -1"),
        ("data.held_out=1", "data.held_out must be 2 or more, got 1"),
        ("data.train=[]", "data.train must name a manifest or more"),
        ("model.channels=30", "model.channels must be a multiple of 4, got 30"),
        ("model.dropout=nan", "model.dropout must be at least 0 and less than 1, got nan"),
        ("losses.mel=nan", "losses.mel must be 0 or more and finite, got nan"),
        ("contract.hop_samples=255", "contract.hop_samples must be even and 2 or more, got 255"),
        ("contract.min_f0_hz=900.0", "contract.min_f0_hz, max_f0_hz, pitch_window_s: needs 0 < min_hz < max_hz"),
    ],
)
def test_configuration_is_checked(tmp_path, setting, message):
    with pytest.raises(ConfigError, match=re.escape(f"acoustic.toml: {message}")):
        load_config(config_of(tmp_path, "rows.jsonl", "alignments"), VoiceConfig, [setting])


def test_recipe_draws_targets_and_trains(tmp_path, monkeypatch, capsys):
    manifest, alignments = write_recordings(tmp_path, TEXTS)
    settings = {
        "data.train": f'["{manifest}"]', "data.alignments": alignments, "data.held_out": 3, "model.channels": 16,
        "model.decoder_layers": 1, "training.epochs": 1, "training.batch": 2,
    }  # fmt: skip
    overrides = [f"acoustic.{key}={value}" for key, value in settings.items()]
    monkeypatch.chdir(tmp_path)
    options = ["--data", ".", "--steps", "acoustic", "--licence", "CC0", "--set", *overrides]
    monkeypatch.setattr(sys, "argv", ["run.py", *options])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(Path(__file__).parents[2] / "recipes" / "voice" / "run.py"), run_name="__main__")
    assert end.value.code == 0
    assert "acoustic model" in capsys.readouterr().out
    acoustic = Acoustic.load(tmp_path / "runs" / "voice" / "acoustic.safetensors")
    assert acoustic.model.config.channels == 16
    assert acoustic.card["name"] == f"acoustic model of {tmp_path.name}"
    assert acoustic.card["data"] == f"{tmp_path.name}: 6 recordings, 0 minutes"
    assert acoustic.card["data_licence"] == "CC0"
    assert acoustic.card["training"]["epochs"] == 1
    assert len(list((tmp_path / "runs" / "voice" / "acoustic").glob("targets_*.svg"))) == 6
