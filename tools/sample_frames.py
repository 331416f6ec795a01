"""The kinds of sentences of the sample corpus: each function of FRAMES makes a random one, in both languages."""

from collections.abc import Callable
from functools import cache, cached_property

from sample_grammar import (
    VERBS,
    Dice,
    Phrase,
    be,
    clause,
    imperative,
    join,
    noun_phrase,
    predicate,
    spell_english,
    spell_french,
    state,
    subjunctive,
)
from sample_lexicon import (
    FEELINGS,
    GREETINGS,
    JOBS,
    NAMES,
    NUMBERS,
    Adjective,
    Noun,
    Verb,
    french_plural,
    read_adjectives,
    read_nouns,
)

Text = tuple[str, str]  # English, French
NOUNS = read_nouns()
ADJECTIVES = read_adjectives()
PRONOUNS = [
    Phrase("I", "je", "I", 0),
    Phrase("you", "tu", "you", 1),
    Phrase("he", "il", "he", 2, "m", frozenset({"person"})),
    Phrase("she", "elle", "she", 2, "f", frozenset({"person"})),
    Phrase("we", "nous", "we", 3),
    Phrase("they", "ils", "they", 4),
]
OWNED = frozenset({"thing", "food", "drink", "pet", "role", "kin", "read", "part", "own"})
HABIT = [
    ("every morning", "tous les matins"),
    ("every day", "tous les jours"),
    ("in the evening", "le soir"),
    ("on Sundays", "le dimanche"),
]
OFTEN = [("often", "souvent"), ("always", "toujours")]
WHEN = {
    "present": HABIT,
    "progressive": [("now", "maintenant"), ("today", "aujourd'hui")],
    "near": [("tomorrow", "demain"), ("tonight", "ce soir"), ("next week", "la semaine prochaine")],
    "future": [("tomorrow", "demain"), ("soon", "bientôt"), ("on Monday", "lundi")],
    "past": [("yesterday", "hier"), ("this morning", "ce matin"), ("last week", "la semaine dernière")],
}
PREPOSITIONS = {
    "in": ("in", "dans"),
    "own": ("in", "dans"),
    "at": ("at", "à"),
    "place": ("near", "près de"),
    "to": ("to", "à"),
    "near": ("near", "près de"),
    "building": ("in front of", "devant"),
    "under": ("under", "sous"),
    "top": ("on", "sur"),
}


class Pair:
    """A sentence in both languages, spelled when it is first read: its key alone rules out most of what is drawn."""

    def __init__(self, draft: Text, key: str, sign: str | None = None) -> None:
        """Without a `sign` at its end, the draft is spelled already."""
        self.key, self._draft, self._sign = key, draft, sign

    @cached_property
    def english(self) -> str:
        return self._draft[0] if self._sign is None else spell_english(self._draft[0], self._sign)

    @cached_property
    def french(self) -> str:
        return self._draft[1] if self._sign is None else spell_french(self._draft[1], self._sign)


@cache
def tagged(*tags: str) -> list[Noun]:
    return [noun for noun in NOUNS if noun.tags.intersection(tags)]


def glue(*parts: Text) -> Text:
    return " ".join(part[0] for part in parts), " ".join(part[1] for part in parts)


def pair(text: Text, key: list[str], sign: str = ".") -> Pair:
    return Pair(text, "+".join(sorted(set("+".join(key).split("+")))), sign)


# Phrases -------------------------------------------------------------------------------------------------------------


def suits(adjective: Adjective, noun: Noun) -> bool:
    handsome = adjective.en == "beautiful" and noun.gender == "m" and "person" in noun.tags
    return bool(adjective.tags & noun.tags) and "kin" not in noun.tags and not handsome


@cache
def suited(adjective: Adjective) -> list[Noun]:
    return [noun for noun in NOUNS if suits(adjective, noun)]


def somebody(dice: Dice, tags: frozenset[str] = frozenset({"person"}), pronouns: float = 0.42) -> Phrase:
    """Whom one asks about: anybody but oneself."""
    subject = a_subject(dice, tags, pronouns)
    return somebody(dice, tags, pronouns) if subject.person == 0 else subject


@cache
def adjectives_of(noun: Noun) -> tuple[list[Adjective], list[Adjective]]:
    """Those that suit it, and of these the ones that may follow a size."""
    odd = {"tall", "broken", "old"} if noun.en in YOUNG else {"tall", "broken"}  # un grand homme is a great man
    fitting = [adjective for adjective in ADJECTIVES if suits(adjective, noun) and adjective.en not in odd]
    return fitting, [each for each in fitting if not each.before and {"paint", "animal"} & each.tags]


def describe(dice: Dice, noun: Noun) -> tuple[Adjective, ...]:
    """One adjective for the noun, or a size and a color."""
    fitting, after = adjectives_of(noun)
    first = dice.pick(fitting) if fitting else None
    if first is None:
        return ()
    if first.en in ("small", "big", "old", "new") and after and dice.chance(0.2):
        return first, dice.pick(after)
    return (first,)


