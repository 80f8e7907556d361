"""What a PATCH of a listing may say, and what comes of it. Pure: attributes in, attributes out.

Source: SP-API dossier, section 18: top-level attributes only, ``replace`` swaps the selected entry as a whole, ``merge`` is for
quantities. Issue codes other than 90220 are invented.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused
from ml_connector.sandbox.amazon.orders import ships_itself

Attributes = Mapping[str, Sequence[Mapping[str, Any]]]

PRODUCT_TYPE = "HOME"
OFFER, AVAILABILITY = "purchasable_offer", "fulfillment_availability"
MERCHANT_CHANNEL = "DEFAULT"
_OPS = ("add", "replace", "merge", "delete")
_UNDER = "/attributes/"
_PATCHES_MAX = 100
_SELECTORS = {OFFER: ("marketplace_id", "currency", "audience"), AVAILABILITY: ("fulfillment_channel_code",)}
_OTHER_SELECTORS = ("marketplace_id", "language_tag")
_PRICE_MAX, _QUANTITY_MAX = 10**9, 10**7


@dataclass(frozen=True, slots=True)
class Patch:
    """One operation on one top-level attribute. ``values`` are its entries, none where all of them are meant."""

    op: str
    attribute: str
    values: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """What is patched: the SKU, the stores named in the request, and whether a merchant's channel may join Amazon's."""

    sku: str
    stores: Sequence[Store]
    flips: bool


def amazons_channel(region: str) -> str:
    """How a listing names Amazon's own warehouses."""
    return {"na": "AMAZON_NA", "eu": "AMAZON_EU", "fe": "AMAZON_JP"}[region]


def read_patches(body: Mapping[str, object]) -> list[Patch]:
    """The operations of a request's body. Raises Refused where it is not of the form of the model."""
    asked = body.get("patches")
    if not isinstance(body.get("productType"), str) or not isinstance(asked, list):
        raise Refused.input("productType and patches are required")
    if not 1 <= len(asked) <= _PATCHES_MAX:
        raise Refused.input(f"patches must hold between 1 and {_PATCHES_MAX} operations")
    return [_patch(each) for each in asked]


def _patch(asked: object) -> Patch:
    if not isinstance(asked, Mapping):
        raise Refused.input("Each patch must be an object")
    op, path, values = asked.get("op"), asked.get("path"), asked.get("value", [])
    if op not in _OPS:
        raise Refused.input("Invalid patch operation")
    if not isinstance(path, str) or not path.startswith(_UNDER) or "/" in path.removeprefix(_UNDER) or path == _UNDER:
        raise Refused.input("A patch path must name a top-level attribute")
    if not isinstance(values, list) or not all(isinstance(each, Mapping) for each in values):
        raise Refused.input("A patch value must be a list of objects")
    if not values and op != "delete":
        raise Refused.input("A patch value must not be empty")
    return Patch(str(op), path.removeprefix(_UNDER), tuple(values))


def issues_of(product_type: object, patches: Sequence[Patch], offered: Offered) -> list[dict[str, object]]:
    """Everything that is wrong with a submission, as Amazon lists it in an answer of 200."""
    found: list[dict[str, object]] = []
    if product_type not in ("PRODUCT", PRODUCT_TYPE):
        found.append(issue("90244", f"The product type '{product_type}' does not fit.", "productType"))
    for patch in patches:
        if patch.op == "merge" and not _merges(patch):
            found.append(issue("90244", f"'{patch.attribute}' does not support 'merge'.", patch.attribute))
        elif patch.attribute == OFFER and patch.op != "delete":
            found.extend(each for value in patch.values for each in _about_offer(value, offered.stores))
        elif patch.attribute == AVAILABILITY and patch.op != "delete":
            found.extend(each for value in patch.values for each in _about_availability(value, patch.op, offered))
    return found


def _merges(patch: Patch) -> bool:
    """Quantities, and the discounts by quantity of an offer to businesses."""
    if patch.attribute == AVAILABILITY:
        return True
    selectors = {*_SELECTORS[OFFER], "quantity_discount_plan"}
    return patch.attribute == OFFER and all(
        value.get("audience") == "B2B" and set(value) <= selectors for value in patch.values
    )


