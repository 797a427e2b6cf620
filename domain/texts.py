"""Very many short texts in one buffer, and where each of them is.

A million device ids as Python's own strings in a dict cost 150 MB, and a pause to let go of; here
they cost 30 MB. A text is made when it is asked for. Looking many up at once costs about what a
dict does. Nothing is ever added: a newer roster has new ones.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, pairwise
from typing import Final, Self, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import override

PAGE: Final = 10_000
"""So many texts are Python's own strings at a time."""
NOWHERE: Final = -1

Places = npt.NDArray[np.int32]


class Texts(Sequence[str]):
    """A sequence of texts. Surrogates survive."""

    __slots__ = ("_bytes", "_ends")

    def __init__(self, encoded: bytes | bytearray, ends: npt.NDArray[np.int32]) -> None:
        """`ends` begins with 0: text n is between its n-th and its next."""
        self._bytes = encoded
        self._ends = ends

    @classmethod
    def of(cls, texts: Iterable[str], count: int) -> Self:
        """Takes in `count` texts."""
        encoded = bytearray()
        ends = np.zeros(count + 1, dtype=np.int32)
        texts = iter(texts)
        done = 0
        while page := list(islice(texts, PAGE)):
            joined, lengths = _encoded(page)
            ends[done + 1 : done + 1 + len(page)] = len(encoded) + np.cumsum(lengths)
            encoded += joined
            done += len(page)
        assert done == count
        return cls(encoded, ends)

    def spread(self, places: npt.NDArray[np.int32], count: int) -> "Texts":
        """`count` texts: mine at these ascending places, and empty ones between."""
        ends = np.zeros(count + 1, dtype=np.int32)
        ends[places + 1] = np.diff(self._ends)
        np.cumsum(ends, out=ends)
        return Texts(self._bytes, ends)

    def same(self, places: Places, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Whether each of `texts` is the one at its place. Shape (n,)."""
        joined, lengths = _encoded(texts)
        begins = self._ends[places].astype(np.int64)
        same: npt.NDArray[np.bool_] = self._ends[places + 1] - begins == lengths
        lengths = np.where(same, lengths, 0)
        theirs = np.cumsum(lengths) - lengths
        if not same.all():
            joined = b"".join(_bytes(text) for text, s in zip(texts, same, strict=True) if s)
        if not joined:
            return same
        within = np.arange(len(joined)) + np.repeat(begins - theirs, lengths)
        mine = np.frombuffer(self._bytes, dtype=np.uint8)[within]
        wrong = np.flatnonzero(mine != np.frombuffer(joined, dtype=np.uint8))
        same[np.searchsorted(theirs + lengths, wrong, side="right")] = False
        return same

    @override
    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    @override
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            assert step == 1
            ends = self._ends[first : max(first, last) + 1].tolist()
            return [
                self._bytes[begin:end].decode("utf-8", "surrogatepass")
                for begin, end in pairwise(ends)
            ]
        if not 0 <= place < len(self):
            raise IndexError(place)
        encoded = self._bytes[self._ends[place] : self._ends[place + 1]]
        return encoded.decode("utf-8", "surrogatepass")


class Index:
    """Where each of some texts is; of equal ones, any.

    Hashes, in order, and for each of many equal parts of their range where it begins: a text is
    found within a step or two. A hash only says where to look; the text decides.
    """

    __slots__ = ("_begins", "_hash_of", "_hashes", "_places", "_shift", "_texts")

    def __init__(self, texts: Texts, hash_of: Callable[[str], int] = hash) -> None:
        self._hash_of = hash_of
        count = len(texts)
        hashes = np.empty(count, dtype=np.uint64)
        for begin in range(0, count, PAGE):
            page = texts[begin : begin + PAGE]
            hashes[begin : begin + len(page)] = self._hashes_of(page)
        bits = max(1, (count - 1).bit_length())
        self._texts = texts
        self._shift = 64 - bits
        self._places = np.argsort(hashes).astype(np.int32)
        # One more, so that whoever goes on to the end finds something greater or equal there.
        self._hashes = np.append(hashes[self._places], np.uint64(2**64 - 1))
        parts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(self._shift)
        self._begins = np.searchsorted(self._hashes[:-1], parts).astype(np.int32)

    def place(self, text: str) -> int:
        """Where this text is, or `NOWHERE`."""
        wanted = self._hash_of(text) & 0xFFFF_FFFF_FFFF_FFFF
        nth = int(self._begins[wanted >> self._shift])
        while nth < len(self._places) and (there := int(self._hashes[nth])) <= wanted:
            place = int(self._places[nth])
            if there == wanted and self._texts[place] == text:
                return place
            nth += 1
        return NOWHERE

    def places(self, texts: Sequence[str]) -> Places:
        """Where each of these texts is, or `NOWHERE`. Shape (n,)."""
        found = np.full(len(texts), NOWHERE, dtype=np.int32)
        if not len(self._places):
            return found
        wanted = self._hashes_of(texts)
        nth = self._begins[wanted >> np.uint64(self._shift)].astype(np.int64)
        behind = np.flatnonzero(self._hashes[nth] < wanted)
        while len(behind):
            nth[behind] += 1
            behind = behind[self._hashes[nth[behind]] < wanted[behind]]
        # Beyond the last is only what stops the search, and it may look like a hash.
        alike = np.flatnonzero((self._hashes[nth] == wanted) & (nth < len(self._places)))
        places = self._places[nth[alike]]
        few = texts if len(alike) == len(texts) else [texts[n] for n in alike.tolist()]
        same = self._texts.same(places, few)
        found[alike] = places
        for n in alike[~same].tolist():
            found[n] = self.place(texts[n])  # two texts of one hash: once in a million years
        return found

    def _hashes_of(self, texts: Sequence[str]) -> npt.NDArray[np.uint64]:
        hashes = map(self._hash_of, texts)
        return np.fromiter(hashes, dtype=np.int64, count=len(texts)).view(np.uint64)


def _encoded(texts: Sequence[str]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """(all of them, how long each is in bytes)."""
    joined = _bytes("".join(texts))
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if lengths.sum() != len(joined):
        lengths = np.array([len(_bytes(text)) for text in texts], dtype=np.int64)  # not all ASCII
    return joined, lengths


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
