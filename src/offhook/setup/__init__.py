"""The road to a number that is answered: wizard, doctor, hosting platforms, tunnels. Never part of a call."""
