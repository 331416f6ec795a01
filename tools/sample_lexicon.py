"""The words of the English-French sample corpus: nouns, adjectives and verbs, with the forms that French asks for.

Each table has one word a line. Forms that the rules below get wrong follow a slash; the last columns are semantic tags,
by which the grammar of sample_pairs.py keeps its sentences sensible: what is tagged `food` is eaten, `read` is read.
"""

from dataclasses import dataclass

NOUNS = """
man/men homme m person
woman/women femme f person
boy garçon m person
girl fille f person
child/children enfant m person
king roi m person
queen reine f person
friend ami m person role
teacher professeur m person role
student étudiant m person role
doctor médecin m person role
neighbor voisin m person role
baker boulanger m person
farmer fermier m person
singer chanteur m person
nurse infirmière f person
actress actrice f person
brother frère m person kin
sister sœur f person kin
uncle oncle m person kin
aunt tante f person kin
father père m person kin one
mother mère f person kin one
grandfather grand-père m person kin one
grandmother grand-mère f person kin one
cat chat m animal pet
dog chien m animal pet swims
horse cheval m animal pet
bird oiseau m animal pet listen
rabbit lapin m animal pet
mouse/mice souris f animal
cow vache f animal
hen poule f animal
duck canard m animal swims
wolf/wolves loup m animal
bear ours m animal swims
monkey singe m animal
elephant éléphant m animal swims
apple pomme f food good feed red green yellow
orange orange f food good
banana banane f food good feed green yellow
strawberry fraise f food good feed red
tomato/tomatoes tomate f food good red green
carrot carotte f food good feed
egg œuf m food good feed white
cookie biscuit m food good
cake gâteau m food dish good
sandwich sandwich m food dish good
bread pain m food mass good feed
cheese fromage m food mass good feed
meat viande f food mass good feed
chocolate chocolat m food mass good
soup soupe f food dish mass warm good
salad salade f food dish mass good
water eau f drink mass warm feed
milk lait m drink mass warm good feed
coffee café m drink dish mass warm good
tea thé m drink dish mass warm good
juice jus m drink mass good
book livre m read write carry thing paint good weight open close
newspaper journal m read carry thing
letter lettre f read write carry thing open
poem poème m read write listen good made
story histoire f read write listen good made
song chanson f listen write good made
movie film m watch good made
gift cadeau m carry thing give open
flower fleur f carry thing paint give draw
ball ballon m carry thing paint give
key clé f carry thing
bag sac m carry thing paint open close hold give weight
pen stylo m carry thing paint give
umbrella parapluie m carry thing paint open close
box boîte f carry thing paint open close hold weight
phone téléphone m carry thing fix give
computer ordinateur m thing fix weight
lamp lampe f thing paint fix
clock horloge f thing fix
chair chaise f thing paint fix top weight
table table f thing paint fix top under weight
plate assiette f carry thing paint wash hold
cup tasse f carry thing paint wash hold
photo photo f carry thing give
hat chapeau m carry thing paint clothes wash
dress robe f carry thing paint clothes wash
shirt chemise f carry thing paint clothes wash
shoe chaussure f carry thing paint clothes wash
coat manteau m carry thing paint clothes wash weight
car voiture f thing paint fix wash ride draw
bike vélo m thing paint fix wash ride
boat bateau m thing paint fix ride draw
train train m ride await
bus bus m ride await
door porte f paint open close part
window fenêtre f open close part wash
house maison f building in draw paint own
garden jardin m place in to own
kitchen cuisine f in wash own
bedroom chambre f in own
office bureau m in to own
park parc m place in to
forest forêt f place in to
street rue f in
village village m place in to visit
city ville f place in visit
library bibliothèque f building in at to
restaurant restaurant m building in at to
museum musée m building in at to visit
market marché m at to
school école f building at to
hotel hôtel m building at to
hospital hôpital m building at to
station gare f building at to near
church église f building near to visit
castle château m building near to visit draw
bakery boulangerie f building near to
farm ferme f building near to
river rivière f place near to
bridge pont m near top
beach plage f place top to
tree arbre m near under draw
"""

# A feminine the rule gets wrong follows the first slash, a form before a vowel the second. English comparatives in -er
# are spelled out, the others take `more`. `before` is the position of the adjective in French.
ADJECTIVES = """
small/smaller petit before animal thing place building ride own
big/bigger grand before animal thing place building ride own
tall/taller grand before person
old/older vieux/vieille/vieil before person animal thing building ride
young/younger jeune before person animal
new nouveau/nouvelle/nouvel before role thing building ride made
beautiful beau/belle/bel before person animal thing place building made
pretty/prettier joli before clothes place draw
good/- bon/bonne before good
bad/- mauvais before made
red/- rouge after paint red
blue/- bleu after paint
green/- vert after paint green
yellow/- jaune after paint yellow
white/- blanc/blanche after paint animal white
black/- noir after paint animal
gray/- gris after paint animal
happy/happier heureux/heureuse after person
sad/sadder triste after person
tired fatigué after person animal
sick/- malade after person animal
strong/stronger fort after person animal
rich/richer riche after person
busy/- occupé after person
famous célèbre after person visit
intelligent intelligent after person animal
brave/braver courageux/courageuse after person animal
funny/funnier drôle after person animal made
kind/kinder gentil/gentille after person animal
expensive cher/chère after thing clothes ride food
heavy/heavier lourd after weight
broken/- cassé after fix
clean/cleaner propre after wash
dirty/dirtier sale after wash
empty/- vide after hold
quiet/quieter calme after place own
cold/colder froid after warm
hot/hotter chaud after warm
fresh/fresher frais/fraîche after food
delicious/- délicieux/délicieuse after food
"""

