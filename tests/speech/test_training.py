"""Training: learns, resumes to the bit, survives interruptions, refuses what does not fit."""

import json
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from speech import checkpoint, training, training_step
from speech.batches import make_batches
from speech.corpus import read_manifest, write_manifest
from speech.errors import CheckpointError, ConfigError, CorpusError, SpeechError
from speech.experiment import AugmentConfig, TrainingConfig
from speech.frontend import Frontend, FrontendConfig
from speech.frontend.augment import SpecAugmentConfig, WarpConfig
from speech.frontend.augmenter import WaveformAugmentConfig
from speech.training import evaluate, learning_rate_at, train
from speech.training_augment import augment_batch, build_augmenter
from speech.training_data import Batch
from speech.training_log import TrainingLog
from speech.training_state import Progress, TrainingState

CONFIG = """
[data]
train = ["{manifest}"]
dev = ["{manifest}"]
cache_dir = "{folder}/cache"
num_workers = 1

[frontend]
num_mels = 24
normalization = "global"

[augment]
gain_db = 2.0
masks = {{ max_time_frames = 3, max_frequency_bins = 2 }}

[model]
subsampling_factor = 4
conv_channels = 24
num_layers = 1
width = 24
dropout = 0.1

[training]
output_dir = "{folder}/run"
epochs = 4
batch_frames = 700
learning_rate = 5e-3
warmup_steps = 5
save_every_s = 1e9
autocast = false
precision = "float32"
"""


@pytest.fixture
def config(tones, tmp_path) -> Path:
    path = tmp_path / "config.toml"
    cache = tones.parent / "cache"  # features are the same for every test
    text = CONFIG.format(manifest=tones, folder=tmp_path).replace(f"{tmp_path}/cache", str(cache))
    path.write_text(text)
    return path


