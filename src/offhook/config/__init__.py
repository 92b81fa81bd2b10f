"""Settings and its parts, frozen; load() says where each value came from."""
