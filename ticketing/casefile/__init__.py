"""The file on the desk and what is pinned to it: tickets with their notes, and the journal."""
