"""Every place of the shipped code where a posting process can be stopped: found in the source, not by running it.

A *site* is an ``await``, or the head of an ``async with`` or ``async for``. Functions that posting never enters, and sites
that never suspend, are named here with the reason; that these reasons hold is tested too: no kill may fall on them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import ml_connector
from ml_connector.conformance.loop import Place

ROOT: Final = Path(ml_connector.__file__).parent

FILES: Final = (
    "posting/approvals.py",
    "posting/decide.py",
    "posting/equality.py",
    "posting/loop.py",
    "posting/permit.py",
    "posting/sets.py",
    "posting/trail.py",
    "transport/http.py",
    "store/door.py",
    "erp/sap_business_one/auth.py",
    "erp/sap_business_one/client.py",
    "erp/sap_business_one/reads/abilities.py",
    "erp/sap_business_one/connector.py",
    "erp/sap_business_one/routes/journal_looks.py",
    "erp/sap_business_one/routes/looks.py",
    "erp/sap_business_one/reads/reference.py",
)

#: Functions that posting never enters.
ELSEWHERE: Final[Mapping[str, str]] = {
    "transport/http.py HttpClient.stream": "downloads; a posting target streams nothing",
    "store/door.py WriterDoor.*": "the door with a thread of its own; a simulation has the inline one",
    "store/door.py PooledDoor.*": "the door to PostgreSQL; a simulation has the inline one",
    "posting/permit.py LeasePermit.follow": "for systems whose documents take a train of harmless writes; this one has none",
    "erp/sap_business_one/client.py ServiceLayer.query": "stored queries feed what is followed; posting follows nothing",
    "erp/sap_business_one/connector.py SapBusinessOne.census": "asked by reconciliation",
    "erp/sap_business_one/routes/journal_looks.py JournalEyes.census": "asked by reconciliation",
    "erp/sap_business_one/routes/looks.py census": "asked by reconciliation",
}

#: Sites that end in the step in which they begin, by the source text after which they stand.
NEVER_SUSPEND: Final[Mapping[str, str]] = {
    "asyncio.timeout(": "entering and leaving a time-out waits for nothing",
    "await self._door.close()": "the inline door closes its connection and waits for nothing",
}


@dataclass(frozen=True, slots=True)
class Site:
    """``file`` is relative to the package; ``line`` to ``end`` are the lines of the await or of the head."""

    file: str
    function: str
    line: int
    end: int
    text: str

    def covers(self, place: Place) -> bool:
        """Whether a suspended await stands here, or in an await inside it."""
        path, function, line = place
        return function == self.function and self.line <= line <= self.end and path == str(ROOT / self.file)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}: {self.text}"


@cache
def all_sites() -> tuple[Site, ...]:
    """Every site of :data:`FILES` that posting can stop at."""
    return tuple(site for file in FILES for site in _of_file(file) if not _excluded(site))


@cache
def covering(place: Place) -> frozenset[Site]:
    """The sites at which whoever stands at ``place`` can be said to stand."""
    return frozenset(site for site in all_sites() if site.covers(place))


def counted(places: Counter[Place]) -> tuple[dict[Site, int], list[str]]:
    """Kills by site, zero included; and kills that fell where none can."""
    counts = dict.fromkeys(all_sites(), 0)
    known = {file: _of_file(file) for file in FILES}
    strange: list[str] = []
    for place, count in places.items():
        path, function, line = place
        file = Path(path).relative_to(ROOT).as_posix()
        fitting = [site for site in known.get(file, ()) if site.covers(place)]
        site = min(fitting, key=lambda site: site.end - site.line, default=None)
        if site in counts:
            counts[site] += count
        elif file in known:
            strange.append(f"{file}:{line} {function}")
    return counts, strange


def _excluded(site: Site) -> bool:
    elsewhere = any(
        place.partition(" ")[0] == site.file and _covers(place.partition(" ")[2], site.function) for place in ELSEWHERE
    )
    return elsewhere or any(words in site.text for words in NEVER_SUSPEND)


def _covers(pattern: str, function: str) -> bool:
    return function.startswith(pattern[:-1]) if pattern.endswith("*") else function == pattern


@cache
def _of_file(file: str) -> list[Site]:
    source = (ROOT / file).read_text(encoding="utf-8")
    lines = source.splitlines()
    return [
        Site(file, function, node.lineno, end, lines[node.lineno - 1].strip())
        for function, node, end in _awaits(ast.parse(source), "")
    ]


def _awaits(node: ast.AST, function: str) -> Iterator[tuple[str, ast.expr | ast.stmt, int]]:
    """(qualified function, node, last line of the head)."""
    for child in ast.iter_child_nodes(node):
        inner = function
        match child:
            case ast.ClassDef(name=name):
                inner = f"{function}{name}."
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                # Named as code objects are: a class's functions behind its name, a function's behind <locals>.
                inner = f"{function}{name}.<locals>."
        name = function.removesuffix(".<locals>.")
        match child:
            case ast.Await():
                yield name, child, child.end_lineno or child.lineno
            case ast.AsyncWith(items=items):
                yield name, child, max(item.context_expr.end_lineno or child.lineno for item in items)
            case ast.AsyncFor(iter=over):
                yield name, child, over.end_lineno or child.lineno
        yield from _awaits(child, inner)
