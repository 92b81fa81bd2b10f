"""The simulated Twilio. Shares no codec with the bridge it is there to test."""
