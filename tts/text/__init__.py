"""English text to speakable words, with the marks that lead to pauses and the characters each token came from."""

from tts.text.normalize import check, normalize, sentences
from tts.text.sentences import split_sentences
from tts.text.tokens import BREAK_MARKS, Sentence, TextError, Token

__all__ = ["BREAK_MARKS", "Sentence", "TextError", "Token", "check", "normalize", "sentences", "split_sentences"]
