"""A voice: text, or prosody that was edited, to sound, sentence by sentence.

    voice = tts.load_voice()
    voice.say("Hello!").save("hello.wav")

    prosody = voice.plan("It was his idea, not mine.")
    prosody.words[2].pitch = 3.0            # semitones
    voice.say(prosody)

Legend: P phones, T frames, M mel bands, N samples.
"""

import itertools
import logging
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from speech.errors import CheckpointError, SpeechError
from speech.lexicon import Lexicon
from tts import acoustic as acoustic_file
from tts.acoustic import Acoustic
from tts.contract import AudioContract, check_contract
from tts.controls import Controls, ProsodyError
from tts.griffin_lim import GriffinLim
from tts.limiter import Limiter
from tts.linguistic import PAUSE, SILENCE, rows_of
from tts.painting import EDGE_FRAMES, HIGHEST_F0_HZ, LOWEST_F0_HZ, Painted, Painter, sentence_rows
from tts.phonemes import NothingToSay, Pronouncer, SpokenSentence
from tts.prosody import SHORTEST_PAUSE_S, PhoneProsody, Prosody, SentenceProsody, WordProsody
from tts.script import Script, plain_script
from tts.sound import Audio, TimedPhone, TimedWord
from tts.text.normalize import OnUnknown
from tts.vocoder import Vocoder

SENTENCE_PAUSE_S = 0.45
PARAGRAPH_PAUSE_S = 0.8
_LONGEST_PAUSE_S = 1.5  # within a sentence
_FIRST_CHUNK_FRAMES, _CHUNK_FRAMES = 40, 160
logger = logging.getLogger(__name__)


