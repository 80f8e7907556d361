"""A label that the shipped table does not know: the link's own mapping may name it, and a replay posts it."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.conftest import Serve
from tests.support.installation import MAPPING, Installation


def test_after_the_label_is_mapped_with_its_category_a_replay_posts_it(
    serve: Serve, shop: Installation, tmp_path: Path
) -> None:
    world = serve(unknown_triple=["US:2"])
    shop.link(world)
    (held,) = shop("run", "shop", "--json").json["held"]
    assert "names these three labels, a category and an account" in held["reason"]

    header, *rules = MAPPING.read_text("utf-8").splitlines()
    label = dict.fromkeys(header.split(","), "") | {
        "category": "other_selling_fees",
        "transaction_type": "AmazonFees",
        "amount_type": "Garden Showcase Programme Fee",
        "amount_description": "Base fee",
        "account": "611000",
    }
    mapping = tmp_path / "with_label.csv"
    mapping.write_text("\n".join([header, *rules, ",".join(label.values())]) + "\n", "utf-8")
    shop.ok("mapping", "import", "shop", str(mapping))
    report = shop.ok("record", "replay", held["key"])

    assert report["proved"] == 1
    assert any(
        line["AccountCode"] == "611000" and line["LineMemo"].startswith("other_selling_fees Amazon.com")
        for entry in world.entries()
        if entry["Reference"] == held["key"]
        for line in entry["JournalEntryLines"]
    )
