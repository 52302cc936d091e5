"""Reading TensorBoard's event files back."""

import struct
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event


def steps_of(folder: Path, tag: str) -> dict[int, float]:
    """Values of a tag by step; a step that is there twice is an error."""
    found: dict[int, float] = {}
    for path in sorted(folder.iterdir()):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += 16 + length
            for value in event.summary.value:
                if value.tag == tag:
                    assert event.step not in found
                    found[event.step] = value.simple_value
    return found
