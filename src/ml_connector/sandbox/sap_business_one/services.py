"""Service operations: company settings, fiscal periods, exchange rates (dossier, sections 6.6, 7 and 16)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from ml_connector.sandbox.sap_business_one.batch import Answer
from ml_connector.sandbox.sap_business_one.company import (
    COMPANY_NAME,
    CURRENCIES,
    LOCAL_CURRENCY,
    TOTALS_ACCURACY,
    rate_of,
    set_rate,
)
from ml_connector.sandbox.sap_business_one.context import Context
from ml_connector.sandbox.sap_business_one.errors import malformed, not_found, not_supported, rejected
from ml_connector.sandbox.sap_business_one.exact_json import from_json, to_json
from ml_connector.sandbox.sap_business_one.filters import exact, iso_date
from ml_connector.sandbox.sap_business_one.prices import PRICE_ACCURACY
from ml_connector.sandbox.sap_business_one.resources import Call
from ml_connector.sandbox.sap_business_one.schema import Row, Type
from ml_connector.sandbox.sap_business_one.values import accepted, with_defaults
from ml_connector.sandbox.sap_business_one.wire import BUILD

#: Functions answer GET; the reference lists POST for the same operations (dossier, section 4), so both are taken.
_Service = Callable[[Mapping[str, object]], Answer]


class Services:
    """The operations that stand alone, by name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._by_name: dict[str, _Service] = {
            "CompanyService_GetCompanyInfo": self._company_info,
            "CompanyService_GetAdminInfo": self._admin_info,
            "CompanyService_GetPeriods": self._periods,
            "CompanyService_GetPeriod": self._period,
            "CompanyService_GetFinancePeriods": self._finance_periods,
            "CompanyService_GetFinancePeriod": self._finance_period,
            "CompanyService_GetItemPrice": self._item_price,
            "DraftsService_SaveDraftToDocument": self._save_draft,
            "InvoicesService_Cancel2": lambda parameters: self._cancel_with("Invoices", parameters),
            "CreditNotesService_Cancel2": lambda parameters: self._cancel_with("CreditNotes", parameters),
            "OrdersService_Preview": self._preview,
            "SeriesService_GetDocumentSeries": self._document_series,
            "SeriesService_GetDefaultSeries": self._default_series,
            "SBOBobService_GetLocalCurrency": lambda _: self._scalar(LOCAL_CURRENCY),
            "SBOBobService_GetSystemCurrency": lambda _: self._scalar(LOCAL_CURRENCY),
            "SBOBobService_GetCurrencyRate": self._currency_rate,
            "SBOBobService_SetCurrencyRate": self._set_currency_rate,
        }

    def find(self, name: str) -> _Service | None:
        return self._by_name.get(name)

    def answer(self, service: _Service, call: Call) -> Answer:
        """Call it with its parameters: from the body, or from the query of a GET."""
        if call.method not in ("GET", "POST"):
            raise malformed("This operation takes GET or POST.")
        if call.method == "GET" and not self._context.wire.operations_by_get:
            raise not_supported()
        parameters: dict[str, object] = dict(parse_qsl(call.query))
        if call.body:
            try:
                sent = from_json(call.body)
            except ValueError as error:
                raise malformed("The request body is not JSON.") from error
            if not isinstance(sent, Mapping):
                raise malformed("The request body is not an object.")
            parameters.update(sent)
        return service(parameters)

    def _company_info(self, _: Mapping[str, object]) -> Answer:
        switches = self._context.switches
        return self._info(
            "CompanyInfo",
            {
                "Version": int(BUILD),
                "CompanyName": COMPANY_NAME,
                "Localization": "US",
                "MaxNumberOfDocumentsInPmt": switches.number("max_documents_in_payment"),
                "EnableAccountSegmentation": _yes_no(switches.on("account_segmentation")),
                "BlockStockNegativeQuantity": _yes_no(switches.on("block_negative_stock")),
            },
        )

    def _admin_info(self, _: Mapping[str, object]) -> Answer:
        return self._info(
            "AdminInfo",
            {
                "Code": 1,
                "ContinuousStockManagement": _yes_no(self._context.switches.on("perpetual_inventory")),
                "RoundTaxAmounts": _yes_no(self._context.switches.text("tax_rounding") == "row"),
                "BlockStockNegativeQuantity": _yes_no(self._context.switches.on("block_negative_stock")),
                "CompanyName": COMPANY_NAME,
                "Country": "US",
                "LocalCurrency": LOCAL_CURRENCY,
                "SystemCurrency": LOCAL_CURRENCY,
                "TotalsAccuracy": TOTALS_ACCURACY,
                "PriceAccuracy": PRICE_ACCURACY,
                "RateAccuracy": 6,
                "PercentageAccuracy": 2,
                "AccuracyofQuantities": 2,
                "EnableBranches": _yes_no(self._context.switches.on("enable_branches")),
                "UseNegativeAmounts": _yes_no(self._context.switches.text("storno_sign") == "negative"),
                "EnableApprovalProcedureInDI": _yes_no(self._context.switches.text("approval_procedure") != "off"),
                "DecimalSeparator": ".",
                "AccountSegmentsSeparator": "-",
            },
        )

    def _periods(self, _: Mapping[str, object]) -> Answer:
        rows = self._context.tables.select(self._type("PeriodCategory"))
        entries: list[object] = [{"AbsoluteEntry": row["AbsoluteEntry"]} for row in rows]
        return self._collection("PeriodCategoryParams", entries)

    def _period(self, parameters: Mapping[str, object]) -> Answer:
        row = self._one("PeriodCategory", parameters, "PeriodCategoryParams")
        return self._json(self._context.annotated("SAPB1.PeriodCategory", self._rendered("PeriodCategory", row)))

    def _finance_periods(self, parameters: Mapping[str, object]) -> Answer:
        """The periods of one financial year."""
        year = self._one("PeriodCategory", parameters, "PeriodCategoryParams")
        rows = self._context.tables.select(
            self._type("FinancePeriod"),
            '"PostingDateFrom" >= ? AND "PostingDateTo" <= ?',
            [str(year["FromPostingDate"]), str(year["ToPostingDate"])],
        )
        return self._collection("FinancePeriod", [self._rendered("FinancePeriod", row) for row in rows])

    def _finance_period(self, parameters: Mapping[str, object]) -> Answer:
        row = self._one("FinancePeriod", parameters, "FinancePeriodParams")
        return self._json(self._context.annotated("SAPB1.FinancePeriod", self._rendered("FinancePeriod", row)))

    def _item_price(self, parameters: Mapping[str, object]) -> Answer:
        """The price for a customer on a day, special prices included (dossier, section 5.5)."""
        asked = self._accepted("ItemPriceParams", parameters)
        price_list = asked.get("PriceList")
        price = self._context.prices.effective(
            str(asked["CardCode"]) if asked.get("CardCode") else None,
            str(asked.get("ItemCode")),
            str(asked.get("Date") or self._context.wall.day()),
            price_list if isinstance(price_list, int) else None,
        )
        shown: Row = {"Price": price.price, "Currency": price.currency, "Discount": price.discount}
        return self._json(
            self._context.annotated("SAPB1.ItemPriceReturnParams", self._rendered("ItemPriceReturnParams", shown))
        )

    def _save_draft(self, parameters: Mapping[str, object]) -> Answer:
        """The draft's DocEntry is sent, although it is read-only anywhere else (dossier, section 7)."""
        self._context.desk.save_draft(self._document(parameters))
        return Answer(204, (self._context.wire.version_header,))

    def _cancel_with(self, set_name: str, parameters: Mapping[str, object]) -> Answer:
        self._context.desk.cancel_with(set_name, self._document(parameters))
        return Answer(204, (self._context.wire.version_header,))

    def _preview(self, parameters: Mapping[str, object]) -> Answer:
        shown = self._context.desk.preview(self._document(parameters))
        entity = self._context.schema.of_set("Orders")
        rendered = self._context.renderer.row(entity, shown, self._context.schema)
        return self._json(self._context.annotated(f"Orders{self._context.wire.single}", rendered))

    def _document(self, parameters: Mapping[str, object]) -> Row:
        """The parameter ``Document`` as a row, with its DocEntry."""
        document = self._accepted("Document", parameters)
        sent = parameters["Document"]
        entry = exact(sent.get("DocEntry")) if isinstance(sent, Mapping) else None
        return {**document, "DocEntry": None if entry is None else int(entry)}

    def _document_series(self, parameters: Mapping[str, object]) -> Answer:
        return self._collection("Series", [self._rendered("Series", row) for row in self._series(parameters)])

    def _default_series(self, parameters: Mapping[str, object]) -> Answer:
        series = self._series(parameters)
        if not series:
            raise not_found()
        return self._json(self._context.annotated("SAPB1.Series", self._rendered("Series", series[0])))

    def _series(self, parameters: Mapping[str, object]) -> list[Row]:
        """The series of one kind of document, named by its object code; the first is the default."""
        asked = self._accepted("DocumentTypeParams", parameters)
        return self._context.tables.select(self._type("Series"), '"Document" = ?', [str(asked.get("Document"))])

    def _accepted(self, name: str, parameters: Mapping[str, object]) -> Row:
        if name not in parameters:
            raise malformed(f"Specify {name}.")
        return accepted(parameters[name], self._type(name), self._context.schema, f"{name}.", self._context.wire)

    def _currency_rate(self, parameters: Mapping[str, object]) -> Answer:
        currency, day = self._currency_and_day(parameters, "Date")
        rate = rate_of(self._context.tables, currency, day)
        if rate is None:
            raise rejected(f"Update the exchange rate , '{currency}'")
        return self._scalar(rate)

    def _set_currency_rate(self, parameters: Mapping[str, object]) -> Answer:
        currency, day = self._currency_and_day(parameters, "RateDate")
        rate = exact(parameters.get("Rate"))
        if rate is None or rate <= 0:
            raise rejected("Invalid value in parameter 'Rate'.")
        set_rate(self._context.tables, currency, day, rate)
        return Answer(204, (self._context.wire.version_header,))

    def _currency_and_day(self, parameters: Mapping[str, object], name: str) -> tuple[str, str]:
        currency, day = (
            str(parameters.get("Currency", "")).strip("'"),
            iso_date(str(parameters.get(name, "")).strip("'")),
        )
        if day is None or currency not in {code for code, *_ in CURRENCIES} - {LOCAL_CURRENCY}:
            raise rejected(f"Invalid value in parameter 'Currency' or '{name}'.")
        return currency, day

    def _one(self, name: str, parameters: Mapping[str, object], wrapper: str) -> Row:
        params = parameters.get(wrapper)
        entry = exact(params.get("AbsoluteEntry")) if isinstance(params, Mapping) else None
        if entry is None:
            raise malformed(f"Specify {wrapper}.AbsoluteEntry.")
        row = self._context.tables.one(self._type(name), {"AbsoluteEntry": int(entry)})
        if row is None:
            raise not_found()
        return row

    def _type(self, name: str) -> Type:
        return self._context.schema.types[name]

    def _rendered(self, name: str, row: Row) -> dict[str, object]:
        return self._context.renderer.row(self._type(name), row, self._context.schema)

    def _info(self, name: str, row: Row) -> Answer:
        """Settings as one object; whether a member of the type's name wraps them is not known (switch)."""
        shown = self._rendered(name, with_defaults(row, self._type(name)))
        if self._context.switches.on("company_info_wrapped"):
            shown = {name: shown}
        return self._json(self._context.annotated(f"SAPB1.{name}", shown))

    def _collection(self, name: str, members: list[object]) -> Answer:
        return self._json(self._context.annotated(f"Collection(SAPB1.{name})", {"value": members}))

    def _scalar(self, value: object) -> Answer:
        if self._context.switches.on("service_value_wrapped"):
            kind = "Edm.String" if isinstance(value, str) else "Edm.Double"
            return self._json(self._context.annotated(kind, {"value": value}))
        return self._json(value)

    def _json(self, value: object) -> Answer:
        return Answer(200, self._context.wire.headers(), to_json(value).encode())


def _yes_no(value: bool) -> str:  # noqa: FBT001 - it is the value itself
    return "tYES" if value else "tNO"
