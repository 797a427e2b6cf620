"""What a new database cluster of `doorstep up` needs before its first start, for single-user mode.

One role that owns one database and is no superuser: what reaches Doorstep's connection reaches its
tables, not the files and programs of the machine. It may not make roles, so that the two of staff,
which migration 0009 makes where it may, are made here.
"""

import re
from typing import Final

STAFF: Final = "doorstep_staff"
"""Who asks for a member of staff: sees the grids that are said (migration 0009), no names."""
CARER: Final = "doorstep_carer"
"""Who asks for a doctor or supervisor: may know names, and says what was done."""


def statements(role: str, password: str, database: str) -> str:
    """A script for `postgres --single`, a statement a line, on a cluster without that role."""
    for name in (role, database):
        assert re.fullmatch(r"[a-z_]+", name), "a name that needs no quoting"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", password), "a password that needs no quoting"
    return (
        f"CREATE ROLE {role} LOGIN PASSWORD '{password}'\n"
        # `doorstep doctor` looks at what makes a commit durable; this shows settings, no more.
        f"GRANT pg_read_all_settings TO {role}\n"
        f"CREATE DATABASE {database} OWNER {role}\n"
        f"CREATE ROLE {STAFF} NOLOGIN ROLE {role}\n"
        f"CREATE ROLE {CARER} NOLOGIN IN ROLE {STAFF} ROLE {role}\n"
    )
