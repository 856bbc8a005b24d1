"""File datasets: named, versioned lists of paths in datastores and of web addresses."""
