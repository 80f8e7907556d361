"""Types of the books and of the company's settings: journal, accounts, currencies, branches, periods, user fields.

Names and types: metadata of a 10.0 server (dossier, sections 1 and 6), compared name by name in a contract test. Lengths
are not in that metadata: journal references 100 (vendor help pages), the rest general knowledge (dossier, section 8).
"""

from __future__ import annotations

from ml_connector.sandbox.sap_business_one.fields import amount, day, many, one_of, text, whole, yes_no
from ml_connector.sandbox.sap_business_one.schema import Type

_JOURNAL_ENTRY = Type(
    "JournalEntry",
    (
        whole("JdtNum", fixed=True),
        whole("Number", fixed=True),
        day("ReferenceDate"),
        day("DueDate"),
        day("TaxDate"),
        day("VatDate"),
        day("StornoDate"),
        yes_no("UseAutoStorno"),
        text("Memo", 50),
        text("Reference", 100),
        text("Reference2", 100),
        text("Reference3", 100),
        text("TransactionCode", 4),
        text("ProjectCode", 20),
        whole("Series"),
        yes_no("StampTax"),
        yes_no("AutoVAT"),
        text("Indicator", 2),
        yes_no("ReportEU"),
        yes_no("Report347"),
        one_of("Printed", "PrintStatusEnum", "psNo", fixed=True),
        whole("LocationCode"),
        one_of("OriginalJournal", "TransTypesEnum", fixed=True),
        whole("Original", fixed=True),
        text("BaseReference", 11, fixed=True),
        yes_no("BlockDunningLetter"),
        yes_no("DeferredTax"),
        whole("BlanketAgreementNumber", fixed=True),
        whole("AttachmentEntry"),
        many("JournalEntryLines", "JournalEntryLine"),
    ),
    key=("JdtNum",),
    table="OJDT",
    open=True,
)

_JOURNAL_ENTRY_LINE = Type(
    "JournalEntryLine",
    (
        whole("Line_ID", fixed=True),
        text("AccountCode", 15),
        text("ShortName", 15),
        amount("Debit"),
        amount("Credit"),
        amount("FCDebit"),
        amount("FCCredit"),
        text("FCCurrency", 3),
        amount("DebitSys", fixed=True),
        amount("CreditSys", fixed=True),
        day("DueDate"),
        day("ReferenceDate1"),
        day("ReferenceDate2"),
        day("TaxDate"),
        text("ContraAccount", 15),
        text("ControlAccount", 15, fixed=True),
        text("LineMemo", 50),
        text("Reference1", 100),
        text("Reference2", 100),
        text("AdditionalReference", 100),
        text("ProjectCode", 20),
        text("CostingCode", 8),
        text("CostingCode2", 8),
        text("CostingCode3", 8),
        text("CostingCode4", 8),
        text("CostingCode5", 8),
        text("TaxGroup", 8),
        text("TaxCode", 8),
        one_of("TaxPostAccount", "BoTaxPostAccEnum", "tpa_Default"),
        amount("BaseSum"),
        amount("VatAmount"),
        yes_no("VatLine"),
        amount("GrossValue"),
        whole("LocationCode"),
        whole("BPLID"),
        text("BPLName", 100, fixed=True),
    ),
    table="JDT1",
    open=True,
)

_CHART_OF_ACCOUNT = Type(
    "ChartOfAccount",
    (
        text("Code", 15),
        text("Name", 100),
        amount("Balance", fixed=True),
        yes_no("CashAccount"),
        yes_no("ActiveAccount", "tYES"),
        whole("AccountLevel", fixed=True),
        text("FatherAccountKey", 15),
        text("ExternalCode", 15),
        one_of("AccountType", "BoAccountTypes", "at_Other"),
        text("AcctCurrency", 3, "##"),
        yes_no("RevaluationCoordinated"),
        yes_no("LockManualTransaction"),
        yes_no("BlockManualPosting"),
        text("FormatCode", 210),
        text("ForeignName", 100),
        text("Details", 254),
        yes_no("ValidFor"),
        day("ValidFrom"),
        day("ValidTo"),
        yes_no("FrozenFor"),
        day("FrozenFrom"),
        day("FrozenTo"),
        text("FrozenRemarks", 30),
    ),
    key=("Code",),
    table="OACT",
    open=True,
)

_CURRENCY = Type(
    "Currency",
    (
        text("Code", 3),
        text("Name", 20),
        text("DocumentsCode", 3),
        text("InternationalDescription", 20),
        one_of("Decimals", "CurrenciesDecimalsEnum", "cdDefault"),
        one_of("Rounding", "RoundingSysEnum", "rsNoRounding"),
        yes_no("RoundingInPayment"),
    ),
    key=("Code",),
    table="OCRN",
    open=True,
)

_BUSINESS_PLACE = Type(
    "BusinessPlace",
    (
        whole("BPLID", fixed=True),
        text("BPLName", 100),
        yes_no("MainBPL"),
        yes_no("Disabled"),
        text("FederalTaxID", 32),
        text("Country", 3),
        text("PaymentClearingAccount", 15),
    ),
    key=("BPLID",),
    table="OBPL",
    open=True,
)

_DIMENSION = Type(
    "Dimension",
    (whole("DimensionCode"), text("DimensionName", 20), yes_no("IsActive"), text("DimensionDescription", 20)),
    key=("DimensionCode",),
    table="ODIM",
    open=True,
)

