"""Other ways in and out: how pages look, the command line, the demo. No rule lives here."""
