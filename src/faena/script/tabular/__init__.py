"""Tables that are read from files in chunks of one schema, by the pandas of whoever asks. Loaded when it is used."""
