"""Amazon's published models, as far as answers are held against them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest


def amazon_contracts() -> Path:
    """The folder of Amazon's contracts; skips the test where nobody named one."""
    folder = os.environ.get("ML_CONNECTOR_CONTRACTS")
    if not folder:
        pytest.skip("ML_CONNECTOR_CONTRACTS does not name the contracts folder")
    return Path(folder) / "amazon"


class Swagger:
    """One published model: checks an answer against the definition that its operation declares for the status."""

    def __init__(self, folder: Path, name: str) -> None:
        self.model = json.loads((folder / "swagger" / f"{name}.json").read_text(encoding="utf-8"))

    def operations(self) -> Iterator[str]:
        """Every operation's id."""
        for path in self.model["paths"].values():
            for operation in path.values():
                if isinstance(operation, dict) and "operationId" in operation:
                    yield operation["operationId"]

    def operation(self, operation_id: str) -> dict[str, Any]:
        for path in self.model["paths"].values():
            for operation in path.values():
                if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                    return operation
        raise AssertionError(f"no operation {operation_id}")

    def check(self, operation_id: str, answer: httpx2.Response) -> None:
        declared = self.operation(operation_id)["responses"][str(answer.status_code)]
        if "schema" not in declared:
            assert answer.content == b""
            return
        schema = {**declared["schema"], "definitions": self.model["definitions"]}
        body = without_nulls(answer.json())  # the live Finances API sends "breakdowns": null, which the model forbids
        jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(body)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value
