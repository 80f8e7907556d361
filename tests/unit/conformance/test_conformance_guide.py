"""Promises about the guide to connectors: its code is the example's own, and the example's test has four lines."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "connectors" / "writing-an-erp-connector.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "tests" / "conformance" / "example"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def bare(code: str) -> str:
    """Whatever the formatter does to it on a page: it wraps lines there by another indentation."""
    return re.sub(r"[\s(),]", "", code)


def test_the_code_of_the_guide_stands_in_the_example() -> None:
    tally = (EXAMPLE / "tally.py").read_text(encoding="utf-8")

    methods = [f"async def {part}" for part in BLOCKS[0].split("async def ")[1:]]

    assert len(methods) == 3
    for method in methods:
        assert bare(method) in bare(tally)


def test_the_test_of_the_guide_is_the_examples_own_and_has_four_lines() -> None:
    test = (EXAMPLE / "test_conformance_example.py").read_text(encoding="utf-8")

    assert BLOCKS[1] == test
    assert len(test.splitlines()) == 4
