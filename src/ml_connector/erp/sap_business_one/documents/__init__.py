"""Documents: ours into Business One's words, and Business One's back into ours. One module per kind; pure."""
