"""The shell's words: a missing verb means generate, and a corpus option takes all words up to the next option."""

import pytest

from gpt2kit.cli.arguments import TaskSyntax, expand
from gpt2kit.errors import UserError

COMMANDS = ("prepare", "show", "train", "generate", "evaluate")
TASKS = {"music": TaskSyntax((*COMMANDS, "render")), "translate": TaskSyntax(COMMANDS)}


@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        ("translate text", "translate generate text"),
        ("translate --run R text", "translate generate --run R text"),
        ("translate", "translate generate"),
        ("music primer.mid", "music generate primer.mid"),
        ("translate prepare a.en a.fr", "translate prepare a.en a.fr"),
        ("translate generate train", "translate generate train"),
        ("translate --help", "translate --help"),
        ("translate -h", "translate -h"),
        ("translate train --help", "translate train --help"),
        ("recipes show translate", "recipes show translate"),
        ("demo translate", "demo translate"),
        ("--version", "--version"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_a_missing_verb_means_generate(words: str, expanded: str) -> None:
    assert expand(words.split(), TASKS) == expanded.split()


def test_a_verb_without_a_task_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"name a task first: gpt2kit TASK prepare \.\.\., where TASK is music, translate"
    ):
        expand(["prepare", "a.en", "a.fr"], TASKS)
    with pytest.raises(UserError, match=r"where TASK is music$"):
        expand(["render", "a.mid"], TASKS)


def test_a_task_alone_on_a_terminal_asks_for_help() -> None:
    assert expand(["translate"], TASKS, on_terminal=True) == ["translate"]
    assert expand(["translate", "I am"], TASKS, on_terminal=True) == ["translate", "generate", "I am"]
    assert expand(["music", "--seconds", "1"], TASKS, on_terminal=True) == ["music", "generate", "--seconds", "1"]


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        *(("trian", "train"), ("tarin", "train"), ("tran", "train"), ("traim", "train"), ("trainn", "train")),
        *(("prepar", "prepare"), ("perpare", "prepare"), ("preprare", "prepare")),
        *(("evalute", "evaluate"), ("evaluat", "evaluate"), ("evalaute", "evaluate")),
        *(("generat", "generate"), ("genrate", "generate"), ("genereate", "generate")),
        *(("shwo", "show"), ("sohw", "show"), ("sho", "show")),
    ],
)
@pytest.mark.parametrize("more", [[], ["data/x"], ["--out", "r"]])
def test_a_misspelled_verb_is_refused(word: str, verb: str, more: list[str]) -> None:
    with pytest.raises(UserError) as refused:
        expand(["translate", word, *more], TASKS)
    assert str(refused.value) == (
        f"'{word}' is not a command of translate. Did you mean `gpt2kit translate {verb}`? "
        f"If it is the input itself: gpt2kit translate generate {word}"
    )
    assert refused.value.exit_code == 2
    assert expand(["translate", "generate", word], TASKS) == ["translate", "generate", word]


def test_only_commands_of_the_task_are_suggested() -> None:
    with pytest.raises(UserError, match=r"Did you mean `gpt2kit music render`\?"):
        expand(["music", "rendr", "piece.mid"], TASKS)
    for text in ("rendr", "rendre", "rendez", "rende", "ender"):
        assert expand(["translate", text], TASKS) == ["translate", "generate", text]
    assert expand(["translate", "render", "a.mid"], TASKS) == ["translate", "render", "a.mid"], "Typer refuses it"


@pytest.mark.parametrize(
    "text",
    [
        *("training", "trained", "trains", "rain", "brain", "grain", "trail", "strain", "terrain"),
        *("how", "snow", "slow", "shop", "shoe", "shows", "shown", "show me", "who"),
        *("prepared", "separate", "generation", "generated", "general", "generator", "evaluation"),
        *("Train", "Show", "show!", "trian.", "sender", "gender", "trian, please", "être", "prépare"),
        *("dhow", "shaw", "shew", "whow", "trein", "traan", "traen", "traino", "valuate", "evacuate", "devaluate"),
        *("preparer", "prepara", "preparo", "prepari", "generare", "generata", "generato", "generale", "generatie"),
        *("hello", "I am", "", "a", "primer.mid", "--run"),
    ],
)
def test_a_text_is_not_taken_for_a_misspelled_verb(text: str) -> None:
    assert expand(["translate", text], TASKS) == ["translate", "generate", text]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        ("--val a.en a.fr --out d", "--val a.en --val a.fr --out d"),
        ("--val a.tsv --out d", "--val a.tsv --out d"),
        ("--val de=a.tsv fr=b.tsv", "--val de=a.tsv --val fr=b.tsv"),
        ("--val de=a.tsv b.en", "--val de=a.tsv --val b.en"),
        ("--val hf:o/n:c x", "--val hf:o/n:c --val x"),
        ("--val a.jsonl.gz b.jsonl", "--val a.jsonl.gz --val b.jsonl"),
        ("--val a.jsonl.gz x", "--val a.jsonl.gz --val x"),
        ("--val de=a.en a.de x", "--val de=a.en --val a.de --val x"),
        ("--val a.en a.fr a.en a.de --json", "--val a.en --val a.fr --val a.en --val a.de --json"),
        ("--val a.en a.fr --test b.en b.fr", "--val a.en --val a.fr --test b.en --test b.fr"),
        ("--test a b c --val d", "--test a --test b --test c --val d"),
        ("--val a.en a.fr --val a.en a.de", "--val a.en --val a.fr --val a.en --val a.de"),
        ("--val=a.txt b.txt --out=d", "--val=a.txt --val b.txt --out=d"),
        ("--val a.en --out d", "--val a.en --out d"),
        ("--val", "--val"),
        ("--val --out d", "--val --out d"),
        ("x -- --val a.en a.fr", "x -- --val a.en a.fr"),
        ("--out --x a.en a.fr", "--out --x a.en a.fr"),
        ("--overwrite b.en --val a", "--overwrite b.en --val a"),
        ("--set task.vocab=300 train.steps=2 b.en", "--set task.vocab=300 --set train.steps=2 b.en"),
        ("--set task.vocab=300 b=2", "--set task.vocab=300 b=2"),
    ],
)
def test_a_corpus_option_takes_all_words_up_to_the_next_option(task: str, words: str, expanded: str) -> None:
    assert expand([task, "prepare", "t.en", *words.split()], TASKS) == [task, "prepare", "t.en", *expanded.split()]


