"""Business One as a :class:`~ml_connector.domain.target.Target` (posting stages, S1).

What a kind of document writes and shows is in its room, by which ways it gets there in :mod:`routes`, what an answer means in
:mod:`writes`. Here is what talks to the server: the sign-in's consequences, looks, and writes under a permit, several documents in
one request where the company takes change sets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.errors import BadAnswer, MlConnectorError
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Capabilities,
    Case,
    Found,
    Ids,
    Move,
    NotSent,
    Pass,
    PassRefused,
    Permit,
    Receipt,
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unknown,
    Unsupported,
)
from ml_connector.erp.registry import Connector, Tools, closed_on_error
from ml_connector.erp.sap_business_one.auth import Session
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.config import FORM, Config, read_config
from ml_connector.erp.sap_business_one.documents import common, rooms
from ml_connector.erp.sap_business_one.documents.common import CLAIM_SET, KEY_FIELD
from ml_connector.erp.sap_business_one.errors import parse_error
from ml_connector.erp.sap_business_one.reads import abilities, queries, reference
from ml_connector.erp.sap_business_one.reads.company import Reading
from ml_connector.erp.sap_business_one.reads.stock import STOCK_IS
from ml_connector.erp.sap_business_one.routes import batch, looks, ways, writes
from ml_connector.erp.sap_business_one.routes.writes import Write
from ml_connector.transport.http import Answer

_SIGN_UNPROVEN: Final = (
    "Refund payments are off: the sign of a credit note in an outgoing payment is not proven for this company. To prove it, pay "
    "one credit memo by an outgoing payment in a test company, see that the credit memo is closed and the customer's balance is "
    "zero, and set credit_note_sign to the sign that its row has. Until then use refunds = journal."
)
_FOREIGN_UNPROVEN: Final = (
    "Payments in foreign currencies are off: whether their sum is in their own currency is not proven for this company. To prove "
    "it, post one incoming payment in a foreign currency through the Service Layer in a test company, see in its journal entry "
    "that the bank line has the sum that was sent, in that currency, and set foreign_payments to proven."
)


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
        """Create the table of claims and the key fields. All are harmless to other programs and to earlier documents."""
        said: list[str] = []
        if not self._config.claims:
            said.append("Claims are switched off in the settings of this connection.")
        elif await reference.has_claim_table(self._layer):
            said.append(f"The table {CLAIM_SET} is there.")
        else:
            said.append(await abilities.create_claim_table(self._layer))
        if await reference.has_key_field(self._layer):
            said.append(f"The field {KEY_FIELD} on journal entries is there.")
        else:
            said.append(await abilities.create_journal_field(self._layer))
        said += await abilities.create_key_fields(self._layer)
        self._company = await reference.company(self._layer, self._config)
        said.append(self._consequence())
        if not self._company.trade.credit_note_sign:
            said.append(_SIGN_UNPROVEN)
        if not self._company.trade.foreign_payments:
            said.append(_FOREIGN_UNPROVEN)
        return (*said, *await queries.prepare(self._layer))

    def _consequence(self) -> str:
        if self._company.claims:
            return "Documents are posted with a claim: SAP itself refuses a second one."
        return (
            "Documents are posted without a claim: a lost answer is waited out and looked for before anything is sent "
            "again. If the table has just been created, the Service Layer shows it after a restart."
        )

    # --- pure ----------------------------------------------------------------------------------------------------------

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        """The writes of the document's route: see :func:`~ml_connector.erp.sap_business_one.routes.ways.route_of`."""
        why = rooms.unsupported(document, self._company)
        if why is not None:
            return Unsupported(why)
        return ways.steps_of(ways.route_of(document, trail, self._company), self._settle_s)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        """What Business One will show for ``document``. A payment shows the numbers of what it pays."""
        return rooms.project(document, linked)

    def wire_key(self, document: Document) -> str:
        """The key as U_ML_KEY and a journal's Reference3 hold it: up to 100 characters."""
        return common.wire_key(document)

    def references_of(self, document: Document) -> tuple[tuple[str, str], ...]:
        """The reference fields of the kind and, where it is there, U_ML_KEY."""
        return rooms.references(document, self._company)

    def capabilities(self) -> Capabilities:
        """Every kind with its routes, the preferred one first."""
        found: dict[Kind, tuple[Route, ...] | Unsupported] = {}
        for kind in Kind:
            why = rooms.kind_unsupported(kind, self._company)
            offered = ways.described(kind, self._company, self._batch_max)
            found[kind] = offered if why is None else Unsupported(why)
        return Capabilities(
            routes=found,
            parallel=self._config.parallel,
            lines_max=10_000,
            applications_max=self._company.trade.applications_max,
            batch_max=self._batch_max,
            stock_is=STOCK_IS,
            features=self._company.features,
        )

    @property
    def _batch_max(self) -> int:
        """Documents in one request: 1 where change sets cannot be trusted."""
        return self._config.batch_size if self._config.claims else 1

    # --- posting -------------------------------------------------------------------------------------------------------

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        """Raises :class:`Unavailable` and :class:`SignInFailed`; what else goes wrong is Unclear for its document."""
        return await looks.observe(self._layer, self._company, cases)

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        """Raises where a set cannot be read: an empty answer means that there are none."""
        return await looks.census(self._layer, self._company, prefix, first, last)

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        """One write for each move, several in one request, a few requests at a time. Raises, before anything is sent, when
        nobody can sign in."""
        await self._layer.session.cookie()
        done: dict[DocumentKey, Receipt] = {}
        ready: list[Write] = []
        for move in moves:
            write = writes.write_of(move, self._company, self._config.wire.root)
            if isinstance(write, Write):
                ready.append(write)
            else:
                done[move.key] = write
        sent = (self._send(group, permit) for group in writes.batches(ready, self._batch_max))
        for receipts in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(receipts, BaseException):
                raise receipts
            done |= receipts
        return done

    async def _send(self, group: Sequence[Write], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        """One request with everything in ``group``, under one pass for exactly that."""
        # The slot and the session come before the permit: the settle window runs from the permit's intents.
        async with self._layer.slots:
            try:
                cookie = await self._layer.session.cookie()
                pass_ = await permit.grant([write.move for write in group])
            except (MlConnectorError, PassRefused) as error:
                return _all(group, NotSent(str(error)))
            if len(group) == 1 and len(group[0].requests) == 1:
                outcome = await self._send_one(group[0], cookie, pass_)
            else:
                content, kind = writes.encoded(group)
                outcome = await self._layer.write(pass_, cookie, "POST", "$batch", content, {"Content-Type": kind})
        if not isinstance(outcome, Answer):
            return _all(group, outcome)
        if len(group) == 1 and len(group[0].requests) == 1:
            return {group[0].move.key: self._judge(group[0], cookie, _reply(outcome))}
        return self._judge_batch(group, cookie, outcome)

    async def _send_one(self, write: Write, cookie: str, pass_: Pass) -> Answer | NotSent | Unknown:
        """A single request without a batch around it."""
        (request,) = write.requests
        resource = request.path.removeprefix(f"{self._config.wire.root}/")
        return await self._layer.write(pass_, cookie, request.method, resource, request.body, dict(request.headers))

    def _judge_batch(self, group: Sequence[Write], cookie: str, answer: Answer) -> dict[DocumentKey, Receipt]:
        """A receipt for each document of a batch. The first that failed stopped it: what comes after was not done."""
        if not answer.ok:
            return {write.move.key: self._judge(write, cookie, _reply(answer)) for write in group}
        try:
            parts = batch.decode(answer.headers.get("content-type", ""), answer.body)
        except BadAnswer as error:
            return _all(group, Unknown(str(error)))
        if len(parts) > len(group):
            return _all(group, Unknown("The answer to the batch has more parts than were sent."))
        done: dict[DocumentKey, Receipt] = {}
        for write, part in zip(group, parts, strict=False):
            done[write.move.key] = self._judge_part(write, cookie, part)
        stopped = bool(parts) and isinstance(parts[-1], batch.Reply) and not parts[-1].ok
        rest = NotSent(writes.STOPPED) if stopped else Unknown("The answer to the batch ends before this document.")
        return done | _all(group[len(parts) :], rest)

    def _judge_part(self, write: Write, cookie: str, part: batch.ChangeSet | batch.Reply) -> Receipt:
        match part:
            case batch.Reply():
                return self._judge(write, cookie, part)
            case batch.ChangeSet(replies) if len(replies) == len(write.requests) and all(each.ok for each in replies):
                return self._judge(write, cookie, replies[-1])
            case _:
                return Unknown("The answer to the change set does not say that all of it, or none of it, was done.")

    def _judge(self, write: Write, cookie: str, reply: batch.Reply) -> Receipt:
        """What one HTTP answer says of the document."""
        if reply.ok:
            return writes.accepted(write, reply)
        error = parse_error(reply.status, reply.body)
        if self._layer.lost(cookie, reply.status, error):
            return NotSent("SAP had ended the session.")
        if error is None or reply.status >= 500:
            # A proxy's page says nothing about what the server behind it did.
            return Unknown(f"HTTP {reply.status}" if error is None else f"HTTP {reply.status}: {error.words}")
        return writes.refused(write, error)


def _reply(answer: Answer) -> batch.Reply:
    """A whole answer as if it were one part of a batch."""
    return batch.Reply(answer.status, answer.headers, answer.body)


def _all(group: Sequence[Write], receipt: Receipt) -> dict[DocumentKey, Receipt]:
    return {write.move.key: receipt for write in group}


async def connect(settings: Mapping[str, str], secrets: Mapping[str, str], tools: Tools) -> SapBusinessOne:
    """See :class:`~ml_connector.erp.registry.Connect`."""
    config = read_config(settings, secrets)
    http = tools.client(
        "SAP Business One", config.base_url, config.ssl_context(), config.connect_timeout_s, config.read_timeout_s
    )
    layer = ServiceLayer(http, Session(http, config, tools.clock), config)
    async with closed_on_error(layer):
        company = await reference.company(layer, config)
    return SapBusinessOne(config, layer, company, tools.clock, settle_s=tools.settle_s)


CONNECTOR: Final = Connector("sap_business_one", "SAP Business One", FORM, connect)
