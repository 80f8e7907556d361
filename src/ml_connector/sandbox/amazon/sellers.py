"""Sellers v1: the ping. It names the stores of the account and never the seller id (SP-API dossier, section 9)."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Reply


def participations(stores: Sequence[Store]) -> Reply:
    """``GET /sellers/v1/marketplaceParticipations``, with the Non-Amazon shadows that a real answer contains."""
    return Reply.of_json(200, {"payload": _participations(stores)})


def account(stores: Sequence[Store]) -> Reply:
    """``GET /sellers/v1/account``, without addresses and names."""
    return Reply.of_json(
        200,
        {
            "payload": {
                "marketplaceParticipationList": _participations(stores),
                "businessType": "PRIVATE_LIMITED",
                "sellingPlan": "PROFESSIONAL",
            }
        },
    )


def _participations(stores: Sequence[Store]) -> list[dict[str, object]]:
    listed = [(store, store.marketplace_id, store.name) for store in stores]
    shadows = [(store, store.pseudo_id, f"Non-Amazon {store.code}") for store in stores if store.pseudo_id]
    return [
        {
            "marketplace": {
                "id": marketplace_id,
                "countryCode": store.country,
                "name": name,
                "defaultCurrencyCode": store.currency,
                "defaultLanguageCode": store.language,
                "domainName": store.domain,
            },
            "storeName": "Garden & Hearth",
            "participation": {"isParticipating": True, "hasSuspendedListings": False},
        }
        for store, marketplace_id, name in (*listed, *shadows)
    ]
