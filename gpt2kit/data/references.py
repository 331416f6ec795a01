"""More references of a corpus, for scores: line n of a text file, or a column of a table, is for pair n."""

from collections.abc import Iterator, Sequence
from itertools import repeat

from gpt2kit.data.lines import check_file, text_lines
from gpt2kit.data.sources import is_table, read_fields
from gpt2kit.errors import DataError, UserError, counted


def more_references(names: Sequence[str], corpora: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The further references of each pair of a corpus, in order; endless empty ones if there are no `names`.

    `names` are text files for a corpus of text files, and columns for one of a table. Raises UserError for several
    corpora, and DataError for a file whose number of lines is not that of the corpus.
    """
    if not names:
        return repeat(())
    if len(corpora) != 1:
        raise UserError(f"references = {','.join(names)}: score one corpus at a time, not {len(corpora)}")
    (files,) = corpora
    if len(files) == 1:
        return (tuple(fields.values) for fields in read_fields(files[0], tuple(names)))
    if tables := [name for name in names if is_table(name)]:
        raise UserError(f"references = {tables[0]}: a text file is needed, as the corpus has text files: {files[1]}")
    for name in names:
        check_file(name)
    count = _count(files[1])
    for name in names:
        if (found := _count(name)) != count:
            raise DataError(
                f"{name} has {counted(found, 'line')}, but {files[1]} has {count:,}: line n of each file of "
                f"references must "
                "translate line n of the corpus"
            )
    return zip(*map(text_lines, names), strict=True)


def _count(path: str) -> int:
    return sum(1 for _ in text_lines(path))
