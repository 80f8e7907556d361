"""Sage 300, through its Web API (OData v4, ``/v1.0/-/<company>``)."""
