"""Everything durable: one database (SQLite, or PostgreSQL when one machine is outgrown) behind one door.

``door`` is the only way in: ``await store.call(fn)`` runs ``fn(connection)`` in one short transaction. ``tables`` says what
is kept. Every other module is a noun with plain functions that take the connection first and return frozen dataclasses;
queries live there and nowhere else. Nothing here opens a sealed envelope: that is the vault's.
"""
