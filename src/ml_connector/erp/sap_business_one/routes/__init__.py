"""Routes: how documents come to be in Business One. Which writes each needs, what is there now, and how one write is sent."""
