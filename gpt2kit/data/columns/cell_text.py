"""The text of one column of a row, or of several that belong together."""

from collections.abc import Container

from gpt2kit.data.tables.rows import text_of


def columns_in(expression: str, columns: Container[str]) -> list[str]:
    """The columns that a role is given as: one, or several with + between them."""
    names = expression.split("+")
    return names if all(names) and expression not in columns else [expression]


def text_in(row: dict[str, object], expression: str, where: str) -> str:
    """The texts of the columns, a line each. Of several columns, those that are blank or missing are left out.

    Raises DataError as `text_of` does.
    """
    names = columns_in(expression, row)
    present = [name for name in names if name in row] or names
    texts = [text_of(row, name, where) for name in present]
    return texts[0] if len(names) == 1 else "\n".join(text for text in texts if text.strip())
