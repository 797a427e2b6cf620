"""Bytes of one MQTT 5 connection in, envelopes and control packets out; no socket, no clock.

Holds what outlives a read: the start of an unfinished packet and the window of unconfirmed packet
ids. Total over all bytes: it decodes, waits for more, or finds a fault, and a PUBLISH that the
codec refuses is cut out by hand, so that one bad message cannot block those behind it. It refuses
to answer anything; `mqtt5_connection` does that.
"""

from dataclasses import dataclass, field

import mqtt5

from ingest.sources.port import Envelope
from ingest.sources.salvage import salvage
from ingest.sources.window import Window

QOS_BITS = 0x06
QOS_2 = 0x04
HEAD_BYTES = 4
MAX_PACKET_BYTES = 16 * 1024 * 1024
"""What a broker may send us. It discards larger messages unseen: far above any reading, so that a
too large one still arrives and is rejected with a reason, and far below what would exhaust memory.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """The broker broke the protocol; nothing behind `head`, where it did, can be read."""

    reason: str
    head: bytes = b""


@dataclass(slots=True)
class Decoded:
    """What one read of the socket completed, messages and other packets each in order."""

    arrived: list[Envelope] = field(default_factory=list)
    controls: list[mqtt5.Packet] = field(default_factory=list)
    unpromised: bool = False
    """Whether there may be messages without a token among those that `arrived`."""
    fault: Fault | None = None
    """If any, it came behind all the others."""


class Decoder:
    """Decodes one connection's stream."""

    __slots__ = ("_tail", "_window")

    def __init__(self, window: Window) -> None:
        """A decoder at the start of a stream; delivered packet ids are entered into `window`."""
        self._window = window
        self._tail = bytearray()

    def feed(self, data: bytes, received_at: int) -> Decoded:
        """What `data` completes. After a fault the connection is of no more use.

        A message whose packet id is still unconfirmed is a repeat and left out.
        """
        if self._tail:
            self._tail += data
            data = bytes(self._tail)
        decoded = Decoded()
        used = self._decode(memoryview(data), received_at, decoded)
        self._tail = bytearray(data[used:])
        if len(self._tail) > MAX_PACKET_BYTES:
            decoded.fault = Fault("the broker sends a larger packet than we asked for")
        return decoded

    def _decode(self, view: memoryview, received_at: int, decoded: Decoded) -> int:
        # Written for speed: names are local and the window is used in the open, because this loop
        # runs once for every message of every wearer.
        read, publish, put = mqtt5.read, mqtt5.PublishPacket, decoded.arrived.append
        generation, unconfirmed = self._window.generation, self._window.unconfirmed
        new = tuple.__new__  # past NamedTuple's own, which is a function in Python
        at, end = 0, len(view)
        while at < end:
            try:
                packet, size = read(view[at:])
            except IndexError:  # the rest of this packet is still to come
                return at
            except BaseException as error:
                if not _is_refusal(error):
                    raise
                size = self._cut_out(view[at:], received_at, decoded)
                if not size:
                    head = bytes(view[at : at + HEAD_BYTES])
                    decoded.fault = Fault(f"malformed packet: {error}", head)
                    return at
                at += size
                continue
            if type(packet) is not publish:
                decoded.controls.append(packet)
                at += size
                continue
            packet_id = packet.packet_id
            if packet_id is None:
                token = None
                decoded.unpromised = True
            elif view[at] & QOS_BITS == QOS_2:
                decoded.fault = Fault("the broker sends QoS 2 to a subscription with QoS 1")
                return at
            elif packet_id in unconfirmed:
                at += size
                continue
            else:
                unconfirmed.add(packet_id)
                token = (generation, packet_id)
            at += size
            topic, payload = packet.topic, packet.payload
            retain, again = packet.retain, packet.duplicate
            put(new(Envelope, (token, topic, payload, received_at, retain, again, False)))
        return at

    def _cut_out(self, view: memoryview, received_at: int, decoded: Decoded) -> int:
        message = salvage(view)
        if message is None:
            return 0
        token = None if message.packet_id is None else self._window.admit(message.packet_id)
        if token is not None or message.packet_id is None:
            decoded.arrived.append(
                Envelope(
                    token,
                    message.topic,
                    message.payload,
                    received_at,
                    message.retain,
                    message.duplicate,
                )
            )
        return message.size


def _is_refusal(error: BaseException) -> bool:
    # On text that is not UTF-8 the codec panics instead of raising ValueError, with a class that
    # derives from BaseException and that no module exports.
    return isinstance(error, ValueError) or type(error).__name__ == "PanicException"
