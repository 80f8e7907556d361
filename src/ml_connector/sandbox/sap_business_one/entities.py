"""What the simulated Service Layer serves: every entity, field, type and length, as data.

Names and types: metadata of a 10.0 server (dossier, sections 1 and 6), compared name by name in a contract test. Lengths
are not in that metadata: journal references 100 (vendor help pages), the rest general knowledge (dossier, section 8).
"""

from __future__ import annotations

from ml_connector.sandbox.sap_business_one.schema import (
    AMOUNT,
    DATE,
    INTEGER,
    STRING,
    EntitySet,
    Enum,
    Field,
    Operation,
    Schema,
    Type,
)


def _enum(name: str, *members: tuple[str, int, str]) -> Enum:
    return Enum(name, members)


ENUMS = (
    _enum("BoYesNoEnum", ("tNO", 0, "N"), ("tYES", 1, "Y")),
    _enum("BoAccountTypes", ("at_Revenues", 0, "I"), ("at_Expenses", 1, "E"), ("at_Other", 2, "N")),
    _enum(
        "BoTaxPostAccEnum", ("tpa_Default", 0, "N"), ("tpa_SalesTaxAccount", 1, "R"), ("tpa_PurchaseTaxAccount", 2, "P")
    ),
    _enum("PrintStatusEnum", ("psNo", 0, "N"), ("psYes", 1, "Y"), ("psAmended", 2, "A")),
    _enum(
        "TransTypesEnum",
        ("ttOpeningBalance", 1, "-2"),
        ("ttClosingBalance", 2, "-3"),
        ("ttARInvoice", 3, "13"),
        ("ttARCredItnote", 4, "14"),
        ("ttReceipt", 11, "24"),
        ("ttJournalEntry", 13, "30"),
        ("ttVendorPayment", 14, "46"),
    ),
    _enum(
        "PeriodStatusEnum",
        ("ltUnlocked", 0, "N"),
        ("ltUnlockedExceptSales", 1, "S"),
        ("ltPeriodClosing", 2, "C"),
        ("ltLocked", 3, "Y"),
    ),
    _enum(
        "BoSubPeriodTypeEnum",
        ("spt_Year", 0, "Y"),
        ("spt_Quarters", 1, "Q"),
        ("spt_Months", 2, "M"),
        ("spt_Days", 3, "D"),
    ),
    _enum(
        "BoFieldTypes",
        ("db_Alpha", 0, "A"),
        ("db_Memo", 1, "M"),
        ("db_Numeric", 2, "N"),
        ("db_Date", 3, "D"),
        ("db_Float", 4, "B"),
    ),
    _enum(
        "BoFldSubTypes",
        ("st_None", 0, ""),
        ("st_Address", 63, "?"),
        ("st_Phone", 35, "#"),
        ("st_Rate", 82, "R"),
        ("st_Sum", 83, "S"),
        ("st_Price", 80, "P"),
        ("st_Quantity", 81, "Q"),
        ("st_Percentage", 37, "%"),
        ("st_Measurement", 77, "M"),
        ("st_Link", 66, "B"),
    ),
    _enum(
        "BoUTBTableType",
        ("bott_Document", 0, "3"),
        ("bott_DocumentLines", 1, "4"),
        ("bott_MasterData", 2, "1"),
        ("bott_MasterDataLines", 3, "2"),
        ("bott_NoObject", 4, "0"),
        ("bott_NoObjectAutoIncrement", 5, "5"),
    ),
    _enum(
        "CurrenciesDecimalsEnum",
        ("cd1Digit", 0, "1"),
        ("cd2Digits", 1, "2"),
        ("cd3Digits", 2, "3"),
        ("cd4Digits", 3, "4"),
        ("cd5Digits", 4, "5"),
        ("cd6Digits", 5, "6"),
        ("cdDefault", 6, "-1"),
        ("cdWithoutDecimals", 7, "0"),
    ),
    _enum(
        "RoundingSysEnum",
        ("rsNoRounding", 0, "0"),
        ("rsRoundToFiveHundredth", 1, "4"),
        ("rsRoundToOne", 2, "2"),
        ("rsRoundToTen", 3, "3"),
        ("rsRoundToTenHundredth", 4, "1"),
    ),
)


