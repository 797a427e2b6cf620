"""The examples of the description are answers that could be given."""

from typing import Any

import pytest
from pydantic import BaseModel

from alerts.api import shapes_truth


def examples() -> list[tuple[type[BaseModel], Any]]:
    shapes = [each for each in vars(shapes_truth).values() if isinstance(each, type)]
    return [
        (shape, shape.model_config["json_schema_extra"]["example"])  # type: ignore[index]
        for shape in shapes
        if issubclass(shape, BaseModel) and shape.model_config.get("json_schema_extra")
    ]


def test_there_are_some() -> None:
    assert len(examples()) >= 2


@pytest.mark.parametrize(("shape", "example"), examples())
def test_an_example_has_its_own_shape(shape: type[BaseModel], example: Any) -> None:
    shape.model_validate(example)
