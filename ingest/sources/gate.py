"""Holds messages back until the subscription is granted and while the source is paused.

Messages of a resumed session come before the SUBACK, and a listener must hear `Connected` first. It
refuses to reorder or to confirm anything: what was held is handed over in front of what is newer.
"""

import logging

from ingest.sources.port import Deliver, Envelope

log = logging.getLogger(__name__)

HELD_MAX = 65_535
"""As many messages at QoS 1 as a session has packet ids; beyond, QoS 0 is not held."""


class Gate:
    """Between one connection and `deliver`."""

    __slots__ = ("_deliver", "_granted", "_held", "_paused")

    def __init__(self, deliver: Deliver, *, paused: bool) -> None:
        """A gate that is shut until `grant`."""
        self._deliver = deliver
        self._paused = paused
        self._granted = False
        self._held: list[Envelope] = []

    @property
    def paused(self) -> bool:
        """Whether `pause` was the last word."""
        return self._paused

    def grant(self) -> None:
        """The subscription is granted; the next `pass_on` may hand over."""
        self._granted = True

    def pause(self) -> None:
        """From now on holds."""
        self._paused = True

    def resume(self) -> None:
        """The next `pass_on` may hand over."""
        self._paused = False

    def pass_on(self, arrived: list[Envelope]) -> None:
        """Hands over what is held and then `arrived`, in one call, or holds both."""
        if self._paused or not self._granted:
            self._hold(arrived)
            return
        if self._held:
            arrived, self._held = self._held + arrived, []
        if arrived:
            self._deliver(arrived)

    def _hold(self, arrived: list[Envelope]) -> None:
        if len(self._held) + len(arrived) > HELD_MAX:
            promised = [envelope for envelope in arrived if envelope.token is not None]
            log.warning("paused: %d messages at QoS 0 are lost", len(arrived) - len(promised))
            arrived = promised
        self._held += arrived
