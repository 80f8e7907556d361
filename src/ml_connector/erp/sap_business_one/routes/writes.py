"""One write of one document: what is sent, and what its answer says (SAP dossier, sections 4, 7, 8, 9). Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import (
    Accepted,
    Case,
    Ids,
    Move,
    NotSent,
    Outcome,
    Partial,
    Receipt,
    Refused,
    Unknown,
)
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents import common, rooms
from ml_connector.erp.sap_business_one.documents.common import CLAIM_SET, DRAFT, whole_number
from ml_connector.erp.sap_business_one.documents.places import DRAFTS, PAYMENT_DRAFTS, PLACES, Place
from ml_connector.erp.sap_business_one.errors import NOT_FOUND_CODE, ServiceError
from ml_connector.erp.sap_business_one.odata import by_key, encode
from ml_connector.erp.sap_business_one.routes import batch, ways
from ml_connector.transport.http import Answer

#: The code of a refusal because the document, or its claim, is there already: the next look finds it.
DUPLICATE: Final = "duplicate"

#: Why a write was not sent that a stopped batch did not reach. Such a document goes alone the next time.
STOPPED: Final = "A batch stopped at another document before it came to this one."

#: Bytes of one batch. A single document may be longer.
BATCH_BYTES_MAX: Final = 1_000_000

_LOCATION: Final = re.compile(r"(?:^|/)(\w+)\((\d{1,10})\)$", re.ASCII)
_CONTEXT: Final = re.compile(r"#(\w+)", re.ASCII)
_CLOSED_WORDS: Final = re.compile(r"already closed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Write:
    """What one move sends: all of ``requests`` happen, or none; the last is the document's own."""

    move: Move
    place: Place
    requests: tuple[batch.Request, ...]

    @property
    def size(self) -> int:
        return sum(len(request.body) + 200 for request in self.requests)

    @property
    def alone(self) -> bool:
        """Whether it goes without others: a batch stopped before it came to it, and would again."""
        trail = self.move.case.trail
        return bool(trail) and trail[-1].outcome is Outcome.NOT_SENT and trail[-1].words == STOPPED


def write_of(move: Move, company: Company, root: str) -> Write | NotSent:
    """The write of ``move``, or why it must not be sent. ``root`` begins the paths inside a batch."""
    place, step, document = PLACES[move.case.document.kind], move.step.name, move.case.document
    try:
        match step:
            case ways.CLAIM if not company.claims:
                return NotSent(f"{CLAIM_SET} cannot be used any more.")
            case ways.PLAIN if ways.claimed(move.case):
                return NotSent("The document was sent with a claim; without one SAP could not refuse a second posting.")
            case ways.CLAIM | ways.PLAIN | ways.ORDER:
                requests = _creation(place.set, move.case, company, root)
            case ways.DRAFT:
                requests = _creation(place.drafts, move.case, company, root, DocObjectCode=place.object)
            case ways.SAVE:
                requests = (_saving(move, place, root),)
            case ways.CONFIRM:
                requests = (_confirmation(move, place, root),)
            case _:
                return NotSent(f"There is no step {step!r}.")
    except BadAnswer as error:
        return NotSent(str(error))
    if step == ways.CLAIM:
        taken = encode(common.claim(document))
        requests = (batch.Request("POST", f"{root}/{CLAIM_SET}", taken), *requests)
    return Write(move, place, requests)


def batches(writes: Sequence[Write], count_max: int) -> Iterator[list[Write]]:
    """``writes`` in order, in groups for one request each: at most ``count_max`` documents and :data:`BATCH_BYTES_MAX`."""
    group: list[Write] = []
    size = 0
    for write in writes:
        if write.alone:
            yield [write]
            continue
        if group and (len(group) >= count_max or size + write.size > BATCH_BYTES_MAX):
            yield group
            group, size = [], 0
        group.append(write)
        size += write.size
    if group:
        yield group


def encoded(writes: Sequence[Write]) -> tuple[bytes, str]:
    """Body and content type of one batch of ``writes``, each in a change set of its own."""
    # Derived from the content, so that it cannot stand in it.
    digest = hashlib.sha256()
    for write in writes:
        for request in write.requests:
            digest.update(request.body)
    boundary = digest.hexdigest()[:32]
    return (
        batch.encode_change_sets([write.requests for write in writes], boundary),
        batch.content_type(boundary),
    )


