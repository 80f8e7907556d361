"""Journal entries: what the company's rules let in, what the ledger then holds, and how balances follow.

Rules of the dossier, section 6.5. Amounts are in local currency (Debit, Credit) and, on lines in another currency, in that
one too (FCDebit, FCCredit); both are positive. Every method is called inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import COSTING, ZERO, Checks, money, rounded
from ml_connector.sandbox.sap_business_one.company import ROUNDING_ACCOUNT, TOTALS_ACCURACY, account_code
from ml_connector.sandbox.sap_business_one.errors import (
    OBJECT_REJECTED,
    ServiceLayerError,
    not_found,
    not_supported,
    rejected,
)
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables, amount
from ml_connector.sandbox.sap_business_one.values import with_defaults
from ml_connector.sandbox.switches import Switches

_FIRST_JDT_NUM, _FIRST_NUMBER = 98_001, 4_021

#: What a person may still change in a posted entry; amounts and accounts may not.
_AMENDABLE = frozenset({"Memo", "Reference", "Reference2", "Reference3", "DueDate", "ProjectCode", "Indicator"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Which document an entry belongs to: a TransTypesEnum, its DocEntry and its DocNum."""

    kind: str
    entry: int
    number: int


@dataclass(frozen=True, slots=True)
class Balance:
    """One line of the trial balance: totals of an account in local currency, ``balance`` = debit - credit."""

    account: str
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


