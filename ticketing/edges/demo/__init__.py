"""The demo database: people and events of an invented property group, told through the commands."""
