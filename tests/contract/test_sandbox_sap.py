"""The simulator's table of entities against the metadata of a real server, name by name and type by type."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ml_connector.sandbox.sap_business_one.batch import Answer, Answers, write_batch
from ml_connector.sandbox.sap_business_one.entities import SHIPPED
from ml_connector.sandbox.sap_business_one.metadata import metadata
from ml_connector.sandbox.sap_business_one.schema import Type, qualified
from ml_connector.sandbox.sap_business_one.sql_columns import COLUMNS
from ml_connector.sandbox.sap_business_one.wire import V1, V2
from tests.support.sap_client import Sap

pytestmark = pytest.mark.contract
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_EDM_V3 = "{http://schemas.microsoft.com/ado/2009/11/edm}"


def _contracts() -> Path:
    folder = os.environ.get("ML_CONNECTOR_CONTRACTS")
    if not folder:
        pytest.skip("ML_CONNECTOR_CONTRACTS does not name the contracts folder")
    return Path(folder) / "sap-business-one"


@cache
def _schema() -> ElementTree.Element:
    root = ElementTree.parse(_contracts() / "service-layer-v2-odata4.trimmed.edmx").getroot()
    found = root.find(f".//{_EDM}Schema")
    assert found is not None
    return found


def _named(tag: str, name: str) -> ElementTree.Element:
    for each in _schema().iter(f"{_EDM}{tag}"):
        if each.get("Name") == name:
            return each
    raise AssertionError(f"the real server has no {tag} {name}")


@pytest.mark.parametrize("entity", SHIPPED.types.values(), ids=lambda each: each.name)
def test_every_type_is_as_the_real_server_declares_it(entity: Type) -> None:
    real = _named("EntityType" if entity.key else "ComplexType", entity.name)

    properties = {each.get("Name"): each.get("Type") for each in real.iter(f"{_EDM}Property")}

    assert {each.name: qualified(each.type) for each in entity.fields}.items() <= properties.items()
    assert tuple(each.get("Name") for each in real.iter(f"{_EDM}PropertyRef")) == entity.key
    assert (real.get("OpenType") == "true") == entity.open
    assert entity.versioned == ("DataVersion" in properties and entity.name in _versioned())


def _versioned() -> set[str]:
    """Types of sets that carry an ETag."""
    return {
        str(each.get("EntityType")).removeprefix("SAPB1.")
        for each in _schema().iter(f"{_EDM}EntitySet")
        if each.find(f"{_EDM}Annotation") is not None
    }


@cache
def _v1() -> dict[str, ElementTree.Element]:
    """The types of the older protocol, by name."""
    root = ElementTree.parse(_contracts() / "service-layer-v1-odata3.trimmed.edmx").getroot()
    return {
        str(each.get("Name")): each
        for tag in ("EntityType", "ComplexType", "EnumType")
        for each in root.iter()
        if each.tag.rpartition("}")[2] == tag
    }


def _v1_properties(entity: ElementTree.Element) -> dict[str | None, str | None]:
    return {each.get("Name"): each.get("Type") for each in entity if each.tag.endswith("}Property")}


@pytest.mark.parametrize("entity", SHIPPED.types.values(), ids=lambda each: each.name)
def test_every_type_is_as_the_older_protocol_declares_it(entity: Type) -> None:
    real = _v1_properties(_v1()[entity.name])

    shown = {V1.property_name(entity, each.name): qualified(V1.edm_type(each.type)) for each in entity.fields}

    assert shown.items() <= real.items()


def test_the_generated_metadata_of_the_older_protocol_says_what_the_table_says() -> None:
    root = ElementTree.fromstring(metadata(SHIPPED, V1))
    generated = {
        str(each.get("Name")): each for tag in ("EntityType", "ComplexType") for each in root.iter(_EDM_V3 + tag)
    }

    for name, entity in generated.items():
        assert _v1_properties(entity).items() <= _v1_properties(_v1()[name]).items()
    for enum in root.iter(f"{_EDM_V3}EnumType"):
        real = {each.get("Name") for each in _v1()[str(enum.get("Name"))]}
        assert {each.get("Name") for each in enum} <= real
    assert {each.get("Name") for each in root.iter(f"{_EDM_V3}EntitySet")} == set(SHIPPED.sets)


def test_every_operation_is_a_function_import_of_the_older_protocol() -> None:
    def imports(root: ElementTree.Element) -> list[tuple[object, ...]]:
        return [
            (
                each.get("Name"),
                each.get("ReturnType"),
                each.get("IsBindable"),
                [each.get(name) for name in each.attrib if name.endswith("HttpMethod")],
                [(parameter.get("Name"), parameter.get("Type")) for parameter in each],
            )
            for each in root.iter()
            if each.tag.endswith("}FunctionImport")
        ]

    real = imports(ElementTree.parse(_contracts() / "service-layer-v1-odata3.trimmed.edmx").getroot())

    for each in imports(ElementTree.fromstring(metadata(SHIPPED, V1))):
        assert each in real


def test_every_set_has_its_name_and_type() -> None:
    for each in SHIPPED.sets.values():
        assert _named("EntitySet", each.name).get("EntityType") == f"SAPB1.{each.type}"


def test_every_enum_member_has_its_ordinal_and_its_database_code() -> None:
    codes = json.loads((_contracts() / "enum-names-to-db-codes.json").read_text(encoding="utf-8"))
    for enum in SHIPPED.enums.values():
        real = {each.get("Name"): each.get("Value") for each in _named("EnumType", enum.name).iter(f"{_EDM}Member")}
        assert {name: str(ordinal) for name, ordinal, _ in enum.members}.items() <= real.items()
        assert {name: code for name, _, code in enum.members}.items() <= codes[enum.name].items()


def test_every_operation_is_of_its_kind_with_its_parameters() -> None:
    for operation in SHIPPED.operations:
        matching = [
            each
            for each in _schema().iter(f"{_EDM}{operation.kind.capitalize()}")
            if each.get("Name") == operation.name
            and [(p.get("Name"), p.get("Type")) for p in each.iter(f"{_EDM}Parameter")]
            == [(name, qualified(kind)) for name, kind in operation.parameters]
        ]
        assert matching, operation.name
        returned = matching[0].find(f"{_EDM}ReturnType")
        assert (returned.get("Type") if returned is not None else "") == (
            qualified(operation.returns) if operation.returns else ""
        )


def test_the_generated_metadata_says_what_the_table_says() -> None:
    generated = ElementTree.fromstring(metadata(SHIPPED, V2))
    names = {each.get("Name") for each in generated.iter(f"{_EDM}EntitySet")}
    properties = [
        each.get("Name")
        for entity in generated.iter(f"{_EDM}EntityType")
        if entity.get("Name") == "JournalEntry"
        for each in entity.iter(f"{_EDM}Property")
    ]

    assert names == set(SHIPPED.sets)
    assert properties == [each.name for each in SHIPPED.types["JournalEntry"].fields]


def test_refusals_carry_the_codes_and_texts_of_the_catalogue() -> None:
    catalogue = json.loads((_contracts() / "error-catalogue.json").read_text(encoding="utf-8"))["errors"]
    known = {(str(each["code"]), each["http_status"]): each["sample_message"] for each in catalogue}
    sap = Sap(switches={"user_may_create_tables": False})
    sap.post_entry()
    refusals = [
        Sap(sign_in=False).get("JournalEntries"),
        sap.send("GET", "JournalEntries(1)"),
        sap.send("DELETE", "JournalEntries(98001)"),
        sap.send("POST", "UserTablesMD", {"TableName": "ML_LINK"}),
        sap.send("POST", "$batch", b"", headers={"Content-Type": "multipart/mixed;boundary=x"}),
        sap.send("PATCH", "AdditionalExpenses(1)", {"Name": "x"}, headers={"If-Match": 'W/"0"'}),
    ]

    for said in refusals:
        error = said.json["error"]
        assert known[(error["code"], said.status)] == error["message"]


def test_a_batch_answer_has_the_recorded_bytes_around_its_content() -> None:
    recorded = (_contracts() / "samples" / "batch-response-v2.multipart.txt").read_bytes()
    zeros = "00000000-0000-0000-0000-000000000000"
    created = (
        ("Content-Type", "application/json;odata.metadata=minimal;charset=utf-8"),
        ("Content-Length", "8811"),
        ("ETag", 'W/"0000000000000000000000000000000000000000"'),
        ("Location", "https://localhost:50000/b1s/v2/BusinessPartners('C00001')"),
        ("OData-Version", "4.0"),
    )
    empty = (("OData-Version", "4.0"),)
    answers = Answers(
        (Answer(201, created, b'{"some":"content"}', "1"), Answer(204, empty, b"", "2"), Answer(204, empty, b"", "3"))
    )

    assert write_batch([answers], zeros)[1] == recorded


def test_a_batch_answer_of_the_older_protocol_has_the_recorded_bytes_around_its_content() -> None:
    recorded = (_contracts() / "samples" / "batch-response-v1.multipart.txt").read_bytes()
    zeros = "00000000-0000-0000-0000-000000000000"
    created = (
        ("Content-Type", "application/json;odata=minimalmetadata;charset=utf-8"),
        ("Content-Length", "8811"),
        ("DataServiceVersion", "3.0"),
        ("ETag", 'W/"0000000000000000000000000000000000000000"'),
        ("Location", "https://localhost:50000/b1s/v1/BusinessPartners('C00001')"),
    )
    empty = (("DataServiceVersion", "3.0"),)
    answers = Answers(
        (Answer(201, created, b'{"some":"content"}', "1"), Answer(204, empty, b"", "2"), Answer(204, empty, b"", "3"))
    )

    assert write_batch([answers], zeros, content_id_in_part=False)[1] == recorded


def test_columns_of_queries_are_those_of_the_real_database() -> None:
    root = ElementTree.parse(_contracts() / "service-layer-v1-odata3-sap-sdk-2021.trimmed.edmx").getroot()
    real = {
        str(entity.get("Name")): {
            each.get("Name"): each.get("Alias") for each in entity if each.tag.endswith("}Property")
        }
        for entity in root.iter()
        if entity.tag.rpartition("}")[2] in ("EntityType", "ComplexType")
    }

    for name, columns in COLUMNS.items():
        assert columns.items() <= real[name].items()
        assert set(columns) <= {each.name for each in SHIPPED.types[name].fields}
