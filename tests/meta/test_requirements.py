"""The lock files hold what pyproject.toml asks for, with hashes and without any address."""

import re
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import hatch_build
from tests.meta.source_tree import ROOT, pyproject

EVERYTHING = "requirements.lock"
SERVICE = "requirements-service.lock"
BUILD = "requirements-build.lock"
EACH = pytest.mark.parametrize("lock", [EVERYTHING, SERVICE, BUILD])
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


@cache
def pins(lock: str) -> dict[str, str]:
    return {
        canonicalize_name(name): version
        for name, version in PIN.findall(Path(ROOT / lock).read_text())
    }


def asked(*groups: str) -> list[Requirement]:
    project = pyproject()
    lines: list[str] = []
    for group in groups:
        extras = project["project"]["optional-dependencies"]
        if group == "service":
            lines += project["project"]["dependencies"]
        else:
            lines += extras[group] if group in extras else project["dependency-groups"][group]
    return [Requirement(line) for line in lines]


def unmet(requirements: list[Requirement], lock: str) -> list[str]:
    held = pins(lock)
    return [
        str(requirement)
        for requirement in requirements
        if (version := held.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(Version(version))
    ]


def test_the_lock_covers_what_is_asked_for() -> None:
    assert not unmet(asked("service", "up", "dev", "build"), EVERYTHING), "run make lock"
    assert not unmet(asked("service"), SERVICE), "run make lock"
    assert not unmet(asked("build", "node"), BUILD), "run make lock"


def test_the_build_requirements_are_locked_too() -> None:
    build = [Requirement(line) for line in pyproject()["build-system"]["requires"]]
    assert not unmet(build, EVERYTHING), "setup builds without isolation"
    assert not unmet(build, BUILD), "and so does the image"
    assert unmet([Requirement(hatch_build.NODE_WHEEL)], BUILD) == []


def test_the_service_runs_with_the_versions_that_were_tested() -> None:
    differing = {
        name: (version, pins(EVERYTHING).get(name))
        for lock in (SERVICE, BUILD)
        for name, version in pins(lock).items()
        if pins(EVERYTHING).get(name, version) != version
    }
    assert not differing
    assert pins(SERVICE).keys() <= pins(EVERYTHING).keys()


def test_every_dependency_says_the_oldest_version_it_works_with() -> None:
    stubs = re.compile(r"types-")
    loose = [
        str(each)
        for each in asked("service", "up", "dev", "build", "node")
        if not any(bound.operator in {">=", "=="} for bound in each.specifier)
        and not stubs.match(each.name)
    ]
    assert not loose


@EACH
def test_a_lock_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(
        r"://|^\s*--(index-url|extra-index-url|find-links)|@ file", text, re.MULTILINE
    )


@EACH
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())
    unhashed = [block.split()[0] for block in blocks if "==" in block and "--hash=" not in block]
    assert not unhashed
    assert pins(lock)
