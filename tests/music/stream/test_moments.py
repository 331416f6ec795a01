"""Events in lines: what happens at one time is on one line, with the wait after it."""

from gpt2kit.music.stream import events
from gpt2kit.music.stream.moments import Moment, moments


def test_a_moment_has_its_events_and_the_wait_after_it() -> None:
    wait = events.TIME_SHIFT - 1
    ids = [events.BEGIN, wait + 100, wait + 3, events.VELOCITY + 17, 60, 63, wait + 12, events.NOTE_OFF + 60]
    ids += [61, wait + 1, events.END, events.BEGIN, 21]
    assert moments(ids) == [
        Moment(0.0, ["BEGIN", "1000 ms", "30 ms"]),
        Moment(1.03, ["velocity 70", "C4 on", "E♭4 on", "120 ms"]),
        Moment(1.15, ["C4 off", "C♯4 on", "10 ms"]),
        Moment(1.16, ["END", "BEGIN", "A0 on"]),
    ]
    assert moments([]) == []
    assert moments(ids[1:3]) == [Moment(0.0, ["1000 ms", "30 ms"])]
