"""Which NOTE_OFF ends which NOTE_ON."""

import numpy as np

from gpt2kit.music.stream import pairing
from gpt2kit.music.stream.events import NOTE_OFF


def test_matching_finds_the_first_struck() -> None:
    generator = np.random.default_rng(1)
    for _ in range(300):
        ids = generator.choice([60, 61, 188, 189], 20)
        expected = []
        waiting: dict[int, list[int]] = {60: [], 61: []}
        for place, id in enumerate(ids.tolist()):
            if id < NOTE_OFF:
                waiting[id].append(place)
            elif waiting[id - NOTE_OFF]:
                expected.append((waiting[id - NOTE_OFF].pop(0), place))
        ons, offs = pairing.matched(ids)
        assert sorted(zip(ons.tolist(), offs.tolist(), strict=True)) == sorted(expected)
