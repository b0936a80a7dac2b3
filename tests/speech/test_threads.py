"""Threads of which each computes alone."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from speech import threads as module
from speech.threads import in_threads, threads


@pytest.fixture
def two():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_each_part_has_its_result(two):
    assert in_threads(lambda number: 2 * number, [3, 1, 2]) == [6, 2, 4]
    assert in_threads(lambda number: 2 * number, []) == []


def test_each_thread_computes_alone_and_others_as_before(two):
    assert in_threads(lambda _: torch.get_num_threads(), range(8)) == [1] * 8
    assert torch.get_num_threads() == 2
    born_later: list[int] = []
    later = threading.Thread(target=lambda: born_later.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert born_later == [2]


def run_to_its_end(code: str) -> None:
    """Run a program that forks; if one of its processes waits for ever, all are ended and the test fails."""
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], start_new_session=True)
    try:
        assert process.wait(timeout=60) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_process_loads_a_model_after_its_parent_computed_on_several_threads():
    code = (
        "import os, torch; torch.set_num_threads(2); import speech; speech.load_model(lm=False);"
        "torch.rand(10_000_000).exp().sum(); process = os.fork();"
        "process or speech.load_model(lm=False) and os._exit(0); assert os.waitpid(process, 0)[1] == 0"
    )
    run_to_its_end(code)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_process_begins_threads_though_another_thread_of_its_parent_did_so_at_that_time():
    code = (
        "import os; from speech import threads; threads._lock.acquire(); process = os.fork();"
        "process or threads.threads('a test', 2) and os._exit(0); assert os.waitpid(process, 0)[1] == 0"
    )
    run_to_its_end(code)


def test_one_part_is_computed_by_one_thread(two):
    assert in_threads(lambda _: torch.get_num_threads(), [0]) == [1]


AFTER_MAIN = """
import threading, torch
from speech.threads import in_threads

torch.set_num_threads(2)

def late():
    threading.main_thread().join()
    print(in_threads(lambda number: 2 * number, [1, 2]))

threading.Thread(target=late).start()
"""


def test_threads_that_outlive_the_main_one_compute_themselves():
    done = subprocess.run([sys.executable, "-c", AFTER_MAIN], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[2, 4]\n", "")


def test_one_thread_needs_no_other(two):
    here = threading.get_ident()
    torch.set_num_threads(1)
    assert in_threads(lambda _: threading.get_ident(), [0, 1]) == [here] * 2


def test_threads_are_kept_for_their_purpose(two):
    assert threads("test", 2) is threads("test", 2)
    assert threads("test", 2) is not threads("another test", 2)


def test_an_error_of_a_part_is_raised(two):
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda number: 1 // number, [1, 0])


def test_threads_that_cannot_begin_are_not_waited_for(two, monkeypatch):
    class Refused(module.ThreadPoolExecutor):
        def submit(self, *arguments, **options):
            if len(self._threads) == 1:
                raise RuntimeError("can't start new thread")
            return super().submit(*arguments, **options)

    monkeypatch.setattr(module, "ThreadPoolExecutor", Refused)
    with pytest.raises(RuntimeError, match="new thread"):
        threads("refused", 2)
    assert torch.get_num_threads() == 2
    assert all(not one.name.startswith("refused") or one.join(10) is None for one in threading.enumerate())
    assert not any(one.name.startswith("refused") for one in threading.enumerate())


FORKED = """
import os, signal, sys, torch
from speech.checkpoint import build
from speech.frontend import FrontendConfig
from speech.models import HeadConfig, ModelConfig
from speech.transcribe import Transcriber
from speech.units import build_units
from tests.speech.test_transcribe import restless

torch.set_num_threads(2)
torch.manual_seed(3)
units = {"character": build_units("character")}
model = Transcriber(build(FrontendConfig(), ModelConfig(num_layers=1), {"character": HeadConfig()}, units))
waveform = restless(20.0, 1)
before = model.transcribe(waveform, sample_rate=16000)
child = os.fork()
if child == 0:
    signal.alarm(60)
    os._exit(0 if model.transcribe(waveform, sample_rate=16000) == before else 1)
sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_forks_after_transcribing_can_transcribe():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