def weights(path: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load(path).model.state_dict()


def assert_same(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_tones_are_learned(config):
    model = train(config, ["training.epochs=30", "training.evaluate_every=10.0"])
    assert checkpoint.load(model).card["dev_error"] < 0.2


def test_tones_are_learned_with_whole_sequences_competing(config):
    heads = '[{units = "character", loss = "ctc_crf"}]'
    model = train(config, [f"heads={heads}", "training.epochs=30", "training.evaluate_every=10.0"])
    assert checkpoint.load(model).card["dev_error"] < 0.2


def test_tones_are_learned_in_two_views_that_shall_agree(config, tmp_path):
    heads = '[{units = "character", consistency = 0.2}]'
    model = train(config, [f"heads={heads}", "training.epochs=30", "training.evaluate_every=10.0"])
    assert checkpoint.load(model).card["dev_error"] < 0.2
    steps = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(step["character_disagreement"] >= 0 for step in steps if step["kind"] == "train")


def test_disagreement_is_the_mean_divergence_of_two_views():
    logits = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lengths = torch.tensor([5, 2, 5, 2])
    expected = 0.0
    for row in range(2):
        for frame in range(lengths[row]):
            p, q = logits[row, frame].softmax(0), logits[row + 2, frame].softmax(0)
            expected += 0.5 * float((p * (p / q).log()).sum() + (q * (q / p).log()).sum())
    assert float(training_step.disagreement(logits, lengths)) == pytest.approx(expected, rel=1e-5)
    assert float(training_step.disagreement(logits[:2].repeat(2, 1, 1), lengths)) == 0


def test_frames_of_two_views_belong_together():
    generator = torch.Generator().manual_seed(3)
    lengths = torch.tensor([60, 45])
    ramp = torch.arange(60.0)[None, :, None].repeat(2, 1, 8)
    batch = Batch(ramp, lengths, {"character": torch.zeros(2, 1, dtype=torch.int64)},
                  {"character": torch.tensor([1, 0])}, [])  # fmt: skip
    config = AugmentConfig(warp=WarpConfig(max_stretch=0.3), masks=SpecAugmentConfig(mask_value=-1.0))
    views = augment_batch(batch, Frontend(FrontendConfig(num_mels=8)), 1.0, config, generator, views=2)
    assert views.lengths.tolist() == views.lengths[:2].tolist() * 2
    assert views.target_lengths["character"].tolist() == [1, 0, 1, 0]
    first, second = views.features.chunk(2)
    seen = (first >= 0) & (second >= 0)
    assert torch.equal(first[seen], second[seen])
    assert not torch.equal(first, second)


@pytest.mark.parametrize("stop_at", [3, 8])
def test_a_resumed_run_equals_an_uninterrupted_one(config, tmp_path, monkeypatch, stop_at):
    whole = train(config, [f"training.output_dir={tmp_path}/whole", "training.average_last=2"])
    update, calls = training.update, 0

    def interrupted(*arguments):
        nonlocal calls
        calls += 1
        if calls == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*arguments)

    monkeypatch.setattr(training, "update", interrupted)
    with pytest.raises(KeyboardInterrupt, match="the state is saved; run it again to go on"):
        train(config, ["training.average_last=2"])
    assert calls == stop_at  # the step was finished, the next not begun
    resumed = train(config, ["training.average_last=2"])
    assert_same(weights(whole), weights(resumed))


def test_other_batches_keep_the_place_in_the_epoch(config, monkeypatch):
    update, stop_at = training.update, 1.8
    positions: list[float] = []

    def interrupted(*arguments):
        positions.append(arguments[4])
        if positions[-1] >= stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*arguments)

    monkeypatch.setattr(training, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(config, ["training.batch_frames=100"])
    stop_at = np.inf
    positions.clear()
    train(config)
    assert 1.5 < positions[0] < 2
    assert {int(position) for position in positions[1:]} == {2, 3}


@pytest.mark.parametrize(
    ("batch", "saved", "now", "expected"), [(15, 16, 6, 5), (2, 6, 16, 5), (15, 0, 6, 5), (3, 6, 6, 3)]
)
def test_place_in_an_epoch_of_other_batches(batch, saved, now, expected):
    progress = Progress(epoch=2, batch=batch, num_batches=saved)
    progress.enter(now)
    assert (progress.batch, progress.position) == (expected, 2 + expected / now)


def test_killed_between_saves_loses_only_the_steps_since(config, tmp_path, monkeypatch):
    whole = train(config, [f"training.output_dir={tmp_path}/whole"])

    def killed(*_):
        raise MemoryError("as if the process had died")

    with monkeypatch.context() as patch:
        patch.setattr(training, "export", killed)
        patch.setattr(TrainingState, "save", lambda *_: None)
        with pytest.raises(MemoryError):
            train(config)
    assert_same(weights(whole), weights(train(config)))


def test_a_longer_run_goes_on_from_before_the_decay(config, tmp_path):
    train(config, ["training.epochs=2"])
    longer = train(config, ["training.epochs=4"])
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    assert state["progress"]["epoch"] == 4
    assert checkpoint.load(longer).card["steps"] == state["progress"]["step"]


def test_another_model_is_refused(config):
    train(config, ["training.epochs=1"])
    with pytest.raises(ConfigError, match="model.width"):
        train(config, ["model.width=32"])
    train(config, ["model.width=32", "training.epochs=1"], restart=True)


def test_a_damaged_state_is_named(config, tmp_path):
    train(config, ["training.epochs=1"])
    state = tmp_path / "run" / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"state\.pt.*--restart"):
        train(config)


def test_a_full_disk_keeps_the_previous_state(config, tmp_path, monkeypatch):
    train(config, ["training.epochs=1"])
    state = tmp_path / "run" / "state.pt"
    before = state.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        train(config, ["training.epochs=2"])
    assert state.read_bytes() == before
    assert not list(state.parent.glob("*.part"))


def test_losses_that_are_not_finite_are_skipped_then_refused(config, monkeypatch):
    def infinite(logits, lengths, batch, loaded):
        return {name: scores.sum() * float("nan") for name, scores in logits.items()}

    monkeypatch.setattr(training_step, "head_losses", infinite)
    with pytest.raises(SpeechError, match="not finite"):
        train(config, ["training.max_skipped=3"])
    monkeypatch.undo()
    assert "NaN" not in (train(config).parent / "log.jsonl").read_text()


