"""``$metadata`` (CSDL, OData v4) from the schema: always XML, whatever the Accept header says (dossier, section 3.1)."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from ml_connector.sandbox.sap_business_one.schema import Operation, Schema, Type, qualified

_EDM = "http://docs.oasis-open.org/odata/ns/edm"
_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"


def metadata_v2(schema: Schema) -> bytes:
    """The whole document, UTF-8."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<edmx:Edmx xmlns:edmx="{_EDMX}" Version="4.0"><edmx:DataServices>',
        f'<Schema xmlns="{_EDM}" Namespace="SAPB1">',
    ]
    for enum in schema.enums.values():
        lines.append(f'<EnumType Name="{enum.name}" IsFlags="false" UnderlyingType="Edm.Int32">')
        lines += [f'<Member Name="{name}" Value="{ordinal}"/>' for name, ordinal, _ in enum.members]
        lines.append("</EnumType>")
    for entity in schema.types.values():
        lines += _type(entity)
    for operation in schema.operations:
        lines += _operation(operation)
    lines.append('<EntityContainer Name="ServiceLayer">')
    for each in schema.sets.values():
        lines += _set(each.name, schema.type_of(each))
    for operation in schema.operations:
        if not operation.bound_to:
            word = operation.kind.capitalize()
            lines.append(f'<{word}Import Name="{operation.name}" {word}="SAPB1.{operation.name}"/>')
    lines.append("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>")
    return "\n".join(lines).encode()


def _type(entity: Type) -> list[str]:
    word = "EntityType" if entity.key else "ComplexType"
    opened = ' OpenType="true"' if entity.open else ""
    lines = [f'<{word} Name="{entity.name}"{opened}>']
    if entity.key:
        lines += ["<Key>", *(f'<PropertyRef Name="{name}"/>' for name in entity.key), "</Key>"]
    for each in entity.fields:
        nullable = ' Nullable="false"' if each.name in entity.key else ""
        lines.append(f"<Property Name={quoteattr(each.name)} Type={quoteattr(qualified(each.type))}{nullable}/>")
    return [*lines, f"</{word}>"]


def _set(name: str, entity: Type) -> list[str]:
    lines = [f'<EntitySet Name="{name}" EntityType="SAPB1.{entity.name}">']
    if entity.versioned:
        lines += [
            '<Annotation Term="Org.OData.Core.V1.OptimisticConcurrency"><Collection>',
            "<PropertyPath>DataVersion</PropertyPath>",
            "</Collection></Annotation>",
        ]
    return [*lines, "</EntitySet>"]


def _operation(operation: Operation) -> list[str]:
    word = operation.kind.capitalize()
    bound = ' IsBound="true"' if operation.bound_to else ""
    lines = [f'<{word} Name="{operation.name}"{bound}>']
    lines += [f'<Parameter Name="{name}" Type="{qualified(kind)}"/>' for name, kind in operation.parameters]
    if operation.returns:
        lines.append(f'<ReturnType Type="{qualified(operation.returns)}"/>')
    return [*lines, f"</{word}>"]
