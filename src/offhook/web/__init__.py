"""HTTP on the same port: voice webhooks, health, metrics. No media."""
