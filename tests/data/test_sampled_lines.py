"""A text is found within another one, wherever their parts begin."""

import numpy as np

from gpt2kit.data.sampled_lines import mostly, sampled_lines

LINES = [f"This is line number {n} of a text that is long enough." for n in range(400)]
OTHERS = [f"Another text has the line number {n}, which is different." for n in range(400)]


def test_the_same_lines_are_chosen_in_every_text() -> None:
    whole, part = sampled_lines("\n".join(LINES)), sampled_lines("\n".join(LINES[100:200]))
    assert 60 < len(whole) < 140, "one of four"
    assert 10 < len(part) < 40
    assert set(part.tolist()) < set(whole.tolist())


def test_cut_lines_short_lines_and_spaces_do_not_matter() -> None:
    text = "\n".join(["end of a line that was cut somewhere before", *LINES, "a line that ends in the ne"])
    spaced = "\n".join(["", *(f"  {line} \r" for line in LINES), "short", ""])
    assert sampled_lines(text).tolist() == sampled_lines(spaced).tolist() == sampled_lines(f"\n{spaced}\n").tolist()
    assert len(sampled_lines("short\n" * 100)) == 0


def test_a_text_without_line_ends_is_divided_into_sentences() -> None:
    assert len(sampled_lines(" ".join(LINES))) > 60
    assert len(sampled_lines("")) == 0


def test_most_lines_of_a_text_are_found() -> None:
    texts = [LINES[:100], OTHERS[:100], LINES[100:180] + OTHERS[:20], LINES[:20] + OTHERS[20:100], ["short"]]
    sampled = [sampled_lines("\n".join(["", *lines, ""])) for lines in texts]
    found = np.isin(np.concatenate(sampled), sampled_lines("\n".join(LINES)))
    sizes = np.array([*map(len, sampled)])
    assert mostly(found, sizes).tolist() == [True, False, True, False, False]
    assert not mostly(np.zeros_like(found), sizes).any()
    assert mostly(found[:0], sizes[:0]).tolist() == []
