"""Logs, metrics and redaction. Never sees audio."""
