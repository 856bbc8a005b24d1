"""What is submitted: a source folder, a script in it, and how it is to run."""