def _text(name: str, length: int | None = None, default: str | None = None, *, fixed: bool = False) -> Field:
    return Field(name, STRING, length, writable=not fixed, default=default)


def _whole(name: str, default: int | None = None, *, fixed: bool = False) -> Field:
    return Field(name, INTEGER, writable=not fixed, default=default)


def _amount(name: str, *, fixed: bool = False) -> Field:
    return Field(name, AMOUNT, writable=not fixed, default=0)


def _date(name: str) -> Field:
    return Field(name, DATE)


def _yes_no(name: str, default: str = "tNO") -> Field:
    return Field(name, "BoYesNoEnum", default=default)


def _one_of(name: str, enum: str, default: str | None = None, *, fixed: bool = False) -> Field:
    return Field(name, enum, writable=not fixed, default=default)


_JOURNAL_ENTRY = Type(
    "JournalEntry",
    (
        _whole("JdtNum", fixed=True),
        _whole("Number", fixed=True),
        _date("ReferenceDate"),
        _date("DueDate"),
        _date("TaxDate"),
        _date("VatDate"),
        _date("StornoDate"),
        _yes_no("UseAutoStorno"),
        _text("Memo", 50),
        _text("Reference", 100),
        _text("Reference2", 100),
        _text("Reference3", 100),
        _text("TransactionCode", 4),
        _text("ProjectCode", 20),
        _whole("Series"),
        _yes_no("StampTax"),
        _yes_no("AutoVAT"),
        _text("Indicator", 2),
        _yes_no("ReportEU"),
        _yes_no("Report347"),
        _one_of("Printed", "PrintStatusEnum", "psNo", fixed=True),
        _whole("LocationCode"),
        _one_of("OriginalJournal", "TransTypesEnum", fixed=True),
        _whole("Original", fixed=True),
        _text("BaseReference", 11, fixed=True),
        _yes_no("BlockDunningLetter"),
        _yes_no("DeferredTax"),
        _whole("BlanketAgreementNumber", fixed=True),
        _whole("AttachmentEntry"),
        Field("JournalEntryLines", "Collection(JournalEntryLine)"),
    ),
    key=("JdtNum",),
    table="OJDT",
    open=True,
)

_JOURNAL_ENTRY_LINE = Type(
    "JournalEntryLine",
    (
        _whole("Line_ID", fixed=True),
        _text("AccountCode", 15),
        _text("ShortName", 15),
        _amount("Debit"),
        _amount("Credit"),
        _amount("FCDebit"),
        _amount("FCCredit"),
        _text("FCCurrency", 3),
        _amount("DebitSys", fixed=True),
        _amount("CreditSys", fixed=True),
        _date("DueDate"),
        _date("ReferenceDate1"),
        _date("ReferenceDate2"),
        _date("TaxDate"),
        _text("ContraAccount", 15),
        _text("ControlAccount", 15, fixed=True),
        _text("LineMemo", 50),
        _text("Reference1", 100),
        _text("Reference2", 100),
        _text("AdditionalReference", 100),
        _text("ProjectCode", 20),
        _text("CostingCode", 8),
        _text("CostingCode2", 8),
        _text("CostingCode3", 8),
        _text("CostingCode4", 8),
        _text("CostingCode5", 8),
        _text("TaxGroup", 8),
        _text("TaxCode", 8),
        _one_of("TaxPostAccount", "BoTaxPostAccEnum", "tpa_Default"),
        _amount("BaseSum"),
        _amount("VatAmount"),
        _yes_no("VatLine"),
        _amount("GrossValue"),
        _whole("LocationCode"),
        _whole("BPLID"),
        _text("BPLName", 100, fixed=True),
    ),
    table="JDT1",
    open=True,
)

_CHART_OF_ACCOUNT = Type(
    "ChartOfAccount",
    (
        _text("Code", 15),
        _text("Name", 100),
        _amount("Balance", fixed=True),
        _yes_no("CashAccount"),
        _yes_no("ActiveAccount", "tYES"),
        _whole("AccountLevel", fixed=True),
        _text("FatherAccountKey", 15),
        _text("ExternalCode", 15),
        _one_of("AccountType", "BoAccountTypes", "at_Other"),
        _text("AcctCurrency", 3, "##"),
        _yes_no("RevaluationCoordinated"),
        _yes_no("LockManualTransaction"),
        _yes_no("BlockManualPosting"),
        _text("FormatCode", 210),
        _text("ForeignName", 100),
        _text("Details", 254),
        _yes_no("ValidFor"),
        _date("ValidFrom"),
        _date("ValidTo"),
        _yes_no("FrozenFor"),
        _date("FrozenFrom"),
        _date("FrozenTo"),
        _text("FrozenRemarks", 30),
    ),
    key=("Code",),
    table="OACT",
    open=True,
)

