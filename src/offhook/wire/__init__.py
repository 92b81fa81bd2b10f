"""Bytes to typed messages and back, for both vendors. Pure: no sockets, no clock, no randomness."""
