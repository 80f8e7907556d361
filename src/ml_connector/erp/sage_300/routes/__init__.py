"""Routes: one module per way in which documents come to be in Sage. Each says which writes it needs, what is there now, and
does one write."""
