"""``$metadata`` of both versions (CSDL) from the schema: always XML, whatever the Accept header says (dossier, section 3.1)."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from ml_connector.sandbox.sap_business_one.schema import Operation, Schema, Type, qualified
from ml_connector.sandbox.sap_business_one.wire import V1, V2, Wire

_EDM_V4 = "http://docs.oasis-open.org/odata/ns/edm"
_EDMX_V4 = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM_V3 = "http://schemas.microsoft.com/ado/2009/11/edm"
_EDMX_V3 = "http://schemas.microsoft.com/ado/2007/06/edmx"
_M = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"


def metadata(schema: Schema, wire: Wire) -> bytes:
    """The whole document, UTF-8."""
    lines = _v4(schema) if wire is V2 else _v3(schema)
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', *lines]).encode()


# --- OData v4 ----------------------------------------------------------------------------------------------------------


def _v4(schema: Schema) -> list[str]:
    lines = [
        f'<edmx:Edmx xmlns:edmx="{_EDMX_V4}" Version="4.0"><edmx:DataServices>',
        f'<Schema xmlns="{_EDM_V4}" Namespace="SAPB1">',
    ]
    for enum in schema.enums.values():
        lines.append(f'<EnumType Name="{enum.name}" IsFlags="false" UnderlyingType="Edm.Int32">')
        lines += [f'<Member Name="{name}" Value="{ordinal}"/>' for name, ordinal, _ in enum.members]
        lines.append("</EnumType>")
    for entity in schema.types.values():
        lines += _type(entity, V2)
    for operation in schema.operations:
        lines += _operation_v4(operation)
    lines.append('<EntityContainer Name="ServiceLayer">')
    for each in schema.sets.values():
        lines += _set_v4(each.name, schema.type_of(each))
    for operation in schema.operations:
        if not operation.bound_to:
            word = operation.kind.capitalize()
            lines.append(f'<{word}Import Name="{operation.name}" {word}="SAPB1.{operation.name}"/>')
    return [*lines, "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"]


def _set_v4(name: str, entity: Type) -> list[str]:
    lines = [f'<EntitySet Name="{name}" EntityType="SAPB1.{entity.name}">']
    if entity.versioned:
        lines += [
            '<Annotation Term="Org.OData.Core.V1.OptimisticConcurrency"><Collection>',
            "<PropertyPath>DataVersion</PropertyPath>",
            "</Collection></Annotation>",
        ]
    return [*lines, "</EntitySet>"]


def _operation_v4(operation: Operation) -> list[str]:
    word = operation.kind.capitalize()
    bound = ' IsBound="true"' if operation.bound_to else ""
    lines = [f'<{word} Name="{operation.name}"{bound}>']
    lines += [f'<Parameter Name="{name}" Type="{qualified(kind)}"/>' for name, kind in operation.parameters]
    if operation.returns:
        lines.append(f'<ReturnType Type="{qualified(operation.returns)}"/>')
    return [*lines, f"</{word}>"]


# --- OData v3 ----------------------------------------------------------------------------------------------------------


def _v3(schema: Schema) -> list[str]:
    lines = [
        f'<edmx:Edmx xmlns:edmx="{_EDMX_V3}" xmlns:m="{_M}" xmlns="{_EDM_V3}" Version="1.0">',
        '<edmx:DataServices m:DataServiceVersion="3.0" m:MaxDataServiceVersion="3.0">',
        '<Schema Namespace="SAPB1">',
    ]
    for enum in schema.enums.values():
        lines.append(f'<EnumType Name="{enum.name}">')
        lines += [f'<Member Name="{name}"/>' for name, _, _ in enum.members]
        lines.append("</EnumType>")
    for entity in schema.types.values():
        lines += _type(entity, V1)
    lines.append('<EntityContainer Name="ServiceLayer" m:IsDefaultEntityContainer="true">')
    for each in schema.sets.values():
        lines.append(f'<EntitySet Name="{each.name}" EntityType="SAPB1.{each.type}"/>')
    for operation in schema.operations:
        lines += _function_import(operation)
    return [*lines, "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"]


def _function_import(operation: Operation) -> list[str]:
    bound = ' IsBindable="true"' if operation.bound_to else ""
    returns = f' ReturnType="{qualified(operation.returns)}"' if operation.returns else ""
    verb = "" if operation.bound_to and operation.kind == "function" else ' m:HttpMethod="POST"'
    lines = [f'<FunctionImport Name="{operation.name}"{bound}{returns}{verb}>']
    lines += [f'<Parameter Name="{name}" Type="{qualified(kind)}"/>' for name, kind in operation.parameters]
    return [*lines, "</FunctionImport>"]


# --- both --------------------------------------------------------------------------------------------------------------


def _type(entity: Type, wire: Wire) -> list[str]:
    word = "EntityType" if entity.key else "ComplexType"
    opened = ' OpenType="true"' if entity.open else ""
    lines = [f'<{word} Name="{entity.name}"{opened}>']
    if entity.key:
        lines += ["<Key>", *(f'<PropertyRef Name="{name}"/>' for name in entity.key), "</Key>"]
    for each in entity.fields:
        more = ' Nullable="false"' if each.name in entity.key else ""
        if wire is V1 and entity.versioned and each.name == "DataVersion":
            more += ' ConcurrencyMode="Fixed"'
        name, kind = wire.property_name(entity, each.name), qualified(wire.edm_type(each.type))
        lines.append(f"<Property Name={quoteattr(name)} Type={quoteattr(kind)}{more}/>")
    return [*lines, f"</{word}>"]
