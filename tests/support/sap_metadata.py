"""A real server's metadata (contracts): names and types of what is sent to a Service Layer, of either version."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

#: Built-in types, and what JSON carries them.
BUILT_IN: dict[str, tuple[type, ...]] = {
    "Edm.String": (str,),
    "Edm.Int32": (int,),
    "Edm.Double": (int, Decimal),
    "Edm.DateTimeOffset": (str,),
}


class Metadata:
    """Types with their properties, entity sets, operations (those of v2)."""

    def __init__(self, file: Path) -> None:
        root = ET.parse(file).getroot()

        def named(tag: str, under: ET.Element = root) -> Iterator[ET.Element]:
            return (each for each in under.iter() if each.tag.rpartition("}")[2] == tag and "Name" in each.attrib)

        self.types: dict[str, dict[str, str]] = {}
        self.open: set[str] = set()
        self.enums: dict[str, set[str]] = {}
        for kind in ("EntityType", "ComplexType"):
            for element in named(kind):
                name = element.attrib["Name"]
                self.types[name] = {p.attrib["Name"]: p.attrib["Type"] for p in named("Property", element)}
                if element.get("OpenType") == "true":
                    self.open.add(name)
        for element in named("EnumType"):
            self.enums[element.attrib["Name"]] = {m.attrib["Name"] for m in named("Member", element)}
        self.sets = {e.attrib["Name"]: e.attrib["EntityType"].removeprefix("SAPB1.") for e in named("EntitySet")}
        self.operations = {
            e.attrib["Name"]: (kind, {p.attrib["Name"]: p.attrib["Type"] for p in named("Parameter", e)})
            for kind in ("Action", "Function")
            for e in named(kind)
        }

    def check(self, kind: str, data: Any, where: str = "") -> None:
        """Every member of ``data`` is a property of ``kind``, of its type; user-defined names only on open types."""
        properties = self.types[kind]
        for name, value in data.items():
            if name.startswith("U_"):
                assert kind in self.open, f"{where}{name}: {kind} takes no user-defined field"
                continue
            assert name in properties, f"{where}{name} is no property of {kind}"
            self.check_value(properties[name], value, f"{where}{name}")

    def check_value(self, kind: str, value: Any, where: str) -> None:
        if kind.startswith("Collection("):
            assert isinstance(value, list), where
            for number, item in enumerate(value):
                self.check_value(kind[len("Collection(") : -1], item, f"{where}[{number}]")
        elif kind in BUILT_IN:
            assert isinstance(value, BUILT_IN[kind]), f"{where}: {value!r} is no {kind}"
            assert not isinstance(value, bool), where
            if kind == "Edm.DateTimeOffset":
                assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)), f"{where}: {value!r} is no date"
        elif kind.removeprefix("SAPB1.") in self.enums:
            assert value in self.enums[kind.removeprefix("SAPB1.")], f"{where}: {value!r} is no member of {kind}"
        else:
            self.check(kind.removeprefix("SAPB1."), value, f"{where}.")
