"""MLflow's filters and orders: read once, then said in SQL over our tables."""
