"""Words written alike and said differently, by the words around them."""

import pytest

from speech.lexicon import Lexicon
from tts.phonemes import Pronouncer

CASES = {
    "HH AW1 Z": ["to *house the homeless", "It will house them."],
    "HH AW1 S": ["They went to a *house nearby.", "Can the house be sold?", "to house parties"],
    "R EH1 K ER0 D": ["a world *record", "He broke the record.", "My vinyl record collection"],
    "R IH0 K AO1 R D|R AH0 K AO1 R D": ["I want to *record it.", "They record music.", "Record the meeting, please."],
    "R EH1 D": [
        "I have *read it.",
        "He read the letter aloud.",
        "It was read by all.",
        "Yesterday I read a book.",
        "a well-read man",
        "The teacher read the story to us.",
        "I read that it rained.",
        "Have you read this book?",
        "He opened the letter and read it.",
    ],
    "R IY1 D": [
        "I like to *read.",
        "Did he read it?",
        "Please read this.",
        "Read the label.",
        "I read books every day.",
        "a good read",
        "We can read and write.",
        "You read too fast.",
        "Let him read.",
        "I read a lot.",
    ],
    "L IY1 D": ["*Lead the way.", "She will lead us.", "in the lead", "the lead singer"],
    "L EH1 D": [
        "a *lead pipe",
        "old lead paint",
        "lead-free petrol",
        "high levels of lead",
        "Lead and zinc are metals.",
    ],
    "L IH1 V": [
        "I *live in London.",
        "Where do you live?",
        "They live here.",
        "the people who live there",
        "Many people live on the coast.",
        "The birds live on seeds.",
        "We both live in Leeds.",
    ],
    "L AY1 V": ["a *live concert", "We go live at nine.", "The show is live.", "Live from New York", "live music"],
    "L IH1 V Z": [
        "He *lives in Paris.",
        "My brother lives near the sea.",
        "She lives alone.",
        "The family lives together.",
    ],
    "L AY1 V Z": ["It saved many *lives.", "Our lives changed.", "a cat has nine lives", "Their lives were hard."],
    "W IH1 N D": [
        "The *wind blew hard.",
        "a cold wind",
        "wind and rain",
        "wind power",
        "The wind through the trees.",
        "The wind down here is cold.",
    ],
    "W AY1 N D": ["*Wind the clock.", "I have to wind it up.", "Roads wind through the hills."],
    "T IH1 R": ["A *tear ran down her cheek.", "not a single tear"],
    "T EH1 R": ["Do not *tear it.", "wear and tear", "They tear down walls.", "a tear in the fabric"],
    "T IH1 R Z": ["Her eyes filled with *tears.", "tears of joy"],
    "B AW1": ["Take a *bow.", "They bow to the king.", "the bow of the ship"],
    "B OW1": ["a *bow and arrow", "a red bow tie", "She wore a red bow to the party."],
    "B EY1 S": [
        "He plays *bass guitar.",
        "The bass is too loud.",
        "The bass player caught a cold.",
        "The bass caught my ear.",
        "She caught him playing bass.",
        "I caught a few notes of the bass.",
    ],
    "B AE1 S": ["We caught sea *bass.", "a bass fishing trip", "He caught a bass.", "We hooked two big bass."],
    "D AH0": ["We drove to *Des Moines."],
    "L IY1 M AH0": ["She lives in *Lima."],
    "L AY1 M AH0": ["a can of *lima beans"],
    "N IY1 S": ["He flew to *Nice.", "They met in Nice in May."],
    "N AY1 S": ["*Nice to meet you.", "It is nice.", "A card from Nice People Inc. came."],
    "EY1 JH IH0 D": ["He is an *aged man.", "her aged mother", "a home for the aged"],
    "EY1 JH D": ["a boy *aged 5", "He aged quickly.", "the aged cheese"],
    "S OW1": ["*Sow the seeds.", "You reap what you sow."],
    "S AW1": ["The *sow has ten piglets."],
    "K L OW1 S": [
        "It is very *close to us.",
        "a close friend",
        "That was close.",
        "Come close.",
        "She held him close.",
    ],
    "K L OW1 Z": [
        "*Close the door.",
        "Please close it.",
        "Shops close at six.",
        "at the close of the day",
        "It came to a close.",
    ],
    "Y UW1 S": [
        "There is no *use.",
        "the use of force",
        "for personal use",
        "Make use of it.",
        "Put it to good use.",
        "Water use is rising.",
        "Did you use to smoke?",
    ],
    "Y UW1 Z": [
        "*Use the stairs.",
        "I use it daily.",
        "You can use mine.",
        "People use phones.",
        "Most people use phones.",
        "Both use it.",
    ],
    "Y UW1 S T": [
        "I *used to live here.",
        "She got used to it.",
        "We are used to noise.",
        "It used to be green.",
        "My father used to smoke.",
        "Mary used to sing.",
    ],
    "Y UW1 Z D": [
        "It is *used to cut wood.",
        "a used car",
        "He used a knife.",
        "Methods used to find it",
        "They are used to make soap.",
    ],
    "P R EH1 Z AH0 N T": [
        "a birthday *present",
        "the present day",
        "All were present.",
        "Those *present in the room agreed.",
    ],
    "P R IY0 Z EH1 N T|P ER0 Z EH1 N T": [
        "I want to *present it.",
        "We present the results.",
        "may I present my wife",
        "These *present a problem.",
    ],
    "AA1 B JH EH0 K T": [
        "a strange *object",
        "the object of study",
        "There is no object.",
        "It was no business object.",
    ],
    "AH0 B JH EH1 K T": [
        "I *object!",
        "They object to it.",
        "Would you object?",
        "We object!",
        "The neighbors object.",
    ],
    "K AH0 N T R AE1 K T": ["Muscles *contract.", "My muscles contract quickly."],
    "K AA1 N T R AE2 K T": ["He signed a music *contract.", "the services contract", "The players' contract ended."],
    "P R AA1 JH EH0 K T S": ["two big *projects", "Our projects are late."],
    "P R AH0 JH EH1 K T S": ["He *projects the image.", "It projects a profit."],
    "P ER1 M IH2 T": ["a parking *permit", "You need a permit."],
    "P ER0 M IH1 T": ["They don't *permit it."],
    "P R AH0 D UW1 S": ["They *produce cars.", "factories produce steel", "to produce heat"],
    "P R OW1 D UW0 S": ["fresh local *produce from the farm", "the produce section"],
    "IH1 N K R IY2 S": [
        "an *increase of two percent",
        "a sharp increase",
        "The price *increase shocked us.",
        "a sales *increase",
        "The sales increase in May was large.",
    ],
    "IH2 N K R IY1 S": [
        "Prices will *increase.",
        "to increase it",
        "Prices *increase.",
        "When the wages increase, people spend.",
        "Temperatures usually increase with depth.",
    ],
    "P ER1 F IH2 K T": ["a *perfect day", "That is perfect."],
    "P ER0 F EH1 K T": ["He wants to *perfect it."],
    "S EH1 P ER0 EY2 T": ["*Separate the eggs.", "to separate them"],
    "S EH1 P ER0 IH0 T": ["two *separate rooms", "They are separate."],
    "EH1 S T AH0 M AH0 T": ["a rough *estimate", "an estimate of the cost"],
    "EH1 S T AH0 M EY2 T": ["We *estimate the cost.", "hard to estimate"],
    "D EH1 Z ER0 T": ["the Sahara *desert"],
    "D IH0 Z ER1 T": ["He would never *desert them."],
    "K AA1 N T EH0 N T": ["the *content of the book", "web content", "The main problem is content."],
    "K AH0 N T EH1 N T": ["She is *content with it.", "They were content."],
    "M AY0 N UW1 T": ["in *minute detail", "a minute amount"],
    "M IH1 N AH0 T": ["Wait a *minute.", "every minute counts", "last minute changes"],
    "D AH1 V": ["a white *dove", "A dove in the tree cooed."],
    "D OW1 V": ["She *dove into the pool."],
    "W UW1 N D": ["a deep *wound", "The wound healed."],
    "W AW1 N D": ["He *wound up the clock.", "The road wound around the hill.", "He wound the clock."],
    "P AA1 L IH0 SH": ["nail *polish", "Polish the table.", "to polish it", "Nail Polish"],
    "P OW1 L IH0 SH": ["She speaks *Polish.", "The Polish people", "a Polish film"],
    "R EH1 F Y UW2 Z": ["a heap of *refuse"],
    "R IH0 F Y UW1 Z|R AH0 F Y UW1 Z": ["I *refuse to go.", "They refuse.", "Many refuse to go."],
    "IH0 K S K Y UW1 S": ["a poor *excuse", "That is no excuse."],
    "IH0 K S K Y UW1 Z": ["*Excuse me.", "Please excuse him."],
    "R EH1 Z AH0 M EY2": ["Send your *resume.", "my résumé"],
    "R IH0 Z UW1 M": ["Let us *resume.", "Talks will resume."],
    "R OW0 Z EY1": ["a glass of *rosé"],
    "R EH1 K ER0 D Z": ["according to *records", "Many records fell."],
    "P R OW1 T EH2 S T S|P R OW1 T EH2 S": ["It led to *protests."],
    "AH0 P S EH1 T": ["He felt *upset.", "Do not upset her."],
    "K AH0 M B AY1 N": [
        "*Combine flour and sugar.",
        "I want to combine them.",
        "They combine well.",
        "These combine to form one.",
    ],
    "K AA1 M B AY0 N": ["the *combine harvester", "a combine in the field"],
    "K AH0 M P R EH1 S AH0 Z|K AH0 M P R EH1 S IH0 Z": ["He *compresses it.", "It compresses well."],
    "AH0 D R EH1 S": ["We must *address it.", "They address the letter."],
    "AE1 D R EH2 S": ["my *address", "Your address is wrong.", "the address of the house"],
    "P R AH0 G R EH1 S|P R OW0 G R EH1 S": ["We must *progress.", "We will progress slowly."],
    "P R AA1 G R EH2 S": [
        "make *progress",
        "The progress of science",
        "Progress is slow.",
        "That means progress.",
        "After years of progress",
    ],
    "AH0 T R IH1 B Y UW2 T": ["I *attribute it to luck.", "They attribute this to him."],
    "AE1 T R AH0 B Y UW2 T": ["an *attribute of it", "Each attribute has a name."],
    "K AH0 N F L IH1 K T": [
        "These *conflict with that.",
        "The dates may conflict.",
        "If the schedules conflict, call.",
    ],
    "K AA1 N F L IH0 K T": [
        "these *conflict zones",
        "a conflict with them",
        "Greed causes conflict.",
        "That brings conflict.",
    ],
    "IH0 N V AE1 L AH0 D": [
        "an *invalid argument",
        "That is invalid.",
        "Invalid email",
        "The invalid ticket was torn.",
    ],
    "IH1 N V AH0 L AH0 D": ["He was an *invalid.", "The invalid in the next bed"],
    "P R OW1 D UW0 S|P R OW1 D UW2 S": ["fresh *produce", "We sell raw produce."],
    "W AY1 N D|": ["a *wind up toy", "a wind-up radio", "He has a wind-up clock."],
    "W IH1 N D|": ["a *wind up there", "The wind up here is cold."],
    "R OW1 Z": ["a red *rose"],
}


def cases():
    """Sentence, word, and the phones it may have."""
    for phones, sentences in CASES.items():
        word = next(part for part in sentences[0].split() if "*" in part).strip("*.,!?").lower()
        for sentence in sentences:
            yield sentence.replace("*", ""), word, phones.split("|")


@pytest.fixture(scope="module")
def pronouncer() -> Pronouncer:
    return Pronouncer(Lexicon())


@pytest.mark.parametrize(("sentence", "word", "phones"), list(cases()))
def test_homographs(pronouncer, sentence, word, phones):
    words = [spoken for found in pronouncer.sentences(sentence) for spoken in found.words]
    [said] = [spoken for spoken in words if spoken.text in (word, "resume", "rose") and spoken.text[:2] == word[:2]]
    assert " ".join(said.phones) in phones


def test_a_users_lexicon_goes_before(pronouncer):
    own = Pronouncer(Lexicon({"record": [("R", "EH1", "K")]}))
    [sentence] = own.sentences("to record")
    assert sentence.words[1].phones == ("R", "EH1", "K")