def some_noun(dice: Dice, noun: Noun, dets: list[str], described: float = 0.25) -> Phrase:
    """The noun with one of the determiners that it can have, in singular or plural, perhaps with an adjective."""
    mass, one = "mass" in noun.tags, "one" in noun.tags
    plural = not mass and not one and dice.chance(0.35)
    owned = [det for det in dets if det not in ("my", "your", "his", "her", "its", "our", "their")]
    allowed = dets if OWNED & noun.tags else owned
    if "kin" in noun.tags:
        allowed = [det for det in dets if det not in owned] or ["my"]
    if noun.en == "friend":
        allowed = [det for det in allowed if det not in ("the", "this")] or ["my"]
    det = dice.pick(allowed)
    if det == "a" and (plural or mass):
        det = dice.pick(["some", "bare"])
    if det == "number":
        det = "/".join(dice.pick(list(NUMBERS.items()))) if not mass else "some"
        plural = not mass
    adjectives = describe(dice, noun) if dice.chance(described) else ()
    return noun_phrase(noun, det, plural, adjectives)


def named(dice: Dice) -> Phrase:
    name, gender = dice.pick(list(NAMES.items()))
    return Phrase(name, name, name, 2, gender, frozenset({"person"}))


def a_subject(dice: Dice, tags: frozenset[str] = frozenset({"person"}), pronouns: float = 0.42) -> Phrase:
    """Somebody (or an animal) that can do what has these subject tags."""
    if dice.chance(pronouns):
        return dice.pick([*PRONOUNS, PRONOUNS[1]])  # the forms for tu are used nowhere else
    if dice.chance(0.12):
        return named(dice)
    nouns = tagged(*tags - {"person"}) if len(tags) > 1 and dice.chance(0.4) else tagged("person")
    if tags == {"person", "swims"} and dice.chance(0.3):
        nouns = tagged("swims")
    first = some_noun(dice, dice.pick(nouns), ["the", "the", "this", "my", "our"], 0.15)
    if dice.chance(0.06):
        other = some_noun(dice, dice.pick(nouns), ["the", "my"], 0.0)
        return join(first, other) if other.key != first.key else first
    return first


DITRANSITIVE = ("give", "show", "bring")
TRANSITIVE = [verb for verb in VERBS.values() if verb.objects != {"-"} and verb.en not in DITRANSITIVE]


def transitive(dice: Dice, subject: Phrase) -> tuple[Verb, Noun]:
    """A verb and an object that go with the subject."""
    animal = "animal" in subject.tags
    while True:
        verb = dice.pick(TRANSITIVE)
        nouns = [noun for noun in tagged(*verb.objects) if noun.en not in subject.key.split("+")]
        if animal:
            nouns = [noun for noun in nouns if noun.tags & {"feed", "animal", "person"} and "kin" not in noun.tags]
        if nouns and (not animal or "animal" in verb.subjects):
            return verb, dice.pick(nouns)


def an_object(dice: Dice, noun: Noun, owner: Phrase, negative: bool = False, described: float = 0.25) -> Phrase:
    own = owner.possessive if "animal" not in owner.tags else "the"
    dets = ["the", "the", "this", "no", own, "my"] if negative else ["the", "the", "a", "a", "this", own, own, "number"]
    return some_noun(dice, noun, dets, described)


def place(dice: Dice, *kinds: str) -> Text:
    """Where something is or happens: an adverbial of one of these kinds of PREPOSITIONS."""
    kind = dice.pick(list(kinds))
    noun = dice.pick(tagged(kind))
    where = noun_phrase(noun, "the")
    english, french = PREPOSITIONS[kind]
    return f"{english} {where.en}", f"{french} {where.fr}"


def company(dice: Dice) -> Text:
    friend = some_noun(dice, dice.pick(tagged("kin", "role")), ["my", "our"], 0.0)
    return f"with {friend.en}", f"avec {friend.fr}"


# The verbs that have a futur simple here; one for each and there were more forms than a small corpus can teach.
FORESEEN = ("eat", "see", "go")


def a_tense(dice: Dice, verb: Verb) -> str:
    tenses = ["present", "present", "near", "past", "past"]
    tenses += ["progressive"] * 2 if verb.ing != "-" else []
    return dice.pick([*tenses, "future"] if verb.en in FORESEEN else tenses)


def when(dice: Dice, tense: str, verb: Verb, chance: float) -> Text:
    """A time that suits the tense. Only a time tells `they read` (now) from `they read` (yesterday)."""
    ambiguous = verb.en == verb.past and tense in ("present", "past")
    return dice.pick(WHEN[tense]) if ambiguous or dice.chance(chance) else ("", "")


