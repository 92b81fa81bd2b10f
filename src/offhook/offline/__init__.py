"""The Deepgram-compatible offline agent. Shares no codec with the bridge it is there to test."""
