"""Whether each control of a voice moves its own quantity as asked, and how far it moves the others.

    python recipes/voice/controls.py [--voice FOLDER]

Each sentence is said plainly and changed, as a whole and in its longest word, and four quantities of both are
compared: how long phones and the pauses within last, by the voice's times; mean pitch of voiced frames and level, from
the samples. The table has the greatest deviation from what was asked, and in how many sentences it is beyond the
limits: 5 % of a length, half a semitone, 2 dB. Pauses are made of whole frames.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, a script sees its own folder alone

import numpy as np
import torch

import tts
from recipes.voice.everyday import SENTENCES as EVERYDAY
from speech.cli import guarded
from speech.frontend import FrontendConfig
from speech.frontend.pitch import PitchConfig, PitchTracker
from tts.sound import Audio, TimedPhone

SENTENCES = (
    *EVERYDAY,
    "After a long winter, the river began to move again.",
    "Her voice was calm, although her hands were shaking.",
    "If you want to come along, call me before noon.",
    "In the morning, the whole valley was covered with snow.",
    "The museum opens at nine, and it closes at five.",
)
SETTINGS = (
    ("rate", 0.7), ("rate", 1.4), ("pause", 0.5), ("pause", 2.0),
    ("pitch", 4.0), ("pitch", -4.0), ("energy", 6.0), ("energy", -6.0),
)  # fmt: skip
LIMITS = {"rate": 5.0, "pause": 5.0, "pitch": 0.5, "energy": 2.0}  #: per cent twice, semitones, dB
HOP_S = 0.005


def main() -> int:
    """Say, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voice", default="kathleen", help="name of an included voice, or folder of one")
    voice = tts.load_voice(parser.parse_args().voice)
    frontend = FrontendConfig(sample_rate_hz=voice.sample_rate, hop_s=HOP_S)
    tracker = PitchTracker(PitchConfig(window_s=0.055), frontend)
    plain = [voice.say(sentence) for sentence in SENTENCES]
    print(f"{'':22s}" + "".join(f"{name + unit(name):>24s}" for name in LIMITS))
    for whole in (True, False):
        for control, value in SETTINGS:
            if not whole and control == "pause":
                continue  # of a word it is a length in seconds
            rows = []
            for sentence, before in zip(SENTENCES, plain, strict=True):
                number = -1 if whole else longest_word(before)
                if whole:
                    after = voice.say(sentence, **{control: value})
                else:
                    prosody = voice.plan(sentence)
                    setattr(prosody.words[number], control, value)
                    after = voice.say(prosody)
                rows.append(deviations(*(quantities(one, number, tracker) for one in (before, after)), control, value))
            told = "all" if whole else "a word"
            print(
                f"{told:7s}{control:7s}{value:8g}"
                + "".join(shown(name, [row[name] for row in rows]) for name in LIMITS)
            )
    return 0


def unit(name: str) -> str:
    """Of deviations."""
    return {"pitch": " (semitones)", "energy": " (dB)"}.get(name, " (%)")


def longest_word(said: Audio) -> int:
    """Its number."""
    return int(np.argmax([word.end_s - word.start_s for word in said.words]))


def quantities(said: Audio, word: int, tracker: PitchTracker) -> dict[str, float]:
    """Seconds of phones and of pauses within, mean pitch in semitones and level in dB, of a word or (-1) of all."""
    phones = [phone for phone in said.phones if phone.word >= 0 and word in (-1, phone.word)]
    first, last = said.words[0].start_s, said.words[-1].end_s
    pauses = [phone for phone in said.phones if phone.word < 0 and first < phone.start_s < last]
    f0_hz = tracker(torch.from_numpy(said.samples)[None]).f0_hz[0].numpy()
    times_s = frame_times_s(len(f0_hz), tracker)
    voiced = np.concatenate([f0_hz[(times_s >= phone.start_s) & (times_s < phone.end_s)] for phone in phones])
    parts = [said.samples[slice(*(round(s * said.sample_rate) for s in (p.start_s, p.end_s)))] for p in phones]
    return {
        "rate": seconds(phones),
        "pause": seconds(pauses) if word == -1 else 0.0,
        "pitch": float(12 * np.log2(voiced[voiced > 0]).mean()),
        "energy": float(10 * np.log10(np.mean(np.concatenate(parts).astype(np.float64) ** 2))),
    }


def frame_times_s(number: int, tracker: PitchTracker) -> np.ndarray:
    """Centres of the tracker's frames."""
    config = tracker.frontend
    return config.offset_s + (np.arange(number) + 0.5) * config.step_s


def seconds(phones: list[TimedPhone]) -> float:
    """How long phones last together."""
    return sum(phone.end_s - phone.start_s for phone in phones)


def deviations(before: dict[str, float], after: dict[str, float], control: str, value: float) -> dict[str, float]:
    """How far each quantity is from what was asked: per cent of lengths, semitones, dB; NaN without pauses."""
    asked = {"rate": 1.0, "pause": 1.0, "pitch": 0.0, "energy": 0.0} | {control: value}
    found = {name: after[name] - before[name] - asked[name] for name in ("pitch", "energy")}
    found["rate"] = 100 * (after["rate"] * asked["rate"] / before["rate"] - 1)
    found["pause"] = 100 * (after["pause"] / before["pause"] / asked["pause"] - 1) if before["pause"] else np.nan
    return found


def shown(name: str, values: list[float]) -> str:
    """The greatest deviation, and how many are beyond the limit."""
    sizes = np.abs([value for value in values if not np.isnan(value)])
    if not len(sizes):
        return f"{'':24s}"
    return f"{sizes.max():10.2f}, {int((sizes > LIMITS[name]).sum()):2d} of {len(sizes):2d}".rjust(24)


if __name__ == "__main__":
    sys.exit(guarded(main))
