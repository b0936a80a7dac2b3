"""Weights in few bits: sizes, errors of rounding, damaged data, training at the stored weights."""

import pytest
import torch

from speech.packing import COARSE_SIZE, COARSE_STEPS, as_stored, pack, unpack


def weights(seed: int = 0) -> dict[str, torch.Tensor]:
    """A large matrix with one row far from the others, a small one, a vector, and counts."""
    generator = torch.Generator().manual_seed(seed)
    large = torch.randn(512, COARSE_SIZE // 512, generator=generator)
    large[3] *= 100.0
    return {
        "large": large,
        "small": torch.randn(8, 4, 3, generator=generator),
        "bias": torch.randn(512, generator=generator),
        "count": torch.tensor(7),
    }


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "deflated", "coarse"])
def test_what_is_packed_comes_back_with_its_shape(precision):
    state = weights()
    found = unpack(pack(state, precision))
    assert {name: value.shape for name, value in found.items()} == {name: value.shape for name, value in state.items()}
    assert torch.equal(found["bias"], state["bias"])
    assert found["count"] == 7
    assert torch.allclose(found["small"], state["small"], atol=0.05)


@pytest.mark.parametrize(("precision", "said"), [("deflated", 4.8), ("coarse", 3.6)])
def test_compressed_matrices_are_within_half_a_step_and_small(precision, said):
    state = weights()
    packed = pack(state, precision)
    step = COARSE_STEPS[precision] * state["large"].square().mean(dim=1, keepdim=True).sqrt()
    error = (unpack(packed)["large"] - state["large"]).abs()
    assert bool((error <= 0.501 * step).all())
    assert float(error.max()) > 0.0
    bits = 8 * packed["large"].numel() / COARSE_SIZE
    assert abs(bits - said) < 0.1  # what the module says of it
    assert packed["small"].dtype == torch.int8
    assert "small.shape" not in packed


def test_a_row_with_one_huge_weight_keeps_it():
    state = {"large": torch.full((2, COARSE_SIZE), 0.01)}
    state["large"][0, 5] = 1000.0
    found = unpack(pack(state, "deflated"))["large"]
    assert abs(float(found[0, 5]) - 1000.0) < 5.0


@pytest.mark.parametrize("damage", ["flipped", "cut", "of another shape"])
def test_damaged_data_are_refused(damage):
    packed = pack(weights(), "deflated")
    if damage == "flipped":
        packed["large"][10:5000] ^= 255
    elif damage == "cut":
        packed["large"] = packed["large"][:1000]
    else:
        packed["large.shape"] = torch.tensor([512, 10_000])
    with pytest.raises(ValueError, match="large: "):
        unpack(packed)


def test_every_flipped_bit_is_found():
    packed = pack(weights(), "deflated")
    random = torch.Generator().manual_seed(0)
    for place in torch.randint(packed["large"].numel(), (50,), generator=random).tolist():
        bit = 1 << int(torch.randint(8, (), generator=random))
        packed["large"][place] ^= bit
        with pytest.raises(ValueError, match="large: "):
            unpack(packed)
        packed["large"][place] ^= bit


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "deflated"])
def test_the_model_computes_with_its_stored_weights_inside_the_context_only(precision):
    model = torch.nn.Linear(512, 512)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with as_stored(model, precision):
        inside = {name: value.clone() for name, value in model.state_dict().items()}
        model(torch.ones(1, 512)).sum().backward()
    expected = unpack(pack(before, precision))
    assert all(torch.equal(inside[name], expected[name]) for name in before)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.weight.grad is not None
    assert bool((model.weight.grad == 1.0).all())


def test_weights_come_back_after_an_error_too():
    model = torch.nn.Linear(512, 512)
    before = model.weight.clone()
    with pytest.raises(RuntimeError), as_stored(model, "deflated"):
        model(torch.ones(1, 3))
    assert torch.equal(model.weight, before)
