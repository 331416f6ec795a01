"""The public visualiser's JSON, read as its parser.js reads it."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpt2kit.music.pages.visualizer import visualised
from gpt2kit.music.stream import events

IDS = [375, 60, 266, 188, 62]


def rows(count: int, layers: int = 2, heads: int = 3) -> Iterator[tuple[int, Any]]:
    """The row of event k has weights on the k events before it."""
    generator = np.random.default_rng(1)
    for place in range(count):
        yield 0, generator.dirichlet(np.ones(place + 1), (layers, heads))[..., 1:].astype(np.float32)


def parsed(told: dict[str, Any]) -> Any:
    """[layer][head][step][step], as `parseSingleAttentionWeights` makes it of a sparse file."""
    steps = len(told["music_text"])
    found = np.zeros((len(told["attention_weights"]), len(told["attention_weights"][0][0]), steps, steps))
    for layer, (heads,) in enumerate(told["attention_weights"]):
        for head, weights in enumerate(heads):
            for step in range(steps):
                for key, weight in weights[step].items():
                    found[layer, head, step, int(key)] = weight
    return found


def test_weights_are_those_of_the_rows_up_to_what_is_nothing() -> None:
    told = visualised(IDS, rows(5))
    assert told["sparse"] is True
    found = parsed(told)
    for place, (_, row) in enumerate(rows(5)):
        np.testing.assert_allclose(found[:, :, place, :place], row, atol=1e-3)
        assert not found[:, :, place, place:].any()


def test_events_have_the_names_that_it_knows() -> None:
    assert visualised(IDS, rows(5))["music_text"] == [
        "VELOCITY_20",
        "NOTE_ON_60",
        "TIME_SHIFT_11",
        "NOTE_OFF_60",
        "NOTE_ON_62",
    ]


def test_what_it_does_not_know_is_left_out_with_its_row_and_column() -> None:
    """Its names are counted while its weights are not: places must stay together."""
    whole, ended = parsed(visualised(IDS, rows(5))), visualised([*IDS[:2], events.PAD, *IDS[2:4]], rows(5))
    assert ended["music"] == IDS[:4]
    kept = [0, 1, 3, 4]
    np.testing.assert_array_equal(parsed(ended), whole[np.ix_([0, 1], [0, 1, 2], kept, kept)])


def test_no_more_heads_than_it_has_colours_for() -> None:
    assert parsed(visualised(IDS, rows(5, heads=12))).shape == (2, 8, 5, 5)


def test_spans_may_begin_later() -> None:
    spans = [(0, np.zeros((1, 1, 0))), (0, np.ones((1, 1, 1))), (1, np.full((1, 1, 1), 0.5))]
    assert visualised(IDS[:3], spans)["attention_weights"] == [[[[{}, {0: 1.0}, {1: 0.5}]]]]
