"""Order entry: credit and debit notes, and goods that come back (dossier, section 13.5)."""

from __future__ import annotations

from decimal import Decimal

from ml_connector.sandbox.sage_300.context import HOME_CURRENCY, Context
from ml_connector.sandbox.sage_300.errors import duplicate, field_invalid
from ml_connector.sandbox.sage_300.money import RATE_TYPE
from ml_connector.sandbox.sage_300.orders import INVOICES, ORDERS
from ml_connector.sandbox.sage_300.puts import Cascade
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.sales_lines import Sales, active_customer, charge, extended, totals
from ml_connector.sandbox.sage_300.schema import Row, blank

NOTES = "OECreditDebitNotes"
_LINE_STEP = 32


class Notes:
    """The credit and debit notes of one company. Amounts are positive; the kind of note tells which way they count."""

    _computed = frozenset(
        {
            "CNUniquifier", "CreditDebitNoteTotal", "CreditDebitNoteTotBeforeTax", "CreditDebitNoteFiscalYear",
            "CreditDebitNoteFiscalPeriod", "CreditDebitNoteStatus", "CreditDebitNoteHomeCurrency",
        }
    )  # fmt: skip
    _line_computed = frozenset({"CNUniquifier", "LineNumber"})

    def __init__(self, context: Context, sales: Sales) -> None:
        self._context = context
        self._records = context.records
        self._sales = sales
        context.records.index(NOTES, "CreditDebitNoteNumber")

    def create(self, sent: Row) -> Row:
        """A new note; goods that come back are in stock at once. Raises :class:`SageError`."""
        note = self._header(sent)
        self._check_header(note)
        for one in each_row(sent, "CreditDebitDetails") if "CreditDebitDetails" in sent else []:
            self._add_line(note, one)
        if not each_row(note, "CreditDebitDetails"):
            raise field_invalid("The note has no details.")
        self._total(note)
        self._move_stock(note)
        self._records.insert(NOTES, note)
        uniquifier = int(amount(note, "CNUniquifier"))
        self._records.book.execute("INSERT INTO {day_end} (resource, key) VALUES (?, ?)", (NOTES, uniquifier))
        return note

    def _header(self, sent: Row) -> Row:
        model = self._context.schema.model_of(NOTES)
        note = blank(model)
        today = self._context.today()
        note.update(CNUniquifier=Decimal(self._records.next_number("OE note uniquifier", 1_793)))
        note.update(CreditDebitNoteDate=today, CreditDebitNoteHomeCurrency=HOME_CURRENCY, TaxClass1=1)
        note["CreditDebitNoteStatus"] = "Open"
        cascade: Cascade = {
            "CustomerNumber": self._customer,
            "TaxGroup": self._tax_group,
            "CreditDebitNoteDate": lambda row: row.update(ReturnDate=row["CreditDebitNoteDate"]),
        }
        self._context.puts.put(note, sent, model, cascade, ignored=self._computed)
        return note

    def _customer(self, note: Row) -> None:
        customer = active_customer(self._context, note)
        note.update(
            BillTo=customer["CustomerName"],
            BillToAddress1=customer["AddressLine1"],
            BillToCity=customer["City"],
            TaxGroup=customer["TaxGroup"],
            DefaultPriceListCode=customer["CustomerPriceList"],
            DefaultLocationCode=customer["InventoryLocation"],
            CreditDebitNoteSourceCurr=customer["CurrencyCode"],
            CreditDebitNoteRateType=customer["RateType"],
            TaxClass1=customer["TaxClassCode1"],
        )
        self._tax_group(note)

    def _tax_group(self, note: Row) -> None:
        note["TaxAuthority1"] = self._sales.taxes.authorities(text(note, "TaxGroup"))[0]

    def _check_header(self, note: Row) -> None:
        active_customer(self._context, note)
        year, period = self._sales.calendar.open_period(text(note, "CreditDebitNoteDate"), "CreditDebitNoteDate")
        note.update(CreditDebitNoteFiscalYear=year, CreditDebitNoteFiscalPeriod=f"Num{int(period)}")
        if not note["CreditDebitNoteNumber"]:
            note["CreditDebitNoteNumber"] = f"CN{self._records.next_number('OE note'):06d}"
        number = text(note, "CreditDebitNoteNumber")
        if self._context.switches.on("note_number_is_unique") and self._records.find(
            NOTES, CreditDebitNoteNumber=number
        ):
            raise duplicate(f"Credit/debit note number {number} already exists.")
        for resource, name in ((ORDERS, "OrderNumber"), (INVOICES, "InvoiceNumber")):
            if note[name] and not self._records.find(resource, **{name: text(note, name)}):
                raise field_invalid(f"{name} {note[name]} does not exist.")
        currency, kind = text(note, "CreditDebitNoteSourceCurr"), text(note, "CreditDebitNoteRateType") or RATE_TYPE
        note["CreditDebitNoteRateDate"] = note["CreditDebitNoteRateDate"] or note["CreditDebitNoteDate"]
        note["CreditDebitNoteRate"] = self._sales.money.rate(currency, kind, text(note, "CreditDebitNoteRateDate"))

    def _add_line(self, note: Row, sent: Row) -> None:
        model, rows = self._context.model("OE.CreditDebitDetail"), each_row(note, "CreditDebitDetails")
        line = blank(model)
        line.update(CNUniquifier=note["CNUniquifier"], LineNumber=Decimal((len(rows) + 1) * _LINE_STEP))
        line.update(Location=note["DefaultLocationCode"], TaxClass1=1, TaxAuthority1=note["TaxAuthority1"])
        self._context.puts.put(line, sent, model, self._cascade(note), ignored=self._line_computed)
        currency = text(note, "CreditDebitNoteSourceCurr")
        if line["LineType"] == "Miscellaneous":
            charge(self._context, line, currency)
            self._sales.money.demand_exact(
                amount(line, "ExtendedAmountMiscellaneousCharge"), currency, "ExtendedAmountMiscellaneousCharge"
            )
        elif not line["Item"] or amount(line, "QuantityReturned") <= 0:
            raise field_invalid("Item and QuantityReturned must be entered.")
        rows.append(line)

    def _cascade(self, note: Row) -> Cascade:
        currency = text(note, "CreditDebitNoteSourceCurr")

        def item(line: Row) -> None:
            if not line["Item"]:
                return
            found = self._sales.inventory.item(text(line, "Item"))
            line.update(Item=found["UnformattedItemNumber"], Description=found["Description"], PriceOverride=False)
            line.update(CreditDebitNoteUOM=found["StockingUnitOfMeasure"], UnitConversion=Decimal(1))
            place = (text(line, "Item"), text(note, "DefaultPriceListCode"), currency)
            line["UnitPrice"] = self._sales.inventory.price(*place)

        def fee(line: Row) -> None:
            if line["MiscellaneousChargesCode"]:
                found = charge(self._context, line, currency)
                line.update(Description=found["Description"], ExtendedAmountMiscellaneousCharge=found["Amount"])

        return {"Item": item, "MiscellaneousChargesCode": fee}

    def _total(self, note: Row) -> None:
        currency = text(note, "CreditDebitNoteSourceCurr")
        lines = [(line, self.extended(line, currency)) for line in each_row(note, "CreditDebitDetails")]
        found = totals(self._sales, note, lines, currency)
        note.update(CreditDebitNoteTotBeforeTax=found.net, CreditDebitNoteTotal=found.gross)
        note.update({f"TotalTaxAmount{n}": tax for n, tax in enumerate(found.taxes, start=1)})

    def extended(self, line: Row, currency: str) -> Decimal:
        """The amount of one line of a note."""
        if line["LineType"] == "Miscellaneous":
            return amount(line, "ExtendedAmountMiscellaneousCharge")
        return extended(self._sales, amount(line, "QuantityReturned"), amount(line, "UnitPrice"), currency)

    def _move_stock(self, note: Row) -> None:
        if note["CreditDebitNoteType"] != "CreditNote":
            return
        for line in each_row(note, "CreditDebitDetails"):
            if line["LineType"] == "Item" and line["ReturnType"] == "ItemsReturnedToInventory":
                self._sales.inventory.receive(
                    text(line, "Item"), text(line, "Location"), amount(line, "QuantityReturned")
                )
