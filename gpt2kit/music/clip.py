"""Repairs tracks with invalid data bytes above 127: some programs write such velocities or controllers.

They are read as 127, as mido does with `clip=True`.
"""


def clipped(track: bytes) -> tuple[bytes, int]:
    """The events of a track with such bytes replaced by 127, and their number.

    From the first event whose end is unclear, the track is unchanged: its parser reports the error.
    """
    result, count = bytearray(track), 0
    try:
        place = running = 0
        while place < len(track):
            place = _number(track, place)[1]
            status = running
            if track[place] >= 0x80:
                status, place = track[place], place + 1
            if status >= 0xF0:  # metadata such as text or tempo, or data for one make of synthesizer
                if status not in (0xF0, 0xF7, 0xFF):
                    break
                size, place = _number(track, place + (status == 0xFF))
                place += size
                continue
            if status < 0x80:
                break
            running = status
            for _ in range(1 if 0xC0 <= status < 0xE0 else 2):
                if track[place] > 127:
                    result[place] = 127
                    count += 1
                place += 1
    except IndexError:
        pass
    return bytes(result), count


def _number(track: bytes, place: int) -> tuple[int, int]:
    """A number of variable length and the position after it."""
    value = 0
    while True:
        byte = track[place]
        value, place = value << 7 | byte & 0x7F, place + 1
        if byte < 0x80:
            return value, place