class Journal:
    """The journal of one company."""

    def __init__(
        self, tables: Tables, catalog: Catalog, switches: Switches, checks: Checks, today: Callable[[], str]
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._checks = checks
        self._today = today
        tables.index("JDT1", ("AccountCode",))
        tables.index("OJDT", ("Reference",))

    def post(self, sent: Row) -> int:
        """Write an entry and return its JdtNum. Raises :class:`ServiceLayerError` where a rule says no."""
        header = {name: value for name, value in sent.items() if name != "JournalEntryLines"}
        lines = sent.get("JournalEntryLines")
        if not isinstance(lines, list) or len(lines) < 2:
            raise rejected("A journal entry needs at least two lines [JournalEntryLines].")
        self._complete(header)
        day = str(header["ReferenceDate"])
        self._check_period(header)
        seen: set[tuple[object, ...]] = set()
        booked = [self._line(line, number, header, seen) for number, line in enumerate(lines, start=1)]
        for number, (line, was) in enumerate(zip(booked, lines, strict=True), start=1):
            self._value_line(line, was, day, number)
        self._balance(booked, lines)
        return self._write(header, booked)

    def book(self, header: Row, lines: list[Row], origin: Origin) -> int:
        """Write the entry of a document, which must balance; the JdtNum. The document's own rules were checked before.

        Lines hold accounts, amounts and, where they concern a partner, its code as ShortName; the rest is filled in.
        """
        branches = {line.get("BPLID") for line in lines} if self._switches.on("branch_balance") else set()
        for branch in branches or {None}:
            group = [line for line in lines if not branches or line.get("BPLID") == branch]
            if _difference(group, ""):
                raise AssertionError(f"the entry of {origin} does not balance: {lines}")
        line_type = self._catalog.schema.types["JournalEntryLine"]
        booked = []
        for number, line in enumerate(lines):
            full = with_defaults(line, line_type)
            full.update(Line_ID=number, ShortName=full["ShortName"] or full["AccountCode"])
            full.update(DebitSys=full["Debit"], CreditSys=full["Credit"])
            booked.append(self._from_header(full, header))
        return self._write(header, booked, origin)

    def take_back(self, jdt_num: int, day: str, origin: Origin) -> int:
        """Write the opposite of a document's entry, for the document that cancels it; the JdtNum."""
        original = self._existing(jdt_num)
        header = self._storno_header(original, day)
        lines = [self._storno_line(line, day) for line in self._lines_of(original)]
        number = self._write(header, lines, origin)
        self._tables.book.execute("INSERT INTO {storno} VALUES (?, ?)", (jdt_num, number))
        return number

    def amend(self, jdt_num: int, changes: Row) -> None:
        """PATCH: texts of the header. Lines of a posted entry stay as they are (a decision of this simulator)."""
        entry = self._catalog.schema.types["JournalEntry"]
        self._existing(jdt_num)
        changes = {
            name: value
            for name, value in changes.items()
            if name in _AMENDABLE or name.startswith("U_") or name == "JournalEntryLines"
        }
        if "JournalEntryLines" in changes:
            raise not_supported()
        if changes:
            self._tables.update(entry, {"JdtNum": jdt_num}, changes)

    def cancel(self, jdt_num: int) -> int:
        """Write the entry that takes another back and return its JdtNum; the original stays as it is."""
        original = self._existing(jdt_num)
        if original["OriginalJournal"] != "ttJournalEntry":
            raise rejected("This journal entry belongs to a document; cancel the document instead.")
        if self._tables.book.row('SELECT 1 FROM {storno} WHERE "Original" = ? OR "Storno" = ?', (jdt_num, jdt_num)):
            raise rejected("This journal entry was already reversed, or reverses another.")
        day = self._today() if self._switches.text("storno_date") == "today" else str(original["ReferenceDate"])
        header = self._storno_header(original, day)
        self._check_period(header)
        number = self._write(header, [self._storno_line(line, day) for line in self._lines_of(original)])
        self._tables.book.execute("INSERT INTO {storno} VALUES (?, ?)", (jdt_num, number))
        return number

    def nudge(self, jdt_num: int, line_id: int, by: Decimal) -> None:
        """Change the amount of one line behind the system's back, on the side it stands, in both currencies."""
        line_type = self._catalog.schema.types["JournalEntryLine"]
        line = self._tables.one(line_type, {"JdtNum": jdt_num, "Line_ID": line_id})
        if line is None:
            raise not_found()
        side = "Debit" if money(line, "Debit") or money(line, "FCDebit") else "Credit"
        changes: Row = {side: money(line, side) + by, f"{side}Sys": money(line, f"{side}Sys") + by}
        if line["FCCurrency"]:
            changes[f"FC{side}"] = money(line, f"FC{side}") + by
        self._tables.update(line_type, {"JdtNum": jdt_num, "Line_ID": line_id}, changes)
        self._follow([{"AccountCode": line["AccountCode"], "ShortName": line["ShortName"], side: by}])

    def vanish(self, jdt_num: int) -> None:
        """The company's database is an older copy: the entry was never there."""
        entry = self._existing(jdt_num)
        lines = self._lines_of(entry)
        self._follow([{**line, "Debit": money(line, "Credit"), "Credit": money(line, "Debit")} for line in lines])
        self._tables.delete("JDT1", {"JdtNum": jdt_num})
        self._tables.delete("OJDT", {"JdtNum": jdt_num})
        self._tables.book.execute('DELETE FROM {storno} WHERE "Storno" = ?', (jdt_num,))

    def newest(self) -> int:
        """The JdtNum of the entry written last."""
        return self._tables.next_number("OJDT", "JdtNum", _FIRST_JDT_NUM) - 1

    def trial_balance(self) -> list[Balance]:
        """Every account that was ever posted to, in order of code; recomputed from the lines."""
        rows = self._tables.book.rows(
            'SELECT "AccountCode", sum("Debit"), sum("Credit") FROM {JDT1} GROUP BY "AccountCode" ORDER BY "AccountCode"'
        )
        return [Balance(row[0], amount(row[1]), amount(row[2])) for row in rows]

    # --- the header ----------------------------------------------------------------------------------------------------

    def _check_period(self, header: Row) -> None:
        dates = (str(header["ReferenceDate"]), str(header["DueDate"]), str(header["TaxDate"]))
        self._checks.period(*dates, ("OJDT.RefDate", "OJDT.DueDate", "OJDT.TaxDate"))

    def _complete(self, header: Row) -> None:
        """Dates that were not sent follow the posting date, and that is today."""
        if header.get("UseAutoStorno") == "tYES" or header.get("StornoDate") or header.get("TransactionCode"):
            raise rejected("Automatic reversal and transaction codes are not set up in this company.")
        header["ReferenceDate"] = header.get("ReferenceDate") or self._today()
        for name in ("DueDate", "TaxDate"):
            header[name] = header.get(name) or header["ReferenceDate"]
        header["VatDate"] = header.get("VatDate") or header["TaxDate"]
        self._checks.project(header.get("ProjectCode"))

    # --- the lines -----------------------------------------------------------------------------------------------------

    def _line(self, sent: Row, number: int, header: Row, seen: set[tuple[object, ...]]) -> Row:
        """A line with its account, dimensions and branch checked and what was not sent filled in.

        ``seen``: accounts of this entry that were found good; most lines name one again.
        """
        line_type = self._catalog.schema.types["JournalEntryLine"]
        line = with_defaults(sent, line_type)
        line["Line_ID"] = number - 1
        if line["ShortName"] not in (None, line["AccountCode"]):
            self._partner_line(line, number)
        line["ShortName"] = line["ShortName"] or line["AccountCode"]
        known = (line["AccountCode"], line["ShortName"], line["FCCurrency"])
        if known not in seen:
            self._check_account(line, number, str(header["ReferenceDate"]))
            seen.add(known)
        self._checks.dimensions(line, "JournalEntryLines", number)
        line["BPLName"] = self._checks.branch(line["BPLID"], f"[JournalEntryLines.BPLID][line: {number}]")
        return self._from_header(line, header)

    def _partner_line(self, line: Row, number: int) -> None:
        """ShortName names a partner, whose control account takes the line, or is an account's code again."""
        where = f"[JournalEntryLines.ShortName][line: {number}]"
        code = line["ShortName"]
        partner = self._tables.one(self._catalog.schema.types["BusinessPartner"], {"CardCode": code})
        if partner is not None and line["AccountCode"] in (None, partner["DebitorAccount"]):
            line["AccountCode"] = partner["DebitorAccount"]
        elif line["AccountCode"] is None and partner is None:
            known = self._tables.one(self._catalog.schema.types["ChartOfAccount"], {"Code": code})
            if known is None:
                raise rejected(f"Invalid BP code {where} , '{code}'")
            line["AccountCode"] = code
        else:
            raise rejected(f"Invalid BP code {where} , '{code}'")

    def _from_header(self, line: Row, header: Row) -> Row:
        """Dates and texts that a line does not have are the header's."""
        for name, source in (
            ("DueDate", "DueDate"),
            ("ReferenceDate1", "ReferenceDate"),
            ("TaxDate", "TaxDate"),
            ("Reference1", "Reference"),
            ("Reference2", "Reference2"),
            ("LineMemo", "Memo"),
        ):
            line[name] = line[name] or header.get(source)
        return line

    def _check_account(self, line: Row, number: int, day: str) -> None:
        where = f"[JournalEntryLines.AccountCode][line: {number}]"
        account = self._checks.account(line["AccountCode"], day, where)
        if line["ShortName"] == line["AccountCode"]:
            self._checks.manual_account(account, line["FCCurrency"], where)

    def _value_line(self, line: Row, sent: Row, day: str, number: int) -> None:
        """Round amounts to their currency's decimals and find what the other currency shows."""
        where = f"[JournalEntryLines][line: {number}]"
        currency = line["FCCurrency"] or None
        line["FCCurrency"] = currency
        foreign = {name: money(sent, name) for name in ("FCDebit", "FCCredit")}
        local = {name: money(sent, name) for name in ("Debit", "Credit")}
        for pair in (foreign, local):
            if any(value < 0 for value in pair.values()) or all(pair.values()):
                raise rejected(f"Specify a positive amount on one side only {where}")
        if currency is None:
            if any(foreign.values()):
                raise rejected(f"Specify the currency of the amount {where}")
        else:
            decimals, rate = self._checks.foreign_terms(str(currency), day, where)
            foreign = {name: rounded(value, decimals) for name, value in foreign.items()}
            if not any(local.values()) and any(foreign.values()):
                if self._switches.on("foreign_needs_local"):
                    raise rejected(f"Specify the amount in local currency {where}")
                local = {name: foreign[f"FC{name}"] * rate for name in local}
            if (local["Debit"] and foreign["FCCredit"]) or (local["Credit"] and foreign["FCDebit"]):
                raise rejected(f"Amounts stand on different sides {where}")
        local = {name: rounded(value, TOTALS_ACCURACY) for name, value in local.items()}
        line.update(**foreign, **local, DebitSys=local["Debit"], CreditSys=local["Credit"])

    # --- the entry -----------------------------------------------------------------------------------------------------

    def _balance(self, booked: list[Row], sent: Sequence[Row]) -> None:
        """Debit equals credit: in each currency, in local currency, and per branch where the company works with branches."""
        converted = all(
            line["FCCurrency"] and not money(was, "Debit") and not money(was, "Credit")
            for line, was in zip(booked, sent, strict=True)
        )
        by_branch = self._switches.on("enable_branches") and self._switches.on("branch_balance")
        for branch in sorted({line["BPLID"] for line in booked}, key=str) if by_branch else [None]:
            group = [line for line in booked if not by_branch or line["BPLID"] == branch]
            for currency in {line["FCCurrency"] for line in group if line["FCCurrency"]}:
                if _difference((line for line in group if line["FCCurrency"] == currency), "FC"):
                    raise _unbalanced()
            rest = _difference(group, "")
            if not rest:
                continue
            # Each line's conversion may be wrong by half a cent; more than that is not rounding.
            if (
                not converted
                or abs(rest) > len(group) * Decimal("0.005")
                or not self._settle_rounding(booked, group, rest)
            ):
                raise _unbalanced()

    def _settle_rounding(self, booked: list[Row], group: list[Row], rest: Decimal) -> bool:
        """What converting lines left over in local currency; False where the company refuses such an entry."""
        reading = self._switches.text("foreign_rounding")
        if reading == "refuse":
            return False
        if reading == "absorb":
            largest = max(group, key=lambda line: money(line, "Debit") + money(line, "Credit"))
            side, sign = ("Debit", -1) if money(largest, "Debit") else ("Credit", 1)
            largest[side] = largest[f"{side}Sys"] = money(largest, side) + sign * rest
            return True
        side = "Credit" if rest > 0 else "Debit"
        line = {
            **group[-1],
            "Line_ID": len(booked),
            "LineMemo": "Conversion difference",
            "FCDebit": ZERO,
            "FCCredit": ZERO,
        }
        line.update({name: None for name in (*COSTING, "ProjectCode") if name in line})
        line.update(Debit=ZERO, Credit=ZERO, DebitSys=ZERO, CreditSys=ZERO)
        line.update({side: abs(rest), f"{side}Sys": abs(rest)})
        line["AccountCode"] = line["ShortName"] = account_code(self._switches, ROUNDING_ACCOUNT)
        booked.append(line)
        return True

    def _write(self, header: Row, lines: list[Row], origin: Origin | None = None) -> int:
        entry_type = self._catalog.schema.types["JournalEntry"]
        jdt_num = self._tables.next_number("OJDT", "JdtNum", _FIRST_JDT_NUM)
        number = self._tables.next_number("OJDT", "Number", _FIRST_NUMBER)
        entry = with_defaults(header, entry_type)
        origin = origin or Origin("ttJournalEntry", jdt_num, number)
        entry.update(
            JdtNum=jdt_num,
            Number=number,
            Series=17,
            OriginalJournal=origin.kind,
            Original=origin.entry,
            BaseReference=str(origin.number),
        )
        for line in lines:
            line["ContraAccount"] = line["ContraAccount"] or _opposite(line, lines)
        self._tables.insert(entry_type, entry)
        self._tables.insert_all(self._catalog.schema.types["JournalEntryLine"], lines, parent={"JdtNum": jdt_num})
        self._follow(lines)
        return jdt_num

    def _follow(self, lines: Iterable[Row]) -> None:
        """Balances of accounts and partners follow the lines: debit minus credit, local currency."""
        changes: dict[str, Decimal] = {}
        partners: dict[str, Decimal] = {}
        for line in lines:
            code, name = str(line["AccountCode"]), str(line["ShortName"])
            change = money(line, "Debit") - money(line, "Credit")
            changes[code] = changes.get(code, ZERO) + change
            if name != code:
                partners[name] = partners.get(name, ZERO) + change
        for name, change in partners.items():
            self._tables.book.execute(
                'UPDATE {OCRD} SET "CurrentAccountBalance" = "CurrentAccountBalance" + ? WHERE "CardCode" = ?',
                (int(change * 1_000_000), name),
            )
        for code, change in changes.items():
            self._tables.book.execute(
                'UPDATE {OACT} SET "Balance" = "Balance" + ? WHERE "Code" = ?', (int(change * 1_000_000), code)
            )

    def _existing(self, jdt_num: int) -> Row:
        found = self._tables.one(self._catalog.schema.types["JournalEntry"], {"JdtNum": jdt_num})
        if found is None:
            raise not_found()
        return found

    def _lines_of(self, entry: Row) -> list[Row]:
        line_type = self._catalog.schema.types["JournalEntryLine"]
        return self._tables.children(line_type, ("JdtNum",), [entry])[(entry["JdtNum"],)]

    def _storno_header(self, original: Row, day: str) -> Row:
        header: Row = {"ReferenceDate": day, "DueDate": day, "TaxDate": day, "VatDate": day, "Memo": original["Memo"]}
        if self._switches.text("storno_marking") == "memo":
            header["Memo"] = f"(Reversal) {original['Memo'] or original['JdtNum']}"[:50]
        if self._switches.on("storno_copies_fields"):
            copied = ("Reference", "Reference2", "Reference3", *(name for name in original if name.startswith("U_")))
            header.update({name: original[name] for name in copied})
        return header

    def _storno_line(self, line: Row, day: str) -> Row:
        taken_back = {**line, "ReferenceDate1": day, "DueDate": day, "TaxDate": day}
        for prefix, suffix in (("", ""), ("FC", ""), ("", "Sys")):
            debit, credit = f"{prefix}Debit{suffix}", f"{prefix}Credit{suffix}"
            if self._switches.text("storno_sign") == "negative":
                taken_back.update({debit: -money(line, debit), credit: -money(line, credit)})
            else:
                taken_back.update({debit: line[credit], credit: line[debit]})
        return taken_back


def _unbalanced() -> ServiceLayerError:
    """The text is a placeholder of the dossier (section 6.5), not a fact."""
    return ServiceLayerError(400, OBJECT_REJECTED, "Unbalanced Transaction")


def _difference(lines: Iterable[Row], prefix: str) -> Decimal:
    return sum((money(line, f"{prefix}Debit") - money(line, f"{prefix}Credit") for line in lines), ZERO)


def _opposite(line: Row, lines: Sequence[Row]) -> object:
    """The account of the first line on the other side, as the real system fills in (inferred)."""
    side = "Credit" if money(line, "Debit") else "Debit"
    return next((other["AccountCode"] for other in lines if money(other, side)), None)