def finite(dice: Dice, subject: Phrase, verb: Verb, rest: Text, chance: float = 0.3, polarity: float = 0.2) -> Text:
    """A whole statement in a random tense."""
    tense = a_tense(dice, verb)
    often = dice.pick(OFTEN) if tense == "present" and verb.ing != "-" and dice.chance(0.25) else ("", "")
    time = when(dice, tense, verb, 0.0 if often[0] else chance)
    return clause(subject, verb, tense, glue(rest, time), negative=dice.chance(polarity), often=often)


# Frames --------------------------------------------------------------------------------------------------------------

ACTIVE = frozenset({"person", "animal"})
EVERYDAY = [verb for verb in VERBS.values() if verb.objects != {"-"}]
NOTHING = ("", "")
AT_HOME = ("at home", "à la maison")
INFINITE = ("see", "like", "lose", "forget", "find")  # what one does not set out to do


SPOTS = {"eat": ("in", "at"), "read": ("in", "at"), "buy": ("at",), "see": ("in",), "find": ("in", "near")}


def statement(dice: Dice) -> Pair:
    subject = a_subject(dice, ACTIVE)
    verb, noun = transitive(dice, subject)
    negative = dice.chance(0.2)
    spot = place(dice, *SPOTS[verb.en]) if verb.en in SPOTS and dice.chance(0.25) else NOTHING
    rest = glue(an_object(dice, noun, subject, negative).text, spot)
    return pair(finite(dice, subject, verb, rest, polarity=float(negative)), [subject.key, verb.en, noun.en])


def yes_no(dice: Dice) -> Pair:
    subject = somebody(dice, ACTIVE)
    verb, noun = transitive(dice, subject)
    tense = a_tense(dice, verb)
    rest = glue(an_object(dice, noun, subject).text, when(dice, tense, verb, 0.2))
    return pair(clause(subject, verb, tense, rest, question=True), [subject.key, verb.en, noun.en], "?")


def activity(dice: Dice) -> Pair:
    verb = VERBS[dice.pick(["sing", "dance", "work", "sleep", "run", "swim", "play"])]
    subject = a_subject(dice, verb.subjects)
    where = [place(dice, "place", "near"), NOTHING]
    if "animal" not in subject.tags:
        where += [place(dice, "in", "at"), company(dice), company(dice) if verb.en == "run" else AT_HOME]
    chosen = ("in the river", "dans la rivière") if verb.en == "swim" else dice.pick(where)
    if dice.chance(0.2) and subject.person:
        text = clause(subject, verb, dice.pick(["present", "progressive", "near"]), chosen, question=True)
        return pair(text, [subject.key, verb.en], "?")
    return pair(finite(dice, subject, verb, chosen), [subject.key, verb.en])


def motion(dice: Dice) -> Pair:
    subject = a_subject(dice, pronouns=0.4)
    noun = dice.pick(tagged("to"))
    goal = noun_phrase(noun, "the")
    rest = glue((f"to {goal.en}", f"à {goal.fr}"), company(dice) if dice.chance(0.25) else NOTHING)
    if dice.chance(0.2) and subject.person:
        text = clause(subject, VERBS["go"], dice.pick(["progressive", "past", "future"]), rest, question=True)
        return pair(text, [subject.key, "go", noun.en], "?")
    return pair(finite(dice, subject, VERBS["go"], rest), [subject.key, "go", noun.en])


def movement(dice: Dice) -> Pair:
    verb = VERBS[dice.pick(["arrive", "leave", "stay", "fall", "come back"])]
    subject = a_subject(dice)
    where = {
        "arrive": [place(dice, "at")],
        "leave": [company(dice), NOTHING],
        "stay": [place(dice, "at", "in"), AT_HOME],
        "fall": [place(dice, "in", "near")],
        "come back": [company(dice), NOTHING],
    }[verb.en]
    tense = dice.pick(["past", "past", "near", "present"])
    time = when(dice, tense, verb, 0.6) if verb.en != "fall" or tense == "past" else NOTHING
    rest = glue(dice.pick(where), time)
    return pair(clause(subject, verb, tense, rest, negative=dice.chance(0.2)), [subject.key, verb.en])


def described(dice: Dice, pronouns: float = 0.3) -> tuple[Phrase, Adjective]:
    """Somebody or something, and what can be said of it."""
    if dice.chance(pronouns):
        fitting = [adjective for adjective in ADJECTIVES if "person" in adjective.tags and adjective.en != "beautiful"]
        subject = dice.pick(PRONOUNS) if dice.chance(0.6) else dice.pick([named(dice), a_kin(dice)])
        return subject, dice.pick(fitting)
    adjective = dice.pick(ADJECTIVES)
    noun = dice.pick(suited(adjective))
    return some_noun(dice, noun, ["the", "the", "this", "my", "our"], 0.0), adjective


def a_kin(dice: Dice) -> Phrase:
    return some_noun(dice, dice.pick(tagged("kin")), ["my", "your", "our"], 0.0)


