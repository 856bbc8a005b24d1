"""v1's words for deployed models over Faena's endpoints: whatever a script names, this machine serves."""