def _about_offer(value: Mapping[str, Any], stores: Sequence[Store]) -> Iterator[dict[str, object]]:
    store = next((each for each in stores if each.marketplace_id == value.get("marketplace_id")), None)
    if store is None:
        yield issue("90244", "'marketplace_id' is none of the request's marketplaceIds.", OFFER)
        return
    if value.get("currency", store.currency) != store.currency:
        yield issue("90244", f"'currency' must be {store.currency}.", OFFER)
    if value.get("audience", "ALL") not in ("ALL", "B2B"):
        yield issue("90244", "'audience' must be ALL or B2B.", OFFER)
    if "our_price" not in value:
        yield issue("90220", "'our_price' is required but not supplied.", OFFER, category="MISSING_ATTRIBUTE")
    for name in ("our_price", "discounted_price"):
        if name in value and not _is_price(value[name], store, dated=name == "discounted_price"):
            yield issue("90244", f"'{name}' is not a valid price.", OFFER)


def _is_price(value: object, store: Store, *, dated: bool) -> bool:
    schedule = value[0].get("schedule") if isinstance(value, list) and _is_one_object(value) else None
    if not isinstance(schedule, list) or not _is_one_object(schedule):
        return False
    amount = schedule[0].get("value_with_tax")
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal) or not 0 < amount < _PRICE_MAX:
        return False
    fits = amount * 10**store.minor_digits % 1 == 0
    return fits and (not dated or _is_span(schedule[0].get("start_at"), schedule[0].get("end_at")))


def _is_one_object(value: Sequence[object]) -> bool:
    return len(value) == 1 and isinstance(value[0], Mapping)


def _is_span(start: object, end: object) -> bool:
    first, last = day_of(start), day_of(end)
    return first is not None and last is not None and first <= last


def day_of(value: object) -> str | None:
    """The day of a schedule's limit, None for what is no date."""
    try:
        return datetime.fromisoformat(str(value)).date().isoformat()
    except ValueError:
        return None


def _about_availability(value: Mapping[str, Any], op: str, offered: Offered) -> Iterator[dict[str, object]]:
    channel, quantity = value.get("fulfillment_channel_code"), value.get("quantity")
    if channel == amazons_channel(offered.stores[0].region):
        if "quantity" in value:
            yield issue("90244", "'quantity' cannot be set for what Amazon ships.", AVAILABILITY)
        return
    if channel != MERCHANT_CHANNEL:
        yield issue("90244", "'fulfillment_channel_code' is not a valid channel.", AVAILABILITY)
    elif not ships_itself(offered.sku) and not offered.flips:
        yield issue("90244", "The listing is fulfilled by Amazon.", AVAILABILITY)
    if op == "merge" and "quantity" not in value:
        return
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 <= quantity <= _QUANTITY_MAX:
        yield issue("90244", "'quantity' must be a whole number that is not negative.", AVAILABILITY)


def issue(code: str, message: str, attribute: str, *, category: str = "INVALID_ATTRIBUTE") -> dict[str, object]:
    """One issue of severity ERROR."""
    return {
        "code": code,
        "message": message,
        "severity": "ERROR",
        "attributeNames": [attribute],
        "categories": [category],
    }


def applied(attributes: Attributes, patches: Sequence[Patch]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The attributes after the operations, one after the other."""
    after = dict(attributes)
    for patch in patches:
        entries = _entries(after.get(patch.attribute, ()), patch)
        after[patch.attribute] = entries
        if not entries:
            del after[patch.attribute]
    return after


def _entries(entries: Sequence[Mapping[str, Any]], patch: Patch) -> list[Mapping[str, Any]]:
    if patch.op == "delete":
        gone: Collection[object] = {_key(patch.attribute, value) for value in patch.values}
        return [each for each in entries if patch.values and _key(patch.attribute, each) not in gone]
    after = {_key(patch.attribute, each): each for each in entries}
    for value in patch.values:
        key = _key(patch.attribute, value)
        after[key] = {**after.get(key, {}), **value} if patch.op == "merge" else value
    return list(after.values())


def _key(attribute: str, value: Mapping[str, Any]) -> tuple[str, ...]:
    """What selects an entry among those of an attribute."""
    selectors = _SELECTORS.get(attribute, _OTHER_SELECTORS)
    return tuple(str(value.get(each, "ALL" if each == "audience" else "")) for each in selectors)
