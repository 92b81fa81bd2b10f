"""The only place that touches a call's sockets. No protocol knowledge beyond what wire and call offer."""
