"""Notices out, on one MQTT 5 connection: as packets, and until the broker has confirmed them.

Our PUBLISHes and SUBSCRIBEs share one space of packet ids with each other, and none with the
messages that come in. What is under way dies with the connection, on purpose: whoever wrote a
notice writes a newer one. It refuses to write to a socket; `mqtt5_connection` does that.
"""

import logging
from collections.abc import Sequence

import mqtt5

from ingest.sources.port import NOTICES_MAX, Notice

log = logging.getLogger(__name__)

FIRST_ID = 3
"""1 and 2 are those of our SUBSCRIBEs."""
LAST_ID = 65_535
QOS = (mqtt5.QoS.AT_MOST_ONCE, mqtt5.QoS.AT_LEAST_ONCE)
FIRST_FAILURE = 0x80


class Mqtt5Notices:
    """The notices of one connection."""

    __slots__ = ("_limit", "_next_id", "_under_way", "confirmed", "refused")

    def __init__(self) -> None:
        """Nothing is under way."""
        self._limit = NOTICES_MAX
        self._next_id = FIRST_ID
        self._under_way: set[int] = set()
        self.confirmed = False
        """The broker has answered at least one, whatever it answered."""
        self.refused = 0
        """Notices the broker would not pass on; they are not sent again."""

    def limit(self, receive_maximum: int) -> None:
        """How many the broker lets us have unconfirmed (its CONNACK)."""
        self._limit = min(NOTICES_MAX, receive_maximum)

    def encode(self, notices: Sequence[Notice]) -> list[bytes]:
        """The packets of as many of `notices`, from the first on, as may be under way."""
        packets = []
        for notice in notices[:NOTICES_MAX]:
            packet_id = None
            if notice.qos:
                if len(self._under_way) >= self._limit:
                    break
                packet_id = self._free_id()
                self._under_way.add(packet_id)
            packet = mqtt5.PublishPacket(
                notice.topic, notice.payload, qos=QOS[notice.qos], packet_id=packet_id
            )
            packets.append(packet.write())
        return packets

    def settle(self, packet: mqtt5.PubAckPacket) -> bool:
        """Takes a PUBACK; False if it confirms nothing we have sent."""
        if packet.packet_id not in self._under_way:
            return False
        self._under_way.remove(packet.packet_id)
        self.confirmed = True
        if int(packet.reason_code) >= FIRST_FAILURE:
            self.refused += 1
            if self.refused == 1:
                reason = packet.reason_code.name
                log.warning("the broker refuses a notice to a device", extra={"reason": reason})
        return True

    def _free_id(self) -> int:
        # It ends: far fewer are under way than there are ids.
        while True:
            free = self._next_id
            self._next_id = FIRST_ID if free == LAST_ID else free + 1
            if free not in self._under_way:
                return free
