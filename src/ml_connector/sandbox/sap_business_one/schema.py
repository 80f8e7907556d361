"""The words in which the simulated company's data is described: enums, fields, types, sets, operations.

The tables themselves are ``entities*.py``; everything else (``$metadata``, columns, checks, answers) is derived from them.
Names are those of OData v4; what v1 calls otherwise is in ``wire.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

STRING = "Edm.String"
INTEGER = "Edm.Int32"
AMOUNT = "Edm.Double"
DATE = "Edm.DateTimeOffset"
TIME = "Edm.TimeOfDay"

#: A stored value: text, enum name, ISO date or ``HH:MM:SS`` as ``str``; ``Edm.Double`` as ``Decimal`` (never float); a
#: complex property as a row of its own, a collection as a list of rows.
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

    def code(self, member: str) -> str:
        """The database code of a member."""
        return next(code for name, _, code in self.members if name == member)


@dataclass(frozen=True, slots=True)
class Field:
    """One property. ``type``: an Edm type, an enum's or complex type's name, or ``Collection(<type>)``.

    ``length`` in characters, None where nothing limits it. ``writable`` False: silently ignored when sent (dossier,
    section 6). ``default`` is stored when nothing is sent. ``embedded``: a complex property or a collection that is kept inside its
    parent's row.
    """

    name: str
    type: str
    length: int | None = None
    writable: bool = True
    default: str | int | None = None
    embedded: bool = False
    member_type: str = field(default="", init=False)
    """The type of a complex property, or of the members of a collection; "" for anything else."""
    is_collection: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.type.startswith("Collection("):
            object.__setattr__(self, "member_type", self.type[11:-1])
            object.__setattr__(self, "is_collection", True)
        elif self.embedded:
            object.__setattr__(self, "member_type", self.type)


@dataclass(frozen=True, slots=True)
class Type:
    """An entity type (it has a ``key``) or a complex type. ``table`` is its database table's name, "" where it has none.

    A child's table may begin with ``*``: the parent's table without its first letter, so that lines of OINV are INV1 and
    those of ORIN are RIN1. ``member_key`` tells the members of a collection apart when a PATCH merges them. Open types take
    ``U_*`` properties.
    """

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    table: str = ""
    open: bool = False
    versioned: bool = False
    member_key: tuple[str, ...] = ()
    scalars: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    """Everything that has a column in the type's table."""
    embedded: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    """Those of them that are kept as JSON text."""
    columns: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)
    amounts: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)
    """Names of all of them, and of those that hold amounts."""
    collections: tuple[Field, ...] = field(default=(), init=False, repr=False, compare=False)
    """Collections that have a table of their own."""
    _by_name: dict[str, Field] = field(default_factory=dict, init=False, repr=False, compare=False)
    _elsewhere: dict[str, Type] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Derived once: every request walks them.
        self._by_name.update({each.name: each for each in self.fields})
        apart = tuple(each for each in self.fields if each.is_collection and not each.embedded)
        object.__setattr__(self, "scalars", tuple(each for each in self.fields if each not in apart))
        object.__setattr__(self, "columns", tuple(each.name for each in self.scalars))
        object.__setattr__(self, "amounts", tuple(each.name for each in self.scalars if each.type == AMOUNT))
        object.__setattr__(self, "embedded", tuple(each for each in self.fields if each.embedded))
        object.__setattr__(self, "collections", apart)

    def get(self, name: str) -> Field | None:
        """The property of that exact name, None where there is none."""
        return self._by_name.get(name)

    def in_table(self, table: str) -> Type:
        """The same type with its rows in another table."""
        placed = self._elsewhere.get(table)
        if placed is None:
            placed = self._elsewhere[table] = replace(self, table=table)
        return placed

    def with_fields(self, more: tuple[Field, ...]) -> Type:
        """The same type with user-defined fields after its own."""
        return replace(self, fields=(*self.fields, *more))


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A set under its resource name. ``methods``: what may be done to it besides reading; anything else answers -5006.

    ``table``: where its rows are, when several sets share a type.
    """

    name: str
    type: str
    methods: frozenset[str] = frozenset()
    table: str = ""


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
    """All there is, by name: the shipped tables and whatever user tables and user fields the company has."""

    enums: Mapping[str, Enum]
    types: Mapping[str, Type]
    sets: Mapping[str, EntitySet]
    operations: tuple[Operation, ...]

    def type_of(self, entity_set: EntitySet) -> Type:
        """The set's type, with the table its rows are in."""
        entity = self.types[entity_set.type]
        return entity.in_table(entity_set.table) if entity_set.table else entity

    def of_set(self, name: str) -> Type:
        """The same by the set's name."""
        return self.type_of(self.sets[name])

    def child(self, entity: Type, collection: Field) -> Type:
        """The type of a collection's members, with the table that belongs to this entity's table."""
        member = self.types[collection.member_type]
        if member.table[:1] != "*":
            return member
        return member.in_table(f"{entity.table[1:]}{member.table[1:]}")

    def stored(self) -> Iterator[Type]:
        """Every entity type with every table of it; the types of collections' members are not among them."""
        shared = {each.type for each in self.sets.values() if each.table}
        members = {each.member_type for entity in self.types.values() for each in entity.fields}
        apart = shared | members
        yield from (each for each in self.types.values() if each.table and each.name not in apart)
        yield from (self.type_of(each) for each in self.sets.values() if each.table)


def qualified(type_name: str) -> str:
    """A type as ``$metadata`` writes it: ``Collection(SAPB1.JournalEntryLine)``."""
    if type_name.startswith("Collection("):
        return f"Collection({qualified(type_name[11:-1])})"
    return type_name if type_name.startswith("Edm.") else f"SAPB1.{type_name}"