def description(dice: Dice) -> Pair:
    subject, adjective = described(dice)
    tense = dice.pick(["present", "present", "present", "past", "future"])
    what = predicate(adjective, subject)
    if adjective.before is False and dice.chance(0.15):
        what = glue(("very", "très"), what)
    time = NOTHING
    if adjective.en in ("happy", "sad", "tired", "sick", "busy", "cold", "hot", "closed") and dice.chance(0.4):
        time = {"present": WHEN["progressive"][1], "past": WHEN["past"][0], "future": WHEN["near"][0]}[tense]
    return pair(be(subject, tense, glue(what, time), negative=dice.chance(0.2)), [subject.key, adjective.en])


def asked_description(dice: Dice) -> Pair:
    subject, adjective = described(dice)
    english, french = be(subject, dice.pick(["present", "past"]), predicate(adjective, subject), question=True)
    if {"person", "wash", "hold", "thing"} & adjective.tags and dice.chance(0.5):
        english, french = f"why {english}", f"pourquoi {french}"
    return pair((english, french), [subject.key, adjective.en], "?")


def trade(dice: Dice) -> Pair:
    subject = dice.pick([dice.pick(PRONOUNS), dice.pick(PRONOUNS), named(dice), a_kin(dice), a_kin(dice)])
    job, masculine, feminine = dice.pick(JOBS)
    french = feminine if subject.gender == "f" else masculine
    what = (f"{job}s", french_plural(french)) if subject.plural else (f"a {job}", french)
    tense, form = dice.pick(["present", "present", "past", "future"]), dice.pick(["", "", "negative", "question"])
    text = be(subject, tense, what, negative=form == "negative", question=form == "question")
    return pair(text, [subject.key, job], "?" if form == "question" else ".")


def where(dice: Dice) -> Pair:
    if dice.chance(0.4):
        noun = dice.pick(tagged("thing", "pet", "building", "kin", "role"))
        thing = some_noun(dice, noun, ["the", "my", "your", "our"], 0.3)
        is_, est = BE_NOW[thing.plural]
        return pair((f"where {is_} {thing.en}", f"où {est} {thing.fr}"), ["where", *thing.words], "?")
    subject = somebody(dice)
    if dice.chance(0.4):
        verb = VERBS[dice.pick(["go", "work", "live", "sleep", "play"])]
        english, french = clause(subject, verb, dice.pick(["present", "progressive", "near"]), question=True)
        return pair((f"where {english}", f"où {french}"), ["where", subject.key, verb.en], "?")
    verb = VERBS[dice.pick(["find", "lose", "buy", "see", "eat", "sell"])]
    noun = dice.pick(tagged(*verb.objects))
    thing = some_noun(dice, noun, ["the", "this", subject.possessive, subject.possessive], 0.2)
    english, french = clause(subject, verb, "past", thing.text, question=True)
    return pair((f"where {english}", f"où {french}"), [subject.key, verb.en, noun.en], "?")


BE_NOW = {False: ("is", "est"), True: ("are", "sont")}
WHO = Phrase("who", "qui", "who")


def who(dice: Dice) -> Pair:
    verb, noun = transitive(dice, PRONOUNS[0])
    thing = some_noun(dice, noun, ["the", "the", "this", "a", "my", "your"], 0.25)
    tense = a_tense(dice, verb)
    rest = glue(thing.text, when(dice, tense, verb, 0.1))
    return pair(clause(WHO, verb, tense, rest), ["who", verb.en, noun.en], "?")


ASKED = ["eat", "drink", "read", "write", "buy", "sell", "see", "watch", "find", "lose", "forget", "choose", "draw"]
ASKED += ["prepare", "repair", "want"]


def what(dice: Dice) -> Pair:
    verb, subject = VERBS[dice.pick(ASKED)], somebody(dice)
    tense = a_tense(dice, verb) if verb.en != "want" else "present"
    rest = when(dice, tense, verb, 0.25)
    english, french = clause(subject, verb, tense, rest, question=True)
    return pair((f"what {english}", f"qu'{french}"), ["what", subject.key, verb.en], "?")


def existence(dice: Dice) -> Pair:
    noun = dice.pick(tagged("thing", "animal", "food", "person", "drink"))
    noun = noun if "kin" not in noun.tags else dice.pick(tagged("thing"))
    outdoors = "animal" in noun.tags or "person" in noun.tags
    spot = place(dice, "in", "near") if outdoors else place(dice, "own", "top")
    negative = dice.chance(0.25)
    thing = some_noun(dice, noun, ["no"] if negative else ["a", "a", "number"])
    is_ = BE_NOW[thing.plural][0]
    key = [noun.en, *spot[0].split()[-1:]]
    if negative:
        english = re_any(thing.en)
        return pair((f"there {is_} no {english} {spot[0]}", f"il n'y a pas {thing.fr} {spot[1]}"), key)
    if dice.chance(0.2) and "some" not in thing.en.split():
        return pair((f"{is_} there {thing.en} {spot[0]}", f"est-ce qu'il y a {thing.fr} {spot[1]}"), key, "?")
    if dice.chance(0.2):
        was = "were" if thing.plural else "was"
        return pair((f"there {was} {thing.en} {spot[0]}", f"il y avait {thing.fr} {spot[1]}"), key)
    return pair((f"there {is_} {thing.en} {spot[0]}", f"il y a {thing.fr} {spot[1]}"), key)


