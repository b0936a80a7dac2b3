"""What the decoder leaves out, put back."""

import pytest
import torch

from tts.finish import FINEST_CEPSTRUM, cosines, detail_lost, quieten, restore_detail


def mels(count: int = 400) -> torch.Tensor:
    return torch.randn(count, 80, generator=torch.Generator().manual_seed(0))


def test_cosines_keep_lengths():
    assert torch.allclose(cosines(80) @ cosines(80).T, torch.eye(80), atol=1e-5)


def test_lost_detail_is_measured_and_half_of_it_restored():
    recorded, mean = mels(), torch.full((80,), -5.0)
    shares = torch.ones(80)
    shares[10] = 0.5
    painted = (recorded @ cosines(80).T * shares) @ cosines(80)
    lost = detail_lost(painted, recorded)
    assert lost[10] == pytest.approx(2.0, abs=0.01)
    assert [value for index, value in enumerate(lost) if index != 10] == pytest.approx([1.0] * 79, abs=0.01)
    again = restore_detail(painted + mean, mean, lost) - mean
    spreads = (again @ cosines(80).T).std(0) / (painted @ cosines(80).T).std(0)
    assert float(spreads[10]) == pytest.approx(2.0**0.5, rel=0.01)
    assert float(spreads[11]) == pytest.approx(1.0, rel=0.01)


def test_levels_and_finest_detail_are_left_alone():
    lost = detail_lost(0.1 * mels(), mels())
    assert lost[0] == 1.0
    assert max(lost) == 4.0
    assert set(lost[FINEST_CEPSTRUM:]) == {1.0}
    mel = mels()
    assert torch.equal(restore_detail(mel, torch.zeros(80), ()), mel)


def test_only_quiet_frames_become_quieter():
    level = torch.tensor([-2.0] * 20 + [-4.5, -6.0, -30.0])
    mel = level[:, None].expand(-1, 80).clone()
    found = quieten(mel, level, torch.arange(23) < 21)
    assert torch.equal(found[:21], mel[:21])
    assert found[21, 0] == pytest.approx(-6.0 - 0.7, abs=0.01)
    assert found[22, 0] == pytest.approx(-30.0 - 2.3)
    assert mel[22, 0] == -30.0
