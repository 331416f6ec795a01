"""Attention between events, counted by note."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from gpt2kit.model.attention_weights import attention_spans
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.analysis.attended import Attention, Weights, grouped, notes_of_events, shares
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import events
from gpt2kit.music.stream.encoding import decode, encode
from gpt2kit.music.stream.events import BEGIN, END, NOTE_OFF, PAD, TIME_SHIFT, VELOCITY

C_THEN_E = [
    BEGIN,
    VELOCITY + 19,
    60,
    TIME_SHIFT + 49,
    64,
    TIME_SHIFT + 49,
    60 + NOTE_OFF,
    TIME_SHIFT + 9,
    64 + NOTE_OFF,
    END,
    PAD,
    61,
]


def test_each_event_belongs_to_a_note() -> None:
    assert notes_of_events(C_THEN_E).tolist() == [-1, 0, 0, 1, 1, -1, 0, -1, 1, -1, -1, -1]


def test_orphans_and_keys_of_no_length_belong_to_none() -> None:
    ids = [62 + NOTE_OFF, VELOCITY + 5, 62, 62 + NOTE_OFF, TIME_SHIFT + 9, 70, TIME_SHIFT]
    assert notes_of_events(ids).tolist() == [-1, 0, -1, -1, 0, 0, -1]
    assert notes_of_events([]).tolist() == []
    assert notes_of_events([END, 60]).tolist() == [-1, -1]
    assert notes_of_events([-5, 9999, BEGIN]).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("seed", range(200))
def test_the_notes_are_those_that_decode_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lows, highs = np.array([[58, 58 + NOTE_OFF, TIME_SHIFT, -2], [62, 62 + NOTE_OFF, VELOCITY + 32, 392]])
    kinds = rng.choice(4, 60, p=[0.4, 0.3, 0.28, 0.02])
    ids = rng.integers(lows[kinds], highs[kinds]).tolist()
    stream, notes = np.array(ids, np.int64), decode(ids)
    owners = notes_of_events(ids)
    is_shift = (stream >= TIME_SHIFT) & (stream < VELOCITY)
    clock = np.cumsum(np.where(is_shift, stream - TIME_SHIFT + 1, 0))
    strokes = [place for place, id in enumerate(ids) if 0 <= id < NOTE_OFF and owners[place] >= 0]
    assert sorted(owners[strokes].tolist()) == list(range(len(notes)))
    for place in strokes:
        assert notes.pitch[owners[place]] == ids[place]
        assert notes.start[owners[place]] * 100 == pytest.approx(clock[place])
    for place, id in enumerate(ids):
        if NOTE_OFF <= id < TIME_SHIFT and owners[place] >= 0:
            assert notes.pitch[owners[place]] == id - NOTE_OFF
            assert notes.end[owners[place]] * 100 == pytest.approx(clock[place])


def whole(rows: Iterable[Weights]) -> Iterator[tuple[int, Weights]]:
    """Rows that all begin at event 0."""
    return ((0, row) for row in rows)


def dense(ids: list[int], weights: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Attention:
    return grouped(ids, whole(weights.transpose(2, 0, 1, 3)), top=3)


def test_a_note_s_weights_are_means_over_its_events_of_sums_over_the_other_s() -> None:
    size = len(C_THEN_E)
    weights = np.zeros((1, 2, size, size), np.float32)
    # The events of E are 3, 4 and 8; those of C are 1, 2 and 6.
    weights[0, 1, 3, [1, 2]] = 0.3, 0.6
    weights[0, 1, 4, [0, 2, 3]] = 0.5, 0.2, 0.3
    weights[0, 1, 8, [6, 7]] = 0.1, 0.9
    attention = dense(C_THEN_E, weights)
    assert attention.keys.shape == attention.weights.shape == (2, 1, 2, 3)
    assert attention.keys[1, 0].tolist() == [[-1, -1, -1], [0, -1, -1]]
    assert attention.weights[1, 0, 1].tolist() == pytest.approx([(0.9 + 0.2 + 0.1) / 3, 0, 0])
    assert (attention.keys[0] == -1).all()
    assert not attention.others.any()


def test_against_a_direct_sum_over_random_weights() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 4, 25)
    ids = encode(Notes.of(rng.integers(50, 70, 25), rng.integers(1, 128, 25), start, start + rng.random(25)))
    size = len(ids)
    weights = np.tril(rng.random((2, 3, size, size)).astype(np.float32))
    weights /= weights.sum(axis=-1, keepdims=True)
    attention = grouped(ids, whole(weights.transpose(2, 0, 1, 3)), top=25)
    owners = notes_of_events(ids)
    for query in range(25):
        for key in range(query):
            expected = weights[:, :, owners == query][..., owners == key].sum(axis=-1).mean(axis=-1)
            found = np.where(attention.keys[query] == key, attention.weights[query], 0).sum(axis=-1)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
        assert (np.diff(attention.weights[query], axis=-1) <= 0).all()
    few = grouped(ids, whole(weights.transpose(2, 0, 1, 3)), top=4)
    assert (few.keys == attention.keys[..., :4]).all()
    np.testing.assert_allclose(few.others, attention.weights[..., 4:].sum(axis=-1), rtol=1e-4, atol=1e-6)
    assert not attention.others.any()


def test_what_is_in_sight_gives_what_rows_of_the_whole_piece_give(
    tiny_model: Callable[..., GPT2], random_notes: Callable[..., Notes]
) -> None:
    """The piece is several times as long as the model's window; checked against a sum over all of it, too."""
    prompt = [BEGIN, *encode(random_notes(3, count=40)).tolist()]
    ids, model = prompt[1:], tiny_model(events.VOCABULARY, n_positions=32)
    assert len(ids) > 100
    rows = [(max(start - 1, 0), row.numpy()[:, :, start == 0 :]) for start, row in attention_spans(model, prompt[:-1])]
    assert max(row.shape[2] for _, row in rows) <= 32
    padded = [np.pad(row, ((0, 0), (0, 0), (start, 0))) for start, row in rows]
    attention, expected = grouped(ids, rows), grouped(ids, whole(padded))
    assert attention.keys.tolist() == expected.keys.tolist()
    np.testing.assert_allclose(attention.weights, expected.weights, rtol=1e-5)
    owners = notes_of_events(ids)
    square = np.stack([np.pad(row, ((0, 0), (0, 0), (0, len(ids) - row.shape[2]))) for row in padded])
    for query, (keys, weights) in enumerate(zip(attention.keys, attention.weights, strict=True)):
        seen = square[owners == query].mean(axis=0)
        by_note = np.stack([seen[..., owners == key].sum(axis=-1) for key in range(query + 1)], -1)[..., :query]
        largest = -np.sort(-by_note, axis=-1)[..., :6]
        np.testing.assert_allclose(weights[..., : largest.shape[-1]], largest, rtol=1e-4, atol=1e-7)
        assert ((keys >= 0) == (weights > 0)).all()