def re_any(english: str) -> str:
    return english.removeprefix("any ").removeprefix("a ")


def modal(dice: Dice) -> Pair:
    subject = a_subject(dice)
    verb, noun = transitive(dice, subject)
    while verb.en in INFINITE:
        verb, noun = transitive(dice, subject)
    mode, form = VERBS[dice.pick(["want", "want", "can", "must"])], dice.pick(["", "", "negative", "question"])
    if mode.en == "must" and form == "question":
        form = ""
    thing = an_object(dice, noun, subject, form == "negative", 0.15)
    french = f"{verb.fr} {thing.fr}"
    key, sign = [subject.key, verb.en, noun.en], "?" if form == "question" else "."
    negative, question = form == "negative", form == "question"
    english, french = clause(subject, mode, "present", ("", french), negative=negative, question=question)
    if mode.en == "want":
        return pair((f"{english} to {verb.en} {thing.en}", french), key, sign)
    able = {"negative": {"can": "cannot", "must": "must not"}[mode.en]}.get(form, mode.en)
    english = f"{able} {subject.en}" if question else f"{subject.en} {able}"
    return pair((f"{english} {verb.en} {thing.en}", french), key, sign)


def liking(dice: Dice) -> Pair:
    subject, noun = a_subject(dice, ACTIVE), dice.pick(tagged("food", "animal", "drink", "clothes", "write", "ride"))
    if "animal" in subject.tags:
        noun = dice.pick(tagged("feed"))
    adjectives = describe(dice, noun) if dice.chance(0.3) else ()
    plural = "mass" not in noun.tags
    english = noun_phrase(noun, "bare", plural, adjectives).en
    thing = (english, noun_phrase(noun, "the", plural, adjectives).fr)
    negative, question = dice.pick([(False, False), (False, False), (True, False), (False, True)])
    text = clause(subject, VERBS["like"], "present", thing, negative=negative, question=question)
    return pair(text, [subject.key, "like", noun.en], "?" if question else ".")


def having(dice: Dice) -> Pair:
    subject, noun = a_subject(dice), dice.pick(tagged("thing", "pet", "clothes", "role", "food"))
    tense, form = dice.pick(["present", "present", "past"]), dice.pick(["", "", "negative", "question", "many"])
    thing = some_noun(dice, noun, ["no"] if form == "negative" else ["a", "a", "number"], 0.35)
    key = [subject.key, "have", noun.en]
    avoir = state(subject, tense, "avoir")
    if form == "many" and "mass" not in noun.tags and subject.person:
        english, french = clause(subject, VERBS["have"], "present", question=True)
        return pair((f"how many {noun.en_plural} {english}", f"combien de {noun.fr_plural} {french}"), key, "?")
    if form == "question":
        english, _ = clause(subject, VERBS["have"], tense, thing.text, question=True)
        return pair((english, f"est-ce que {subject.fr} {avoir} {thing.fr}"), key, "?")
    english, _ = clause(subject, VERBS["have"], tense, thing.text, negative=form == "negative")
    french = f"ne {avoir} pas" if form == "negative" else avoir
    return pair((english, f"{subject.fr} {french} {thing.fr}"), key)


def presenting(dice: Dice) -> Pair:
    noun = dice.pick(tagged("thing", "pet", "role", "kin", "own", "clothes"))
    thing = some_noun(dice, noun, ["my", "your", "his", "her", "our", "their"], 0.5)
    english = "these are" if thing.plural else "this is"
    if dice.chance(0.3):
        french = "ce ne sont pas" if thing.plural else "ce n'est pas"
        return pair((f"{english} not {thing.en}", f"{french} {thing.fr}"), ["this", thing.en.split()[0], *thing.words])
    french = "ce sont" if thing.plural else "c'est"
    return pair((f"{english} {thing.en}", f"{french} {thing.fr}"), ["this", thing.en.split()[0], *thing.words])


def bidding(dice: Dice, owner: Phrase, negative: bool) -> tuple[Verb, Phrase, Noun]:
    """A verb and an object for an order, a proposal or a wish."""
    verb, noun = transitive(dice, owner)
    while verb.en in INFINITE:
        verb, noun = transitive(dice, owner)
    return verb, an_object(dice, noun, owner, negative, 0.2), noun


def order(dice: Dice) -> Pair:
    negative = dice.chance(0.3)
    verb, thing, noun = bidding(dice, PRONOUNS[1], negative)
    key = [verb.en, noun.en]
    if dice.chance(0.15):
        noun = dice.pick(tagged("to"))
        goal = noun_phrase(noun, "the")
        verb, key = VERBS["go"], ["go", noun.en]
        thing = Phrase(f"to {goal.en}", f"à {goal.fr}", noun.en)
    rest = dice.pick([NOTHING, NOTHING, (", please", ", s'il te plaît"), WHEN["progressive"][0]])
    if negative:
        rest = rest if rest[0] != "now" else NOTHING
        return pair(glue((f"do not {verb.en}", f"ne {imperative(verb)} pas"), thing.text, rest), key)
    return pair(glue((verb.en, imperative(verb)), thing.text, rest), key)


