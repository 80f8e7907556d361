from ml_connector.conformance.testing import conformance
from tests.conformance.sage_world import SageWorld

_COPY = {"copied_by_hand-RC": "A receipt batch that a person copied is not seen beside ours."}
_NOTES = "The first write of a credit note with goods makes its class another one than its route says."
_CURRENCY = "Order entry takes the currency of its customer, whatever the document says, and it counts."

test_sage_receivables = conformance(SageWorld("AR"), _COPY)
test_sage_order_entry = conformance(
    SageWorld("OE"),
    {
        **_COPY,
        **{f"currency_of_customer-{kind}": _CURRENCY for kind in ("INV", "CM", "SO")},
        **{
            f"{rule}-CM": _NOTES
            for rule in (
                "class_declared",
                "entered_then_posted",
                "draft_changed",
                "draft_removed",
                "late_without_bound",
                "race_without_lease",
            )
        },
    },
)
