"""HTTP as this program uses it: reads that may be repeated, writes that are sent once under a pass.

``http`` is the client, ``auth`` what sign-in flows share, ``bucket`` the arithmetic of rate limits, ``redaction`` what may
never be written down. Nothing here knows Amazon or an ERP.
"""
