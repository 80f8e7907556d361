"""SAP Business One, through its Service Layer (OData v4, ``/b1s/v2``)."""
