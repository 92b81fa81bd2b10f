"""Judges of Twilio's REST API, made from the vendor's OpenAPI document: nothing here shares code with either side."""
