"""How many everyday sentences of a voice two recognisers understand in every word.

    python recipes/voice/everyday.py [--voice FOLDER] [--output-dir DIR]

PocketSphinx (of the extra [measure]) knows nothing of the voice; the included recogniser was trained on its
recordings, but not on these sentences: keep them out of training.
"""

import argparse
import sys
from pathlib import Path

import speech
import tts
from speech import audio
from speech.cli import guarded
from speech.text import normalize_text
from tts.measures_peers import PeerRecognizer

SENTENCES = (
    "Could you please turn down the music a little?",
    "I forgot my umbrella on the train this morning.",
    "The bakery on the corner opens at seven.",
    "We should leave before the traffic gets bad.",
    "My brother is moving to a bigger apartment next month.",
    "Do you want milk or sugar in your coffee?",
    "The doctor said I need to drink more water.",
    "She bought two tickets for the concert on Friday.",
    "Can we meet in front of the library after lunch?",
    "It was raining so hard that we stayed at home.",
)


def main() -> int:
    """Say, listen, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voice", default="kathleen", help="name of an included voice, or folder of one")
    parser.add_argument("--output-dir", type=Path, help="where the sentences are kept as wav files")
    arguments = parser.parse_args()
    voice, ours, peer = tts.load_voice(arguments.voice), speech.load_model(), PeerRecognizer()
    understood = {"included recogniser": 0, "PocketSphinx": 0}
    for number, sentence in enumerate(SENTENCES):
        said = voice.say(sentence)
        if arguments.output_dir:
            arguments.output_dir.mkdir(parents=True, exist_ok=True)
            audio.write(arguments.output_dir / f"{number}.wav", said.samples, said.sample_rate)
        heard = {
            "included recogniser": ours.transcribe(said.samples, sample_rate=said.sample_rate).text,
            "PocketSphinx": peer.transcribe(said.samples, said.sample_rate),
        }
        print(sentence)
        for name, text in heard.items():
            right = normalize_text(text) == normalize_text(sentence)
            understood[name] += right
            print(f"  {name:20s} {'all of it' if right else text}")
    for name, count in understood.items():
        print(f"{name}: every word of {count} of {len(SENTENCES)} sentences")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
