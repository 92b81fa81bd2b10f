"""The simulated Twilio's REST API, on real sockets under the vendor's own paths. No real call, no real message."""
