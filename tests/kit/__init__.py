"""What tests of several layers share: a call sheet for the pure core, and a bridge on real sockets."""
