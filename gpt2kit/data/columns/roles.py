"""The roles of the columns of a user's table: they decide the kind of learning."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from gpt2kit.data.columns.cell_text import columns_in
from gpt2kit.data.columns.known_layouts import by_normalized, find_layout, normalized
from gpt2kit.data.lines import cut
from gpt2kit.data.tables.rows import listed
from gpt2kit.errors import DataError

KINDS: dict[str, tuple[str, ...]] = {
    "choice": ("context", "choices", "answer"),
    "entailment": ("premise", "hypothesis", "label"),
    "similarity": ("first", "second", "label"),
    "completion": ("prompt", "completion"),
    "classification": ("text", "label"),
    "conversation": ("messages",),
    "text": ("text",),
}
"""The roles of each kind's columns; the first kind whose columns the table all has is chosen."""

PASSAGES = ("article", "passage", "paragraph", "story", "document", "dialogue", "context")

NAMES: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversations", "conversation"),
    "context": (
        *(f"{passage}+question" for passage in PASSAGES),
        *("context+query", "premise+question", "context", "question", "query", "sentence", "question_stem", "stem"),
        *("ctx", "goal", "prompt", "premise"),
    ),
    "choices": ("choices", "options", "endings", "candidates"),
    "answer": (
        *("answer", "answer_key", "answerkey", "gold_label", "label", "correct_answer", "correct_option"),
        *("answer_index", "answer_idx", "correct_index", "correct_idx", "correct_answer_index", "correct_choice"),
        *("correct", "gold", "gold_index", "target", "ans"),
    ),
    "premise": ("premise", "sentence1", "sentence_a", "text1", "text_a"),
    "hypothesis": ("hypothesis", "sentence2", "sentence_b", "text2", "text_b"),
    "first": ("first", "question1", "string1", "sentence1", "sentence_a", "text1", "text_a"),
    "second": ("second", "question2", "string2", "sentence2", "sentence_b", "text2", "text_b"),
    "prompt": (
        *("system+instruction+input", "instruction+input", "instruction+context", "instruction+question"),
        *("instruction+text", "instruction+sentence", "system_prompt+question", "system+prompt", "system+question"),
        *(f"{passage}+question" for passage in PASSAGES),
        *("prompt", "question", "instruction", "input", "inputs", "query", "user", "human", "q"),
    ),
    "completion": (
        *("completion", "answer", "response", "output", "outputs", "answers", "target", "targets", "reply"),
        *("completions", "responses", "assistant", "bot", "gpt", "a"),
    ),
    "text": (
        *("text", "sentence", "content", "review", "tweet", "headline", "comment_text", "comment", "message", "body"),
        *("review_body", "review_text", "reviewtext", "tweet_text", "originaltweet", "post", "document", "phrase"),
        *("utterance", "question_text", "question", "query", "news", "sms", "passage", "input", "title"),
    ),
    "label": (
        *("gold_label", "label", "class", "category", "sentiment", "target", "polarity", "rating", "stars", "score"),
        *("airline_sentiment", "star_rating", "overall", "intent", "topic", "emotion", "stance", "class_index"),
        *("is_duplicate", "is_sarcastic", "is_spam", "label_text", "labels"),
    ),
}
"""The names by which the column of a role is known, the usual one first; + is between columns that belong together."""

NUMBERED = re.compile(r"(?P<stem>option|opt|choice|ending|answer|sol|candidate)_?(?P<place>[0-9a-j])")
"""Columns that have one choice each, such as option1 and option2."""

WEAK_TEXTS = ("question", "question_text", "query", "input", "title")
"""Names of texts that rarely are a text to continue, if there are other texts next to them."""

HOW_TO_NAME = "--columns prompt=question,completion=answer"


