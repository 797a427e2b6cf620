"""Reads a PUBLISH that the codec will not, so that one bad message cannot block the stream.

Some brokers pass on strings that are not UTF-8 (EMQX does unless told otherwise), and the codec
then refuses the whole packet. The broker would send it again after every reconnect, for ever, to a
service that hears nothing behind it. Here the parts that matter are cut out by hand: a bad topic
gets replacement characters, properties are skipped unread, and the message is judged as any is.
Pure, and total over complete frames: what cannot be cut is None.
"""

from dataclasses import dataclass

PUBLISH = 0x30


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The parts of a PUBLISH that a reading needs. `packet_id` is None for QoS 0."""

    packet_id: int | None
    topic: str
    payload: bytes
    retain: bool
    duplicate: bool
    size: int
    """Bytes of the whole packet, to continue behind it."""


def salvage(data: memoryview) -> Salvaged | None:
    """The MQTT 5 PUBLISH (section 3.3) of QoS 0 or 1 that `data` starts with, else None."""
    if not data or data[0] & 0xF0 != PUBLISH or data[0] & 0x06 > 0x02:
        return None
    try:
        length, start = _variable(data, 1)
        if length > len(data) - start:
            return None
        body = data[start : start + length]
        topic, at = _string(body, 0)
        packet_id = None
        if data[0] & 0x06:
            packet_id, at = int.from_bytes(body[at : at + 2], "big"), at + 2
        skipped, at = _variable(body, at)
    except IndexError:
        return None
    if at + skipped > length or packet_id == 0:
        return None
    return Salvaged(
        packet_id=packet_id,
        topic=topic.decode("utf-8", "replace"),
        payload=bytes(body[at + skipped :]),
        retain=bool(data[0] & 0x01),
        duplicate=bool(data[0] & 0x08),
        size=start + length,
    )


def _variable(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in (0, 7, 14, 21):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise IndexError


def _string(data: memoryview, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    if end > len(data):
        raise IndexError
    return bytes(data[at + 2 : end]), end
