"""The drill: real runs in a workspace made for it, everybody killed at random moments, and what is found afterwards."""