def test_a_head_on_a_layer_that_is_not_there_is_named(config):
    with pytest.raises(ConfigError, match=r"heads\.0\.layer must be 0\.\.1"):
        train(config, ['heads=[{units = "character", layer = 2}]'])


def test_starting_weights(config, tmp_path, caplog):
    first = train(config, ["training.epochs=1"])
    overrides = [f"training.init_from={first}", f"training.output_dir={tmp_path}/second", "training.seed=2"]
    with caplog.at_level("WARNING"):
        train(config, [*overrides, "training.epochs=1"])
        assert "training.seed" not in caplog.text
        train(config, [*overrides, "training.epochs=1", "training.seed=1"], restart=True)
    assert "training.seed=1 is also that of" in caplog.text
    with pytest.raises(ConfigError, match="another shape"):
        train(config, [*overrides, "model.width=32"], restart=True)


def test_a_model_that_began_as_another_is_searched_as_that_one(config, tmp_path):
    first = train(config, ["training.epochs=1"])
    search = {"decoding": {"head": "character", "lm_weight": 0.7}, "tempo": {"hops_s": [0.01]}}
    checkpoint.replace_card(first, lambda card: card | search | {"name": "first"}, tmp_path / "first.safetensors")
    overrides = [f"training.init_from={tmp_path}/first.safetensors", f"training.output_dir={tmp_path}/second"]
    card = checkpoint.load(train(config, [*overrides, "training.epochs=1"])).card
    assert {key: card.get(key) for key in search} == search
    assert "name" not in card
    for other in ("frontend.high_hz=7000.0", 'heads=[{units = "word"}]'):
        aside = f"training.output_dir={tmp_path}/other"
        card = checkpoint.load(train(config, [*overrides, aside, "training.epochs=1", other], restart=True)).card
        assert not search.keys() & card.keys()
    (tmp_path / "first.safetensors").unlink()
    card = checkpoint.load(train(config, [*overrides, "training.epochs=2"])).card  # the run goes on
    assert {key: card.get(key) for key in search} == search


def test_layers_that_the_starting_weights_lack_begin_as_the_identity(config, tmp_path):
    first = train(config, ["training.epochs=1"])
    overrides = [f"training.init_from={first}", f"training.output_dir={tmp_path}/deep", "model.num_layers=3"]
    # A learning rate of almost nothing: what comes out is what training began with.
    deep = train(config, [*overrides, "training.learning_rate=1e-12"])
    features, lengths = torch.randn(2, 40, 24), torch.tensor([40, 30])
    outputs = [checkpoint.load(path).model.eval()(features, lengths)[0]["character"] for path in (first, deep)]
    torch.testing.assert_close(outputs[0], outputs[1], atol=1e-5, rtol=1e-5)
    with pytest.raises(ConfigError, match=r"init_from=.*layer_norm"):
        train(config, [*overrides, "model.layer_norm=false"], restart=True)


def test_nothing_to_train_on_is_said(config, tones):
    with pytest.raises(CorpusError, match=f"training set {tones}: no utterance .* too short or long"):
        train(config, ["data.min_duration_s=100.0", "data.max_duration_s=200.0"])


def test_a_dev_set_of_other_words_is_named(config, tones, tmp_path):
    row = json.loads(tones.read_text().splitlines()[0])
    strange = {**row, "audio_filepath": str(tones.parent / row["audio_filepath"]), "text": "unheard"}
    dev = tmp_path / "other words.jsonl"
    dev.write_text(json.dumps(strange) + "\n")
    with pytest.raises(CorpusError, match=f"dev set {dev}: no utterance .*1 with words that no training text has"):
        train(config, ['heads=[{units = "word"}]', f"data.dev=['{dev}']"])


