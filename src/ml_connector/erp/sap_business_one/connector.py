"""Business One as a :class:`~ml_connector.domain.target.Target` for journal entries (posting stages, S1).

Two ways to post, one write each:

* **claim**: one change set of a row in U_ML_LINK, whose Code is the hash of the document key, and the entry. SAP refuses a
  second row with the same Code and rolls the set back, so a second posting is refused by the server itself, however late a
  lost request lands.
* **plain**: the entry alone. Nothing on the server refuses a second one; looking, and waiting out the settle window, does.

A document's class does not change for the better in mid-flight, and never silently for the worse. What was tried plainly
stays under the rules of ``plain``: a lost plain request can land whatever is claimed later, so only its settle window
protects it, and both steps have the same window. What was claimed is never tried plainly: where the table is gone, the look
says Unclear and nothing is written.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import Document, JournalEntry, Kind
from ml_connector.domain.errors import BadAnswer, MlConnectorError
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.stored_documents import entry_of
from ml_connector.domain.target import (
    Accepted,
    Capabilities,
    Case,
    Found,
    Ids,
    Move,
    NotSent,
    PassRefused,
    Permit,
    Receipt,
    Refused,
    ReliabilityClass,
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unknown,
    Unsupported,
)
from ml_connector.erp.registry import Connector, Tools
from ml_connector.erp.sap_business_one import batch, documents, looks, reads, reads_queries
from ml_connector.erp.sap_business_one.auth import Session
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.config import FORM, Config, read_config
from ml_connector.erp.sap_business_one.documents import CLAIM_SET, CLAIM_TABLE, KEY_FIELD, Company
from ml_connector.erp.sap_business_one.errors import parse_error
from ml_connector.erp.sap_business_one.looks import CLAIM, PLAIN
from ml_connector.erp.sap_business_one.odata import encode
from ml_connector.erp.sap_business_one.reads_company import Reading
from ml_connector.erp.sap_business_one.reads_stock import STOCK_IS
from ml_connector.transport.http import Answer, HttpClient, Timeouts

#: The code of a refusal because the document's claim is taken: the next look finds the entry.
DUPLICATE: Final = "duplicate"

_JOURNALS: Final = "JournalEntries"
_JOURNALS_ONLY: Final = "This connector posts journal entries to Business One, and nothing else yet."
_TABLE: Final = {"TableName": CLAIM_TABLE, "TableDescription": "ml-connector keys", "TableType": "bott_NoObject"}
_FIELD: Final = {
    "TableName": "OJDT",
    "Name": KEY_FIELD.removeprefix("U_"),
    "Type": "db_Alpha",
    "SubType": "st_None",
    "Size": documents.REFERENCE_MAX,
    "EditSize": documents.REFERENCE_MAX,
    "Description": "ml-connector key",
    "Mandatory": "tNO",
}


class SapBusinessOne(Reading):
    """One Business One company. Made by :func:`connect`, which signs in and reads what the company can do."""

    def __init__(
        self, config: Config, layer: ServiceLayer, company: Company, clock: Clock, *, settle_s: float | None = None
    ) -> None:
        """``settle_s`` replaces the configured settle window, and may be shorter: for tests only."""
        super().__init__(config, layer, company, clock)
        self._settle_s = config.settle_s if settle_s is None else settle_s

    # --- reading: the rest stands in :class:`Reading` --------------------------------------------------------------------

    async def prepare(self) -> tuple[str, ...]:
        """Create the table of claims and the key field. Both are harmless to other programs and to earlier entries."""
        said: list[str] = []
        if not self._config.claims:
            said.append("Claims are switched off in the settings of this connection.")
        elif await reads.has_claim_table(self._layer):
            said.append(f"The table {CLAIM_SET} is there.")
        else:
            said.append(await self._create(f"The table {CLAIM_SET}", "UserTablesMD", _TABLE))
        if await reads.has_key_field(self._layer):
            said.append(f"The field {KEY_FIELD} on journal entries is there.")
        else:
            said.append(await self._create(f"The field {KEY_FIELD} on journal entries", "UserFieldsMD", _FIELD))
        self._company = replace(
            self._company,
            key_field=await reads.has_key_field(self._layer),
            claims=self._config.claims and await reads.has_claim_table(self._layer),
        )
        return (*said, self._consequence(), *await reads_queries.prepare(self._layer))

    # --- pure ----------------------------------------------------------------------------------------------------------

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        """One write that counts: ``claim`` where the company has the table of claims, else ``plain``."""
        if not isinstance(document, JournalEntry):
            return Unsupported(_JOURNALS_ONLY)
        why = documents.unsupported(document, self._company)
        if why is not None:
            return Unsupported(why)
        claims = self._company.claims
        return (Step(CLAIM if claims else PLAIN, counts=True, refuses_twice=claims, settle_s=self._settle_s),)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        """What Business One will show for ``document``. A journal entry shows no ids of what it depends on."""
        return documents.project(entry_of(document))

    def wire_key(self, document: Document) -> str:
        """The key as Reference3 holds it: up to 100 characters."""
        return documents.wire_key(entry_of(document))

    def references_of(self, document: Document) -> tuple[tuple[str, str], ...]:
        """Reference, Reference2, Reference3 and, where it is there, U_ML_KEY."""
        return documents.references(entry_of(document), self._company)

    def capabilities(self) -> Capabilities:
        """Journal entries, by the route that :meth:`steps` names."""
        claims = self._company.claims
        name, class_ = (CLAIM, ReliabilityClass.REFUSED) if claims else (PLAIN, ReliabilityClass.WINDOW)
        route = Route(name, class_, relieves_stock=False, requests=Decimal("1.2"))
        entries = {Kind.JOURNAL_ENTRY, Kind.BANK_TRANSFER}
        return Capabilities(
            routes={kind: (route,) if kind in entries else Unsupported(_JOURNALS_ONLY) for kind in Kind},
            parallel=self._config.parallel,
            lines_max=10_000,
            applications_max=0,
            batch_max=1,
            stock_is=STOCK_IS,
            features=self._company.features,
        )

    # --- posting -------------------------------------------------------------------------------------------------------

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        """Raises :class:`Unavailable` and :class:`SignInFailed`; what else goes wrong is Unclear for its document."""
        return await looks.observe(self._layer, self._company, cases)

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        """Raises where the entries cannot be read: an empty answer means that there are none."""
        return await looks.census(self._layer, self._company, prefix, first, last)

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        """One write for each move, a few at a time. Raises, before anything is sent, when nobody can sign in."""
        await self._layer.session.cookie()
        receipts = await asyncio.gather(*(self._advance(move, permit) for move in moves), return_exceptions=True)
        done: dict[DocumentKey, Receipt] = {}
        for move, receipt in zip(moves, receipts, strict=True):
            if isinstance(receipt, BaseException):
                raise receipt
            done[move.key] = receipt
        return done

    async def _advance(self, move: Move, permit: Permit) -> Receipt:
        why = self._not_now(move)
        if why is not None:
            return NotSent(why)
        # The slot and the session come before the permit: the settle window runs from the permit's intent.
        async with self._layer.slots:
            try:
                cookie = await self._layer.session.cookie()
                pass_ = await permit.grant((move,))
            except (MlConnectorError, PassRefused) as error:
                return NotSent(str(error))
            resource, content, content_type = self._request(move)
            outcome = await self._layer.write(pass_, cookie, resource, content, content_type)
        if not isinstance(outcome, Answer):
            return outcome
        return self._receipt(move, cookie, outcome)

    def _not_now(self, move: Move) -> str | None:
        """Why this step must not be sent for this document, or None."""
        if move.step.name == CLAIM and not self._company.claims:
            return f"{CLAIM_SET} cannot be used any more."
        if move.step.name == PLAIN and looks.claimed(move.case):
            return "The document was sent with a claim; without one SAP could not refuse a second posting."
        return None if move.step.name in (CLAIM, PLAIN) else f"There is no step {move.step.name!r}."

    def _request(self, move: Move) -> tuple[str, bytes, str]:
        """Resource, body and content type of a move's one write."""
        document = entry_of(move.case.document)
        body = encode(documents.payload(document, self._company))
        if move.step.name == PLAIN:
            return _JOURNALS, body, "application/json"
        claim = encode(documents.claim(document))
        # Derived from the content, so that it cannot stand in it.
        boundary = hashlib.sha256(claim + body).hexdigest()[:32]
        requests = (
            batch.Request("POST", f"{self._config.wire.root}/{CLAIM_SET}", claim),
            batch.Request("POST", f"{self._config.wire.root}/{_JOURNALS}", body),
        )
        return "$batch", batch.encode_change_set(requests, boundary), batch.content_type(boundary)

    def _receipt(self, move: Move, cookie: str, answer: Answer) -> Receipt:
        if move.step.name == PLAIN or not answer.ok:
            return self._judge(move, cookie, answer.status, answer.body)
        try:
            parts = batch.decode(answer.headers.get("content-type", ""), answer.body)
        except BadAnswer as error:
            return Unknown(str(error))
        match parts:
            case (batch.Reply() as reply,):
                return self._judge(move, cookie, reply.status, reply.body)
            case (batch.ChangeSet(replies=(batch.Reply(ok=True), batch.Reply(ok=True) as entry)),):
                return self._judge(move, cookie, entry.status, entry.body)
            case _:
                return Unknown("The answer to the change set does not say that all of it, or none of it, was done.")

    def _judge(self, move: Move, cookie: str, status: int, body: bytes) -> Receipt:
        """What one HTTP answer says of the entry."""
        if 200 <= status < 300:
            return _accepted(status, body)
        error = parse_error(status, body)
        if self._layer.lost(cookie, status, error):
            return NotSent("SAP had ended the session.")
        if error is None or status >= 500:
            # A proxy's page says nothing about what the server behind it did.
            return Unknown(f"HTTP {status}" if error is None else f"HTTP {status}: {error.words}")
        line = documents.line_number(entry_of(move.case.document), error.line)
        if move.step.name == CLAIM and error.duplicate:
            return Refused(DUPLICATE, error.words, line)
        return Refused(error.code, error.words, line)

    async def _create(self, what: str, entity_set: str, body: Mapping[str, Any]) -> str:
        """Create a table or a field; a second creation is refused as a duplicate, so this is safe to repeat."""
        answer = await self._layer.read("POST", f"/{entity_set}", content=encode(body), attempts=1)
        if answer.ok:
            return f"{what} was created."
        error = parse_error(answer.status, answer.body)
        if error is not None and error.duplicate:
            return f"{what} exists, but the Service Layer does not show it: ask the SAP administrator to restart it."
        words = error.words if error is not None else f"HTTP {answer.status}"
        return f"{what} could not be created: {words}. Ask the SAP administrator (a superuser) to create it."

    def _consequence(self) -> str:
        if self._company.claims:
            return "Journal entries are posted with a claim: SAP itself refuses a second one."
        return (
            "Journal entries are posted plainly: a lost answer is waited out and looked for before anything is sent "
            "again. If the table has just been created, the Service Layer shows it after a restart."
        )


def _accepted(status: int, body: bytes) -> Receipt:
    try:
        ids = documents.ids_of(Answer(status, {}, body).json())
    except BadAnswer:
        ids = None
    return Accepted(ids) if ids is not None else Unknown(f"HTTP {status}, but no transaction number in the answer.")


async def connect(settings: Mapping[str, str], secrets: Mapping[str, str], tools: Tools) -> SapBusinessOne:
    """See :class:`~ml_connector.erp.registry.Connect`."""
    config = read_config(settings, secrets)
    http = HttpClient(
        "SAP Business One",
        config.base_url,
        tools.clock,
        tools.random,
        transport=tools.transport,
        ssl_context=config.ssl_context(),
        timeouts=Timeouts(config.connect_timeout_s, config.read_timeout_s, max(300.0, 2 * config.read_timeout_s)),
    )
    layer = ServiceLayer(http, Session(http, config, tools.clock), config)
    try:
        company = await reads.company(layer, config)
    except MlConnectorError:
        await layer.close()
        raise
    return SapBusinessOne(config, layer, company, tools.clock, settle_s=tools.settle_s)


CONNECTOR: Final = Connector("sap_business_one", "SAP Business One", FORM, connect)