def proposal(dice: Dice) -> Pair:
    negative = dice.chance(0.15)
    verb, thing, noun = bidding(dice, PRONOUNS[4], negative)
    key, text = [verb.en, noun.en], thing.text
    if dice.chance(0.35):
        verb = VERBS[dice.pick(["go", "dance", "sing", "play", "stay", "work"])]
        noun = dice.pick(tagged("to" if verb.en == "go" else "in"))
        goal = noun_phrase(noun, "the")
        key, text = [verb.en, noun.en], (f"in {goal.en}", f"dans {goal.fr}")
        if verb.en == "go":
            text = (f"to {goal.en}", f"à {goal.fr}")
    nous = verb.present[3]
    rest = dice.pick([NOTHING, NOTHING, WHEN["near"][0], WHEN["progressive"][1]])
    start = (f"let's not {verb.en}", f"ne {nous} pas") if negative else (f"let's {verb.en}", nous)
    return pair(glue(start, text, rest), key)


def wish(dice: Dice) -> Pair:
    subject = dice.pick([PRONOUNS[2], PRONOUNS[3], PRONOUNS[5], PRONOUNS[5], a_subject(dice, pronouns=0.0)])
    verb, thing, noun = bidding(dice, subject, False)
    key, text = [verb.en, noun.en], thing.text
    if dice.chance(0.35):
        verb = VERBS[dice.pick(["dance", "sing", "play", "sleep", "work", "run", "stay", "leave", "come back"])]
        text = place(dice, "in") if verb.en not in ("leave", "come back") else NOTHING
        key = [subject.key, verb.en]
    whom = {"he": "him", "she": "her", "they": "them"}.get(subject.en, subject.en)
    start = (f"let {whom} {verb.en}", f"que {subject.fr} {subjunctive(verb, subject.plural)}")
    return pair(glue(start, text), [subject.key, *key])


def giving(dice: Dice) -> Pair:
    subject, verb = a_subject(dice), VERBS[dice.pick(list(DITRANSITIVE))]
    noun = dice.pick(tagged(*verb.objects))
    feeds = "feed" in noun.tags and dice.chance(0.4)
    others = [other for other in tagged("pet" if feeds else "person") if other.en not in subject.key.split("+")]
    receiver = some_noun(dice, dice.pick(others), ["the", "the", "my", "our"], 0.05)
    negative = dice.chance(0.15)
    rest = glue(an_object(dice, noun, subject, negative).text, (f"to {receiver.en}", f"à {receiver.fr}"))
    text = finite(dice, subject, verb, rest, 0.15, float(negative))
    return pair(text, [subject.key, verb.en, noun.en, receiver.key])


def feel(subject: Phrase, tense: str, feeling: str, *, negative: bool = False, question: bool = False) -> Text:
    what = (feeling, FEELINGS[feeling])
    return be(subject, tense, what, negative=negative, question=question, french="avoir")


def feeling(dice: Dice) -> Pair:
    subject, what = a_subject(dice, ACTIVE, 0.4), dice.pick(list(FEELINGS))
    tense, form = dice.pick(["present", "present", "past"]), dice.pick(["", "", "negative", "question", "why"])
    text = feel(subject, tense, what, negative=form == "negative", question=form in ("question", "why"))
    if form == "why":
        text = glue(("why", "pourquoi"), text)
    return pair(text, [subject.key, "be", what], "." if form in ("", "negative") else "?")


EVENTS = {"gain": ["find", "buy", "see"], "loss": ["lose", "forget"], "plan": ["visit", "see", "buy"]}


def reason(dice: Dice) -> Pair:
    subject = a_subject(dice, pronouns=0.35)
    again = Phrase(*subject.pronoun, subject.key, subject.person, subject.gender, subject.tags)
    kind = dice.pick(["gain", "loss", "plan", "state", "need"])
    if kind in ("state", "need"):
        if kind == "state":
            verb = VERBS[dice.pick(["sing", "dance", "work", "run", "swim", "play"])]
            cause = dice.pick(["tired", "sick"])
            adjective = next(adjective for adjective in ADJECTIVES if adjective.en == cause)
            first = clause(subject, verb, "progressive", negative=True)
            second = be(again, "present", predicate(adjective, again))
            key = [subject.key, verb.en, cause]
        else:
            verb = VERBS[dice.pick(["eat", "drink"])]
            cause = {"eat": "hungry", "drink": "thirsty"}[verb.en]
            noun = dice.pick(tagged(*verb.objects))
            first = clause(subject, verb, "progressive", some_noun(dice, noun, ["the", "a", "a"], 0.1).text)
            second = feel(again, "present", cause)
            key = [subject.key, verb.en, noun.en]
        return pair(glue(first, ("because", "parce que"), second), key)
    mood = "sad" if kind == "loss" else "happy"
    adjective = next(adjective for adjective in ADJECTIVES if adjective.en == mood)
    first = be(subject, "present", predicate(adjective, subject))
    verb = VERBS[dice.pick(EVENTS[kind])]
    noun = dice.pick(tagged(*verb.objects - {"person", "building", "food"}))
    dets = {"gain": ["a", "the"], "loss": [subject.possessive], "plan": ["a", "the"]}[kind]
    thing = some_noun(dice, noun, dets, 0.1)
    second = clause(again, verb, "near" if kind == "plan" else "past", thing.text)
    return pair(glue(first, ("because", "parce que"), second), [subject.key, verb.en, noun.en])