def test_dev_utterances_that_are_trained_on_are_told(config, tones, tmp_path, caplog):
    rows = read_manifest(tones)
    write_manifest(tmp_path / "most.jsonl", rows[2:])
    overrides = ["training.epochs=1", f"data.train=['{tmp_path}/most.jsonl']"]
    train(config, overrides)
    assert "22 of 24 dev utterances are in the training set too" in caplog.text
    caplog.clear()
    parts = [replace(row, offset=0.01, duration=row.duration - 0.01) for row in rows[2:]]
    write_manifest(tmp_path / "parts.jsonl", rows[:2] + parts)
    train(config, [*overrides, f"data.dev=['{tmp_path}/parts.jsonl']"], restart=True)
    assert "training set too" not in caplog.text


@pytest.mark.parametrize(("best", "kept"), [(-1.0, "the best"), (9.0, "the average")])
def test_errors_are_told_in_per_cent_and_which_weights_were_kept(config, monkeypatch, caplog, capsys, best, kept):
    keep = training.evaluate_and_keep

    def pretend(*arguments):
        keep(*arguments)
        arguments[3].progress.best_error = best

    monkeypatch.setattr(training, "evaluate_and_keep", pretend)
    with caplog.at_level("INFO"):
        train(config, ["training.epochs=1"])
    assert re.search(r"epoch 1\.00, .*: wer \d+\.\d %, cer \d+\.\d %$", capsys.readouterr().err, re.MULTILINE)
    assert re.match(r"dev sets: wer \d+\.\d % with the last 1 ", caplog.messages[-1])
    assert caplog.messages[-1].endswith(f" {100 * best:.1f} % at best; kept: {kept}")


def test_without_a_cuda_device_the_key_is_named(config):
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is available")
    with pytest.raises(ConfigError, match=r"training\.device"):
        train(config, ["training.device=cuda"])


def test_learning_rate_rises_stays_and_falls():
    from speech.experiment import TrainingConfig

    config = TrainingConfig(output_dir=Path("x"), epochs=10, warmup_steps=10, decay_fraction=0.5, learning_rate=1.0)
    rates = [learning_rate_at(step, step / 10, config) for step in (0, 9, 50, 75, 100)]
    np.testing.assert_allclose(rates, [0.1, 1.0, 1.0, 0.5, 0.0])


def test_batches_hold_every_utterance_once_and_follow_the_seed():
    lengths = np.random.default_rng(0).integers(1, 900, 500)
    batches = make_batches(lengths, 2000, seed=3, epoch=1)
    assert sorted(np.concatenate(batches)) == list(range(500))
    assert all(len(b) * lengths[b].max() <= 2000 or len(b) == 1 for b in batches)
    again = make_batches(lengths, 2000, seed=3, epoch=1)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))
    other = make_batches(lengths, 2000, seed=3, epoch=2)
    assert not all(np.array_equal(a, b) for a, b in zip(batches, other, strict=False))
    longest = [lengths[b].max() for b in make_batches(lengths, 2000, seed=3, epoch=0, sort=True)]
    assert max(longest[:10]) < min(longest[-10:])


def test_accumulated_batches_are_one_larger_batch(config, tmp_path):
    model = train(config, ["training.accumulate=2", "training.epochs=2"])
    assert checkpoint.load(model).card["steps"] < checkpoint.load(train(config, [
        "training.epochs=2", f"training.output_dir={tmp_path}/plain"])).card["steps"]  # fmt: skip


def test_early_stopping_and_events(config, tmp_path):
    pytest.importorskip("tensorboard")
    overrides = ["training.early_stopping=1", "training.learning_rate=1e-12", "training.epochs=50"]
    model = train(config, [*overrides, "training.tensorboard=true", "training.evaluate_every=0.5"])
    assert checkpoint.load(model).card["steps"] < 20
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