_DISTRIBUTION_RULE = Type(
    "DistributionRule",
    (
        text("FactorCode", 8),
        text("FactorDescription", 30),
        amount("TotalFactor"),
        whole("InWhichDimension", 1),
        yes_no("Active", "tYES"),
    ),
    key=("FactorCode",),
    table="OOCR",
    open=True,
)

_PROJECT = Type(
    "Project",
    (text("Code", 20), text("Name", 100), day("ValidFrom"), day("ValidTo"), yes_no("Active", "tYES")),
    key=("Code",),
    table="OPRJ",
    open=True,
)

_ADDITIONAL_EXPENSE = Type(
    "AdditionalExpense",
    (
        whole("ExpensCode", fixed=True),
        text("Name", 20),
        text("RevenuesAccount", 15),
        text("ExpenseAccount", 15),
        yes_no("TaxLiable", "tYES"),
        amount("FixedAmountRevenues"),
        text("OutputVATGroup", 8),
        text("Project", 20),
        whole("DataVersion", fixed=True),
    ),
    key=("ExpensCode",),
    table="OEXD",
    open=True,
    versioned=True,
)

_USER = Type(
    "User",
    (
        whole("InternalKey", fixed=True),
        text("UserCode", 25),
        text("UserName", 155),
        yes_no("Superuser"),
        text("eMail", 100),
        yes_no("Locked"),
    ),
    key=("InternalKey",),
    table="OUSR",
    open=True,
)

_USER_TABLE = Type(
    "UserTablesMD",
    (
        text("TableName", 19),
        text("TableDescription", 30),
        one_of("TableType", "BoUTBTableType", "bott_NoObject"),
        yes_no("Archivable"),
        text("ArchiveDateField", 50),
        yes_no("DisplayMenu", "tYES"),
        yes_no("ApplyAuthorization"),
    ),
    key=("TableName",),
    table="OUTB",
    open=True,
)

_USER_FIELD = Type(
    "UserFieldMD",
    (
        text("TableName", 20),
        whole("FieldID", fixed=True),
        text("Name", 50),
        text("Description", 80),
        one_of("Type", "BoFieldTypes", "db_Alpha"),
        one_of("SubType", "BoFldSubTypes", "st_None"),
        whole("Size"),
        whole("EditSize"),
        text("DefaultValue", 254),
        text("LinkedTable", 20),
        yes_no("Mandatory"),
    ),
    key=("TableName", "FieldID"),
    table="CUFD",
)

_FINANCE_PERIOD = Type(
    "FinancePeriod",
    (
        whole("AbsoluteEntry"),
        text("PeriodCode", 20),
        text("PeriodName", 20),
        day("PostingDateFrom"),
        day("PostingDateTo"),
        day("ValueDateFrom"),
        day("ValueDateTo"),
        day("TaxDateFrom"),
        day("TaxDateTo"),
        yes_no("ActiveforFeed"),
        yes_no("Locked"),
        yes_no("AdditionalSubPeriods"),
        text("PeriodIndicator", 10),
        whole("SubNum"),
        one_of("PeriodStatus", "PeriodStatusEnum", "ltUnlocked"),
    ),
    table="OFPR",
)

_PERIOD_CATEGORY = Type(
    "PeriodCategory",
    (
        whole("AbsoluteEntry"),
        day("BeginningofFinancialYear"),
        text("PeriodCategoryProperty", 10),
        one_of("SubPeriodType", "BoSubPeriodTypeEnum", "spt_Months"),
        whole("NumberOfPeriods", 12),
        text("PeriodName", 20),
        day("FromPostingDate"),
        day("ToPostingDate"),
        day("FromDueDate"),
        day("ToDueDate"),
        day("FromDocumentDate"),
        day("ToDocumentDate"),
        whole("FinancialYear"),
    ),
    table="OACP",
)

_COMPANY_INFO = Type(
    "CompanyInfo",
    (
        whole("Version"),
        text("CompanyName"),
        text("Localization"),
        whole("MaxNumberOfDocumentsInPmt"),
        yes_no("EnableAccountSegmentation"),
        yes_no("EnableTransactionNotification"),
        yes_no("EnableSharingSeries"),
        yes_no("BlockStockNegativeQuantity"),
    ),
)

_ADMIN_INFO = Type(
    "AdminInfo",
    (
        whole("Code"),
        text("CompanyName"),
        text("Country"),
        text("LocalCurrency"),
        text("SystemCurrency"),
        whole("TotalsAccuracy"),
        whole("PriceAccuracy"),
        whole("RateAccuracy"),
        whole("PercentageAccuracy"),
        whole("AccuracyofQuantities"),
        yes_no("RoundTaxAmounts"),
        yes_no("RoundingMethod"),
        yes_no("EnableBranches"),
        yes_no("DirectIndirectRate", "tYES"),
        yes_no("UseNegativeAmounts"),
        yes_no("EnableApprovalProcedureInDI"),
        yes_no("ContinuousStockManagement"),
        yes_no("BlockStockNegativeQuantity"),
        text("DecimalSeparator"),
        text("AccountSegmentsSeparator"),
    ),
)


TYPES = (
    _JOURNAL_ENTRY,
    _JOURNAL_ENTRY_LINE,
    _CHART_OF_ACCOUNT,
    _CURRENCY,
    _BUSINESS_PLACE,
    _DIMENSION,
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
    Type("PeriodCategoryParams", (whole("AbsoluteEntry"),)),
    Type("FinancePeriodParams", (whole("AbsoluteEntry"), text("PeriodIndicator"))),
    Type("B1Session", (text("SessionId"), text("Version"), whole("SessionTimeout")), key=("SessionId",)),
)
