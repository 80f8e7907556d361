"""Promises about posting to Business One: steps, looks and receipts, answer by answer."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random

import httpx2
import pytest

from ml_connector.domain.catalog import ControlAccount
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.errors import NotPermitted, Unavailable
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Attempt,
    Case,
    Move,
    NotSent,
    Outcome,
    Present,
    Receipt,
    Refused,
    ReliabilityClass,
    Seen,
    Step,
    Unclear,
    Unknown,
    Unsupported,
    reliability_class,
)
from ml_connector.erp.registry import Tools
from ml_connector.erp.sap_business_one.connector import SapBusinessOne, connect
from ml_connector.erp.sap_business_one.documents.common import claim_code
from tests.support.clock import FakeClock
from tests.support.entries import entry, line
from tests.support.sap import (
    SECRETS,
    SETTINGS,
    Handler,
    OpenPermit,
    ScriptedServiceLayer,
    answer,
    connected,
    error,
    rows,
)

KEY = "ABCD-JE-90000000011-2026P10"
AT = datetime(2026, 11, 21, 11, tzinfo=UTC)
CREATED = {"JdtNum": 98790, "Number": 4021}

FOUND = {
    "JdtNum": 98790,
    "Number": 4021,
    "ReferenceDate": "2026-10-26T00:00:00Z",
    "TaxDate": "2026-10-26T00:00:00Z",
    "Memo": "Amazon settlement 90000000011",
    "Reference": "90000000011",
    "Reference3": KEY,
    "U_ML_KEY": KEY,
    "JournalEntryLines": [
        {"AccountCode": "1120", "Debit": 85.79, "Credit": 0.0, "FCCurrency": None, "LineMemo": "payout Amazon.com"},
        {"AccountCode": "4000", "Debit": 0.0, "Credit": 85.79, "LineMemo": "product_sales Amazon.com"},
    ],
}


def batch_answer(*parts: tuple[int, object], whole: bool = True) -> httpx2.Response:
    """What SAP answers to a change set: a nested part where it went through, one plain part where it failed."""
    texts = [
        f"Content-Type: application/http\r\n\r\nHTTP/1.1 {status} X\r\n\r\n{json.dumps(data)}\n\r\n"
        for status, data in parts
    ]
    if whole:
        inner = "".join(f"--c\r\n{text}" for text in texts) + "--c--\r\n"
        texts = [f"Content-Type: multipart/mixed;boundary=c\r\n\r\n{inner}"]
    body = "".join(f"--b\r\n{text}" for text in texts) + "--b--\r\n"
    return httpx2.Response(200, headers={"Content-Type": "multipart/mixed;boundary=b"}, text=body)


async def send(
    target: SapBusinessOne, *documents: JournalEntry, permit: OpenPermit | None = None, step: str = ""
) -> list[Receipt]:
    moves = []
    for document in documents:
        steps = target.steps(document)
        assert not isinstance(steps, Unsupported)
        chosen = replace(steps[0], name=step) if step else steps[0]
        moves.append(Move(Case(document, target.wire_key(document)), Absent("nowhere"), chosen))
    receipts = await target.advance(moves, permit or OpenPermit())
    return [receipts[move.key] for move in moves]


def posted(handler: Handler, *, claims: bool = False) -> Receipt:
    """The receipt of one move to which SAP answers with ``handler``."""

    async def scenario() -> Receipt:
        server = ScriptedServiceLayer(claims=claims)
        target = await connected(server)
        server.script["POST /$batch" if claims else "POST /JournalEntries"] = handler
        return (await send(target, entry()))[0]

    return asyncio.run(scenario())


def broken(failure: Exception) -> Handler:
    def handler(_request: httpx2.Request) -> httpx2.Response:
        raise failure

    return handler


# --- steps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "setting", "name", "kind"),
    [
        (True, "auto", "claim", ReliabilityClass.REFUSED),
        (False, "auto", "plain", ReliabilityClass.WINDOW),
        (True, "off", "plain", ReliabilityClass.WINDOW),
    ],
)
def test_the_step_is_what_the_company_can_do(claims: bool, setting: str, name: str, kind: ReliabilityClass) -> None:
    target = asyncio.run(connected(ScriptedServiceLayer(claims=claims), settings={"claims": setting}))

    steps = target.steps(entry())

    assert not isinstance(steps, Unsupported)
    assert [(step.name, step.counts, step.settle_s) for step in steps] == [(name, True, 600.0)]
    assert reliability_class(steps) is kind


def test_the_settle_window_is_raised_by_a_setting_and_lowered_only_by_the_caller() -> None:
    async def window(given_s: float | None, setting: str) -> float:
        tools = Tools(FakeClock(), Random(1), ScriptedServiceLayer(), given_s)
        steps = (await connect({**SETTINGS, "settle_s": setting}, SECRETS, tools)).steps(entry())
        assert not isinstance(steps, Unsupported)
        return steps[0].settle_s

    assert asyncio.run(window(None, "900")) == 900
    assert asyncio.run(window(2.0, "600")) == 2.0


def test_what_the_company_cannot_hold_is_unsupported() -> None:
    target = asyncio.run(connected(ScriptedServiceLayer()))

    assert isinstance(target.steps(entry(currency="SEK")), Unsupported)


# --- receipts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "receipt"),
    [
        (lambda _: answer(201, CREATED), Accepted((("JdtNum", "98790"), ("Number", "4021")))),
        (
            lambda _: error(400, -10, "Account is frozen [JournalEntryLines.AccountCode][line: 2]"),
            Refused("-10", "Account is frozen [JournalEntryLines.AccountCode][line: 2]", 2),
        ),
        (lambda _: error(400, "-2035", "(ODBC -2035)"), Refused("-2035", "(ODBC -2035)")),
        (lambda _: error(403, "-6006", "not permitted"), Refused("-6006", "not permitted")),
        (lambda _: httpx2.Response(429), NotSent("HTTP 429")),
        (lambda _: error(401, "301", "Invalid session"), NotSent("SAP had ended the session.")),
    ],
)
def test_a_clear_answer_to_a_plain_post_is_a_clear_receipt(handler: Handler, receipt: Receipt) -> None:
    assert posted(handler) == receipt


@pytest.mark.parametrize(
    "handler",
    [
        lambda _: httpx2.Response(500),
        lambda _: httpx2.Response(502, text="<html>Proxy Error</html>"),
        lambda _: httpx2.Response(201, text="<html>"),
        lambda _: answer(201, {"Number": 1}),
        lambda _: httpx2.Response(204),
        lambda _: httpx2.Response(302, headers={"Location": "/elsewhere"}),
        lambda _: httpx2.Response(400, text="<html>Bad Request</html>"),
        broken(httpx2.ReadTimeout("slow")),
        broken(httpx2.ReadError("reset")),
    ],
)
def test_an_answer_that_does_not_say_is_unknown_and_sent_once(handler: Handler) -> None:
    calls: list[int] = []

    def counted(request: httpx2.Request) -> httpx2.Response:
        calls.append(1)
        return handler(request)

    assert isinstance(posted(counted), Unknown)
    assert len(calls) == 1


def test_a_claim_and_its_entry_are_one_change_set() -> None:
    async def scenario() -> tuple[Receipt, bytes, str]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        claim = {"Code": claim_code(KEY), "Name": KEY}
        server.script["POST /$batch"] = lambda _: batch_answer((201, claim), (201, CREATED))
        (receipt,) = await send(target, entry())
        sent = server.requests[-1]
        return receipt, sent.content, sent.headers["Content-Type"]

    receipt, content, kind = asyncio.run(scenario())

    assert receipt == Accepted((("JdtNum", "98790"), ("Number", "4021")))
    assert kind.startswith("multipart/mixed;boundary=batch_")
    text = content.decode()
    assert text.index("POST /b1s/v2/U_ML_LINK HTTP/1.1") < text.index("POST /b1s/v2/JournalEntries HTTP/1.1")
    assert f'{{"Code":"{claim_code(KEY)}","Name":"{KEY}"}}' in text
    assert kind.removeprefix("multipart/mixed;boundary=") in text


@pytest.mark.parametrize(
    ("handler", "receipt"),
    [
        (
            lambda _: batch_answer((400, {"error": {"code": "-2035", "message": "exists"}}), whole=False),
            Refused("duplicate", "exists"),
        ),
        (
            lambda _: batch_answer((400, {"error": {"code": "-10", "message": "Unbalanced"}}), whole=False),
            Refused("-10", "Unbalanced"),
        ),
        (
            lambda _: batch_answer((401, {"error": {"code": "301", "message": "Invalid session"}}), whole=False),
            NotSent("SAP had ended the session."),
        ),
        (
            lambda _: error(400, "-1000", "Incomplete Batch Request Body!"),
            Refused("-1000", "Incomplete Batch Request Body!"),
        ),
    ],
)
def test_a_clear_answer_to_a_claim_is_a_clear_receipt(handler: Handler, receipt: Receipt) -> None:
    assert posted(handler, claims=True) == receipt


@pytest.mark.parametrize(
    "handler",
    [
        lambda _: batch_answer((201, {}), whole=True),
        lambda _: batch_answer((201, {}), (400, {"error": {"code": "-10", "message": "x"}})),
        lambda _: batch_answer((500, {"error": {"code": "-1", "message": "x"}}), whole=False),
        lambda _: httpx2.Response(202, headers={"Content-Type": "multipart/mixed;boundary=b"}, text="--b\r\ncut"),
        lambda _: httpx2.Response(200, text="{}"),
    ],
)
def test_an_answer_that_does_not_speak_for_the_whole_change_set_is_unknown(handler: Handler) -> None:
    assert isinstance(posted(handler, claims=True), Unknown)


def test_nothing_is_sent_without_a_permit() -> None:
    async def scenario() -> tuple[Receipt, list[str]]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        (receipt,) = await send(target, entry(), permit=OpenPermit(refuses="the lease ran out"))
        return receipt, server.names()

    receipt, asked = asyncio.run(scenario())

    assert receipt == NotSent("the lease ran out")
    assert "POST /$batch" not in asked


def test_without_batches_each_move_is_one_write_under_a_pass_of_its_own() -> None:
    async def scenario() -> tuple[list[Receipt], OpenPermit, int]:
        server, permit = ScriptedServiceLayer(claims=False), OpenPermit()
        target = await connected(server, settings={"batch_size": "1"})
        numbers = iter(range(1, 100))
        server.script["POST /JournalEntries"] = lambda _: answer(201, {"JdtNum": next(numbers)})
        documents = [entry(f"9000000{n:04}") for n in range(9)]
        return await send(target, *documents, permit=permit), permit, server.names().count("POST /JournalEntries")

    receipts, permit, writes = asyncio.run(scenario())

    assert all(isinstance(receipt, Accepted) for receipt in receipts)
    assert [len(moves) for moves in permit.granted] == [1] * 9
    assert writes == 9


def test_a_server_that_cannot_be_signed_in_to_gets_no_intent() -> None:
    async def scenario() -> OpenPermit:
        server, permit = ScriptedServiceLayer(), OpenPermit()
        target = await connected(server)
        target._layer.session.forget()
        server.script["POST /Login"] = lambda _: httpx2.Response(503)
        with pytest.raises(Unavailable):
            await send(target, entry(), permit=permit)
        return permit

    assert asyncio.run(scenario()).granted == []


# --- looks -------------------------------------------------------------------------------------------------------------


def look(
    server: ScriptedServiceLayer, case: Case, *, then: dict[str, Handler] | None = None, claims: str = "auto"
) -> Seen:
    async def scenario() -> Seen:
        target = await connected(server, settings={"claims": claims})
        server.script |= then or {}
        return (await target.observe([case]))[case.key]

    return asyncio.run(scenario())


CASE = Case(entry(), KEY)


def tried(*attempts: tuple[str, Outcome]) -> Case:
    return replace(CASE, trail=tuple(Attempt(step, AT, outcome) for step, outcome in attempts))


def test_an_entry_with_our_key_is_present_and_equals_what_was_projected() -> None:
    server = ScriptedServiceLayer()

    seen = look(
        server, CASE, then={"GET /JournalEntries": lambda r: rows(FOUND) if "endswith" not in str(r.url) else rows()}
    )

    target = asyncio.run(connected(ScriptedServiceLayer()))
    assert seen == Present((("JdtNum", "98790"), ("Number", "4021")), target.project(entry(), {}))


def test_an_entry_whose_own_memo_names_its_settlement_is_not_read_twice() -> None:
    server = ScriptedServiceLayer()

    seen = look(
        server,
        CASE,
        then={"GET /JournalEntries": lambda r: rows(FOUND if "endswith" not in str(r.url) else {"JdtNum": 98790})},
    )

    assert isinstance(seen, Present)
    looks = [line.partition("?")[2] for line in server.asked if line.startswith("GET /JournalEntries?")]
    assert [line.partition("&")[0] for line in looks[-2:]] == [
        "$select=JdtNum,Number,ReferenceDate,TaxDate,Memo,Reference,Reference3,JournalEntryLines,U_ML_KEY",
        "$select=JdtNum",
    ]


def test_a_reversal_that_went_away_while_it_was_read_ends_nothing() -> None:
    def journals(request: httpx2.Request) -> httpx2.Response:
        if "endswith" in str(request.url):
            return rows({"JdtNum": 98800})
        return rows() if "98800" in str(request.url) else rows(FOUND)

    assert isinstance(look(ScriptedServiceLayer(), CASE, then={"GET /JournalEntries": journals}), Present)


def test_lines_that_a_list_leaves_out_are_read_with_the_entry_itself() -> None:
    server = ScriptedServiceLayer()

    seen = look(
        server,
        CASE,
        then={
            "GET /JournalEntries": lambda r: (
                rows({**FOUND, "JournalEntryLines": []}) if "endswith" not in str(r.url) else rows()
            ),
            "GET /JournalEntries(98790)": lambda _: answer(200, FOUND),
        },
    )

    assert isinstance(seen, Present)
    assert len(seen.shown.lines) == 2


def test_nothing_found_is_absent_and_says_where_it_looked() -> None:
    seen = look(ScriptedServiceLayer(), CASE)

    assert isinstance(seen, Absent)
    assert KEY in seen.looked


def test_many_documents_are_looked_for_in_few_addresses_of_bounded_length() -> None:
    async def scenario() -> tuple[set[bool], list[str]]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        server.asked.clear()
        cases = [Case(entry(f"9000{n:07}"), f"ABCD-JE-9000{n:07}-2026P10") for n in range(40)]
        seen = await target.observe(cases)
        lengths = [len(str(request.url).partition("/b1s/v2")[2]) for request in server.requests]
        assert max(lengths) <= 2000
        return {isinstance(each, Absent) for each in seen.values()}, server.names()

    absent, asked = asyncio.run(scenario())

    assert absent == {True}
    assert asked.count("GET /JournalEntries") <= 8


@pytest.mark.parametrize(
    "handler",
    [
        lambda _: error(400, 201, "Invalid query option: U_ML_KEY is an invalid property."),
        lambda _: error(403, "-6006", "You are not permitted to perform this action"),
        lambda _: rows({name: value for name, value in FOUND.items() if name != "Reference3"}),
        lambda _: answer(200, {"value": "nothing"}),
    ],
)
def test_a_look_that_cannot_say_is_unclear(handler: Handler) -> None:
    assert isinstance(look(ScriptedServiceLayer(), CASE, then={"GET /JournalEntries": handler}), Unclear)


@pytest.mark.parametrize(
    ("status", "text"), [(503, ""), (502, "<html>"), (200, "<html>maintenance</html>"), (404, "<html>not found</html>")]
)
def test_a_look_that_reaches_no_service_layer_is_no_absence(status: int, text: str) -> None:
    page = httpx2.Response(status, text=text)

    with pytest.raises(Unavailable):
        look(ScriptedServiceLayer(), CASE, then={"GET /JournalEntries": lambda _: page})


def test_an_entry_that_cannot_be_read_stops_only_its_own_document() -> None:
    async def scenario() -> list[Seen]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        other = Case(entry("90000000018"), "ABCD-JE-90000000018-2026P10")

        def one_is_broken(request: httpx2.Request) -> httpx2.Response:
            return rows({**FOUND, "ReferenceDate": None}) if "90000000011" in str(request.url) else rows()

        server.script["GET /JournalEntries"] = one_is_broken
        seen = await target.observe([CASE, other])
        return [seen[CASE.key], seen[other.key]]

    broken_one, other = asyncio.run(scenario())

    assert isinstance(broken_one, Unclear)
    assert isinstance(other, Absent)


def test_a_claim_without_its_entry_is_never_an_absence() -> None:
    server = ScriptedServiceLayer()

    seen = look(server, CASE, then={"GET /U_ML_LINK": lambda _: rows({"Code": claim_code(KEY)})})

    assert isinstance(seen, Unclear)
    assert claim_code(KEY) in seen.why


def test_an_entry_that_lands_between_two_reads_is_found_by_the_third() -> None:
    reads: list[str] = []

    def journals(request: httpx2.Request) -> httpx2.Response:
        if "endswith" in str(request.url):
            return rows()
        reads.append("read")
        return rows(FOUND) if len(reads) > 1 else rows()

    seen = look(
        ScriptedServiceLayer(),
        CASE,
        then={"GET /JournalEntries": journals, "GET /U_ML_LINK": lambda _: rows({"Code": claim_code(KEY)})},
    )

    assert isinstance(seen, Present)


# --- a document's class does not change on the way ---------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.INTENT, Outcome.UNKNOWN, Outcome.ACCEPTED])
@pytest.mark.parametrize(("there", "setting"), [(False, "auto"), (True, "off")])
def test_what_was_claimed_is_not_called_absent_when_claims_are_gone(
    outcome: Outcome, there: bool, setting: str
) -> None:
    seen = look(ScriptedServiceLayer(claims=there), tried(("claim", outcome)), claims=setting)

    assert isinstance(seen, Unclear)


@pytest.mark.parametrize(
    "case",
    [
        tried(("claim", Outcome.REFUSED)),
        tried(("claim", Outcome.NOT_SENT)),
        tried(("plain", Outcome.UNKNOWN)),
        tried(("claim", Outcome.UNKNOWN), ("", Outcome.REPLAYED)),
    ],
)
def test_a_claim_that_cannot_have_landed_or_that_a_person_released_does_not_hold_up(case: Case) -> None:
    assert isinstance(look(ScriptedServiceLayer(claims=False), case), Absent)


def test_what_was_claimed_is_never_sent_plainly() -> None:
    async def scenario() -> tuple[Receipt, OpenPermit]:
        permit, target = OpenPermit(), await connected(ScriptedServiceLayer(claims=False))
        step = Step("plain", counts=True, refuses_twice=False, settle_s=600)
        move = Move(tried(("claim", Outcome.UNKNOWN)), Absent("an older look"), step)
        return (await target.advance([move], permit))[move.key], permit

    receipt, permit = asyncio.run(scenario())

    assert isinstance(receipt, NotSent)
    assert permit.granted == []


def test_a_step_that_is_not_possible_any_more_is_not_sent() -> None:
    target = asyncio.run(connected(ScriptedServiceLayer(claims=False)))

    assert isinstance(asyncio.run(send(target, entry(), step="claim"))[0], NotSent)
    assert isinstance(asyncio.run(send(target, entry(), step="post"))[0], NotSent)


# --- preparing and reading ---------------------------------------------------------------------------------------------


def test_preparing_creates_the_table_and_the_field_once() -> None:
    async def scenario() -> tuple[tuple[str, ...], tuple[str, ...], list[dict[str, object]], bool]:
        server = ScriptedServiceLayer(claims=False, key_field=False)
        target = await connected(server)
        bodies: list[dict[str, object]] = []

        def create(request: httpx2.Request) -> httpx2.Response:
            bodies.append(json.loads(request.content))
            server.claims = server.claims or "TableDescription" in bodies[-1]
            server.key_field = server.key_field or "SubType" in bodies[-1]
            return answer(201, {})

        server.script |= {"POST /UserTablesMD": create, "POST /UserFieldsMD": create}
        first = await target.prepare()
        steps = target.steps(entry())
        assert not isinstance(steps, Unsupported)
        return first, await target.prepare(), bodies, steps[0].refuses_twice

    first, second, bodies, refuses_twice = asyncio.run(scenario())

    assert first[:2] == ("The table U_ML_LINK was created.", "The field U_ML_KEY on journal entries was created.")
    assert second[:2] == ("The table U_ML_LINK is there.", "The field U_ML_KEY on journal entries is there.")
    assert [body.get("TableName") for body in bodies] == ["ML_LINK", "OJDT"]
    assert refuses_twice


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (lambda _: error(400, "-2035", "(ODBC -2035)"), "restart"),
        (lambda _: error(403, "-6006", "No permission"), "Ask the SAP administrator (a superuser)"),
    ],
)
def test_what_cannot_be_created_is_said_and_posting_goes_on_plainly(handler: Handler, words: str) -> None:
    async def scenario() -> tuple[tuple[str, ...], str]:
        server = ScriptedServiceLayer(claims=False)
        target = await connected(server)
        server.script["POST /UserTablesMD"] = handler
        said = await target.prepare()
        steps = target.steps(entry())
        assert not isinstance(steps, Unsupported)
        return said, steps[0].name

    said, step = asyncio.run(scenario())

    assert words in said[0]
    assert step == "plain"


def test_a_user_who_may_not_read_journal_entries_is_told_so() -> None:
    server = ScriptedServiceLayer()
    server.script["GET /JournalEntries"] = lambda _: error(403, "-6006", "You are not permitted")

    with pytest.raises(NotPermitted, match="read journal entries"):
        asyncio.run(connected(server))


def test_a_ping_names_the_company_and_how_it_will_be_posted_to() -> None:
    async def scenario() -> tuple[str, str, dict[str, str]]:
        identity = await (await connected(ScriptedServiceLayer())).ping()
        return identity.name, identity.version, dict(identity.details)

    name, version, details = asyncio.run(scenario())

    assert (name, version) == ("Acme", "10.00.280")
    assert details["local currency"] == "USD"
    assert details["posting"].startswith("claim")


def test_reference_data_is_read_in_pages_and_told_apart() -> None:
    account = {
        "Name": "Sales",
        "FormatCode": None,
        "ActiveAccount": "tYES",
        "AccountType": "at_Revenues",
        "AcctCurrency": "##",
        "LockManualTransaction": "tNO",
        "BlockManualPosting": "tNO",
        "FrozenFor": "tNO",
        "ValidFor": "tNO",
    }
    accounts = [
        {**account, "Code": "1", "ActiveAccount": "tNO"},
        {**account, "Code": "2", "FrozenFor": "tYES", "FrozenFrom": None, "FrozenTo": "2026-12-31"},
        {**account, "Code": "3", "FrozenFor": "tYES", "FrozenTo": "2025-12-31"},
        {**account, "Code": "4", "ValidFor": "tYES", "ValidTo": "2025-12-31"},
        {**account, "Code": "5", "LockManualTransaction": "tYES", "AcctCurrency": "$"},
        {**account, "Code": "_SYS6", "FormatCode": "110-001", "AccountType": "at_Other"},
    ]

    def page(request: httpx2.Request) -> httpx2.Response:
        after = request.url.params.get("$filter", "")
        left = [row for row in accounts if f"{row['Code']}" > after.partition("'")[2].rstrip("')")]
        return rows(*left[:3])

    periods = {
        1: [("2026-10", "2026-10-01", "2026-10-31", "ltUnlocked"), ("2026-11", "2026-11-01", "2026-11-30", "ltLocked")],
        2: [("2027-01", "2027-01-01", "2027-01-31", "ltPeriodClosing")],
    }

    def finance_periods(request: httpx2.Request) -> httpx2.Response:
        number = json.loads(request.content)["PeriodCategoryParams"]["AbsoluteEntry"]
        return rows(
            *(
                {"PeriodCode": code, "PostingDateFrom": a, "PostingDateTo": b, "PeriodStatus": status, "Locked": "tNO"}
                for code, a, b, status in periods[number]
            )
        )

    async def scenario() -> tuple[ScriptedServiceLayer, SapBusinessOne]:
        server = ScriptedServiceLayer()
        return server, await connected(server, settings={"page_size": "3"})

    server, target = asyncio.run(scenario())
    server.script |= {
        "GET /ChartOfAccounts": page,
        "POST /CompanyService_GetPeriods": lambda _: rows({"AbsoluteEntry": 2}, {"AbsoluteEntry": 1}),
        "POST /CompanyService_GetPeriod": lambda _: answer(200, {"DebitorsFollowUpAccount": "5"}),
        "POST /CompanyService_GetFinancePeriods": finance_periods,
    }

    found = asyncio.run(target.references())

    assert [account.code for account in found.accounts if not account.postable] == ["1"]
    assert [account.code for account in found.accounts if account.frozen] == ["2", "4"]
    assert [account.code for account in found.accounts if account.manual_locked] == ["5"]
    assert {a.code: a.control for a in found.accounts if a.control} == {"5": ControlAccount.RECEIVABLES}
    assert [(a.shown_as, a.currency, a.profit_and_loss) for a in found.accounts[4:]] == [
        ("5", "USD", True),
        ("110-001", "", False),
    ]
    assert [(p.key, p.name, p.open) for p in found.periods] == [
        ("2026P01", "2026-10", True),
        ("2026P02", "2026-11", False),
        ("2027P01", "2027-01", False),
    ]
    assert found.periods[0].first_day == date(2026, 10, 1)
    assert (found.company, found.local_currency, found.branches) == ("SBO_ACME", "USD", ())
    assert [(c.code, c.iso, c.decimals) for c in found.currencies] == [("$", "USD", 2), ("EUR", "EUR", 2)]


def test_lines_are_reported_as_they_stand_in_the_document() -> None:
    zero = line("facilitator_tax_wash", "2200")
    document = entry(lines=(zero, line("payout", "1120", debit="1.00"), line("product_sales", "4000", credit="1.00")))

    async def scenario() -> Receipt:
        server = ScriptedServiceLayer(claims=False)
        target = await connected(server)
        server.script["POST /JournalEntries"] = lambda _: error(400, -10, "Locked [JournalEntryLines][line: 2]")
        return (await send(target, document))[0]

    receipt = asyncio.run(scenario())

    assert isinstance(receipt, Refused)
    assert receipt.line == 3