def _creation(name: str, case: Case, company: Company, root: str, **more: Any) -> tuple[batch.Request, ...]:
    body = {**more, **rooms.payload(case.document, company, case.linked or {})}
    return (batch.Request("POST", f"{root}/{name}", encode(body)),)


def _saving(move: Move, place: Place, root: str) -> batch.Request:
    entry = _named(move, DRAFT)
    if place.pays:
        return batch.Request("POST", f"{root}/{by_key(PAYMENT_DRAFTS, entry)}/SaveDraftToDocument", b"{}")
    body = encode({"Document": {"DocEntry": entry}})
    return batch.Request("POST", f"{root}/DraftsService_SaveDraftToDocument", body)


def _confirmation(move: Move, place: Place, root: str) -> batch.Request:
    etag = _etag(_named(move, "DataVersion"))
    path = f"{root}/{by_key(place.set, _named(move, place.key))}"
    return batch.Request("PATCH", path, encode({"Confirmed": "tYES"}), (("If-Match", etag),))


def _named(move: Move, name: str) -> int:
    """A number of what was looked at. Raises :class:`BadAnswer` where the look showed none."""
    value = dict(move.seen.ids).get(name, "") if isinstance(move.seen, Partial) else ""
    if not (value.isascii() and value.isdigit()):
        raise BadAnswer(f"The look before the step {move.step.name!r} shows no {name}.")
    return int(value)


def _etag(version: int) -> str:
    """The ETag of a row that was changed so often (dossier 4.3, verified): what was looked at, and nothing later."""
    return f'W/"{hashlib.sha1(str(version).encode(), usedforsecurity=False).hexdigest().upper()}"'


# --- answers -----------------------------------------------------------------------------------------------------------


def refused(write: Write, error: ServiceError) -> Receipt:
    """What a refusal in the Service Layer's own words means for this write."""
    step = write.move.step.name
    if error.status == 412 and step == ways.CONFIRM:
        return NotSent("The order was changed in SAP since it was looked at.")
    line = rooms.line_number(write.move.case.document, error.line)
    taken = step == ways.CLAIM and error.duplicate
    # A draft is saved once: that it is gone or closed says that it was.
    spent = step == ways.SAVE and (
        error.status == 404 or error.number == NOT_FOUND_CODE or _CLOSED_WORDS.search(error.words) is not None
    )
    return Refused(DUPLICATE if taken or spent else error.code, error.words, line)


def accepted(write: Write, reply: batch.Reply) -> Receipt:
    """What a 2xx says: the numbers of what was made, a draft where a person has to approve it first."""
    seen = write.move.seen
    if write.move.step.name in (ways.SAVE, ways.CONFIRM) and isinstance(seen, Partial):
        if reply.status != HTTPStatus.NO_CONTENT and _data(reply) is None:
            # A proxy may answer with a page of its own and HTTP 200, in place of the server.
            return Unknown(f"HTTP {reply.status}, with an answer that is not the Service Layer's.")
        return Accepted(seen.ids)
    ids = _made(write, reply)
    return Accepted(ids) if ids is not None else Unknown(f"HTTP {reply.status}, but no number in the answer.")


def _made(write: Write, reply: batch.Reply) -> Ids | None:
    data = _data(reply) or {}
    located = _LOCATION.search(reply.headers.get("location", ""))
    context = _CONTEXT.search(str(data.get("@odata.context") or data.get("odata.metadata") or ""))
    name = located[1] if located else context[1] if context else ""
    draft = name in (DRAFTS, PAYMENT_DRAFTS) or (not name and write.move.step.name == ways.DRAFT)
    entry = whole_number(data.get("DocEntry" if draft else write.place.key))
    if entry is None and located:
        entry = int(located[2])
    if entry is None:
        return None
    if draft:
        return common.draft_ids(entry)
    number = whole_number(data.get(write.place.number))
    return ((write.place.key, str(entry)), *(((write.place.number, str(number)),) if number is not None else ()))


def _data(reply: batch.Reply) -> dict[str, Any] | None:
    """The JSON object of an answer; None where it is none."""
    try:
        data = Answer(reply.status, {}, reply.body).json()
    except BadAnswer:
        return None
    return data if isinstance(data, dict) else None
