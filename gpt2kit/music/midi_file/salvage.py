"""The usable part of a damaged MIDI file: its tracks, each up to its damage."""

from dataclasses import replace

from gpt2kit.music.midi_file.lost_bytes import whole_part
from gpt2kit.music.midi_file.smf import Chunks, read_header, without_riff
from gpt2kit.music.midi_file.tracks import Scan

TRACK = b"MTrk"


def salvaged(content: bytes) -> tuple[Chunks, list[str]]:
    """The tracks of a file that lacks bytes, and what is wrong with each. Raises MidiError for a damaged header.

    A track that lacks bytes ends where the next one begins.
    """
    content = without_riff(content)
    header = read_header(content)
    count, place = header.track_count, header.stop
    tracks: list[bytes] = []
    damage: list[str] = []
    while len(tracks) < count:
        which = f"track {len(tracks) + 1} of {count}"
        kind, start = content[place : place + 4], place + 8
        stop = start + int.from_bytes(content[place + 4 : start], "big")
        if kind != TRACK:
            if not (kind.isalnum() and stop <= len(content)):
                stop = content.find(TRACK, place)
                if stop < 0 or start > len(content):
                    damage.append(f"it has {len(tracks)} of {count} tracks")
                    break
                damage.append(f"{which} begins with {kind!r}, not b'MTrk'")
            place = stop
            continue
        following = content.find(TRACK, start, stop) if not _is_whole(content, stop, len(tracks) + 1 == count) else -1
        end = following if following >= 0 else min(stop, len(content))
        part = content[start:end]
        if end < stop:
            part = whole_part(part)
            damage.append(f"{which} lacks {stop - end:,} of its {stop - start:,} bytes, used to byte {len(part):,}")
        elif (scan := Scan(part)).damage:
            part = part[: scan.stop]
            damage.append(f"{which}, {scan.damage}")
        tracks.append(part)
        place = end
    return Chunks(replace(header, track_count=len(tracks)), tracks), damage


def _is_whole(content: bytes, stop: int, last: bool) -> bool:
    """Whether a track that should end at `stop` does so: it is the last, or another chunk follows."""
    return stop <= len(content) and (last or (len(content) >= stop + 8 and content[stop : stop + 4].isalnum()))
