"""The grammar of the sample corpus: noun phrases and clauses, built in English and in French side by side.

What French writes together (elision, contraction, mon before a vowel) is left to `spell`, so that the rules above it
can say `à le hôtel` and `je ai` and mean « à l'hôtel » and « j'ai ».
"""

import re
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from sample_lexicon import IRREGULAR, Adjective, Noun, Verb, conjugate, read_verbs

T = TypeVar("T")
VERBS = read_verbs()
PERSONS = ["I", "you", "it", "we", "they"]  # the order of French conjugation tables, less vous: here, you is tu

BE = {"present": ["am", "are", "is", "are", "are"], "past": ["was", "were", "was", "were", "were"]}
ETRE, AVOIR, ALLER = (conjugate(verb, dict(line.split(": ") for line in IRREGULAR.strip().splitlines()))[0]
                      for verb in ("être", "avoir", "aller"))  # fmt: skip
IMPARFAIT = ["ais", "ais", "ait", "ions", "aient"]
VERBS_OF_STATE = {"être": "ser", "avoir": "aur"}
FUTUR = ["ai", "as", "a", "ons", "ont"]

POSSESSIVES = {
    "my": ("mon", "ma", "mes"),
    "your": ("ton", "ta", "tes"),
    "his": ("son", "sa", "ses"),
    "her": ("son", "sa", "ses"),
    "its": ("son", "sa", "ses"),
    "our": ("notre", "notre", "nos"),
    "their": ("leur", "leur", "leurs"),
}
DETERMINERS = {
    "the": ("le", "la", "les"),
    "a": ("un", "une", "des"),
    "this": ("ce", "cette", "ces"),
    "no": ("de", "de", "de"),  # what a and some become under a negation
    **POSSESSIVES,
}


