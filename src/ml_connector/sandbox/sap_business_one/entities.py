"""What the simulated Service Layer serves: its sets and operations, over the types of the other ``entities_*`` files.

Names: metadata of a 10.0 server (dossier, sections 1, 6 and 7), compared name by name in a contract test.
"""

from __future__ import annotations

from ml_connector.sandbox.sap_business_one import entities_documents, entities_finance, entities_items
from ml_connector.sandbox.sap_business_one.enums import ENUMS
from ml_connector.sandbox.sap_business_one.fields import text
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, STRING, EntitySet, Operation, Schema, Type

TYPES = (*entities_finance.TYPES, *entities_items.TYPES, *entities_documents.TYPES)

_EDITABLE = frozenset({"POST", "PATCH", "DELETE"})
_POSTED = frozenset({"POST", "PATCH"})
"""What is written once and may have its texts changed; it is never deleted."""

SETS = (
    EntitySet("JournalEntries", "JournalEntry", _POSTED),
    EntitySet("Invoices", "Document", _POSTED, "OINV"),
    EntitySet("CreditNotes", "Document", _POSTED, "ORIN"),
    EntitySet("DeliveryNotes", "Document", _POSTED, "ODLN"),
    EntitySet("Orders", "Document", _POSTED, "ORDR"),
    EntitySet("InventoryGenEntries", "Document", _POSTED, "OIGN"),
    EntitySet("InventoryGenExits", "Document", _POSTED, "OIGE"),
    EntitySet("Drafts", "Document", _EDITABLE, "ODRF"),
    EntitySet("IncomingPayments", "Payment", _POSTED, "ORCT"),
    EntitySet("VendorPayments", "Payment", _POSTED, "OVPM"),
    EntitySet("PaymentDrafts", "Payment", _EDITABLE, "OPDF"),
    EntitySet("Items", "Item", _POSTED),
    EntitySet("PriceLists", "PriceList", _POSTED),
    EntitySet("SpecialPrices", "SpecialPrice", _EDITABLE),
    EntitySet("Warehouses", "Warehouse", _POSTED),
    EntitySet("BusinessPartners", "BusinessPartner", _POSTED),
    EntitySet("VatGroups", "VatGroup", _POSTED),
    EntitySet("SalesTaxCodes", "SalesTaxCode", _POSTED),
    EntitySet("SQLQueries", "SQLQuery", _EDITABLE),
    EntitySet("ChartOfAccounts", "ChartOfAccount", frozenset({"PATCH"})),
    EntitySet("Currencies", "Currency"),
    EntitySet("BusinessPlaces", "BusinessPlace"),
    EntitySet("Dimensions", "Dimension"),
    EntitySet("DistributionRules", "DistributionRule"),
    EntitySet("Projects", "Project"),
    EntitySet("AdditionalExpenses", "AdditionalExpense", _EDITABLE),
    EntitySet("Users", "User"),
    EntitySet("UserTablesMD", "UserTablesMD", frozenset({"POST", "DELETE"})),
    EntitySet("UserFieldsMD", "UserFieldMD", frozenset({"POST", "DELETE"})),
)

OPERATIONS = (
    Operation(
        "Login",
        "action",
        (("CompanyDB", STRING), ("UserName", STRING), ("Password", STRING), ("Language", STRING)),
        "B1Session",
    ),
    Operation("Logout", "action"),
    Operation("Cancel", "action", (("JournalEntryParams", "JournalEntry"),), bound_to="JournalEntry"),
    Operation("Cancel", "action", (("DocumentParams", "Document"),), bound_to="Document"),
    Operation("Close", "action", (("DocumentParams", "Document"),), bound_to="Document"),
    Operation("Reopen", "action", (("DocumentParams", "Document"),), bound_to="Document"),
    Operation("CreateCancellationDocument", "action", (("DocumentParams", "Document"),), "Document", "Document"),
    Operation("Cancel", "action", (("PaymentParams", "Payment"),), bound_to="Payment"),
    Operation("CancelbyCurrentSystemDate", "action", (("PaymentParams", "Payment"),), bound_to="Payment"),
    Operation("SaveDraftToDocument", "action", (("PaymentParams", "Payment"),), bound_to="Payment"),
    Operation(
        "List", "function", (("SQLQueryParams", "SQLQuery"), ("ParamList", STRING)), "SQLQueryResult", "SQLQuery"
    ),
    Operation("DraftsService_SaveDraftToDocument", "action", (("Document", "Document"),)),
    Operation("InvoicesService_Cancel2", "action", (("Document", "Document"),)),
    Operation("CreditNotesService_Cancel2", "action", (("Document", "Document"),)),
    Operation("OrdersService_Preview", "action", (("Document", "Document"),), "Document"),
    Operation(
        "CompanyService_GetItemPrice", "action", (("ItemPriceParams", "ItemPriceParams"),), "ItemPriceReturnParams"
    ),
    Operation(
        "SeriesService_GetDocumentSeries",
        "action",
        (("DocumentTypeParams", "DocumentTypeParams"),),
        "Collection(Series)",
    ),
    Operation("SeriesService_GetDefaultSeries", "action", (("DocumentTypeParams", "DocumentTypeParams"),), "Series"),
    Operation("CompanyService_GetCompanyInfo", "function", returns="CompanyInfo"),
    Operation("CompanyService_GetAdminInfo", "function", returns="AdminInfo"),
    Operation("CompanyService_GetPeriods", "action", returns="Collection(PeriodCategoryParams)"),
    Operation(
        "CompanyService_GetPeriod", "action", (("PeriodCategoryParams", "PeriodCategoryParams"),), "PeriodCategory"
    ),
    Operation(
        "CompanyService_GetFinancePeriods",
        "action",
        (("PeriodCategoryParams", "PeriodCategoryParams"),),
        "Collection(FinancePeriod)",
    ),
    Operation(
        "CompanyService_GetFinancePeriod",
        "action",
        (("FinancePeriodParams", "FinancePeriodParams"),),
        "FinancePeriod",
    ),
    Operation("SBOBobService_GetLocalCurrency", "function", returns=STRING),
    Operation("SBOBobService_GetSystemCurrency", "function", returns=STRING),
    Operation("SBOBobService_GetCurrencyRate", "function", (("Currency", STRING), ("Date", STRING)), AMOUNT),
    Operation(
        "SBOBobService_SetCurrencyRate", "action", (("RateDate", STRING), ("Currency", STRING), ("Rate", STRING))
    ),
)


def user_table(name: str, code_length: int) -> tuple[Type, EntitySet]:
    """The entity of a user table without an object: ``U_ML_LINK`` with its primary key ``Code`` (dossier, section 8)."""
    entity = Type(
        f"U_{name}", (text("Code", code_length), text("Name", 100)), key=("Code",), table=f"U_{name}", open=True
    )
    return entity, EntitySet(f"U_{name}", f"U_{name}", _EDITABLE)


SHIPPED = Schema(
    enums={enum.name: enum for enum in ENUMS},
    types={each.name: each for each in TYPES},
    sets={each.name: each for each in SETS},
    operations=OPERATIONS,
)
