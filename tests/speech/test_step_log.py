"""Long computations tell how far they are; short ones nothing."""

import logging

from speech.lm.pieces import count_words, learn_pieces
from speech.step_log import StepLog


def test_lines_are_ten_seconds_apart_and_tell_what_is_left(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    now = 0.0
    monkeypatch.setattr("speech.step_log.time.monotonic", lambda: now)
    steps = StepLog(100, 1100)
    for step in range(101, 201):  # four a second
        now += 0.25
        steps.tell(step, [2.0, 1.0])
    assert [record.getMessage() for record in caplog.records] == [
        "step 140 of 1100: loss 1.5000, about 04:00 left",
        "step 180 of 1100: loss 1.5000, about 03:50 left",
    ]


def test_finding_pieces_is_told(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    counts = count_words(["the cat sat", "that cat ran"])
    pieces = learn_pieces(counts, 12)
    assert not caplog.records
    monkeypatch.setattr("speech.step_log.LINE_S", 0.0)
    assert learn_pieces(counts, 12) == pieces
    assert caplog.records[-1].getMessage() == f"piece {len(pieces)} of 12: about 00:00 left"
