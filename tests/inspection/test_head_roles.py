"""Names of heads, on attention patterns made by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from gpt2kit.inspection.roles import Role, roles_of, roles_of_trace
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import Looked, trace_of

Make = Callable[..., Subject]
IDS = [7, 1, 2, 3, 99, 1, 2, 3, 4, 1, 2]


def looked(*heads: Sequence[Sequence[float]], spans: Any = None, visible: Any = None) -> Looked:
    """Heads with these weights [T, S]."""
    weights = np.array(heads, np.float32)
    order = np.argsort(-weights, -1)
    strongest = np.take_along_axis(weights, order, -1)
    plain = [[place, place] for place in range(weights.shape[2])]
    seen = [[0, place] for place in range(weights.shape[1])]
    return Looked(
        "full",
        np.array(plain if spans is None else spans),
        np.where(strongest > 0, order, -1),
        strongest,
        np.array(seen if visible is None else visible),
        None,  # type: ignore[arg-type]  # not needed for roles
    )


def pattern(target: Callable[[int], int], share: float = 1.0) -> list[list[float]]:
    """A head that gives `share` to one position, and the rest to all that it sees."""
    rows = np.zeros((len(IDS), len(IDS)))
    for place in range(len(IDS)):
        rows[place, : place + 1] = (1 - share) / (place + 1)
        rows[place, target(place)] += share
    return rows.tolist()


def before(place: int) -> int:
    """The last position of the same token before, or the first position."""
    return max((other for other in range(place) if IDS[other] == IDS[place]), default=0)


PATTERNS = {
    "previous": lambda place: max(0, place - 1),
    "itself": lambda place: place,
    "first": lambda place: 0,
    "same": before,
    "induction": lambda place: before(place) + 1 if before(place) else 0,
    "separator": lambda place: 4 if place > 4 else 0,
}


@pytest.mark.parametrize("name", PATTERNS)
def test_each_role_has_its_name_and_share(name: str) -> None:
    """The share is measured where the role is possible: of a repeated token, or after a separator."""
    (role,) = roles_of(looked(pattern(PATTERNS[name])), IDS, {99})
    assert role is not None
    assert [*role] == [name, pytest.approx(1.0)]
    (partly,) = roles_of(looked(pattern(PATTERNS[name], 0.7)), IDS, {99})
    assert partly is not None
    assert partly.name == name
    assert 0.7 < partly.share < 0.95


def test_a_head_without_a_clear_role_has_no_name() -> None:
    even, faint = pattern(lambda place: place, 0.0), pattern(PATTERNS["previous"], 0.15)
    assert roles_of(looked(even, faint), IDS, {99}) == [None, None]
    assert roles_of(looked(pattern(PATTERNS["separator"])), IDS, set()) == [None], "99 is a token like others"


def test_two_tokens_are_too_few() -> None:
    """A single position that looks is no measure."""
    assert roles_of(looked([[1, 0], [1, 0]]), [1, 2], set()) == [None]


def test_groups_of_positions_share_their_weight() -> None:
    """Compressed attention: a learned key, and two groups of two positions."""
    groups = {"spans": [[-1, -1], [0, 1], [2, 3]], "visible": [[-1, -1], [0, 1], [0, 1], [0, 3], [0, 3], [0, 3]]}
    nearest = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert roles_of(looked(nearest, **groups), [1, 2, 3, 4, 5, 6], set()) == [Role("previous", 0.5)]
    farthest = [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert roles_of(looked(farthest, **groups), [8, 3, 2, 4, 3, 3], set()) == [Role("same", 0.5)]


def test_the_roles_of_a_model(subject: Make) -> None:
    found = trace_of(subject("translate"))
    roles = roles_of_trace(found)
    assert [len(each) for each in roles] == [len(looked.columns) for looked in found.looked]
    for role in (role for layer in roles for role in layer if role):
        assert 0.2 <= role.share <= 1.0001
