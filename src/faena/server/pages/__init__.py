"""The pages that browsers get: what features know, as plain values, in templates that escape all that they show."""