OPPOSITES = [
    ("small", "big"), ("old", "young"), ("old", "new"), ("happy", "sad"), ("clean", "dirty"), ("white", "black"),
    ("red", "blue"), ("green", "yellow"), ("hot", "cold"), ("gray", "white"), ("rich", "happy"), ("heavy", "empty"),
    ("beautiful", "expensive"), ("good", "cold"), ("strong", "tired"), ("kind", "funny"), ("brave", "busy"),
]  # fmt: skip


def contrast(dice: Dice) -> Pair:
    """Two descriptions with but: of one thing, or of two alike."""
    pairs = [[adjective for name in names for adjective in ADJECTIVES if adjective.en == name] for names in OPPOSITES]
    one, other = dice.pick(pairs)
    if dice.chance(0.5):
        one, other = other, one
    first = dice.pick(suited(one))
    alike = [noun for noun in suited(other) if noun.tags & first.tags & KINDS and noun is not first]
    if not alike:
        return contrast(dice)
    second = dice.pick(alike)
    left = some_noun(dice, first, ["the", "this", "my"], 0.0)
    right = some_noun(dice, second, ["the", "your"], 0.0)
    text = glue(
        be(left, "present", predicate(one, left)),
        ("but", "mais"),
        be(right, "present", predicate(other, right)),
    )
    return pair(text, [left.key, one.en, right.key, other.en])


def addition(dice: Dice) -> Pair:
    """Two things that people do with and, two objects, or something one has but for another that one has not."""
    subject = a_subject(dice)
    kind = dice.pick(["clauses", "objects", "lack"])
    if kind == "clauses":
        verbs = [VERBS[name] for name in ("sing", "dance", "work", "sleep", "play", "run")]
        verb = dice.pick(verbs)
        verb2 = dice.pick([other for other in verbs if other is not verb])
        other = a_subject(dice, pronouns=0.2)
        first, second = clause(subject, verb, "progressive"), clause(other, verb2, "progressive")
        return pair(glue(first, ("and", "et"), second), [subject.key, verb.en, other.key, verb2.en])
    if kind == "lack":
        nouns = tagged("thing", "pet")
        has = dice.pick(nouns)
        lacks = dice.pick([noun for noun in nouns if noun is not has])
        first = clause(subject, VERBS["have"], "present", some_noun(dice, has, ["a", "number"], 0.1).text)
        again = Phrase(*subject.pronoun, subject.key, subject.person, subject.gender, subject.tags)
        second = clause(again, VERBS["have"], "present", noun_phrase(lacks, "no").text, negative=True)
        return pair(glue(first, ("but", "mais"), second), [subject.key, has.en, lacks.en])
    verb = VERBS[dice.pick(["eat", "buy", "see", "prepare", "sell", "draw"])]
    nouns = tagged(*verb.objects - {"building"})
    one = dice.pick(nouns)
    two = dice.pick([noun for noun in nouns if noun is not one])
    dets = dice.pick([["a"], ["the"]])
    things = join(some_noun(dice, one, dets, 0.1), some_noun(dice, two, dets, 0.1))
    return pair(finite(dice, subject, verb, things.text, 0.2, 0.0), [subject.key, verb.en, one.en, two.en])


def possession(dice: Dice) -> Pair:
    owner = some_noun(dice, dice.pick(tagged("person")), ["the", "the", "my"], 0.0)
    owner = named(dice) if dice.chance(0.25) else owner
    genitive = f"{owner.en}'" if owner.en.endswith("s") and owner.plural else f"{owner.en}'s"
    noun = dice.pick(tagged("thing", "pet", "clothes", "own"))
    plural = dice.chance(0.3)
    thing = noun_phrase(noun, "the", plural)
    english, french = f"{genitive} {thing.en.removeprefix('the ')}", f"{thing.fr} de {owner.fr}"
    subject = Phrase(english, french, f"{owner.key}+{noun.en}", thing.person, noun.gender, noun.tags)
    if dice.chance(0.45):
        adjective = dice.pick([adjective for adjective in ADJECTIVES if suits(adjective, noun)])
        tense = dice.pick(["present", "present", "past"])
        return pair(be(subject, tense, predicate(adjective, subject)), [subject.key, adjective.en])
    doer = a_subject(dice, pronouns=0.6)
    fitting = [verb for verb in EVERYDAY if verb.objects & noun.tags and verb.en not in DITRANSITIVE]
    verb = dice.pick(fitting or [VERBS["see"]])
    return pair(finite(dice, doer, verb, subject.text), [doer.key, verb.en, noun.en, owner.key])