# base/past/-ing form | infinitive | who does it | to what
VERBS = """
eat/ate/eating | manger | person animal | food
drink/drank/drinking | boire | person animal | drink
read/read/reading | lire | person | read
write/wrote/writing | écrire | person | write
buy/bought/buying | acheter | person | thing food
sell/sold/selling | vendre | person | thing food
see/saw/- | voir | person animal | person animal ride draw building
watch/watched/watching | regarder | person animal | watch animal ride
look for/looked for/looking for | chercher | person animal | carry pet person
find/found/- | trouver | person | carry pet
take/took/taking | prendre | person | carry ride
lose/lost/- | perdre | person | carry pet
forget/forgot/- | oublier | person | carry
choose/chose/choosing | choisir | person | clothes give read dish
wash/washed/washing | laver | person | wash
wear/wore/wearing | porter | person | clothes
draw/drew/drawing | dessiner | person | draw animal
open/opened/opening | ouvrir | person | open
close/closed/closing | fermer | person | close
prepare/prepared/preparing | préparer | person | dish
repair/repaired/repairing | réparer | person | fix
visit/visited/visiting | visiter | person | visit
listen to/listened to/listening to | écouter | person animal | listen person
help/helped/helping | aider | person | person
wait for/waited for/waiting for | attendre | person | await person
call/called/calling | appeler | person | person
like/liked/- | aimer | person | -
give/gave/giving | donner | person | give food
show/showed/showing | montrer | person | give thing
bring/brought/bringing | apporter | person | give food
sing/sang/singing | chanter | person | -
dance/danced/dancing | danser | person | -
work/worked/working | travailler | person | -
sleep/slept/sleeping | dormir | person animal | -
run/ran/running | courir | person animal | -
swim/swam/swimming | nager | person swims | -
play/played/playing | jouer | person animal | -
live/lived/living | habiter | person | -
go/went/going | aller | person | -
arrive/arrived/arriving | arriver | person | -
leave/left/leaving | partir | person | -
stay/stayed/staying | rester | person | -
fall/fell/falling | tomber | person | -
come back/came back/coming back | revenir | person | -
have/had/having | avoir | person | -
want/wanted/- | vouloir | person | -
can/could/- | pouvoir | person | -
must/-/- | devoir | person | -
"""

# infinitive: present (je tu il nous ils), past participle, stem of the future
IRREGULAR = """
être: suis es est sommes sont, été, ser
avoir: ai as a avons ont, eu, aur
aller: vais vas va allons vont, allé, ir
acheter: achète achètes achète achetons achètent, acheté, achèter
appeler: appelle appelles appelle appelons appellent, appelé, appeller
boire: bois bois boit buvons boivent, bu, boir
courir: cours cours court courons courent, couru, courr
devoir: dois dois doit devons doivent, dû, devr
dormir: dors dors dort dormons dorment, dormi, dormir
écrire: écris écris écrit écrivons écrivent, écrit, écrir
lire: lis lis lit lisons lisent, lu, lir
ouvrir: ouvre ouvres ouvre ouvrons ouvrent, ouvert, ouvrir
partir: pars pars part partons partent, parti, partir
pouvoir: peux peux peut pouvons peuvent, pu, pourr
prendre: prends prends prend prenons prennent, pris, prendr
revenir: reviens reviens revient revenons reviennent, revenu, reviendr
voir: vois vois voit voyons voient, vu, verr
vouloir: veux veux veut voulons veulent, voulu, voudr
"""

WITH_ETRE = {"aller", "arriver", "partir", "rester", "tomber", "revenir"}