def test_short_rows_and_missing_rows() -> None:
    causal = [np.full((1, 1, place + 1), 1 / (place + 1), np.float32) for place in range(len(C_THEN_E))]
    full = np.stack([np.pad(row, ((0, 0), (0, 0), (0, len(C_THEN_E) - row.shape[2]))) for row in causal])
    np.testing.assert_array_equal(grouped(C_THEN_E, whole(causal)).weights, grouped(C_THEN_E, whole(full)).weights)
    cut = grouped(C_THEN_E, whole(causal[:5]))
    assert cut.keys[1, 0, 0, 0] == 0
    assert 0 < cut.weights[1, 0, 0, 0] < grouped(C_THEN_E, whole(causal)).weights[1, 0, 0, 0]


def test_nothing_to_look_at() -> None:
    assert grouped([], []).keys.shape == (0, 0, 0, 6)
    assert grouped([BEGIN, END], whole(np.zeros((2, 4, 4, 2), np.float32))).keys.shape[0] == 0
    assert grouped(C_THEN_E, []).keys.shape == (2, 0, 0, 6)
    assert grouped(C_THEN_E, []).others.shape == (2, 0, 0)


@pytest.mark.parametrize(
    ("keys", "weights", "reason"),
    [
        (np.zeros((2, 1, 1, 1)), np.zeros((2, 1, 1, 2)), "one shape"),
        (np.zeros((2, 1)), np.zeros((2, 1)), "one shape"),
        (np.full((2, 1, 1, 1), 1), np.zeros((2, 1, 1, 1)), "earlier note"),
        (np.full((2, 1, 1, 1), -2), np.zeros((2, 1, 1, 1)), "earlier note"),
        (np.full((2, 1, 1, 1), -1), np.full((2, 1, 1, 1), 1.5), "between 0 and 1"),
        (np.full((2, 1, 1, 1), -1), np.full((2, 1, 1, 1), np.nan), "between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(
    keys: np.ndarray[tuple[int, ...], np.dtype[np.int32]],
    weights: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    reason: str,
) -> None:
    with pytest.raises(ValueError, match=reason):
        Attention(keys, weights)


def test_others_have_a_share_for_each_head() -> None:
    keys = np.full((2, 1, 3, 4), -1, np.int32)
    assert Attention(keys, np.zeros(keys.shape, np.float32)).others.shape == (2, 1, 3)
    with pytest.raises(ValueError, match=r"others \(2, 1\)"):
        Attention(keys, np.zeros(keys.shape, np.float32), np.zeros((2, 1), np.float32))


def test_the_shares_of_a_note_add_up_to_all_of_its_attention() -> None:
    """In 2 layers of 2 heads; a note may be a key of several."""
    keys = np.full((3, 2, 2, 2), -1, np.int32)
    weights, others = np.zeros(keys.shape, np.float32), np.zeros(keys.shape[:3], np.float32)
    keys[2, 0, 0], weights[2, 0, 0] = [1, 0], [0.6, 0.2]
    keys[2, 1, 1, 0], weights[2, 1, 1, 0] = 0, 0.8
    others[2, 1, 0] = 0.4
    found = shares(Attention(keys, weights, others), 2)
    assert found.keys == [0, 1]
    np.testing.assert_allclose(found.weights, [[0.05, 0.2], [0.15, 0]], atol=1e-6)
    np.testing.assert_allclose(found.others, [0.1, 0], atol=1e-6)
    np.testing.assert_allclose(found.rest, [0.2, 0.3], atol=1e-6)
    nothing = shares(Attention(keys, weights, others), 0)
    assert (nothing.keys, nothing.weights.shape) == ([], (0, 2))
    np.testing.assert_allclose(nothing.rest, [0.5, 0.5])