class AnyVocoder(Protocol):
    """What turns mel and F0 into samples; see `tts.contract`."""

    @property
    def contract(self) -> AudioContract:
        """The frames that it takes."""

    def stream(self, chunks, *, seed: int = 0) -> Iterator[Tensor]:
        """Chunks of (mel [t, M], f0_hz [t]) to samples."""

    def level(self, mel: Tensor, f0_hz: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Natural logarithm of the root mean square of the sound of some of an utterance's frames, but for a constant.

        [T, M], [T] -> [stop - start]
        """


@dataclass(frozen=True)
class Piece:
    """Sound of part of a sentence, as it becomes ready.

    Attributes
    ----------
    samples : float32 [N] in [-1, 1]
    phones, words : that begin in a sentence whose first piece this is; times from the text's beginning
    mel, f0_hz : float32 [T, M], [T], frames that the vocoder took for it; None if it needed no more
    """

    samples: np.ndarray
    phones: tuple[TimedPhone, ...] = ()
    words: tuple[TimedWord, ...] = ()
    mel: np.ndarray | None = None
    f0_hz: np.ndarray | None = None


class Voice:
    """A voice that speaks English.

    Parameters
    ----------
    acoustic, vocoder : the two halves; their contracts must agree
    lexicon : pronunciations
    speaker : name of one of the acoustic model's voices; the first by default

    Raises
    ------
    CheckpointError
        The vocoder wants other frames, or there is no such speaker.
    """

    def __init__(self, acoustic: Acoustic, vocoder: AnyVocoder, lexicon: Lexicon, speaker: str | None = None):
        check_contract(vocoder.contract, acoustic.contract, "the vocoder", "the acoustic model")
        if speaker is not None and speaker not in acoustic.speakers:
            raise CheckpointError(f"no speaker {speaker!r}; this voice has {', '.join(acoustic.speakers)}")
        self.acoustic, self.vocoder = acoustic, vocoder
        self.pronouncer = Pronouncer(lexicon, acoustic.habits)
        number = acoustic.speakers.index(speaker) if speaker else 0
        self._painter = Painter(acoustic, torch.tensor([number]), vocoder.level)

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self.acoustic.contract.sample_rate_hz

    @property
    def card(self) -> dict:
        """What the voice is: data, licence, recipe, measured results."""
        return self.acoustic.card

    def warm_up(self) -> None:
        """Do now what would make the first sentence late: read the dictionary, compile patterns, plan transforms."""
        for _ in self.stream("one"):
            pass

    def plan(self, text: str | Script, *, on_unknown: OnUnknown = "error") -> Prosody:
        """How a text would be said, to be edited and given to `say`; see `sentences` for errors."""
        return Prosody(list(self.sentences(text, on_unknown=on_unknown)))

    def sentences(self, text: str | Script, *, on_unknown: OnUnknown = "error") -> Iterator[SentenceProsody]:
        """Prosody of one sentence after another.

        Parameters
        ----------
        text : plain text, where ``{tomato|T AH0 M AA1 T OW2}`` gives a pronunciation, or `tts.parse_ssml`'s script
        on_unknown : characters without an English reading: "error", "name" (say their Unicode name) or "skip"

        Raises
        ------
        TextError, PronunciationError
            Something cannot be spoken; the message names it and its place.
        NothingToSay
            There is no word.
        """
        if not isinstance(text, (str, Script)):
            raise TypeError(f"text must be a string, a script or prosody, got {type(text).__name__}")
        script = plain_script(text) if isinstance(text, str) else text
        said = False
        for spoken in self.pronouncer.sentences(script.inline, on_unknown):
            said = True
            sentence = self._predict(spoken)
            script.apply(sentence)
            yield sentence
        if not said:
            raise NothingToSay("there is nothing to say: the text has no word")

    def say(
        self, text: str | Script | Prosody, *, rate: float = 1.0, pitch: float = 0.0, energy: float = 0.0,
        pause: float = 1.0, seed: int = 0, on_unknown: OnUnknown = "error",
    ) -> Audio:  # fmt: skip
        """Say a text.

        Parameters
        ----------
        text : text, `tts.parse_ssml`'s script, or prosody from `plan` or `Audio.prosody`
        rate : how much faster phones follow one another, 0.25 to 4; pauses stay as they are
        pitch : semitones up or down, -24 to 24; what comes below 40 Hz or above 1000 is held there, which a warning
            tells
        energy : dB up or down, -60 to 30; peaks that come near full scale are rounded, which a warning tells
        pause : how much longer pauses are, 0 to 20; phones stay as they are
        seed : of the vocoder's noise; the same seed gives the same samples
        on_unknown : characters without an English reading: "error", "name" or "skip"

        Returns
        -------
        Audio

        Raises
        ------
        TextError, PronunciationError, NothingToSay, ProsodyError
            As the message says.
        """
        controls = Controls(rate=rate, pitch=pitch, energy=energy, pause=pause)
        prosody = text if isinstance(text, Prosody) else self.plan(text, on_unknown=on_unknown)
        pieces = list(self._speak(iter(prosody), controls, seed))
        mels = [piece.mel for piece in pieces if piece.mel is not None]
        pitches = [piece.f0_hz for piece in pieces if piece.f0_hz is not None]
        return Audio(
            np.concatenate([piece.samples for piece in pieces]) if pieces else np.zeros(0, np.float32),
            self.sample_rate,
            [phone for piece in pieces for phone in piece.phones],
            [word for piece in pieces for word in piece.words],
            prosody,
            np.concatenate(mels) if mels else np.zeros((0, self.acoustic.contract.num_mels), np.float32),
            np.concatenate(pitches) if pitches else np.zeros(0, np.float32),
            self.acoustic.contract.hop_s,
        )

    def stream(
        self, text: str | Script | Prosody, *, rate: float = 1.0, pitch: float = 0.0, energy: float = 0.0,
        pause: float = 1.0, seed: int = 0, on_unknown: OnUnknown = "error",
    ) -> Iterator[Piece]:  # fmt: skip
        """Say a text in pieces, the first long before the text is finished, in bounded memory; see `say`."""
        controls = Controls(rate=rate, pitch=pitch, energy=energy, pause=pause)
        planned = iter(text) if isinstance(text, Prosody) else self.sentences(text, on_unknown=on_unknown)
        return self._speak(planned, controls, seed)

    def _speak(self, planned: Iterator[SentenceProsody], controls: Controls, seed: int) -> Iterator[Piece]:
        """Pieces of all sentences."""
        if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
            raise ProsodyError(f"seed must be a whole number from 0 to 2**63 - 1, got {seed!r}")
        seed = int(seed)  # a small type of NumPy's would not count on
        sample, word = 0, 0
        voiced = held = 0  # frames, and those of which the pitch is not as asked
        limiter = Limiter()
        before: SentenceProsody | None = None
        tail = 0  # frames of silence at the end of the sentence before
        for number, sentence in enumerate(planned):
            sentence.check()
            between = self._frames(before.words[-1].pause_s * controls.pause) - tail if before else EDGE_FRAMES
            lead = min(max(between, 1), EDGE_FRAMES)
            quiet = self._frames(sentence.lead_s * controls.pause) + max(0, between - lead)
            silence = self._silence(quiet, sample)
            after = self._frames(sentence.words[-1].pause_s * controls.pause)
            painted = self._painter.paint(sentence, controls, lead, min(max(after // 2, 1), EDGE_FRAMES))
            voiced, held = voiced + int((painted.f0_hz > 0).sum()), held + painted.num_held
            begin = sample + quiet * self.acoustic.contract.hop_samples
            said = self._speak_sentence(sentence, painted, seed + number, begin, word, limiter)
            for piece in itertools.chain(silence, said):
                sample += len(piece.samples)
                word += len(piece.words)
                yield piece
            before, tail = sentence, int(painted.durations[-1])
        if before is None:
            raise NothingToSay("there is nothing to say: the prosody has no sentence")
        if before.tail_s:
            yield from self._silence(self._frames(before.tail_s * controls.pause) - tail, sample)
        limiter.report()
        if held:
            logger.warning(
                "too low or too high: in %.2g %% of the voice the pitch is held at %g or %g Hz",
                100 * held / voiced, LOWEST_F0_HZ, HIGHEST_F0_HZ,
            )  # fmt: skip

    def _speak_sentence(
        self, sentence: SentenceProsody, painted: Painted, seed: int, sample: int, word: int, limiter: Limiter
    ) -> Iterator[Piece]:
        """Pieces of one sentence that begins at `sample` with word `word`."""
        phones, words = self._times(sentence, painted.durations, sample / self.sample_rate, word)
        taken: list[tuple[Tensor, Tensor]] = []

        def frames() -> Iterator[tuple[Tensor, Tensor]]:
            for start, stop in _chunks(len(painted.mel)):
                taken.append((self._painter.finish(painted, start, stop), painted.f0_hz[start:stop]))
                yield taken[-1]

        for sound in self.vocoder.stream(frames(), seed=seed):
            mel, f0_hz = (torch.cat(parts).numpy() for parts in zip(*taken, strict=True)) if taken else (None, None)
            yield Piece(limiter(sound.numpy()), phones, words, mel, f0_hz)
            phones, words = (), ()
            taken.clear()

    def _frames(self, seconds: float) -> int:
        """Whole frames that are nearest."""
        return round(seconds / self.acoustic.contract.hop_s)

    def _silence(self, count: int, sample: int) -> list[Piece]:
        """Frames of silence from `sample` on, beside the silence that belongs to sentences; none if `count` is not."""
        if count <= 0:
            return []
        contract = self.acoustic.contract
        quiet = np.full((count, contract.num_mels), math.log(1e-5), np.float32)
        sound = np.zeros(count * contract.hop_samples, np.float32)
        phone = TimedPhone(SILENCE, sample / self.sample_rate, (sample + len(sound)) / self.sample_rate, -1)
        return [Piece(sound, (phone,), (), quiet, np.zeros(count, np.float32))]

    def _times(
        self, sentence: SentenceProsody, durations: Tensor, start_s: float, first_word: int
    ) -> tuple[tuple[TimedPhone, ...], tuple[TimedWord, ...]]:
        """When phones and words are said."""
        rows = sentence_rows(sentence)
        edges = [start_s + count * self.acoustic.contract.hop_s for count in [0, *durations.cumsum(0).tolist()]]
        phones: list[TimedPhone] = []
        spans: dict[int, tuple[float, float]] = {}
        for row, (phone, word) in enumerate(zip(rows.phones, rows.word_index, strict=True)):
            begin, end = edges[row], edges[row + 1]
            is_gap = phone in (SILENCE, PAUSE)
            if end > begin:
                phones.append(TimedPhone(phone, begin, end, -1 if is_gap else first_word + word))
            if not is_gap:
                spans[word] = (spans.get(word, (begin, end))[0], end)
        words = tuple(
            TimedWord(word.text, *spans[index], word.start, word.end) for index, word in enumerate(sentence.words)
        )
        return tuple(phones), words

    @torch.inference_mode()
    def _predict(self, spoken: SpokenSentence) -> SentenceProsody:
        """Prosody of a sentence."""
        rows = rows_of(spoken.words)
        model, hop_s = self.acoustic.model, self.acoustic.contract.hop_s
        hidden, mask = self._painter.encode(rows)
        said = model.predict(hidden, mask)
        f0_mean, f0_spread, energy_mean, energy_spread = model.prosody.tolist()
        shortest_s = math.ceil(SHORTEST_PAUSE_S / hop_s) * hop_s  # in whole frames, or rounding would end some pauses
        duration_s = (torch.expm1(said.log_duration[0]).clamp(min=1.0) * hop_s).tolist()
        pauses = torch.where(
            said.pause_logit[0].sigmoid() >= self.acoustic.pause_threshold,
            (torch.expm1(said.log_pause[0]) * hop_s).clamp(shortest_s, _LONGEST_PAUSE_S),
            0.0,
        ).tolist()
        pitch_hz = torch.exp(said.pitch[0] * f0_spread + f0_mean).tolist()
        energy_db = (said.energy[0] * energy_spread + energy_mean).tolist()
        words = [WordProsody(word.text, [], 0.0, word.start, word.end, word.mark) for word in spoken.words]
        for row, (phone, index) in enumerate(zip(rows.phones, rows.word_index, strict=True)):
            if phone == PAUSE:
                words[index].pause_s = pauses[row]
            elif phone != SILENCE:
                words[index].phones.append(PhoneProsody(phone, duration_s[row], pitch_hz[row], energy_db[row]))
        words[-1].pause_s = PARAGRAPH_PAUSE_S if spoken.ends_paragraph else SENTENCE_PAUSE_S
        return SentenceProsody(words)


def _chunks(num_frames: int) -> Iterator[tuple[int, int]]:
    """Begin and end of chunks of frames, the first one short so that sound starts soon.

    >>> list(_chunks(250))
    [(0, 40), (40, 200), (200, 250)]
    """
    start, size = 0, _FIRST_CHUNK_FRAMES
    while start < num_frames:
        yield start, min(start + size, num_frames)
        start, size = start + size, _CHUNK_FRAMES


def load_voice(
    voice: str | os.PathLike[str] = "kathleen", *, lexicon: str | Path | None = None,
    speaker: str | None = None, vocoder: str = "neural",
) -> Voice:  # fmt: skip
    """Load a voice and let it say a word to itself, so that its first sentence comes as soon as any other.

    Parameters
    ----------
    voice : "kathleen", which comes with the package, a folder with `acoustic.safetensors` and
        `vocoder.safetensors`, or an acoustic model's file, which the vocoder beside it or else kathleen's goes with
    lexicon : a file of your own pronunciations (`speech.lexicon.read_lexicon`)
    speaker : one of several in the acoustic model
    vocoder : "neural", or "griffin-lim" to do without a trained one (and sound like it)

    Raises
    ------
    CheckpointError
        A file is missing, damaged, or the two do not belong together.
    CorpusError
        The lexicon cannot be read.

    Examples
    --------
    >>> load_voice("/no/such/voice")
    Traceback (most recent call last):
        ...
    speech.errors.CheckpointError: /no/such/voice: no such voice; name a folder, or "kathleen"
    """
    if vocoder not in ("neural", "griffin-lim"):
        raise SpeechError(f'vocoder must be "neural" or "griffin-lim", got {vocoder!r}')
    if str(voice) == "kathleen":
        acoustic, vocoder_path = Acoustic.load(acoustic_file.SHIPPED), None
    else:
        path = Path(voice)
        if not os.path.exists(path):
            raise CheckpointError(f'{path}: no such voice; name a folder, or "kathleen"')
        acoustic = Acoustic.load(path / "acoustic.safetensors" if path.is_dir() else path)
        beside = (path if path.is_dir() else path.parent) / "vocoder.safetensors"
        vocoder_path = beside if path.is_dir() or beside.is_file() else None
    chosen: AnyVocoder = Vocoder.load(vocoder_path) if vocoder == "neural" else GriffinLim(acoustic.contract)
    loaded = Voice(acoustic, chosen, Lexicon.load(lexicon), speaker)
    loaded.warm_up()
    return loaded