# English, masculine and feminine names of what people are by trade (French leaves out the article)
JOBS = [
    ("teacher", "professeur", "professeur"),
    ("doctor", "médecin", "médecin"),
    ("student", "étudiant", "étudiante"),
    ("baker", "boulanger", "boulangère"),
    ("farmer", "fermier", "fermière"),
    ("singer", "chanteur", "chanteuse"),
    ("nurse", "infirmier", "infirmière"),
    ("lawyer", "avocat", "avocate"),
]
NAMES = {"Paul": "m", "Lucas": "m", "Louis": "m", "Marie": "f", "Emma": "f", "Alice": "f"}
# What one has in French and is in English: il a faim
FEELINGS = {"hungry": "faim", "thirsty": "soif", "cold": "froid", "hot": "chaud", "sleepy": "sommeil", "afraid": "peur"}
GREETINGS = {
    "hello": "salut",
    "good morning": "bonjour",
    "good evening": "bonsoir",
    "good night": "bonne nuit",
    "goodbye": "au revoir",
    "thank you": "merci",
    "welcome": "bienvenue",
    "see you soon": "à bientôt",
    "see you tomorrow": "à demain",
    "excuse me": "excuse-moi",
    "good luck": "bonne chance",
    "happy birthday": "bon anniversaire",
    "how are you": "comment vas-tu",
    "where are you": "où es-tu",
}
NUMBERS = {"two": "deux", "three": "trois", "four": "quatre", "five": "cinq", "six": "six", "ten": "dix"}


@dataclass(frozen=True)
class Noun:
    en: str
    en_plural: str
    fr: str
    fr_plural: str
    gender: str
    tags: frozenset[str]


@dataclass(frozen=True)
class Adjective:
    en: str
    comparative: str  # "-" where the word does not compare
    masculine: str
    feminine: str
    before_vowel: str  # the masculine in front of a vowel: bel, vieil, nouvel
    before: bool
    tags: frozenset[str]

    def form(self, gender: str, plural: bool, following: str = "") -> str:
        """The form that agrees; `following` is the word it stands in front of, if it stands in front of the noun."""
        if gender == "f":
            return french_plural(self.feminine) if plural else self.feminine
        if plural:
            return french_plural(self.masculine)
        return self.before_vowel if following and is_vowel(following[0]) else self.masculine


@dataclass(frozen=True)
class Verb:
    en: str
    third: str
    past: str
    ing: str  # "-" where English has no progressive
    fr: str
    present: tuple[str, ...]  # je, tu, il, nous, ils
    participle: str
    future: str
    auxiliary: str
    subjects: frozenset[str]
    objects: frozenset[str]


def is_vowel(letter: str) -> bool:
    return letter.lower() in "aeiouâàéèêîôûœh"  # every h of this lexicon is mute


def english_s(word: str) -> str:
    """`word` with the -s of the plural or of the third person."""
    head, _, particle = word.partition(" ")
    if head.endswith(("s", "sh", "ch", "x", "go")):
        head += "es"
    elif head.endswith("y") and head[-2] not in "aeiou":
        head = head[:-1] + "ies"
    else:
        head += "s"
    return f"{head} {particle}".strip()


def french_plural(word: str) -> str:
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + ("x" if word.endswith(("eau", "au")) else "s")


def read_nouns() -> list[Noun]:
    nouns = []
    for line in NOUNS.strip().splitlines():
        english, french, gender, *tags = line.split()
        en, _, en_plural = english.partition("/")
        nouns.append(Noun(en, en_plural or english_s(en), french, french_plural(french), gender, frozenset(tags)))
    return nouns


def read_adjectives() -> list[Adjective]:
    adjectives = []
    for line in ADJECTIVES.strip().splitlines():
        english, french, position, *tags = line.split()
        en, _, comparative = english.partition("/")
        masculine, feminine, before_vowel, *_ = [*french.split("/"), "", ""]
        feminine = feminine or (masculine if masculine.endswith("e") else masculine + "e")
        before = position == "before"
        forms = (masculine, feminine, before_vowel or masculine)
        adjectives.append(Adjective(en, comparative or f"more {en}", *forms, before, frozenset(tags)))
    return adjectives


def conjugate(infinitive: str, irregular: dict[str, str]) -> tuple[tuple[str, ...], str, str]:
    """The present, the past participle and the stem of the future."""
    if infinitive in irregular:
        present, participle, future = irregular[infinitive].split(", ")
        return tuple(present.split()), participle, future
    stem = infinitive[:-2]
    if infinitive.endswith("er"):
        nous = stem + ("eons" if stem.endswith("g") else "ons")
        return (f"{stem}e", f"{stem}es", f"{stem}e", nous, f"{stem}ent"), f"{stem}é", infinitive
    if infinitive.endswith("ir"):
        return (f"{stem}is", f"{stem}is", f"{stem}it", f"{stem}issons", f"{stem}issent"), f"{stem}i", infinitive
    return (f"{stem}s", f"{stem}s", stem, f"{stem}ons", f"{stem}ent"), f"{stem}u", infinitive[:-1]


def read_verbs() -> dict[str, Verb]:
    irregular = dict(line.split(": ") for line in IRREGULAR.strip().splitlines())
    verbs = {}
    for line in VERBS.strip().splitlines():
        english, french, subjects, objects = line.split(" | ")
        en, past, ing = english.split("/")
        auxiliary = "être" if french in WITH_ETRE else "avoir"
        tags = frozenset(subjects.split()), frozenset(objects.split())
        third = {"have": "has", "can": "can", "must": "must"}.get(en, english_s(en))
        verbs[en] = Verb(en, third, past, ing, french, *conjugate(french, irregular), auxiliary, *tags)
    return verbs
