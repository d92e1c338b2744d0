"""The command line: `flask users`, `flask verify`, `flask procedure`, `flask road`."""