def greeting(dice: Dice) -> Pair:
    noun = dice.pick([noun for noun in tagged("role", "kin") if "one" not in noun.tags])
    friend = noun_phrase(noun, "my", dice.chance(0.3))
    called = dice.pick([named(dice), named(dice), friend, Phrase("everyone", "tout le monde", "everyone")])
    if dice.chance(0.35):
        thing = some_noun(dice, dice.pick(tagged("food", "drink", "give", "write")), ["the", "this", "your"], 0.3)
        hello = f"thank you for {thing.en}", f"merci pour {thing.fr}"
        key, sign = ["thank", *thing.words], "."
        if dice.chance(0.5):
            return pair(hello, key, sign)
        called = named(dice)
    else:
        hello = dice.pick(list(GREETINGS.items()))
        sign = "?" if hello[0] in ("how are you", "where are you") else "."
        key = [hello[0]]
    return pair((f"{hello[0]}, {called.en}", f"{hello[1]}, {called.fr}"), [*key, called.key], sign)


def comparing(dice: Dice) -> Pair:
    adjective = dice.pick([adjective for adjective in ADJECTIVES if adjective.comparative != "-"])
    nouns = suited(adjective)
    if "person" in adjective.tags and dice.chance(0.6):
        nouns = tagged("person") if adjective.en != "beautiful" else tagged("animal")
    first = dice.pick(nouns)
    alike = [noun for noun in nouns if noun.tags & first.tags & KINDS - {"thing"} and noun is not first]
    if alike:
        subject = some_noun(dice, first, ["the", "the", "this", "my", "our"], 0.0)
        other = some_noun(dice, dice.pick(alike), ["the", "the", "my", "your"], 0.0)
    else:
        subject, other = (noun_phrase(first, owner, False) for owner in ("my", "your"))
    if "person" in first.tags and dice.chance(0.4):
        subject = dice.pick([*PRONOUNS, named(dice)])
    form = adjective.form(subject.gender, subject.plural)
    what = f"{adjective.comparative} than {other.en}", f"plus {form} que {other.fr}"
    negative = dice.chance(0.15)
    return pair(be(subject, "present", what, negative=negative), [subject.key, adjective.en, other.key])


KINDS = frozenset({"person", "animal", "food", "drink", "clothes", "thing", "building", "place", "ride"})


def age(dice: Dice) -> Pair:
    noun = dice.pick([*tagged("animal"), *[noun for noun in NOUNS if noun.en in YOUNG] * 3])
    young = some_noun(dice, noun, ["the", "this", "my", "your", "our"], 0.0)
    number, nombre = dice.pick(list(NUMBERS.items()))
    subject = dice.pick([dice.pick(PRONOUNS), named(dice), young])
    if dice.chance(0.3) and subject not in PRONOUNS:
        is_ = BE_NOW[subject.plural][0]
        avoir = state(subject, "present", "avoir")
        return pair((f"how old {is_} {subject.en}", f"quel âge {avoir} {subject.fr}"), ["how old", subject.key], "?")
    tense = dice.pick(["present", "present", "past"])
    what = f"{number} years old", f"{nombre} ans"
    return pair(be(subject, tense, what, french="avoir"), [subject.key, number])


def living(dice: Dice) -> Pair:
    subject, noun = a_subject(dice), dice.pick([noun for noun in NOUNS if noun.en in HOMES])
    home = noun_phrase(noun, dice.pick(["a", "a", "this"]), False, describe(dice, noun) if dice.chance(0.7) else ())
    rest = glue((f"in {home.en}", f"dans {home.fr}"), place(dice, "near") if dice.chance(0.4) else NOTHING)
    tense = dice.pick(["present", "progressive", "near", "past", "future"])
    return pair(clause(subject, VERBS["live"], tense, rest, negative=dice.chance(0.15)), [subject.key, "live", noun.en])


YOUNG = ("boy", "girl", "child", "brother", "sister", "friend")
HOMES = ("house", "village", "city", "castle", "hotel")

# Each frame with its share of the corpus.
FRAMES: dict[Callable[[Dice], Pair], int] = {
    statement: 18, yes_no: 7, activity: 7, motion: 7, movement: 6, description: 8, asked_description: 4, trade: 3,
    where: 5, who: 4, what: 4, existence: 6, modal: 7, liking: 5, having: 5, presenting: 4, order: 6, proposal: 4,
    wish: 4, giving: 6, feeling: 3, reason: 6, contrast: 3, addition: 4, possession: 5, greeting: 3, comparing: 4,
    age: 3, living: 3,
}  # fmt: skip
