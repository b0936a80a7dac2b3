"""Model files: the same model comes back, damage is named, eight bits cost little."""

import io

import pytest
import torch
from safetensors.torch import save_file

from speech import checkpoint
from speech.errors import CheckpointError, ConfigError
from speech.frontend import FrontendConfig
from speech.models import HeadConfig, ModelConfig
from speech.units import build_units


@pytest.fixture
def loaded():
    torch.manual_seed(0)
    units = {"character": build_units("character")}
    config = ModelConfig(num_layers=2, width=32, conv_channels=32)
    model = checkpoint.build(
        FrontendConfig(num_mels=20, normalization="global"), config, {"character": HeadConfig()}, units
    )
    model.frontend.normalize.set_statistics(torch.linspace(0, 5, 20), torch.linspace(1, 2, 20))
    model.card = {"name": "tiny", "licence": "CC0"}
    model.model.eval()
    return model


def outputs(loaded):
    waveform = torch.sin(torch.arange(16_000) * 0.1)[None] * 0.1
    with torch.inference_mode():
        features, lengths = loaded.frontend(waveform, torch.tensor([16_000]))
        return loaded.model(features, lengths)[0]["character"]


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 0.0), ("float16", 1e-2), ("int8", 5e-2)])
def test_round_trip(loaded, tmp_path, precision, tolerance):
    path = tmp_path / "new" / "model.safetensors"
    checkpoint.save_model(path, loaded, precision)
    again = checkpoint.load(path)
    assert again.card == loaded.card
    assert again.units == loaded.units
    assert again.frame_step_s == loaded.frame_step_s
    torch.testing.assert_close(outputs(again), outputs(loaded), rtol=0, atol=tolerance)


def test_eight_bits_take_a_quarter(loaded, tmp_path):
    sizes = {}
    for precision in ("float32", "int8"):
        checkpoint.save_model(tmp_path / precision, loaded, precision)
        sizes[precision] = (tmp_path / precision).stat().st_size
    assert sizes["int8"] < 0.4 * sizes["float32"]


def test_damage_is_named(loaded, tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint.save_model(path, loaded)
    data = path.read_bytes()
    for name, content in {"cut": data[: len(data) // 2], "noise": b"\x00hello", "empty": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name}: damaged or not a model file"):
            checkpoint.load(tmp_path / name)
    with pytest.raises(CheckpointError, match="no such model file"):
        checkpoint.load(tmp_path / "missing")
    save_file({"weight": torch.zeros(2)}, tmp_path / "foreign")
    with pytest.raises(CheckpointError, match="safetensors file of another program"):
        checkpoint.load(tmp_path / "foreign")


def test_weights_of_another_configuration_are_refused(loaded, tmp_path):
    loaded.model.config = ModelConfig(num_layers=2, width=40, conv_channels=32)
    checkpoint.save_model(tmp_path / "model", loaded)
    with pytest.raises(CheckpointError, match="weights and configuration disagree"):
        checkpoint.load(tmp_path / "model")


def test_a_failed_write_leaves_the_old_file(loaded, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(CheckpointError, match="No space left"):
        checkpoint.write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_folder_is_named(loaded, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.save_model(tmp_path / "file" / "model", loaded)


def test_another_hop_slows_speech_down(loaded):
    slower = checkpoint.with_hop(loaded, 0.008)
    assert slower.frame_step_s == pytest.approx(0.8 * loaded.frame_step_s)
    assert outputs(slower).shape[1] > outputs(loaded).shape[1]
    torch.testing.assert_close(slower.frontend.state_dict(), loaded.frontend.state_dict())


@pytest.mark.parametrize("hop_s", [0.00801, 0.0, -0.01])
def test_hops_that_cannot_be(loaded, hop_s):
    with pytest.raises(ConfigError, match="hop_s"):
        checkpoint.with_hop(loaded, hop_s)


def test_a_disk_that_is_full_within_a_state_is_told_so(tmp_path):
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() > 500:
                raise OSError(28, "No space left on device")
            return super().write(data)

    with pytest.raises(CheckpointError, match=r"state.pt: cannot be written \(No space left on device\)"):
        checkpoint.write_atomically(tmp_path / "state.pt", lambda _: torch.save({"a": torch.zeros(400, 400)}, Full()))
