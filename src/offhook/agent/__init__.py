"""What the agent is: profiles and the Settings message built from configuration. No sockets."""
