"""One file per command. No logic that a library user would want."""
