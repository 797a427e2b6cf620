"""Contacts in a roster file that nobody could be reached by.

They are warned of and never refused: what a contact may be is apprise's to say and grows with it,
and a roster is more than its contacts.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from alerts.feeds.contact import scheme, usable


def unusable(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(JSON pointer, kind of contact) of each; the document is one that was imported."""
    for place, member in enumerate(document.get("staff", ())):
        for number, contact in enumerate(member.get("contacts", ())):
            if not usable(contact):
                yield f"/staff/{place}/contacts/{number}", scheme(contact)
