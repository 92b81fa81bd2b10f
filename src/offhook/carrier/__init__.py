"""Twilio's REST side: the account, its numbers, outbound calls. Knows nothing of sockets of a call."""
