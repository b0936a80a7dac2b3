"""Stores of features: an interrupted computation goes on after what is complete."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from speech import store
from speech.corpus import Utterance, read_manifest
from speech.frontend import Frontend, FrontendConfig


def louder(waveform, _, random):
    return waveform * random.uniform(1.0, 2.0)


@pytest.mark.parametrize("torn", [False, True])
def test_features_that_are_done_survive_an_interrupt(tones, tmp_path, monkeypatch, torn):
    rows = read_manifest(tones)[:8]
    rows.insert(1, Utterance(tmp_path / "gone.wav", 1.0, "a"))
    frontend = Frontend(FrontendConfig(num_mels=8))
    options = {"augment": louder, "num_workers": 1}
    whole = store.open_store(rows, frontend, tmp_path / "whole", **options)
    features, computed, stops = store._features, [], [0, 3, 7]

    def interrupted(index, utterance):
        if len(computed) in stops:
            stops.remove(len(computed))
            raise KeyboardInterrupt
        computed.append(index)
        return features(index, utterance)

    monkeypatch.setattr(store, "_features", interrupted)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            store.open_store(rows, frontend, tmp_path / "parts", **options)
    if torn:
        (begun,) = (tmp_path / "parts").glob("*.begun.f16")
        begun.write_bytes(begun.read_bytes()[:-1])
        computed.clear()
    parts = store.open_store(rows, frontend, tmp_path / "parts", **options)
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


FIRST_FEATURES = """
import multiprocessing, sys, time
from speech import store
from speech.corpus import read_manifest
from speech.frontend import Frontend, FrontendConfig

for _ in store._compute(read_manifest(sys.argv[1]), Frontend(FrontendConfig()), None, 0, 2, "features"):
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
