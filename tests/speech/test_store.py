"""Stores of features: an interrupted computation goes on after what is complete."""

import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from speech import store, workers
from speech.corpus import Utterance, read_manifest
from speech.frontend import Frontend, FrontendConfig
from speech.workers import Work, Workers


def louder(waveform, _, random):
    return waveform * random.uniform(1.0, 2.0)


@pytest.mark.parametrize("torn", [False, True])
def test_features_that_are_done_survive_an_interrupt(tones, tmp_path, monkeypatch, torn):
    rows = read_manifest(tones)[:8]
    rows.insert(1, Utterance(tmp_path / "gone.wav", 1.0, "a"))
    frontend = Frontend(FrontendConfig(num_mels=8))
    whole = store.open_store(rows, frontend, tmp_path / "whole", Workers(1), augment=louder)
    compute, computed, stops = workers._compute, [], [0, 3, 7]

    def interrupted(work, index, utterance):
        if len(computed) in stops:
            stops.remove(len(computed))
            raise KeyboardInterrupt
        computed.append(index)
        return compute(work, index, utterance)

    monkeypatch.setattr(workers, "_compute", interrupted)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            store.open_store(rows, frontend, tmp_path / "parts", Workers(1), augment=louder)
    if torn:
        (begun,) = (tmp_path / "parts").glob("*.begun.f16")
        begun.write_bytes(begun.read_bytes()[:-1])
        computed.clear()
    parts = store.open_store(rows, frontend, tmp_path / "parts", Workers(1), augment=louder)
    assert computed == list(range(9))
    np.testing.assert_array_equal(parts.lengths, whole.lengths)
    np.testing.assert_array_equal(parts.frames, whole.frames)
    written = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "parts")]
    assert written[0] == written[1]


def test_features_of_other_ends_are_others(monkeypatch):
    frontends = [Frontend(FrontendConfig(num_mels=8, snip_edges=snip)) for snip in (True, False)]
    before = [store._key([], frontend, None, 0) for frontend in frontends]
    monkeypatch.setattr(FrontendConfig, "mirrored_samples", (119, 121))
    after = [store._key([], frontend, None, 0) for frontend in frontends]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_processes_are_kept_over_the_copies_and_change_no_bit(tmp_path, tones, monkeypatch, four_threads):
    noise = np.random.default_rng(0).uniform(-1, 1, 480_000)
    soundfile.write(tmp_path / "long.wav", noise, 16_000)  # so long that several threads would round otherwise
    rows = [
        Utterance(tmp_path / "long.wav", 30.0, "a"),
        *read_manifest(tones)[:2],
        Utterance(tmp_path / "gone", 1.0, "a"),
    ]
    frontend = Frontend(FrontendConfig())
    copies = [Work(frontend), Work(frontend, louder, 1), Work(frontend, louder, 2)]
    with Workers(2) as few:
        here = [list(few.features(rows, work)) for work in copies]
        assert not multiprocessing.active_children()  # not worth a process
    monkeypatch.setattr(workers, "LITTLE_S", 0.0)
    there, processes = [], set()
    with Workers(2) as many:
        for work in copies:
            there.append(list(many.features(rows, work)))
            processes |= {child.pid for child in multiprocessing.active_children()}
        rest = list(many.features(rows, copies[2], 2))
    assert not multiprocessing.active_children()
    assert 1 <= len(processes) <= 2
    assert [features[3] for features in there] == [features[3] for features in here]
    for ours, theirs in zip(here, there, strict=True):
        assert [one.tobytes() for one in ours[:3]] == [one.tobytes() for one in theirs[:3]]
    assert rest[0].tobytes() == here[2][2].tobytes()
    assert here[1][0].tobytes() != here[2][0].tobytes()
    assert torch.get_num_threads() == 4


FIRST_FEATURES = """
import multiprocessing, sys, time
from speech import workers
from speech.corpus import read_manifest
from speech.frontend import Frontend, FrontendConfig

if __name__ == "__main__":
    workers.LITTLE_S, workers.CHUNK = 0.0, 4
    with workers.Workers(2) as pool:
        for _ in pool.features(read_manifest(sys.argv[1]), workers.Work(Frontend(FrontendConfig()))):
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)
            time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_workers_end_with_a_killed_parent(tones):
    parent = subprocess.Popen([sys.executable, "-c", FIRST_FEATURES, str(tones)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        workers = [int(number) for number in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert len(workers) == 2
    ends = time.monotonic() + 20
    while any(map(runs, workers)) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not any(map(runs, workers))


def runs(process: int) -> bool:
    """Whether a process is there; one that nobody has waited for is over."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
