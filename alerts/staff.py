"""Staff as the service knows them once they have shown who they are. Nouns only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff is there for (contract section 4)."""

    DOCTOR = "doctor"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    AUDITOR = "auditor"

    @property
    def cares(self) -> bool:
        """Doctors and supervisors go to doors: they act, and may know names. The others read."""
        return self in (Role.DOCTOR, Role.SUPERVISOR)


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff and the grids they may see: their own and those of their communities."""

    no: int
    id: str
    name: str
    role: Role
    grids: Mapping[str, int]
    """Grid id -> grid number."""

    def grid_nos(self, grid: str | None = None) -> list[int]:
        """The numbers of all their grids, or of one; none where that one is not theirs."""
        if grid is None:
            return list(self.grids.values())
        return [self.grids[grid]] if grid in self.grids else []