def test_the_card_names_no_folder_of_this_machine(config, tmp_path, tones):
    card = str(checkpoint.load(train(config, ["training.epochs=1"])).card)
    assert tones.name in card
    assert str(tones.parent) not in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.dev=[]", "data.dev must name"),
        ("training.seed=-1", "training.seed must be 0 or more"),
        ("data.num_workers=-1", "data.num_workers"),
        ("training.learning_rate=nan", "training.learning_rate must be positive"),
        ("training.device=gpu", r"training\.device=gpu: cannot be used"),
        ("training.device=meta", r"training\.device=meta: cannot be used \(neither"),
        ("training.learning_rate=inf", r"training\.learning_rate must be positive and finite"),
        ("training.seed=99999999999999999999", r"training\.seed must be below"),
        ("augment.masks_warmup_epochs=nan", r"augment\.masks_warmup_epochs must be 0 or more"),
        ("augment.waveform={gain_db = nan}", r"augment\.waveform\.gain_db must be"),
        ("augment.waveform={max_snr_db = inf}", r"augment\.waveform\.max_snr_db must be"),
        ("data.min_confidence=nan", r"data\.min_confidence must be"),
        ("data.min_confidence=90", r"data\.min_confidence must be from 0 to 1, got 90"),
        ("heads=[{weight = nan}]", r"heads\.0\.weight must be"),
        ("frontend.hop_s=inf", r"frontend\.hop_s"),
        (
            "frontend.num_mels=500",
            r"frontend\.num_mels=500 is too many: \d+ bands .* 31\.25 Hz apart",
        ),
        ("alignment.prior_scale=0.3", "alignment is for heads with loss"),
    ],
)
def test_impossible_values_are_named(config, override, message):
    with pytest.raises(ConfigError, match=message):
        train(config, [override])


def test_augmentation_without_effect_is_named(caplog):
    assert build_augmenter(AugmentConfig(copies=1, waveform=WaveformAugmentConfig(gain_db=3.0))) is None
    assert "augment.copies = 1" in caplog.text


def test_augmentation_is_not_named_where_none_was_asked_for(caplog):
    assert build_augmenter(AugmentConfig(copies=1)) is None
    assert not caplog.text


def test_an_unwritable_folder_is_named(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"training\.output_dir=.*cannot be written"):
        train(config, [f"training.output_dir={tmp_path}/file/run"])


def test_training_that_fails_at_once_leaves_no_empty_folders(config, tmp_path):
    (tmp_path / "old").mkdir()
    folders = [f"training.output_dir={tmp_path}/new/run", f"data.cache_dir={tmp_path}/old"]
    with pytest.raises(SpeechError, match="gone"):
        train(config, ['data.train=["gone.jsonl"]', *folders])
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "old").is_dir()


@pytest.mark.parametrize(("before", "after"), [("", ""), ('{"a": 1}\n', '{"a": 1}\n'), ('{"a"', '{"a"\n')])
def test_a_log_goes_on_in_a_line_of_its_own(tmp_path, before, after):
    (tmp_path / "log.jsonl").write_text(before)
    with TrainingLog(TrainingConfig(output_dir=tmp_path), Progress(step=1, num_batches=1)):
        pass
    assert (tmp_path / "log.jsonl").read_text() == after


def test_the_curve_of_a_run_begun_anew_is_its_own(config, tmp_path):
    card = checkpoint.load(train(config, ["training.evaluate_every=0.5", "training.epochs=1"])).card
    first = (tmp_path / "run" / "log.jsonl").read_bytes()
    assert len(card["curve"]) == 2
    for number in (1, 2):
        card = checkpoint.load(train(config, ["training.epochs=1"], restart=True)).card
        assert len(card["curve"]) == 1
        assert (tmp_path / "run" / f"log.{number}.jsonl").is_file()
    assert (tmp_path / "run" / "log.1.jsonl").read_bytes() == first


def test_of_two_heads_with_errors_of_one_name_the_first_counts(config, monkeypatch):
    texts = {"character": "", "word": "nothing of this is said"}
    monkeypatch.setattr(training, "best_texts", lambda logits, lengths, units, _: [texts[units.kind]] * len(lengths))
    found = []
    monkeypatch.setattr(training, "evaluate", lambda *arguments: found.append(evaluate(*arguments)) or found[-1])
    train(config, ["training.epochs=1", 'heads=[{units = "character"}, {units = "word"}]'])
    assert found[-1] == {"wer": 1.0, "cer": 1.0}  # with the five words of the other it would be 3.0


