"""Marketing documents: what the company's rules let in, what they then mean for books, stock and other documents.

Rules of the dossier, section 6.3. Header amounts named without a suffix are in local currency, with ``Fc`` or ``FC`` in the
document's, where that is another one. Every method that writes is called inside a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.bases import Bases
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import ZERO, Checks, money, rounded, within
from ml_connector.sandbox.sap_business_one.company import LOCAL_CURRENCY, TOTALS_ACCURACY
from ml_connector.sandbox.sap_business_one.document_lines import Line, Lines
from ml_connector.sandbox.sap_business_one.errors import OBJECT_REJECTED, ServiceLayerError, rejected
from ml_connector.sandbox.sap_business_one.journal import Journal, Origin
from ml_connector.sandbox.sap_business_one.kinds import DELIVERY, INVOICE, Kind
from ml_connector.sandbox.sap_business_one.numbering import Numbering
from ml_connector.sandbox.sap_business_one.postings import Amount, Postings, Priced
from ml_connector.sandbox.sap_business_one.schema import Row, Schema, Type
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.totals import Counted, Rules, compute
from ml_connector.sandbox.sap_business_one.values import filled
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

APART = ("DocumentLines", "DocumentAdditionalExpenses")


@dataclass(frozen=True, slots=True)
class Complete:
    """A document with everything the server fills in and computes, not yet written."""

    kind: Kind
    header: Row
    lines: tuple[Priced, ...]
    freight: tuple[Priced, ...]

    def shown(self) -> Row:
        """The document as one row with its collections."""
        lines = [each.line.row for each in self.lines]
        return {**self.header, APART[0]: lines, APART[1]: [each.line.row for each in self.freight]}


class Documents:
    """The marketing documents of one company."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        checks: Checks,
        lines: Lines,
        bases: Bases,
        postings: Postings,
        journal: Journal,
        stock: Stock,
        numbering: Numbering,
        wall: Wall,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._checks = checks
        self._lines = lines
        self._bases = bases
        self._postings = postings
        self._journal = journal
        self._stock = stock
        self._numbering = numbering
        self._wall = wall

    # --- completing ----------------------------------------------------------------------------------------------------

    def complete(self, kind: Kind, sent: Row) -> Complete:
        """Fill in and compute everything, and write nothing. Raises :class:`ServiceLayerError` where a rule says no."""
        header = filled(
            {name: value for name, value in sent.items() if name not in APART}, self._type(kind), self._schema
        )
        partner = self._partner(kind, header)
        self._dates(kind, header)
        self._currency(kind, header, partner)
        header["BPLName"] = self._checks.branch(
            header["BPL_IDAssignedToInvoice"], f"[{kind.table}.BPL_IDAssignedToInvoice]"
        )
        self._branch_of_partner(kind, header, partner)
        if kind.trades and sent.get("DiscountPercent") is None:
            header["DiscountPercent"] = money(partner, "DiscountPercent")
        self._checks.project(header["Project"])
        lines = self._lines.complete(kind, header, partner, _rows(sent, APART[0]))
        freight = self._lines.freight(kind, header, partner, _rows(sent, APART[1]))
        return self._priced(kind, header, lines, freight)

    def _partner(self, kind: Kind, header: Row) -> Row:
        """The customer; nobody where the kind has none."""
        if not kind.trades:
            return {}
        code = header["CardCode"]
        partner = self._tables.one(self._schema.types["BusinessPartner"], {"CardCode": code})
        if partner is None or partner["CardType"] != "cCustomer":
            raise rejected(f"Invalid BP code [{kind.table}.CardCode] , '{code or ''}'")
        day = str(header["DocDate"] or self._wall.day())
        frozen = partner["Frozen"] == "tYES" and within(day, partner["FrozenFrom"], partner["FrozenTo"])
        if frozen or partner["Valid"] == "tNO":
            raise rejected(f"Business partner '{code}' is inactive [{kind.table}.CardCode]")
        header["CardName"] = header["CardName"] or partner["CardName"]
        header["ControlAccount"] = partner["DebitorAccount"]
        return partner

    def _dates(self, kind: Kind, header: Row) -> None:
        """Dates that were not sent follow the posting date, and that is today. An order's due date is never guessed."""
        if kind.commits and not header["DocDueDate"]:
            raise rejected(f"Enter delivery date [{kind.table}.DocDueDate]")
        header["DocDate"] = header["DocDate"] or self._wall.day()
        for name in ("DocDueDate", "TaxDate"):
            header[name] = header[name] or header["DocDate"]
        header["VatDate"] = header["VatDate"] or header["TaxDate"]

    def _currency(self, kind: Kind, header: Row, partner: Row) -> None:
        """Document currency and rate: the customer's own currency, or the local one; any for a customer in ``##``."""
        own = partner.get("Currency") or LOCAL_CURRENCY
        currency = header["DocCurrency"] or (LOCAL_CURRENCY if own == "##" else own)
        if own != "##" and currency not in (own, LOCAL_CURRENCY):
            raise rejected(
                f"Document currency differs from the business partner's [{kind.table}.DocCurrency] , '{currency}'"
            )
        _, rate = self._checks.terms(str(currency), str(header["DocDate"]), f"[{kind.table}.DocCurrency]")
        header["DocCurrency"] = currency
        if currency == LOCAL_CURRENCY or not header["DocRate"]:
            header["DocRate"] = rate

    def _branch_of_partner(self, kind: Kind, header: Row, partner: Row) -> None:
        branch = header["BPL_IDAssignedToInvoice"]
        if branch is None or not kind.trades:
            return
        partner_type = self._schema.types["BusinessPartner"]
        assigned = self._tables.children(self._schema.types["BPBranchAssignmentItem"], partner_type.key, [partner])[
            (partner["CardCode"],)
        ]
        if branch not in {row["BPLID"] for row in assigned if row["DisabledForBP"] != "tYES"}:
            raise rejected(f"Business partner is not assigned to the branch [{kind.table}.BPL_IDAssignedToInvoice]")

    # --- totals --------------------------------------------------------------------------------------------------------

    def _priced(self, kind: Kind, header: Row, lines: list[Line], freight: list[Line]) -> Complete:
        decimals, _ = self._checks.terms(str(header["DocCurrency"]), str(header["DocDate"]), "[DocCurrency]")
        switches = self._switches
        rules = Rules(
            decimals,
            switches.text("tax_rounding"),
            switches.text("gross_prices"),
            switches.text("discounted_price"),
            "kept" if switches.text("sent_line_total") == "kept" else "recomputed",
        )
        difference = money(header, "RoundingDiffAmount") if header["Rounding"] == "tYES" else ZERO
        totals = compute(
            [line.asked for line in lines],
            [line.asked for line in freight],
            money(header, "DiscountPercent"),
            difference,
            rules,
        )
        priced = tuple(
            self._line_amounts(kind, header, line, counted) for line, counted in zip(lines, totals.lines, strict=True)
        )
        charges = tuple(
            self._freight_amounts(header, line, counted) for line, counted in zip(freight, totals.freight, strict=True)
        )
        rounding = self._amount(header, rounded(difference, decimals))
        self._header_amounts(header, priced, charges, rounding, self._amount(header, totals.discount))
        return Complete(kind, header, priced, charges)

    def _amount(self, header: Row, value: Decimal) -> Amount:
        """An amount of the document in both currencies."""
        if header["DocCurrency"] == LOCAL_CURRENCY:
            return Amount(value)
        return Amount(rounded(value * money(header, "DocRate"), TOTALS_ACCURACY), value)

    def _line_amounts(self, kind: Kind, header: Row, line: Line, counted: Counted) -> Priced:
        row = line.row
        total, net, tax = (self._amount(header, value) for value in (counted.total, counted.net, counted.tax))
        gross = self._amount(header, counted.gross_total)
        row.update(
            UnitPrice=counted.unit_price,
            Price=counted.price,
            DiscountPercent=counted.discount,
            LineTotal=total.local,
            RowTotalFC=total.foreign,
            RowTotalSC=total.local,
            PriceAfterVAT=counted.gross_price,
            GrossPrice=counted.gross_price,
            GrossTotal=gross.local,
            GrossTotalFC=gross.foreign,
            GrossTotalSC=gross.local,
            TaxTotal=tax.local,
            NetTaxAmount=tax.local,
            NetTaxAmountFC=tax.foreign,
            NetTaxAmountSC=tax.local,
            Rate=money(header, "DocRate") if header["DocCurrency"] != LOCAL_CURRENCY else ZERO,
            RemainingOpenQuantity=row["Quantity"],
            InventoryQuantity=row["Quantity"],
            OpenAmount=total.local,
            OpenAmountFC=total.foreign,
            StockInmPrice=money(line.item or {}, "AvgStdPrice"),
        )
        return Priced(line, net, tax, self.moves(kind, header, row, line.item))

    def _freight_amounts(self, header: Row, line: Line, counted: Counted) -> Priced:
        net, tax = self._amount(header, counted.net), self._amount(header, counted.tax)
        gross = self._amount(header, counted.gross_total)
        line.row.update(
            LineTotal=net.local,
            LineTotalFC=net.foreign,
            LineTotalSys=net.local,
            LineGross=gross.local,
            LineGrossFC=gross.foreign,
            LineGrossSys=gross.local,
            TaxSum=tax.local,
            TaxSumFC=tax.foreign,
            TaxSumSys=tax.local,
        )
        return Priced(line, net, tax)

    def _header_amounts(
        self, header: Row, lines: Sequence[Priced], freight: Sequence[Priced], rounding: Amount, discount: Amount
    ) -> None:
        """Totals in local currency are the sums of their parts there, so that the entry balances to the cent."""
        rows = (*lines, *freight)
        tax = Amount(sum((row.tax.local for row in rows), ZERO), sum((row.tax.foreign for row in rows), ZERO))
        local = sum((row.net.local for row in rows), ZERO) + tax.local + rounding.local
        foreign = sum((row.net.foreign for row in rows), ZERO) + tax.foreign + rounding.foreign
        header.update(
            DocTotal=local,
            DocTotalFc=foreign,
            DocTotalSys=local,
            VatSum=tax.local,
            VatSumFc=tax.foreign,
            VatSumSys=tax.local,
            TotalDiscount=discount.local,
            TotalDiscountFC=discount.foreign,
            TotalDiscountSC=discount.local,
            RoundingDiffAmount=rounding.local,
            RoundingDiffAmountFC=rounding.foreign,
            RoundingDiffAmountSC=rounding.local,
        )

    def moves(self, kind: Kind, header: Row, row: Row, item: Row | None) -> bool:
        """Goods come or go by a line: not by a service, not after a delivery, not where line or warehouse say so."""
        if not kind.stock or item is None or item["InventoryItem"] != "tYES":
            return False
        told_not = row["WithoutInventoryMovement"] == "tYES" and self._switches.on("without_movement_honoured")
        if told_not or header["ReserveInvoice"] == "tYES":
            return False
        warehouse = self._tables.one(self._schema.types["Warehouse"], {"WarehouseCode": row["WarehouseCode"]})
        return (warehouse is None or warehouse["DropShip"] != "tYES") and row["BaseType"] != DELIVERY.code

    # --- writing -------------------------------------------------------------------------------------------------------

    def post(self, kind: Kind, sent: Row) -> int:
        """Write a document that counts and return its DocEntry. Raises :class:`ServiceLayerError`."""
        document = self.complete(kind, sent)
        self._check_period(kind, document.header)
        self._check_reference(kind, document.header)
        self._check_batches(document)
        entry = self._numbering.entry(kind.set, kind.first_entry)
        series, number = self._numbering.take(kind.set, kind.code, sent)
        self.write(document, self._type(kind), entry, series, number)
        self._bases.use((priced.line.row, priced.line.base) for priced in document.lines)
        self.move(document)
        self._book(document)
        return entry

    def write(self, document: Complete, entity: Type, entry: int, series: int, number: int) -> None:
        """The rows of a document under their numbers into the tables of ``entity``, with nothing that follows from it."""
        kind, header = document.kind, document.header
        day, time = self._wall.day(), self._wall.time()
        header.update(
            DocEntry=entry,
            DocNum=number,
            Series=series,
            DocObjectCode=kind.object,
            CreationDate=day,
            DocTime=time,
            UpdateDate=day,
            UpdateTime=time,
            DataVersion=1,
            Confirmed=header["Confirmed"] or "tYES",
        )
        if kind.trades:
            header["JournalMemo"] = header["JournalMemo"] or f"{kind.title} - {header['CardCode']}"[:50]
        if not kind.trades or (kind.receivable and not header["DocTotal"]):
            header["DocumentStatus"] = "bost_Close"
        self._tables.insert(entity, header)
        self.write_rows(entity, document.shown())

    def write_rows(self, entity: Type, shown: Row) -> None:
        """Lines and freight into the tables of one set."""
        entry = shown["DocEntry"]
        for collection in entity.collections:
            rows = _rows(shown, collection.name)
            for row in rows:
                if "DocEntry" in row:
                    row["DocEntry"] = entry
            child = self._schema.child(entity, collection)
            self._tables.insert_all(child, rows, parent={"DocEntry": entry})

    def _check_period(self, kind: Kind, header: Row) -> None:
        dates = (str(header["DocDate"]), str(header["DocDueDate"]), str(header["TaxDate"]))
        names = (f"{kind.table}.DocDate", f"{kind.table}.DocDueDate", f"{kind.table}.TaxDate")
        self._checks.period(*dates, names, sales=kind.trades)

    def _check_reference(self, kind: Kind, header: Row) -> None:
        """A company may refuse a customer's reference that it knows already (switch)."""
        if not self._switches.on("block_duplicate_references") or not header["NumAtCard"]:
            return
        where = '"CardCode" = ? AND "NumAtCard" = ? AND "CancelStatus" = ?'
        values = [str(header["CardCode"]), str(header["NumAtCard"]), "csNo"]
        if self._tables.count(self._type(kind), where, values):
            text = f"Customer reference number '{header['NumAtCard']}' already exists [{kind.table}.NumAtCard]"
            raise ServiceLayerError(400, OBJECT_REJECTED, text)

    def _check_batches(self, document: Complete) -> None:
        """Items kept by batch or serial number say which ones move, in number (dossier, section 6.3)."""
        for number, priced in enumerate(document.lines, start=1):
            item, row = priced.line.item, priced.line.row
            if not priced.moves or item is None:
                continue
            for managed, name in (("ManageBatchNumbers", "BatchNumbers"), ("ManageSerialNumbers", "SerialNumbers")):
                told = sum(
                    (money(each, "Quantity") or Decimal(name == "SerialNumbers") for each in _rows(row, name)), ZERO
                )
                if item[managed] == "tYES" and told != row["Quantity"]:
                    text = f"Cannot add row without complete selection of batch/serial numbers [line: {number}]"
                    raise ServiceLayerError(400, OBJECT_REJECTED, text)

    # --- what follows --------------------------------------------------------------------------------------------------

    def move(self, document: Complete) -> None:
        """Stock and promises of stock."""
        kind = document.kind
        for number, priced in enumerate(document.lines, start=1):
            row, item, base = priced.line.row, priced.line.item, priced.line.base
            if item is None or item["InventoryItem"] != "tYES":
                continue
            code, warehouse = str(item["ItemCode"]), str(row["WarehouseCode"])
            quantity = money(row, "Quantity")
            if kind.commits and self.commits(document.header):
                self._stock.commit(code, warehouse, quantity)
            if base is not None and base.kind.commits and self.commits(base.header):
                promised = min(quantity, money(base.line, "RemainingOpenQuantity"))
                self._stock.commit(code, str(base.line["WarehouseCode"]), -promised)
            if priced.moves:
                where = f"[{kind.lines}.ItemCode][line: {number}]"
                self._stock.move(code, warehouse, quantity * kind.stock, where)

    def commits(self, header: Row) -> bool:
        """Does an order promise stock? One that is not confirmed does not, unless a switch says so."""
        return header["Confirmed"] == "tYES" or self._switches.on("unconfirmed_commits")

    def _book(self, document: Complete) -> None:
        kind, header = document.kind, document.header
        lines = self._postings.of_document(kind, header, document.lines, document.freight) if kind.origin else []
        if lines:
            origin = Origin(kind.origin, int(str(header["DocEntry"])), int(str(header["DocNum"])))
            header["TransNum"] = self._journal.book(entry_header(header), lines, origin)
            key: Row = {"DocEntry": header["DocEntry"]}
            self._tables.update(self._type(kind), key, {"TransNum": header["TransNum"]})
        if kind.receivable < 0 and self._switches.on("copied_credit_notes_settle"):
            self._settle_invoices(document)

    def _settle_invoices(self, document: Complete) -> None:
        """A credit note that was copied from an open invoice is set off against it (as in the real system, inferred)."""
        entries = {
            int(str(each.line.base.header["DocEntry"]))
            for each in document.lines
            if each.line.base is not None and each.line.base.kind is INVOICE
        }
        for entry in sorted(entries):
            invoice = self._tables.one(self._type(INVOICE), {"DocEntry": entry})
            if invoice is None:
                raise AssertionError(f"invoice {entry} is gone")
            mine = Amount(open_amount(document.header), open_amount(document.header, foreign=True))
            theirs = Amount(open_amount(invoice), open_amount(invoice, foreign=True))
            applied = mine if (mine.foreign or mine.local) <= (theirs.foreign or theirs.local) else theirs
            self.settle(INVOICE, invoice, applied)
            self.settle(document.kind, document.header, applied)

    def settle(self, kind: Kind, header: Row, applied: Amount) -> None:
        """Part of an invoice or credit note is paid, or, where negative, no longer paid; what is paid wholly is closed."""
        paid = money(header, "PaidToDate") + applied.local
        foreign = money(header, "PaidToDateFC") + applied.foreign
        open_left = (
            money(header, "DocTotalFc") - foreign if money(header, "DocTotalFc") else money(header, "DocTotal") - paid
        )
        header.update(
            PaidToDate=paid,
            PaidToDateFC=foreign,
            PaidToDateSys=paid,
            DocumentStatus="bost_Open" if open_left > 0 else "bost_Close",
        )
        names = ("PaidToDate", "PaidToDateFC", "PaidToDateSys", "DocumentStatus")
        changes: Row = {name: header[name] for name in names}
        if self._switches.on("payment_touches_documents"):
            changes.update(self.stamp(header))
        self._tables.update(self._type(kind), {"DocEntry": header["DocEntry"]}, changes)

    def stamp(self, header: Row) -> Row:
        """What every change of a document changes with it."""
        version = int(str(header["DataVersion"])) + 1
        return {"UpdateDate": self._wall.day(), "UpdateTime": self._wall.time(), "DataVersion": version}

    # --- parts ---------------------------------------------------------------------------------------------------------

    @property
    def _schema(self) -> Schema:
        return self._catalog.schema

    def _type(self, kind: Kind) -> Type:
        return self._catalog.schema.of_set(kind.set)


def entry_header(header: Row) -> Row:
    """The header of the entry behind a document: its number and the customer's reference find it again."""
    return {
        "ReferenceDate": header["DocDate"],
        "DueDate": header["DocDueDate"],
        "TaxDate": header["TaxDate"],
        "VatDate": header["VatDate"],
        "Memo": header["JournalMemo"],
        "Reference": str(header["DocNum"]),
        "Reference2": header["NumAtCard"],
        "ProjectCode": header["Project"],
    }


def open_amount(header: Row, *, foreign: bool = False) -> Decimal:
    """What is not paid yet, in local or document currency."""
    if foreign:
        return money(header, "DocTotalFc") - money(header, "PaidToDateFC")
    return money(header, "DocTotal") - money(header, "PaidToDate")


def _rows(row: Row, name: str) -> list[Row]:
    rows = row.get(name)
    return rows if isinstance(rows, list) else []