_CURRENCY = Type(
    "Currency",
    (
        _text("Code", 3),
        _text("Name", 20),
        _text("DocumentsCode", 3),
        _text("InternationalDescription", 20),
        _one_of("Decimals", "CurrenciesDecimalsEnum", "cdDefault"),
        _one_of("Rounding", "RoundingSysEnum", "rsNoRounding"),
        _yes_no("RoundingInPayment"),
    ),
    key=("Code",),
    table="OCRN",
    open=True,
)

_BUSINESS_PLACE = Type(
    "BusinessPlace",
    (
        _whole("BPLID", fixed=True),
        _text("BPLName", 100),
        _yes_no("MainBPL"),
        _yes_no("Disabled"),
        _text("FederalTaxID", 32),
        _text("Country", 3),
        _text("PaymentClearingAccount", 15),
    ),
    key=("BPLID",),
    table="OBPL",
    open=True,
)

_DISTRIBUTION_RULE = Type(
    "DistributionRule",
    (
        _text("FactorCode", 8),
        _text("FactorDescription", 30),
        _amount("TotalFactor"),
        _whole("InWhichDimension", 1),
        _yes_no("Active", "tYES"),
    ),
    key=("FactorCode",),
    table="OOCR",
    open=True,
)

_PROJECT = Type(
    "Project",
    (_text("Code", 20), _text("Name", 100), _date("ValidFrom"), _date("ValidTo"), _yes_no("Active", "tYES")),
    key=("Code",),
    table="OPRJ",
    open=True,
)

_ADDITIONAL_EXPENSE = Type(
    "AdditionalExpense",
    (
        _whole("ExpensCode", fixed=True),
        _text("Name", 20),
        _text("RevenuesAccount", 15),
        _text("ExpenseAccount", 15),
        _yes_no("TaxLiable", "tYES"),
        _amount("FixedAmountRevenues"),
        _text("OutputVATGroup", 8),
        _text("Project", 20),
        _whole("DataVersion", fixed=True),
    ),
    key=("ExpensCode",),
    table="OEXD",
    open=True,
    versioned=True,
)

_USER = Type(
    "User",
    (
        _whole("InternalKey", fixed=True),
        _text("UserCode", 25),
        _text("UserName", 155),
        _yes_no("Superuser"),
        _text("eMail", 100),
        _yes_no("Locked"),
    ),
    key=("InternalKey",),
    table="OUSR",
    open=True,
)

_USER_TABLE = Type(
    "UserTablesMD",
    (
        _text("TableName", 19),
        _text("TableDescription", 30),
        _one_of("TableType", "BoUTBTableType", "bott_NoObject"),
        _yes_no("Archivable"),
        _text("ArchiveDateField", 50),
        _yes_no("DisplayMenu", "tYES"),
        _yes_no("ApplyAuthorization"),
    ),
    key=("TableName",),
    table="OUTB",
    open=True,
)

_USER_FIELD = Type(
    "UserFieldMD",
    (
        _text("TableName", 20),
        _whole("FieldID", fixed=True),
        _text("Name", 50),
        _text("Description", 80),
        _one_of("Type", "BoFieldTypes", "db_Alpha"),
        _one_of("SubType", "BoFldSubTypes", "st_None"),
        _whole("Size"),
        _whole("EditSize"),
        _text("DefaultValue", 254),
        _text("LinkedTable", 20),
        _yes_no("Mandatory"),
    ),
    key=("TableName", "FieldID"),
    table="CUFD",
)

