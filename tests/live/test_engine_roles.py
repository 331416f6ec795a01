"""Names of heads: the engine gives those of `inspect`."""

from typing import TYPE_CHECKING, Any

import pytest

from gpt2kit.inspection.roles import roles_of
from gpt2kit.inspection.trace import Looked
from tests.inspection.test_head_roles import IDS, PATTERNS, looked, pattern

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

ROLES = """(heads, spans, visible, ids, separators) => rolesOf(heads.map(([keys, weights]) =>
  ({ keys: keys.flat(), weights: weights.flat(), top: keys[0].length })), spans, visible, ids, new Set(separators))"""


def by_engine(engine: "EngineInNode", found: Looked, ids: list[int], separators: set[int], plain: bool = True) -> Any:
    heads = [[keys.tolist(), weights.tolist()] for keys, weights in zip(found.columns, found.weights, strict=True)]
    spans = None if plain else found.spans.tolist()
    return engine(ROLES, heads, spans, found.visible.tolist(), ids, [*separators])


@pytest.mark.parametrize("plain", [True, False])
def test_roles_of_patterns(engine: "EngineInNode", plain: bool) -> None:
    found = looked(*(pattern(target, share) for target in PATTERNS.values() for share in (1.0, 0.7, 0.35, 0.1)))
    expected = [role and [role.name, pytest.approx(role.share)] for role in roles_of(found, IDS, {99})]
    assert by_engine(engine, found, IDS, {99}, plain) == expected
    assert {role[0] for role in expected if role} == {*PATTERNS}
    assert None in expected


def test_groups_of_positions(engine: "EngineInNode") -> None:
    groups = {"spans": [[-1, -1], [0, 1], [2, 3]], "visible": [[-1, -1], [0, 1], [0, 1], [0, 3], [0, 3], [0, 3]]}
    nearest = [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    farthest = [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    for rows, name in ((nearest, "previous"), (farthest, "same")):
        found = looked(rows, **groups)
        assert by_engine(engine, found, [8, 3, 2, 4, 3, 3], set(), plain=False) == [[name, pytest.approx(0.5)]]
