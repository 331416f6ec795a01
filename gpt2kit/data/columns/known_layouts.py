"""Layouts of well-known datasets and tools, recognized by the names of their columns."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple


class KnownLayout(NamedTuple):
    """The columns that tell a layout from others, by their roles."""

    name: str
    kind: str
    columns: Mapping[str, str]
    """The column of each role, or several with + between them."""


def _layouts(kind: str, *layouts: str) -> Iterator[KnownLayout]:
    """Layouts of one kind, each written as "name: role=column role=column"."""
    for layout in layouts:
        name, _, words = layout.partition(": ")
        yield KnownLayout(name, kind, dict(word.split("=", 1) for word in words.split()))


LAYOUTS: tuple[KnownLayout, ...] = (
    *_layouts(
        "conversation",
        "ShareGPT: messages=conversations",
        "OpenAI's messages: messages=messages",
    ),
    *_layouts(
        "choice",
        "WinoGrande: context=sentence choices=option1+option2 answer=answer",
        "HellaSwag: context=ctx choices=endings answer=label",
        "SWAG: context=sent1+sent2 choices=ending0+ending1+ending2+ending3 answer=label",
        "PIQA: context=goal choices=sol1+sol2 answer=label",
        "COPA: context=premise+question choices=choice1+choice2 answer=label",
        "Social IQa: context=context+question choices=answerA+answerB+answerC answer=label",
        "CosmosQA: context=context+question choices=answer0+answer1+answer2+answer3 answer=label",
        "QuALITY: context=article+question choices=options answer=gold_label",
        "RACE: context=article+question choices=options answer=answer",
        "LogiQA: context=context+query choices=options answer=correct_option",
        "ReClor: context=context+question choices=answers answer=label",
        "OpenBookQA: context=question_stem choices=choices answer=answerKey",
        "ARC, CommonsenseQA: context=question choices=choices answer=answerKey",
        "MedQA: context=question choices=options answer=answer_idx",
        "MedMCQA: context=question choices=opa+opb+opc+opd answer=cop",
        "SciQ: context=question choices=correct_answer+distractor1+distractor2+distractor3 answer=correct_answer",
        "StoryCloze: context=InputSentence1+InputSentence2+InputSentence3+InputSentence4 "
        "choices=RandomFifthSentenceQuiz1+RandomFifthSentenceQuiz2 answer=AnswerRightEnding",
        "StoryCloze: context=input_sentence_1+input_sentence_2+input_sentence_3+input_sentence_4 "
        "choices=sentence_quiz1+sentence_quiz2 answer=answer_right_ending",
    ),
    *_layouts(
        "entailment",
        "MultiRC: premise=paragraph+question hypothesis=answer label=label",
        "BoolQ: premise=passage hypothesis=question label=answer",
        "BoolQ of SuperGLUE: premise=passage hypothesis=question label=label",
        "QNLI: premise=sentence hypothesis=question label=label",
        "WikiQA: premise=question hypothesis=answer label=label",
        "WiC: premise=word+sentence1 hypothesis=sentence2 label=label",
        "ANLI: premise=context hypothesis=hypothesis label=label",
        "SNLI, MNLI: premise=sentence1 hypothesis=sentence2 label=gold_label",
        "SICK: premise=sentence_A hypothesis=sentence_B label=entailment_label",
        "SICK: premise=sentence_A hypothesis=sentence_B label=label",
        "GLUE: premise=sentence1 hypothesis=sentence2 label=label",
    ),
    *_layouts(
        "similarity",
        "QQP: first=question1 second=question2 label=is_duplicate",
        "QQP of GLUE: first=question1 second=question2 label=label",
        "MRPC: first=#1_String second=#2_String label=Quality",
        "STS: first=sentence1 second=sentence2 label=similarity_score",
        "STS: first=sentence1 second=sentence2 label=score",
    ),
    *_layouts(
        "completion",
        "Alpaca: prompt=system+instruction+input completion=output",
        "Alpaca: prompt=instruction+input completion=output",
        "Dolly: prompt=instruction+context completion=response",
        "Orca: prompt=system_prompt+question completion=response",
        "SQuAD: prompt=context+question completion=answers",
        "XSum: prompt=document completion=summary",
        "CNN/DailyMail: prompt=article completion=highlights",
        "SAMSum: prompt=dialogue completion=summary",
    ),
    *_layouts(
        "classification",
        "Yahoo Answers: text=question_title+question_content+best_answer label=topic",
        "AG News: text=Title+Description label=Class_Index",
        "DBpedia, Yelp, Amazon: text=title+content label=label",
        "Amazon reviews: text=review_title+review_body label=stars",
        "SMS spam: text=v2 label=v1",
    ),
)
"""The first that fits a table is taken, so one with more columns comes before those that have some of them."""


def normalized(column: str) -> str:
    """A name without its case; spaces, hyphens and underscores are alike."""
    return column.strip().casefold().replace(" ", "_").replace("-", "_")


def by_normalized(columns: Collection[str]) -> dict[str, str]:
    """The columns by their normalized names; the first of equal ones."""
    return {normalized(column): column for column in reversed([*columns])}


def find_layout(columns: Collection[str], kind: str = "") -> KnownLayout | None:
    """The known layout of a table, of this kind if one is given, with the table's own names of its columns."""
    existing = by_normalized(columns)
    for layout in LAYOUTS:
        if kind in ("", layout.kind):
            parts = {role: [*map(normalized, column.split("+"))] for role, column in layout.columns.items()}
            if all(name in existing for names in parts.values() for name in names):
                named = {role: "+".join(existing[name] for name in names) for role, names in parts.items()}
                return layout._replace(columns=named)
    return None