_FINANCE_PERIOD = Type(
    "FinancePeriod",
    (
        _whole("AbsoluteEntry"),
        _text("PeriodCode", 20),
        _text("PeriodName", 20),
        _date("PostingDateFrom"),
        _date("PostingDateTo"),
        _date("ValueDateFrom"),
        _date("ValueDateTo"),
        _date("TaxDateFrom"),
        _date("TaxDateTo"),
        _yes_no("ActiveforFeed"),
        _yes_no("Locked"),
        _yes_no("AdditionalSubPeriods"),
        _text("PeriodIndicator", 10),
        _whole("SubNum"),
        _one_of("PeriodStatus", "PeriodStatusEnum", "ltUnlocked"),
    ),
    table="OFPR",
)

_PERIOD_CATEGORY = Type(
    "PeriodCategory",
    (
        _whole("AbsoluteEntry"),
        _date("BeginningofFinancialYear"),
        _text("PeriodCategoryProperty", 10),
        _one_of("SubPeriodType", "BoSubPeriodTypeEnum", "spt_Months"),
        _whole("NumberOfPeriods", 12),
        _text("PeriodName", 20),
        _date("FromPostingDate"),
        _date("ToPostingDate"),
        _date("FromDueDate"),
        _date("ToDueDate"),
        _date("FromDocumentDate"),
        _date("ToDocumentDate"),
        _whole("FinancialYear"),
    ),
    table="OACP",
)

_COMPANY_INFO = Type(
    "CompanyInfo",
    (
        _whole("Version"),
        _text("CompanyName"),
        _text("Localization"),
        _whole("MaxNumberOfDocumentsInPmt"),
        _yes_no("EnableAccountSegmentation"),
        _yes_no("EnableTransactionNotification"),
        _yes_no("EnableSharingSeries"),
        _yes_no("BlockStockNegativeQuantity"),
    ),
)

_ADMIN_INFO = Type(
    "AdminInfo",
    (
        _whole("Code"),
        _text("CompanyName"),
        _text("Country"),
        _text("LocalCurrency"),
        _text("SystemCurrency"),
        _whole("TotalsAccuracy"),
        _whole("PriceAccuracy"),
        _whole("RateAccuracy"),
        _whole("PercentageAccuracy"),
        _whole("AccuracyofQuantities"),
        _yes_no("RoundTaxAmounts"),
        _yes_no("RoundingMethod"),
        _yes_no("EnableBranches"),
        _yes_no("DirectIndirectRate", "tYES"),
        _yes_no("UseNegativeAmounts"),
        _yes_no("ContinuousStockManagement"),
        _yes_no("BlockStockNegativeQuantity"),
        _text("DecimalSeparator"),
        _text("AccountSegmentsSeparator"),
    ),
)

TYPES = (
    _JOURNAL_ENTRY,
    _JOURNAL_ENTRY_LINE,
    _CHART_OF_ACCOUNT,
    _CURRENCY,
    _BUSINESS_PLACE,
    _DISTRIBUTION_RULE,
    _PROJECT,
    _ADDITIONAL_EXPENSE,
    _USER,
    _USER_TABLE,
    _USER_FIELD,
    _FINANCE_PERIOD,
    _PERIOD_CATEGORY,
    _COMPANY_INFO,
    _ADMIN_INFO,
    Type("PeriodCategoryParams", (_whole("AbsoluteEntry"),)),
    Type("FinancePeriodParams", (_whole("AbsoluteEntry"), _text("PeriodIndicator"))),
    Type("B1Session", (_text("SessionId"), _text("Version"), _whole("SessionTimeout")), key=("SessionId",)),
)

_EDITABLE = frozenset({"POST", "PATCH", "DELETE"})

SETS = (
    EntitySet("JournalEntries", "JournalEntry", frozenset({"POST", "PATCH"})),
    EntitySet("ChartOfAccounts", "ChartOfAccount", frozenset({"PATCH"})),
    EntitySet("Currencies", "Currency"),
    EntitySet("BusinessPlaces", "BusinessPlace"),
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
        f"U_{name}", (_text("Code", code_length), _text("Name", 100)), key=("Code",), table=f"U_{name}", open=True
    )
    return entity, EntitySet(f"U_{name}", f"U_{name}", _EDITABLE)


SHIPPED = Schema(
    enums={enum.name: enum for enum in ENUMS},
    types={each.name: each for each in TYPES},
    sets={each.name: each for each in SETS},
    operations=OPERATIONS,
)
