"""Railway by its public GraphQL API: finds before it creates, reads back what it set. No binary."""
