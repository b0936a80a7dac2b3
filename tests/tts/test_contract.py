"""The frames that acoustic model and vocoder agree on."""

import pytest
import torch

from speech.config import to_dict
from speech.errors import CheckpointError
from tts.contract import AudioContract, FrameAnalyzer, check_contract, contract_from_header


@pytest.mark.parametrize("num_samples", [1024, 1279, 1280, 1281, 5000])
def test_one_frame_a_hop(num_samples):
    contract = AudioContract()
    frames = FrameAnalyzer(contract)(0.1 * torch.randn(2, num_samples), torch.tensor([num_samples, 900]))
    assert frames.lengths.tolist() == [num_samples // 256, 900 // 256]
    assert frames.mel.shape == (2, num_samples // 256, 80)
    assert frames.f0_hz.shape == frames.energy_db.shape == frames.voiced.shape == frames.mel.shape[:2]


def test_header_round_trip():
    contract = AudioContract(num_mels=40)
    assert contract_from_header({"contract": to_dict(contract)}, "file") == contract


def test_difference_is_named():
    with pytest.raises(
        CheckpointError, match=r"v\.safetensors does not fit a\.safetensors: hop_samples is 300 and not 256;"
    ):
        check_contract(AudioContract(hop_samples=300), AudioContract(), "v.safetensors", "a.safetensors")
    check_contract(AudioContract(), AudioContract(), "v", "a")


def test_missing_and_unknown_are_refused():
    with pytest.raises(CheckpointError, match="says nothing of its audio contract"):
        contract_from_header({}, "file")
    with pytest.raises(CheckpointError, match="hops is unknown"):
        contract_from_header({"contract": {"hops": 1}}, "file")
    with pytest.raises(ValueError, match="even"):
        AudioContract(hop_samples=255)
