"""Questions in GraphQL, as MLflow's page asks them: answered by the same routes, of which they choose the fields."""
