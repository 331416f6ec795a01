"""Sentence pairs: separators, languages, and what the contract test and others take as examples of this task."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import recipe
from gpt2kit.data.bpe import Bpe
from gpt2kit.errors import DataError, UserError
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.translate import Sentence, Translate

PAIRS = [
    ("I am a student", "je suis étudiant"),
    ("let them eat cake", "qu'ils mangent du gâteau"),
    ("good morning", "bonjour"),
    ("two lines", "un\ndeux"),
]

TINY = [
    *("task.vocab=300", "task.held_out=0.3", "model.size=", "model.n_layer=1", "model.n_head=2", "model.n_embd=32"),
    *("model.n_positions=64", "model.dropout=0", "train.steps=60", "train.optimizer=adamw", "train.lr=1e-2"),
    "train.zero_projections=false",
    *("train.label_smoothing=0", "train.ema=0", "train.dtype=fp32", "train.compile=off", "train.samples=0"),
    *("train.evaluate_every=60", "generate.max_new_tokens=32"),
]
"""Settings under which the pairs above are known by heart after a second."""

RECORDS = [
    *(Record(Sentence(source, "fr"), target) for source, target in PAIRS),
    Record(Sentence("literal <to-fr> and <|endoftext|>", "fr"), "<to-de> reste du texte<|endoftext|>"),
    Record(Sentence("emoji 🏳️‍🌈👩🏽‍🚀, rtl שלום עולם", "fr"), "中文，日本語、한국어 "),
    Record(Sentence("e\u0301 is not \u00e9", "fr"), "espace\u202finsécable\u00a0!"),
    Record(Sentence("  spaces \t around  ", "fr"), " tab\tet\r\nfin\u2028ligne\u0085 "),
    Record(Sentence("\ufeffbom \x0b\x0c \u200b\u200d", "fr"), "\U0010ffff\ufffd"),
    Record(Sentence("", "fr"), ""),
]
"""What must survive encoding and decoding to the last byte."""


def write_corpus(folder: Path) -> list[str]:
    """The pairs as a corpus; returns the words that name it."""
    path = folder / "corpus.jsonl"
    rows = [json.dumps({"en": source, "fr": target}, ensure_ascii=False) for source, target in PAIRS]
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return [str(path)]


def opened(folder: Path, *separators: str) -> Translate:
    """A task that translates into each of `separators`, with a tokenizer learnt from the pairs."""
    languages = separators or ("fr",)
    texts = (text for pair in PAIRS for text in pair)
    Bpe.train(texts, 300, [f"<to-{language}>" for language in languages]).save(folder, 64)
    return Translate(to=languages[0], languages=languages).opened(folder)


def write(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_a_prompt_is_the_source_and_the_separator(tmp_path: Path) -> None:
    task = opened(tmp_path, "fr", "de")
    french, german = (task.bpe.id(f"<to-{language}>") for language in ("fr", "de"))
    text = task.bpe.encode(["good morning"])[0]
    assert task.encode_source(Sentence("good morning", "fr")) == [*text, french]
    assert task.encode_source(Sentence("good morning", "de")) == [*text, german]
    assert task.encode_target("bonjour") == [*task.bpe.encode(["bonjour"])[0], task.vocabulary.eos]
    assert task.parse("good morning") == Sentence("good morning", "fr")


def test_a_literal_separator_is_text(tmp_path: Path) -> None:
    task = opened(tmp_path)
    special = {task.vocabulary.eos, task.bpe.id("<to-fr>")}
    prompt = task.encode_source(Sentence("a <to-fr> b <|endoftext|> c", "fr"))
    assert special.isdisjoint(prompt[:-1])
    assert prompt[-1] in special
    assert special.isdisjoint(task.encode_target("<to-fr><|endoftext|>")[:-1])


def test_an_unknown_language_names_the_known_ones(tmp_path: Path) -> None:
    task = opened(tmp_path, "fr", "pt-BR")
    with pytest.raises(UserError, match="does not translate into 'de'; accepted: fr, pt-BR") as caught:
        task.encode_source(Sentence("good morning", "de"))
    assert caught.value.exit_code == 2
    with pytest.raises(UserError, match="accepted: fr, pt-BR"):
        task.encode([Record(Sentence("good morning", "de"), "guten Morgen")])


@pytest.mark.parametrize(
    ("words", "languages"),
    [
        (["a.en", "a.fr"], ["fr"]),
        (["a.en", "a.de"], ["de"]),
        (["a.en.gz", "a.pt-BR.gz"], ["pt-BR"]),
        (["a.en", "a.txt"], ["es"]),
        (["a.english", "a.portuguese"], ["es"]),
        (["a.tsv"], ["es"]),
        (["de=a.tsv", "fr=b.csv"], ["de", "fr"]),
        (["it=a.en", "a.fr"], ["it"]),
        (["a.en", "a.fr", "a.en", "a.de"], ["fr", "de"]),
        (["hf:owner/name"], ["es"]),
        (["zh=hf:owner/name"], ["zh"]),
    ],
)
def test_the_language_is_that_of_the_prefix_or_the_ending(words: list[str], languages: list[str]) -> None:
    assert [language for language, _ in Translate(to="es").corpora(words)] == languages


def test_a_prefix_is_no_part_of_the_file_name() -> None:
    assert Translate().corpora(["de=x/a.tsv", "it=a.en", "a.it"]) == [("de", ("x/a.tsv",)), ("it", ("a.en", "a.it"))]


def test_several_languages_have_one_separator_each(tmp_path: Path) -> None:
    german = write(tmp_path / "de.tsv", "good morning\tguten Morgen")
    french = write(tmp_path / "fr.tsv", "good morning\tbonjour", "thank you\tmerci")
    words = [f"de={german}", f"fr={french}", f"de={german}"]
    task = Translate(vocab=300)
    records = list(task.read(words))
    assert [(record.source.to, record.target) for record in records] == [
        *(("de", "guten Morgen"), ("fr", "bonjour"), ("fr", "merci"), ("de", "guten Morgen")),
    ]
    fitted = task.fit(words, records, tmp_path, 64)
    assert fitted.languages == ("de", "fr")
    assert fitted.to == "fr"
    assert Translate(to="it", vocab=300).fit(words, records, tmp_path, 64).to == "de"
    vocabulary = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert sorted(token["content"] for token in vocabulary["added_tokens"]) == ["<to-de>", "<to-fr>", "<|endoftext|>"]


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("a", "b", None),
        ("", "b", "source empty"),
        ("a", " \t", "target empty"),
        (" ", "\u3000", "both sides empty"),
        ("-", "-", None),
    ],
)
def test_blank_sides_are_problems(source: str, target: str, problem: str | None) -> None:
    assert Translate().pair(Sentence(source, "fr"), target).problem == (problem or "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"to": "french!"}, "'french!' is not a language code"),
        ({"languages": ["fr", "<de>"]}, "'<de>' is not a language code"),
        ({"columns": "en"}, "columns = en; expected two names: source,target"),
        ({"columns": ["a", "b", "c"]}, "columns = a,b,c; expected two names: source,target"),
        ({"held_out": 0}, "held_out = 0.*; expected a number above 0 and below 1"),
        ({"held_out": 1.5}, "held_out = 1.5; expected a number above 0 and below 1"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        recipe.build_section(Translate, "task", settings)


def test_columns_choose_those_of_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,fr,en", "1,bonjour,good morning")
    task = recipe.build_section(Translate, "task", {"columns": "en,fr"})
    assert list(task.read([path])) == [Record(Sentence("good morning", "fr"), "bonjour")]


def test_scores_carry_their_signatures() -> None:
    texts = [target for _, target in PAIRS]
    scores = {score.name: score for score in Translate().score(texts, texts)}
    assert scores.keys() == {"BLEU", "chrF++"}
    assert all(score.value == pytest.approx(100) for score in scores.values())
    assert "tok:13a" in scores["BLEU"].signature
    assert "nw:2" in scores["chrF++"].signature
    with pytest.raises(DataError, match="nothing to score: the number of references is 0"):
        Translate().score([], [])
    with pytest.raises(DataError, match="2 outputs but 1 reference:"):
        Translate().score(["a", "b"], ["a"])


def test_a_vocabulary_too_small_for_the_bytes_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"task\.vocab = 257; expected at least 258"):
        Translate(vocab=257).fit(["a.tsv"], [], tmp_path, 64)


def learned(task: Translate, data: Translate, record: Record[Sentence, Any], **given: str) -> list[Record[Any, str]]:
    """The examples that the answer "?" to each question makes."""
    return [question.learned("?") for question in task.questions([record], data, given)]


def test_what_a_run_is_asked_about_a_sentence_of_one_side() -> None:
    """A file of sentences has no language of its own: that of the answers says whether they are sources or targets."""
    fr, both = Translate(languages=("fr",)), Translate(languages=("fr", "en"))
    given = Record(Sentence("un", "fr"), None)
    assert learned(fr, fr, given) == learned(both, fr, given, to="fr") == [Record(Sentence("un", "fr"), "?")]
    assert learned(both, fr, given, to="en") == [Record(Sentence("?", "fr"), "un")]
    with pytest.raises(UserError, match="translates into fr, en: choose the language of its answers with --to"):
        learned(both, fr, given)
    with pytest.raises(UserError, match="and the data into fr, en: the language of the file is not known"):
        learned(Translate(languages=("de",)), both, given)


def test_a_run_is_not_asked_in_a_direction_that_the_data_has_not() -> None:
    """Of English into French and German, no German sentence is a source, and a French one is not translated into it."""
    several = Translate(languages=("fr", "de"))
    assert learned(several, several, Record(Sentence("one", "fr"), "un")) == [Record(Sentence("one", "fr"), "?")]
    assert learned(Translate(languages=("en",)), several, Record(Sentence("one", "fr"), "un")) == [
        Record(Sentence("?", "fr"), "un")
    ]