@pytest.mark.parametrize("words", ["--val a.txt b.txt t.txt", "--out d --val=a.txt t.txt --json", "--val a t --test b"])
def test_a_corpus_option_that_leaves_nothing_to_train_on(words: str) -> None:
    with pytest.raises(UserError) as refused:
        expand(["music", "prepare", *words.split()], TASKS)
    taken = "a.txt b.txt t.txt" if "b.txt" in words else "a.txt t.txt" if "a.txt" in words else "a t"
    assert str(refused.value) == (
        f"no training corpus is left: --val takes all words up to the next option, here {taken}; give the training "
        "corpus first: gpt2kit music prepare TRAINING_CORPUS --val CORPUS"
    )


@pytest.mark.parametrize("words", ["--val a b --json t", "--val a b --out d t", "--val a b -- t", "--val a b --help"])
def test_a_training_corpus_after_the_options_is_found(words: str) -> None:
    assert expand(["music", "prepare", *words.split()], TASKS)[2:6] == ["--val", "a", "--val", "b"]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        ("--on a.en a.fr --beams 4", "--on a.en --on a.fr --beams 4"),
        ("--on a.txt", "--on a.txt"),
        ("--on a b c --json", "--on a --on b --on c --json"),
        ("--on a.tsv --on b.tsv c.tsv", "--on a.tsv --on b.tsv --on c.tsv"),
        ("--on=a --run r", "--on=a --run r"),
        ("--on", "--on"),
        ("--on --json", "--on --json"),
        ("--on a -- --on b c", "--on a -- --on b c"),
    ],
)
def test_every_word_after_on_belongs_to_the_corpus(task: str, words: str, expanded: str) -> None:
    assert expand([task, "evaluate", *words.split()], TASKS) == [task, "evaluate", *expanded.split()]


@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        ("--references a.fr b.fr --json", "--references a.fr,b.fr --json"),
        ("--references a.fr --run r", "--references a.fr --run r"),
        ("--references a.fr b.fr -- c.fr", "--references a.fr,b.fr -- c.fr"),
    ],
)
def test_references_are_all_words_up_to_the_next_option(words: str, expanded: str) -> None:
    assert expand(["translate", "evaluate", *words.split()], TASKS) == ["translate", "evaluate", *expanded.split()]


def test_several_columns() -> None:
    words = ["translate", "evaluate", "--columns", "en", "fr", "--on", "a.tsv"]
    assert expand(words, TASKS) == ["translate", "evaluate", "--columns", "en,fr", "--on", "a.tsv"]
    words = ["translate", "prepare", "--columns", "text=1", "label=0", "fr=a.csv"]
    assert expand(words, TASKS) == ["translate", "prepare", "--columns", "text=1,label=0", "fr=a.csv"]


@pytest.mark.parametrize("old", ["--pairs", "--file", "--pairs=a.tsv"])
def test_the_old_words_for_a_corpus_name_the_new_one(old: str) -> None:
    with pytest.raises(UserError, match=f"{old.partition('=')[0]} is now --on: gpt2kit music evaluate --on CORPUS"):
        expand(["music", "evaluate", "--run", "r", old], TASKS)
    assert old in expand(["music", "generate", old], TASKS), "other verbs are not concerned"


def test_the_words_are_left_as_they_were() -> None:
    words = ["translate", "--val", "a.en", "a.fr"]
    expand(words, TASKS)
    assert words == ["translate", "--val", "a.en", "a.fr"]


def test_a_home_behind_an_equals_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shell leaves a ~; what is a text stays one."""
    monkeypatch.setenv("HOME", "/home/me")
    words = ["translate", "train", "d", "--out=~/run", "--set", "task.tokenizer=~/gpt2", "--init=~"]
    expanded = ["translate", "train", "d", "--out=/home/me/run", "--set", "task.tokenizer=/home/me/gpt2"]
    assert expand(words, TASKS) == [*expanded, "--init=/home/me"]
    words = ["translate", "train", "d", "--set", "train.steps=2", "task.tokenizer=~/gpt2"]
    assert expand(words, TASKS)[-2:] == ["--set", "task.tokenizer=/home/me/gpt2"]
    for words in (["translate", "generate", "x=~/y", "~/y"], ["translate", "generate", "--", "--out=~/y"]):
        assert expand(words, TASKS) == words
