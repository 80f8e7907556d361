"""The migrations, oldest first. Each says what it does in plain DDL and never looks at ``tables``, which moves on."""
