"""Columns of a table that are not what their role needs: each is refused with the option that settles it."""

from collections.abc import Collection, Mapping, Sequence
from shlex import quote

from gpt2kit.data.columns import checks
from gpt2kit.data.columns.cell_text import columns_in
from gpt2kit.data.columns.choices import number_of, read_options
from gpt2kit.data.columns.known_layouts import normalized
from gpt2kit.data.columns.roles import KINDS, WEAK_TEXTS, known_column
from gpt2kit.data.columns.sample import Sample
from gpt2kit.data.lines import cut
from gpt2kit.data.tables.rows import listed
from gpt2kit.errors import DataError


def check_answers(sample: Sample) -> None:
    """Raises DataError for choices without a column that is known as their answer."""
    columns = dict.fromkeys(name for _, row in sample.rows for name in row)
    choices = known_column("choices", columns)
    if not choices:
        return
    context = known_column("context", columns) or next(iter(checks.text_columns(sample.columns)), "COLUMN")
    taken = {*columns_in(choices, columns), *columns_in(context, columns)}
    answers = [name for name in checks.label_columns(sample.columns) if name not in taken]
    words = f"context={context},choices={choices},answer={answers[0] if answers else 'COLUMN'}"
    raise DataError(
        f"{sample.where}: {choices!r} looks like choices, but no column of {cut(listed(columns))} is known as their "
        f"answer; name it, as in --columns {quote(words)}, or name the columns of other roles"
    )


def check_twins(named: Collection[str], sample: Sample, roles: Mapping[str, str]) -> None:
    """Raises DataError if the name of a column is that of another one but for case, spaces or hyphens, unless the user
    named it."""
    taken = ((role, each) for role in roles if role not in named for each in columns_in(roles[role], sample.columns))
    for role, column in taken:
        same = [name for name in sample.columns if normalized(name) == normalized(column)]
        if len(same) > 1:
            raise DataError(
                f"{sample.where}: the columns {listed(same)} have the same name except for case, spaces or hyphens; "
                f"choose one, as in --columns {quote(f'{role}={column}')}"
            )


def check_texts(named: Collection[str], sample: Sample, kind: str, roles: Mapping[str, str]) -> None:
    """Raises DataError for an index or an identifier in the place of a text, unless the user named it."""
    for role in KINDS[kind]:
        column = roles[role]
        values = sample.columns.get(column, [])
        if role in ("label", "answer", "completion", "choices", "messages") or role in named or not values:
            continue
        others = [name for name in checks.text_columns(sample.columns) if name not in roles.values()]
        identifiers = checks.are_identifiers(values) and bool(others)
        if checks.are_numbers(values) or identifiers:
            what = "numbers" if checks.are_numbers(values) else "identifiers"
            hint = f"{role}={others[0]}" if others else f"{role}=COLUMN"
            raise DataError(
                f"{sample.where}: column {column!r} has {what}, such as {cut(values[0])!r}, not texts; choose the "
                f"column for {role!r}, as in --columns {quote(hint)}; if these are the texts, "
                f"--columns {quote(f'{role}={column}')}"
            )


def check_prompts(sample: Sample, roles: Mapping[str, str]) -> None:
    """Raises DataError if equal prompts have different completions, unless a column is added that is left out."""
    taken = sample.taken(roles)
    others = [name for name in sample.columns if name not in taken and not checks.ABOUT_THE_ROW.fullmatch(name)]
    rows = [{name: str(row.get(name) or "") for name in (*taken, *others)} for _, row in sample.rows]
    given, answer = roles["prompt"], roles["completion"]
    prompt = columns_in(given, sample.columns)
    ambiguous = _ambiguous(rows, prompt, answer)
    if ambiguous <= checks.RARE * len(rows):
        return
    for other in others:
        clear = 2 * _ambiguous(rows, [*prompt, other], answer) < ambiguous
        if clear and not checks.are_identifiers(sample.columns[other]):
            longer = sample.longer(given, other)
            raise DataError(
                f"{sample.where}: {ambiguous:,} of {len(rows):,} rows have the same {given!r} as another one "
                f"and a different {answer!r}; if {other!r} belongs to the prompt: "
                f"--columns {quote(f'prompt={longer},completion={answer}')}; if not: "
                f"--columns {quote(f'prompt={given},completion={answer}')}"
            )