class Dice:
    """Random picks out of nothing but `Random.random`, whose sequence every Python version keeps."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def pick(self, items: list[T]) -> T:
        return items[int(self.random.random() * len(items))]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability


@dataclass(frozen=True)
class Phrase:
    """A noun phrase or a pronoun in both languages, with what verbs and adjectives agree with."""

    en: str
    fr: str
    key: str  # the content word by which sentences are held out
    person: int = 2  # an index of PERSONS
    gender: str = "m"
    tags: frozenset[str] = frozenset()

    @property
    def plural(self) -> bool:
        return self.person > 2

    @property
    def text(self) -> tuple[str, str]:
        return self.en, self.fr

    @property
    def words(self) -> list[str]:
        return self.en.split()[1:]  # without the determiner

    @property
    def pronoun(self) -> tuple[str, str]:
        if self.person != 2:
            they = "elles" if self.gender == "f" else "ils"
            return PERSONS[self.person], ["je", "tu", "", "nous", they][self.person]
        animal = "animal" in self.tags or "person" not in self.tags
        return ("it" if animal else "he" if self.gender == "m" else "she"), "il" if self.gender == "m" else "elle"

    @property
    def possessive(self) -> str:
        if self.person != 2:
            return ["my", "your", "", "our", "their"][self.person]
        return {"it": "its", "he": "his", "she": "her"}[self.pronoun[0]]


def noun_phrase(noun: Noun, det: str, plural: bool = False, adjectives: tuple[Adjective, ...] = ()) -> Phrase:
    """`det`: a key of DETERMINERS, a number as `two/deux`, `some`, or `bare` (an English phrase with no determiner)."""
    words = [noun.fr_plural if plural else noun.fr]
    for adjective in reversed(adjectives):
        if adjective.before:
            words.insert(0, adjective.form(noun.gender, plural, words[0]))
        else:
            words.append(adjective.form(noun.gender, plural))
    before = any(adjective.before for adjective in adjectives)
    english = " ".join([*(adjective.en for adjective in adjectives), noun.en_plural if plural else noun.en])
    column = 2 if plural else 1 if noun.gender == "f" else 0
    if "/" in det:
        en_det, _, fr_det = det.partition("/")
    elif det in ("some", "bare"):
        en_det = "some" if det == "some" else ""
        fr_det = ("de" if before else "des") if plural else ["de le", "de la"][column]
    elif det == "no":
        en_det, fr_det = ("a" if not plural and "mass" not in noun.tags else "any"), "de"
    else:
        en_det, fr_det = ("these" if det == "this" and plural else det), DETERMINERS[det][column]
    return Phrase(
        en=f"{en_det} {english}".strip(),
        fr=f"{fr_det} {' '.join(words)}",
        key=noun.en,
        person=4 if plural else 2,
        gender=noun.gender,
        tags=noun.tags,
    )


def join(first: Phrase, second: Phrase) -> Phrase:
    gender = "f" if first.gender == second.gender == "f" else "m"
    key = "+".join(sorted([first.key, second.key]))
    french = f"{first.fr} et {second.fr}"
    return Phrase(f"{first.en} and {second.en}", french, key, 4, gender, first.tags & second.tags)


def english_verb(verb: Verb, tense: str, person: int) -> tuple[str, str]:
    """The auxiliary and the rest; statements without negation say eats and ate for does eat and did eat."""
    if tense == "progressive":
        return BE["present"][person], verb.ing
    if tense == "near":
        return BE["present"][person], f"going to {verb.en}"
    auxiliary = {"present": "does" if person == 2 else "do", "past": "did", "future": "will"}[tense]
    return auxiliary, verb.en


def french_verb(verb: Verb, tense: str, subject: Phrase) -> tuple[str, str]:
    """The finite verb and the rest, between which stands the second half of the negation."""
    person = subject.person
    if tense == "near":
        return ALLER[person], verb.fr
    if tense == "past":
        if verb.auxiliary == "être":
            return ETRE[person], agree(verb.participle, subject)
        return AVOIR[person], verb.participle
    if tense == "future":
        return verb.future + FUTUR[person], ""
    return verb.present[person], ""


def agree(word: str, subject: Phrase) -> str:
    return word + ("e" if subject.gender == "f" else "") + ("s" if subject.plural else "")


def clause(
    subject: Phrase,
    verb: Verb,
    tense: str,
    rest: tuple[str, str] = ("", ""),
    *,
    negative: bool = False,
    question: bool = False,
    often: tuple[str, str] = ("", ""),
) -> tuple[str, str]:
    """A clause with a full verb, without its capital and its final sign; `often` is an adverb beside the verb."""
    auxiliary, lexical = english_verb(verb, tense, subject.person)
    lexical = f"{often[0]} {lexical}"
    finite, tail = french_verb(verb, tense, subject)
    if question:
        english = f"{auxiliary} {subject.en} {lexical}"
    elif negative:
        english = f"{subject.en} {auxiliary} not {lexical}"
    elif tense == "past":
        english = f"{subject.en} {often[0]} {verb.past}"
    elif tense == "present":
        english = f"{subject.en} {often[0]} {verb.third if subject.person == 2 else verb.en}"
    else:
        english = f"{subject.en} {auxiliary} {lexical}"
    french = f"ne {finite} pas" if negative else finite
    asked = "est-ce que " if question else ""
    return f"{english} {rest[0]}", f"{asked}{subject.fr} {french} {often[1]} {tail} {rest[1]}"


def be(
    subject: Phrase,
    tense: str,
    rest: tuple[str, str],
    *,
    negative: bool = False,
    question: bool = False,
    french: str = "être",
) -> tuple[str, str]:
    """A clause with to be, in the present, the past (imparfait) or the future; with `avoir`, for he is hungry."""
    english = ["will", "be"] if tense == "future" else [BE[tense][subject.person], ""]
    finite = state(subject, tense, french)
    if question:
        return f"{english[0]} {subject.en} {english[1]} {rest[0]}", f"est-ce que {subject.fr} {finite} {rest[1]}"
    middle = ("not", f"ne {finite} pas") if negative else ("", finite)
    return f"{subject.en} {english[0]} {middle[0]} {english[1]} {rest[0]}", f"{subject.fr} {middle[1]} {rest[1]}"


def state(subject: Phrase, tense: str, french: str) -> str:
    """être or avoir in the tenses of a state: present, imparfait, future."""
    if tense == "present":
        return (ETRE if french == "être" else AVOIR)[subject.person]
    if tense == "past":
        return french.removesuffix("re").removesuffix("oir").replace("êt", "ét") + IMPARFAIT[subject.person]
    return VERBS_OF_STATE[french] + FUTUR[subject.person]


def predicate(adjective: Adjective, subject: Phrase) -> tuple[str, str]:
    return adjective.en, adjective.form(subject.gender, subject.plural)


def subjunctive(verb: Verb, plural: bool) -> str:
    ils = {"aller": "aillent"}.get(verb.fr, verb.present[4])
    return ils if plural else ils[:-2]


def imperative(verb: Verb) -> str:
    """The form for tu, which loses the -s of -er verbs (and of ouvrir)."""
    return verb.present[1][:-1] if verb.present[1].endswith(("es", "as")) else verb.present[1]


VOWEL = "(?=[aeiouâàéèêîôûœh])"
RULES = [
    *((word, rf"\b({word[:-1]}){word[-1]} {VOWEL}", r"\1'") for word in ("la", "le", "je", "de", "ne", "que")),
    *((word, rf"\b({word[0]})a {VOWEL}", r"\1on ") for word in ("ma", "ta", "sa")),
    ("ce", rf"\bce {VOWEL}", "cet "),
    ("de le", r"\bde le ", "du "),
    ("de les", r"\bde les ", "des "),
    ("à le", r"\bà le ", "au "),
    ("à les", r"\bà les ", "aux "),
]
COMPILED = [(f"{words} ", re.compile(pattern, re.I), replacement) for words, pattern, replacement in RULES]
AN = re.compile(rf"\b(a) {VOWEL.replace('h', '')}", re.I)
SCHOOL = re.compile(r"\b(at|to) the school")


def spell_english(text: str, sign: str) -> str:
    """The sentence as it is written: an before a vowel, one blank between words, capital and final sign."""
    text = AN.sub(r"\1n ", " ".join(text.split()).replace(" ,", ","))
    text = SCHOOL.sub(r"\1 school", text)
    return text[0].upper() + text[1:] + sign


def spell_french(text: str, sign: str) -> str:
    """The sentence as it is written: elision and contraction, one blank between words, capital and final sign."""
    text = " ".join(text.split()).replace(" ,", ",")
    lower = text.lower()
    for words, pattern, replacement in COMPILED:
        if words in lower:  # much faster seen than replaced; no rule makes the words of another
            text = pattern.sub(replacement, text)
    return text[0].upper() + text[1:] + (sign if sign == "." else f" {sign}")
