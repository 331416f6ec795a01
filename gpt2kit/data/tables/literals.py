"""Lists and objects that a table has as text."""

import ast
import json


def parse_literal(text: str) -> object:
    """The value of JSON, or of Python's notation, which pandas writes. Raises ValueError for other text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise ValueError(str(error)) from None
