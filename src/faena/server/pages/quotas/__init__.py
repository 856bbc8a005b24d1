"""The page of quotas: who may use how much, and what they use."""