def _ambiguous(rows: Sequence[Mapping[str, str]], prompt: Sequence[str], answer: str) -> int:
    """The number of rows whose prompt has different answers."""
    answers: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        answers.setdefault(tuple(row[name] for name in prompt), []).append(row[answer])
    return sum(len(found) for found in answers.values() if len({*found}) > 1)


def check_left_out(sample: Sample, roles: Mapping[str, str]) -> None:
    """Raises DataError if a column next to a text looks like its label, or like another text next to what is rarely the
    text itself."""
    text = roles["text"]
    alone = "--columns " + quote(f"text={text}")
    texts = sample.text_columns(roles)
    nested = [name for name, value in sample.rows[0][1].items() if isinstance(value, list | dict)]
    if normalized(text) in WEAK_TEXTS and (texts or nested):
        words = "--columns " + quote(f"prompt={text},completion={texts[0] if texts else 'COLUMN'}")
        raise DataError(
            f"{sample.where}: cannot tell what the columns {cut(listed(sample.columns), 300)} are for; name their "
            f"roles, as in {words}; to learn only how {text!r} continues, {alone}"
        )
    if labels := sample.label_columns(roles):
        name = labels[0]
        values = list(dict.fromkeys(sample.columns[name]))
        raise DataError(
            f"{sample.where}: column {name!r} looks like a label of {text!r}: different values in "
            f"{len(sample.columns[name]):,} rows: {len(values)} ({cut(', '.join(values[:9]))}); to learn it, "
            f"--columns {quote(f'text={text},label={name}')}; to learn only how the text continues, {alone}"
            + (f" (other columns like it: {listed(labels[1:])})" if labels[1:] else "")
        )


def check_labels(labels: Sequence[str], column: str, sample: Sample) -> None:
    """Raises DataError for scores and for identifiers."""
    shown = ", ".join(list(dict.fromkeys(labels))[:5])
    distinct = f"different values in {len(labels):,} rows: {len(set(labels)):,} ({cut(shown)})"
    if len(labels) >= checks.ENOUGH_FOR_IDENTIFIERS and checks.are_identifiers(labels):
        raise DataError(
            f"{sample.where}: column {column!r} has identifiers, not labels ({distinct}); choose the column "
            "of the labels with --columns label=COLUMN"
        )
    if checks.are_scores(labels, column):
        raise DataError(
            f"{sample.where}: column {column!r}: labels are numbers: scores are not learned ({distinct}); put classes "
            "into a column, such as low, medium and high, and name it with --columns label=COLUMN; if each number is a "
            "class, list them: --set task.labels=0,1,2"
        )


def first_number(roles: Mapping[str, str], sample: Sample, given: str) -> str:
    """The number of the first choice; as `given` if no answer is a number.

    Raises DataError if the answers contradict what is given, or do not tell and nothing is given.
    """
    numbers = []
    for where, row in sample.rows:
        options, answer = read_options(row, roles["choices"], where), row.get(roles["answer"])
        number = number_of(options, str(answer).strip(), named=isinstance(answer, str))
        if number is not None:
            numbers.append((number, len(options.texts)))
    if not numbers:
        return given
    found = checks.count_from(numbers)
    answers = ", ".join(map(str, sorted({answer for answer, _ in numbers})))
    if given:
        if found not in (None, int(given)):
            raise DataError(
                f"{sample.where}: column {roles['answer']!r}: --count-from {given}, but the answers count from "
                f"{found}: they are {answers}"
            )
        return given
    if found is None:
        raise DataError(
            f"{sample.where}: column {roles['answer']!r}: the numbers of the choices may count from 0 or from 1: all "
            f"{len(numbers):,} answers are {answers}; choose with --count-from 0 or --count-from 1"
        )
    return str(found)
