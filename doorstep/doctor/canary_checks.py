"""Judges whether canaries prove the way, and whether somebody would hear that it is cut. Pure."""

from dataclasses import dataclass

from domain.instant import SECOND_US
from doorstep.doctor.check import Check, ok, warn
from store.durability import Durability


@dataclass(frozen=True, slots=True)
class Flight:
    """What the settings say of canaries, on the service's clock."""

    on: bool
    late_us: int
    """When the newest stored one is this old, something is cut."""


def judge(facts: Durability, flight: Flight, now: int) -> list[Check]:
    """The checks, in a fixed order. `now` is the service's clock."""
    return [_seen(facts.canary_at, flight, now), _contacts(facts.keepers)]


def _seen(stored_at: int | None, flight: Flight, now: int) -> Check:
    if not flight.on:
        return warn("canaries.seen", "switched off, or no broker is named")
    if stored_at is None:
        return warn("canaries.seen", "none was ever stored")
    age = f"the newest is {max(0, now - stored_at) / SECOND_US:.0f} s old"
    return (warn if now - stored_at > flight.late_us else ok)("canaries.seen", age)


def _contacts(keepers: int) -> Check:
    if keepers:
        return ok("canaries.contacts", f"{keepers} supervisors and admins have contacts")
    return warn("canaries.contacts", "no supervisor or admin has contacts")