def named_roles(columns: Sequence[str]) -> dict[str, str]:
    """Parse "role=column" words into a table. Raises ValueError for another word, or a role that no kind has."""
    known = dict.fromkeys(role for roles in KINDS.values() for role in roles)
    named: dict[str, str] = {}
    for word in columns:
        role, equals, column = word.partition("=")
        if not (equals and column):
            raise ValueError(f"columns: {word!r} is not of the form role=column; accepted: {HOW_TO_NAME}")
        if role not in known:
            raise ValueError(f"columns: unknown role {role!r}; accepted: {', '.join(known)}")
        if role in named:
            both = f"{role}={named[role]}+{column}"
            raise ValueError(f"columns: {role} is given twice; to give it both columns, write {both}")
        named[role] = column
    return named


def has_header(columns: Sequence[str]) -> bool:
    """Whether the first line of a table names its columns: not if columns are given by number."""
    called = named_roles(columns).values()
    return not (called and all(column.replace("+", "").isdecimal() for column in called))


def roles_of(columns: Collection[str], named: Mapping[str, str], kind: str, where: str) -> tuple[str, dict[str, str]]:
    """The kind of a table and the column of each of its roles; roles `named` by the user take precedence.

    Raises DataError when the columns fit no kind, or not the requested one, and for a column with two roles.
    """
    if twice := _with_two_roles(named, columns):
        raise DataError(f"{where}: --columns: column {twice!r} has two roles; expected another column for each role")
    layout = find_layout(columns, kind)
    if layout and named.keys() <= layout.columns.keys():
        found = {**layout.columns, **named}
        exist = all(set(columns_in(column, columns)) <= set(columns) for column in found.values())
        if exist and not _with_two_roles(found, columns):
            return layout.kind, found
    taken = {part for column in named.values() for part in columns_in(column, columns)}
    others = [column for column in columns if column not in taken]
    for name, roles in KINDS.items():
        if (kind and name != kind) or not named.keys() <= set(roles):
            continue
        found = {role: named.get(role) or known_column(role, others) for role in roles}
        if all(column and set(columns_in(column, columns)) <= set(columns) for column in found.values()):
            return name, found
    kinds = "; ".join(f"{' + '.join(roles)} ({name})" for name, roles in KINDS.items() if kind in ("", name))
    raise DataError(
        f"{where}: cannot tell what the columns {cut(listed(columns), 300)} are for; accepted: {kinds}; "
        f"name their roles, as in {HOW_TO_NAME}"
    )


def _with_two_roles(roles: Mapping[str, str], columns: Collection[str]) -> str:
    """A column that has more than one role; the answer may be the column of one of the choices."""
    parts = Counter(part for role in roles if role != "choices" for part in columns_in(roles[role], columns))
    return next((part for part, count in parts.items() if count > 1), "")


def known_column(role: str, columns: Collection[str]) -> str:
    """The column of a role by its name, or several with + between them; empty if there is none."""
    existing = by_normalized(columns)
    for name in NAMES[role]:
        if all(part in existing for part in name.split("+")):
            return "+".join(existing[part] for part in name.split("+"))
    return _choice_columns(existing) if role == "choices" else ""


def _choice_columns(existing: Mapping[str, str]) -> str:
    """Columns that have one choice each, in their order."""
    found = sorted((place["stem"], place["place"], name) for name in existing if (place := NUMBERED.fullmatch(name)))
    for _, family in groupby(found, lambda each: each[0]):
        names = [existing[name] for _, _, name in family]
        if len(names) > 1:
            return "+".join(names)
    letters = [existing[letter] for letter in "abcdefgh" if letter in existing]
    return "+".join(letters) if len(letters) > 2 else ""


def is_header(row: Mapping[str, object], taken: Collection[str]) -> bool:
    """Whether a row repeats the names of its columns, or has names where the `taken` columns are numbered."""
    if all(column.isdecimal() for column in taken):
        return all(_is_name(row.get(column)) for column in taken)
    return repeats_header(row)


def repeats_header(row: Mapping[str, object]) -> bool:
    """Whether each value is the name of its column, as where tables were joined."""
    return all(value == column for column, value in row.items())


def _is_name(value: object) -> bool:
    return isinstance(value, str) and any(normalized(value) in names for names in NAMES.values())
