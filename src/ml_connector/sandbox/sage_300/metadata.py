"""``$metadata`` of one module, generated from the tables (dossier, section 2.3): one EDMX document, OData v4."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from xml.sax.saxutils import quoteattr

from ml_connector.sandbox.sage_300.schema import ENUMS, Field, Model, Resource, Schema

_EDM = {"text": "Edm.String", "word": "Edm.String", "date": "Edm.DateTimeOffset", "bool": "Edm.Boolean", "int": "Edm.Int32", "decimal": "Edm.Decimal"}  # fmt: skip


def metadata(schema: Schema, module: str, hidden: Collection[str] = ()) -> str:
    """The document of a module. Detail rows are complex types, collections of them plain properties."""
    served = [
        each for each in schema.resources.values() if each.module == module and each.model and each.name not in hidden
    ]
    namespace = f"Sage.CA.SBS.ERP.Sage300.{module}.WebApi.Models"
    entities = {each.model: each for each in served}
    rows = [schema.models[name] for name in _rows(schema, entities)]
    models = [*(schema.models[name] for name in entities), *rows]
    enums = sorted({each.of for model in models for each in model.fields if each.kind == "enum"})
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
        "<edmx:DataServices>",
        f'<Schema Namespace="{namespace}" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
        *(line for name, each in entities.items() for line in _entity(schema.models[name], each, namespace)),
        *(
            line
            for model in rows
            for line in (
                "<ComplexType Name=" + quoteattr(model.short_name) + ">",
                *_properties(model, namespace),
                "</ComplexType>",
            )
        ),
        *(line for enum in enums for line in _enum(enum)),
        "</Schema>",
        '<Schema Namespace="Default" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
        '<EntityContainer Name="Container">',
        *(
            f'<EntitySet Name="{each.name}" EntityType="{namespace}.{each.model.partition(".")[2]}" />'
            for each in served
        ),
        "</EntityContainer>",
        "</Schema>",
        "</edmx:DataServices>",
        "</edmx:Edmx>",
    ]
    return "\n".join(lines)


def _rows(schema: Schema, entities: Collection[str]) -> list[str]:
    """The models of detail rows below those entities, each once."""
    found: dict[str, None] = {}
    waiting = list(entities)
    while waiting:
        for each in schema.models[waiting.pop()].collections:
            if each.of and each.of not in found:
                found[each.of] = None
                waiting.append(each.of)
    return list(found)


def _entity(model: Model, resource: Resource, namespace: str) -> Iterator[str]:
    yield f'<EntityType Name="{model.short_name}">'
    if resource.key:
        yield "<Key>"
        yield from (f'<PropertyRef Name="{name}" />' for name in resource.key)
        yield "</Key>"
    yield from _properties(model, namespace)
    yield "</EntityType>"


def _properties(model: Model, namespace: str) -> Iterator[str]:
    for each in model.fields:
        if each.kind != "opaque":
            length = f' MaxLength="{each.size}"' if each.kind == "text" and each.size is not None else ""
            yield f'<Property Name="{each.name}" Type="{_type(each, namespace)}"{length} />'


def _type(declared: Field, namespace: str) -> str:
    if declared.kind == "list":
        return f"Collection({namespace}.{declared.of.partition('.')[2]})"
    return f"{namespace}.{declared.of}Enum" if declared.kind == "enum" else _EDM[declared.kind]


def _enum(name: str) -> Iterator[str]:
    yield f'<EnumType Name="{name}Enum">'
    yield from (f'<Member Name="{member}" Value="{value}" />' for value, member in enumerate(ENUMS[name]))
    yield "</EnumType>"
