"""What comes of a JSON_LISTINGS_FEED: each message is a submission or an issue, and a report tells which. Pure but for reading.

Source: SP-API dossier, section 19, and the published schemas of feed and processing report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.sandbox.amazon.listing_patches import Offered, Patch, issues_of, read_patches
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused, read_json
from ml_connector.sandbox.amazon.orders import articles_of

VERSION = "2.0"
MESSAGES_MAX = 25_000


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed that is worked on: for which stores, all of one region, and how listings are patched there."""

    feed_id: str
    seller_id: str
    stores: Sequence[Store]
    flips: bool


@dataclass(frozen=True, slots=True)
class Worked:
    """``report`` is the processing report; ``fatal`` says that nothing of the feed was read."""

    report: Mapping[str, object]
    submissions: Sequence[tuple[str, Sequence[Patch]]]
    fatal: bool = False


def worked(content: bytes, feed: Feed) -> Worked:
    """Work on a feed: messages that are wrong do not stop the others."""
    messages, trouble = _messages(content, feed)
    if trouble:
        return Worked(_report(feed, [{"severity": "ERROR", "message": trouble}], 0, 0), (), fatal=True)
    issues: list[dict[str, object]] = []
    submissions: list[tuple[str, Sequence[Patch]]] = []
    seen: set[object] = set()
    for message in messages:
        patches, found = _read(message, feed, seen)
        issues.extend(found)
        if not found:
            submissions.append((str(message["sku"]), patches))
    return Worked(_report(feed, issues, len(messages), len(submissions)), submissions)


def _messages(content: bytes, feed: Feed) -> tuple[list[Mapping[str, Any]], str]:
    """The messages of a document, or why there are none."""
    try:
        document = read_json(content)
    except ValueError:
        return [], "The feed is not valid JSON."
    header = document.get("header") if isinstance(document, Mapping) else None
    if not isinstance(header, Mapping) or header.get("version") != VERSION:
        return [], "The feed needs a header of version 2.0."
    if header.get("sellerId") != feed.seller_id:
        return [], "The feed is another seller's."
    messages = document.get("messages")
    if not isinstance(messages, list) or not all(isinstance(each, Mapping) for each in messages):
        return [], "The feed needs messages."
    if not 1 <= len(messages) <= MESSAGES_MAX:
        return [], f"A feed holds between 1 and {MESSAGES_MAX} messages."
    return messages, ""


def _read(message: Mapping[str, Any], feed: Feed, seen: set[object]) -> tuple[Sequence[Patch], list[dict[str, object]]]:
    """The operations of one message, or its issues. ``seen`` are the ids of the messages before it."""
    number, sku = message.get("messageId"), message.get("sku")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1 or number in seen:
        return (), [{"severity": "ERROR", "message": "Each message needs a number of its own.", "code": "90244"}]
    seen.add(number)
    about: dict[str, object] = {"messageId": number}
    if not isinstance(sku, str) or not any(
        article.sku == sku for store in feed.stores for article in articles_of(store)
    ):
        return (), [{**about, "code": "90244", "severity": "ERROR", "message": f"The SKU '{sku}' is not listed."}]
    about["sku"] = sku
    try:
        patches = read_patches(_as_patches(message))
    except Refused as refused:
        return (), [{**about, "code": "90244", "severity": "ERROR", "message": refused.message}]
    issues = issues_of(message.get("productType"), patches, Offered(sku, feed.stores, feed.flips))
    return patches, [{**about, **_in_a_report(each)} for each in issues]


def _as_patches(message: Mapping[str, Any]) -> Mapping[str, object]:
    """A PARTIAL_UPDATE replaces the attributes that it names. Raises Refused for what the sandbox does not do to a listing."""
    kind = message.get("operationType")
    if kind == "PATCH":
        return message
    attributes = message.get("attributes")
    if kind != "PARTIAL_UPDATE" or not isinstance(attributes, Mapping):
        raise Refused.input(f"The operation {kind} is not possible")
    patches = [{"op": "replace", "path": f"/attributes/{name}", "value": value} for name, value in attributes.items()]
    return {**message, "patches": patches}


def _in_a_report(issue: Mapping[str, object]) -> dict[str, object]:
    """An issue as a processing report words it: one attribute, no categories."""
    names = issue["attributeNames"]
    named = {"attributeName": names[0]} if isinstance(names, list) and names else {}
    return {name: issue[name] for name in ("code", "severity", "message")} | named


def _report(feed: Feed, issues: Sequence[Mapping[str, object]], processed: int, accepted: int) -> dict[str, object]:
    return {
        "header": {"sellerId": feed.seller_id, "version": VERSION, "feedId": feed.feed_id},
        "issues": issues,
        "summary": {
            "errors": len(issues),
            "warnings": 0,
            "messagesProcessed": processed,
            "messagesAccepted": accepted,
            "messagesInvalid": processed - accepted,
        },
    }