def test_a_torn_log_line_costs_nothing(config, tmp_path):
    train(config, ["training.epochs=1"])
    with open(tmp_path / "run" / "log.jsonl", "a") as file:
        file.write('{"kind": "de')
    assert len(checkpoint.load(train(config, ["training.epochs=2"])).card["curve"]) >= 1


def test_an_early_stopped_run_stays_stopped(config):
    overrides = ["training.early_stopping=1", "training.learning_rate=1e-12", "training.evaluate_every=0.5"]
    steps = checkpoint.load(train(config, overrides)).card["steps"]
    assert checkpoint.load(train(config, overrides)).card["steps"] == steps


def test_an_early_stopped_run_goes_on_with_more_epochs(config):
    overrides = ["training.early_stopping=1", "training.learning_rate=1e-12", "training.evaluate_every=0.5"]
    steps = checkpoint.load(train(config, overrides)).card["steps"]
    assert checkpoint.load(train(config, [*overrides, "training.epochs=40"])).card["steps"] > steps


def test_a_state_without_a_key_that_came_later_is_resumed(config, tmp_path, caplog):
    train(config, ["training.epochs=1"])
    path = tmp_path / "run" / "state.pt"
    state = torch.load(path, weights_only=True)
    for head in state["config"]["heads"]:
        del head["consistency"]
    torch.save(state, path)
    train(config, ["training.epochs=2"])
    assert torch.load(path, weights_only=True)["progress"]["epoch"] == 2


def test_rows_that_a_head_cannot_write_do_not_disagree():
    logits = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0))
    lengths, labels = torch.tensor([6, 5, 6, 5]), torch.tensor([-1, 2, -1, 2])
    batch = Batch(torch.zeros(4, 6, 2), lengths, {}, {"phone": labels}, [])
    expected = training_step.disagreement(logits[[1, 3]], lengths[[1, 3]]) / 2
    assert training_step.head_disagreement(logits, lengths, batch, "phone") == expected
    batch = Batch(torch.zeros(4, 6, 2), lengths, {}, {"phone": torch.full((4,), -1)}, [])
    assert training_step.head_disagreement(logits, lengths, batch, "phone") == 0


def test_resuming_with_other_words_is_refused(config, tmp_path, tones):
    rows = tones.read_text().splitlines()
    words = tones.parent / "words.jsonl"
    for word in ("one", "five"):
        words.write_text("\n".join(json.dumps(json.loads(row) | {"text": word}) for row in rows) + "\n")
        overrides = [
            f"data.train=['{words}']",
            f"data.dev=['{words}']",
            'heads=[{units = "word"}]',
            "training.epochs=1",
        ]
        if word == "one":
            train(config, overrides)
        else:
            with pytest.raises(ConfigError, match="other word units"):
                train(config, overrides)


def test_utterances_that_do_not_fit_are_named(config, caplog):
    with caplog.at_level("WARNING"):
        train(config, ["model.subsampling_factor=32", "training.epochs=1"])
    assert "labels need" in caplog.text


def test_a_recording_in_which_nothing_is_said_can_be_trained_on(config, tones, tmp_path):
    row = json.loads(tones.read_text().splitlines()[0])
    silent = {**row, "audio_filepath": str(tones.parent / row["audio_filepath"]), "text": ""}
    (tmp_path / "silent.jsonl").write_text(json.dumps(silent) + "\n")
    assert train(config, [f"data.train=['{tones}', '{tmp_path / 'silent.jsonl'}']", "training.epochs=1"]).exists()


def test_utterances_of_which_none_fits_are_refused(config):
    with pytest.raises(
        CorpusError, match=r"no utterance teaches a character: all are too short .* \d+ labels need \d+ frames"
    ):
        train(config, ["model.subsampling_factor=256"])


def test_a_corpus_without_audio_is_named(config, tones, tmp_path):
    lost = tmp_path / "lost.jsonl"  # its relative paths lead nowhere from here
    lost.write_text(tones.read_text())
    with pytest.raises(CorpusError, match=r"no audio of the corpus could be used; the first: .*\.wav"):
        train(config, [f"data.train=['{lost}']"])
