"""Tunnels: a public address that leads to a port of this computer. A tunnel is not the server; it only leads to it."""
