"""`offhook dev`: server, tunnel and number together on a laptop, and everything as before when it stops."""
