import mqtt5
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.mqtt5_pubacks import pubacks


@given(st.lists(st.integers(1, 65_535)))
def test_they_are_those_of_the_codec(packet_ids: list[int]) -> None:
    assert pubacks(packet_ids) == b"".join(mqtt5.PubAckPacket(n).write() for n in packet_ids)
