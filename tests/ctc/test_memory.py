"""Memory of gradients: lent again only when nobody holds it."""

import contextlib
import gc
import math
import os
import threading

import pytest
import torch

from ctc import ctc_loss, memory
from ctc.memory import Recycler, machine_bytes


def test_memory_is_lent_again_once_the_tensor_is_gone():
    recycler = Recycler()
    first = recycler.empty((4, 5), torch.float32)
    address = first.data_ptr()
    second = recycler.empty((4, 5), torch.float32)
    assert second.data_ptr() != address
    del first
    assert recycler.empty((2, 3), torch.float64).data_ptr() == address


def test_views_and_arrays_hold_the_memory():
    recycler = Recycler()
    tensor = recycler.empty((4, 5), torch.float32)
    address = tensor.data_ptr()
    for derive in (lambda x: x[1:], lambda x: x.numpy()[2:], lambda x: x.detach().view(20), lambda x: x.numpy().T[1]):
        held = derive(tensor)
        del tensor
        assert recycler.empty((4, 5), torch.float32).data_ptr() != address
        del held
        gc.collect()
        tensor = recycler.empty((4, 5), torch.float32)
        address = tensor.data_ptr()


def test_no_more_is_kept_than_allowed():
    recycler = Recycler(kept_bytes=100)
    small, large = recycler.empty((20,), torch.float32), recycler.empty((30,), torch.float32)
    assert (small.dtype, tuple(large.shape)) == (torch.float32, (30,))
    assert sum(block.memory.nbytes for block in recycler._blocks) == 80
    del small
    recycler.empty((25,), torch.float32)  # what is too small goes
    assert [block.memory.nbytes for block in recycler._blocks] == [100]


def test_gradients_that_are_held_keep_their_values():
    torch.manual_seed(0)
    arguments = ([[1, 2]], [6], [2])
    held = []
    for _ in range(4):
        logits = torch.randn(1, 6, 3, requires_grad=True)
        ctc_loss(logits, *arguments).backward()
        held.append((logits, logits.grad, logits.grad.clone()))
    assert len({gradient.data_ptr() for _, gradient, _ in held}) == 4
    assert all(torch.equal(gradient, copy) for _, gradient, copy in held)


def test_a_small_tensor_does_not_take_a_large_block():
    recycler = Recycler()
    recycler.empty((1000,), torch.float32)  # free at once
    small = recycler.empty((3,), torch.float32)
    assert sorted(block.memory.nbytes for block in recycler._blocks) == [12, 4000]
    assert recycler.empty((900,), torch.float32).data_ptr() != small.data_ptr()
    assert len(recycler._blocks) == 2


def test_threads_get_memory_of_their_own():
    recycler = Recycler()
    recycler.empty((50,), torch.float32)  # free at once, for one of them
    inner, both, found = recycler._block, threading.Barrier(2), []

    def slow(size: int):
        block = inner(size)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=0.2)
        return block

    recycler._block = slow
    threads = [threading.Thread(target=lambda: found.append(recycler.empty((50,), torch.float32))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0].data_ptr() != found[1].data_ptr()


@pytest.mark.parametrize("text", ["12345678\n", "max\n", None])
def test_a_container_may_take_less_than_the_machine_has(tmp_path, monkeypatch, text):
    path = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CONTAINER_LIMITS", (path,))
    machine = machine_bytes()
    if text:
        path.write_text(text)
    assert machine_bytes() == (12345678 if text == "12345678\n" else machine)


@pytest.mark.parametrize(("names", "pages"), [({}, 7), ({"SC_PHYS_PAGES": 1}, -1)])
def test_memory_that_the_system_does_not_tell_has_no_limit(monkeypatch, names, pages):
    monkeypatch.setattr(memory, "CONTAINER_LIMITS", ())
    monkeypatch.setattr(os, "sysconf_names", names, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda _name: pages, raising=False)
    assert machine_bytes() == math.inf
