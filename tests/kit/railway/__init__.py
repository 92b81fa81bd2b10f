"""A Railway of our own on real sockets: its GraphQL API judged by its own schema, its deployments real processes."""
