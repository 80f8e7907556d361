"""The words in which the simulated company's data is described: enums, fields, types, sets, operations.

The table itself is ``entities.py``; everything else (``$metadata``, columns, checks, answers) is derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

STRING = "Edm.String"
INTEGER = "Edm.Int32"
AMOUNT = "Edm.Double"
DATE = "Edm.DateTimeOffset"

#: A stored value: text, enum name or ISO date as ``str``; ``Edm.Double`` as ``Decimal`` (never float).
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Enum:
    """An enumeration. ``members``: (name, ordinal of v2 metadata, database code); the code is accepted on input too.

    Only names are ever answered (dossier, section 11).
    """

    name: str
    members: tuple[tuple[str, int, str], ...]

    def member(self, text: str) -> str | None:
        """The member's name for a name or a database code; None where there is no such member."""
        for name, _, code in self.members:
            if text in (name, code):
                return name
        return None


@dataclass(frozen=True, slots=True)
class Field:
    """One property. ``type``: an Edm type, an enum's name, or ``Collection(<type>)``.

    ``length`` in characters, None where nothing limits it. ``writable`` False: silently ignored when sent (dossier,
    section 6). ``default`` is stored when nothing is sent.
    """

    name: str
    type: str
    length: int | None = None
    writable: bool = True
    default: str | int | None = None
    member_type: str = field(default="", init=False)
    """The type of the members of a collection, "" for anything else."""

    def __post_init__(self) -> None:
        if self.type.startswith("Collection("):
            object.__setattr__(self, "member_type", self.type[11:-1])


@dataclass(frozen=True, slots=True)
class Type:
    """An entity type (it has a ``key``) or a complex type. ``table`` is its database table's name, "" where it has none.

    ``user_table`` names the table under which user-defined fields are added to it; open types take ``U_*`` properties.
    """

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    table: str = ""
    open: bool = False
    versioned: bool = False
    scalars: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    """Everything but collections: what has a column."""
    collections: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    _by_name: dict[str, Field] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Derived once: every request walks them.
        self._by_name.update({each.name: each for each in self.fields})
        object.__setattr__(self, "scalars", tuple(each for each in self.fields if not each.member_type))
        object.__setattr__(self, "collections", tuple(each for each in self.fields if each.member_type))

    def get(self, name: str) -> Field | None:
        """The property of that exact name, None where there is none."""
        return self._by_name.get(name)

    def with_fields(self, more: tuple[Field, ...]) -> Type:
        """The same type with user-defined fields after its own."""
        return replace(self, fields=(*self.fields, *more))


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A set under its resource name. ``methods``: what may be done to it besides reading; anything else answers -5006."""

    name: str
    type: str
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Operation:
    """An action (POST) or a function (GET). ``bound_to`` names the entity type it is called on, "" where it stands alone.

    ``parameters``: (name, type); ``returns``: a type, ``Collection(<type>)`` or "".
    """

    name: str
    kind: str
    parameters: tuple[tuple[str, str], ...] = ()
    returns: str = ""
    bound_to: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """All there is, by name: the shipped table and whatever user tables and user fields the company has."""

    enums: Mapping[str, Enum]
    types: Mapping[str, Type]
    sets: Mapping[str, EntitySet]
    operations: tuple[Operation, ...]

    def type_of(self, entity_set: EntitySet) -> Type:
        return self.types[entity_set.type]


def qualified(type_name: str) -> str:
    """A type as ``$metadata`` writes it: ``Collection(SAPB1.JournalEntryLine)``."""
    if type_name.startswith("Collection("):
        return f"Collection({qualified(type_name[11:-1])})"
    return type_name if type_name.startswith("Edm.") else f"SAPB1.{type_name}"
